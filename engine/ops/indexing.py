"""x[...] and x[...] = y: taken apart into select, slice, unsqueeze and index as PyTorch does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.core import dtype as dt
from engine.ops.filling import copy_, fill_
from engine.ops.formula import OPS
from engine.ops.part import select, slice_
from engine.ops.record import kernel, place
from engine.ops.shape import alias, unsqueeze
from engine.tensor import Tensor

WHOLE = slice(None)
_select = select.op  # type: ignore[attr-defined]


# -- index and index_put: by tensors of positions ------------------------------------------------------------


def numpy_index(indices: Any) -> tuple:
    """PyTorch's list of index tensors as a NumPy index: None means the whole dimension."""
    return tuple([WHOLE if i is None else i for i in indices])


def check_indices(a: Any, indices: Any) -> None:
    """Raises: IndexError where a mask's shape or a position does not fit, in PyTorch's words."""
    at, shapes = 0, []
    for i in indices:
        if i is None:
            at += 1
            continue
        if i.dtype.kind == "b":
            if i.shape != a.shape[at:at + i.ndim]:
                bad = next((k for k in range(i.ndim) if at + k >= a.ndim or i.shape[k] != a.shape[at + k]), 0)
                raise IndexError(f"The shape of the mask {list(i.shape)} at index {bad} does not match the "
                                 "shape of the "
                                 f"indexed tensor {list(a.shape)} at index {at + bad}")
            at += i.ndim
            shapes.append((np.count_nonzero(i),))
            continue
        if i.dtype.kind not in "iu":
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        n = a.shape[at]
        if i.size:
            low, high = int(i.min()), int(i.max())
            if not n:
                raise IndexError("index is out of bounds for dimension with size 0")
            if high >= n or low < -n:
                raise IndexError(f"index {high if high >= n else low} is out of bounds for dimension {at} "
                                 f"with size {n}")
        at += 1
        shapes.append(i.shape)
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise IndexError("shape mismatch: indexing tensors could not be broadcast together with shapes "
                         + ", ".join(str(list(s)) for s in shapes)) from None


def _given(indices: Any) -> list:
    """Index arrays: lists made arrays, old byte masks made masks."""
    out = []
    for i in indices:
        if i is not None and not isinstance(i, (np.ndarray, np.generic)):
            i = np.asarray(i)
        if i is not None and i.dtype == np.uint8:
            i = i.astype(bool)
        out.append(i)
    return out


def _index(self: Any, indices: Any) -> Any:
    indices = _given(indices)
    if len(indices) > self.ndim:
        raise IndexError(f"too many indices for tensor of dimension {self.ndim} (got {len(indices)})")
    try:
        if len(indices) == 1 and indices[0].dtype.kind != "b":
            return self.take(indices[0], 0)
        got = self[numpy_index(indices)]
    except IndexError:
        check_indices(self, indices)
        raise
    return got if got.flags.c_contiguous else np.ascontiguousarray(got)


def add_at(out: np.ndarray, where: tuple, values: np.ndarray) -> None:
    """out[where] += values, with every repetition counted."""
    rows = where[0]
    many = values.size > 64 and out.ndim > 1
    if many and len(where) == 1 and type(rows) is np.ndarray and rows.dtype.kind in "iu":
        flat = rows.reshape(-1) % len(out)
        values = values.reshape(flat.size, *out.shape[1:])
        if np.bincount(flat, minlength=1).max(initial=0) > 1:
            order = np.argsort(flat, kind="stable")
            flat = flat[order]
            starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
            out[flat[starts]] += np.add.reduceat(values[order], starts, axis=0)
        else:
            out[flat] += values
    elif len(where) == 1 and rows.dtype.kind == "b":
        out[where] += values
    else:
        np.add.at(out, where, values)


