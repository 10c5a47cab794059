"""Walks the tables in PyTorch's wheel and prints, row by row, samples passed and the first difference,
with totals.

python -m tests.conformance [--table ops|second|forward|modules|schedulers|graphs] [--match REGEX] [--all]
                            [--floor]

--floor exits with 1 when a total is below what the project has reached.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import warnings
from typing import Any

from tests.conformance.gaps import GAPS

FLOOR = {"ops": 660, "second": 490, "forward": 485, "modules": 113, "schedulers": 1, "graphs": 126}
TABLES = list(FLOOR)


def report(table: str, rows: list[dict], everything: bool) -> int:
    """Print one table; the number of rows that pass whole."""
    counted = sum(r["total"] > 0 for r in rows)  # of the others no sample is comparable here
    whole = [r for r in rows if r["passed"] == r["total"] > 0]
    mostly = [r for r in rows if r["passed"] * 2 > r["total"]]
    gaps = GAPS.get(table, {})
    known = sum(r["name"] in gaps for r in rows if r["passed"] != r["total"])
    for r in rows:
        if everything or r["passed"] != r["total"]:
            gap = gaps.get(r["name"]) if r["first"] else None
            note = f"known gap: {gap}" if gap else r["first"]
            print(f"{r['name']:44} {r['passed']:>4}/{r['total']:<4} {note[:150]}")
    samples = sum(r["passed"] for r in rows), sum(r["total"] for r in rows)
    print(f"\n{table}: {len(whole)} of {counted} rows pass whole, {len(mostly)} for the most part; "
          f"{samples[0]} of {samples[1]} samples; {known} known gaps")
    if any("errors" in r for r in rows):
        same = sum(r["errors"][0] for r in rows)
        total = sum(r["errors"][1] for r in rows)
        print(f"{table}: {same} of {total} error inputs raise PyTorch's exception type")
    print()
    return len(whole)


def report_graphs(rows: list[dict], everything: bool) -> int:
    """Print which programs build PyTorch's graph; their number."""
    same = sum(r["passed"] for r in rows)
    for r in rows:
        if everything or r["first"]:
            print(f"{r['name']:60} {r['first'] or 'identical'}")
    print(f"graphs: {same} of {len(rows)} programs identical")
    return same


def walk(table: str, match: str) -> list[dict]:
    """The rows of one table."""
    import torch

    torch.set_num_threads(1)
    found: list[Any] = []
    if table == "ops":
        from torch.testing._internal.common_methods_invocations import op_db

        from tests.conformance import ops

        found = [ops.check(i) for i in op_db if ops.public(i) and re.search(match, ops.entry_name(i))]
    elif table in ("second", "forward"):
        from torch.testing._internal.common_methods_invocations import op_db

        from tests.conformance import derivatives, ops

        wanted = [i for i in op_db if ops.public(i) and re.search(match, ops.entry_name(i))
                  and (i.supports_gradgrad if table == "second" else i.supports_forward_ad)]
        run = derivatives.second if table == "second" else derivatives.forward
        found = [row for i in wanted if (row := derivatives.check(i, run))]
    elif table == "modules":
        from torch.testing._internal.common_modules import module_db

        from tests.conformance import modules

        found = [modules.check(i) for i in module_db if re.search(match, i.module_cls.__name__)]
    elif table == "graphs":
        from tests.conformance import fragment_graphs, graphs

        found = [graphs.check(k, v) for k, v in graphs.programs().items() if re.search(match, k)]
        if match == "." or "fragment" in match:
            found += fragment_graphs.rows()
    return found


def main() -> int:
    """Run the tables; 1 when --floor was asked and a total is below it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", choices=TABLES, action="append")
    parser.add_argument("--match", default=".")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--floor", action="store_true")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    below = []
    for table in given.table or TABLES:
        start = time.time()
        if table == "schedulers":
            from tests.conformance import schedulers

            passed = int(not schedulers.main())
        elif table == "graphs":
            passed = report_graphs(walk(table, given.match), given.all)
        else:
            passed = report(table, walk(table, given.match), given.all)
        print(f"{table}: {time.time() - start:.0f} s\n")
        if passed < FLOOR[table]:
            below.append(table)
    if given.floor and below:
        print(f"below what was reached before: {', '.join(below)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
