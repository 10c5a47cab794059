"""Numbers as LaTeX: of four digits, as factors, matrices and sums; and a derivative's own expression with
numbers in the place of its letters."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

import numpy as np

from engine.ops.gradient_words import GRADIENTS
from engine.ops.typeset import Unspeakable, _expression, _Words

DIGITS = 4
MATRIX_MAX = 4
"""Matrices of at most this many rows and columns are written out."""
TERMS_MAX = 3
"""So many terms of a sum are written; dots stand for the others."""


def numeral(value: Any) -> str:
    """A number rounded to four digits."""
    if np.iscomplexobj(value):
        z = complex(value)
        return f"{numeral(z.real)} + {numeral(z.imag)}i"
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    number = float(value)
    if np.isnan(number):
        return r"\mathrm{NaN}"
    if np.isinf(number):
        return r"\infty" if number > 0 else r"-\infty"
    text = f"{number:.{DIGITS}g}"
    digits, _, power = text.partition("e")
    if not power:
        return "0" if text == "-0" else text
    return rf"{digits} \times 10^{{{int(power)}}}"


def factor(value: Any) -> str:
    """The number as it stands in a product: in brackets where it has a sign or a power."""
    text = numeral(value)
    return rf"\left({text}\right)" if text[0] == "-" or "times" in text or "+" in text else text


def matrix(array: Any) -> str:
    """A small matrix; a vector is a column."""
    rows = np.asarray(array)
    rows = rows.reshape(-1, 1) if rows.ndim == 1 else rows
    inside = r" \\ ".join(" & ".join(numeral(v) for v in row) for row in rows)
    return rf"\begin{{pmatrix}} {inside} \end{{pmatrix}}"


def is_small(*arrays: Any) -> bool:
    """Whether all these matrices are small enough to be written out."""
    return all(0 < n <= MATRIX_MAX for a in arrays for n in np.shape(a))


def total(terms: Iterable[str], more: bool) -> str:
    """A sum of terms, with dots where there are more."""
    listed = list(terms)
    return " + ".join([*listed, r"\cdots"] if more else listed)


def product(gradient: Any, slope: Any) -> str:
    """One term of the chain rule: what arrives times a slope; a slope of one is left out."""
    if abs(slope - 1) < 1e-9:
        return factor(gradient)
    if abs(slope + 1) < 1e-9:
        return f"-{factor(gradient)}"
    return rf"{factor(gradient)} \cdot {factor(slope)}"


def place(sign: str, index: tuple[int, ...]) -> str:
    """A letter with an element's indices: W_{0,2}."""
    if "^" in sign or "_" in sign:
        sign = rf"\left({sign}\right)"
    return f"{sign}_{{{','.join(str(i) for i in index)}}}" if index else sign


def with_numbers(op: Any, name: str, values: dict[str, Any], gradient: Any) -> str:
    """The derivative's right side as the record's formula has it, with these numbers.

    Raises: Unspeakable where the record has no short expression."""
    if name in GRADIENTS.get(op.name, {}) or name in (getattr(op, "gradients", None) or {}):
        raise Unspeakable("in words")
    fn = op.grads.get(name)
    if fn is None:
        raise Unspeakable("no formula of its own")
    tree = _expression(fn)
    known = {key: factor(v) for key, v in values.items()}
    wanted = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} & {*op.parameters, "result"}
    if not wanted <= set(known):
        raise Unspeakable("a number is missing")
    text = _Numbers(known, factor(gradient)).say(tree)[0]
    return text.replace(r"\,", r" \cdot ")


class _Numbers(_Words):
    """Says an expression with numbers for its names."""

    def grad_text(self, level: int) -> str:
        return self.grad
