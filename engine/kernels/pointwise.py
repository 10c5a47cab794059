"""Fused kernels for large arrays: a formula in one pass, where NumPy takes one for each operation.

A kernel is made when its formula has run over ENOUGH elements, and only where the formula is of cheap
operations: there
the passes are what costs. Others, and whatever is small or not contiguous, stay with NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.kernels import compiler
from engine.kernels.expression import Expression, NotAFormula, forward_of, gradient_of

LARGE = 16_384
"""Elements from which a kernel is looked for at all."""
ENOUGH = 4_000_000
"""Elements after which compiling is worth its half second."""
_REALS = {"f": "float32", "d": "float64"}
_counts: dict[tuple, int] = {}
_kernels: dict[tuple, Any] = {}
NO = object()
"""Stands for a formula that NumPy does as well."""


def gradient(op: Any, which: str, names: tuple[str, ...], args: list) -> np.ndarray | None:
    """The gradient formula on these arrays by a fused kernel, or None where NumPy should do it."""
    return _run(op, which, names, args)


def forward(op: Any, args: list) -> np.ndarray | None:
    """The forward formula on these arrays by a fused kernel, or None where NumPy should do it."""
    return _run(op, "", op.parameters, args)


def _run(op: Any, which: str, names: tuple[str, ...], args: list) -> np.ndarray | None:
    first: Any = None
    marks: list = []
    for a in args:
        if type(a) is np.ndarray:
            if first is None:
                first = a
            elif a.shape != first.shape or a.dtype is not first.dtype:
                return None
            if not a.flags.c_contiguous:
                return None
            marks.append("array")
        elif isinstance(a, np.generic):
            return None
        else:
            marks.append(a)
    if first is None or first.dtype.char not in _REALS or compiler.paused:
        return None
    try:
        key = (op.name, which, first.dtype.char, *marks)
        found = _kernels.get(key)
    except TypeError:  # a setting that cannot be looked up
        return None
    if found is NO:
        return None
    if found is None:
        if len(_counts) > 4096:  # a number that changes with every call makes a new key each time
            _counts.clear()
        done = _counts[key] = _counts.get(key, 0) + first.size
        if done < ENOUGH:
            return None
        found = _kernels[key] = _made(op, which, names, args, first.dtype.char)
        if found is NO:
            return None
    run, wanted, truth = found
    out = np.empty(first.shape, np.bool_ if truth else first.dtype)
    by_name = dict(zip(names, args))
    run(*[by_name[n].reshape(-1) for n in wanted], out.reshape(-1))
    return out


def _made(op: Any, which: str, names: tuple[str, ...], args: list, char: str) -> Any:
    settings = {n: a for n, a in zip(names, args) if type(a) is not np.ndarray}
    try:
        if which:
            traced = gradient_of(op, which, settings)
        else:
            traced = forward_of(op, settings)
    except NotAFormula:
        return NO
    if not worthwhile(traced) or any(n in settings for n in traced.arrays):
        return NO
    return compiler.load(traced.cpu(_REALS[char])).run, tuple(traced.arrays), traced.is_truth


def worthwhile(traced: Expression) -> bool:
    """True for formulas of several cheap operations."""
    return traced.cheap and traced.work > 1 and bool(traced.arrays)
