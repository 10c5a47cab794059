"""Making tensors: from Python values, NumPy arrays, buffers, and of a size filled with one value."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.core import device as devices
from engine.core import dtype as dt
from engine.core.shape import Size, sizes_of, window
from engine.ops.formula import OPS
from engine.ops.record import place
from engine.ops.written import warn_resized


def made(array: Any, requires_grad: bool = False) -> Any:
    """A Tensor on an array, as a leaf."""
    t = nodes.Tensor._of(array)
    if requires_grad:
        if array.dtype.kind not in "fcV":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        t.requires_grad = True
    if modes.observer is not None:
        modes.tell("tensor_made", "", t)
    return t


def as_kind(given: Any) -> dt.dtype:
    """A dtype from what scripts give for one."""
    from engine.ops.cast import as_dtype

    return as_dtype(given)


# -- from values ---------------------------------------------------------------------------------------------


def array_of(data: Any, dtype: dt.dtype | None = None) -> np.ndarray:
    """A fresh array from numbers, nested sequences, arrays or tensors, typed as torch.tensor does.

    Raises: ValueError for ragged lists; TypeError for what is not numbers; RuntimeError for None."""
    T = nodes.Tensor
    if isinstance(data, T):
        return np.array(data._a if dtype is None else data._a.astype(dtype.numpy), order="K")
    if isinstance(data, (np.ndarray, np.generic)):
        d = dtype or dt.of(data)
        return np.array(data, dtype=d.numpy, order="C")
    if isinstance(data, (list, tuple, range)) or _is_sequence(data):
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
        raise RuntimeError("value cannot be converted to type "
                           f"{C_NAMES.get(dtype.name, dtype.name)} without overflow") from None
    except TypeError:
        raise TypeError(f"must be real number, not {type(data).__name__}") from None


C_NAMES = {"uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t",
           "float32": "float",
           "float64": "double", "float16": "at::Half", "bool": "bool"}


def _is_sequence(data: Any) -> bool:
    return not isinstance(data, (str, bytes, int, float, complex)) and hasattr(data, "__len__") \
        and hasattr(data, "__getitem__") and not hasattr(data, "__array__") and not isinstance(data, dict)


def _plain(data: Any) -> tuple[Any, dt.dtype | None]:
    """Nested sequences with tensors and arrays made plain, and the type of the whole."""
    if not isinstance(data, (list, tuple)):
        data = list(data)
    kinds = {type(x) for x in data}
    if kinds <= _NUMBERS:
        return data, _of_types(kinds)
    T = nodes.Tensor
    found: dt.dtype | None = None
    out = []
    length: int | None = None
    for i, x in enumerate(data):
        if isinstance(x, T):
            d = x.dtype
            x = x.tolist()
        elif isinstance(x, (np.ndarray, np.generic)):
            d = dt.of(x)
            x = x.tolist()
        elif isinstance(x, (bool, int, float, complex)):
            d = dt.of_scalar(x)
        elif isinstance(x, (list, tuple)) or _is_sequence(x):
            x, d = _plain(x)
        elif x is None:
            raise RuntimeError("Could not infer dtype of NoneType")
        elif isinstance(x, str):
            raise ValueError("too many dimensions 'str'")
        else:
            raise RuntimeError(f"Could not infer dtype of {type(x).__name__}")
        n = len(x) if isinstance(x, (list, tuple)) else -1
        if length is not None and n != length:
            if length == -1:
                raise TypeError(f"must be real number, not {type(data[i]).__name__}")
            if n == -1:
                raise TypeError("not a sequence")
            raise ValueError(f"expected sequence of length {length} at dim 1 (got {n})")
        length = n
        if d is not None:
            found = d if found is None else dt.promote_types(found, d)
        out.append(x)
    return out, found


_NUMBERS = {bool, int, float, complex}


def _of_types(kinds: set) -> dt.dtype | None:
    if not kinds:
        return None
    if complex in kinds:
        return dt.default.dtype.to_complex()
    return dt.default.dtype if float in kinds else dt.int64 if int in kinds else dt.bool_


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
           pin_memory: bool = False) -> Any:
    """A new leaf tensor with a copy of `data`."""
    devices.check(device)
    if isinstance(data, nodes.Tensor):
        import warnings

        warnings.warn("To copy construct from a tensor, it is recommended to use "
                      "sourceTensor.detach().clone() or "
                      "sourceTensor.detach().clone().requires_grad_(True), rather than "
                      "torch.tensor(sourceTensor).",
                      UserWarning, stacklevel=2)
    array = array_of(data, None if dtype is None else as_kind(dtype))
    # Arithmetic of NumPy scalars is several times faster than that of arrays without dimensions.
    t = made(array[()] if array.ndim == 0 else array, requires_grad)
    if modes.observer is not None:
        modes.tell("tensor_made", "tensor", t, data)
    return t


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """`data` as a tensor, sharing memory where it can."""
    devices.check(device)
    if isinstance(data, nodes.Tensor):
        return data if dtype is None else data.to(as_kind(dtype))
    if isinstance(data, np.ndarray) and (dtype is None or dt.of(data) is as_kind(dtype)):
        return from_numpy(data)
    return made(array_of(data, None if dtype is None else as_kind(dtype)))


def asarray(obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None,
            requires_grad: bool = False) -> Any:
    """`obj` as a tensor, sharing memory unless asked to copy."""
    devices.check(device)
    kind = None if dtype is None else as_kind(dtype)
    if isinstance(obj, nodes.Tensor):
        t = obj if kind is None or obj.dtype is kind else obj.to(kind)
        if copy is False and t is not obj:
            raise ValueError("can't alias tensor with dtype different from the requested one")
        t = t.clone() if copy and t is obj else t
        if requires_grad or obj.requires_grad:
            t = t if requires_grad else t.detach()
    elif isinstance(obj, np.ndarray) or hasattr(obj, "__array_interface__"):
        a = np.asarray(obj)
        t = made(np.array(a)) if copy else from_numpy(a)
        t = t if kind is None else t.to(kind)
    elif isinstance(obj, (bytes, bytearray, memoryview)):
        t = frombuffer(obj, dtype=kind or dt.default.dtype)
        t = t.clone() if copy else t
    else:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        t = made(array_of(obj, kind))
    if requires_grad and not t.requires_grad:
        t.requires_grad_()
    return t


def from_numpy(ndarray: np.ndarray) -> Any:
    """A tensor on a NumPy array's own memory.

    Raises: TypeError for what is not an array, ValueError for negative strides."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dt.of(ndarray)
    if any(s < 0 for s in ndarray.strides):
        raise ValueError("At least one stride in the given numpy array is negative, and tensors with "
                         "negative strides are "
                         "not currently supported. (You can probably work around this by making a copy of "
                         "your array "
                         " with array.copy().) ")
    if not ndarray.flags.writeable:
        import warnings

        warnings.warn("The given NumPy array is not writable, and PyTorch does not support non-writable "
                      "tensors. This means "
                      "writing to this tensor will result in undefined behavior. You may want to copy the "
                      "array to protect "
                      "its data or make it writable before converting it to a tensor. This type of warning "
                      "will be "
                      "suppressed for the rest of this program.", UserWarning, stacklevel=2)
    t = nodes.Tensor._of(ndarray if type(ndarray) is np.ndarray else ndarray.view(np.ndarray))
    if modes.observer is not None:
        modes.tell("tensor_made", "from_numpy", t, ndarray)
    return t


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0,
               requires_grad: bool = False) -> Any:
    """A one-dimensional tensor on the memory of any object that offers a buffer."""
    kind = as_kind(dtype).numpy
    size = memoryview(buffer).nbytes
    if count > 0:
        if offset + count * kind.itemsize > size:
            raise ValueError(f"requested buffer length ({count * kind.itemsize} bytes) after offset "
                             f"({offset} bytes) must "
                             f"not be greater than actual buffer length ({size} bytes)")
    elif (size - offset) % kind.itemsize:
        raise ValueError(f"buffer length ({size - offset} bytes) after offset ({offset} bytes) must be a "
                         "multiple of "
                         f"element size ({kind.itemsize})")
    return made(np.frombuffer(buffer, kind, count, offset), requires_grad)


