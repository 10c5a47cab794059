"""Movable: the part of a module that changes the dtype and device of everything it holds.

Source: torch.nn.Module.to and its kin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import engine
from engine.nn.modules.tables import Tables
from engine.nn.parameter import is_lazy


def parse_to(args: tuple, kwargs: dict) -> tuple[Any, Any, bool, Any]:
    """(device, dtype, non_blocking, memory_format) from the arguments of a `to` call."""
    device = kwargs.get("device")
    dtype = kwargs.get("dtype")
    non_blocking = kwargs.get("non_blocking", False)
    rest = list(args)
    if "tensor" in kwargs:
        rest.insert(0, kwargs["tensor"])
    if rest and isinstance(rest[0], engine.Tensor):
        other = rest.pop(0)
        device, dtype = other.device, other.dtype
    elif rest and isinstance(rest[0], engine.dtype):
        dtype = rest.pop(0)
    elif rest:
        device = rest.pop(0)
        if rest and (rest[0] is None or isinstance(rest[0], engine.dtype)):
            dtype = rest.pop(0)
    if rest:
        non_blocking = rest.pop(0)
    if device is not None:
        device = engine.device(device)
    return device, dtype, bool(non_blocking), kwargs.get("memory_format")


class Movable(Tables):
    """Casts and moves parameters and buffers, keeping the parameters the very same objects."""

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Any:
        if recurse:
            for module in self.children():
                module._apply(fn)
        for param in self._parameters.values():
            if param is None:
                continue
            with engine.no_grad():
                moved = fn(param)
            grad = param.grad
            if moved is not param:
                param.grad = None
                param.data = moved
            if grad is not None:
                with engine.no_grad():
                    moved_grad = fn(grad)
                param.grad = (
                    moved_grad.requires_grad_(grad.requires_grad) if moved_grad is not grad else grad
                )
        for name, buffer in self._buffers.items():
            if is_lazy(buffer):
                buffer.data = fn(buffer)
            elif buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Moves to a device and/or casts floating-point parameters and buffers to a dtype."""
        device, dtype, non_blocking, memory_format = parse_to(args, kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )

        def convert(t: Any) -> Any:
            cast = dtype if t.is_floating_point() or t.is_complex() else None
            if memory_format is not None and t.dim() in (4, 5):
                return t.to(device, cast, non_blocking, memory_format=memory_format)
            return t.to(device, cast, non_blocking)

        return self._apply(convert)

    def _cast(self, dtype: Any) -> Any:
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def float(self) -> Any:
        """Casts floating-point parameters and buffers to float32."""
        return self._cast(engine.float32)

    def double(self) -> Any:
        """Casts floating-point parameters and buffers to float64."""
        return self._cast(engine.float64)

    def half(self) -> Any:
        """Casts floating-point parameters and buffers to float16."""
        return self._cast(engine.float16)

    def bfloat16(self) -> Any:
        """Casts floating-point parameters and buffers to bfloat16."""
        return self._cast(engine.bfloat16)

    def type(self, dst_type: Any) -> Any:
        """Casts all parameters and buffers to dst_type."""
        return self._apply(lambda t: t.type(dst_type))

    def cpu(self) -> Any:
        """Moves everything to the CPU."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device: Any = None) -> Any:
        """Moves everything to a GPU."""
        return self._apply(lambda t: t.cuda(device))

    def _elsewhere(self, kind: str, device: Any) -> Any:
        where = kind if device is None else device if isinstance(device, str) else f"{kind}:{device}"
        return self._apply(lambda t: t.to(where))

    def xpu(self, device: Any = None) -> Any:
        """Moves everything to an XPU, where there is one."""
        return self._elsewhere("xpu", device)

    def ipu(self, device: Any = None) -> Any:
        """Moves everything to an IPU, where there is one."""
        return self._elsewhere("ipu", device)

    def mtia(self, device: Any = None) -> Any:
        """Moves everything to an MTIA device, where there is one."""
        return self._elsewhere("mtia", device)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Any:
        """Moves to a device without copying the values."""
        return self._apply(lambda t: engine.empty_like(t, device=device), recurse=recurse)

    def share_memory(self) -> Any:
        """Puts parameters and buffers where other processes can see them."""
        return self._apply(lambda t: t.share_memory_())
