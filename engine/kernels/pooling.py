"""Windows over images and volumes: their maximum or mean, and the way back.

Shapes: x (..., *size), y (..., *places). Any number of pooled dimensions.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from engine.kernels import compiled_image as compiled


def places(
    size: tuple, reach: tuple, stride: tuple, padding: tuple, dilation: tuple, ceil_mode: bool
) -> tuple[int, ...]:
    """How many windows there are in each dimension; the last may stick out with ceil_mode."""
    out = []
    for n, k, s, p, d in zip(size, reach, stride, padding, dilation):
        room = n + 2 * p - d * (k - 1) - 1
        count = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (count - 1) * s >= n + p:
            count -= 1
        out.append(count)
    return tuple(out)


def _spread(
    x: np.ndarray, fill: Any, k: int, reach: tuple, stride: tuple, padding: tuple, dilation: tuple, out: tuple
) -> np.ndarray:
    """x with `fill` around it, wide enough for every window."""
    size = x.shape[-k:]
    need = tuple(
        max((m - 1) * s + d * (r - 1) + 1, n + p)
        for m, s, d, r, n, p in zip(out, stride, dilation, reach, size, padding)
    )
    if not any(padding) and all(a <= b for a, b in zip(need, size)):
        return x
    whole = np.full((*x.shape[:-k], *need), fill, x.dtype)
    whole[(..., *(slice(p, p + n) for p, n in zip(padding, size)))] = x  # type: ignore[index]
    return whole


def _part(at: tuple, stride: tuple, dilation: tuple, out: tuple) -> tuple:
    return (..., *(slice(i * d, i * d + s * (m - 1) + 1, s) for i, d, s, m in zip(at, dilation, stride, out)))


def maximum(
    x: np.ndarray, reach: tuple, stride: tuple, padding: tuple, dilation: tuple, ceil_mode: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The largest of each window, and where it lies in the flattened x. NaN counts as largest."""
    k = len(reach)
    size = x.shape[-k:]
    out = places(size, reach, stride, padding, dilation, ceil_mode)
    if k == 2 and compiled.worth(x):
        return compiled.maximum(x, out, reach, stride, padding, dilation)
    lowest = -np.inf if x.dtype.kind not in "iu" else np.iinfo(x.dtype).min
    whole = _spread(x, lowest, k, reach, stride, padding, dilation, out)
    best: Any = None
    where: Any = None
    for at in product(*map(range, reach)):
        v = whole[_part(at, stride, dilation, out)]
        axes = [np.arange(m) * s + i * d - p for m, s, i, d, p in zip(out, stride, at, dilation, padding)]
        flat = np.zeros((), np.int64)
        inside: Any = True
        for axis, (a, n) in enumerate(zip(axes, size)):
            shape = [-1 if j == axis else 1 for j in range(k)]
            flat = flat * n + a.reshape(shape)
            inside = inside & ((a >= 0) & (a < n)).reshape(shape)
        if best is None:
            best = v.copy()
            where = np.broadcast_to(flat, best.shape).copy()
            sound = np.broadcast_to(inside, best.shape).copy() if not np.all(inside) else None
            continue
        better = (v > best) | (np.isnan(v) if v.dtype.kind not in "iu" else False)
        if sound is not None:
            better |= ~sound & inside  # a window that starts outside begins with its first place inside
            sound |= inside
        if not np.all(inside):
            better &= inside
        np.copyto(best, v, where=better)
        np.copyto(where, np.broadcast_to(flat, where.shape), where=better)
    return best, where


def scattered(g: np.ndarray, where: np.ndarray, size: tuple, once: bool) -> np.ndarray:
    """A zero array of `size` in the last dimensions with each g added at its place; `once`: no place
    appears twice."""
    k = len(size)
    if compiled.worth(g):
        return compiled.scattered(g, where, size)
    lead = g.shape[:-k]
    rows, n = prod(lead), prod(size)
    flat = (where.reshape(rows, prod(where.shape[-k:])) + (np.arange(rows) * n)[:, None]).reshape(-1)
    out = np.zeros(rows * n, g.dtype)
    if once:
        out[flat] = g.reshape(-1)
    else:
        np.add.at(out, flat, g.reshape(-1))
    return out.reshape(*lead, *size)


