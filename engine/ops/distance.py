"""Distances and directions: norms of differences, cosine similarity, normalize."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.ops.formula import OPS
from engine.ops.record import composite, kernel
from engine.ops.scalar import plus


@composite(
    "pairwise_distance",
    on=("torch", "nn.functional"),
    out=False,
    formula=r"y = \lVert x_1 - x_2 + \epsilon \rVert_p",
)
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The p-norm of each pair's difference along the last dimension."""
    out = max(x2._a.ndim, x1._a.ndim)
    return _norm_along(plus(x1 - x2, eps), p, out - 1 if out else 0, keepdim)


def _norm(self: Any, p: float, dim: int, keepdim: bool) -> Any:
    y = _pairs(np.moveaxis(self, dim, -1) if self.ndim else self.reshape(1), p)
    return np.expand_dims(y, dim) if keepdim and self.ndim else y


def _norm_gradient(grad: Any, self: Any, p: float, dim: int, keepdim: bool, result: Any) -> Any:
    if not self._a.ndim:
        return grad * self.sign()
    if not keepdim:
        grad, result = grad.unsqueeze(dim), result.unsqueeze(dim)
    return grad * _slope(self.movedim(dim, -1), result.movedim(dim, -1).squeeze(-1), p).movedim(-1, dim)


_norm_along = kernel(
    name="_norm_along",
    inputs=("self",),
    grad_fn="NormBackward1",
    on=(),
    out=False,
    formula=r"y = \lVert x \rVert_p",
    text="The length of vectors along one dimension.",
    forward=_norm,
    grads={
        "self": lambda grad, self, p, dim, keepdim, result: _norm_gradient(
            grad, self, p, dim, keepdim, result
        )
    },
)


