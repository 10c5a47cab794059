"""Making tensors: from Python values, NumPy arrays, sizes and ranges."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import device as devices
from engine.core import dtype as dt
from engine.core.shape import sizes_of
from engine.ops.record import place


def made(array: Any, requires_grad: bool = False) -> Any:
    """A Tensor on an array, as a leaf."""
    t = nodes.Tensor._of(array)
    if requires_grad:
        t.requires_grad = True
    return t


def array_of(data: Any, dtype: dt.dtype | None = None) -> np.ndarray:
    """A fresh array from numbers, nested sequences, arrays or tensors, typed as torch.tensor does.

    Raises: ValueError for ragged lists; TypeError for what is not numbers; RuntimeError for None."""
    T = nodes.Tensor
    if isinstance(data, T):
        return np.array(data._a if dtype is None else data._a.astype(dtype.numpy), order="K")
    if isinstance(data, (np.ndarray, np.generic)):
        d = dtype or dt.of(data)
        return np.array(data, dtype=d.numpy, order="C")
    if isinstance(data, (list, tuple)):
        data, found = _plain(data)
        if dtype is None:
            dtype = found or dt.default.dtype
    elif dtype is None:
        if isinstance(data, (bool, int, float, complex)):
            dtype = dt.of_scalar(data)
        elif data is None:
            raise RuntimeError("Could not infer dtype of NoneType")
        elif hasattr(data, "__array__"):
            return array_of(np.asarray(data), dtype)
        elif isinstance(data, str):
            raise TypeError("new(): invalid data type 'str'")
        else:
            raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    try:
        return np.array(data, dtype=dtype.numpy)
    except OverflowError:
        raise RuntimeError(f"value cannot be converted to type {dt.scalar_type_name(dtype).lower()} without overflow") \
            from None
    except TypeError:
        raise TypeError(f"must be real number, not {type(data).__name__}") from None


def _plain(data: Any) -> tuple[Any, dt.dtype | None]:
    """Nested sequences with tensors and arrays made plain, and the type of the whole."""
    T = nodes.Tensor
    found: dt.dtype | None = None
    out = []
    length: int | None = None
    for i, x in enumerate(data):
        if isinstance(x, (list, tuple)):
            x, d = _plain(x)
        elif isinstance(x, T):
            d = x.dtype
            x = x._a.tolist()
        elif isinstance(x, (np.ndarray, np.generic)):
            d = dt.of(x)
            x = x.tolist()
        elif isinstance(x, (bool, int, float, complex)):
            d = dt.of_scalar(x)
        elif x is None:
            raise RuntimeError("Could not infer dtype of NoneType")
        elif isinstance(x, str):
            raise ValueError("too many dimensions 'str'")
        else:
            raise RuntimeError(f"Could not infer dtype of {type(x).__name__}")
        n = len(x) if isinstance(x, list) else -1
        if length is not None and n != length:
            if length == -1:
                raise TypeError(f"{'must be real number'}, not list")
            raise ValueError(f"expected sequence of length {length} at dim 1 (got {max(n, 0)})" if n >= 0
                             else f"expected sequence of length {length} at dim 1 (got 0)")
        length = n
        if d is not None:
            found = d if found is None else dt.promote_types(found, d)
        out.append(x)
    return out, found


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
           pin_memory: bool = False) -> Any:
    """A new leaf tensor with a copy of `data`."""
    devices.check(device)
    return made(array_of(data, None if dtype is None else _d(dtype)), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """`data` as a tensor, sharing memory where it can."""
    devices.check(device)
    if isinstance(data, nodes.Tensor):
        return data if dtype is None else data.to(_d(dtype))
    if isinstance(data, np.ndarray) and (dtype is None or dt.of(data) is _d(dtype)):
        return from_numpy(data)
    return tensor(data, dtype=dtype)


def from_numpy(array: np.ndarray) -> Any:
    """A tensor on a NumPy array's own memory.

    Raises: TypeError for what is not an array, ValueError for negative strides."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    dt.of(array)
    if any(s < 0 for s in array.strides):
        raise ValueError("At least one stride in the given numpy array is negative, and tensors with negative strides are "
                         "not currently supported. (You can probably work around this by making a copy of your array "
                         " with array.copy().) ")
    return nodes.Tensor._of(array)


def _d(given: Any) -> dt.dtype:
    from engine.ops.cast import as_dtype

    return as_dtype(given)


def _filled(name: str, fill: Any) -> Any:
    def function(*size: Any, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
                 requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = None,
                 names: Any = None) -> Any:
        devices.check(device)
        kind = (dt.default.dtype if dtype is None else _d(dtype)).numpy
        sizes = sizes_of(size)
        for n in sizes:
            if n < 0:
                raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(sizes)}")
        a = fill(sizes, kind)
        if out is not None:
            out.resize_(sizes)
            out._array()[...] = a
            out._bump()
            return out
        return made(a, requires_grad)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"A new tensor of the given size, {name.replace('_', ' ')}."
    return function


zeros, ones, empty = _filled("zeros", np.zeros), _filled("ones", np.ones), _filled("empty", np.empty)


def legacy_array(args: tuple, default: dt.dtype) -> np.ndarray:
    """The array of torch.Tensor(2, 3) (sizes) or torch.Tensor([1, 2]) (data)."""
    if not args:
        return np.empty(0, default.numpy)
    if len(args) == 1 and not isinstance(args[0], (int, np.integer)):
        given = args[0]
        if isinstance(given, nodes.Tensor):
            return given._array() if given.dtype is default else given._a.astype(default.numpy)
        if isinstance(given, tuple) and type(given).__name__ == "Size":
            return np.empty(given, default.numpy)
        return array_of(given, default)
    return np.empty(sizes_of(args), default.numpy)


for _fn in (tensor, as_tensor, from_numpy, zeros, ones, empty):
    place(_fn, _fn.__name__, ("torch",))
