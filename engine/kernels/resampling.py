"""Resampling along each dimension by a table of weights: interpolation of every kind, and averages of spans.

A table has one row for each output place and one column for each input place; going back is the
transposed table.
"""

from __future__ import annotations

from functools import lru_cache
from math import floor
from typing import Any

import numpy as np


def applied(x: np.ndarray, tables: list) -> np.ndarray:
    """x with each of its last dimensions replaced by table @ dimension; None leaves one as it is."""
    k = len(tables)
    for i, table in enumerate(tables):
        if table is None:
            continue
        axis = x.ndim - k + i
        if axis == x.ndim - 1:
            x = np.matmul(x, table.T.astype(x.dtype, copy=False))
        else:
            moved = np.moveaxis(x, axis, -1)
            x = np.moveaxis(np.matmul(moved, table.T.astype(x.dtype, copy=False)), -1, axis)
    return np.ascontiguousarray(x)


@lru_cache(maxsize=64)
def _spans(n: int, m: int) -> np.ndarray:
    table = np.zeros((m, n))
    for i in range(m):
        first, last = i * n // m, -(-(i + 1) * n // m)
        table[i, first:last] = 1 / (last - first)
    return table


def spans(n: int, m: int, kind: Any) -> np.ndarray:
    """The table that averages n places into m spans."""
    return _spans(n, m).astype(kind)


def _scale(n: int, m: int, align: bool, given: float | None) -> float:
    if align:
        return (n - 1) / (m - 1) if m > 1 else 0.0
    return 1.0 / given if given is not None and given > 0 else n / m


def _cubic(t: float, a: float = -0.75) -> list[float]:
    def near(x: float) -> float:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: float) -> float:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


@lru_cache(maxsize=256)
def table(
    mode: str, n: int, m: int, align: bool = False, given: float | None = None, single: bool = True
) -> np.ndarray:
    """The weights of an interpolation from n to m places.

    `given` is the scale factor where it, not the sizes' ratio, decides; `single`: positions in single
    precision."""
    out = np.zeros((m, n))
    real: Any = np.float32 if single else np.float64
    if mode in ("nearest", "nearest-exact"):
        scale = real(_scale(n, m, False, given))
        for i in range(m):
            at = floor(real(i) * scale) if mode == "nearest" else floor((real(i) + real(0.5)) * scale)
            out[i, min(int(at), n - 1)] = 1
        return out
    scale = real(_scale(n, m, align, given))
    for i in range(m):
        at = scale * real(i) if align else scale * (real(i) + real(0.5)) - real(0.5)
        if mode == "linear":
            at = max(at, real(0))
            j = min(int(at), n - 1)
            t = float(min(max(at - real(j), real(0)), real(1)))
            out[i, j] += 1 - t
            out[i, min(j + 1, n - 1)] += t
        else:
            j = floor(at)
            for d, w in zip(range(-1, 3), _cubic(float(at - real(j)))):
                out[i, min(max(j + d, 0), n - 1)] += w
    return out


@lru_cache(maxsize=256)
def antialiased(mode: str, n: int, m: int, align: bool = False, given: float | None = None) -> np.ndarray:
    """The weights of an interpolation whose filter widens when it makes smaller."""
    out = np.zeros((m, n))
    scale = _scale(n, m, align, given)
    reach = 1.0 if mode == "linear" else 2.0
    support = reach * scale if scale >= 1 else reach
    inverse = 1 / scale if scale >= 1 else 1.0
    for i in range(m):
        centre = scale * (i + 0.5)
        first, last = max(int(centre - support + 0.5), 0), min(int(centre + support + 0.5), n)
        w = [_filter(mode, (j - centre + 0.5) * inverse) for j in range(first, last)]
        total = sum(w)
        out[i, first:last] = [v / total for v in w] if total else w
    return out


def _filter(mode: str, x: float) -> float:
    x = abs(x)
    if mode == "linear":
        return 1 - x if x < 1 else 0.0
    a = -0.5
    if x < 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    if x < 2:
        return (((x - 5) * x + 8) * x - 4) * a
    return 0.0
