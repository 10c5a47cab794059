"""Arithmetic and comparison, element by element."""

from __future__ import annotations

import numpy as np

from engine.ops.formula import f
from engine.ops.record import pointwise

add = pointwise(
    name="add", inputs=("self", "other"), grad_fn="AddBackward0", inplace=True,
    formula=r"y = a + b", domain=(-4, 4),
    text="Adds; the gradient goes to both sides unchanged.",
    forward=lambda self, other, *, alpha=1: self + other if alpha == 1 else self + alpha * other,
    grads={"self": lambda grad: grad, "other": lambda grad, alpha: grad if alpha == 1 else grad * alpha},
)
sub = pointwise(
    name="sub", inputs=("self", "other"), grad_fn="SubBackward0", inplace=True, aliases=("subtract",),
    formula=r"y = a - b", domain=(-4, 4),
    text="Subtracts; the gradient goes to the first unchanged and to the second with its sign turned.",
    forward=lambda self, other, *, alpha=1: self - other if alpha == 1 else self - alpha * other,
    grads={"self": lambda grad: grad, "other": lambda grad, alpha: -grad if alpha == 1 else grad * -alpha},
)
mul = pointwise(
    name="mul", inputs=("self", "other"), grad_fn="MulBackward0", inplace=True, aliases=("multiply",),
    formula=r"y = a \, b", domain=(-4, 4),
    text="Multiplies; each side's gradient is scaled by the other side.",
    forward=lambda self, other: self * other,
    grads={"self": lambda grad, other: grad * f.conj(other), "other": lambda grad, self: grad * f.conj(self)},
)
neg = pointwise(
    name="neg", inputs=("self",), grad_fn="NegBackward0", inplace=True, aliases=("negative",),
    formula=r"y = -x", domain=(-4, 4), promote="keep",
    text="Turns the sign; the gradient's too.",
    forward=lambda self: -self,
    grads={"self": lambda grad: -grad},
)
exp = pointwise(
    name="exp", inputs=("self",), grad_fn="ExpBackward0", inplace=True, promote="float",
    formula=r"y = e^{x}", domain=(-4, 4),
    text="Grows by a factor of e for each unit; its slope is its own value.",
    forward=lambda self: f.exp(self),
    grads={"self": lambda grad, result: grad * f.conj(result)},
)
