"""Every formula of the pointwise records with sample inputs, and what its CUDA twin makes of them.

Run as a program under NUMBA_ENABLE_CUDASIM=1 it prints the twins' results as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import engine  # noqa: F401
from engine.kernels import reduction
from engine.kernels.expression import Expression, NotAFormula, forward_of, gradient_of
from engine.ops.record import RECORDS

COUNT = 8


def formulas() -> Iterator[tuple[str, Any, str, Expression]]:
    """(name, record, input whose gradient it is or "", formula) of all that can be traced."""
    for name, op in RECORDS.items():
        if op.family != "pointwise":
            continue
        for which in ("", *op.grads):
            try:
                yield (
                    f"{name}.{which or 'forward'}",
                    op,
                    which,
                    (gradient_of(op, which, settings_of(op)) if which else forward_of(op, settings_of(op))),
                )
            except NotAFormula:
                continue


def settings_of(op: Any) -> dict[str, Any]:
    """Values for settings that have no default."""
    return (
        {"threshold": 0.3, "value": 7.0, "n": 2}
        if op.name == "threshold"
        else {"alpha": 2.0, "eps": 1e-6}
        if op.name in ("add", "sub", "logit")
        else {}
    )


def samples(op: Any, made: Expression) -> list[np.ndarray]:
    """An array for each parameter, inside the record's domain."""
    low, high = op.domain or (0.2, 0.9)
    rng = np.random.default_rng(sum(map(ord, op.name)))
    found = []
    for k, name in enumerate(made.arrays):
        values = rng.uniform(low, high, COUNT) if name in op.parameters else rng.uniform(0.1, 0.9, COUNT)
        found.append(values + 0.013 * k)
    return found


def cuda_results() -> dict[str, list]:
    """What the CUDA twins compute, by name."""
    from numba import cuda

    found: dict[str, list] = {}
    for name, op, _, made in formulas():
        space: dict[str, Any] = {}
        exec(made.cuda("float64"), space)
        out = np.zeros(COUNT, bool if made.is_truth else np.float64)
        try:
            space["run"][2, COUNT // 2](COUNT, *samples(op, made), out)
            found[name] = [float(v) for v in out]
        except (ValueError, OverflowError, ZeroDivisionError):
            # Python's math raises where hardware answers NaN or Inf.
            found[name] = []
    space = {}
    exec(reduction.CUDA_SUM, space)
    values, out = np.arange(1, 151, dtype=np.float32), np.zeros(1, np.float32)
    space["total"][3, reduction.THREADS](len(values), values, out)
    found["sum"] = [float(out[0])]
    del cuda
    return found


if __name__ == "__main__":
    print(json.dumps(cuda_results()))
