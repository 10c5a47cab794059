"""torch.ops.aten: ops by PyTorch's inner names, with or without an overload (aten.add.Tensor)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.ops.formula import OPS
from engine.ops.record import NAMESPACES


class Packet:
    """One op by its inner name: callable, and so is each of its overloads."""

    def __init__(self, name: str, function: Callable) -> None:
        self.__name__, self._function = name, function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def __getattr__(self, overload: str) -> Callable:
        if overload.startswith("_"):
            raise AttributeError(overload)
        return self._function

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='aten.{self.__name__}')>"


def _max_pool_backward(n: int) -> Callable:
    def backward(
        grad_output: Any, self: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
        ceil_mode: bool, indices: Any,
    ) -> Any:
        return OPS[f"max_pool{n}d_with_indices_backward"](grad_output, self, indices, False)

    return backward


SPELLED = {f"max_pool{n}d_with_indices_backward": _max_pool_backward(n) for n in (2, 3)}
"""Ops that take more arguments by their inner names than the records need."""


def __getattr__(name: str) -> Packet:
    function = SPELLED.get(name) or OPS.get(name) or NAMESPACES["torch"].get(name) \
        or NAMESPACES["Tensor"].get(name)
    if name.startswith("__") or function is None:
        raise AttributeError(f"'_OpNamespace' 'aten' object has no attribute '{name}'")
    return Packet(name, function)
