"""Elementary functions: exponentials, logarithms, trigonometry, rounding."""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.ops.formula import OPS, f
from engine.ops.record import composite, pointwise

UNIT, POSITIVE, ALL, BEYOND_ONE = (-0.9, 0.9), (0.2, 4), (-4, 4), (1.2, 4)


def _function(
    name: str,
    formula: str,
    domain: tuple[float, float],
    text: str,
    slope: Any,
    *,
    grad_fn: str = "",
    aliases: tuple[str, ...] = (),
    forward: Any = None,
    on: tuple[str, ...] = ("torch", "Tensor"),
    promote: str = "float",
) -> Any:
    """A function of one number. `slope` is the gradient, from grad and self or result."""
    compute = getattr(f, name)
    return pointwise(
        name=name,
        inputs=("self",),
        grad_fn=grad_fn,
        inplace=True,
        promote=promote,
        aliases=aliases,
        on=on,
        formula=formula,
        domain=domain,
        text=text,
        forward=forward or (lambda self: compute(self)),
        grads={"self": slope},
    )


exp = _function("exp", r"y = e^{x}", ALL, "Grows by a factor of e for each unit; its slope is its own value.",
                lambda grad, result: grad * f.conj(result))
exp2 = _function("exp2", r"y = 2^{x}", ALL, "Doubles for each unit.",
                 lambda grad, result: grad * f.conj(result * log(2)),
                 on=("torch", "Tensor", "special"))
expm1 = _function("expm1", r"y = e^{x} - 1", ALL, "The exponential less one, exact near zero.",
                  lambda grad, result: grad * f.conj(result + 1), on=("torch", "Tensor", "special"))
_ln = _function("log", r"y = \ln x", POSITIVE, "The natural logarithm; its slope grows without bound "
                                               "towards zero.",
                lambda grad, self: grad / f.conj(self))
log2 = _function("log2", r"y = \log_2 x", POSITIVE, "The logarithm to base 2.",
                 lambda grad, self: grad / f.conj(self * log(2)))
log10 = _function("log10", r"y = \log_{10} x", POSITIVE, "The logarithm to base 10.",
                  lambda grad, self: grad / f.conj(self * log(10)))
log1p = _function("log1p", r"y = \ln(1 + x)", POSITIVE, "The logarithm of one more, exact near zero.",
                  lambda grad, self: grad / f.conj(self + 1), grad_fn="Log1PBackward0",
                  on=("torch", "Tensor", "special"))
sqrt = _function("sqrt", r"y = \sqrt{x}", POSITIVE, "The square root; steep near zero.",
                 lambda grad, result: grad / f.conj(2 * result))
rsqrt = pointwise(
    name="rsqrt",
    inputs=("self",),
    inplace=True,
    promote="float",
    formula=r"y = \frac{1}{\sqrt{x}}",
    domain=POSITIVE,
    text="One over the square root.",
    forward=lambda self: 1 / f.sqrt(self),
    grads={"self": lambda grad, result: grad * f.conj(-0.5 * result * result * result)},
)
reciprocal = pointwise(
    name="reciprocal",
    inputs=("self",),
    inplace=True,
    promote="float",
    formula=r"y = \frac{1}{x}",
    domain=POSITIVE,
    text="One over; its slope grows with the square of the result.",
    forward=lambda self: 1 / self,
    grads={"self": lambda grad, result: -grad * f.conj(result * result)},
)
sin = _function("sin", r"y = \sin x", ALL, "The sine; its slope is the cosine.",
                lambda grad, self: grad * f.conj(f.cos(self)))
cos = _function("cos", r"y = \cos x", ALL, "The cosine; its slope is the sine with its sign turned.",
                lambda grad, self: -grad * f.conj(f.sin(self)))
tan = _function("tan", r"y = \tan x", (-1.2, 1.2), "The tangent.",
                lambda grad, result: grad * f.conj(1 + result * result))
asin = _function("asin", r"y = \arcsin x", UNIT, "The angle with this sine.", aliases=("arcsin",),
                 slope=lambda grad, self: grad * f.conj((1 - self * self) ** -0.5))
acos = _function("acos", r"y = \arccos x", UNIT, "The angle with this cosine.", aliases=("arccos",),
                 slope=lambda grad, self: -grad * f.conj((1 - self * self) ** -0.5))
atan = _function("atan", r"y = \arctan x", ALL, "The angle with this tangent.", aliases=("arctan",),
                 slope=lambda grad, self: grad / f.conj(self * self + 1))
