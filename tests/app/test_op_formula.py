"""A loss's formula says what its reduction does."""

from __future__ import annotations

import pytest

from app.session.graph import Node
from app.session.op_formula import forward_formula, gradient_formula
from engine.protocol.event import OpEntry, SavedPart

MSE = OpEntry(
    "mse_loss",
    "MseLossBackward0",
    ("self", "target"),
    r"y = \frac{1}{n} \sum_i (x_i - t_i)^2",
    {"self": r"\partial L/\partial x = \frac{2}{n}\,(x - t)\,(\partial L/\partial y)"},
)
NLL = OpEntry(
    "nll_loss",
    "NllLossBackward0",
    ("self",),
    r"y = -\frac{1}{n} \sum_i x_{i, t_i}",
    {"self": r"\partial L/\partial x = -\frac{1}{n}\,(\partial L/\partial y) \text{ at the true class}"},
)


def called(reduction: str) -> Node:
    return Node(0, "op", "MseLossBackward0", saved=(SavedPart("reduction", text=reduction),))


@pytest.mark.parametrize(
    ("reduction", "forward", "gradient"),
    [
        ("1", MSE.formula, MSE.gradients["self"]),
        ("2", r"y = \sum_i (x_i - t_i)^2", r"\partial L/\partial x = 2\,(x - t)\,(\partial L/\partial y)"),
        ("0", r"y_i = (x_i - t_i)^2", r"\partial L/\partial x = 2\,(x - t)\,(\partial L/\partial y)"),
    ],
)
def test_the_square_error_divides_by_n_only_where_it_is_a_mean(reduction, forward, gradient):
    node = called(reduction)
    assert forward_formula(MSE, node) == forward
    assert gradient_formula(MSE, "self", node) == gradient


def test_the_sign_of_a_summed_likelihood_stays():
    node = called("2")
    assert forward_formula(NLL, node) == r"y = -\sum_i x_{i, t_i}"
    assert gradient_formula(NLL, "self", node) == (
        r"\partial L/\partial x = -(\partial L/\partial y) \text{ at the true class}"
    )


def test_an_op_without_a_reduction_keeps_its_formula():
    mean = OpEntry("mean", "MeanBackward0", ("self",), r"y = \frac{1}{n} \sum_i x_i")
    assert forward_formula(mean, Node(0, "op", "MeanBackward0")) == mean.formula
    assert gradient_formula(mean, "self", Node(0, "op", "MeanBackward0")) == ""
