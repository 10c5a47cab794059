"""Views of a part: one row, a slice, a diagonal, windows, pieces."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.shape import address, contiguous_strides, window, wrap_dim
from engine.ops.record import composite, kernel, place, view


# -- one row -------------------------------------------------------------------------------------------------


def _select(self: Any, dim: int, index: int) -> Any:
    if not self.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, index = wrap_dim(dim, self.ndim), index.__index__()
    n = self.shape[dim]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(self.shape)} at "
                         f"dimension {dim}")
    return self[(slice(None),) * dim + (index, ...)]


def _select_into(grad: Any, input_sizes: Any, dim: int, index: int) -> Any:
    out = np.zeros(input_sizes, grad.dtype)
    out[(slice(None),) * wrap_dim(dim, out.ndim) + (index,)] = grad
    return out


select_backward: Any = kernel(
    name="select_backward", inputs=("grad_output",), grad_fn="SelectBackwardBackward0", on=("torch",),
                         out=False,
    text="A gradient put back at its place, zero elsewhere.",
    forward=lambda grad_output, input_sizes, dim, index: _select_into(grad_output, input_sizes, dim, index),
    grads={"grad_output": lambda grad, dim, index: grad.select(dim, index)},
)
select: Any = view(
    name="select", inputs=("self",), grad_fn="SelectBackward0",
    formula=r"y = x_{i}", text="One entry along a dimension; all others get no gradient.",
    forward=_select,
    grads={"self": lambda grad, self_shape, dim, index: select_backward(grad, self_shape, dim, index)},
)


# -- a slice -------------------------------------------------------------------------------------------------


def bounds(start: Any, end: Any, step: int, n: int) -> tuple[int, int]:
    """Where a slice starts and ends in a dimension of size n."""
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    start = 0 if start is None else start.__index__()
    end = n if end is None else end.__index__()
    start = min(max(start + n if start < 0 else start, 0), n)
    end = min(max(end + n if end < 0 else end, start), n)
    return start, end


def _slice(self: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    if not self.ndim:
        raise RuntimeError("slice() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, self.ndim)
    start, end = bounds(start, end, step, self.shape[dim])
    return self[(slice(None),) * dim + (slice(start, end, step),)]


def _slice_into(grad: Any, input_sizes: Any, dim: int, start: Any, end: Any, step: int) -> Any:
    out = np.zeros(input_sizes, grad.dtype)
    dim = wrap_dim(dim, out.ndim)
    start, end = bounds(start, end, step, out.shape[dim])
    out[(slice(None),) * dim + (slice(start, end, step),)] = grad
    return out


slice_backward: Any = kernel(
    name="slice_backward", inputs=("grad_output",), grad_fn="SliceBackwardBackward0", on=("torch",),
                        out=False,
    text="A gradient put back at its place, zero elsewhere.",
    forward=lambda grad_output, input_sizes, dim, start, end, step:
    _slice_into(grad_output, input_sizes, dim, start, end, step),
    grads={"grad_output": lambda grad, dim, start, end, step: slice_(grad, dim, start, end, step)},
)
slice_: Any = view(
    name="slice", inputs=("self",), grad_fn="SliceBackward0", on=(),
    formula=r"y = x_{a:b}", text="A stretch along a dimension; the rest gets no gradient.",
    forward=_slice,
    grads={"self": lambda grad, self_shape, dim, start, end, step:
           slice_backward(grad, self_shape, dim, start, end, step)},
)


@composite("narrow", out=False)
def narrow(self: Any, dim: int, start: Any, length: int) -> Any:
    """`length` entries of a dimension from `start` on."""
    if not self._a.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    dim = wrap_dim(dim, self._a.ndim)
    if hasattr(start, "_a") and (start._a.ndim or start._a.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    n, start = self._a.shape[dim], int(start)
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    if start < 0:
        start += n
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return slice_(self, dim, start, start + length, 1)


# -- a diagonal ----------------------------------------------------------------------------------------------


def diagonal_of(self: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """A writable view of a diagonal.

    Raises: RuntimeError when both dimensions are the same."""
    first, second = wrap_dim(dim1, self.ndim), wrap_dim(dim2, self.ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    n, m = self.shape[first], self.shape[second]
    count = max(min(n, m - offset) if offset >= 0 else min(n + offset, m), 0)
    at = 0 if not count else offset * self.strides[second] if offset >= 0 else -offset * self.strides[first]
    keep = [d for d in range(self.ndim) if d not in (first, second)]
    return window(self, (*[self.shape[d] for d in keep], count),
                  (*[self.strides[d] for d in keep], self.strides[first] + self.strides[second]), at)


def _diagonal_into(grad: Any, input_sizes: Any, offset: int, dim1: int, dim2: int) -> Any:
    out = np.zeros(input_sizes, grad.dtype)
    diagonal_of(out, offset, dim1, dim2)[...] = grad
    return out


diagonal_backward: Any = kernel(
    name="diagonal_backward", inputs=("grad_output",), grad_fn="DiagonalBackwardBackward0", on=("torch",),
                           out=False,
    text="A gradient put back on the diagonal, zero elsewhere.",
    forward=lambda grad_output, input_sizes, offset, dim1, dim2:
    _diagonal_into(grad_output, input_sizes, offset, dim1, dim2),
    grads={"grad_output": lambda grad, offset, dim1, dim2: grad.diagonal(offset, dim1, dim2)},
)
diagonal: Any = view(
    name="diagonal", inputs=("self",), grad_fn="DiagonalBackward0",
    formula=r"y_i = x_{ii}", text="The diagonal; off it there is no gradient.",
    forward=lambda self, offset=0, dim1=0, dim2=1: diagonal_of(self, offset, dim1, dim2),
    grads={"self": lambda grad, self_shape, offset, dim1, dim2:
           diagonal_backward(grad, self_shape, offset, dim1, dim2)},
)


# -- windows -------------------------------------------------------------------------------------------------


def _unfold(self: Any, dimension: int, size: int, step: int) -> Any:
    dim = wrap_dim(dimension, self.ndim)
    n = self.shape[dim] if self.ndim else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {n} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not self.ndim:
        return window(self, (size,), (self.dtype.itemsize,))
    count = (n - size) // step + 1
    return window(self, (*self.shape[:dim], count, *self.shape[dim + 1:], size),
                  (*self.strides[:dim], self.strides[dim] * step, *self.strides[dim + 1:], self.strides[dim]))


def _unfold_into(grad: Any, input_sizes: Any, dim: int, size: int, step: int) -> Any:
    out = np.zeros(input_sizes, grad.dtype)
    if not out.ndim:
        return out + grad.sum(dtype=grad.dtype)
    dim = wrap_dim(dim, out.ndim)
    count = grad.shape[dim]
    front = (slice(None),) * dim
    for k in range(size):
        out[(*front, slice(k, k + (count - 1) * step + 1, step))] += grad[..., k]
    return out


unfold_backward: Any = kernel(
    name="unfold_backward", inputs=("grad_in",), grad_fn="UnfoldBackwardBackward0", on=("torch",), out=False,
    text="The gradients of overlapping windows, added up where they overlap.",
    forward=lambda grad_in, input_sizes, dim, size, step: _unfold_into(grad_in, input_sizes, dim, size, step),
    grads={"grad_in": lambda grad, dim, size, step: grad.unfold(dim, size, step)},
)
unfold: Any = view(
    name="unfold", inputs=("self",), grad_fn="UnfoldBackward0", on=("Tensor",),
    formula=r"y = x", text="Sliding windows; where they overlap, gradients add up.",
    forward=_unfold,
    grads={"self": lambda grad, self_shape, dimension, size, step:
           unfold_backward(grad, self_shape, dimension, size, step)},
)


# -- pieces --------------------------------------------------------------------------------------------------


def cut(a: Any, sizes: Any, dim: int) -> tuple:
    """Views of consecutive stretches of these sizes."""
    front, at, out = (slice(None),) * dim, 0, []
    for n in sizes:
        out.append(a[(*front, slice(at, at + n))])
        at += n
    return tuple(out)


def split_sizes(a: Any, split_size: int, dim: int) -> tuple[int, list[int]]:
    """(dimension from the front, sizes of the pieces).

    Raises: RuntimeError for a size that cannot be."""
    if not a.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    if split_size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={split_size}")
    dim = wrap_dim(dim, a.ndim)
    n = a.shape[dim]
    if not split_size:
        if n:
            raise RuntimeError("split_size can only be 0 if dimension size is 0, but got dimension size of "
                               f"{n}")
        return dim, [0]
    return dim, [min(split_size, n - i) for i in range(0, n, split_size)] or [0]


def checked_sizes(a: Any, sizes: Any, dim: int) -> tuple[int, list[int]]:
    """(dimension from the front, the given sizes).

    Raises: RuntimeError where they do not add up to the dimension."""
    if not a.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim, sizes = wrap_dim(dim, a.ndim), [int(n) for n in sizes]
    if any(n < 0 for n in sizes):
        raise RuntimeError("split_with_sizes expects split_sizes have only non-negative entries, but got "
                           "split_sizes="
                           f"{sizes}")
    if sum(sizes) != a.shape[dim]:
        raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {a.shape[dim]} (input "
                           "tensor's size "
                           f"at dimension {dim}), but got split_sizes={sizes}")
    return dim, sizes


def _split(self: Any, split_size: int, dim: int = 0) -> Any:
    dim, sizes = split_sizes(self, split_size, dim)
    return cut(self, sizes, dim)


def _split_with_sizes(self: Any, split_sizes: Any, dim: int = 0) -> Any:
    dim, sizes = checked_sizes(self, split_sizes, dim)
    return cut(self, sizes, dim)


def joined(grads: tuple, dim: int) -> Any:
    """The gradients of the pieces in one."""
    from engine.ops.formula import OPS

    return OPS["cat"](list(grads), dim)


_SPLIT = "Cuts into pieces; the gradients of the pieces are put together."
split_even: Any = view(
    name="split.even", inputs=("self",), grad_fn="SplitBackward0", on=(), formula=r"y = x", text=_SPLIT,
                  forward=_split,
    grads={"self": lambda grads, dim: joined(grads, dim)},
)
split_with_sizes: Any = view(
    name="split_with_sizes", inputs=("self",), grad_fn="SplitWithSizesBackward0", formula=r"y = x",
                        text=_SPLIT,
    forward=_split_with_sizes, grads={"self": lambda grads, dim: joined(grads, dim)},
)


def _split_any(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple:
    """Pieces of one size, or of the given sizes, along a dimension."""
    if isinstance(split_size_or_sections, (list, tuple)):
        return split_with_sizes(tensor, list(split_size_or_sections), dim)
    return split_even(tensor, split_size_or_sections, dim)


split = composite("split", on=("torch",), out=False)(_split_any)


@composite("split", on=("Tensor",), out=False)
def _split_method(self: Any, split_size: Any, dim: int = 0) -> tuple:
    """Pieces of one size, or of the given sizes, along a dimension."""
    return _split_any(self, split_size, dim)


@composite("chunk", out=False)
def chunk(self: Any, chunks: int, dim: int = 0) -> tuple:
    """At most `chunks` pieces along a dimension."""
    size = chunk_size(self._a, chunks, dim)
    if not size:
        return split_with_sizes(self, [0] * chunks, dim)
    return split_even(self, size, dim)


def chunk_size(a: Any, chunks: int, dim: int) -> int:
    """The size of each piece of chunk().

    Raises: RuntimeError when there is nothing to cut."""
    if not a.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    return -(-a.shape[wrap_dim(dim, a.ndim)] // chunks)


def _unbind(self: Any, dim: int = 0) -> tuple:
    if not self.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = wrap_dim(dim, self.ndim)
    if not dim:
        return tuple([self[i, ...] for i in range(self.shape[0])])
    front = (slice(None),) * dim
    return tuple([self[(*front, i, ...)] for i in range(self.shape[dim])])


def _stacked(grads: tuple, dim: int) -> Any:
    from engine.ops.formula import OPS

    return OPS["stack"](list(grads), dim)


unbind: Any = view(
    name="unbind", inputs=("self",), grad_fn="UnbindBackward0", formula=r"y = x",
    text="One tensor for each entry along a dimension; their gradients are stacked.",
    forward=_unbind, grads={"self": lambda grads, dim: _stacked(grads, dim)},
)


@composite("tensor_split", out=False)
def tensor_split(self: Any, indices_or_sections: Any = None, dim: int = 0, *, indices: Any = None,
                 sections: Any = None) -> tuple:
    """Pieces that end at the given places, or a number of nearly equal ones."""
    given = next(x for x in (indices_or_sections, indices, sections) if x is not None)
    if not self._a.ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 "
                           "dims")
    dim = wrap_dim(dim, self._a.ndim)
    n = self._a.shape[dim]
    if hasattr(given, "_a"):
        if given._a.ndim > 1:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                               f"one-dimensional tensor, but got a tensor with {given._a.ndim} dims")
        if given._a.dtype != np.int64:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to have dtype of long, but "
                               "got "
                               f"{_scalar_name(given)}")
        given = given.tolist()
    if isinstance(given, int):
        if given <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {given}")
        small, more = divmod(n, given)
        ends: list = []
        for i in range(given):
            ends.append((ends[-1] if ends else 0) + small + (i < more))
        starts = [0, *ends[:-1]]
    else:
        ends = [*given, n]
        starts = [0, *given]
    return tuple(slice_(self, dim, a, b, 1) for a, b in zip(starts, ends))


def _scalar_name(t: Any) -> str:
    from engine.core.dtype import scalar_type_name

    return scalar_type_name(t.dtype)


def _along(name: str, least: int, dim_of: Any) -> None:
    @composite(name, out=False)
    def function(self: Any, indices_or_sections: Any = None, *, indices: Any = None,
                 sections: Any = None) -> tuple:
        given = next(x for x in (indices_or_sections, indices, sections) if x is not None)
        if self._a.ndim < least:
            raise RuntimeError(f"torch.{name} requires a tensor with at least {least} "
                               f"dimension, but got a tensor with {self._a.ndim} dimensions!")
        if isinstance(given, str):
            raise TypeError(f"{name}() received an invalid combination of arguments - got (Tensor, str), but "
                            "expected "
                            "one of:\n * (Tensor input, int sections)\n * (Tensor input, tuple of ints "
                            "indices)\n")
        dim = dim_of(self._a.ndim)
        if isinstance(given, int) and (given <= 0 or self._a.shape[dim] % given):
            raise RuntimeError(f"torch.{name} attempted to split along dimension {dim}, but the size of the "
                               "dimension "
                               f"{self._a.shape[dim]} is not divisible by the split_size {given}!")
        return tensor_split(self, given, dim)


_along("hsplit", 1, lambda ndim: 0 if ndim == 1 else 1)
_along("vsplit", 2, lambda ndim: 0)
_along("dsplit", 3, lambda ndim: 2)


# -- any window on the memory --------------------------------------------------------------------------------


def root_of(a: np.ndarray) -> np.ndarray:
    """The array that owns a view's memory."""
    while isinstance(a.base, np.ndarray):
        a = a.base
    return a


