"""Special functions, computed by SciPy; derivatives where PyTorch has them."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.ops.calling import in_place
from engine.ops.formula import f
from engine.ops.record import composite, kernel, pointwise, without_derivative

EVERYWHERE = ("torch", "Tensor", "special")


def scipy(name: str) -> Any:
    """A SciPy special function that keeps float32 as float32; SciPy is loaded at the first call."""

    def compute(*args: Any) -> Any:
        import scipy.special

        kind = next(a.dtype for a in args if hasattr(a, "dtype"))
        return np.asarray(getattr(scipy.special, name)(*args)).astype(kind, copy=False)

    return compute


for _name, _scipy in {
    "i0": "i0",
    "i0e": "i0e",
    "i1": "i1",
    "i1e": "i1e",
    "erfcx": "erfcx",
    "log_ndtr": "log_ndtr",
    "ndtri": "ndtri",
}.items():
    f.define(_name, scipy(_scipy), "special_" + _name if _name not in ("i0",) else _name)
f.define("polygamma", lambda n, x: scipy_polygamma(n, x), "polygamma")


def scipy_polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of digamma."""
    import scipy.special

    if n == 0:
        return np.asarray(scipy.special.digamma(x)).astype(x.dtype)
    if n == 1:
        return _trigamma(x)
    sign = -1.0 if n % 2 == 0 else 1.0
    return np.asarray(
        sign * scipy.special.gamma(n + 1.0) * scipy.special.zeta(n + 1.0, x.astype(np.float64))
    ).astype(x.dtype)


def _trigamma(x: Any) -> Any:
    """The slope of digamma: mirrored below 1/2, six steps up, then the asymptotic series, in x's own
    precision: at negative whole numbers what PyTorch says is how far sin(pi x) misses 0."""
    one = x.dtype.type(1)
    low = x < 0.5
    y = np.where(low, one - x, x)
    total = np.zeros_like(y)
    for _ in range(6):
        total += one / (y * y)
        y = y + one
    square = one / (y * y)
    series = one / 6 - square * (one / 30 - square * (one / 42))
    total += (one + one / (2 * y) + square * series) / y
    sine = np.sin(x.dtype.type(np.pi) * x)
    mirrored = x.dtype.type(np.pi * np.pi) / (sine * sine) - total
    return np.where(low, mirrored, total).astype(x.dtype, copy=False)


def _special(
    name: str,
    formula: str,
    domain: tuple[float, float],
    text: str,
    slope: Any,
    *,
    compute: Any = None,
    on: tuple[str, ...] = ("special",),
    grad_fn: str = "",
    short: str = "",
    aliases: tuple[str, ...] = (),
    inplace: bool = False,
) -> Any:
    from engine.ops.record import place

    value = compute or scipy(short or name)
    made = pointwise(name=name, inputs=("self",), promote="float", formula=formula, domain=domain, text=text,
                     on=on if not short else (), grad_fn=grad_fn, aliases=aliases, inplace=inplace,
                     forward=lambda self: value(self), grads={"self": slope} if slope else {})
    if short:
        place(made, short, ("special",))
    return made


erf = _special("erf", r"y = \mathrm{erf}\, x", (-2, 2), "The error function.", on=EVERYWHERE, inplace=True,
               slope=lambda grad, self: grad * (2 / sqrt(pi) * f.exp(-self * self)))
erfc = _special("erfc", r"y = 1 - \mathrm{erf}\, "
                        r"x", (-2, 2), "One less the error "
                                                              "function.", on=EVERYWHERE, inplace=True,
                slope=lambda grad, self: grad * (-2 / sqrt(pi) * f.exp(-self * self)))
erfinv = _special(
    "erfinv",
    r"y = \mathrm{erf}^{-1} "
    r"x",
    (-0.9, 0.9),
    "The inverse of the error function.",
    on=EVERYWHERE,
    slope=lambda grad, self: grad * (sqrt(pi) / 2 * f.exp(f.erfinv(self) * f.erfinv(self))),
    inplace=True,
)
lgamma = _special("lgamma", r"y = \ln |\Gamma(x)|", (0.5, 4), "The logarithm of the gamma function.",
                  compute=scipy("gammaln"), on=("torch", "Tensor"), inplace=True,
                  slope=lambda grad, self: grad * f.digamma(self))
composite("gammaln", on=("special",))(lambda self: lgamma(self))


