"""Elements by position along a dimension: gather, scatter, index_select, index_add, take, put and their
kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import dtype as dt
from engine.core.shape import wrap_dim
from engine.ops.filling import _number, masked_fill
from engine.ops.formula import OPS
from engine.ops.calling import in_place
from engine.ops.record import Op, composite, kernel


def _long(name: str, index: Any, also_int: bool = False) -> None:
    """Raises: RuntimeError where positions are not int64."""
    if index.size and index.dtype != np.int64 and not (also_int and index.dtype == np.int32):
        if also_int:
            raise RuntimeError(f"{name}(): Expected dtype int32 or int64 for index")
        raise RuntimeError(f"{name}(): Expected dtype int64 for index")


def _grid(index: Any, dim: int) -> tuple:
    """NumPy index that pairs `index` along a dimension with its own places along the others."""
    ndim = index.ndim
    if ndim == 1:
        return (index,)
    return tuple([index if d == dim else np.arange(index.shape[d]).reshape((-1,) + (1,) * (ndim - 1 - d))
                  for d in range(ndim)])


def _in_bounds(index: Any, n: int, dim: int) -> None:
    if index.size:
        low, high = int(index.min()), int(index.max())
        if low < 0 or high >= n:
            raise RuntimeError(f"index {low if low < 0 else high} is out of bounds for dimension {dim} with "
                               f"size {n}")


def _checked(name: str, a: Any, dim: int, index: Any) -> int:
    """The dimension from the front, once index and a fit together."""
    dim = wrap_dim(dim, a.ndim)
    if index.size == 0:
        return dim
    if max(a.ndim, 1) != max(index.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as "
                           f"{'input' if name == 'gather' else 'self'} tensor")
    return dim


def _gather(self: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    _long("gather", index, also_int=True)
    d = _checked("gather", self, dim, index)
    if not index.size:
        return np.empty(index.shape, self.dtype)
    a, i = np.atleast_1d(self), np.atleast_1d(index)
    for k in range(a.ndim):
        if k != d and i.shape[k] > a.shape[k]:
            raise RuntimeError(f"Size does not match at dimension {k} expected index {list(index.shape)} to "
                               "be no larger "
                               f"than self {list(self.shape)} apart from dimension {d}")
    _in_bounds(i, a.shape[d], d)
    return a[_grid(i, d)].reshape(index.shape)


gather: Any = kernel(
    name="gather", inputs=("self",), formula=r"y_i = x_{j_i}",
    text="Picks along a dimension; each element gets the gradients of all its picks.", forward=_gather,
    grads={"self": lambda grad, self_shape, dim,
           index: scatter_add(grad.new_zeros(self_shape), dim, index, grad)},
)


def _fitting(name: str, self: Any, dim: int, index: Any, src: Any) -> tuple:
    _long(name, index, also_int=True)
    d = _checked(name, self, dim, index)
    out = np.array(self, order="C")
    a, i = np.atleast_1d(out), np.atleast_1d(index)
    if index.size:
        if src is not None and max(src.ndim, 1) != i.ndim:
            raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
        for k in range(a.ndim):
            over_self = k != d and i.shape[k] > a.shape[k]
            over_src = src is not None and i.shape[k] > np.atleast_1d(src).shape[k]
            if over_self or over_src:
                ending = "" if src is None else f" and to be no larger size than src {list(src.shape)}"
                raise RuntimeError(f"Expected index {list(index.shape)} to be no larger than self "
                                   f"{list(self.shape)} apart "
                                   f"from dimension {d}{ending}")
        _in_bounds(i, a.shape[d], d)
    if src is not None:
        if src.dtype != self.dtype:
            raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
        src = np.atleast_1d(src)[tuple(slice(n) for n in i.shape)] if index.size else src
    return out, a, i, d, src


def _scatter(self: Any, dim: int, index: Any, src: Any) -> Any:
    out, a, i, d, s = _fitting("scatter", self, dim, index, src)
    if i.size:
        a[_grid(i, d)] = s
        out = a.reshape(out.shape)
    return out


def _scatter_number(self: Any, dim: int, index: Any, value: Any) -> Any:
    out, a, i, d, _ = _fitting("scatter", self, dim, index, None)
    if i.size:
        a[_grid(i, d)] = _number(value, out.dtype)
        out = a.reshape(out.shape)
    return out


_SCATTER = "Overwrites at positions along a dimension; the gradient there goes to what was written."
_scatter_src: Any = Op(
    name="scatter.src", inputs=("self", "src"), grad_fn="ScatterBackward0", on=(), out=False, text=_SCATTER,
    forward=_scatter,
    grads={"self": lambda grad, dim, index: OPS["scatter"](grad, dim, index, 0),
           "src": lambda grad, dim, index, src_shape: _to_shape(grad.gather(dim, index), src_shape)},
)
_scatter_value: Any = Op(
    name="scatter.value", inputs=("self",), grad_fn="ScatterBackward1", on=(), out=False, text=_SCATTER,
    forward=_scatter_number, grads={"self": lambda grad, dim, index: OPS["scatter"](grad, dim, index, 0)},
)


def _to_shape(grad: Any, shape: tuple[int, ...]) -> Any:
    """A gradient of the used corner of a larger source, zero elsewhere."""
    for d, n in enumerate(shape):
        if grad._a.shape[d] != n:
            from engine.ops.joining import cat

            more = list(grad._a.shape)
            more[d] = n - more[d]
            grad = cat([grad, grad.new_zeros(more)], d)
    return grad


def _no_derivative(*args: Any) -> Any:
    raise RuntimeError("derivative for aten::scatter is not implemented")


def _scatter_with(self: Any, dim: int, index: Any, src: Any, reduce: str) -> Any:
    if reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    if not hasattr(src, "dtype") or not src.ndim:
        src = np.full(index.shape, _number(src, self.dtype))
    out, a, i, d, s = _fitting("scatter", self, dim, index, src)
    if i.size:
        (np.add if reduce == "add" else np.multiply).at(a, _grid(i, d), s)
        out = a.reshape(out.shape)
    return out


_scatter_reducing = Op(name="scatter.reduce", inputs=("self",), grad_fn="NotImplemented", on=(), out=False,
                       text="Adds or multiplies into positions; PyTorch has no derivative for it.",
                       forward=_scatter_with, grads={"self": lambda grad: _no_derivative()})


def _which_scatter(src: Any, value: Any, reduce: Any, dim: Any, index: Any) -> tuple:
    given = src if src is not None else value
    if reduce is not None:
        return _scatter_reducing, (dim, index, given, reduce)
    return (_scatter_src if isinstance(given, nodes.Tensor) else _scatter_value), (dim, index, given)


@composite("scatter")
def scatter(self: Any, dim: int, index: Any, src: Any = None, *, value: Any = None,
            reduce: str | None = None) -> Any:
    """A copy with `src` (or one value) written at positions along a dimension."""
    op, rest = _which_scatter(src, value, reduce, dim, index)
    return op.call(self, *rest)


@composite("scatter_", on=("Tensor",), out=False)
def scatter_(self: Any, dim: int, index: Any, src: Any = None, *, value: Any = None,
             reduce: str | None = None) -> Any:
    """Write `src` (or one value) at positions along a dimension, in place."""
    op, rest = _which_scatter(src, value, reduce, dim, index)
    return in_place(op, (self, *rest))


def _scatter_add(self: Any, dim: int, index: Any, src: Any) -> Any:
    out, a, i, d, s = _fitting("scatter_add", self, dim, index, src)
    if i.size:
        np.add.at(a, _grid(i, d), s)
        out = a.reshape(out.shape)
    return out


scatter_add: Any = kernel(
    name="scatter_add", inputs=("self", "src"), inplace=True,
    text="Adds at positions along a dimension; the gradient goes to both.", forward=_scatter_add,
    grads={"self": lambda grad: grad,
           "src": lambda grad, dim, index, src_shape: _to_shape(grad.gather(dim, index), src_shape)},
)


def reduce_at(a: np.ndarray, where: Any, src: Any, reduce: str, include_self: bool) -> None:
    """Sum, product, mean or extreme of what falls on each place, in place."""
    ways = {"sum": np.add, "prod": np.multiply, "mean": np.add, "amax": np.maximum, "amin": np.minimum}
    if not include_self:
        kind = a.dtype
        if reduce in ("amax", "amin"):
            info = np.iinfo(kind) if kind.kind in "iu" else None
            low = info.min if info else -np.inf if kind.kind == "f" else False
            high = info.max if info else np.inf if kind.kind == "f" else True
            a[where] = low if reduce == "amax" else high
        else:
            a[where] = 1 if reduce == "prod" else 0
    ways[reduce].at(a, where, src)
    if reduce == "mean":
        count = np.full(a.shape, 1 if include_self else 0, np.int64)
        np.add.at(count, where, np.ones(src.shape, np.int64))
        count[count == 0] = 1
        a[...] = a / count if a.dtype.kind in "fc" else a // count


def _reduction_name(name: str, reduce: str, allowed: tuple[str, ...]) -> None:
    if reduce not in allowed:
        if name == "scatter_reduce":
            raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
        raise RuntimeError("index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
                           f"{reduce}.")


def _scatter_reduce(self: Any, dim: int, index: Any, src: Any, reduce: str, *,
                    include_self: bool = True) -> Any:
    _reduction_name("scatter_reduce", reduce, ("sum", "prod", "mean", "amax", "amin"))
    out, a, i, d, s = _fitting("scatter_reduce", self, dim, index, src)
    if i.size:
        reduce_at(a, _grid(i, d), s, reduce, include_self)
        out = a.reshape(out.shape)
    return out


class _Placed:
    """How the gradient of a reduction at positions adds to, and picks from, those positions."""

    def __init__(self, dim: int, index: Any, scattering: bool) -> None:
        self.dim, self.index, self.scattering = dim, index, scattering

    def add(self, to: Any, what: Any) -> Any:
        return (scatter_add if self.scattering else index_add)(to, self.dim, self.index, what)

    def pick(self, of: Any) -> Any:
        return (gather if self.scattering else index_select)(of, self.dim, self.index)

    def zeroed(self, x: Any) -> Any:
        return (scatter if self.scattering else index_fill)(x, self.dim, self.index, 0)

    def product(self, to: Any, what: Any, include_self: bool) -> Any:
        if self.scattering:
            return OPS["scatter_reduce"](to, self.dim, self.index, what, "prod", include_self=include_self)
        return OPS["index_reduce"](to, self.dim, self.index, what, "prod", include_self=include_self)


def _reduced_gradient(grad: Any, self: Any, at: _Placed, src: Any, reduce: str, include_self: bool,
                      result: Any) -> tuple:
    if reduce == "sum":
        of_self, of_src = grad, at.pick(grad)
    elif reduce == "mean":
        n = OPS["ones_like"](grad) if include_self else OPS["zeros_like"](grad)
        n = at.add(n, OPS["ones_like"](src))
        n = masked_fill(n, n == 0, 1)
        of_self = grad / n
        of_src = at.pick(grad / n)
    elif reduce == "prod":
        safe = masked_fill(self, self == 0, 1)
        of_self = grad * at.product(safe, src, include_self) / safe
        zero = src == 0
        zeros_here = at.pick(at.add(OPS["zeros_like"](self), zero.to(self.dtype)))
        single = zero & (zeros_here == 1)
        safe_src = masked_fill(src, single, 1)
        without = at.product(self, safe_src, include_self)
        of_src = OPS["where"](single, at.pick(grad * without),
                              at.pick(grad * result) / masked_fill(src, zero, 1))
    else:
        value = at.pick(result)
        self_is, src_is = (self == result).to(grad.dtype), (src == value).to(grad.dtype)
        share = grad / at.add(self_is, src_is).clamp(min=1)
        of_self, of_src = self_is * share, src_is * at.pick(share)
    if not include_self:
        of_self = at.zeroed(of_self)
    return of_self, of_src


scatter_reduce: Any = kernel(
    name="scatter_reduce", inputs=("self", "src"), inplace=True,
    text="Reduces what falls on each position together with what was there.", forward=_scatter_reduce,
    grads={("self", "src"): lambda grad, self, dim, index, src, reduce, include_self, result:
           _reduced_gradient(grad, self, _Placed(dim, index, True), src, reduce, include_self, result)},
)


# -- whole entries along a dimension -------------------------------------------------------------------------


def _index_select(self: Any, dim: int, index: Any) -> Any:
    d = wrap_dim(dim, self.ndim)
    if index.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    if not self.ndim:
        if index.size != 1:
            raise RuntimeError("index_select(): Index to scalar can have only 1 value, got "
                               f"{index.size} value(s)")
        return np.array(self)
    n = self.shape[d]
    if index.size and (int(index.min()) < 0 or int(index.max()) >= n):
        raise IndexError("index out of range in self")
    return self.take(np.atleast_1d(index), d)


index_select: Any = kernel(
    name="index_select", inputs=("self",), formula=r"y_i = x_{j_i}",
    text="Picks whole entries along a dimension.", forward=_index_select,
    grads={"self": lambda grad, self_shape, dim, index:
           index_add(grad.new_zeros(self_shape), dim, index, grad) if self_shape else grad.sum()},
)


def _vector(name: str, self: Any, dim: int, index: Any, source: Any = None) -> tuple:
    """(copy, dimension, positions) for an op on whole entries.

    Raises: RuntimeError or IndexError where they do not fit."""
    d = wrap_dim(dim, self.ndim)
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index should have dimension 1 or 0 (got {index.ndim})"
                         if name == "index_copy_" else
                         f"{name}(): Index is supposed to be a vector, but got dim: {index.ndim} with type: "
                         f"{dt.scalar_type_name(dt.of(index))} and size: {list(index.shape)}")
    if source is not None:
        if source.dtype != self.dtype:
            raise RuntimeError(f"{name}(): self and source expected to have the same dtype, but got (self) "
                               f"{dt.scalar_type_name(dt.of(self))} and (source) "
                               f"{dt.scalar_type_name(dt.of(source))}")
        count = source.shape[d] if source.ndim else 1
        if index.size != count:
            raise RuntimeError(f"{name}(): Number of indices ({index.size}) should be equal to "
                               "source.size(dim): "
                               f"({count}), for dim: {d}")
    out = np.array(self, order="C")
    flat = np.atleast_1d(index)
    n = self.shape[d] if self.ndim else 1
    if flat.size and (int(flat.min()) < -n or int(flat.max()) >= n):
        raise IndexError("index out of range in self")
    return out, d, flat


def _entries(out: np.ndarray, d: int, index: np.ndarray) -> tuple:
    return (slice(None),) * d + (index,)


def _index_add(self: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    out, d, flat = _vector("index_add", self, dim, index, source)
    a = np.atleast_1d(out)
    from engine.ops.indexing import add_at

    s = source if alpha == 1 else source * source.dtype.type(alpha)
    if np.ndim(s) and a.shape[:d] + a.shape[d + 1:] != s.shape[:d] + s.shape[d + 1:]:
        raise RuntimeError("source tensor shape must match self tensor shape, excluding the specified "
                           "dimension. Got "
                           f"self.shape = {list(self.shape)} source.shape = {list(source.shape)}")
    if d:
        add_at(a.swapaxes(0, d), (flat,), np.ascontiguousarray(np.asarray(s).swapaxes(0, d)))
    else:
        add_at(a, (flat,), np.atleast_1d(s))
    return a.reshape(out.shape)


index_add: Any = kernel(
    name="index_add", inputs=("self", "source"), inplace=True, text="Adds whole entries at positions.",
    forward=_index_add,
    grads={"self": lambda grad: grad, "source": lambda grad, dim, index, alpha, source_shape:
           _source_gradient(grad, dim, index, source_shape) * (1 if alpha == 1 else alpha)},
)


def _source_gradient(grad: Any, dim: int, index: Any, shape: tuple[int, ...]) -> Any:
    picked = index_select(grad, dim, index)
    if picked._a.shape == tuple(shape):
        return picked
    return picked.expand(shape) if shape else picked.squeeze(dim)


def _index_copy(self: Any, dim: int, index: Any, source: Any) -> Any:
    out, d, flat = _vector("index_copy_", self, dim, index, source)
    a = np.atleast_1d(out)
    if a.ndim and source.ndim and a.shape[:d] + a.shape[d + 1:] != source.shape[:d] + source.shape[d + 1:]:
        raise RuntimeError("index_copy_(): Source/destination tensor must have same slice shapes. "
                           "Destination slice shape: "
                           f"{list(a.shape[:d] + a.shape[d + 1:])} at dimension {d} and source slice shape: "
                           f"{list(source.shape[:d] + source.shape[d + 1:])} at dimension 0.")
    a[_entries(a, d, flat)] = np.atleast_1d(source)
    return a.reshape(out.shape)


index_copy: Any = kernel(
    name="index_copy", inputs=("self", "source"), inplace=True, text="Overwrites whole entries at positions.",
    forward=_index_copy,
    grads={"self": lambda grad, dim, index: OPS["index_fill"](grad, dim, index, 0),
           "source": lambda grad, dim, index, source_shape: _source_gradient(grad, dim, index, source_shape)},
)


def _index_fill(self: Any, dim: int, index: Any, value: Any) -> Any:
    _long("index_fill_", index)
    if getattr(value, "ndim", 0):
        raise RuntimeError("index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                           f"{value.ndim} dimension(s).")
    out, d, flat = _vector("index_fill_", self, dim, index)
    a = np.atleast_1d(out)
    a[_entries(a, d, flat)] = _number(value, out.dtype)
    return a.reshape(out.shape)


_fill_entries: Any = Op(
    name="index_fill.number", inputs=("self",), grad_fn="IndexFillBackward0", on=(), out=False,
    text="Sets whole entries to one value.", forward=_index_fill,
    grads={"self": lambda grad, dim, index: OPS["index_fill"](grad, dim, index, 0)},
)
_fill_entries_tensor: Any = Op(
    name="index_fill.tensor", inputs=("self", "value"), grad_fn="IndexFillBackward1", on=(), out=False,
    text="Sets whole entries to one value.", forward=_index_fill,
    grads={"self": lambda grad, dim, index: OPS["index_fill"](grad, dim, index, 0),
           "value": lambda grad, dim, index: index_select(grad, dim, index.unique()).sum()},
)


@composite("index_fill")
def index_fill(self: Any, dim: int, index: Any, value: Any) -> Any:
    """A copy with whole entries along a dimension set to one value."""
    return (_fill_entries_tensor if isinstance(value, nodes.Tensor) else _fill_entries).call(self, dim,
                                                                                             index, value)


@composite("index_fill_", on=("Tensor",), out=False)
def index_fill_(self: Any, dim: int, index: Any, value: Any) -> Any:
    """Set whole entries along a dimension to one value, in place."""
    op = _fill_entries_tensor if isinstance(value, nodes.Tensor) else _fill_entries
    return in_place(op, (self, dim, index, value))


def _index_reduce(self: Any, dim: int, index: Any, source: Any, reduce: str, *,
                  include_self: bool = True) -> Any:
    _reduction_name("index_reduce", reduce, ("prod", "mean", "amax", "amin"))
    out, d, flat = _vector("index_reduce", self, dim, index, source)
    a = np.atleast_1d(out)
    reduce_at(a, _entries(a, d, flat), np.atleast_1d(source), reduce, include_self)
    return a.reshape(out.shape)


index_reduce: Any = kernel(
    name="index_reduce", inputs=("self", "source"), inplace=True, text="Reduces whole entries into "
                      "positions.",
    forward=_index_reduce,
    grads={("self", "source"): lambda grad, self, dim, index, source, reduce, include_self, result:
           _reduced_gradient(grad, self, _Placed(dim, index, False), source, reduce, include_self, result)},
)


# -- by position in the flattened tensor ---------------------------------------------------------------------


def _flat_positions(self: Any, index: Any, name: str) -> Any:
    _long(name, index)
    n = self.size
    if index.size and not n:
        raise IndexError("take(): tried to take from an empty tensor" if name == "take" else
                         f"{name}(): tried to put elements into an empty tensor")
    if index.size and (int(index.min()) < -n or int(index.max()) >= n):
        bad = int(index.max()) if int(index.max()) >= n else int(index.min())
        raise IndexError(f"out of range: tried to access index {bad} on a tensor of {n} elements.")
    return index


take: Any = kernel(
    name="take", inputs=("self",), formula=r"y_i = x_{j_i}", text="Picks by position in the flattened "
              "tensor.",
    forward=lambda self, index: self.reshape(-1)[_flat_positions(self, index, "take")],
    grads={"self": lambda grad, self_shape, index: put(grad.new_zeros(self_shape), index, grad, True)},
)


def _put(self: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    _flat_positions(self, index, "put_")
    if index.size != source.size:
        raise RuntimeError("put_(): Expected source and index to have the same number of elements, but got "
                           "source.numel() "
                           f"= {source.size}, index.numel() = {index.size}")
    if source.dtype != self.dtype:
        raise RuntimeError("put_(): self and source expected to have the same dtype, but got self.dtype = "
                           f"{dt.scalar_type_name(dt.of(self))} and source.dtype = "
                           f"{dt.scalar_type_name(dt.of(source))}")
    out = np.array(self, order="C")
    flat = out.reshape(-1)
    where, values = index.reshape(-1), source.reshape(-1)
    if accumulate:
        np.add.at(flat, where, values)
    else:
        flat[where] = values
    return out


put: Any = kernel(
    name="put", inputs=("self", "source"), inplace=True, out=False, text="Overwrites by position in the "
             "flattened tensor.",
    forward=_put,
    grads={"self": lambda grad, index, accumulate, source_shape:
           grad if accumulate else put(grad, index, grad.new_zeros(source_shape)),
           "source": lambda grad, index, source_shape: grad.take(index).reshape(source_shape)},
)


@composite("take_along_dim")
def take_along_dim(self: Any, indices: Any, dim: int | None = None) -> Any:
    """Picks along a dimension at positions that broadcast against the tensor."""
    _long("take_along_dim", indices._a)
    if (indices._a < 0).any():
        n = self._a.size if dim is None else self._a.shape[wrap_dim(dim, self._a.ndim)]
        indices = nodes.Tensor._of(np.where(indices._a < 0, indices._a + n, indices._a))
    if dim is None:
        return gather(self.reshape(-1), 0, indices.reshape(-1))
    if self._a.ndim != indices._a.ndim:
        raise RuntimeError("torch.take_along_dim(): input and indices should have the same number of "
                           "dimensions, but got "
                           f"{self._a.ndim} dimensions for input, and {indices._a.ndim} dimensions for "
                           "indices")
    d = wrap_dim(dim, self._a.ndim)
    from engine.core.shape import broadcast_shapes

    both = broadcast_shapes(*[tuple(1 if k == d else n for k, n in enumerate(t._a.shape))
                              for t in (self, indices)])
    self = self.expand([self._a.shape[d] if k == d else n for k, n in enumerate(both)])
    indices = indices.expand([indices._a.shape[d] if k == d else n for k, n in enumerate(both)])
    return gather(self, d, indices)


def _ones_and_zeros() -> None:
    from engine.ops import creation

    for name in ("ones_like", "zeros_like"):
        OPS.setdefault(name, getattr(creation, name))


_ones_and_zeros()
