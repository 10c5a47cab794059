"""A tensor's memory itself: resize_, set_, storage, and element-by-element Python functions."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from engine.core.shape import sizes_of, window
from engine.ops import shape as _shape
from engine.ops.formula import OPS
from engine.ops.part import as_strided as _as_strided
from engine.ops.part import root_of
from engine.ops.record import place
from engine.tensor import Tensor

_shape._in_place("_as_strided_", _as_strided.op, "AsStridedBackward1")


def resize_(self: Any, *sizes: Any, memory_format: Any = None) -> Any:
    """Another size on the same memory; more memory where that is too small."""
    shape = sizes_of(sizes)
    for n in shape:
        if n < 0:
            raise RuntimeError(f"requested resize to {list(shape)} has a negative dimension")
    if self.requires_grad and shape != self._a.shape:
        raise RuntimeError("cannot resize variables that require grad")
    a = self._array()
    if a.shape == shape:
        return self
    room = prod(shape)
    root = root_of(a)
    if a.flags.c_contiguous and room <= a.size:
        self._a = a.reshape(-1)[:room].reshape(shape)
    elif root.flags.c_contiguous and self.storage_offset() + room <= root.size and root.dtype == a.dtype:
        start = self.storage_offset()
        self._a = root.reshape(-1)[start:start + room].reshape(shape)
    else:
        fresh = np.zeros(room, a.dtype)
        have = a.reshape(-1)[:room]
        fresh[:have.size] = have
        self._a = fresh.reshape(shape)
    return self


def resize_as_(self: Any, the_template: Any, *, memory_format: Any = None) -> Any:
    """Another tensor's size on the same memory."""
    return resize_(self, tuple(the_template._a.shape))


def set_(self: Any, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Any:
    """Make this tensor a window on another's memory."""
    if source is None:
        self._a = np.empty(0, self._a.dtype)
        return self
    if isinstance(source, Tensor) and size is None:
        if source._a.dtype != self._a.dtype:
            raise RuntimeError("Could not set tensor of type " f"{source.type()} to a tensor of type "
                               f"{self.type()}")
        self._a = source._array()
        self._cell = source._version_cell()
        return self
    flat = source._array().reshape(-1) if isinstance(source, Tensor) else source.array(self.dtype)
    size = (flat.size - storage_offset,) if size is None else tuple(size)
    if stride is None:
        self._a = flat[storage_offset:storage_offset + prod(size)].reshape(size)
    else:
        n = flat.dtype.itemsize
        self._a = window(flat, size, tuple(s * n for s in stride), storage_offset * n)
    return self


def as_strided_(self: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Any:
    """Make this tensor another window on its own memory."""
    return OPS["_as_strided_"](self, size, stride, storage_offset)


def untyped_storage(self: Any) -> Any:
    """The memory as bytes."""
    from engine.storage import UntypedStorage

    return UntypedStorage._on(root_of(self._array()))


def storage(self: Any) -> Any:
    """The memory as elements."""
    from engine.storage import TypedStorage

    return TypedStorage._on(root_of(self._array()), self.dtype)


def apply_(self: Any, callable: Any) -> Any:
    """Replace each element by what a Python function makes of it."""
    if self.requires_grad:
        raise RuntimeError("Can't call apply_() on Variable that requires grad. Use var.detach().apply_() "
                           "instead.")
    a = self._array()
    for at in np.ndindex(a.shape):
        a[at] = callable(a[at].item())
    self._bump()
    return self


def map_(self: Any, tensor: Any, callable: Any) -> Any:
    """Replace each element by what a Python function makes of it and another tensor's."""
    if self.requires_grad:
        raise RuntimeError("Can't call map_() on Variable that requires grad. Use var.detach().map_() "
                           "instead.")
    a, b = self._array(), np.broadcast_to(tensor._a, self._a.shape)
    for at in np.ndindex(a.shape):
        a[at] = callable(a[at].item(), b[at].item())
    self._bump()
    return self


def array_wrap(self: Any, array: np.ndarray, *context: Any) -> Any:
    """What a NumPy function returns, as a tensor."""
    array = np.asarray(array)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    return Tensor._of(array)


def as_subclass(self: Any, cls: type) -> Any:
    """The same tensor as an instance of a subclass of Tensor."""
    made: Any = object.__new__(cls)
    made.__dict__.update(OPS["alias"](self).__dict__)
    return made


def _make_subclass(cls: type, data: Any, require_grad: bool = False) -> Any:
    """A leaf of a subclass on another tensor's memory."""
    made: Any = object.__new__(cls)
    made._a, made._cell = data._array(), data._version_cell()
    made.requires_grad = require_grad
    return made


def dim_order(self: Any, *, ambiguity_check: Any = False) -> tuple[int, ...]:
    """The dimensions from the slowest in memory to the fastest."""
    strides = self.stride()
    return tuple(sorted(range(len(strides)), key=lambda d: -strides[d]))


for _name, _fn in {"resize_": resize_, "resize_as_": resize_as_, "set_": set_, "as_strided_": as_strided_,
                   "untyped_storage": untyped_storage, "storage": storage, "_typed_storage": storage,
                   "apply_": apply_,
                   "map_": map_, "__array_wrap__": array_wrap, "as_subclass": as_subclass,
                   "_make_subclass": staticmethod(_make_subclass), "dim_order": dim_order}.items():
    place(_fn, _name, ("Tensor",))  # type: ignore[arg-type]
for _fn in (resize_as_, as_strided_):
    place(_fn, _fn.__name__, ("torch",))
