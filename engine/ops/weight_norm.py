"""Weight normalization: a weight as a length and a direction."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops.record import composite, kernel


def _others(ndim: int, dim: int) -> tuple[int, ...]:
    return tuple(d for d in range(ndim) if d != dim)


def _weighed(v: Any, g: Any, dim: int = 0) -> tuple:
    norms = np.sqrt(np.add.reduce(v * v, axis=_others(v.ndim, dim), keepdims=True))
    return v * (g / norms), norms


def _gradients(grad: Any, v: Any, g: Any, dim: int, norms: Any, needs: tuple) -> tuple:
    along = (grad * v).sum(_others(v.dim(), dim), True)
    to_v = grad * (g / norms) - v * (g * along / (norms * norms * norms)) if "v" in needs else None
    return to_v, along / norms if "g" in needs else None


_weight_norm_interface = kernel(
    name="_weight_norm_interface",
    inputs=("v", "g"),
    grad_fn="WeightNormInterfaceBackward0",
    on=("torch",),
    out=False,
    nondiff=(1,),
    formula=r"w = g\,\frac{v}{\lVert v \rVert}",
    text="A weight from its length and its direction, so that the two are learned apart.",
    forward=_weighed,
    grads={
        ("v", "g"): lambda grad, v, g, dim, result1, needs: _gradients(
            grad, v, g, dim, result1.detach(), needs
        )
    },
)


@composite("norm_except_dim", on=("torch",), out=False)
def norm_except_dim(v: Any, pow: int = 2, dim: int = 0) -> Any:
    """The norm over all dimensions but dim, kept so that it broadcasts; over all of them for dim -1."""
    if dim == -1:
        return v.norm(pow)
    shape = [1] * v.dim()
    shape[dim] = v.size(dim)
    if dim == 0:
        return v.contiguous().view(v.size(0), -1).norm(pow, 1).view(*shape)
    if dim == v.dim() - 1:
        return v.contiguous().view(-1, v.size(dim)).norm(pow, 0).view(*shape)
    return norm_except_dim(v.transpose(0, dim), pow, 0).transpose(0, dim)


@composite("_weight_norm", on=("torch",), out=False)
def weight_norm(v: Any, g: Any, dim: int = 0) -> Any:
    """g * v / norm of v, the norm taken over all dimensions but dim."""
    if dim in (0, v.dim() - 1):
        return _weight_norm_interface(v, g, dim)[0]
    return v * (g / norm_except_dim(v, 2, dim))
