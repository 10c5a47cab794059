"""Shapes: Size, broadcasting, dimension rules, and windows on memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

import numpy as np


class Size(tuple):
    """A shape: a tuple of ints that prints as torch.Size([2, 3])."""

    __module__ = "torch"
    __slots__ = ()

    def numel(self) -> int:
        """The number of elements of a tensor of this size."""
        return prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    __str__ = __repr__

    def __getitem__(self, i):
        got = tuple.__getitem__(self, i)
        return Size(got) if isinstance(i, slice) else got

    def __add__(self, other):
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other):
        return Size(tuple(other) + tuple(self))

    def __mul__(self, n):
        return Size(tuple.__mul__(self, n))

    __rmul__ = __mul__

    def __reduce__(self):
        return Size, (tuple(self),)


def wrap_dim(dim: int, ndim: int) -> int:
    """`dim` counted from the front.

    Raises: IndexError with PyTorch's words when it is out of range."""
    n = ndim or 1
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got "
                         f"{dim})")
    return dim + n if dim < 0 else dim


def wrap_dims(dims: int | Iterable[int] | None, ndim: int) -> tuple[int, ...]:
    """Dimensions counted from the front; None or () mean all.

    Raises: IndexError out of range; RuntimeError when one appears twice."""
    if dims is None:
        return tuple(range(ndim))
    if isinstance(dims, (int, np.integer)):
        return (wrap_dim(int(dims), ndim),)
    found = tuple(wrap_dim(int(d), ndim) for d in dims)
    if not found:
        return tuple(range(ndim))
    if len(set(found)) != len(found):
        twice = next(d for i, d in enumerate(found) if d in found[:i])
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return found


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape that all of these broadcast to.

    Raises: RuntimeError naming the sizes and the dimension where two differ."""
    ndim = max((len(s) for s in shapes), default=0)
    out = [1] * ndim
    for s in shapes:
        off = ndim - len(s)
        for i, n in enumerate(s):
            have = out[off + i]
            if n != 1 and have != n:
                if have != 1:
                    raise RuntimeError(f"The size of tensor a ({have}) must match the size of tensor b "
                                       f"({n}) at "
                                       f"non-singleton dimension {off + i}")
                out[off + i] = n
    return tuple(out)


def sum_to(a: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`a` summed down to `shape`, from which it was broadcast."""
    if a.shape == shape:
        return a
    lead = a.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(
        i + lead for i, n in enumerate(shape) if n == 1 and a.shape[i + lead] != 1
    )
    if not axes:
        return a.reshape(shape)
    return np.add.reduce(a, axis=axes, keepdims=True).reshape(shape)


def window(a: np.ndarray, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> np.ndarray:
    """A view of `a`'s memory. Units: strides and offset in bytes, the offset from a's first element."""
    if a.flags.c_contiguous and not offset:
        return np.ndarray(shape, a.dtype, a, 0, strides)
    if offset:
        root = a
        while isinstance(root.base, np.ndarray):
            root = root.base
        at = address(a) - address(root) + offset
        if root.flags.c_contiguous or root.flags.f_contiguous:
            flat = root if root.flags.c_contiguous else root.T
            flat = flat.reshape(-1).view(np.uint8)
            return np.ndarray(shape, a.dtype, flat, at, strides)
    return np.lib.stride_tricks.as_strided(a, shape, strides)


def address(a: np.ndarray) -> int:
    """The memory address of a's first element."""
    return a.__array_interface__["data"][0]


def expand(a: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A writable view of `a` repeated to `shape` without copying."""
    lead = len(shape) - a.ndim
    strides = (0,) * lead + tuple(
        0 if n == 1 and shape[lead + i] != 1 else s for i, (n, s) in enumerate(zip(a.shape, a.strides)))
    return window(a, shape, strides)


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides. Units: elements."""
    out, step = [], 1
    for n in reversed(shape):
        out.append(step)
        step *= max(n, 1)
    return tuple(reversed(out))


def sizes_of(args: tuple) -> tuple[int, ...]:
    """Sizes given as f(2, 3), f((2, 3)), f([2, 3]) or f(Size)."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = tuple(args[0])
    return tuple(n if type(n) is int else n.__index__() for n in args)


def infer_size(shape: Sequence[int], numel: int) -> tuple[int, ...]:
    """`shape` with its -1 filled in.

    Raises: RuntimeError when it cannot hold `numel` elements."""
    shape = tuple(shape)
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    for n in shape:
        if n < -1:
            raise RuntimeError(f"invalid shape dimension {n}")
    if -1 in shape:
        rest = prod(n for n in shape if n != -1)
        if rest == 0 and numel == 0:
            raise RuntimeError("cannot reshape tensor of 0 elements into shape "
                               f"{list(shape)} because the unspecified dimension size -1 can be any value "
                               f"and is ambiguous")
        if rest and numel % rest == 0:
            return tuple(numel // rest if n == -1 else n for n in shape)
    elif prod(shape) == numel:
        return shape
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