def scalar_tensor(s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
                  requires_grad: bool = False,
                  pin_memory: bool = False) -> Any:
    """A tensor without dimensions, of the default type unless told."""
    devices.check(device)
    kind = as_kind(dtype) if dtype is not None else dt.default.dtype if not isinstance(s, complex) \
        else dt.default.dtype.to_complex()
    return made(np.array(s, kind.numpy), requires_grad)


# -- of a size -----------------------------------------------------------------------------------------------


def written(out: Any, array: np.ndarray, dtype: Any = None) -> Any:
    """`out`, resized where needed, holding this array.

    Raises: RuntimeError when a type is asked for that `out` has not."""
    if dtype is not None and as_kind(dtype) is not out.dtype:
        raise RuntimeError(f"dtype {dt.scalar_type_name(as_kind(dtype))} does not match dtype of out "
                           f"parameter ({dt.scalar_type_name(out.dtype)})")
    if out._a.shape != array.shape:
        if out._a.size:
            warn_resized(out._a.shape, array.shape)
        out.resize_(array.shape)
    out._array()[...] = array
    out._bump()
    return out


def checked_size(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes, if none is negative.

    Raises: RuntimeError naming the negative one."""
    for n in sizes:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(sizes)}")
    return sizes


def ordered(array: np.ndarray, memory_format: Any) -> np.ndarray:
    """An array in the order of dimensions that a memory format asks for."""
    name = getattr(memory_format, "name", "")
    if name == "channels_last" and array.ndim == 4:
        return np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    if name == "channels_last_3d" and array.ndim == 5:
        return np.ascontiguousarray(array.transpose(0, 2, 3, 4, 1)).transpose(0, 4, 1, 2, 3)
    return array


def _filled(name: str, fill: Any) -> Any:
    def function(*size: Any, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
                 requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = None,
                 names: Any = None) -> Any:
        if device is not None or devices.chosen is not None:
            devices.check(device)
        kind = dt.default.dtype if dtype is None else as_kind(dtype)
        sizes = checked_size(_sizes(name, size))
        if out is not None:
            return written(out, fill(sizes, out._a.dtype), dtype)
        a = fill(sizes, kind.numpy)
        return made(a if memory_format is None else ordered(a, memory_format), requires_grad)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"A new tensor of the given size, {name.replace('_', ' ')}."
    return function


def _sizes(name: str, size: tuple) -> tuple[int, ...]:
    try:
        return sizes_of(size)
    except (AttributeError, TypeError):
        bad = next(s for s in (size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size)
                   if not hasattr(s, "__index__"))
        raise TypeError(f"{name}(): argument 'size' (position 1) must be tuple of ints, not "
                        f"{type(bad).__name__}") from None


zeros, ones, empty = _filled("zeros", np.zeros), _filled("ones", np.ones), _filled("empty", np.empty)


def full(size: Any, fill_value: Any, *, out: Any = None, dtype: Any = None, layout: Any = None,
         device: Any = None,
         requires_grad: bool = False, pin_memory: bool = False, names: Any = None) -> Any:
    """A tensor of a size with one value everywhere; its type is the value's unless told."""
    devices.check(device)
    value = fill_value.item() if isinstance(fill_value, nodes.Tensor) else fill_value
    kind = as_kind(dtype) if dtype is not None else out.dtype if out is not None else dt.of_scalar(value)
    size = (size,) if isinstance(size, int) else tuple(size)
    a = np.full(checked_size(sizes_of(size)), value, kind.numpy)
    return written(out, a, dtype) if out is not None else made(a, requires_grad)


def _like(name: str, fill: Any, takes_value: bool = False) -> Any:
    def function(input: Any, *value: Any, dtype: Any = None, layout: Any = None, device: Any = None,
                 requires_grad: bool = False, memory_format: Any = None, pin_memory: bool = False,
                 fill_value: Any = None) -> Any:
        devices.check(device)
        kind = input._a.dtype if dtype is None else as_kind(dtype).numpy
        given = (value[0] if value else fill_value) if takes_value else None
        given = given.item() if isinstance(given, nodes.Tensor) else given
        a = input._a
        keep = getattr(memory_format, "name", "preserve_format") == "preserve_format"
        made_ = np.empty_like(a, kind, order="K" if keep and 0 not in getattr(a, "strides", ()) else "C",
                              subok=False)
        if fill is not None or takes_value:
            try:
                made_[...] = given if takes_value else fill
            except OverflowError:
                raise RuntimeError("value cannot be converted to type "
                                   f"{C_NAMES.get(kind.name, kind.name)} without overflow") from None
        return made(made_ if keep else ordered(made_, memory_format), requires_grad)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"A tensor of another's size and type: {name.replace('_', ' ')}."
    return function


zeros_like, ones_like, empty_like = _like("zeros_like", 0), _like("ones_like", 1), _like("empty_like", None)
full_like = _like("full_like", None, True)


def _new(name: str, function: Any) -> Any:
    def method(self: Any, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False,
               layout: Any = None, pin_memory: bool = False, **given: Any) -> Any:
        if "size" in given:
            size = (given.pop("size"), *size)
        return function(*size, dtype=self.dtype if dtype is None else dtype, device=device,
                        requires_grad=requires_grad, **given)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"A new tensor of this one's type: {name[4:]}."
    return method


def new_tensor(self: Any, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
               layout: Any = None, pin_memory: bool = False) -> Any:
    """A new leaf tensor of this one's type with a copy of `data`."""
    return made(array_of(data, self.dtype if dtype is None else as_kind(dtype)), requires_grad)


def new(self: Any, *args: Any, device: Any = None) -> Any:
    """A new tensor of this one's type, by sizes or data."""
    return made(legacy_array(args, self.dtype))


def empty_strided(size: Any, stride: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
                  requires_grad: bool = False, pin_memory: bool = False) -> Any:
    """A tensor of a size whose neighbours lie `stride` elements apart."""
    devices.check(device)
    kind = (dt.default.dtype if dtype is None else as_kind(dtype)).numpy
    size, stride = tuple(size), tuple(stride)
    if len(size) != len(stride):
        raise RuntimeError(f"dimensionality of sizes ({len(size)}) must match dimensionality of strides "
                           f"({len(stride)})")
    room = 0 if 0 in size else 1 + sum((n - 1) * s for n, s in zip(size, stride))
    return made(window(np.empty(room, kind), size, tuple(s * kind.itemsize for s in stride)), requires_grad)


def new_empty_strided(self: Any, size: Any, stride: Any, dtype: Any = None, **given: Any) -> Any:
    """empty_strided of this tensor's type."""
    return empty_strided(size, stride, dtype=self.dtype if dtype is None else dtype, **given)


def empty_permuted(size: Any, physical_layout: Any, **given: Any) -> Any:
    """A tensor of a size whose dimensions lie in memory in the given order."""
    order, n = list(physical_layout), len(size)
    if len(order) != n:
        raise RuntimeError("Number of dimensions in size does not match the length of the physical_layout; "
                           "i.e. "
                           f"len(size) = {n} is not equal to len(physical_layout) = {len(order)}")
    for i, d in enumerate(order):
        if not 0 <= d < n:
            raise RuntimeError(f"Dimension out of range (expected to be between 0 and {n - 1}, but got {d} "
                               "at index "
                               f"{i}).  NB: negative dims not currently supported; file an issue if you want "
                               "it.")
    if len(set(order)) != n:
        raise RuntimeError("Duplicate dim not allowed")
    kind = (dt.default.dtype if given.get("dtype") is None else as_kind(given["dtype"])).numpy
    back = [order.index(i) for i in range(len(order))]
    return made(np.empty([size[d] for d in order], kind).transpose(back), given.get("requires_grad", False))


def legacy_array(args: tuple, default: dt.dtype) -> np.ndarray:
    """The array of torch.Tensor(2, 3) (sizes) or torch.Tensor([1, 2]) (data)."""
    if not args:
        return np.empty(0, default.numpy)
    if len(args) == 1 and not isinstance(args[0], (int, np.integer)):
        given = args[0]
        if isinstance(given, nodes.Tensor):
            return given._array() if given.dtype is default else given._a.astype(default.numpy)
        if isinstance(given, Size):
            return np.empty(given, default.numpy)
        if isinstance(given, float):
            raise TypeError("new(): data must be a sequence (got float)")
        if isinstance(given, np.ndarray) and given.dtype == default.numpy:
            return given
        return array_of(given, default)
    return np.empty(checked_size(sizes_of(args)), default.numpy)


def as_float_array(x: Any) -> np.ndarray:
    """An array from a tensor, array or numbers, floating."""
    a = x._a if isinstance(x, nodes.Tensor) else np.asarray(x)
    return a if a.dtype.kind in "fcV" else a.astype(dt.default.dtype.numpy)


from engine.ops.ranges import meshgrid  # noqa: F401  (asked for here by joining)

for _fn in (tensor, as_tensor, asarray, from_numpy, frombuffer, scalar_tensor, zeros, ones, empty, full,
            zeros_like,
            ones_like, empty_like, full_like, empty_strided, empty_permuted):
    place(_fn, _fn.__name__, ("torch",))
for _name, _fn in {"new_zeros": _new("new_zeros", zeros), "new_ones": _new("new_ones", ones),
                   "new_empty": _new("new_empty", empty), "new_full": _new("new_full", full),
                   "new_tensor": new_tensor,
                   "new": new, "new_empty_strided": new_empty_strided}.items():
    place(_fn, _name, ("Tensor",))
for _fn in (tensor, as_tensor, empty, zeros, ones, full, zeros_like, ones_like, full_like):
    OPS.setdefault(_fn.__name__, _fn)
