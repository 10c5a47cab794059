"""Looking at the graph, and at what it keeps: torch.autograd.graph."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from engine.autograd import modes
from engine.autograd.node import Node, RemovableHandle, edge

__all__ = ["GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks",
           "get_gradient_edge",
           "increment_version", "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks"]


class GradientEdge(NamedTuple):
    """A place where a gradient flows: a node and which of its outputs."""

    node: Node
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """Where the gradient of a tensor flows."""
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require "
                           "gradients")
    node, nr = edge(tensor)
    assert node is not None
    return GradientEdge(node, nr)


def increment_version(tensor: Any) -> None:
    """Count a change in place that the engine could not see."""
    for t in (tensor,) if hasattr(tensor, "_bump") else tensor:
        t._bump()


class saved_tensors_hooks:
    """Inside, what is saved for backward goes through pack_hook, and comes back through unpack_hook."""

    __module__ = "torch.autograd.graph"

    def __init__(self, pack_hook: Callable, unpack_hook: Callable) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        if _disabled:
            raise RuntimeError(_disabled[-1])
        modes.saved_hooks.append((self.pack_hook, self.unpack_hook))

    def __exit__(self, *exc: object) -> None:
        modes.saved_hooks.pop()


_disabled: list[str] = []


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, saved_tensors_hooks raises this message."""
    _disabled.append(error_message)
    try:
        yield
    finally:
        _disabled.pop()


class save_on_cpu(saved_tensors_hooks):
    """Inside, saved tensors are kept as copies on the CPU."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda t: t.clone(), lambda t: t)


@contextlib.contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[None]:
    """Inside, saved tensors may be changed in place: a copy is kept for backward."""
    with saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        yield


class _Handles:
    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self.handles = handles

    def remove(self) -> None:
        """Take all hooks off."""
        for h in self.handles:
            h.remove()

    def __enter__(self) -> _Handles:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def register_multi_grad_hook(tensors: Sequence[Any], fn: Callable, *, mode: str = "all") -> Any:
    """Call fn when the gradients of all (or any) of these tensors are known."""
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    got: dict[int, Any] = {}
    fired = [False]

    def hook_of(i: int) -> Callable:
        def hook(grad: Any) -> None:
            if mode == "any":
                if not fired[0]:
                    fired[0] = True
                    fn(grad)
                return
            got[i] = grad
            if len(got) == len(tensors):
                fn([got[k] for k in range(len(tensors))])
                got.clear()

        return hook

    return _Handles([t.register_hook(hook_of(i)) for i, t in enumerate(tensors)])
