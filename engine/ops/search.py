"""Where and what: places of non-zero elements, places in sorted sequences, distinct values."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.ops.record import composite, kernel, without_derivative
from engine.tensor import Tensor

_of = Tensor._of

_nonzero: Any = kernel(
    name="nonzero.rows", on=(), text="The places of elements that are not zero.",
    forward=lambda self: np.ascontiguousarray(np.argwhere(self)).astype(np.int64, copy=False),
)


@composite("nonzero")
def nonzero(self: Any, *, as_tuple: bool = False) -> Any:
    """The places of elements that are not zero: one row each, or one vector for each dimension."""
    if not as_tuple:
        return _nonzero(self)
    return tuple(_of(np.ascontiguousarray(i)) for i in np.nonzero(np.atleast_1d(self._a)))


@composite("nonzero_static")
def nonzero_static(self: Any, *, size: int, fill_value: int = -1) -> Any:
    """The places of elements that are not zero in a tensor of `size` rows, filled up with fill_value."""
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    rows = np.argwhere(self._a)[:size]
    out = np.full((size, self._a.ndim), fill_value, np.int64)
    out[:len(rows)] = rows
    return _of(out)


argwhere = composite("argwhere", out=False)(lambda self: _nonzero(self))


def _found(sequence: Any, values: Any, right: bool, out_int32: bool, sorter: Any = None) -> Any:
    kind = np.int32 if out_int32 else np.int64
    side: Any = "right" if right else "left"
    if sorter is not None:
        sequence = np.take_along_axis(sequence, sorter, -1)
    if sequence.ndim == 1:
        return _places(sequence, values, side).astype(kind)
    out = np.empty(values.shape, kind)
    for at in np.ndindex(*sequence.shape[:-1]):
        out[at] = _places(sequence[at], values[at], side)
    return out


def _places(sequence: Any, values: Any, side: Any) -> Any:
    """np.searchsorted; in a sequence that is not sorted, what halving it says (PyTorch's answer)."""
    if (sequence[1:] >= sequence[:-1]).all():
        return np.searchsorted(sequence, values, side)
    low = np.zeros(values.shape, np.int64)
    high = np.full(values.shape, len(sequence), np.int64)
    while (going := low < high).any():
        middle = low + (high - low) // 2
        there = sequence[np.minimum(middle, len(sequence) - 1)]
        up = going & ~(there >= values if side == "left" else there > values)
        low, high = np.where(up, middle + 1, low), np.where(going & ~up, middle, high)
    return low


@composite("searchsorted", on=("torch",))
def searchsorted(sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False,
                 side: str | None = None, sorter: Any = None) -> Any:
    """Where each value would be put in for the sequence to stay sorted."""
    if side is not None:
        if side not in ("left", "right"):
            raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
        if side == "left" and right:
            raise RuntimeError("torch.searchsorted(): side and right can't be set to opposites, got side of "
                               "left while "
                               "right was True")
    a = sorted_sequence._a
    number = not isinstance(input, Tensor)
    v = np.asarray(input) if number else input._a
    if number:
        v = v.astype(dt.default.dtype.numpy) if v.dtype == np.float64 else v
    if not a.ndim:
        raise RuntimeError("torch.searchsorted(): input value can be a scalar only when boundaries tensor "
                           "dimension is 1, "
                           f"but we got boundaries tensor dim({a.ndim}) and input value's dim({v.ndim}) "
                           f"numel({v.size})")
    if a.ndim > 1 and a.shape[:-1] != v.shape[:-1]:
        raise RuntimeError("torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
                           "dimensions of "
                           "boundaries tensor and input value tensor must match, but we got boundaries "
                           "tensor "
                           f"{list(a.shape)} and input value tensor {list(v.shape)}")
    if not number and a.dtype != v.dtype:
        raise RuntimeError("torch.searchsorted(): input value tensor and boundaries tensor should have same "
                           "dtype, but got "
                           f"boundaries tensor dtype {dt.scalar_type_name(dt.of(a))} and input value tensor "
                           "dtype "
                           f"{dt.scalar_type_name(dt.of(v))}")
    found = _found(a, v, right or side == "right", out_int32, None if sorter is None else sorter._a)
    return _of(found)


@composite("bucketize", on=("torch",))
def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """Which bucket between sorted boundaries each value falls in."""
    if boundaries._a.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries._a.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


# -- distinct values -----------------------------------------------------------------------------------------


def _results(found: tuple, return_inverse: bool, return_counts: bool) -> Any:
    values, inverse, counts = found
    out = [values]
    if return_inverse:
        out.append(inverse)
    if return_counts:
        out.append(counts)
    return out[0] if len(out) == 1 else tuple(out)


def _distinct(a: Any, dim: int | None) -> tuple:
    flat = a.reshape(-1) if dim is None else a
    values, inverse, counts = np.unique(
        flat, return_inverse=True, return_counts=True, axis=dim, equal_nan=dim is not None
    )
    inverse = inverse.reshape(a.shape if dim is None else -1)
    return (np.ascontiguousarray(values), np.array(inverse, np.int64, order="C"),
            counts.astype(np.int64, copy=False))


_unique: Any = kernel(
    name="_unique2", inputs=("self",), grad_fn="Unique2Backward0", on=(), nondiff=(1, 2),
    text="The distinct values, where each went and how often it occurs; no derivative.",
    forward=lambda self: _distinct(self, None), grads={"self": without_derivative("_unique2")},
)
_unique_along: Any = kernel(
    name="unique_dim", inputs=("self",), grad_fn="UniqueDimBackward0", on=(), nondiff=(1, 2),
    text="The distinct entries along a dimension; no derivative.",
    forward=lambda self, dim: _distinct(self, dim), grads={"self": without_derivative("unique_dim")},
)


@composite("unique", out=False)
def unique(input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
           dim: int | None = None) -> Any:
    """The distinct values, sorted; or the distinct entries along a dimension."""
    a = input._array()
    if dim is None:
        return _results(_unique(input), return_inverse, return_counts)
    if not a.size and 0 in a.shape[:dim] + a.shape[dim + 1 if dim != -1 else a.ndim:]:
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be "
                           "applied")
    return _results(_unique_along(input, dim), return_inverse, return_counts)


