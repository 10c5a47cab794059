"""Arithmetic with a plain number: nodes of one input, as PyTorch records them inside its own composites."""

from __future__ import annotations

from engine.ops.record import pointwise

plus = pointwise(
    name="_plus_number",
    inputs=("self",),
    operands=("self", "other"),
    grad_fn="AddBackward1",
    on=(),
    formula=r"y = x + c",
    domain=(-4, 4),
    text="Adds a number; the gradient passes.",
    forward=lambda self, other: self + other,
    grads={"self": lambda grad: grad},
)
minus = pointwise(
    name="_minus_number",
    inputs=("self",),
    operands=("self", "other"),
    grad_fn="SubBackward1",
    on=(),
    formula=r"y = x - c",
    domain=(-4, 4),
    text="Takes a number away; the gradient passes.",
    forward=lambda self, other: self - other,
    grads={"self": lambda grad: grad},
)
times = pointwise(
    name="_times_number",
    inputs=("self",),
    operands=("self", "other"),
    grad_fn="MulBackward1",
    on=(),
    formula=r"y = c\,x",
    domain=(-4, 4),
    text="Scales by a number; so is the gradient.",
    forward=lambda self, other: self * other,
    grads={"self": lambda grad, other: grad * other},
)
over = pointwise(
    name="_over_number",
    inputs=("self",),
    operands=("self", "other"),
    grad_fn="DivBackward1",
    promote="float",
    on=(),
    formula=r"y = x / c",
    domain=(-4, 4),
    text="Divides by a number; so is the gradient.",
    forward=lambda self, other: self / other,
    grads={"self": lambda grad, other: grad / other},
)
