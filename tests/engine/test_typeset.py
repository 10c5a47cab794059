"""Derivatives read from the records' own lambdas, as LaTeX."""

from __future__ import annotations

import pytest

import engine  # noqa: F401 - fills the records
from engine.ops.record import RECORDS
from engine.ops.typeset import gradient_formulas


@pytest.mark.parametrize(("op", "name", "latex"), [
    ("tanh", "self", r"\partial L/\partial x = (\partial L/\partial y)\,\left(1 - y^{2}\right)"),
    ("mul", "other", r"\partial L/\partial b = (\partial L/\partial y)\,a"),
    ("mm", "mat2", r"\partial L/\partial B = A^{T}\,(\partial L/\partial Y)"),
    ("addmm", "mat1", r"\partial L/\partial X = (\partial L/\partial Y)\,W"),
    ("sqrt", "self", r"\partial L/\partial x = \frac{\partial L/\partial y}{2\,y}"),
])
def test_a_derivative_reads_as_in_a_textbook(op, name, latex):
    assert gradient_formulas(RECORDS[op])[name] == latex


def test_every_formula_can_be_typeset():
    formula = pytest.importorskip("app.look.formula")
    for op in RECORDS.values():
        for latex in (*gradient_formulas(op).values(), op.formula):
            if latex:
                assert formula.formula_svg(latex, 16, "#000000").startswith(b"<svg")
