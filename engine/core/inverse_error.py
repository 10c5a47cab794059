"""The inverse of the error function on arrays of doubles.

Source: S. Winitzki, A handy approximation for the error function and its inverse (2008), as a first guess that three
steps of Halley's method on the C library's erf bring to double precision.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["inverse_error_function"]


def inverse_error_function(y: np.ndarray) -> np.ndarray:
    """x with erf(x) = y; infinite at -1 and 1, NaN outside. Shapes: as y."""
    y = np.asarray(y, dtype=np.float64)
    with np.errstate(all="ignore"):
        # Good to two parts in a thousand.
        logarithm = np.log1p(-y * y)
        term = 2 / (math.pi * 0.147) + logarithm / 2
        x = np.copysign(np.sqrt(np.sqrt(term * term - logarithm / 0.147) - term), y)
        x = np.where(y == 0, y, x)
        inside = np.isfinite(x) & (np.abs(y) < 1)
        guess, target = x[inside], y[inside]
        for _ in range(3):
            residual = np.where(
                np.abs(target) < 0.5,
                _each(math.erf, guess) - target,
                np.copysign(1, target) * ((1 - np.abs(target)) - _each(math.erfc, np.abs(guess))))
            slope = 2 / math.sqrt(math.pi) * np.exp(-guess * guess)
            step = residual / slope
            guess = guess - step / (1 + guess * step)  # Halley's correction
        x[inside] = guess
        return np.where(np.abs(y) == 1, y * np.inf, np.where(np.abs(y) > 1, np.nan, x))


def _each(function: object, values: np.ndarray) -> np.ndarray:
    return np.fromiter(map(function, values.ravel().tolist()), np.float64, values.size).reshape(values.shape)  # type: ignore[call-overload]
