"""Forward-mode differentiation: dual numbers whose tangents are worked out when they are asked for.

A dual tensor is an entry into the graph. Its tangent's way to a later tensor is the vector-Jacobian product
of that
graph, differentiated by the vector: every op with a second derivative has forward mode by that.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.autograd.backward import grad

_levels: list[list] = []


class UnpackedDualTensor(NamedTuple):
    """A dual tensor's value and tangent."""

    primal: Any
    tangent: Any


class dual_level:
    """Inside, dual tensors can be made."""

    __module__ = "torch.autograd.forward_ad"

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exc: object) -> None:
        exit_dual_level()


def enter_dual_level() -> int:
    """Start a level of forward-mode differentiation; its number."""
    if _levels:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _levels.append([])
    _levels[-1].append(modes.grad_enabled)
    modes.grad_enabled = True
    return len(_levels) - 1


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level: its tangents are gone."""
    entries = _levels.pop()
    modes.grad_enabled = entries[0]
    for dual, _ in entries[1:]:
        dual.__dict__.pop("_tangent", None)


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Any:
    """`tensor` with a direction in which it moves."""
    if not _levels:
        raise RuntimeError("Trying to create a dual Tensor for forward AD but no level exists, make sure to "
                           "enter_dual_level() "
                           "first.")
    if not tensor.is_floating_point() and not tensor.is_complex():
        raise ValueError(f"Expected primal to be floating point or complex, but got: {tensor.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(f"Expected tangent to have the same size as primal: {list(tensor.shape)} and "
                           f"{list(tangent.shape)}")
    dual = tensor.view_as(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()
    dual._tangent = tangent
    _levels[-1].append((dual, tangent))
    return dual


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """A tensor's value, and how fast it moves when the dual tensors it came from do."""
    if not _levels:
        return UnpackedDualTensor(tensor, None)
    own = tensor.__dict__.get("_tangent")
    if own is not None:
        return UnpackedDualTensor(tensor.detach(), own)
    entries = _levels[-1][1:]
    if not entries or not tensor.requires_grad:
        return UnpackedDualTensor(tensor, None)
    duals = [d for d, _ in entries]
    weight = tensor.detach().new_zeros(tensor.shape).requires_grad_()
    back = grad(tensor, duals, weight, create_graph=True, retain_graph=True, allow_unused=True)
    used = [(b, t) for b, (_, t) in zip(back, entries) if b is not None]
    if not used:
        return UnpackedDualTensor(tensor.detach(), None)
    live = [(b, t) for b, t in used if b.requires_grad]
    tangent = None
    if live:
        tangent, = grad([b for b, _ in live], [weight], [t for _, t in live], retain_graph=True,
                        allow_unused=True)
    if tangent is None:
        tangent = nodes.Tensor._of(tensor._a * 0)
    return UnpackedDualTensor(tensor.detach(), tangent)
