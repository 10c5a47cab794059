"""Gamma and Dirichlet samples, with the gradient of a sample with respect to its concentration.

A sample x of a distribution function F(x; a) moves with a as -(dF/da) / (dF/dx) while its probability stays
the same. dF/da is the integral of the density times its score up to x, by double-exponential quadrature.

Source: M. Figurnov, S. Mohamed, A. Mnih, Implicit reparameterization gradients (2018); H. Takahasi, M. Mori,
Double exponential formulas for numerical integration (1974).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.ops.random import stream
from engine.ops.record import kernel

# Nodes on (0, inf) and their weights: r = exp(pi/2 sinh t).
_STEPS = np.linspace(-4.0, 4.0, 161)
_NODES = np.exp(0.5 * np.pi * np.sinh(_STEPS))
_WEIGHTS = (_STEPS[1] - _STEPS[0]) * 0.5 * np.pi * np.cosh(_STEPS) * _NODES


def _digamma(a: np.ndarray) -> np.ndarray:
    import scipy.special

    return scipy.special.digamma(a)


def gamma_slope(alpha: np.ndarray, x: np.ndarray) -> np.ndarray:
    """d x / d alpha for gamma samples of rate one. Shapes: all alike."""
    shape = np.shape(alpha)
    a, x = (np.asarray(v, dtype=np.float64).reshape(-1, 1) for v in (alpha, x))
    score = np.log(x) - _digamma(a)
    # Below x, by t = x exp(-r); above it, by t = x + s. At the width the integrand has fallen by about e.
    width = 1 / (np.abs(a - x) + np.sqrt(np.minimum(a, x)))
    r = _NODES * width
    below = -x * width * (_WEIGHTS * np.exp(-a * r - x * np.expm1(-r)) * (score - r)).sum(-1, keepdims=True)
    width = 1 / (np.abs(x - a) / x + 1 / np.sqrt(x))
    s = _NODES * width
    growth = np.log1p(s / x)
    above = width * (_WEIGHTS * np.exp((a - 1) * growth - s) * (score + growth)).sum(-1, keepdims=True)
    return np.where(x <= a, below, above).reshape(shape)


def beta_slope(x: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """d x / d a for beta samples with b held fixed. Shapes: all alike."""
    shape = np.shape(x)
    x, a, b = (np.asarray(v, dtype=np.float64).reshape(-1, 1) for v in (x, a, b))
    y = 1 - x
    mean_log = _digamma(a) - _digamma(a + b)
    # Below x, by t = x exp(-r); above it, by 1 - t = y exp(-r).
    width = 1 / (np.abs(a - b * x / y) + np.sqrt(np.minimum(b * x, a * y)) / y)
    r = _NODES * width
    rest = np.log1p(-x * np.exp(-r)) - np.log1p(-x)
    below = (
        -x
        * width
        * (_WEIGHTS * np.exp(-a * r + (b - 1) * rest) * (np.log(x) - mean_log - r)).sum(-1, keepdims=True)
    )
    width = 1 / (np.abs(b - a * y / x) + np.sqrt(np.minimum(b * x, a * y)) / x)
    r = _NODES * width
    log_t = np.log1p(-y * np.exp(-r))
    above = (
        y
        * width
        * (_WEIGHTS * np.exp(-b * r + (a - 1) * (log_t - np.log(x))) * (log_t - mean_log)).sum(
            -1, keepdims=True
        )
    )
    return np.where(x <= a / (a + b), below, above).reshape(shape)


def _gamma(self: Any, generator: Any = None) -> np.ndarray:
    from engine.core import rejection

    self = np.asarray(self)
    return rejection.gamma(stream(generator), self).reshape(self.shape)


def _gamma_gradient(grad: Any, self: Any, result: Any) -> Any:
    slope = gamma_slope(self._array(), result._array()).astype(self._a.dtype)
    return grad * nodes.Tensor._of(slope)


standard_gamma = kernel(
    name="_standard_gamma",
    inputs=("self",),
    grad_fn="StandardGammaBackward0",
    on=("torch",),
    out=False,
    formula=r"y \sim \Gamma(x, 1)",
    text="Gamma samples; the gradient says how a sample moves with its concentration.",
    forward=_gamma,
    grads={"self": _gamma_gradient},
)


def _dirichlet(self: Any, generator: Any = None) -> np.ndarray:
    from engine.core import rejection

    return rejection.dirichlet(stream(generator), np.asarray(self))


def _dirichlet_gradient(grad: Any, self: Any, result: Any) -> Any:
    a, x = self._array().astype(np.float64), result._array().astype(np.float64)
    slope = beta_slope(x, a, a.sum(-1, keepdims=True) - a) / (1 - x)
    g = grad._array().astype(np.float64)
    return nodes.Tensor._of((slope * (g - (x * g).sum(-1, keepdims=True))).astype(self._a.dtype))


sample_dirichlet = kernel(
    name="_sample_dirichlet",
    inputs=("self",),
    grad_fn="_DirichletBackward",
    on=("torch",),
    out=False,
    formula=r"y \sim \mathrm{Dir}(x)",
    text="Dirichlet samples; the gradient says how a sample moves with them.",
    forward=_dirichlet,
    grads={"self": _dirichlet_gradient},
)
