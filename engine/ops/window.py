"""Windows that fade a stretch of a signal in and out: torch.hann_window and its kin."""

from __future__ import annotations

from math import pi
from typing import Any

from engine.core import dtype as dt
from engine.ops.record import composite


def _window(name: str, text: str, shape: Any, extra: tuple = ()) -> Any:
    """Place a window function: `shape(places, last, *settings)` gives weights of places 0 ... last."""

    def function(
        window_length: int, periodic: Any = True, *settings: float, dtype: Any = None, layout: Any = None,
        device: Any = None, pin_memory: bool = False, requires_grad: bool = False, **named: float,
    ) -> Any:
        from engine import arange, empty, ones

        kind = dtype or dt.default.dtype
        if kind.category < dt.FLOAT:
            raise RuntimeError(f"{name}_window expects floating point dtypes, got: {kind}")
        if window_length < 0:
            raise RuntimeError(f"{name}_window requires non-negative window_length, got window_length="
                               f"{window_length}")
        values = list(settings) + [named.pop(k, v) for k, v in extra[len(settings):]]
        if named:
            raise TypeError(f"{name}_window() got an unexpected keyword argument '{next(iter(named))}'")
        if window_length < 2:
            y = empty(0, dtype=kind) if not window_length else ones(1, dtype=kind)
        else:
            n = window_length + bool(periodic)
            y = shape(arange(n, dtype=kind), n - 1, *values)
            y = y.narrow(0, 0, window_length) if periodic else y
        return y.requires_grad_() if requires_grad else y

    function.__doc__ = text
    return composite(f"{name}_window", on=("torch",), out=False)(function)


def _bartlett(i: Any, last: int) -> Any:
    y = i * (2 / last)
    half = (last >> 1) + 1
    y.narrow(0, half, last + 1 - half).mul_(-1).add_(2)
    return y


def _hamming(i: Any, last: int, alpha: float, beta: float) -> Any:
    return i.mul_(pi * 2 / last).cos_().mul_(-beta).add_(alpha)


def _blackman(i: Any, last: int) -> Any:
    i = i.mul_(pi / last)
    return (i * 4).cos() * 0.08 - (i * 2).cos() * 0.5 + 0.42


def _kaiser(i: Any, last: int, beta: float) -> Any:
    from engine import i0
    from engine.ops.creation import tensor

    inside = (1 - (i * (2 / last) - 1).pow(2)).sqrt() * beta
    return i0(inside) / i0(tensor(beta, dtype=i.dtype))


bartlett_window = _window("bartlett", "A triangle.", _bartlett)
blackman_window = _window("blackman", "Two cosines that leave little at the ends.", _blackman)
hann_window = _window("hann", "One wave of a cosine, from 0 to 1 and back.",
                      lambda i, last: _hamming(i, last, 0.5, 0.5))
hamming_window = _window("hamming", "A raised cosine that does not quite reach 0.", _hamming,
                         (("alpha", 0.54), ("beta", 0.46)))
kaiser_window = _window("kaiser", "Bessel's window; the greater beta, the narrower.", _kaiser,
                        (("beta", 12.0),))
