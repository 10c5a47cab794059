"""Fused multiply-add on arrays: the product and the sum with one rounding, on any processor.

Source: S. Boldo, G. Melquiond, Emulation of FMA and correctly rounded sums (IEEE Trans. Computers, 2008).
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["fused_multiply_add"]

_CHUNK = 16384
_LEAST = np.finfo(np.float32).tiny
_SPLIT = 134217729.0  # 2**27 + 1 cuts a double into two halves whose products are exact


def _two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _odd_sum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a + b rounded to odd: an inexact sum keeps a last bit that decides a later tie the right way."""
    total, lost = _two_sum(a, b)
    if lost.any():
        bits = total.view(np.int64)
        step = np.where((bits & 1) == 0, np.sign(lost) * np.sign(total), 0.0).astype(np.int64)
        total = (bits + step).view(np.float64)
    return total


def _split(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scaled = a * _SPLIT
    upper = scaled - (scaled - a)
    return upper, a - upper


def fused_multiply_add(a: np.ndarray, b: Any, c: Any) -> np.ndarray:
    """``a * b + c`` with one rounding, in the type of ``a`` (float32 or float64)."""
    if a.dtype == np.float32:
        if np.ndim(b) == 0 and np.ndim(c) == 0 and a.ndim == 1:
            out = np.empty_like(a)
            for start in range(0, a.size, _CHUNK):
                out[start : start + _CHUNK] = _single(a[start : start + _CHUNK], b, c)
            return out
        return _single(a, b, c)
    x, y, z = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in (a, b, c)))
    product = x * y
    x_upper, x_lower = _split(x)
    y_upper, y_lower = _split(y)
    rest = ((x_upper * y_upper - product) + x_upper * y_lower + x_lower * y_upper) + x_lower * y_lower
    upper, lower = _two_sum(z, rest)
    upper, middle = _two_sum(product, upper)
    return upper + _odd_sum(lower, middle)


def _single(a: np.ndarray, b: Any, c: Any) -> np.ndarray:
    # The product of two floats is exact in double. Rounding the sum twice goes wrong only where the double
    # lies halfway between two floats, or where the float is subnormal.
    product = np.multiply(a, np.float64(b) if np.ndim(b) == 0 else b, dtype=np.float64)
    total = product + np.asarray(c, dtype=np.float64)
    result = total.astype(np.float32)
    halfway = (total.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    if halfway.any() or (result.size and np.abs(result).min() < _LEAST):
        addend = np.broadcast_to(np.asarray(c, dtype=np.float64), product.shape)
        return _odd_sum(product, addend).astype(np.float32)
    return result