def _as_strided(self: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Any:
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in stride):
        raise RuntimeError("as_strided: Negative strides are not supported at the moment, got strides: "
                           f"{list(stride)}")
    n, root = self.dtype.itemsize, root_of(self)
    here = (address(self) - address(root)) // n
    offset = here if storage_offset is None else storage_offset
    last = offset + 1 + sum((k - 1) * s for k, s in zip(size, stride))
    if 0 not in size and (last * n > root.nbytes or offset < 0):
        raise RuntimeError(f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset "
                           f"{offset}, and itemsize "
                           f"{n} requiring a storage size of {last * n} are out of bounds for storage of "
                           "size "
                           f"{root.nbytes}")
    return window(self, tuple(size), tuple(s * n for s in stride), (offset - here) * n)


def places(size: Any, stride: Any, offset: int) -> np.ndarray:
    """The position in storage of each element of a window."""
    at = np.full(tuple(size), offset, np.int64)
    for i, s in enumerate(stride):
        at += (np.arange(size[i]) * s).reshape([-1 if j == i else 1 for j in range(len(size))])
    return at


def _as_strided_into(grad: Any, input_sizes: Any, input_strides: Any, input_offset: int, size: Any,
                     stride: Any,
                     storage_offset: int) -> Any:
    taken = places(size, stride, storage_offset).reshape(-1)
    own = places(input_sizes, input_strides, input_offset)
    low = min(taken.min(initial=0), own.min(initial=0))
    room = max(taken.max(initial=0), own.max(initial=0)) - low + 1
    memory = np.zeros(room, grad.dtype)
    np.add.at(memory, taken - low, grad.reshape(-1))
    count = np.zeros(room, np.int64)
    np.add.at(count, own.reshape(-1) - low, 1)
    out = memory[own - low]
    return out if count.max(initial=0) <= 1 else (out / count[own - low]).astype(grad.dtype)