def gathered(x: np.ndarray, where: np.ndarray, k: int) -> np.ndarray:
    """x at the places `where`, which count within its last k dimensions."""
    rows = prod(where.shape[:-k])
    flat = np.take_along_axis(
        x.reshape(rows, prod(x.shape[-k:])), where.reshape(rows, prod(where.shape[-k:])), 1
    )
    return flat.reshape(where.shape)


def _divisors(
    size: tuple, reach: tuple, stride: tuple, padding: tuple, out: tuple, include: bool, override: int | None
) -> Any:
    if override is not None:
        return override
    total: Any = np.ones((), np.int64)
    for axis, (n, k, s, p, m) in enumerate(zip(size, reach, stride, padding, out)):
        first = np.arange(m) * s - p
        last = np.minimum(first + k, n + p)
        if not include:
            first, last = np.maximum(first, 0), np.minimum(last, n)
        total = total * (last - first).reshape([-1 if j == axis else 1 for j in range(len(out))])
    return total


def mean(
    x: np.ndarray,
    reach: tuple,
    stride: tuple,
    padding: tuple,
    ceil_mode: bool,
    include: bool,
    override: int | None,
) -> np.ndarray:
    """The mean of each window."""
    k = len(reach)
    ones = (1,) * k
    out = places(x.shape[-k:], reach, stride, padding, ones, ceil_mode)
    whole = _spread(x, 0, k, reach, stride, padding, ones, out)
    total = np.zeros((*x.shape[:-k], *out), x.dtype)
    for at in product(*map(range, reach)):
        total += whole[_part(at, stride, ones, out)]
    count = np.asarray(_divisors(x.shape[-k:], reach, stride, padding, out, include, override)).astype(
        x.dtype
    )
    if x.dtype.kind == "i":
        return (
            np.sign(total) * np.sign(count) * (np.abs(total) // np.abs(count))
        )  # towards zero, as integers divide in C
    total /= count
    return total


def mean_gradient(
    g: np.ndarray,
    size: tuple,
    reach: tuple,
    stride: tuple,
    padding: tuple,
    include: bool,
    override: int | None,
) -> np.ndarray:
    """The gradient of x from that of its windows' means."""
    k = len(reach)
    ones, out = (1,) * k, g.shape[-k:]
    need = tuple(max((m - 1) * s + r, n + p) for m, s, r, n, p in zip(out, stride, reach, size, padding))
    whole = np.zeros((*g.shape[:-k], *need), g.dtype)
    share = g / np.asarray(_divisors(size, reach, stride, padding, out, include, override)).astype(g.dtype)
    for at in product(*map(range, reach)):
        whole[_part(at, stride, ones, out)] += share
    return np.ascontiguousarray(whole[(..., *(slice(p, p + n) for p, n in zip(padding, size)))])  # type: ignore[arg-type]


def bounds(n: int, m: int) -> list[tuple[int, int]]:
    """The m spans that adaptive pooling cuts n places into; neighbours may share a place."""
    return [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]


def adaptive_maximum(x: np.ndarray, out: tuple) -> tuple[np.ndarray, np.ndarray]:
    """The largest of each adaptive span, and where it lies in the flattened x."""
    k = len(out)
    size, lead = x.shape[-k:], x.shape[:-k]
    best, where = np.empty((*lead, *out), x.dtype), np.empty((*lead, *out), np.int64)
    flat = np.arange(prod(size)).reshape(size)
    for at in product(*map(range, out)):
        part = tuple(slice(*bounds(n, m)[i]) for n, m, i in zip(size, out, at))
        v = x[(..., *part)].reshape(*lead, -1)  # type: ignore[arg-type]
        first = np.argmax(v, axis=-1)
        best[(..., *at)] = np.take_along_axis(v, first[..., None], -1)[..., 0]  # type: ignore[index]
        where[(..., *at)] = flat[part].reshape(-1)[first]  # type: ignore[index]
    return best, where
