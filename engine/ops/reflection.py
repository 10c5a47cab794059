"""Householder's reflections: QR in one matrix, and the rotations that reflections make together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.ops.decomposition import each
from engine.ops.record import composite, kernel, without_derivative


def _through(formula: Callable, grad: Any, inputs: tuple, needs: tuple) -> list:
    """The gradients of a formula's inputs, by differentiating it where it stands."""
    from engine.autograd import grad as gradients

    with modes.enable_grad():
        own = [v.view_as(v) if v._rg else v.detach().requires_grad_() for v in inputs]
        made = formula(*own)
    if not made._rg:
        return [v.detach() * 0 for v in inputs]
    found = gradients([made], own, [grad], create_graph=modes.grad_enabled, allow_unused=True,
                      retain_graph=True)
    return [v.detach() * 0 if f is None else f for v, f in zip(inputs, found)]


def _rotation(input: Any, tau: Any) -> Any:
    """The product of the reflections, by what they do to unit columns, on Tensors."""
    from engine import eye

    m, k = input.shape[-2], tau.shape[-1]
    one = eye(m, dtype=input.dtype)
    q = one.narrow(-1, 0, input.shape[-1]).expand((*input.shape[:-2], m, input.shape[-1]))
    low = input.tril(-1).narrow(-1, 0, k) if k else input
    for j in reversed(range(k)):
        v = low.select(-1, j).unsqueeze(-1) + one.narrow(-1, j, 1)
        q = q - tau.select(-1, j).unsqueeze(-1).unsqueeze(-1) * v.matmul(v.mH.matmul(q))
    return q


def _on_arrays(formula: Callable, *arrays: Any) -> Any:
    with modes.no_grad():
        return np.ascontiguousarray(formula(*[nodes.Tensor._of(a) for a in arrays])._array())


def _householder_product(input: Any, tau: Any) -> Any:
    name = "torch.linalg.householder_product"
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if input.shape[-2] < input.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if input.shape[-1] < tau.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    return _on_arrays(_rotation, input, tau)


householder_product = kernel(
    name="linalg_householder_product", inputs=("input", "tau"), grad_fn="LinalgHouseholderProductBackward0",
    on=(), formula=r"Q = H_1 H_2 \cdots H_k",
    text="The rotation that Householder's reflections make together.",
    forward=_householder_product,
    grads={("input", "tau"): lambda grad, input, tau, needs: _through(_rotation, grad, (input, tau), needs)},
)
composite("householder_product", on=("linalg",))(lambda A, tau: householder_product(A, tau))
composite("orgqr")(lambda self, input2: householder_product(self, input2))


def _turned(left: bool, transpose: bool) -> Callable:
    """other multiplied by the rotation, or by its adjoint, from this side, on Tensors."""
    from engine.nn.functional import pad

    def formula(self: Any, tau: Any, other: Any) -> Any:
        m, n = self.shape[-2:]
        q = _rotation(pad(self, [0, m - n]) if n < m else self.narrow(-1, 0, m), tau)
        q = q.mH if transpose else q
        return q.matmul(other) if left else other.matmul(q)

    return formula


def _ormqr(self: Any, tau: Any, other: Any, left: bool = True, transpose: bool = False) -> Any:
    name = "torch.ormqr"
    if self.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if other.ndim < 2:
        raise RuntimeError(f"{name}: other must have at least 2 dimensions.")
    side, axis = ("-2", -2) if left else ("-1", -1)
    if other.shape[axis] < tau.shape[-1]:
        raise RuntimeError(f"{name}: other.shape[{side}] must be greater than or equal to tau.shape[-1]")
    if other.shape[axis] != self.shape[-2]:
        raise RuntimeError(f"{name}: other.shape[{side}] must be equal to input.shape[-2]")
    if tau.shape[-1] != min(other.shape[axis], self.shape[-1]):
        raise RuntimeError(f"{name}: tau.shape[-1] must be equal to min(other.shape[{side}], "
                           "input.shape[-1])")
    return _on_arrays(_turned(left, transpose), self, tau, other)


ormqr = kernel(
    name="ormqr", inputs=("self", "input2", "input3"), formula=r"Y = Q\,C",
    text="A matrix times the rotation of Householder's reflections.",
    forward=lambda self, input2, input3, left=True, transpose=False:
    _ormqr(self, input2, input3, left, transpose),
    grads={("self", "input2", "input3"): lambda grad, self, input2, input3, left, transpose, needs:
           _through(_turned(left, transpose), grad, (self, input2, input3), needs)},
)

geqrf = kernel(
    name="geqrf", inputs=("self",), returns=("a", "tau"), formula=r"A \to (R, \tau)",
    text="QR in one matrix, as Householder's reflections.",
    forward=lambda self: _geqrf(self), grads={"self": without_derivative("geqrf")},
)


def _geqrf(self: Any) -> Any:
    import scipy.linalg

    m, n = self.shape[-2:]
    fn = scipy.linalg.lapack.get_lapack_funcs("geqrf", (self,))
    return each(self, lambda a: fn(a)[:2] if a.size else (a, np.empty(min(m, n))), (m, n), (min(m, n),))