sinh = _function("sinh", r"y = \sinh "
                         r"x", ALL, "The hyperbolic "
                                              "sine.", lambda grad, self: grad * f.conj(f.cosh(self)))
cosh = _function("cosh", r"y = \cosh "
                         r"x", ALL, "The hyperbolic "
                                              "cosine.", lambda grad, self: grad * f.conj(f.sinh(self)))
asinh = _function("asinh", r"y = \mathrm{arsinh}\, "
                           r"x", ALL, "The inverse of the hyperbolic "
                                                            "sine.", aliases=("arcsinh",),
                  slope=lambda grad, self: grad * f.conj((self * self + 1) ** -0.5))
acosh = _function("acosh", r"y = \mathrm{arcosh}\, x", BEYOND_ONE, "The inverse of the hyperbolic cosine.",
                  aliases=("arccosh",),
                  slope=lambda grad, self: grad * f.conj((self - 1) ** -0.5 * (self + 1) ** -0.5))
atanh = _function("atanh", r"y = \mathrm{artanh}\, x", UNIT, "The inverse of the hyperbolic tangent.",
                  aliases=("arctanh",), slope=lambda grad, self: grad / f.conj(1 - self * self))
atan2 = pointwise(
    name="atan2",
    inputs=("self", "other"),
    grad_fn="Atan2Backward0",
    promote="float",
    inplace=True,
    aliases=("arctan2",),
    formula=r"y = \mathrm{atan2}(a, b)",
    domain=(0.5, 3),
    text="The angle of a point.",
    forward=lambda self, other: np.arctan2(self, other),
    grads={
        "self": lambda grad, self, other: grad * (other * _inverse_square(self, other)),
        "other": lambda grad, self, other: grad * (-self * _inverse_square(self, other)),
    },
)


def _inverse_square(a: Any, b: Any) -> Any:
    """1 / (a^2 + b^2), and 0 at the origin, where the angle has no slope."""
    square = a * a + b * b
    return f.where(square == 0, 0 * square, 1 / f.where(square == 0, 0 * square + 1, square))


sinc = pointwise(
    name="sinc", inputs=("self",), promote="float", inplace=True, on=("torch", "Tensor", "special"),
    formula=r"y = \frac{\sin \pi x}{\pi x}", domain=(0.2, 3), text="The wave of an ideal filter.",
    forward=lambda self: np.sinc(self),
    grads={"self": lambda grad, self: grad * f.where(
        self == 0, 0 * self, f.conj((pi * self * f.cos(pi * self) - f.sin(pi * self)) / (pi * self * self)))},
)
deg2rad = pointwise(
    name="deg2rad", inputs=("self",), grad_fn="Deg2RadBackward0", promote="float", inplace=True,
    formula=r"y = \frac{\pi}{180} x", domain=ALL, text="Degrees to radians.",
    forward=lambda self: self * (pi / 180), grads={"self": lambda grad: grad * (pi / 180)},
)
rad2deg = pointwise(
    name="rad2deg", inputs=("self",), grad_fn="Rad2DegBackward0", promote="float", inplace=True,
    formula=r"y = \frac{180}{\pi} x", domain=ALL, text="Radians to degrees.",
    forward=lambda self: self * (180 / pi), grads={"self": lambda grad: grad * (180 / pi)},
)


# -- rounding: flat almost everywhere -----------------------------------------------------------------------


def _flat(
    name: str, formula: str, text: str, forward: Any, *, grad_fn: str = "", aliases: tuple[str, ...] = ()
) -> Any:
    return pointwise(
        name=name,
        inputs=("self",),
        grad_fn=grad_fn,
        inplace=True,
        promote="keep",
        formula=formula,
        text=text,
        domain=(-3, 3),
        aliases=aliases,
        forward=forward,
        grads={"self": lambda grad: grad * 0},
    )


def _whole(a: Any, name: str) -> None:
    if a.dtype.kind == "b":
        raise NotImplementedError(f"\"{name}_vml_cpu\" not implemented for 'Bool'")


def _kept(compute: Any, name: str) -> Any:
    def forward(self: Any) -> Any:
        if self.dtype.kind in "iub":
            _whole(self, name)
            return self + self.dtype.type(0)
        return compute(self)

    return forward


floor = _flat("floor", r"y = \lfloor x \rfloor", "Rounds down; no gradient passes.", _kept(np.floor, "floor"))
ceil = _flat("ceil", r"y = \lceil x \rceil", "Rounds up; no gradient passes.", _kept(np.ceil, "ceil"))
trunc = _flat("trunc", r"y = \mathrm{trunc}\, "
                       r"x", "Rounds towards zero; no gradient "
                                                  "passes.", _kept(np.trunc, "trunc"),
              aliases=("fix",))