@composite("unique_consecutive", out=False)
def unique_consecutive(input: Any, return_inverse: bool = False, return_counts: bool = False,
                       dim: int | None = None) -> Any:
    """The values with repetitions in a row left out."""
    return _results(_unique_in_a_row(input, dim), return_inverse, return_counts)


def _without_repeats(a: Any, dim: int | None) -> tuple:
    rows = a.reshape(-1) if dim is None else np.moveaxis(a, dim, 0)
    n = len(rows)
    flat = rows.reshape(n, -1) if n else rows
    new = np.ones(n, bool)
    if n > 1:
        new[1:] = (flat[1:] != flat[:-1]).any(1)
    starts = np.flatnonzero(new)
    counts = np.diff(np.append(starts, n))
    inverse = np.cumsum(new) - 1
    values = rows[starts] if dim is None else np.moveaxis(rows[starts], 0, dim)
    return np.ascontiguousarray(values), inverse.reshape(a.shape) if dim is None else inverse, counts


_unique_in_a_row: Any = kernel(
    name="_unique_consecutive", inputs=("self",), grad_fn="UniqueConsecutiveBackward0", on=(), nondiff=(1, 2),
    text="The values with repetitions in a row left out; no derivative.",
    forward=lambda self, dim=None: _without_repeats(self, dim),
    grads={"self": without_derivative("unique_consecutive")},
)


@composite("unravel_index", on=("torch",), out=False)
def unravel_index(indices: Any, shape: Any) -> tuple:
    """Positions in a flattened tensor as coordinates."""
    if indices._a.dtype.kind not in "iu":
        raise ValueError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    shape = (shape,) if isinstance(shape,
                                   int) else tuple(shape.tolist() if isinstance(shape, Tensor) else shape)
    out, rest = [], indices._a
    for n in reversed(shape):
        out.append(_of(np.asarray(rest % n)))
        rest = rest // n
    return tuple(reversed(out))
