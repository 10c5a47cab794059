"""A derivative, as written in its record, as LaTeX: the same lambda that computes is read from the source.

What cannot be said in a short formula yields nothing; the inspector then shows shapes and words."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from engine.ops.formula_words import SIGNS, formula_of
from engine.ops.gradient_words import GRADIENTS

_INDICES = frozenset("nijklmocsdp")
_POSTFIX = frozenset({"conj", "contiguous", "clone", "detach", "to"})
_PRODUCTS = frozenset({"mm", "bmm", "matmul", "mv", "dot"})
_TRANSPOSES = frozenset({"t", "mT", "mH", "T", "H", "adjoint", "transpose"})
_PLAIN = frozenset({"conj", "scaled"})
_NAMED = frozenset({"exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh"})
_UPRIGHT = {"sgn": "sgn", "sign": "sgn", "sigmoid": r"\sigma", "erf": "erf", "lgamma": "lgamma",
            "digamma": r"\psi", "log2": r"\log_2", "log10": r"\log_{10}"}
_SPARE = {
    "self": "x", "input": "x", "other": "b", "target": "t", "weight": "W", "bias": "b", "exponent": "p",
    **dict.fromkeys(("grad_output", "grad_out", "grad_in", "grad"), "d"),
    **dict.fromkeys(("src", "source"), "s"),
    **dict.fromkeys(("value", "values"), "v"),
    "tensors": "x", "output": "y", "self_or_result": "x", "min": "a", "max": "b",
}
"""Signs for inputs of which the formula says nothing."""
_COMPARES = {ast.Eq: "=", ast.NotEq: r"\ne", ast.Lt: "<", ast.LtE: r"\le", ast.Gt: ">", ast.GtE: r"\ge"}


class Unspeakable(Exception):
    """The formula has a part for which there is no short sign."""


def gradient_formulas(op: Any) -> dict[str, str]:
    """For each input with a derivative its equation: the record's own words, or read from its lambda."""
    found: dict[str, str] = {}
    own = GRADIENTS.get(op.name, {}) | (getattr(op, "gradients", None) or {})
    for covers, fn in op.grads.items():
        for name in covers if isinstance(covers, tuple) else (covers,):
            if name in own:
                found[name] = _whole(op, name, own[name])
            elif not isinstance(covers, tuple):
                try:
                    found[name] = equation(op, name, fn)
                except Unspeakable:
                    continue
    return found


def _whole(op: Any, name: str, right: str) -> str:
    """A record's own right-hand side as an equation; its `g` is the gradient that comes in."""
    signs = symbols(op)
    incoming = rf"(\partial L/\partial {signs.get('result', 'y')})"
    alone = right == "g" or right.startswith(r"g \text")
    right = re.sub(r"(?<![\\A-Za-z])g(?![A-Za-z])", lambda _: incoming, right)
    if alone:
        right = right.replace(incoming, incoming[1:-1], 1)
    return rf"\partial L/\partial {signs.get(name, name)} = {right}"


def equation(op: Any, name: str, fn: Callable) -> str:
    """The equation of one derivative. Raises: Unspeakable."""
    signs = symbols(op)
    tree = _expression(fn)
    out = signs.get("result", "y")
    words = _Words(signs, rf"\partial L/\partial {out}")
    right, _ = words.say(tree)
    if right == words.grad_text(0):
        right = words.grad
    left = signs.get(name, name)
    left = f"({left})" if "^" in left else left
    return rf"\partial L/\partial {left} = {right}"


