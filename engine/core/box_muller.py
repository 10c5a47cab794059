"""Normal samples from uniform words, 16 at a time, to the last bit of PyTorch's AVX2 path.

A block of 16 words is eight radii and eight angles: ``radius = sqrt(-2 log(1 - u))``, ``angle = 2 pi v``,
and the block becomes eight ``radius * cos(angle)`` and eight ``radius * sin(angle)``. The logarithm, sine
and cosine are Moshier's single-precision polynomials evaluated with fused multiply-adds. A uniform has
24 bits, so agreement was checked over every one of the 2**24 radii and angles.

Two twins give the same bits: array arithmetic in double precision, which starts at once, and a compiled loop
(``box_muller_kernel``), which is loaded when numba is there already or when enough samples were asked for.

Source: S. L. Moshier, Methods and Programs for Mathematical Functions (1989): logf, sinf, cosf.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.core.fused import fused_multiply_add

__all__ = ["normals_from_words"]

_CHUNK = 8192
# Loading numba takes as long as some ten million samples by arrays; a call costs as much as 5000 of them.
_WORTH_COMPILING = 1 << 23
_WORTH_LOADING = 1 << 21
_CALL = 5000

_LOG = (
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
_LOG2_LOW, _LOG2_HIGH, _ROOT_HALF = -2.12194440e-4, 0.693359375, 0.707106781186547524
_COS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_QUARTER_PI = (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)
_FOUR_OVER_PI, _TWO_PI = 1.27323954473516, 6.283185307179586

_kernel: Callable[..., Any] | None = None
_made = 0


def _rounded(*values: float) -> tuple[np.float64, ...]:
    return tuple(np.float64(np.float32(value)) for value in values)


_LOG64, _COS64, _SIN64, _QUARTER_PI64 = (
    _rounded(*_LOG),
    _rounded(*_COS),
    _rounded(*_SIN),
    _rounded(*_QUARTER_PI),
)
_LOW64, _HIGH64, _ROOT64, _FOUR64, _TWO_PI64 = _rounded(
    _LOG2_LOW, _LOG2_HIGH, _ROOT_HALF, _FOUR_OVER_PI, _TWO_PI
)


def _single(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).astype(np.float64)


def _polynomial(x: np.ndarray, coefficients: tuple[np.float64, ...]) -> np.ndarray:
    value = _single(x * coefficients[0] + coefficients[1])
    for coefficient in coefficients[2:]:
        value = _single(value * x + coefficient)
    return value


def _radius(k: np.ndarray) -> np.ndarray:
    """sqrt(-2 log(1 - k / 2**24)), every step rounded to single precision."""
    x, exponent = np.frexp((16777216 - k.astype(np.int64)) * 2.0**-24)
    small = x < _ROOT64
    exponent = (exponent - small).astype(np.float64)
    x = _single(np.where(small, 2.0 * x - 1.0, x - 1.0))
    square = _single(x * x)
    y = _single(_polynomial(x, _LOG64) * x)
    y = _single(y * square + _single(exponent * _LOW64))
    y = _single(y - 0.5 * square)
    logarithm = _single(_single(x + y) + exponent * _HIGH64)
    return np.sqrt((-2.0 * logarithm).astype(np.float32)).astype(np.float64)


def _sine_cosine(k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sine and cosine of 2 pi k / 2**24, every step rounded to single precision."""
    x = _single(_TWO_PI64 * (k * 2.0**-24))
    octant = (_single(x * _FOUR64).astype(np.int64) + 1) & ~1
    for part in _QUARTER_PI64:
        x = _single(octant * part + x)
    square = _single(x * x)
    cosine = _single(_polynomial(square, _COS64) * square)
    cosine = _single(_single(cosine * square - 0.5 * square) + 1.0)
    sine = _single(_polynomial(square, _SIN64) * square)
    sine = _single(sine * x + x)
    swap = (octant & 2) != 0
    sine, cosine = np.where(swap, cosine, sine), np.where(swap, sine, cosine)
    return np.where(octant & 4, -sine, sine), np.where((octant - 2) & 4, cosine, -cosine)


def _by_arrays(words: np.ndarray, mean: np.float32, std: np.float32, out: np.ndarray) -> None:
    blocks, results = words.reshape(-1, 2, 8), out.reshape(-1, 2, 8)
    for start in range(0, len(blocks), _CHUNK // 16):
        block = blocks[start : start + _CHUNK // 16] & np.uint32(0xFFFFFF)
        radius = _radius(block[:, 0])
        sine, cosine = _sine_cosine(block[:, 1])
        target = results[start : start + _CHUNK // 16]
        for row, direction in ((0, cosine), (1, sine)):
            value = (radius * direction).astype(np.float32)
            target[:, row] = value + mean if std == 1 else fused_multiply_add(value, std, mean)


def normals_from_words(words: np.ndarray, mean: float, std: float, out: np.ndarray) -> None:
    """Fill the float32 array ``out`` from as many words, a multiple of 16."""
    global _kernel, _made
    _made += out.size + _CALL
    if _kernel is None and _made > (_WORTH_LOADING if "numba" in sys.modules else _WORTH_COMPILING):
        from engine.core.box_muller_kernel import fill

        _kernel = fill
    (_kernel or _by_arrays)(words, np.float32(mean), np.float32(std), out)