as_strided_backward: Any = kernel(
    name="as_strided_backward", inputs=("grad_output",), grad_fn="AsStridedBackwardBackward0", on=(),
                             out=False,
    text="A gradient put back through a window on the memory.",
    forward=lambda grad_output, input_sizes, input_strides, input_offset, size, stride, storage_offset:
    _as_strided_into(grad_output, input_sizes, input_strides, input_offset, size, stride, storage_offset),
    grads={"grad_output": lambda grad, input_strides, input_sizes, input_offset, size, stride, storage_offset:
           _window_of_gradient(grad, input_sizes, input_strides, input_offset, size, stride, storage_offset)},
)


def _window_of_gradient(grad: Any, sizes: Any, strides: Any, own_offset: int, size: Any, stride: Any,
                        offset: int) -> Any:
    if tuple(strides) == contiguous_strides(sizes):
        return as_strided(grad.contiguous(), size, stride, offset - own_offset)
    return _as_strided_gathered(grad, sizes, strides, own_offset, size, stride, offset)


def _gathered_window(grad_output: Any, input_sizes: Any, input_strides: Any, input_offset: int, size: Any,
                     stride: Any, storage_offset: int) -> Any:
    taken = places(size, stride, storage_offset)
    own = places(input_sizes, input_strides, input_offset).reshape(-1)
    low = min(taken.min(initial=0), own.min(initial=0))
    room = max(taken.max(initial=0), own.max(initial=0)) - low + 1
    memory, count = np.zeros(room, grad_output.dtype), np.zeros(room, np.int64)
    np.add.at(memory, own - low, grad_output.reshape(-1))
    np.add.at(count, own - low, 1)
    return (memory / np.maximum(count, 1)).astype(grad_output.dtype)[taken - low]


_as_strided_gathered: Any = kernel(
    name="as_strided_gathered", inputs=("grad_output",), on=(), out=False,
    text="A gradient read through a window on the memory that it stands for.", forward=_gathered_window,
    grads={"grad_output": lambda grad, input_sizes, input_strides, input_offset, size, stride, storage_offset:
           as_strided_backward(grad, input_sizes, input_strides, input_offset, size, stride, storage_offset)},
)


def _as_strided_gradient(grad: Any, self: Any, size: Any, stride: Any, storage_offset: int | None) -> Any:
    own = self.storage_offset()
    return as_strided_backward(grad, tuple(self._a.shape), self.stride(), own, tuple(size), tuple(stride),
                               own if storage_offset is None else storage_offset)


as_strided: Any = view(
    name="as_strided", inputs=("self",), grad_fn="AsStridedBackward0",
    formula=r"y = x", text="Any window on the memory, by sizes and steps.",
    forward=lambda self, size, stride, storage_offset=None: _as_strided(self, size, stride, storage_offset),
    grads={"self": lambda grad, self, size, stride, storage_offset:
           _as_strided_gradient(grad, self, size, stride, storage_offset)},
)
place(as_strided_backward, "_as_strided_backward", ("torch",))
