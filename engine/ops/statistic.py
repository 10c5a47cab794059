"""Spread, norms, quantiles, histograms."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import dtype as dt
from engine.core.shape import wrap_dim
from engine.ops.formula import f
from engine.ops.record import composite, kernel
from engine.ops.reduction import axes_of, counted, opened


def _moments(self: Any, dim: Any, correction: Any, keepdim: bool, name: str) -> tuple[Any, Any]:
    if self.dtype.kind in "biu":
        raise RuntimeError(f"{name} only support floating point and complex dtypes")
    axes = axes_of(self, dim)
    n = counted(self.shape, dim)
    wide = self.astype(np.float64) if self.dtype == np.float32 and self.size < 4096 else self
    middle = np.add.reduce(wide, axis=axes, keepdims=True) / wide.dtype.type(n or 1) if n else \
        np.add.reduce(wide, axis=axes, keepdims=True) * np.nan
    off = wide - middle
    square = (off * off.conj()).real if off.dtype.kind == "c" else off * off
    total = np.add.reduce(square, axis=axes, keepdims=keepdim)
    left = n - (1 if correction is None else correction)
    real = square.dtype if self.dtype.kind == "c" else self.dtype
    var = np.asarray(total / total.dtype.type(left if left > 0 else 0)).astype(real)
    if not keepdim and axes is not None:
        middle = middle.squeeze(axes)
    return var, np.asarray(middle).astype(self.dtype)


def _var_slope(grad: Any, self: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    n = counted(self.shape, dim)
    left = n - (1 if correction is None else correction)
    middle = self.mean(dim, keepdim=True) if dim is not None else self.mean()
    factor = 2.0 / left if left > 0 else (float("nan") if left == 0 else 2.0 / left)
    return opened(grad, self.shape, dim, keepdim) * (self - middle) * factor


def _std_slope(grad: Any, self: Any, result: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    share = grad / (result * 2)
    share = share.masked_fill(result == 0, 0)
    return _var_slope(share, self, dim, correction, keepdim)


var_ = kernel(
    name="var.correction",
    inputs=("self",),
    grad_fn="VarBackward0",
    on=(),
    formula=r"y = \frac{1}{n - 1} \sum_i (x_i - \bar{x})^2",
    text="The mean square distance from the mean.",
    forward=lambda self, dim=None, *, correction=None, keepdim=False: _moments(
        self, dim, correction, keepdim, "std and var"
    )[0],
    grads={
        "self": lambda grad, self, dim, correction, keepdim: _var_slope(grad, self, dim, correction, keepdim)
    },
)
std_ = kernel(
    name="std.correction", inputs=("self",), grad_fn="StdBackward0", on=(),
    formula=r"y = \sqrt{\frac{1}{n - 1} \sum_i (x_i - \bar{x})^2}", text="The root of the variance.",
    forward=lambda self, dim=None, *, correction=None, keepdim=False:
    np.sqrt(_moments(self, dim, correction, keepdim, "std and var")[0]),
    grads={"self": lambda grad, self, result, dim, correction, keepdim:
           _std_slope(grad, self, result, dim, correction, keepdim)},
)
var_mean_ = kernel(
    name="var_mean.correction",
    inputs=("self",),
    grad_fn="VarMeanBackward0",
    on=(),
    formula=r"y = (\sigma^2, \bar{x})",
    text="Variance and mean in one pass.",
    forward=lambda self, dim=None, *, correction=None, keepdim=False: _moments(
        self, dim, correction, keepdim, "var_mean"
    ),
    grads={
        "self": lambda grads, self, dim, correction, keepdim: (
            _var_slope(grads[0], self, dim, correction, keepdim)
            + opened(grads[1], self.shape, dim, keepdim) * (self * 0 + 1) / counted(self.shape, dim)
        )
    },
)
std_mean_ = kernel(
    name="std_mean.correction",
    inputs=("self",),
    grad_fn="StdMeanBackward0",
    on=(),
    formula=r"y = (\sigma, \bar{x})",
    text="Standard deviation and mean in one pass.",
    forward=lambda self, dim=None, *, correction=None, keepdim=False: _std_mean(
        self, dim, correction, keepdim
    ),
    grads={
        "self": lambda grads, self, result0, dim, correction, keepdim: (
            _std_slope(grads[0], self, result0, dim, correction, keepdim)
            + opened(grads[1], self.shape, dim, keepdim) * (self * 0 + 1) / counted(self.shape, dim)
        )
    },
)


def _std_mean(self: Any, dim: Any, correction: Any, keepdim: bool) -> tuple[Any, Any]:
    var, middle = _moments(self, dim, correction, keepdim, "std_mean")
    return np.sqrt(var), middle


def _spread_face(name: str, record: Any) -> Any:
    def function(self: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *,
                 correction: Any = None) -> Any:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        if isinstance(unbiased, bool):
            correction = int(unbiased)
        if isinstance(dim, (tuple, list)) and not dim:
            dim = None
        return record(self, dim, correction=correction, keepdim=keepdim)

    function.__doc__ = f"{name} of the elements, along dimensions where given."
    return composite(name)(function)


var, std = _spread_face("var", var_), _spread_face("std", std_)
var_mean, std_mean = _spread_face("var_mean", var_mean_), _spread_face("std_mean", std_mean_)


# -- norms --------------------------------------------------------------------------------------------------


def _vector_norm(
    self: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Any:
    if dtype is not None:
        self = self.astype(dtype.numpy)
    if self.dtype.kind in "biu":
        raise RuntimeError("linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
                           f"{dt.scalar_type_name(dt.of(self))}")
    size = np.abs(self)
    axes = axes_of(self, dim)
    if isinstance(dim, (tuple, list)) and not dim:
        axes = None if not self.ndim else tuple(range(self.ndim))
    if ord == float("inf") or ord == float("-inf"):
        if size.size == 0 and ord > 0:
            raise RuntimeError("linalg.vector_norm cannot compute the inf norm on an empty tensor because "
                               "the operation "
                               "does not have an identity")
        return (np.maximum if ord > 0 else np.minimum).reduce(size, axis=axes, keepdims=keepdim)
    if ord == 0:
        return np.asarray((size != 0).sum(axis=axes, keepdims=keepdim)).astype(size.dtype)
    wide = size.astype(np.float64) if size.dtype != np.float64 else size
    if ord == 2:
        return np.asarray(np.sqrt(np.add.reduce(wide * wide, axis=axes, keepdims=keepdim))).astype(size.dtype)
    if ord == 1:
        return np.asarray(np.add.reduce(wide, axis=axes, keepdims=keepdim)).astype(size.dtype)
    return np.asarray(np.add.reduce(wide**ord, axis=axes, keepdims=keepdim) ** (1.0 / ord)).astype(
        size.dtype
    )


def _norm_slope(grad: Any, self: Any, result: Any, ord: Any, dim: Any, keepdim: bool) -> Any:
    dim = None if isinstance(dim, (tuple, list)) and not dim else dim
    g, r = opened(grad, self.shape, dim, keepdim), opened(result, self.shape, dim, keepdim)
    if ord == 0:
        return self * 0
    if ord == 1:
        return self.sgn() * g
    if ord == 2:
        return g * (self / r).masked_fill(r == 0, 0)
    if ord in (float("inf"), float("-inf")):
        size = self.abs()
        mask = (size == r) | (f.isnan(size) & f.isnan(r))
        count = mask.sum(dim, keepdim=True) if dim is not None else mask.sum()
        return self.sgn() * (g / count) * mask
    if ord < 1:
        slope = (self.sgn() * self.abs().pow(ord - 1)).masked_fill(self == 0, 0)
        return slope * g * r.pow(1 - ord)
    if ord < 2:
        slope = self.sgn() * self.abs().pow(ord - 1) * g * r.pow(1 - ord)
        return slope.masked_fill(r == 0, 0)
    return self * self.abs().pow(ord - 2) * (g / r.pow(ord - 1)).masked_fill(r == 0, 0)


vector_norm = kernel(
    name="linalg_vector_norm",
    inputs=("self",),
    grad_fn="LinalgVectorNormBackward0",
    on=(),
    formula=r"y = \left(\sum_i |x_i|^p\right)^{1/p}",
    text="The length of a vector.",
    forward=_vector_norm,
    grads={
        "self": lambda grad, self, result, ord, dim, keepdim: _norm_slope(
            grad, self, result, ord, dim, keepdim
        )
    },
)


@composite("vector_norm", on=("linalg",))
def _linalg_vector_norm(
    x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Any:
    """The length of vectors."""
    return vector_norm(x, ord, dim, keepdim, dtype=dtype)


@composite("norm")
def norm(
    self: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, out: Any = None, dtype: Any = None
) -> Any:
    """A norm of all elements, of vectors along dim, or of matrices ('fro', 'nuc')."""
    if self.dtype.category < dt.FLOAT and dtype is None:
        raise RuntimeError("linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
                           f"{dt.scalar_type_name(self.dtype)}")
    if p == "nuc":
        from engine import linalg

        got = linalg.matrix_norm(self, "nuc", dim if dim is not None else (-2, -1), keepdim, dtype=dtype)
    else:
        got = vector_norm(self, 2 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)
    if out is not None:
        from engine.ops.written import into

        return into(out, got, "vector_norm", (self,))
    return got


dist = kernel(
    name="dist",
    inputs=("self", "other"),
    out=False,
    promote="default",
    formula=r"y = \|a - b\|_p",
    text="The length of the difference.",
    forward=lambda self, other, p=2: _vector_norm(self - other, p),
    grads={
        ("self", "other"): lambda grad, self, other, result, p: _dist_slopes(grad, self, other, result, p)
    },
)


def _dist_slopes(grad: Any, self: Any, other: Any, result: Any, p: Any) -> tuple[Any, Any]:
    g = _norm_slope(grad, self - other, result, p, None, False)
    return g, -g


renorm = kernel(
    name="renorm", inputs=("self",), inplace=True, formula=r"y = x \min(1, \frac{m}{\|x\|_p})",
    text="Shortens the slices that are too long.",
    forward=lambda self, p, dim, maxnorm: _renorm(self, p, dim, maxnorm),
    grads={"self": lambda grad, self, p, dim, maxnorm: _renorm_slope(grad, self, p, dim, maxnorm)},
)


def _renorm(self: Any, p: Any, dim: int, maxnorm: float) -> Any:
    if self.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {self.ndim} dimensions")
    d = wrap_dim(dim, self.ndim)
    rest = tuple(i for i in range(self.ndim) if i != d)
    size = _vector_norm(self, p, rest, True)
    return self * np.where(size > maxnorm, maxnorm / (size + 1e-7), 1).astype(size.dtype)


def _renorm_slope(grad: Any, self: Any, p: Any, dim: int, maxnorm: float) -> Any:
    d = wrap_dim(dim, self.ndim)
    rest = [i for i in range(self.ndim) if i != d]
    size = vector_norm(self, p, rest, True)
    along = (grad * self.conj()).sum(rest, keepdim=True)
    along = along.real if along.is_complex() else along
    own = _norm_slope(along, self, size, p, rest, True)
    short = (size + 1e-7).reciprocal()
    inside = maxnorm * short * (grad - short * own)
    return f.where(size > maxnorm, inside, grad)


# -- quantiles and counts -----------------------------------------------------------------------------------


def _quantile(self: Any, q: Any, dim: int | None, keepdim: bool, interpolation: str, ignore: bool) -> Any:
    from engine import as_tensor

    name = "nanquantile" if ignore else "quantile"
    if self.dtype not in (dt.float32, dt.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(f"{name}() interpolation must be one of linear, lower, higher, midpoint or "
                           f"nearest, but got "
                           f"{interpolation}")
    scalar = not hasattr(q, "_a")
    q = as_tensor(q, dtype=self.dtype) if scalar else q
    if q.dtype is not self.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if q.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if bool(((q < 0) | (q > 1)).any()):
        raise RuntimeError(f"{name}() q must be in the range [0, "
                           f"1]" + ("" if not scalar else f" but got {float(q)}"))
    ndim = self.ndim
    if self.numel() == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if dim is None or not ndim:
        ordered, lead = self.flatten().sort().values, [1] * ndim if keepdim else []
    else:
        d = wrap_dim(dim, ndim)
        lead = [1 if k == d else m for k, m in enumerate(self.shape) if keepdim or k != d]
        ordered = (self if d == ndim - 1 else self.unsqueeze(-1).transpose(d, -1)).sort(-1).values
    n = ordered.shape[-1]
    ordered = ordered.view([*lead, n])
    if ignore:
        last = (~f.isnan(ordered.detach())).sum(-1, keepdim=True) - 1
        rank = (q.reshape(-1) * last).clamp(min=0)
    else:
        rank = (q.reshape(-1) * (n - 1)).expand(*ordered.shape[:-1], q.numel())
        rank = f.where(
            f.isnan(ordered.detach()).any(-1, keepdim=True),
            nodes.Tensor._of(rank._a.dtype.type(n - 1)),
            rank,
        )
    if interpolation == "lower":
        rank = rank.floor()
    elif interpolation == "higher":
        rank = rank.ceil()
    elif interpolation == "nearest":
        rank = rank.round()
    low = rank.to(dt.int64)
    y = ordered.gather(-1, low)
    if interpolation in ("linear", "midpoint"):
        weight = rank - low if interpolation == "linear" else rank * 0 + 0.5
        high = ordered.gather(-1, rank.ceil().to(dt.int64))
        from engine import lerp

        y = lerp(y, high, weight)
    if q.ndim == 0:
        return y.squeeze_(-1)
    return y.unsqueeze_(0).transpose_(0, -1).squeeze_(-1)


@composite("quantile")
def quantile(
    self: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Any:
    """Values below which the fraction q of the elements lies."""
    return _quantile(self, q, dim, keepdim, interpolation, False)


@composite("nanquantile")
def nanquantile(
    self: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Any:
    """quantile of what is not NaN."""
    return _quantile(self, q, dim, keepdim, interpolation, True)


def _histc(self: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    if self.dtype.kind in "biu":
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for "
                                  f"'{dt.scalar_type_name(dt.of(self))}'")
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    if max < min:
        raise RuntimeError("max must be larger than min")
    low, high = (float(self.min()), float(self.max())) if min == max and self.size else (min, max)
    if low == high:
        low, high = low - 1, high + 1
    return np.histogram(self.reshape(-1), int(bins), (low, high))[0].astype(self.dtype)


histc = kernel(name="histc", inputs=(), formula=r"y_k = |\{i : x_i \in "
                                                r"B_k\}|", text="Counts by equal "
                                                                                     "bins.", forward=_histc)
bincount = kernel(
    name="bincount", inputs=(), out=False, formula=r"y_k = |\{i : x_i = "
                                                   r"k\}|", text="Counts of each whole "
                                                                                    "number.",
    forward=lambda self, weights=None, minlength=0: _bincount(self, weights, minlength),
)


def _bincount(self: Any, weights: Any, minlength: int) -> Any:
    if self.dtype.kind not in "iu":
        raise RuntimeError(f"\"bincount_cpu\" not implemented for '{dt.scalar_type_name(dt.of(self))}'")
    if self.ndim != 1 or self.size and self.min() < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    got = np.bincount(self, weights, minlength)
    if weights is not None:
        return got.astype(weights.dtype if weights.dtype.kind == "f" else np.float64)
    return got.astype(np.int64)
