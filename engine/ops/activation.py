"""Activations: the nonlinear steps between layers."""

from __future__ import annotations

from engine.ops.formula import f
from engine.ops.record import pointwise

relu = pointwise(
    name="relu", inputs=("self",), grad_fn="ReluBackward0", inplace=True, on=("torch", "Tensor"),
    formula=r"y = \max(0, x)", domain=(-4, 4), promote="keep",
    text="Keeps what is positive; the gradient passes only where the output is above zero.",
    forward=lambda self: f.maximum(self, 0),
    grads={"self": lambda grad, result: grad * (result > 0)},
)
sigmoid = pointwise(
    name="sigmoid", inputs=("self",), grad_fn="SigmoidBackward0", inplace=True, promote="float",
    on=("torch", "Tensor", "nn.functional", "special"), aliases=("expit",),
    formula=r"y = \frac{1}{1 + e^{-x}}", domain=(-6, 6),
    text="Squeezes any number into (0, 1); far from zero the slope fades.",
    forward=lambda self: f.sigmoid(self),
    grads={"self": lambda grad, result: grad * f.conj((1 - result) * result)},
)
tanh = pointwise(
    name="tanh", inputs=("self",), grad_fn="TanhBackward0", inplace=True, promote="float",
    on=("torch", "Tensor", "nn.functional"),
    formula=r"y = \tanh x", domain=(-4, 4),
    text="Squeezes any number into (-1, 1); the slope fades where the output saturates.",
    forward=lambda self: f.tanh(self),
    grads={"self": lambda grad, result: grad * f.conj(1 - result * result)},
)
