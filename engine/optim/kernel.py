"""Compiled loops of the optimizers over flat arrays; a multiply followed by an add rounds once.

float32 results are the same bits as the double-precision detour in arithmetic.py; these are the faster way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic


def _single_rounding(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c with a single rounding."""
    if not (isinstance(a, types.Float) and a == b == c):
        return None

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return a(a, a, a), emit


_fma: Any = intrinsic(_single_rounding)


@njit(cache=True, error_model="numpy")
def add(a: Any, b: Any, alpha: Any) -> None:
    """a += alpha * b."""
    for i in range(a.size):
        a[i] = _fma(b[i], alpha, a[i])


@njit(cache=True, error_model="numpy")
def lerp(a: Any, b: Any, weight: Any) -> None:
    """a += weight * (b - a), from the nearer end."""
    if abs(weight) < 0.5:
        for i in range(a.size):
            a[i] = _fma(weight, b[i] - a[i], a[i])
    else:
        rest = weight - a.dtype.type(1)
        for i in range(a.size):
            a[i] = _fma(b[i] - a[i], rest, b[i])


@njit(cache=True, error_model="numpy")
def addcmul(a: Any, b: Any, c: Any, value: Any) -> None:
    """a += value * b * c."""
    for i in range(a.size):
        a[i] = _fma(value * b[i], c[i], a[i])


@njit(cache=True, error_model="numpy")
def addcdiv(a: Any, b: Any, c: Any, value: Any) -> None:
    """a += value * b / c."""
    for i in range(a.size):
        a[i] += value * b[i] / c[i]


@njit(cache=True, error_model="numpy")
def adam(
    p: Any,
    g: Any,
    average: Any,
    square: Any,
    weight: Any,
    keep: Any,
    take: Any,
    root: Any,
    eps: Any,
    rate: Any,
) -> None:
    """Adam's whole update: both averages, then the parameter."""
    for i in range(p.size):
        m = _fma(weight, g[i] - average[i], average[i])
        v = _fma(take * g[i], g[i], keep * square[i])
        average[i] = m
        square[i] = v
        p[i] += rate * m / (np.sqrt(v) / root + eps)


@njit(cache=True, error_model="numpy")
def momentum(p: Any, g: Any, buffer: Any, keep: Any, take: Any, rate: Any) -> None:
    """buffer = keep * buffer + take * g; p += rate * buffer."""
    for i in range(p.size):
        b = _fma(g[i], take, keep * buffer[i])
        buffer[i] = b
        p[i] = _fma(b, rate, p[i])
