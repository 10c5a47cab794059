"""Formulas on their way to the typesetter."""

from __future__ import annotations

import pytest

pytest.importorskip("ziamath")

from app.docks.chain_rule import broken
from app.look.formula import formula_size, formula_svg


def test_a_matrix_may_have_a_power():
    assert formula_svg(r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}^{T} x", 16, "#000000")


@pytest.mark.parametrize(("sign", "plain"), [(r"= -0.5", r"= 0.5"), (r"(-2) + 1", r"(2) + 1")])
def test_the_sign_of_a_number_stands_close_to_it(sign, plain, qapp):
    wider = formula_size(sign, 16, "#000000").width() - formula_size(plain, 16, "#000000").width()
    assert 0 < wider < 14


def test_a_minus_between_two_numbers_keeps_its_room(qapp):
    between = formula_size(r"1 - 2", 16, "#000000").width() - formula_size(r"1 2", 16, "#000000").width()
    assert between > 14


def test_a_long_row_of_equals_is_broken_before_them():
    assert broken(r"y = 1 + 2 = 3") == [r"y = 1 + 2 = 3"]
    assert broken(r"y_{1, 2} = 0.12345 + 1.23456 + 2.34567 + 3.45678 = 7.16046") == [
        r"y_{1, 2}",
        r"= 0.12345 + 1.23456 + 2.34567 + 3.45678",
        r"= 7.16046",
    ]
    assert broken(r"\frac{1}{2}") == [r"\frac{1}{2}"]
