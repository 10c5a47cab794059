"""Max pooling and batch normalization by compiled kernels, once a program has done enough of them."""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any

import numpy as np

from engine.kernels import compiler, image_source

ENOUGH = 2_000_000
"""Elements after which compiling is worth its second."""
_done = 0


def worth(x: np.ndarray) -> bool:
    """True when compiled kernels take this array, now that this much has been done."""
    global _done
    if x.dtype.char not in "fd" or not x.size or compiler.paused:
        return False
    if _done < ENOUGH:
        _done += x.size
    return _done >= ENOUGH


@cache
def kernels() -> Any:
    """The compiled module."""
    return compiler.load(image_source.SOURCE)


def maximum(
    x: np.ndarray, out: tuple, reach: tuple, stride: tuple, padding: tuple, dilation: tuple
) -> tuple[np.ndarray, np.ndarray]:
    """The largest of each window of images, and where it lies. Shapes: x (..., height, width)."""
    lead = x.shape[:-2]
    best, where = np.empty((*lead, *out), x.dtype), np.empty((*lead, *out), np.int64)
    planes = prod(lead)
    flat = np.ascontiguousarray(x).reshape(planes, *x.shape[-2:])
    tops, places = best.reshape(planes, *out), where.reshape(planes, *out)
    if reach == stride == (2, 2) and padding == (0, 0) and dilation == (1, 1) and 2 * out[0] <= x.shape[-2] \
            and 2 * out[1] <= x.shape[-1]:
        kernels().maximum_of_four(flat, tops, places)
    else:
        kernels().maximum(flat, tops, places, *reach, *stride, *padding, *dilation)
    return best, where


def scattered(g: np.ndarray, where: np.ndarray, size: tuple) -> np.ndarray:
    """A zero array of `size` in the last dimensions with each g added at its place."""
    lead = g.shape[: len(g.shape) - len(size)]
    rows = prod(lead)
    out = np.zeros((*lead, *size), g.dtype)
    kernels().scatter(
        np.ascontiguousarray(g).reshape(rows, -1),
        np.ascontiguousarray(where).reshape(rows, -1),
        out.reshape(rows, -1),
    )
    return out


def normalized(
    x: np.ndarray, weight: Any, bias: Any, mean: np.ndarray, var: np.ndarray, eps: float, train: bool
) -> tuple[np.ndarray, np.ndarray]:
    """x normalized for each channel, and 1 / its standard deviation; in training, mean and var are
    filled in."""
    n, c = x.shape[:2]
    y, invstd = np.empty(x.shape, x.dtype), np.empty(c, x.dtype)
    weight = np.ones(c, x.dtype) if weight is None else weight
    bias = np.zeros(c, x.dtype) if bias is None else bias
    kernels().normalize(
        np.ascontiguousarray(x).reshape(n, c, -1),
        weight,
        bias,
        y.reshape(n, c, -1),
        mean,
        var,
        invstd,
        x.dtype.type(eps),
        train,
    )
    return y, invstd


def normalized_back(
    g: np.ndarray, x: np.ndarray, weight: Any, mean: np.ndarray, invstd: np.ndarray, train: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of x, weight and bias."""
    n, c = x.shape[:2]
    gx, gw, gb = np.empty(x.shape, x.dtype), np.empty(c, x.dtype), np.empty(c, x.dtype)
    weight = np.ones(c, x.dtype) if weight is None else weight
    kernels().normalize_back(
        np.ascontiguousarray(g).reshape(n, c, -1),
        np.ascontiguousarray(x).reshape(n, c, -1),
        weight,
        mean,
        invstd,
        gx.reshape(n, c, -1),
        gw,
        gb,
        train,
    )
    return gx, gw, gb
