"""Formulas on one line of plain text."""

from __future__ import annotations

import pytest

from app.canvases.plain_formula import plain_formula


@pytest.mark.parametrize(("latex", "plain"), [
    (r"y = \max(0, x)", "y = max(0, x)"),
    (r"Y = X^{T}", "Y = Xᵀ"),
    (r"Y = b + X\,W^{T}", "Y = b + X Wᵀ"),
    (r"y = \frac{1}{n} \sum_i x_i", "y = 1/n Σᵢ xᵢ"),
    (r"y = \frac{1}{n} \sum_i (x_i - t_i)^2", "y = 1/n Σᵢ (xᵢ - tᵢ)²"),
    (r"y = a \times b", "y = a × b"),
    (r"y = \lVert x \rVert_p", "y = ‖ x ‖ₚ"),
    (r"y = \tanh x", "y = tanh x"),
    (r"y = -\log \sum_{\pi} \prod_t p_{t, \pi_t}", ""),
    (r"y = \frac{1}{1 + e^{-x}}", ""),
    ("", ""),
])
def test_a_formula_that_fits_one_line_is_written_in_plain_letters(latex: str, plain: str) -> None:
    assert plain_formula(latex) == plain
