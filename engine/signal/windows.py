"""torch.signal.windows: window functions of M points, symmetric or periodic."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import numpy as np

import engine
from engine.core import dtype as dt

__all__ = ["bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming",
           "hamming", "hann", "kaiser", "nuttall"]


def _window(fn: Callable) -> Callable:
    """Checks of M and dtype, and the Tensor made of the points that `fn` computes in double precision."""
    # PyTorch makes these of the general sum of cosines, which speaks for them.
    of_cosines = ("hamming", "hann", "general_hamming", "nuttall")
    name = "general_cosine" if fn.__name__ in of_cosines else fn.__name__

    @wraps(fn)
    def window(M: int, *, sym: bool = True, dtype: Any = None, layout: Any = None, device: Any = None,
               requires_grad: bool = False, **shape: Any) -> Any:
        kind = dtype or dt.default.dtype
        if M < 0:
            raise ValueError(f"{name} requires non-negative window length, got M={M}")
        if layout is not None and layout is not engine.strided:
            raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
        if kind not in (dt.float32, dt.float64):
            raise ValueError(f"{name} expects float32 or float64 dtypes, got: {kind}")
        points = fn(M, M if not sym and M > 1 else M - 1, **shape)
        if M == 1:
            points = np.ones(1)
        return engine.tensor(np.asarray(points, np.float64), dtype=kind, device=device,  # type: ignore[operator]
                             requires_grad=requires_grad)

    return window


def _cosines(M: int, span: int, weights: Iterable[float]) -> np.ndarray:
    phase = 2 * np.pi * np.arange(M) / max(span, 1)
    out = np.zeros(M)
    for k, weight in enumerate(weights):
        out += (-1) ** k * weight * np.cos(k * phase)
    return out


@_window
def exponential(M: int, span: int, *, center: float | None = None, tau: float = 1.0) -> Any:
    """A window that decays exponentially on both sides of its centre."""
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if center is not None and span == M - 1 and M > 1:
        raise ValueError("Center must be None for symmetric windows")
    return np.exp(-np.abs(np.arange(M) - (span / 2 if center is None else center)) / tau)


@_window
def cosine(M: int, span: int) -> Any:
    """Half a period of a sine."""
    return np.sin(np.pi * (np.arange(M) + 0.5) / (span + 1))


@_window
def gaussian(M: int, span: int, *, std: float = 1.0) -> Any:
    """A bell of the given standard deviation."""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    return np.exp(-(((np.arange(M) - span / 2) / std) ** 2) / 2)


@_window
def kaiser(M: int, span: int, *, beta: float = 12.0) -> Any:
    """The Kaiser window of shape beta."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    x = 2 * np.arange(M) / max(span, 1) - 1
    return np.i0(beta * np.sqrt(np.maximum(1 - x * x, 0))) / np.i0(beta)


@_window
def hamming(M: int, span: int) -> Any:
    """The Hamming window."""
    return _cosines(M, span, (0.54, 0.46))


@_window
def hann(M: int, span: int) -> Any:
    """The Hann window."""
    return _cosines(M, span, (0.5, 0.5))


@_window
def blackman(M: int, span: int) -> Any:
    """The Blackman window."""
    return _cosines(M, span, (0.42, 0.5, 0.08))


@_window
def bartlett(M: int, span: int) -> Any:
    """A triangle that is zero at both ends."""
    return 1 - np.abs(2 * np.arange(M) / max(span, 1) - 1)


@_window
def general_cosine(M: int, span: int, *, a: Iterable) -> Any:
    """A sum of cosines with the weights a, alternating in sign."""
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    weights = list(a)
    if not weights:
        raise ValueError("Coefficients cannot be empty")
    return _cosines(M, span, weights)


@_window
def general_hamming(M: int, span: int, *, alpha: float = 0.54) -> Any:
    """The Hamming window with weight alpha."""
    return _cosines(M, span, (alpha, 1.0 - alpha))


@_window
def nuttall(M: int, span: int) -> Any:
    """The 4-term Blackman-Nuttall window."""
    return _cosines(M, span, (0.3635819, 0.4891775, 0.1365995, 0.0106411))