def _put(self: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    out = np.array(self, order="K")
    indices = _given(indices)
    where = numpy_index(indices)
    if values.dtype != out.dtype:
        raise RuntimeError("Index put requires the source and destination dtypes match, got "
                           f"{dt.scalar_type_name(dt.of(out))} for the destination and "
                           f"{dt.scalar_type_name(dt.of(values))} for the source.")
    if len(where) > out.ndim:
        raise IndexError(f"too many indices for tensor of dimension {out.ndim} (got {len(where)})")
    try:
        if accumulate:
            shape = out[where].shape
            add_at(out, where, values if values.shape == shape else np.broadcast_to(values, shape))
        else:
            out[where] = values
    except IndexError:
        check_indices(self, indices)
        raise
    except ValueError:
        raise RuntimeError(f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast "
                           "to indexing "
                           f"result of shape {list(out[where].shape)}") from None
    return out


def _index_gradient(grad: Any, self_shape: Any, indices: Any) -> Any:
    return index_put(grad.new_zeros(self_shape), indices, grad, True)


index: Any = kernel(
    name="index", inputs=("self",), grad_fn="IndexBackward0", on=(), formula=r"y = x_{[i]}",
    text="Picks elements by position; each gets its gradient, added up where it was picked twice.",
    forward=_index, grads={"self": _index_gradient},
)
index_put: Any = kernel(
    name="index_put", inputs=("self", "values"), inplace=True, formula=r"x_{[i]} \leftarrow v",
    text="Replaces elements by position; the gradient of those goes to what replaced them.",
    forward=_put,
    grads={"self": lambda grad, indices, accumulate: grad if accumulate else
           index_put(grad, indices, grad.new_zeros(())),
           "values": lambda grad, indices: _summed(index(grad, indices))},
)


def _summed(grad: Any) -> Any:
    return grad


# -- taking an index apart -----------------------------------------------------------------------------------


def _as_index(given: Any) -> Any:
    """A tensor of positions from a list, range or array."""
    t = OPS["tensor"](given) if not isinstance(given, np.ndarray) else OPS["as_tensor"](given)
    return t.to(dt.int64) if not t._a.size and t._a.dtype.kind == "f" else t


def _dimensions_named(parts: tuple) -> int:
    n = 0
    for p in parts:
        if isinstance(p, Tensor):
            n += p._a.ndim if p._a.dtype.kind == "b" or p._a.dtype == np.uint8 else 1
        elif p is not None and p is not Ellipsis and not isinstance(p, (bool, np.bool_)):
            n += np.ndim(p) if isinstance(p, np.ndarray) and p.dtype.kind == "b" else 1
    return n


def _selected(t: Any, dim: int, i: int, real_dim: int) -> Any:
    n = t._a.shape[dim]
    if not -n <= i < n:
        raise IndexError(f"index {i} is out of bounds for dimension {real_dim} with size {n}")
    return _select.call(t, dim, i)


def taken_apart(t: Any, parts: tuple) -> tuple[Any, list]:
    """(the view that selects and slices give, index tensors for what is left by dimension)."""
    ndim = t._a.ndim
    named = _dimensions_named(parts)
    if named > ndim:
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    dim = real = 0
    left: list = []

    def leave(at: int, i: Any) -> None:
        left.extend([None] * (at + 1 - len(left)))
        left[at] = i

    for p in parts:
        if type(p) is int:
            t = _selected(t, dim, p, real)
            real += 1
        elif type(p) is slice:
            n = t._a.shape[dim]
            start, stop, step = _slice_numbers(p)
            if not (step == 1 and (start is None or start == 0) and (stop is None or stop >= n)):
                t = slice_(t, dim, start, stop, step)
            dim += 1
            real += 1
        elif p is None:
            t = unsqueeze(t, dim)
            dim += 1
        elif p is Ellipsis:
            skip = ndim - named
            dim += skip
            real += skip
        elif isinstance(p, (bool, np.bool_)):
            t = unsqueeze(t, dim)
            leave(dim, Tensor._of(np.zeros(1 if p else 0, np.int64)))
            dim += 1
        elif isinstance(p, Tensor) or isinstance(p, (Sequence, np.ndarray)) and not isinstance(p, str):
            p = p if isinstance(p, Tensor) else _as_index(p)
            kind = p._a.dtype.kind
            if kind not in "iub":
                raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
            if not p._a.ndim and kind != "b" and p._a.dtype != np.uint8:
                t = _selected(t, dim, int(p._a), real)
                real += 1
            elif not p._a.ndim:
                t = unsqueeze(t, dim)
                leave(dim, Tensor._of(np.zeros(1 if p._a else 0, np.int64)))
                dim += 1
            else:
                leave(dim, p)
                steps = p._a.ndim if kind == "b" or p._a.dtype == np.uint8 else 1
                dim += steps
                real += steps
                # A mask stands for as many dimensions as it has.
        elif hasattr(p, "__index__"):
            t = _selected(t, dim, p.__index__(), real)
            real += 1
        else:
            raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables "
                             "are valid "
                             f"indices (got {type(p).__name__})")
    return t, left