def _digamma(self: Any) -> Any:
    import scipy.special

    y = np.asarray(scipy.special.digamma(self)).astype(self.dtype)
    y = np.where(self == 0, np.copysign(np.inf, -self), y)
    return np.where((self < 0) & (self == np.trunc(self)), np.nan, y).astype(self.dtype)


digamma = _special(
    "digamma",
    r"y = \psi(x)",
    (0.5, 4),
    "The slope of the log-gamma function.",
    on=EVERYWHERE,
    compute=_digamma,
    slope=lambda grad, self: grad * f.polygamma(1, self),
    aliases=("psi",),
    inplace=True,
)
polygamma_ = pointwise(
    name="polygamma.n",
    inputs=("self",),
    promote="float",
    grad_fn="PolygammaBackward0",
    on=(),
    domain=(0.5, 4),
    formula=r"y = \psi^{(n)}(x)",
    text="The n-th slope of digamma.",
    forward=lambda self, n: scipy_polygamma(n, self),
    grads={"self": lambda grad, self, n: grad * f.polygamma(n + 1, self)},
)


@composite("polygamma", on=("torch", "special"))
def polygamma(n: int, input: Any) -> Any:
    """The n-th derivative of digamma."""
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return polygamma_(input, n)


@composite("polygamma_", on=("Tensor",), out=False)
def _polygamma_in_place(self: Any, n: int) -> Any:
    """The n-th derivative of digamma, in place."""
    return in_place(polygamma_.op, (self, n))


@composite("polygamma", on=("Tensor",))
def _polygamma_method(self: Any, n: int) -> Any:
    """The n-th derivative of digamma."""
    return polygamma(n, self)


mvlgamma = kernel(
    name="mvlgamma", inputs=("self",), on=EVERYWHERE, inplace=True, formula=r"y = \ln \Gamma_p(x)",
    text="The logarithm of the multivariate gamma function.", aliases=("multigammaln",),
    forward=lambda self, p: _mvlgamma(self, p),
    grads={"self": lambda grad, self, p: grad * _mvlgamma_slope(self, p)},
)


def _mvlgamma(self: Any, p: int) -> Any:
    import scipy.special

    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    if self.dtype.kind in "biu":
        self = self.astype(dt.default.dtype.numpy)
    total = sum(scipy.special.gammaln(self.astype(np.float64) - j / 2) for j in range(p))
    return np.asarray(total + p * (p - 1) / 4 * log(pi)).astype(self.dtype)


def _mvlgamma_slope(self: Any, p: int) -> Any:
    total = f.digamma(self)
    for j in range(1, p):
        total = total + f.digamma(self - j / 2)
    return total


i0 = _special("i0", r"y = I_0(x)", (-3, 3), "The modified Bessel function of order "
                                            "0.", on=EVERYWHERE, inplace=True,
              slope=lambda grad, self: grad * f.i1(self))
i0e = _special("special_i0e", r"y = e^{-|x|} I_0(x)", (0.3, 3), "I0 scaled by its growth.", short="i0e",
               grad_fn="SpecialI0EBackward0",
               slope=lambda grad, self, result: grad * (f.i1e(self) - f.sgn(self) * result))
i1 = _special("special_i1", r"y = I_1(x)", (0.3, 3), "The modified Bessel function of order 1.", short="i1",
              grad_fn="SpecialI1Backward0",
              slope=lambda grad, self, result: grad * f.where(
                  self == 0, 0 * self + 0.5, f.i0(self) - result / f.where(self == 0, 0 * self + 1, self)))
i1e = _special("special_i1e", r"y = e^{-|x|} I_1(x)", (0.3, 3), "I1 scaled by its growth.", short="i1e",
               grad_fn="SpecialI1EBackward0",
               slope=lambda grad, self, result: grad * f.where(
                   self == 0, 0 * self + 0.5,
                   f.i0e(self) - result * (f.sgn(self) + 1 / f.where(self == 0, 0 * self + 1, self))))
ndtri = _special("special_ndtri", r"y = \Phi^{-1}(x)", (0.1, 0.9), "The inverse of the normal distribution.",
                 short="ndtri", grad_fn="SpecialNdtriBackward0",
                 slope=lambda grad, result: grad * sqrt(2 * pi) * f.exp(result * result / 2))
