"""Parameter and Buffer, and their forms whose shape is not known yet.

Source: torch.nn.parameter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.core.shape import Size
from engine.tensor import Parameter, Tensor, TensorType

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]

_UNKNOWN = (
    "Can't access the shape of an uninitialized parameter or buffer. "
    "This error usually happens in `load_state_dict` when trying to load "
    "an uninitialized parameter into an initialized one. "
    "Call `forward` to initialize the parameters before accessing their attributes."
)


class _BufferType(TensorType):
    """isinstance(t, Buffer) holds for every tensor that was marked as one."""

    def __instancecheck__(cls, value: Any) -> bool:
        if super().__instancecheck__(value):
            return True
        return cls is Buffer and isinstance(value, Tensor) and getattr(value, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferType):
    """A tensor that a module keeps, moves and saves, but does not train."""

    __module__ = "torch.nn.parameter"

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        from engine.ops.creation import empty

        data = empty(0) if data is None else data
        made = data.detach().requires_grad_(data.requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made


class UninitializedTensorMixin:
    """A tensor that has a dtype but no shape until `materialize`."""

    cls_to_become: type = Tensor
    _a: Any

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Gives it a shape; from then on it is a plain parameter or buffer."""
        kind = self._a.dtype if dtype is None else dtype.numpy  # type: ignore[has-type]
        self._a = np.zeros(tuple(shape), kind)
        self.__class__ = self.cls_to_become  # type: ignore[assignment]

    @property
    def shape(self) -> Size:
        """Not known yet.

        Raises: RuntimeError always."""
        raise RuntimeError(_UNKNOWN)

    def share_memory_(self) -> Any:
        """Not possible yet.

        Raises: RuntimeError always."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. "
            "Call `forward` to initialize the parameters before calling `module.share_memory()`."
        )

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.requires_grad,)  # type: ignore[attr-defined]


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter whose shape the first input will tell."""

    __module__ = "torch.nn.parameter"
    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        made = object.__new__(cls)
        made._a = np.empty(0, (dt.default.dtype if dtype is None else dtype).numpy)
        made._rg = bool(requires_grad)
        return made

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        pass

    def __deepcopy__(self, memo: dict) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self._rg, dtype=self.dtype)
        return memo[id(self)]


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[misc]
    """A buffer whose shape the first input will tell."""

    __module__ = "torch.nn.parameter"

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> Any:
        made = object.__new__(cls)
        made._a = np.empty(0, (dt.default.dtype if dtype is None else dtype).numpy)
        made._rg = bool(requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made

    persistent: bool
    _is_buffer: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __deepcopy__(self, memo: dict) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self._rg, dtype=self.dtype, persistent=self.persistent)  # type: ignore
        return memo[id(self)]


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer has no shape yet."""
    return isinstance(param, UninitializedTensorMixin)
