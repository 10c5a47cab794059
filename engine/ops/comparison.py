"""Comparison, logic and bits: results without a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.ops.formula import f
from engine.ops.record import composite, kernel, pointwise, without_derivative


def _compare(name: str, sign: str, compute: Any, alias: str) -> Any:
    return pointwise(name=name, operands=("self", "other"), inputs=(), inplace=True, aliases=(alias,),
                     formula=rf"y = (a {sign} b)", text=f"True where a {sign} b holds.", forward=compute)


eq = pointwise(name="eq", operands=("self", "other"), inputs=(), inplace=True, formula="y = (a = b)",
               text="True where both are equal.", forward=lambda self, other: np.equal(self, other))
ne = _compare("ne", r"\neq", lambda self, other: np.not_equal(self, other), "not_equal")
lt = _compare("lt", "<", lambda self, other: np.less(self, other), "less")
le = _compare("le", r"\leq", lambda self, other: np.less_equal(self, other), "less_equal")
gt = _compare("gt", ">", lambda self, other: np.greater(self, other), "greater")
ge = _compare("ge", r"\geq", lambda self, other: np.greater_equal(self, other), "greater_equal")


def _logic(name: str, compute: Any) -> Any:
    return pointwise(name=name, operands=("self", "other"), inputs=(), inplace=True, promote=None,
                     formula=rf"y = \mathrm{{{name.replace('_', chr(92) + '_')}}}(a, "
                             rf"b)", text=f"{name} of "
                                                                                               f"the truth "
                                                                                               f"of both.",
                     forward=compute)


logical_and = _logic("logical_and", lambda self, other: np.logical_and(self, other))
logical_or = _logic("logical_or", lambda self, other: np.logical_or(self, other))
logical_xor = _logic("logical_xor", lambda self, other: np.logical_xor(self, other))
logical_not = pointwise(name="logical_not", inputs=(), inplace=True, promote=None, formula=r"y = \lnot x",
                        text="True where the value is zero.", forward=lambda self: np.logical_not(self))


def _bits(name: str, text: str, compute: Any) -> Any:
    def forward(self: Any, other: Any) -> Any:
        a = getattr(self, "dtype", getattr(other, "dtype", None))
        if a is not None and a.kind in "fc" or isinstance(other, float):
            raise NotImplementedError(f"\"{name}_cpu\" not implemented for "
                                      f"'{dt.scalar_type_name(dt.FROM_NUMPY[a])}'")  # type: ignore[index]
        return compute(self, other)

    return pointwise(name=name, operands=("self", "other"), inputs=(), inplace=True, promote="keep",
                     formula=rf"y = \mathrm{{{name.split('_', 1)[1].replace('_', ' ')}}}(a, "
                             rf"b)", text=text, forward=forward)


bitwise_and = _bits("bitwise_and", "And of the bits.", lambda a, b: np.bitwise_and(a, b))
bitwise_or = _bits("bitwise_or", "Or of the bits.", lambda a, b: np.bitwise_or(a, b))
bitwise_xor = _bits("bitwise_xor", "Exclusive or of the bits.", lambda a, b: np.bitwise_xor(a, b))
bitwise_left_shift = _bits("bitwise_left_shift", "Bits moved up.", lambda a, b: np.left_shift(a, b))
bitwise_right_shift = _bits("bitwise_right_shift", "Bits moved down.", lambda a, b: np.right_shift(a, b))
composite("__lshift__", on=("Tensor",))(lambda self, other: bitwise_left_shift(self, other))
composite("__rshift__", on=("Tensor",))(lambda self, other: bitwise_right_shift(self, other))


def _not(self: Any) -> Any:
    if self.dtype.kind in "fc":
        raise NotImplementedError(f"\"bitwise_not_cpu\" not implemented for "
                                  f"'{dt.scalar_type_name(dt.of(self))}'")
    return np.invert(self)


bitwise_not = pointwise(name="bitwise_not", inputs=(), inplace=True, promote=None, formula=r"y = \sim x",
                        text="Every bit turned.", forward=_not)


def _test(name: str, text: str, compute: Any, exact: Any) -> Any:
    """A test of floats that integers pass or fail as a whole."""
    def forward(self: Any) -> Any:
        if self.dtype.kind in "iub":
            return np.full(self.shape, exact) if self.ndim else np.bool_(exact)
        return compute(self)

    return pointwise(
        name=name,
        inputs=(),
        promote=None,
        formula=rf"y = \mathrm{{{name}}}(x)",
        text=text,
        forward=forward,
        out=name in ("isposinf", "isneginf"),
    )


isnan = _test("isnan", "True where it is not a number.", lambda a: np.isnan(a), False)
isinf = _test("isinf", "True where it is infinite.", lambda a: np.isinf(a), False)
isfinite = _test("isfinite", "True where it is a finite number.", lambda a: np.isfinite(a), True)
isposinf = _test("isposinf", "True where it is +Inf.", lambda a: a == np.inf, False)
isneginf = _test("isneginf", "True where it is -Inf.", lambda a: a == -np.inf, False)
isreal = _test("isreal", "True where the imaginary part is zero.", lambda a: np.isreal(a), True)
signbit = pointwise(name="signbit", inputs=(), promote=None, formula=r"y = \mathrm{signbit}(x)",
                    text="True where the sign bit is set.",
                    forward=lambda self: np.zeros(self.shape, bool) if self.dtype.kind in "bu" else
                    self < 0 if self.dtype.kind == "i" else np.signbit(self))


def _close(self: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    if self.dtype != other.dtype:
        raise RuntimeError(f"{dt.scalar_type_name(dt.of(self))} did not match "
                           f"{dt.scalar_type_name(dt.of(other))}")
    if rtol < 0:
        raise RuntimeError(f"rtol must be greater than or equal to zero, but got {rtol}")
    if atol < 0:
        raise RuntimeError(f"atol must be greater than or equal to zero, but got {atol}")
    same = self == other
    if equal_nan and self.dtype.kind in "fc":
        same = same | (np.isnan(self) & np.isnan(other))
    if self.dtype.kind in "iub":
        a, b = self.astype(np.float64), other.astype(np.float64)
    else:
        a, b = self, other
    near = np.isfinite(np.abs(a - b)) & (np.abs(a - b) <= atol + np.abs(rtol * b))
    return same | near


isclose = kernel(name="isclose", inputs=(), out=False, formula=r"y = |a - b| \leq \epsilon_a + \epsilon_r "
                                                               r"|b|",
                 text="True where both are close.", forward=_close)


@composite("allclose", out=False)
def allclose(
    self: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """True when all elements are close."""
    return bool(np.all(isclose(self, other, rtol, atol, equal_nan)._a))


@composite("equal", out=False)
def equal(self: Any, other: Any) -> bool:
    """True when both have the same shape and elements."""
    if not hasattr(other, "_a"):
        raise TypeError(f"equal(): argument 'other' (position 1) must be Tensor, not {type(other).__name__}")
    return self._a.shape == other._a.shape and bool(np.array_equal(self._a, other._a))


nextafter = pointwise(
    name="nextafter",
    inputs=("self", "other"),
    inplace=True,
    formula=r"y = \mathrm{nextafter}(a, b)",
    text="The next number that the type can hold.",
    forward=lambda self, other: np.nextafter(self, other),
    grads={
        "self": lambda grad, self, other: f.where(self != other, grad, 0),
        "other": lambda grad: grad * 0,
    },
)
heaviside = pointwise(
    name="heaviside",
    inputs=("self", "values"),
    inplace=True,
    promote="keep",
    grad_fn="NotImplemented",
    grads={i: without_derivative("heaviside") for i in ("self", "values")},
    formula=r"y = [x > 0]",
    text="A step at zero.",
    forward=lambda self, values: _heaviside(self, values),
)


def _heaviside(self: Any, values: Any) -> Any:
    if self.dtype != values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return np.where(self == 0, values, (self > 0).astype(self.dtype)).astype(self.dtype)


gcd = pointwise(name="gcd", operands=("self", "other"), inputs=(), inplace=True, formula=r"y = \gcd(a, b)",
                text="The greatest common divisor.", forward=lambda self, other: np.gcd(self, other))
lcm = pointwise(
    name="lcm",
    operands=("self", "other"),
    inputs=(),
    inplace=True,
    formula=r"y = \mathrm{lcm}(a, b)",
    text="The least common multiple.",
    forward=lambda self, other: np.lcm(self, other),
)


def _copysign(self: Any, other: Any) -> Any:
    return np.copysign(self, other)


copysign = pointwise(
    name="copysign",
    inputs=("self", "other"),
    inplace=True,
    promote="float",
    tensors_only=True,
    domain=(0.5, 3),
    named=lambda self, other: "CopysignBackward0" if hasattr(other, "_a") else "CopysignBackward1",
    formula=r"y = |a| \, \mathrm{sign}\, b",
    text="The first's size with the second's sign.",
    forward=_copysign,
    grads={"self": lambda grad, self, result: grad * _ratio(self, result), "other": lambda grad: grad * 0},
)


def _ratio(self: Any, result: Any) -> Any:

    return f.where(self == 0, 0 * result, result / self)


@composite("isin")
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Any:
    """True for each element that is among test_elements."""
    from engine.autograd import node as nodes

    a = elements._a if hasattr(elements, "_a") else elements
    b = test_elements._a if hasattr(test_elements, "_a") else test_elements
    return nodes.Tensor._of(np.isin(a, b, invert=invert))