sign = _flat("sign", r"y = \mathrm{sign}\, x", "The sign: -1, 0 or 1; no gradient passes.",
             lambda self: self if self.dtype.kind == "b" else np.sign(self))
frac = pointwise(
    name="frac", inputs=("self",), inplace=True, promote="keep", formula=r"y = x - \mathrm{trunc}\, "
                                                                         r"x", domain=ALL,
    text="What stands behind the point.",
    forward=lambda self: _frac(self), grads={"self": lambda grad: grad},
)


def _frac(a: Any) -> Any:
    if a.dtype.kind in "iub":
        raise RuntimeError(f"frac: not implemented for '{dt.scalar_type_name(dt.of(a))}'")
    return a - np.trunc(a)


def _round(self: Any, *, decimals: int = 0) -> Any:
    if self.dtype.kind in "iub":
        if decimals or self.dtype.kind == "b":
            raise NotImplementedError(f"\"round_vml_cpu\" not implemented for "
                                      f"'{dt.scalar_type_name(dt.of(self))}'")
        return self + self.dtype.type(0)
    if decimals == 0:
        return np.round(self)
    ten = self.dtype.type(10.0 ** abs(decimals))  # type: ignore[name-defined]
    return np.round(self * ten) / ten if decimals > 0 else np.round(self / ten) * ten


round = pointwise(
    name="round",
    inputs=("self",),
    inplace=True,
    promote="keep",
    on=("torch", "Tensor", "special"),
    domain=ALL,
    named=lambda self, decimals: "RoundBackward1" if decimals else "RoundBackward0",
    formula=r"y = \mathrm{round}\, x",
    text="Rounds to the nearest, halves to even; no gradient passes.",
    forward=_round,
    grads={"self": lambda grad: grad * 0},
)
sgn = pointwise(
    name="sgn", inputs=("self",), inplace=True, promote="keep", domain=(0.5, 3),
    formula=r"y = \frac{x}{|x|}", text="The sign, or for complex numbers the direction.",
    forward=lambda self: _sgn(self),
    grads={"self": lambda grad, self, result: _sgn_slope(grad, self, result)},
)


def _sgn(a: Any) -> Any:
    if a.dtype.kind == "c":
        size = np.abs(a)
        return np.where(size == 0, 0, a / np.where(size == 0, 1, size)).astype(a.dtype)
    return a if a.dtype.kind == "b" else np.sign(a)


def _sgn_slope(grad: Any, self: Any, result: Any) -> Any:
    if not np.iscomplexobj(getattr(self, "_a", self)):
        return grad * 0
    return (grad - f.real(grad / result) * result) / f.abs(self)


# -- complex numbers ----------------------------------------------------------------------------------------


conj_physical = pointwise(
    name="conj_physical", inputs=("self",), inplace=True, promote="keep", formula=r"y = \bar{x}",
    text="Turns the sign of the imaginary part.",
    forward=lambda self: np.conj(self) if self.dtype.kind == "c" else self + self.dtype.type(0),
    grads={"self": lambda grad: f.conj(grad)},
)


@composite("conj", out=False)
def conj(self: Any) -> Any:
    """The complex conjugate; a real tensor itself."""
    return OPS["_conj"](self) if self._a.dtype.kind == "c" else self


composite("resolve_conj", out=False)(lambda self: self)
composite("resolve_neg", out=False)(lambda self: self)
composite("is_conj", out=False)(lambda self: False)
composite("is_neg", out=False)(lambda self: False)
angle = pointwise(
    name="angle", inputs=("self",), promote="float", formula=r"y = \arg x", text="The direction of a "
                                                                                 "complex number.",
    forward=lambda self: _angle(self),
    grads={"self": lambda grad, self: _angle_slope(grad, self)},
)


def _angle(a: Any) -> Any:
    if a.dtype.kind == "c":
        return np.angle(a)
    return np.where(np.isnan(a), a, np.where(a < 0, a.dtype.type(pi), a.dtype.type(0)))


def _angle_slope(grad: Any, self: Any) -> Any:
    if not np.iscomplexobj(getattr(self, "_a", self)):
        return grad * 0
    size = f.real(self) * f.real(self) + f.imag(self) * f.imag(self)
    return grad * (1j * self / size)


OPS.setdefault("conj", conj)