log_ndtr = _special("special_log_ndtr", r"y = \ln \Phi(x)", (-3, 3), "The logarithm of the normal "
                                                                     "distribution.",
                    short="log_ndtr", grad_fn="SpecialLogNdtrBackward0",
                    slope=lambda grad, self, result: grad / f.exp(result + self * self / 2) / sqrt(2 * pi))
erfcx = _special("special_erfcx", r"y = e^{x^2} \mathrm{erfc}\, "
                                  r"x", (-1, 3), "erfc scaled by its "
                                                                             "decay.", short="erfcx",
                 grad_fn="SpecialErfcxBackward0",
                 slope=lambda grad, self, result: grad * (2 * self * result - 2 / sqrt(pi)))


def _entr(self: Any) -> Any:
    y = np.where(self == 0, 0, -self * np.log(np.where(self > 0, self, 1)))
    return np.where(np.isnan(self), self, np.where(self < 0, -np.inf, y)).astype(self.dtype)


entr = _special("special_entr", r"y = -x \ln "
                                r"x", (0.2, 3), "The entropy of a "
                                                           "share.", short="entr", compute=_entr,
                grad_fn="SpecialEntrBackward0",
                slope=lambda grad, self: grad * f.where(f.isnan(self), self, -f.log(self) - 1))


@composite("ndtr", on=("special",))
def ndtr(self: Any) -> Any:
    """The normal distribution function."""
    t = self if self.dtype.is_floating_point else self.to(dt.default.dtype)
    return (1 + erf(t * sqrt(0.5))) * 0.5


def _log_pair(name: str, inner: Any, formula: str, text: str, on: tuple[str, ...], grad_fns: tuple[str, str],
              slopes: tuple[Any, Any]) -> Any:
    def forward(self: Any, other: Any) -> Any:
        y = self * inner(other)
        return np.where(np.isnan(other), other, np.where(self == 0, np.zeros_like(y), y)).astype(
            np.result_type(y))

    return pointwise(
        name=name,
        inputs=("self", "other"),
        promote="float",
        on=on,
        tensors_only=True,
        formula=formula,
        text=text,
        domain=(0.3, 3),
        inplace="Tensor" in on,
        named=lambda self, other: (
            grad_fns[0]
            + ("0" if hasattr(self, "_a") and hasattr(other, "_a") else "1" if hasattr(other, "_a") else "2")
        ),
        forward=forward,
        grads={"self": slopes[0], "other": slopes[1]},
    )


xlogy = _log_pair(
    "xlogy",
    lambda v: np.log(v),
    r"y = a \ln "
    r"b",
    "a times the logarithm of b, 0 where a is 0.",
    EVERYWHERE,
    ("XlogyBackward", ""),
    (
        lambda grad, self, other: (
            grad * f.where((self == 0) & (other <= 0), 0 * f.log(f.abs(other) + 1), f.log(other))
        ),
        lambda grad, self, other: grad * self / other,
    ),
)
xlog1py = _log_pair("special_xlog1py", lambda v: np.log1p(v), r"y = a \ln(1 + "
                                                              r"b)", "a times log1p of b, 0 "
                                                                                   "where a is 0.", (),
                    ("SpecialXlog1PyBackward", ""),
                    (lambda grad, self, other: grad * f.where((self == 0) & (other <= -1), 0 * f.abs(other),
                                                              f.log1p(other)),
                     lambda grad, self, other: grad * self / (other + 1)))
logaddexp = pointwise(
    name="logaddexp", inputs=("self", "other"), formula=r"y = \ln(e^a + e^b)", domain=(-3, 3),
    text="The logarithm of a sum of two exponentials.",
    forward=lambda self, other: np.logaddexp(self, other),
    grads={"self": lambda grad, self, other: grad / (1 + f.exp(other - self)),
           "other": lambda grad, self, other: grad / (1 + f.exp(self - other))},
)
logaddexp2 = pointwise(
    name="logaddexp2", inputs=("self", "other"), formula=r"y = \log_2(2^a + 2^b)", domain=(-3, 3),
    text="logaddexp to base 2.",
    forward=lambda self, other: np.logaddexp2(self, other),
    grads={"self": lambda grad, self, other: grad / (1 + f.exp2(other - self)),
           "other": lambda grad, self, other: grad / (1 + f.exp2(self - other))},
)
ldexp = pointwise(
    name="ldexp",
    inputs=("self", "other"),
    promote="float",
    inplace=True,
    formula=r"y = a \, 2^b",
    domain=(-2, 2),
    text="Times a power of two.",
    forward=lambda self, other: self * np.exp2(other).astype(self.dtype),
    grads={
        "self": lambda grad, other: grad * f.exp2(other),
        "other": lambda grad, result: grad * result * log(2),
    },
)
frexp = kernel(
    name="frexp", inputs=("self",), grad_fn="FrexpBackward0", returns=("mantissa", "exponent"), nondiff=(1,),
    formula=r"x = m \, 2^{e}", text="Mantissa and exponent.",
    forward=lambda self: _frexp(self),
    grads={"self": lambda grad, result1: grad / f.exp2(result1.to(grad.dtype))},
)


