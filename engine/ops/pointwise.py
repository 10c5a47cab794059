"""Arithmetic, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import dtype as dt
from engine.ops.formula import OPS, f
from engine.ops.record import composite, kernel, pointwise, without_derivative


def _no_bool_minus(*values: Any) -> None:
    if all(
        isinstance(v, (bool, np.bool_)) or getattr(getattr(v, "dtype", None), "kind", "") == "b"
        for v in values
    ):
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. Use the "
                           "`^` or "
                           "`logical_xor()` operator instead.")


def _sub(self: Any, other: Any, *, alpha: Any = 1) -> Any:
    if getattr(self, "dtype", None) == np.bool_:
        _no_bool_minus(self, other)
    return self - other if alpha == 1 else self - alpha * other


add = pointwise(
    name="add", inputs=("self", "other"), grad_fn="AddBackward0", inplace=True,
    formula=r"y = a + b", domain=(-4, 4),
    text="Adds; the gradient goes to both sides unchanged.",
    forward=lambda self, other, *, alpha=1: self + other if alpha == 1 else self + alpha * other,
    grads={"self": lambda grad: grad, "other": lambda grad, alpha: grad if alpha == 1 else grad * alpha},
)
sub = pointwise(
    name="sub", inputs=("self", "other"), grad_fn="SubBackward0", inplace=True, aliases=("subtract",),
    formula=r"y = a - b", domain=(-4, 4),
    text="Subtracts; the gradient goes to the first unchanged and to the second with its sign turned.",
    forward=_sub,
    grads={"self": lambda grad: grad, "other": lambda grad, alpha: -grad if alpha == 1 else grad * -alpha},
)
rsub = pointwise(
    name="rsub", inputs=("self", "other"), operands=("self", "other"), tensors_only=True,
    named=lambda self, other, alpha: "RsubBackward0" if hasattr(other, "_a") else "RsubBackward1",
    formula=r"y = b - a", domain=(-4, 4),
    text="Subtracts the first from the second.",
    forward=lambda self, other, *, alpha=1: _sub(other, self, alpha=alpha),
    grads={"self": lambda grad, alpha: -grad if alpha == 1 else grad * -alpha, "other": lambda grad: grad},
)
mul = pointwise(
    name="mul", inputs=("self", "other"), grad_fn="MulBackward0", inplace=True, aliases=("multiply",),
    formula=r"y = a \, b", domain=(-4, 4),
    text="Multiplies; each side's gradient is scaled by the other side.",
    forward=lambda self, other: self * other,
    grads={"self": lambda grad, other: grad * f.conj(other), "other": lambda grad, self: grad * f.conj(self)},
)


def _div(self: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    if rounding_mode is None:
        return self / other
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError("div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
                           f"'{rounding_mode}'")
    whole = getattr(self, "dtype", getattr(other, "dtype", None)).kind in "biu"  # type: ignore[union-attr]
    if whole:
        if np.any(np.equal(other, 0)):
            raise RuntimeError("ZeroDivisionError")
        q = np.floor_divide(self, other)
        if rounding_mode == "trunc":
            q = q + ((np.remainder(self, other) != 0) & ((self < 0) != (other < 0))).astype(q.dtype)
        return q
    return np.trunc(self / other) if rounding_mode == "trunc" else np.where(
        np.equal(other, 0), self / other, np.floor_divide(self, other)).astype(np.result_type(self, other))


_true_div = pointwise(
    name="div", inputs=("self", "other"), grad_fn="DivBackward0", promote="float", inplace=True, on=(),
    formula=r"y = \frac{a}{b}", domain=(0.5, 4),
    text="Divides; the divisor's gradient grows with the square of its smallness.",
    forward=lambda self, other: self / other,
    grads={"self": lambda grad, other: grad / f.conj(other),
           "other": lambda grad, self, other: -grad * f.conj(self / other / other)},
)
_rounded_div = pointwise(
    name="div.mode", inputs=("self", "other"), grad_fn="DivBackward2", inplace=True, on=(),
    formula=r"y = \mathrm{round}(a / b)", domain=(0.5, 4),
    text="Divides and rounds; flat almost everywhere, so the gradient is zero.",
    forward=_div,
    grads={"self": lambda grad: grad * 0, "other": lambda grad, other: grad * other * 0},
)


@composite("div", aliases=("divide",))
def div(self: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """The quotient, rounded if asked."""
    return (
        _true_div(self, other)
        if rounding_mode is None
        else _rounded_div(self, other, rounding_mode=rounding_mode)
    )


@composite("div_", on=("Tensor",), aliases=("divide_",), out=False)
def div_(self: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """div in place."""
    if rounding_mode is None:
        return _true_div.op.inplace_function(self, other)
    return _rounded_div.op.inplace_function(self, other, rounding_mode=rounding_mode)


OPS["div"], OPS["div_"] = _true_div, _true_div.op.inplace_function
composite("true_divide")(lambda self, other: _true_div(self, other))
composite("true_divide_", on=("Tensor",), out=False)(lambda self, other: div_(self, other))
floor_divide = pointwise(
    name="floor_divide", inplace=True, inputs=("self", "other"), grad_fn="NotImplemented", tensors_only=True,
    grads={i: without_derivative("floor_divide") for i in ("self", "other")},
    formula=r"y = \lfloor a / b \rfloor", text="Divides and rounds down.",
    forward=lambda self, other: _div(self, other, rounding_mode="floor"),
)


def _remainder(self: Any, other: Any) -> Any:
    if getattr(self, "dtype", getattr(other, "dtype", None)).kind in "biu" and np.any(np.equal(other, 0)):  # type: ignore[union-attr]
        raise RuntimeError("ZeroDivisionError")
    return np.remainder(self, other)


def _fmod(self: Any, other: Any) -> Any:
    if getattr(self, "dtype", getattr(other, "dtype", None)).kind in "biu" and np.any(np.equal(other, 0)):  # type: ignore[union-attr]
        raise RuntimeError("ZeroDivisionError")
    return np.fmod(self, other)


remainder = pointwise(
    name="remainder", inputs=("self", "other"), inplace=True, tensors_only=True,
    named=lambda self, other: "RemainderBackward1" if hasattr(other, "_a") else "RemainderBackward0",
    formula=r"y = a - b \lfloor a / b \rfloor", domain=(0.5, 4),
    text="What is left after dividing, with the divisor's sign.",
    forward=_remainder,
    grads={"self": lambda grad: grad, "other": lambda grad, self, other: -grad * f.floor(self / other)},
)
fmod = pointwise(
    name="fmod", inputs=("self", "other"), inplace=True, tensors_only=True,
    named=lambda self, other: "FmodBackward1" if hasattr(other, "_a") else "FmodBackward0",
    formula=r"y = a - b \, \mathrm{trunc}(a / b)", domain=(0.5, 4),
    text="What is left after dividing, with the dividend's sign.",
    forward=_fmod,
    grads={"self": lambda grad: grad, "other": lambda grad, self, other: -grad * f.trunc(self / other)},
)
neg = pointwise(
    name="neg", inputs=("self",), grad_fn="NegBackward0", inplace=True, aliases=("negative",), promote="keep",
    formula=r"y = -x", domain=(-4, 4),
    text="Turns the sign; the gradient's too.",
    forward=lambda self: _negative(self),
    grads={"self": lambda grad: -grad},
)


def _negative(a: Any) -> Any:
    if getattr(a, "dtype", None) == np.bool_:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. If you are "
                           "trying to invert a "
                           "mask, use the `~` or `logical_not()` operator instead.")
    return -a


composite("positive", out=False)(lambda self: _positive(self))


def _positive(t: Any) -> Any:
    if t.dtype is dt.bool_:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return t


abs = pointwise(
    name="abs", inputs=("self",), grad_fn="AbsBackward0", inplace=True, aliases=("absolute",), promote="keep",
    formula=r"y = |x|", domain=(-4, 4),
    text="Drops the sign; the gradient gets it back.",
    forward=lambda self: np.abs(self),
    grads={"self": lambda grad, self: grad * f.sgn(self)},
)


# -- powers -------------------------------------------------------------------------------------------------


def _pow(self: Any, exponent: Any) -> Any:
    if getattr(self, "dtype", getattr(exponent, "dtype", None)).kind in "iu" and np.any(  # type: ignore[union-attr]
        np.less(exponent, 0)
    ):  # type: ignore[union-attr]
        if not hasattr(exponent, "dtype"):
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        safe = np.power(self, np.where(exponent < 0, 0, exponent))
        return np.where(exponent < 0, np.where(self == 1, 1, np.where(self == -1, 1 - 2 * (exponent % 2), 0)),
                        safe).astype(safe.dtype)
    if getattr(self, "dtype", None) == np.bool_:
        return self | ~np.asarray(exponent, bool)
    return np.power(self, exponent)


def _pow_scalar(self: Any, exponent: Any) -> Any:
    if self.dtype.kind in "fc":
        if exponent == 2:
            return self * self
        if exponent == 3:
            return self * self * self
        if exponent == 0.5:
            return np.sqrt(self)
        if exponent == 1:
            return self + 0
    return _pow(self, exponent)


def _power_slope(grad: Any, self: Any, exponent: Any) -> Any:
    if exponent == 0:
        return grad * 0
    if isinstance(self, nodes.Tensor):  # PyTorch's graph of the second derivative has these nodes
        return grad * f.conj(OPS["_times_number"](f.pow(self, exponent - 1), exponent))
    if exponent == 1:
        return grad
    if exponent == 2:
        return grad * (f.conj(self) * 2)
    return grad * (exponent * f.conj(f.pow(self, exponent - 1)))


pow_scalar = pointwise(
    name="pow.scalar",
    inputs=("self",),
    operands=("self", "exponent"),
    grad_fn="PowBackward0",
    inplace=True,
    on=(),
    formula=r"y = x^{p}",
    domain=(0.5, 3),
    text="Raises to a fixed power.",
    forward=_pow_scalar,
    grads={"self": _power_slope},
)
pow_tensor = pointwise(
    name="pow.tensor",
    inputs=("self", "exponent"),
    inplace=True,
    on=(),
    tensors_only=True,
    named=lambda self, exponent: "PowBackward1" if hasattr(self, "_a") else "PowBackward2",
    formula=r"y = x^{p}",
    domain=(0.5, 3),
    text="Raises to a power that is itself a tensor.",
    forward=_pow,
    grads={
        "self": lambda grad, self, exponent: (
            grad * f.where(exponent == 0, 0 * self, exponent * f.conj(f.pow(self, exponent - 1)))
        ),
        "exponent": lambda grad, self, exponent, result: grad * f.conj(_log_slope(self, exponent, result)),
    },
)


def _log_slope(self: Any, exponent: Any, result: Any) -> Any:
    """result * log(self), and zero where the base is zero and the exponent is not negative."""
    if not hasattr(self, "dtype"):
        return (
            result * (np.log(self) if self != 0 else 0.0)
            if not isinstance(self, complex)
            else result * np.log(self)
        )
    if self.dtype in (dt.complex64, dt.complex128) or getattr(self.dtype, "kind", "") == "c":
        return result * f.log(self)
    return f.where((self == 0) & (exponent >= 0), 0 * result, result * f.log(self))


@composite("pow")
def pow(self: Any, exponent: Any) -> Any:
    """self to the power exponent."""
    if hasattr(exponent, "_a"):
        return pow_tensor(self, exponent)
    return pow_scalar(self, exponent)


@composite("pow_", on=("Tensor",), out=False)
def pow_(self: Any, exponent: Any) -> Any:
    """pow in place."""
    record = pow_tensor if hasattr(exponent, "_a") else pow_scalar
    return record.op.inplace_function(self, exponent)


@composite("square")
def square(self: Any) -> Any:
    """self times itself."""
    return pow(self, 2)


@composite("square_", out=False)
def square_(self: Any) -> Any:
    """square in place."""
    return pow_(self, 2)


@composite("float_power")
def float_power(self: Any, exponent: Any) -> Any:
    """The power computed in float64 (or complex128)."""
    wide = dt.float64
    for v in (self, exponent):
        if isinstance(v, complex) or hasattr(v, "dtype") and v.dtype.is_complex:
            wide = dt.complex128
    a = self.to(wide) if hasattr(self, "_a") else self
    b = exponent.to(wide) if hasattr(exponent, "_a") else exponent
    return pow(a, b)


@composite("float_power_", on=("Tensor",), out=False)
def float_power_(self: Any, exponent: Any) -> Any:
    """float_power in place."""
    return self.copy_(float_power(self, exponent))


# -- combined -----------------------------------------------------------------------------------------------

addcmul = pointwise(
    name="addcmul", inputs=("self", "tensor1", "tensor2"), grad_fn="AddcmulBackward0", inplace=True,
    formula=r"y = x + v\,a\,b", domain=(-3, 3),
    text="Adds a product.",
    forward=lambda self, tensor1, tensor2, *, value=1: self + (tensor1 * tensor2 if value == 1
                                                               else value * tensor1 * tensor2),
    grads={"self": lambda grad: grad,
           "tensor1": lambda grad, tensor2, value: grad * f.conj(tensor2 * value),
           "tensor2": lambda grad, tensor1, value: grad * f.conj(tensor1 * value)},
)


def _addcdiv(self: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    if self.dtype.kind in "biu":
        raise RuntimeError("Integer division with addcdiv is no longer supported, and in a future  release "
                           "addcdiv will "
                           "perform a true division of tensor1 and tensor2. The historic addcdiv behavior "
                           "can be "
                           "implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) "
                           "for integer "
                           "inputs and as (input + value * tensor1 / tensor2) for float inputs. The future "
                           "addcdiv "
                           "behavior is just the latter implementation: (input + value * tensor1 / "
                           "tensor2), for all "
                           "dtypes.")
    return self + value * tensor1 / tensor2


addcdiv = pointwise(
    name="addcdiv",
    inputs=("self", "tensor1", "tensor2"),
    grad_fn="AddcdivBackward0",
    inplace=True,
    formula=r"y = x + v\,\frac{a}{b}",
    domain=(0.5, 3),
    text="Adds a quotient.",
    forward=_addcdiv,
    grads={
        "self": lambda grad: grad,
        "tensor1": lambda grad, tensor2, value: grad * f.conj(value / tensor2),
        "tensor2": lambda grad, tensor1, tensor2, value: (
            -grad * f.conj(value * tensor1 / (tensor2 * tensor2))
        ),
    },
)


def _lerp(self: Any, end: Any, weight: Any) -> Any:
    small = np.abs(weight) < 0.5
    if not hasattr(weight, "dtype"):
        return self + weight * (end - self) if small else end - (end - self) * (1 - weight)
    return np.where(small, self + weight * (end - self), end - (end - self) * (1 - weight))


lerp = pointwise(
    name="lerp",
    inputs=("self", "end", "weight"),
    inplace=True,
    tensors_only=True,
    promote=None,
    named=lambda self, end, weight: "LerpBackward1" if hasattr(weight, "_a") else "LerpBackward0",
    formula=r"y = a + w\,(b - a)",
    domain=(0.1, 0.9),
    text="Walks from the first to the second by the weight.",
    forward=lambda self, end, weight: _checked_lerp(self, end, weight),
    grads={
        "self": lambda grad, weight: grad * f.conj(1 - weight),
        "end": lambda grad, weight: grad * f.conj(weight),
        "weight": lambda grad, self, end: grad * f.conj(end - self),
    },
)


def _checked_lerp(self: Any, end: Any, weight: Any) -> Any:
    if self.dtype != end.dtype:
        raise RuntimeError(f"expected dtype {dt.scalar_type_name(dt.of(self)).lower()} for `end` but got "
                           f"dtype "
                           f"{dt.scalar_type_name(dt.of(end)).lower()}")
    if self.dtype.kind in "biu":
        raise NotImplementedError(f"\"lerp_kernel_scalar\" not implemented for "
                                  f"'{dt.scalar_type_name(dt.of(self))}'")
    if hasattr(weight, "dtype") and weight.dtype != self.dtype:
        raise RuntimeError(f"expected dtype {dt.scalar_type_name(dt.of(self)).lower()} for `weight` but got "
                           f"dtype "
                           f"{dt.scalar_type_name(dt.of(weight)).lower()}")
    got = _lerp(self, end, weight)
    return got if got.dtype == self.dtype else got.astype(self.dtype)


hypot = pointwise(
    name="hypot", inputs=("self", "other"), grad_fn="HypotBackward0", inplace=True,
    formula=r"y = \sqrt{a^2 + b^2}", domain=(0.5, 3),
    text="The length of the long side of a right triangle.",
    forward=lambda self, other: np.hypot(self, other),
    grads={"self": lambda grad, self, result: grad * (self / result),
           "other": lambda grad, other, result: grad * (other / result)},
)


# -- the larger, the smaller --------------------------------------------------------------------------------


def _pair(name: str, compute: Any, loses: Any, text: str, formula: str) -> Any:
    return pointwise(
        name=name,
        inputs=("self", "other"),
        formula=formula,
        domain=(-3, 3),
        text=text,
        forward=compute,
        grads={
            "self": lambda grad, self, other: f.where(
                self == other, grad / 2, f.where(loses(self, other), 0, grad)
            ),
            "other": lambda grad, self, other: f.where(
                self == other, grad / 2, f.where(loses(other, self), 0, grad)
            ),
        },
    )


maximum = _pair("maximum", lambda self, other: np.maximum(self, other), lambda a, b: a < b,
                "The larger of two; the gradient goes to the winner, half to each of "
                "equals.", r"y = \max(a, b)")
minimum = _pair("minimum", lambda self, other: np.minimum(self, other), lambda a, b: a > b,
                "The smaller of two; the gradient goes to the winner, half to each of "
                "equals.", r"y = \min(a, b)")


def _nan_pair(name: str, compute: Any, wins: Any, text: str) -> Any:
    return pointwise(
        name=name,
        inputs=("self", "other"),
        formula=rf"y = \mathrm{{{name}}}(a, "
        rf"b)",
        domain=(-3, 3),
        text=text,
        forward=compute,
        grads={
            "self": lambda grad, self, other: f.where(wins(self, other) | f.isnan(other), grad, 0),
            "other": lambda grad, self, other: f.where(wins(self, other) | f.isnan(other), 0, grad),
        },
    )


fmax = _nan_pair("fmax", lambda self, other: np.fmax(self, other), lambda a, b: a >= b,
                 "The larger of two, a number rather than NaN.")
fmin = _nan_pair("fmin", lambda self, other: np.fmin(self, other), lambda a, b: a <= b,
                 "The smaller of two, a number rather than NaN.")


def _clamp(self: Any, min: Any = None, max: Any = None) -> Any:
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    y = self
    if min is not None:
        y = np.maximum(y, min)
    if max is not None:
        y = np.minimum(y, max)
    return y


def _inside(self: Any, min: Any, max: Any) -> Any:
    if min is None:
        return self <= max
    if max is None:
        return self >= min
    return (self >= min) & (self <= max)


clamp_scalar = pointwise(
    name="clamp.scalar",
    inputs=("self",),
    operands=("self", "min", "max"),
    grad_fn="ClampBackward1",
    on=(),
    inplace=True,
    formula=r"y = \min(\max(x, a), b)",
    domain=(-3, 3),
    text="Keeps values between two limits; outside them the gradient is zero.",
    forward=_clamp,
    grads={"self": lambda grad, self, min, max: f.where(_inside(self, min, max), grad, 0)},
)
clamp_tensor = pointwise(
    name="clamp.tensor",
    inputs=("self", "min", "max"),
    grad_fn="ClampBackward0",
    on=(),
    inplace=True,
    formula=r"y = \min(\max(x, a), b)",
    domain=(-3, 3),
    text="Keeps values between limits that are tensors.",
    forward=_clamp,
    grads={
        "self": lambda grad, self, min, max: f.where(_inside(self, min, max), grad, 0),
        "min": lambda grad, self, min, max: f.where(
            self < min if max is None else (self < min) & (min < max), grad, 0
        ),
        "max": lambda grad, self, min, max: f.where(
            self > max if min is None else (self > max) | (max < min), grad, 0
        ),
    },
)


@composite("clamp", aliases=("clip",))
def clamp(self: Any, min: Any = None, max: Any = None) -> Any:
    """self kept between min and max."""
    return (clamp_tensor if hasattr(min, "_a") or hasattr(max, "_a") else clamp_scalar)(self, min, max)


@composite("clamp_", aliases=("clip_",), out=False)
def clamp_(self: Any, min: Any = None, max: Any = None) -> Any:
    """clamp in place."""
    record = clamp_tensor if hasattr(min, "_a") or hasattr(max, "_a") else clamp_scalar
    return record.op.inplace_function(self, min, max)


clamp_min = pointwise(
    name="clamp_min", inputs=("self", "min"), inplace=True, tensors_only=True,
    named=lambda self, min: "ClampMinBackward1" if hasattr(min, "_a") else "ClampMinBackward0",
    formula=r"y = \max(x, a)", domain=(-3, 3), text="Keeps values from falling below a limit.",
    forward=lambda self, min: np.maximum(self, min),
    grads={"self": lambda grad, self, min: f.where(self >= min, grad, 0),
           "min": lambda grad, self, min: f.where(self < min, grad, 0)},
)
clamp_max = pointwise(
    name="clamp_max", inputs=("self", "max"), inplace=True, tensors_only=True,
    named=lambda self, max: "ClampMaxBackward1" if hasattr(max, "_a") else "ClampMaxBackward0",
    formula=r"y = \min(x, a)", domain=(-3, 3), text="Keeps values from rising above a limit.",
    forward=lambda self, max: np.minimum(self, max),
    grads={"self": lambda grad, self, max: f.where(self <= max, grad, 0),
           "max": lambda grad, self, max: f.where(self > max, grad, 0)},
)


def _nan_to_num(
    self: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Any:
    if self.dtype.kind in "biu":
        return self + self.dtype.type(0)
    return np.nan_to_num(self, nan=nan or 0.0, posinf=posinf, neginf=neginf)


nan_to_num = kernel(
    name="nan_to_num", inputs=("self",), grad_fn="NanToNumBackward0", inplace=True,
    formula=r"y = x \text{ where "
            r"finite}", text="Puts numbers in the place of NaN and Inf; no gradient "
                                                "passes there.",
    forward=_nan_to_num,
    grads={"self": lambda grad, self: grad * f.isfinite(self)},
)
