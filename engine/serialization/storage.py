"""Storages: the flat memory that tensors in a checkpoint share, and PyTorch's names for its kinds."""

from __future__ import annotations

from typing import Any

import numpy as np

import engine
from engine.core.shape import address

torch: Any = engine

KINDS = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "UntypedStorage": "uint8",
}
_KIND_OF = {dtype: kind for kind, dtype in KINDS.items() if kind != "UntypedStorage"}


class StorageKind:
    """The class of a storage, as a checkpoint names it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dtype: Any = getattr(torch, KINDS[name])

    @property
    def numpy(self) -> np.dtype:
        """The element type."""
        return self.dtype.numpy


def kind_for(dtype: Any) -> str:
    """The storage class of a dtype; types that have none of their own are kept as bytes."""
    return _KIND_OF.get(dtype.name, "UntypedStorage")


class Loaded:
    """A storage that was read: a flat array, and the device it was saved from."""

    def __init__(self, array: np.ndarray, location: str) -> None:
        self.array = array
        self.location = location

    @property
    def device(self) -> Any:
        """The device it was saved from."""
        return torch.device(self.location)

    def cpu(self) -> Loaded:
        """The storage itself: it is in host memory."""
        return self

    def cuda(self, device: Any = None) -> Loaded:
        """The storage, marked for the GPU."""
        return Loaded(self.array, "cuda" if device is None else f"cuda:{device}")


class Saved:
    """A storage to be written: the whole memory that a tensor is a window on."""

    def __init__(self, t: Any) -> None:
        array = t.detach().cpu()._array() if t.is_cuda else t._array()
        self.dtype = t.dtype
        if array.dtype.byteorder == ">":
            array = array.astype(array.dtype.newbyteorder("<"))
        root = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        size = array.dtype.itemsize
        offset = address(array) - address(root)
        whole = root.flags.c_contiguous or root.flags.f_contiguous
        fits = all(step >= 0 and step % size == 0 for step in array.strides)
        if not whole or not fits or offset % size or root.nbytes % size or isinstance(root, np.memmap):
            array = root = np.ascontiguousarray(array).reshape(array.shape)
            offset = 0
        flat = root.reshape(-1, order="A") if root.flags.c_contiguous else root.ravel(order="K")
        self.bytes = flat.view(np.uint8) if flat.size else np.empty(0, np.uint8)
        self.root = root  # kept, so that the address below stays its own
        self.identity = (address(root), root.nbytes, self.dtype.name)
        self.offset = offset // size
        self.numel = root.nbytes // size
        dense = array.flags.c_contiguous
        self.strides = (
            _dense_strides(array.shape) if dense else tuple(step // size for step in array.strides)
        )
        self.shape = array.shape

    @property
    def kind(self) -> str:
        """The name of the storage's class."""
        return kind_for(self.dtype)


def _dense_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    steps, step = [], 1
    for length in reversed(shape):
        steps.append(step)
        step *= max(length, 1)
    return tuple(reversed(steps))


def window(storage: Loaded, dtype: Any, offset: int, shape: Any, strides: Any) -> np.ndarray:
    """The array that a saved tensor is: a window on its storage.

    Raises:
        ValueError: it reaches beyond the storage.
    """
    flat = storage.array
    wanted: np.dtype = dtype.numpy
    if flat.dtype != wanted:
        flat = flat[: flat.nbytes - flat.nbytes % wanted.itemsize].view(wanted)
    shape, strides = tuple(shape), tuple(strides)
    numbers = (offset, *shape, *strides)
    if len(shape) != len(strides) or len(shape) > 64 or any(type(n) is not int or n < 0 for n in numbers):
        raise ValueError("a tensor's offset, sizes and strides are not plain non-negative integers")
    if 0 in shape:
        return np.empty(shape, wanted)
    last = offset + sum((length - 1) * step for length, step in zip(shape, strides))
    if last >= flat.size:
        raise ValueError(f"a tensor reaches element {last} of a storage of {flat.size} elements")
    steps = tuple(step * wanted.itemsize for step in strides)
    return np.lib.stride_tricks.as_strided(flat[offset:], shape, steps)