def _frexp(self: Any) -> Any:
    if self.dtype.kind in "biu":
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    m, e = np.frexp(self)
    return m, e.astype(np.int32)


def _logit(self: Any, eps: float | None = None) -> Any:
    x = self if eps is None else np.clip(self, eps, 1 - eps)
    return np.log(x / (1 - x))


logit = pointwise(
    name="logit", inputs=("self",), promote="float", inplace=True, on=EVERYWHERE, domain=(0.1, 0.9),
    formula=r"y = \ln \frac{x}{1 - x}", text="The inverse of the sigmoid.",
    forward=_logit,
    grads={"self": lambda grad, self, eps: f.where(
        (self < 0) | (self > 1), float("nan"), grad / (self * (1 - self))) if eps is None else
        f.where((self < eps) | (self > 1 - eps), 0 * grad, grad / (self * (1 - self)))},
)


def _zeta(self: Any, other: Any) -> Any:
    import scipy.special

    got = scipy.special.zeta(self.astype(np.float64), other.astype(np.float64))
    return np.asarray(got).astype(self.dtype)


def _pair(
    name: str, compute: Any, short: str, grads: dict, text: str, on: tuple[str, ...] = (), **more: Any
) -> Any:
    from engine.ops.record import place

    made = pointwise(
        name=name,
        inputs=("self", "other"),
        promote="float",
        on=on,
        formula=rf"y = \mathrm{{{short}}}(a, b)",
        text=text,
        forward=compute,
        grads=grads,
        **more,
    )
    place(made, short, ("special",))
    return made


zeta = _pair("special_zeta", lambda self, other: _zeta(*_arrays(self, other)), "zeta",
             {"self": without_derivative("special_zeta"),
              "other": lambda grad, self, other: grad * -self * _zeta_of(self + 1, other)}, "The Hurwitz "
                                                                                            "zeta function.")


def _arrays(a: Any, b: Any) -> tuple[Any, Any]:
    kind = getattr(a, "dtype", getattr(b, "dtype", None))
    return (a if hasattr(a, "dtype") else np.asarray(a, kind)), (
        b if hasattr(b, "dtype") else np.asarray(b, kind)
    )


def _zeta_of(a: Any, b: Any) -> Any:
    return zeta(a, b) if hasattr(a, "_a") or hasattr(b, "_a") else _zeta(*_arrays(a, b))


def _gamma_density(self: Any, other: Any) -> Any:
    return f.exp((self - 1) * f.log(other) - other - f.lgamma(self))


igamma = _pair("igamma", lambda self, other: scipy("gammainc")(self, other), "gammainc",
               {"self": without_derivative("igamma: input"),
                "other": lambda grad, self, other: grad * _gamma_density(self, other)},
               "The lower incomplete gamma function.", on=("torch", "Tensor"), inplace=True)
igammac = _pair("igammac", lambda self, other: scipy("gammaincc")(self, other), "gammaincc",
                {"self": without_derivative("igammac: input"),
                 "other": lambda grad, self, other: -grad * _gamma_density(self, other)},
                "The upper incomplete gamma function.", on=("torch", "Tensor"), inplace=True)


# -- Bessel functions and the polynomials: values only ------------------------------------------------------

for _name, _scipy in {
    "bessel_j0": "j0",
    "bessel_j1": "j1",
    "bessel_y0": "y0",
    "bessel_y1": "y1",
    "modified_bessel_i0": "i0",
    "modified_bessel_i1": "i1",
    "modified_bessel_k0": "k0",
    "modified_bessel_k1": "k1",
    "scaled_modified_bessel_k0": "k0e",
    "scaled_modified_bessel_k1": "k1e",
}.items():
    _special(
        "special_" + _name,
        rf"y = \mathrm{{{_scipy}}}(x)",
        (0.3, 3),
        "A Bessel function.",
        without_derivative("special_" + _name),
        short=_name,
        compute=scipy(_scipy),
        grad_fn="NotImplemented",
    )