def _slice_numbers(s: slice) -> tuple[Any, Any, int]:
    step = 1 if s.step is None else s.step.__index__()
    if step <= 0:
        raise ValueError("step must be greater than zero")
    start = None if s.start is None else s.start.__index__()
    stop = None if s.stop is None else s.stop.__index__()
    return start, stop, step


def _without_mask_gaps(left: list) -> list:
    """Index tensors one after the other: a mask of n dimensions is one entry, without the n-1 Nones behind
    it."""
    out, skip = [], 0
    for i in left:
        if skip and i is None:
            skip -= 1
            continue
        skip = 0
        out.append(i)
        if i is not None and (i._a.dtype.kind == "b" or i._a.dtype == np.uint8):
            skip = i._a.ndim - 1
    return out


def get_item(self: Any, given: Any) -> Any:
    """x[given]."""
    kind = type(given)
    if kind is int:
        if not self._a.ndim:
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
                             "`tensor.item<T>()` in C++ "
                             "to convert a 0-dim tensor to a number" if not given else
                             f"index {given} is out of bounds for dimension 0 with size 0")
        return _selected(self, 0, given, 0)
    if kind is slice:
        if not self._a.ndim:
            raise IndexError("slice() cannot be applied to a 0-dim tensor.")
        return slice_(self, 0, *_slice_numbers(given))
    if given is None:
        return unsqueeze(self, 0)
    if given is Ellipsis:
        return alias(self)
    parts = given if kind is tuple or isinstance(given, tuple) else (given,)
    t, left = taken_apart(self, parts)
    if not left:
        return alias(t) if t is self else t
    return index(t, _without_mask_gaps(left))


def _as_value(self: Any, value: Any) -> Any:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (int, float, complex, np.generic)):
        kind = self._a.dtype
        if isinstance(value, (complex, np.complexfloating)) and kind.kind != "c":
            raise RuntimeError("value cannot be converted to type "
                               f"{dt.scalar_type_name(self.dtype).lower()} without overflow")
        if isinstance(value, (float, np.floating)) and kind.kind in "iu" and not np.isfinite(value):
            raise RuntimeError("value cannot be converted to type int64_t without overflow")
        return Tensor._of(kind.type(value))
    raise TypeError(f"can't assign a {type(value).__name__} to a {self.type()}")


def _recording(self: Any, value: Any) -> bool:
    return modes.grad_enabled and (self._rg or isinstance(value, Tensor) and value._rg
                                   or self._view is not None and self._view.base._rg)


