"""Fused multiply-add on arrays: the product and the sum with one rounding, on any processor.

Source: S. Boldo, G. Melquiond, Emulation of FMA and correctly rounded sums (IEEE Trans. Computers, 2008).
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["fused_multiply_add"]

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
    x, y, z = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in (a, b, c)))
    product = x * y
    if a.dtype == np.float32:  # 48 bits at most, so the product is exact
        return _odd_sum(product, z).astype(np.float32)
    x_upper, x_lower = _split(x)
    y_upper, y_lower = _split(y)
    rest = ((x_upper * y_upper - product) + x_upper * y_lower + x_lower * y_upper) + x_lower * y_lower
    upper, lower = _two_sum(z, rest)
    upper, middle = _two_sum(product, upper)
    return upper + _odd_sum(lower, middle)
