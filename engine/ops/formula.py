"""`f`: the functions that formulas are written in.

One name, several readings: on NumPy arrays f.tanh computes; on Tensors it is the op of that name (so a
derivative
can be differentiated again); on Symbols it builds the expression that kernels and typesetting read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.autograd import node as nodes

OPS: dict[str, Any] = {}
"""Every record by name; engine.ops.record fills it."""


class Symbol:
    """An expression instead of a value: what tracing a formula yields. op is 'input', 'constant' or a
    function."""

    __slots__ = ("op", "args")
    dtype = np.dtype(np.float32)
    """What a forward that asks is told: formulas are traced as for single precision."""
    ndim = 1

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            return NotImplemented
        return Symbol(UFUNCS.get(ufunc.__name__, ufunc.__name__), *args)

    def __array_function__(self, fn: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        if fn is np.where and len(args) == 3 and not kwargs:
            return Symbol("where", *args)
        if fn is np.round and len(args) == 1:
            return Symbol("round", *args)
        return NotImplemented

    def __bool__(self) -> bool:
        raise TypeError("a formula has no truth value: choose with f.where")

    def astype(self, *args: Any, **kwargs: Any) -> Symbol:
        """Itself: a formula has one type."""
        return self

    def __init__(self, op: str, *args: Any) -> None:
        self.op, self.args = op, args

    def __add__(self, o: Any) -> Symbol: return Symbol("add", self, o)
    def __radd__(self, o: Any) -> Symbol: return Symbol("add", o, self)
    def __sub__(self, o: Any) -> Symbol: return Symbol("sub", self, o)
    def __rsub__(self, o: Any) -> Symbol: return Symbol("sub", o, self)
    def __mul__(self, o: Any) -> Symbol: return Symbol("mul", self, o)
    def __rmul__(self, o: Any) -> Symbol: return Symbol("mul", o, self)
    def __truediv__(self, o: Any) -> Symbol: return Symbol("div", self, o)
    def __rtruediv__(self, o: Any) -> Symbol: return Symbol("div", o, self)
    def __pow__(self, o: Any) -> Symbol: return Symbol("pow", self, o)
    def __rpow__(self, o: Any) -> Symbol: return Symbol("pow", o, self)
    def __neg__(self) -> Symbol: return Symbol("neg", self)
    def __abs__(self) -> Symbol: return Symbol("abs", self)
    def __lt__(self, o: Any) -> Symbol: return Symbol("lt", self, o)
    def __le__(self, o: Any) -> Symbol: return Symbol("le", self, o)
    def __gt__(self, o: Any) -> Symbol: return Symbol("gt", self, o)
    def __ge__(self, o: Any) -> Symbol: return Symbol("ge", self, o)
    def __eq__(self, o: Any) -> Symbol: return Symbol("eq", self, o)  # type: ignore[override]
    def __ne__(self, o: Any) -> Symbol: return Symbol("ne", self, o)  # type: ignore[override]
    def __and__(self, o: Any) -> Symbol: return Symbol("logical_and", self, o)
    def __or__(self, o: Any) -> Symbol: return Symbol("logical_or", self, o)
    def __invert__(self) -> Symbol: return Symbol("logical_not", self)
    __hash__ = object.__hash__


UFUNCS = {
    "absolute": "abs",
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "negative": "neg",
    "power": "pow",
    "float_power": "pow",
    "less": "lt",
    "less_equal": "le",
    "greater": "gt",
    "greater_equal": "ge",
    "equal": "eq",
    "not_equal": "ne",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "arctan2": "atan2",
    "rint": "round",
    "conjugate": "conj",
    "gammaln": "lgamma",
    "psi": "digamma",
    "fabs": "abs",
}
"""NumPy's and SciPy's names of functions, where they are not a formula's."""


class Primitive:
    """A function of formulas: `compute` on arrays, the op `op` on Tensors, a Symbol on Symbols."""

    __slots__ = ("name", "compute", "op")

    def __init__(self, name: str, compute: Callable, op: str) -> None:
        self.name, self.compute, self.op = name, compute, op

    def __call__(self, *args: Any) -> Any:
        for a in args:
            if isinstance(a, nodes.Tensor):
                return OPS[self.op](*args)
            if type(a) is Symbol:
                return Symbol(self.name, *args)
        return self.compute(*args)


class Conjugate(Primitive):
    """conj, in nearly every gradient: real values are given back as they are, without a copy."""

    __slots__ = ()

    def __call__(self, *args: Any) -> Any:
        x = args[0]
        if isinstance(x, (np.ndarray, np.generic)):
            return x if x.dtype.kind != "c" else np.conj(x)
        return super().__call__(x)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


_BITS = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}


def _where(when: Any, then: Any, otherwise: Any) -> Any:
    """np.where; zeros are put among an array's elements by their bits, since np.where takes a branch, mostly
    mispredicted, for each element."""
    first = type(then) is int and then == 0
    kept = otherwise if first else then
    if (
        (first or type(otherwise) is int and otherwise == 0)
        and type(kept) is np.ndarray
        and type(when) is np.ndarray
        and when.shape == kept.shape
        and when.dtype == np.bool_
        and (bits := _BITS.get(kept.dtype)) is not None
    ):
        mask = when.view(np.int8)
        return (kept.view(bits) & (mask - np.int8(1) if first else -mask)).view(kept.dtype)
    return np.where(when, then, otherwise)


def _special(name: str) -> Callable:
    """A SciPy special function, loaded when first computed: SciPy is slow to import."""

    def compute(*args: Any) -> Any:
        import scipy.special

        fn = getattr(scipy.special, name)
        return fn(*args)

    return compute


class Functions:
    """The table of primitives, as attributes."""

    def __init__(self) -> None:
        self.table: dict[str, Primitive] = {}

    def define(self, name: str, compute: Callable, op: str | None = None) -> None:
        """Add a primitive; `op` is the record that it is on Tensors, its own name unless given."""
        made = self.table[name] = (Conjugate if name == "conj" else Primitive)(name, compute, op or name)
        setattr(self, name, made)

    def __getattr__(self, name: str) -> Primitive:
        raise AttributeError(f"f has no {name}; define it in engine/ops/formula.py")


f = Functions()
_ELEMENTARY: dict[str, Callable] = {
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "atan2": np.arctan2,
    "abs": np.abs,
    "sign": np.sign,
    "sgn": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "round": np.round,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "where": _where,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_not": np.logical_not,
    "logical_xor": np.logical_xor,
    "hypot": np.hypot,
    "sinc": np.sinc,
    "fmod": np.fmod,
    "remainder": np.remainder,
    "pow": np.power,
    "sigmoid": _sigmoid,
    "square": np.square,
    "reciprocal": np.reciprocal,
    "conj": np.conj,
    "real": np.real,
    "imag": np.imag,
    "angle": np.angle,
    "logaddexp": np.logaddexp,
    "logaddexp2": np.logaddexp2,
    "copysign": np.copysign,
    "signbit": np.signbit,
    "erf": _special("erf"),
    "erfc": _special("erfc"),
    "erfinv": _special("erfinv"),
    "lgamma": _special("gammaln"),
    "digamma": _special("digamma"),
}
for _name, _compute in _ELEMENTARY.items():
    f.define(_name, _compute)