def symbols(op: Any) -> dict[str, str]:
    """A sign for each input and for the result, as the record's own formula has them."""
    left, _, right = formula_of(op).partition("=")
    signs = {"result": left.strip() if re.fullmatch(r"\s*[A-Za-z]\s*", left) else "y"}
    bare = re.sub(r"\\[A-Za-z]+", " ", re.sub(r"_\{[^}]*\}|_[A-Za-z0-9]", "", right))
    letters = list(dict.fromkeys(re.findall(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z])", bare)))
    letters = [c for c in letters if c not in _INDICES and c not in ("T", "e")]
    if len(letters) == len(op.inputs) and "f'" not in right:
        for name, letter in zip(op.inputs, letters, strict=True):
            turned = len(letters) > 1 and re.search(rf"{letter}\s*\^\{{T\}}", right)
            signs[name] = letter + ("^{T}" if turned else "")
        if signs.get("target") == "x" and signs.get("self") == "t":
            signs["self"], signs["target"] = "x", "t"
    else:
        for name in op.inputs:
            letter = name if len(name) == 1 else rf"\mathrm{{{name}}}".replace("_", r"\_")
            signs[name] = _SPARE.get(name, letter)
        if {"self", "other"} <= set(op.inputs):
            signs["self"] = "a"
    return signs | SIGNS.get(op.name, {})


@cache
def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


@cache
def _lambdas(file: str, line: int) -> list[ast.Lambda]:
    """The lambdas that begin on this line, each read as far as it is an expression."""
    found: list[ast.Lambda] = []
    lines = _lines(file)[line - 1 : line + 11]
    if not lines:
        return found
    for place in re.finditer(r"\blambda\b", lines[0]):
        offset = len(lines[0][: place.start()].encode())
        text = _closed("\n".join([lines[0][place.start() :], *lines[1:]]))
        try:
            node = ast.parse(f"({text})", mode="eval").body
        except SyntaxError:
            continue
        if isinstance(node, ast.Lambda):
            found.append(_moved(node, line - 1, offset - 1))
    return found


def _closed(text: str) -> str:
    """The text up to the bracket or comma that ends the lambda's body."""
    depth, past_colon = 0, False
    for place, letter in enumerate(text):
        if letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth < 0:
                return text[:place]
        elif letter == ":" and depth == 0:
            past_colon = True
        elif letter == "," and depth == 0 and past_colon:
            return text[:place]
    return text


def _moved(node: ast.Lambda, lines: int, columns: int) -> ast.Lambda:
    """The tree with the places that it has in its file."""
    for part in ast.walk(node):
        if isinstance(part, ast.expr):
            if part.lineno == 1:
                part.col_offset += columns
            if part.end_lineno == 1 and part.end_col_offset is not None:
                part.end_col_offset += columns
            part.lineno += lines
            part.end_lineno = (part.end_lineno or 1) + lines
    return node


def _expression(fn: Callable) -> ast.expr:
    """The body of a lambda, read from the file that it stands in. Raises: Unspeakable."""
    code = getattr(fn, "__code__", None)
    if code is None or code.co_name != "<lambda>":
        raise Unspeakable("not a lambda")
    names = list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    places = [(line, column) for line, _, column, _ in code.co_positions()
              if line is not None and column is not None]
    best = [node for node in _lambdas(code.co_filename, code.co_firstlineno)
            if [a.arg for a in node.args.args] == names and _within(node, places)]
    if len(best) != 1:
        raise Unspeakable("not found")
    return best[0].body


def _within(node: ast.Lambda, places: list[tuple[int, int]]) -> bool:
    body = node.body
    low, high = (body.lineno, body.col_offset), (body.end_lineno or 0, body.end_col_offset or 0)
    inside = [p for p in places if low <= p <= high]
    return bool(inside) and any(p == low for p in places)


class _Words:
    """Says an expression as (LaTeX, how tightly it binds): 0 sum, 1 product, 2 power or sign, 3 atom."""

    def __init__(self, signs: dict[str, str], grad: str) -> None:
        self.signs, self.grad = signs, grad

    def grad_text(self, level: int) -> str:
        """The incoming gradient; in brackets where it stands beside something."""
        return f"({self.grad})"

    def say(self, node: ast.expr) -> tuple[str, int]:
        """The expression in LaTeX. Raises: Unspeakable."""
        method = getattr(self, "_" + type(node).__name__.lower(), None)
        if method is None:
            raise Unspeakable(type(node).__name__)
        return method(node)

    def _at(self, node: ast.expr, level: int) -> str:
        text, binds = self.say(node)
        return text if binds >= level else rf"\left({text}\right)"

    def _factor(self, node: ast.expr) -> str:
        """A condition as a factor is Iverson's bracket: one where it holds, else zero."""
        if isinstance(node, ast.Compare):
            return rf"\left[{self.say(node)[0]}\right]"
        return self._at(node, 1)

    def _name(self, node: ast.Name) -> tuple[str, int]:
        if node.id == "grad":
            return self.grad_text(3), 3
        if node.id in self.signs:
            text = self.signs[node.id]
            return text, 2 if "^" in text else 3
        if len(node.id) == 1:
            return node.id, 3
        greek = {"alpha", "beta", "gamma", "delta", "eps", "lambd"}
        if node.id in greek:
            return {"eps": r"\varepsilon", "lambd": r"\lambda"}.get(node.id, "\\" + node.id), 3
        return rf"\mathrm{{{node.id}}}".replace("_", r"\_"), 3

    def _constant(self, node: ast.Constant) -> tuple[str, int]:
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            return f"{node.value:g}", 3 if node.value >= 0 else 2
        raise Unspeakable(repr(node.value))

    def _binop(self, node: ast.BinOp) -> tuple[str, int]:
        if isinstance(node.op, ast.Mult):
            if _is_zero(node.left) or _is_zero(node.right):
                return "0", 3
            if ast.dump(node.left) == ast.dump(node.right):
                return f"{self._at(node.left, 3)}^{{2}}", 2
            return rf"{self._factor(node.left)}\,{self._factor(node.right)}", 1
        if isinstance(node.op, ast.MatMult):
            return rf"{self._at(node.left, 1)}\,{self._at(node.right, 1)}", 1
        if isinstance(node.op, ast.Div):
            top, _ = self.say(node.left)
            below, _ = self.say(node.right)
            top = self.grad if top == self.grad_text(3) else top
            return rf"\frac{{{top}}}{{{below}}}", 3
        if isinstance(node.op, ast.Add):
            return f"{self._at(node.left, 0)} + {self._at(node.right, 0)}", 0
        if isinstance(node.op, ast.Sub):
            return f"{self._at(node.left, 0)} - {self._at(node.right, 1)}", 0
        if isinstance(node.op, ast.Pow):
            return f"{self._at(node.left, 3)}^{{{self.say(node.right)[0]}}}", 2
        if isinstance(node.op, ast.BitOr):
            return rf"{self.say(node.left)[0]} \text{{ or }} {self.say(node.right)[0]}", 0
        if isinstance(node.op, ast.BitAnd):
            return rf"{self.say(node.left)[0]} \text{{ and }} {self.say(node.right)[0]}", 0
        raise Unspeakable(type(node.op).__name__)

    def _unaryop(self, node: ast.UnaryOp) -> tuple[str, int]:
        if isinstance(node.op, ast.USub):
            return f"-{self._at(node.operand, 1)}", 1
        raise Unspeakable(type(node.op).__name__)

    def _compare(self, node: ast.Compare) -> tuple[str, int]:
        sign = _COMPARES.get(type(node.ops[0]))
        if len(node.ops) != 1 or sign is None:
            raise Unspeakable("compare")
        return f"{self.say(node.left)[0]} {sign} {self.say(node.comparators[0])[0]}", 0

    def _ifexp(self, node: ast.IfExp) -> tuple[str, int]:
        test = node.test
        if (isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq)
                and isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value == 1):
            return self.say(node.body)
        raise Unspeakable("a choice")

    def _attribute(self, node: ast.Attribute) -> tuple[str, int]:
        if node.attr in _TRANSPOSES:
            return self._turned(node.value)
        if isinstance(node.value, ast.Name) and node.value.id == "math" and node.attr == "pi":
            return r"\pi", 3
        raise Unspeakable(node.attr)

    def _turned(self, node: ast.expr) -> tuple[str, int]:
        text, binds = self.say(node)
        if text.endswith("^{T}"):
            return text.removesuffix("^{T}"), 3
        return (text if binds >= 3 else rf"\left({text}\right)") + "^{T}", 2

    def _call(self, node: ast.Call) -> tuple[str, int]:
        fn = node.func
        if isinstance(fn, ast.Name):
            if fn.id == "adjoint":
                return self._turned(node.args[0])
            if fn.id in _PLAIN:
                return self.say(node.args[0])
            if fn.id == "turned":
                return self._turned(node.args[0])
            if fn.id == "of_left_factor":
                return rf"{self._at(node.args[0], 1)}\,{self._turned(node.args[1])[0]}", 1
            if fn.id == "of_right_factor":
                return rf"{self._turned(node.args[1])[0]}\,{self._at(node.args[0], 1)}", 1
            raise Unspeakable(fn.id)
        if not isinstance(fn, ast.Attribute):
            raise Unspeakable("call")
        if isinstance(fn.value, ast.Name) and fn.value.id in ("f", "math"):
            return self._function(fn.attr, node.args)
        if fn.attr in _TRANSPOSES:
            return self._turned(fn.value)
        if fn.attr in _PRODUCTS:
            return rf"{self._at(fn.value, 1)}\,{self._at(node.args[0], 1)}", 1
        if fn.attr == "outer":
            return rf"{self._at(fn.value, 1)}\,{self._turned(node.args[0])[0]}", 1
        if fn.attr in _POSTFIX:
            return self.say(fn.value)
        if fn.attr == "neg":
            return f"-{self._at(fn.value, 1)}", 1
        raise Unspeakable(fn.attr)

    def _function(self, name: str, args: list[ast.expr]) -> tuple[str, int]:
        if name in ("conj", "real"):
            return self.say(args[0])
        if name == "sqrt":
            return rf"\sqrt{{{self.say(args[0])[0]}}}", 3
        if name == "square":
            return f"{self._at(args[0], 3)}^{{2}}", 2
        if name == "abs":
            return rf"\left|{self.say(args[0])[0]}\right|", 3
        if name in ("expm1", "log1p"):
            inner = self.say(args[0])[0]
            return (rf"e^{{{inner}}} - 1", 0) if name == "expm1" else (rf"\log\left(1 + {inner}\right)", 2)
        if name == "exp":
            return rf"e^{{{self.say(args[0])[0]}}}", 2
        if name in _NAMED:
            return rf"\{name} {self._at(args[0], 3)}", 2
        if name in _UPRIGHT:
            sign = _UPRIGHT[name]
            sign = sign if sign.startswith("\\") else rf"\mathrm{{{sign}}}"
            return rf"{sign}\left({self.say(args[0])[0]}\right)", 3
        if name == "where" and len(args) == 3:
            then, otherwise = self.say(args[1])[0], self.say(args[2])[0]
            when = self.say(args[0])[0]
            then = self.grad if then == self.grad_text(3) else then
            otherwise = self.grad if otherwise == self.grad_text(3) else otherwise
            return rf"{then} \text{{ where }} {when} \text{{, else }} {otherwise}", 0
        raise Unspeakable(name)


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 0