def _airy(self: Any) -> Any:
    import scipy.special

    return scipy.special.airy(self.astype(np.float64))[0].astype(self.dtype)


_special(
    "special_airy_ai",
    r"y = \mathrm{Ai}(x)",
    (-3, 3),
    "The Airy function.",
    without_derivative("special_airy_ai"),
    short="airy_ai",
    compute=_airy,
    grad_fn="NotImplemented",
)
_special(
    "special_spherical_bessel_j0",
    r"y = \frac{\sin "
    r"x}{x}",
    (0.3, 3),
    "The spherical Bessel function of order 0.",
    without_derivative("special_spherical_bessel_j0"),
    short="spherical_bessel_j0",
    grad_fn="NotImplemented",
    compute=lambda self: np.sinc(self / self.dtype.type(pi)),
)


def _recurrence(first: Any, step: Any) -> Any:
    """A family of polynomials from p0 = 1, p1 and a three-term step, by the degree of each element."""

    def forward(self: Any, n: Any) -> Any:
        x, degree = np.broadcast_arrays(*_arrays(self, n))
        kind = x.dtype
        whole = np.trunc(degree).astype(np.int64)
        out = np.where(whole < 0, 0, 1).astype(kind)
        before, here = np.ones_like(x), np.asarray(first(x))
        top = int(whole.max()) if whole.size else 0
        for k in range(1, top + 1):
            out = np.where(whole == k, here, out)
            before, here = here, step(k, x, here, before)
        return out.astype(kind)

    return forward


for _name, _first, _step in (
    ("chebyshev_polynomial_t", lambda x: x, lambda k, x, p, q: 2 * x * p - q),
    ("chebyshev_polynomial_u", lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - q),
    ("chebyshev_polynomial_v", lambda x: 2 * x - 1, lambda k, x, p, q: 2 * x * p - q),
    ("chebyshev_polynomial_w", lambda x: 2 * x + 1, lambda k, x, p, q: 2 * x * p - q),
    ("shifted_chebyshev_polynomial_t", lambda x: 2 * x - 1, lambda k, x, p, q: 2 * (2 * x - 1) * p - q),
    (
        "shifted_chebyshev_polynomial_u",
        lambda x: 2 * (2 * x - 1),
        lambda k, x, p, q: 2 * (2 * x - 1) * p - q,
    ),
    (
        "shifted_chebyshev_polynomial_v",
        lambda x: 2 * (2 * x - 1) - 1,
        lambda k, x, p, q: 2 * (2 * x - 1) * p - q,
    ),
    (
        "shifted_chebyshev_polynomial_w",
        lambda x: 2 * (2 * x - 1) + 1,
        lambda k, x, p, q: 2 * (2 * x - 1) * p - q,
    ),
    ("hermite_polynomial_h", lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - 2 * k * q),
    ("hermite_polynomial_he", lambda x: x, lambda k, x, p, q: x * p - k * q),
    ("laguerre_polynomial_l", lambda x: 1 - x, lambda k, x, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1)),
    ("legendre_polynomial_p", lambda x: x, lambda k, x, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1)),
):
    pointwise(
        name="special_" + _name, inputs=("self", "n"), promote="float", on=(), grad_fn="NotImplemented",
        formula=r"y = p_n(x)", text="A family of orthogonal polynomials.", forward=_recurrence(_first, _step),
        grads={i: without_derivative("special_" + _name) for i in ("self", "n")})


def _place_polynomials() -> None:
    from engine.ops.record import RECORDS, place

    for name, op in RECORDS.items():
        if name.startswith("special_") and "_polynomial_" in name:
            place(op.function, name[8:], ("special",))
    place(RECORDS["special_xlog1py"].function, "xlog1py", ("special",))


_place_polynomials()
composite("softmax", on=("special",))(lambda input, dim, *, dtype=None: input.softmax(dim, dtype=dtype))
composite("log_softmax", on=("special",))(
    lambda input, dim, *, dtype=None: input.log_softmax(dim, dtype=dtype)
)
