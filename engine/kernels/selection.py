"""Where sorted, selected and most frequent elements stood, ties settled as PyTorch settles them."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import numpy as np

from engine.kernels import compiler, selection_source

ORDERED, FIRST_IN_ORDER, FIRST, PLACED, PICKED = range(5)
LONG = 20_000
"""Elements from which compiling is worth its seconds."""


@cache
def compiled() -> Any:
    """The compiled twin of selection_source.each_row."""
    text = "\n\n".join("@njit(cache=True)\n" + inspect.getsource(s) for s in selection_source.STEPS)
    return compiler.load(text).each_row


def tied(a: np.ndarray, order: np.ndarray) -> bool:
    """True when equal elements stand in one row. Shapes: a and its stable order (..., n)."""
    there = np.take_along_axis(a, order, -1)
    same = there[..., 1:] == there[..., :-1]
    if a.dtype.kind == "f":
        same |= np.isnan(there[..., :-1])
    return bool(same.any())


def arranged(a: np.ndarray, order: np.ndarray, way: int, k: int = 0, largest: bool = False) -> np.ndarray:
    """The elements' numbers as one of the ways of selection_source leaves them.

    Shapes: a and its stable ascending order (..., n); NaN counts as the greatest."""
    there = np.take_along_axis(a, order, -1)
    new = there[..., 1:] != there[..., :-1]
    if a.dtype.kind == "f":
        new &= ~np.isnan(there[..., :-1])
    rank = np.zeros(a.shape, np.int64)
    np.cumsum(new, axis=-1, out=rank[..., 1:])
    keys = np.empty(a.shape, np.int64)
    np.put_along_axis(keys, order, rank, -1)
    if largest:
        keys = -keys
    at = np.broadcast_to(np.arange(a.shape[-1]), a.shape).copy()
    key_rows: Any = keys.reshape(-1, a.shape[-1])
    rows: Any = at.reshape(-1, a.shape[-1])
    if a.size >= LONG:
        compiled()(key_rows, rows, way, k)
        return at
    for r, key in enumerate(key_rows.tolist()):
        row = rows[r].tolist()
        selection_source.one_row(key, row, way, k)
        rows[r] = row
    return at
