"""Derivatives read from the records' own lambdas, as LaTeX."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import engine  # noqa: F401 - fills the records
from engine.ops.formula_words import formula_of
from engine.ops.record import COMPOSITES, RECORDS
from engine.ops.typeset import gradient_formulas

ROOT = Path(__file__).resolve().parents[2]
FRAGMENTS = ROOT / "tests" / "end_to_end" / "fragments"


@pytest.mark.parametrize(("op", "name", "latex"), [
    ("tanh", "self", r"\partial L/\partial x = (\partial L/\partial y)\,\left(1 - y^{2}\right)"),
    ("mul", "other", r"\partial L/\partial b = (\partial L/\partial y)\,a"),
    ("mm", "mat2", r"\partial L/\partial B = A^{T}\,(\partial L/\partial Y)"),
    ("addmm", "mat1", r"\partial L/\partial X = (\partial L/\partial Y)\,W"),
    ("exp", "self", r"\partial L/\partial x = (\partial L/\partial y)\,y"),
    ("lerp", "weight", r"\partial L/\partial w = (\partial L/\partial y)\,\left(b - a\right)"),
    ("pow.scalar", "self", r"\partial L/\partial x = p\,x^{p - 1}\,(\partial L/\partial y)"),
    ("div", "other", r"\partial L/\partial b = -\frac{a}{b^{2}}\,(\partial L/\partial y)"),
    ("binary_cross_entropy", "target",
     r"\partial L/\partial t = \frac{1}{n} \log\frac{1 - x}{x}\,(\partial L/\partial y)"),
    ("clamp.tensor", "max",
     r"\partial L/\partial b = \partial L/\partial y \text{ where } x > b \text{, else } 0"),
    ("sqrt", "self", r"\partial L/\partial x = \frac{\partial L/\partial y}{2\,y}"),
])
def test_a_derivative_reads_as_in_a_textbook(op, name, latex):
    assert gradient_formulas(RECORDS[op])[name] == latex


def _differentiable(op):
    return [name for names in op.grads for name in (names if isinstance(names, tuple) else (names,))]


def test_every_op_with_a_derivative_has_a_formula_for_itself_and_for_each_input():
    without = {
        name: missing
        for name, op in RECORDS.items()
        if op.grads
        and (missing := [n for n in _differentiable(op) if not gradient_formulas(op).get(n)]
             + ["forward"] * (not formula_of(op)))
    }
    assert without == {}


def test_every_op_that_a_sample_or_fragment_calls_has_a_formula():
    called = set()
    for script in (*(ROOT / "resources/samples").glob("*.py"), *FRAGMENTS.glob("*.py")):
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                called.add(node.attr)
    ops = {name: op for name, op in {**COMPOSITES, **RECORDS}.items() if name in called}
    assert len(ops) > 40
    assert [name for name, op in ops.items() if not formula_of(op)] == []


def test_every_formula_can_be_typeset():
    formula = pytest.importorskip("app.look.formula")
    for table in (RECORDS, COMPOSITES):
        for op in table.values():
            of_gradients = gradient_formulas(op).values() if table is RECORDS else ()
            for latex in (*of_gradients, formula_of(op)):
                if latex:
                    assert formula.formula_svg(latex, 16, "#000000").startswith(b"<svg"), latex