@composite(
    "cosine_similarity",
    on=("torch", "nn.functional"),
    out=False,
    formula=r"y = \frac{x_1 \cdot x_2}{\lVert x_1 \rVert \lVert x_2 \rVert}",
)
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along dim."""
    from engine.autograd import modes
    from engine.core.shape import broadcast_shapes

    kind = dt.promote_types(x1.dtype, x2.dtype)
    if not kind.is_floating_point:
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {dt.scalar_type_name(kind)}"
        )
    shape = broadcast_shapes(x1._a.shape, x2._a.shape)
    x1 = x1.to(kind)
    x2 = x2.to(kind)
    x1 = x1 if x1._a.shape == shape else x1.expand(shape)
    x2 = x2 if x2._a.shape == shape else x2.expand(shape)
    norms = []
    for x in (x1, x2):
        n = OPS["linalg_vector_norm"](x, 2, [dim], True).clone()
        with modes.no_grad():
            a = n.detach()._array()
            np.maximum(a, a.dtype.type(eps), out=a)
        norms.append(n)
    return ((x1 / norms[0]) * (x2 / norms[1])).sum(dim)


@composite(
    "normalize", on=("nn.functional",), formula=r"y = \frac{x}{\max(\lVert x \rVert_p, \epsilon)}", out=False
)
def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None) -> Any:
    """Each vector along dim divided by its norm."""
    norm = OPS["linalg_vector_norm"](
        input, p, dim if dim is None or isinstance(dim, (tuple, list)) else [dim], True
    )
    scale = norm.clamp_min(eps).expand_as(input)
    return OPS["div"](input, scale) if out is None else OPS["div"](input, scale, out=out)


def _pairs(d: Any, p: float) -> Any:
    """The p-norm over the last dimension of an array of differences."""
    if p == 0:
        return np.add.reduce((d != 0).astype(d.dtype), axis=-1)
    d = np.abs(d)
    if p == 1:
        return np.add.reduce(d, axis=-1)
    if p == 2:
        return np.sqrt(np.add.reduce(np.square(d), axis=-1))
    if math.isinf(p):
        return np.maximum.reduce(d, axis=-1) if d.shape[-1] else np.zeros(d.shape[:-1], d.dtype)
    return np.power(np.add.reduce(np.power(d, d.dtype.type(p)), axis=-1), d.dtype.type(1 / p))


def _slope(d: Any, dist: Any, p: float) -> Any:
    """The slope of the distance in each coordinate of the difference. Shapes: d (..., k), dist (...)."""
    dist = dist.unsqueeze(-1)
    if p == 0:
        return d * 0
    if p == 1:
        return d.sign()
    if math.isinf(p):
        return d.sign() * (d.abs() == dist)
    safe = OPS["where"](dist == 0, 1.0, dist)
    if p == 2:
        return OPS["where"](dist == 0, 0.0, d / safe)
    inner = d.sign() * d.abs().pow(p - 1) / safe.pow(p - 1)
    if p < 2:  # 0 ** negative is infinite where a coordinate is equal
        inner = OPS["where"](d == 0, 0.0, inner)
    return OPS["where"](dist == 0, 0.0, inner)


def _cdist(x1: Any, x2: Any, p: float, compute_mode: Any = None) -> Any:
    return _pairs(x1[..., :, None, :] - x2[..., None, :, :], p)


def _cdist_gradient(grad: Any, x1: Any, x2: Any, p: float, result: Any, needs: tuple) -> tuple:
    each = grad.unsqueeze(-1) * _slope(x1.unsqueeze(-2) - x2.unsqueeze(-3), result, p)
    return each.sum(-2) if "x1" in needs else None, -each.sum(-3) if "x2" in needs else None


_cdist_forward = kernel(
    name="_cdist_forward",
    inputs=("x1", "x2"),
    grad_fn="CdistBackward0",
    on=("torch",),
    out=False,
    formula=r"y_{ij} = \lVert x_i - z_j \rVert_p",
    text="The distance of each point of one set to each of the other.",
    forward=_cdist,
    grads={
        ("x1", "x2"): lambda grad, x1, x2, p, result, needs: _cdist_gradient(grad, x1, x2, p, result, needs)
    },
)


@composite("cdist", on=("torch",), out=False, formula=r"y_{ij} = \lVert x_i - z_j \rVert_p")
def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Any:
    """The distance of each row of one set to each row of the other.

    Raises: RuntimeError where the sizes do not fit; ValueError for an unknown mode."""
    if compute_mode not in (
        "use_mm_for_euclid_dist_if_necessary",
        "use_mm_for_euclid_dist",
        "donot_use_mm_for_euclid_dist",
    ):
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    a, b = x1._a, x2._a
    for name, t in (("X1", a), ("X2", b)):
        if t.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {t.ndim}D")
    if a.shape[-1] != b.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {a.shape[-1]} X2: {b.shape[-1]}"
        )
    if a.dtype.kind in "biu":
        raise RuntimeError(
            f"cdist only supports floating-point dtypes, X1 got: {dt.scalar_type_name(x1.dtype)}"
        )
    if b.dtype.kind in "biu":
        raise RuntimeError(
            f"cdist only supports floating-point dtypes, X2 got: {dt.scalar_type_name(x2.dtype)}"
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    return _cdist_forward(x1, x2, float(p), None)


def _pdist(self: Any, p: float = 2.0) -> Any:
    if self.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {self.ndim}D")
    if self.dtype.kind in "biu":
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    i, j = np.triu_indices(self.shape[0], 1)
    return _pairs(self[i] - self[j], p)


def _pdist_gradient(grad: Any, self: Any, p: float, result: Any) -> Any:
    T = type(grad)
    i, j = (T._of(a) for a in np.triu_indices(self._a.shape[0], 1))
    each = grad.unsqueeze(-1) * _slope(self.index_select(0, i) - self.index_select(0, j), result, p)
    zero = self.detach() * 0
    return zero.index_add(0, i, each).index_add(0, j, -each)


pdist = kernel(
    name="pdist",
    inputs=("self",),
    grad_fn="PdistBackward0",
    on=("torch", "nn.functional"),
    out=False,
    formula=r"y_{ij} = \lVert x_i - x_j \rVert_p, \; i < j",
    text="The distance of every two rows.",
    forward=_pdist,
    grads={"self": lambda grad, self, p, result: _pdist_gradient(grad, self, p, result)},
)
