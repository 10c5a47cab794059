"""Expressions that a person types: what they may say, what they yield, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from engine.worker.expression import Expression, ExpressionError

NAMES = {
    "grad": np.float32([[1, -2], [3, 4]]),
    "self": np.float32([0, 1]),
    "iteration": 40,
    "linear.weight": np.float32([2, 2]),
    "bad": np.float32([1, np.nan]),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("grad.norm()", np.sqrt(30)),
        ("grad.abs().max()", 4),
        ("grad.sum(0)", [4, 2]),
        ("grad.sum(dim=1)", [-1, 7]),
        ("grad * 0.1 + 1", [[1.1, 0.8], [1.3, 1.4]]),
        ("clip(grad, -1, 1)", [[1, -1], [1, 1]]),
        ("grad[0, 1]", -2),
        ("grad[:, 0]", [1, 3]),
        ("grad @ self", [-2, 4]),
        ("grad.T[0]", [1, 3]),
        ("grad.shape[0]", 2),
        ("linear.weight.norm()", np.sqrt(8)),
        ("2 ** 3 - -1", 9),
        ("where(grad > 0, grad, 0)", [[1, 0], [3, 4]]),
        ("1 if iteration > 3 else 2", 1),
    ],
)
def test_an_expression_has_the_value_that_numpy_gives(text: str, expected: object) -> None:
    assert np.allclose(Expression(text).value(NAMES), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("iteration == 40", True),
        ("isnan(bad)", True),
        ("isnan(grad)", False),
        ("grad.norm() > 10", False),
        ("grad.norm() > 5 and iteration == 40", True),
        ("not isnan(bad)", False),
        ("0 < iteration < 40 or iteration == 40", True),
        ("(grad > 3) | (grad < -5)", True),
        ("grad.abs().max() > 1e3", False),
    ],
)
def test_a_condition_holds_where_any_element_does(text: str, expected: bool) -> None:
    assert Expression(text).holds(NAMES) is expected


@pytest.mark.parametrize(
    "text",
    [
        "", "grad.", "__import__('os')", "().__class__", "grad.__class__", "open('a')", "[x for x in grad]",
        "lambda: 1", "'text'", "f'{grad}'", "grad.tofile('x')", "iteration := 3", "print(1)", "exec('1')",
        "a;b",
        "grad if", "-" * 200 + "1", "1" * 600, "grad.norm(out=3)", "max(grad, **{})",
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused_before_it_runs(text: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(text)


@pytest.mark.parametrize(
    "text", ["moon", "grad.moon", "grad @ grad @ self[:1]", "grad[9]", "9 ** 9 ** 9 ** grad.moon"]
)
def test_what_cannot_be_evaluated_is_said_in_words(text: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(text).value(NAMES)


def test_an_expression_cannot_ask_for_more_memory_than_there_is() -> None:
    a = np.zeros((1 << 16, 1), np.float32)
    with pytest.raises(ExpressionError, match="too large"):
        Expression("a + a.T").value({"a": a})