def _plainly_assigned(self: Any, given: Any, value: Any) -> bool:
    """Assign straight into memory where there is no history and NumPy means the same; False where not."""
    if self._rg or self._view is not None or modes.observer is not None:
        return False
    for p in given if type(given) is tuple else (given,):
        if type(p) is slice:
            if p.step is not None:
                return False
        elif type(p) is not int:
            return False
    if isinstance(value, Tensor):
        if value._rg or value._a.dtype != self._a.dtype:
            return False
        value = value._a
    elif type(value) not in (int, float):
        return False
    try:
        self._array()[given] = value
    except (IndexError, ValueError, OverflowError, TypeError):
        return False  # said in PyTorch's words by the long way
    self._bump()
    return True


def set_item(self: Any, given: Any, value: Any) -> None:
    """x[given] = value."""
    if _plainly_assigned(self, given, value):
        return
    value = _as_value(self, value)
    if given is False:
        return
    kind = type(given)
    if kind not in (int, slice, bool) and given is not None and given is not Ellipsis:
        parts = given if isinstance(given, tuple) else (given,)
    else:
        parts = (given,)
        if not self._a.ndim and kind in (int, slice):
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
                             "`tensor.item<T>()` in C++ "
                             "to convert a 0-dim tensor to a number" if kind is int else
                             "slice() cannot be applied to a 0-dim tensor.")
    if given is True:
        _copy_to(unsqueeze(self, 0), value)
        return
    if not _recording(self, value):
        with modes.no_grad():
            _assign(self, parts, value)
        return
    t, left = taken_apart(self, parts)
    if not left:
        _copy_to(t, value)
        return
    indices = _without_mask_gaps(left)
    if value._a.dtype != t._a.dtype and _is_masked_fill(indices, value):
        value = value.to(t.dtype)
    OPS["index_put_"](t, indices, _leading_ones_dropped(value))


def _is_masked_fill(indices: list, value: Any) -> bool:
    """One value for the places of one mask: PyTorch casts it then."""
    given = [i for i in indices if i is not None]
    return value._a.size == 1 and len(given) == 1 and given[0]._a.dtype.kind == "b"


def _leading_ones_dropped(value: Any) -> Any:
    shape = value._a.shape
    drop = 0
    while drop < len(shape) and shape[drop] == 1:
        drop += 1
    return value.view(shape[drop:]) if drop else value


def _copy_to(target: Any, value: Any) -> None:
    if value._a.shape == target._a.shape:
        copy_(target, value)
    elif not value._a.ndim:
        fill_(target, value)
    else:
        copy_(target, _leading_ones_dropped(value))


def _assign(self: Any, parts: tuple, value: Any) -> None:
    """The assignment without history, straight into memory."""
    t, left = taken_apart(self, parts)
    target, a = t._array(), value._a
    if a.dtype.kind == "c" and target.dtype.kind != "c":
        a = a.real
    try:
        if not left:
            if a.shape != target.shape:
                a = a.reshape(_leading_ones_dropped(value)._a.shape)
            if a.dtype != target.dtype:
                a = a.astype(target.dtype)
            target[...] = a
        else:
            indices = _given([None if i is None else i._a for i in _without_mask_gaps(left)])
            where = numpy_index(indices)
            a = a.reshape(_leading_ones_dropped(value)._a.shape)
            if a.dtype != target.dtype:
                if not _is_masked_fill([None if i is None else Tensor._of(i) for i in indices], value):
                    raise RuntimeError("Index put requires the source and destination dtypes match, got "
                                       f"{dt.scalar_type_name(dt.of(target))} for the destination and "
                                       f"{dt.scalar_type_name(dt.of(a))} for the source.")
                a = a.astype(target.dtype)
            try:
                target[where] = a
            except IndexError:
                check_indices(target, indices)
                raise
    except ValueError:
        if left:
            raise RuntimeError(f"shape mismatch: value tensor of shape {list(a.shape)} cannot be broadcast "
                               "to indexing "
                               f"result of shape {list(target[where].shape)}") from None
        OPS["expand"](value, target.shape)
        raise
    self._bump()


place(get_item, "__getitem__", ("Tensor",))
place(set_item, "__setitem__", ("Tensor",))
