"""The compiled twin of ``box_muller``: the same polynomials as one loop. Importing this loads numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from engine.core import box_muller as twin

__all__ = ["fill"]

_single = np.float32
_A0, _A1, _A2, _A3, _A4, _A5, _A6, _A7, _A8 = (_single(c) for c in twin._LOG)
_C0, _C1, _C2 = (_single(c) for c in twin._COS)
_S0, _S1, _S2 = (_single(c) for c in twin._SIN)
_D0, _D1, _D2 = (_single(c) for c in twin._QUARTER_PI)
_LOW, _HIGH, _ROOT = _single(twin._LOG2_LOW), _single(twin._LOG2_HIGH), _single(twin._ROOT_HALF)
_FOUR, _TWO_PI = _single(twin._FOUR_OVER_PI), _single(twin._TWO_PI)
_ONE, _HALF, _MINUS_TWO, _UNIT = _single(1), _single(0.5), _single(-2), _single(2.0**-24)


def _fused(typing: Any, a: Any, b: Any, c: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float32(types.float32, types.float32, types.float32), generate


_fma: Any = intrinsic(_fused)


@njit
def _radius(k: int) -> float:
    value = np.int32(16777216 - k)
    bits = _single(value).view(np.int32)
    exponent = _single((bits >> 23) - 150)
    x = np.int32((bits & 0x7FFFFF) | 0x3F000000).view(_single)
    small = x < _ROOT
    exponent = exponent - _ONE if small else exponent
    x = (x - _ONE) + (x if small else _single(0))
    square = x * x
    y = _fma(_A0, x, _A1)
    y = _fma(y, x, _A2)
    y = _fma(y, x, _A3)
    y = _fma(y, x, _A4)
    y = _fma(y, x, _A5)
    y = _fma(y, x, _A6)
    y = _fma(y, x, _A7)
    y = _fma(y, x, _A8)
    y = _fma(y * x, square, exponent * _LOW)
    y = _fma(-square, _HALF, y)
    return np.sqrt(_MINUS_TWO * _fma(exponent, _HIGH, x + y))


@njit
def _sine_cosine(k: int) -> tuple[float, float]:
    x = _TWO_PI * (_single(np.int32(k)) * _UNIT)
    octant = (np.int32(x * _FOUR) + np.int32(1)) & np.int32(-2)
    turns = _single(octant)
    x = _fma(turns, _D0, x)
    x = _fma(turns, _D1, x)
    x = _fma(turns, _D2, x)
    square = x * x
    cosine = _fma(_fma(_C0, square, _C1), square, _C2)
    cosine = _fma(cosine * square, square, -(square * _HALF)) + _ONE
    sine = _fma(_fma(_S0, square, _S1), square, _S2)
    sine = _fma(sine * square, x, x)
    swap = (octant & 2) != 0
    first = cosine if swap else sine
    second = sine if swap else cosine
    first = -first if octant & 4 else first
    second = second if (octant - 2) & 4 else -second
    return first, second


@njit(cache=True)
def fill(words: np.ndarray, mean: float, std: float, out: np.ndarray) -> None:
    """Normal samples of the words, blocks of 16, with one rounding for scale and shift."""
    for start in range(0, len(words), 16):
        for i in range(start, start + 8):
            radius = _radius(words[i] & 0xFFFFFF)
            sine, cosine = _sine_cosine(words[i + 8] & 0xFFFFFF)
            out[i] = _fma(radius * cosine, std, mean)
            out[i + 8] = _fma(radius * sine, std, mean)
