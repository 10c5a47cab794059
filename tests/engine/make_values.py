"""Writes tests/data/{display,graphs,indexing}.json: what real PyTorch prints, and the graphs and shapes it
gives, for the tests here.

Run it with PyTorch 2.13 installed: python tests/engine/make_values.py
"""

from __future__ import annotations

import json
import random
import sys
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from programs import EXPRESSIONS, display_array, graph_of, index_cases, index_result


def display_cases() -> list[dict]:
    """Tensors of all types and sizes under several print options, and their text."""
    import torch

    rng = random.Random(7)
    cases = []
    kinds = ["float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "int8", "bool",
             "complex64",
             "complex128", "int16"]
    for n in range(240):
        kind = kinds[n % len(kinds)]
        shape = [rng.choice([0, 1, 2, 3, 5, 9, 30]) for _ in range(rng.choice([0, 1, 1, 2, 2, 3]))]
        if n % 6:
            shape = [max(s, 1) for s in shape]
        options: dict = {}
        if n % 3 == 0:
            options = {"precision": rng.choice([2, 4, 6]), "threshold": rng.choice([5, 50, 1000]),
                       "edgeitems": rng.choice([1, 2, 3]), "linewidth": rng.choice([40, 80, 120]),
                       "sci_mode": rng.choice([None, True, False])}
        case = {"seed": n, "dtype": kind, "shape": shape, "options": options}
        torch.set_printoptions(profile="default")
        torch.set_printoptions(**options)
        case["text"] = repr(torch.tensor(display_array(case)).to(getattr(torch, kind)))
        cases.append(case)
    torch.set_printoptions(profile="default")
    return cases


def graphs() -> list[dict]:
    """For each expression its graph, shape and strides, or the error."""
    import torch

    return [{"expression": e, "result": graph_of(torch, e)} for e in EXPRESSIONS]


def indexing() -> list[dict]:
    """For each index and assignment: values, graph, gradients, or the error."""
    import torch

    return [{"case": c, "result": index_result(torch, c)} for c in index_cases(400)]


def main() -> None:
    """Write all files."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for name, cases in {"display": display_cases(), "graphs": graphs(), "indexing": indexing()}.items():
        with open(HERE.parent / "data" / f"{name}.json", "w", encoding="utf-8") as f:
            f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main()
