"""Expressions that a person types into a condition, a watch or an edit: parsed, checked, evaluated; never
eval'ed.

`grad.norm() > 10`, `isnan(result)`, `self.abs().max() > 1e3`, `iteration == 40`,
`clip(grad, -1, 1)`, `zeros`.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

LENGTH_MAX = 500
DEPTH_MAX = 30
ELEMENTS_MAX = 1 << 28


class ExpressionError(ValueError):
    """What is wrong with an expression, in words."""


def _norm(a: Any, p: float = 2) -> Any:
    return np.linalg.norm(np.asarray(a, np.float64).reshape(-1), p)


def _clip(a: Any, low: Any = None, high: Any = None) -> Any:
    return np.clip(a, low, high)


def _softmax(a: Any, dim: int = -1) -> Any:
    e = np.exp(a - np.max(a, axis=dim, keepdims=True))
    return e / e.sum(axis=dim, keepdims=True)


def _reduction(fn: Callable) -> Callable:
    def reduced(a: Any, dim: int | None = None, keepdim: bool = False) -> Any:
        return fn(np.asarray(a), axis=dim, keepdims=keepdim)

    return reduced


FUNCTIONS: dict[str, Callable] = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sign": np.sign,
    "relu": lambda a: np.maximum(a, 0),
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "softmax": _softmax,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "norm": _norm,
    "clip": _clip,
    "clamp": _clip,
    "where": np.where,
    "round": np.round,
    "floor": np.floor,
    "ceil": np.ceil,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "log10": np.log10,
    "max": _reduction(np.max),
    "min": _reduction(np.min),
    "sum": _reduction(np.sum),
    "mean": _reduction(np.mean),
    "std": lambda a, dim=None: np.std(a, axis=dim, ddof=1),
    "var": lambda a, dim=None: np.var(a, axis=dim, ddof=1),
    "any": _reduction(np.any),
    "all": _reduction(np.all),
    "numel": lambda a: np.asarray(a).size,
    "len": lambda a: len(a),
    "zeros_like": np.zeros_like,
    "ones_like": np.ones_like,
}
"""Functions by name; those of one tensor are its methods too."""

METHODS: dict[str, Callable] = {
    **{k: v for k, v in FUNCTIONS.items() if k not in ("where", "len", "zeros_like", "ones_like")},
    "item": lambda a: np.asarray(a).item(),
    "t": np.transpose,
    "float": lambda a: np.asarray(a, np.float64),
    "dim": lambda a: np.asarray(a).ndim,
    "size": lambda a, d=None: np.asarray(a).shape if d is None else np.asarray(a).shape[d],
    "count_nonzero": lambda a: np.count_nonzero(a),
    "square": np.square,
    "argmax": lambda a, dim=None: np.argmax(a, axis=dim),
    "argmin": lambda a, dim=None: np.argmin(a, axis=dim),
}
ATTRIBUTES: dict[str, Callable] = {
    "shape": lambda a: np.asarray(a).shape,
    "T": np.transpose,
    "ndim": lambda a: np.asarray(a).ndim,
}
CONSTANTS = {
    "nan": float("nan"),
    "inf": float("inf"),
    "pi": np.pi,
    "True": True,
    "False": False,
    "None": None,
}

_BINARY: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.MatMult: operator.matmul,
}
_UNARY: dict[type, Callable] = {ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: np.logical_not}
_COMPARE: dict[type, Callable] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_BITS: dict[type, Callable] = {
    ast.BitAnd: np.logical_and,
    ast.BitOr: np.logical_or,
    ast.BitXor: np.logical_xor,
}


class Expression:
    """A parsed expression. Raises: ExpressionError, with what is wrong and where, when it is not one."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        if not self.text:
            raise ExpressionError("The expression is empty.")
        if len(self.text) > LENGTH_MAX:
            raise ExpressionError(f"The expression is longer than {LENGTH_MAX} characters.")
        try:
            self._tree = ast.parse(self.text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            at = f" at column {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
            raise ExpressionError(f"“{self.text}” is not an expression{at}.") from None
        self.names: set[str] = set()
        self._check(self._tree, 0)

    def value(self, names: Mapping[str, Any]) -> Any:
        """Its value where these names are known. Raises: ExpressionError."""
        try:
            with np.errstate(all="ignore"):
                return self._value(self._tree, names)
        except ExpressionError:
            raise
        except Exception as error:
            raise ExpressionError(f"“{self.text}”: {error}") from None

    def holds(self, names: Mapping[str, Any]) -> bool:
        """Whether it is true; of a tensor, whether any element is."""
        return bool(np.any(self.value(names)))

    def _check(self, tree: ast.AST, depth: int) -> None:
        if depth > DEPTH_MAX:
            raise ExpressionError("The expression is nested too deep.")
        if isinstance(tree, ast.Name):
            self.names.add(tree.id)
        elif isinstance(tree, ast.Constant):
            if not isinstance(tree.value, (int, float, bool, type(None))):
                raise ExpressionError(f"“{tree.value!r}” cannot stand in an expression; numbers can.")
        elif isinstance(tree, ast.Attribute):
            # No attribute is ever looked up on an object: a dotted name is a name, or one of ATTRIBUTES.
            if tree.attr.startswith("_"):
                raise ExpressionError(f"“.{tree.attr}” cannot stand in an expression.")
        elif isinstance(tree, ast.Call):
            if any(k.arg not in ("dim", "p", "keepdim", "low", "high") for k in tree.keywords):
                raise ExpressionError("Only the named arguments dim, p, keepdim, low and high are known.")
            if isinstance(tree.func, ast.Name):
                if tree.func.id not in FUNCTIONS:
                    raise ExpressionError(
                        f"“{tree.func.id}” is no function here. Known: {', '.join(sorted(FUNCTIONS))}."
                    )
            elif not isinstance(tree.func, ast.Attribute) or tree.func.attr not in METHODS:
                raise ExpressionError("Only functions and methods by their name can be called.")
        elif not isinstance(
            tree,
            (
                ast.BinOp,
                ast.UnaryOp,
                ast.Compare,
                ast.BoolOp,
                ast.Subscript,
                ast.Slice,
                ast.Tuple,
                ast.IfExp,
                ast.operator,
                ast.unaryop,
                ast.cmpop,
                ast.boolop,
                ast.expr_context,
                ast.keyword,
            ),
        ):
            raise ExpressionError(f"{type(tree).__name__} cannot stand in an expression.")
        for child in ast.iter_child_nodes(tree):
            if isinstance(tree, ast.Call) and child is tree.func and isinstance(child, ast.Name):
                continue
            self._check(child, depth + 1)

    def _value(self, tree: ast.AST, names: Mapping[str, Any]) -> Any:
        if isinstance(tree, ast.Constant):
            return tree.value
        if isinstance(tree, ast.Name):
            return self._named(tree.id, names)
        if isinstance(tree, ast.BinOp):
            return self._binary(tree, names)
        if isinstance(tree, ast.UnaryOp):
            value = self._value(tree.operand, names)
            return not np.any(value) if isinstance(tree.op, ast.Not) else _UNARY[type(tree.op)](value)
        if isinstance(tree, ast.Compare):
            return self._comparison(tree, names)
        if isinstance(tree, ast.BoolOp):
            wanted = isinstance(tree.op, ast.Or)
            for part in tree.values:
                if bool(np.any(self._value(part, names))) is wanted:
                    return wanted
            return not wanted
        if isinstance(tree, ast.IfExp):
            return self._value(tree.body if np.any(self._value(tree.test, names)) else tree.orelse, names)
        if isinstance(tree, ast.Tuple):
            return tuple(self._value(e, names) for e in tree.elts)
        if isinstance(tree, ast.Slice):
            return slice(
                *(None if e is None else self._value(e, names) for e in (tree.lower, tree.upper, tree.step))
            )
        if isinstance(tree, ast.Subscript):
            return self._value(tree.value, names)[self._value(tree.slice, names)]
        if isinstance(tree, ast.Attribute):
            path = _dotted(tree)
            if path is not None and path in names:
                return names[path]
            if tree.attr in ATTRIBUTES:
                return ATTRIBUTES[tree.attr](self._value(tree.value, names))
            raise ExpressionError(f"“{ast.unparse(tree)}” is not known here.")
        assert isinstance(tree, ast.Call)
        arguments = [self._value(a, names) for a in tree.args]
        named = {str(k.arg): self._value(k.value, names) for k in tree.keywords}
        if isinstance(tree.func, ast.Name):
            return FUNCTIONS[tree.func.id](*arguments, **named)
        assert isinstance(tree.func, ast.Attribute)
        return METHODS[tree.func.attr](self._value(tree.func.value, names), *arguments, **named)

    def _named(self, name: str, names: Mapping[str, Any]) -> Any:
        if name in names:
            return names[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        known = ", ".join(sorted(n for n in names if "." not in n)) or "nothing"
        raise ExpressionError(f"“{name}” is not known here. Known: {known}.")

    def _binary(self, tree: ast.BinOp, names: Mapping[str, Any]) -> Any:
        left, right = self._value(tree.left, names), self._value(tree.right, names)
        if isinstance(tree.op, ast.Pow):
            return (
                np.power(np.asarray(left, np.float64), right)
                if not isinstance(left, np.ndarray)
                else left**right
            )
        apply = _BINARY.get(type(tree.op)) or _BITS.get(type(tree.op))
        if apply is None:
            raise ExpressionError(f"{type(tree.op).__name__} cannot stand in an expression.")
        if any(isinstance(v, (tuple, str)) for v in (left, right)):
            raise ExpressionError("Arithmetic is for numbers and tensors.")
        shape = np.broadcast_shapes(np.shape(left), np.shape(right)) if apply is not operator.matmul else ()
        if np.prod(shape, dtype=np.float64) > ELEMENTS_MAX:
            raise ExpressionError("The result would be too large.")
        return apply(left, right)

    def _comparison(self, tree: ast.Compare, names: Mapping[str, Any]) -> Any:
        left = self._value(tree.left, names)
        result: Any = True
        for op, other in zip(tree.ops, tree.comparators, strict=True):
            compare = _COMPARE.get(type(op))
            if compare is None:
                raise ExpressionError(f"{type(op).__name__} cannot stand in an expression.")
            right = self._value(other, names)
            result = np.logical_and(result, compare(left, right))
            left = right
        return result


def _dotted(tree: ast.AST) -> str | None:
    if isinstance(tree, ast.Name):
        return tree.id
    if isinstance(tree, ast.Attribute):
        before = _dotted(tree.value)
        return None if before is None else f"{before}.{tree.attr}"
    return None


def text_of(value: Any) -> str:
    """A value in words, short enough for one line."""
    if isinstance(value, (np.ndarray, np.generic)):
        if np.ndim(value) == 0:
            value = np.asarray(value).item()
        elif value.size <= 16:
            text = np.array2string(np.asarray(value), precision=4, separator=", ", threshold=16)
            return text.replace("\n", "")
        else:
            return f"{value.dtype} {list(value.shape)}"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
