"""Order and running totals: sort, topk, median, cumsum and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import modes
from engine.core import dtype as dt
from engine.core.shape import wrap_dim
from engine.kernels import selection
from engine.ops.calling import named_tuple
from engine.ops.formula import f
from engine.ops.record import composite, kernel
from engine.ops.reduction import at_positions, put_back, shared_evenly


def _order(a: Any, d: int, descending: bool) -> Any:
    if not a.ndim:
        return np.asarray(0, np.int64)
    if descending:
        # Stable and descending: sort the mirror image, NaN first.
        n = a.shape[d]
        return n - 1 - np.flip(np.argsort(np.flip(a, d), axis=d, kind="stable"), d)
    return np.argsort(a, axis=d, kind="stable")


def _chosen(a: Any, d: int, way: int, k: int = 0, largest: bool = False) -> Any:
    """_order, with ties as PyTorch's own selection leaves them: `way` is one of kernels.selection's."""
    if not a.ndim:
        return np.asarray(0, np.int64)
    order = _order(a, d, largest)
    if a.shape[d] < 2 or way == selection.ORDERED and a.shape[d] <= 16 or not a.size:
        return order
    rows, up = np.moveaxis(a, d, -1), np.moveaxis(order, d, -1)
    if not selection.tied(rows, up):
        return order
    if largest:
        up = np.flip(up, -1)
    return np.moveaxis(selection.arranged(rows, up, way, k, largest), -1, d)


def _sort(self: Any, dim: int = -1, descending: bool = False, *, stable: Any = None) -> Any:
    d = wrap_dim(dim, self.ndim)
    order = _order(self, d, descending) if stable else _chosen(self, d, selection.ORDERED, 0, descending)
    at = np.ascontiguousarray(order, np.int64)
    return (np.take_along_axis(self, at, d) if self.ndim else np.array(self)), at


sort_ = kernel(
    name="sort.stable",
    inputs=("self",),
    grad_fn="SortBackward0",
    on=(),
    returns=("values", "indices"),
    nondiff=(1,),
    formula=r"y = \mathrm{sort}(x)",
    text="Puts in order; each gradient goes back to where its value came from.",
    forward=_sort,
    grads={"self": lambda grad, result1, self_shape, dim: put_back(grad, result1, self_shape, dim, True)},
)
sort_.op.returns = named_tuple("sort", ("values", "indices"))


@composite("sort")
def sort(self: Any, dim: Any = -1, descending: bool = False, *, stable: Any = None) -> Any:
    """Values in order along dim, and where they stood."""
    if isinstance(dim, bool):
        dim, descending = -1, dim
    return sort_(self, dim, descending, stable=stable)


@composite("argsort", out=False)
def argsort(self: Any, dim: Any = -1, descending: bool = False, *, stable: Any = None) -> Any:
    """Where the values stood, in their order."""
    return sort_(self.detach(), dim, descending, stable=stable)[1]


@composite("msort")
def msort(self: Any) -> Any:
    """sort along the first dimension."""
    return sort_(self, 0)[0]


def _topk(self: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    d = wrap_dim(dim, self.ndim)
    if not 0 <= k <= (self.shape[d] if self.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if not self.ndim:
        return np.array(self), np.asarray(0, np.int64)
    way = selection.FIRST_IN_ORDER if sorted else selection.FIRST
    at = np.take(_chosen(self, d, way, k, largest), np.arange(k), axis=d)
    return np.take_along_axis(self, at, d), at.astype(np.int64)


topk = kernel(
    name="topk", inputs=("self",), returns=("values", "indices"), nondiff=(1,),
    formula=r"y = \mathrm{top}_k(x)", text="The k largest, and where; the gradient goes there.",
    forward=_topk,
    grads={"self": lambda grad, result1, self_shape, dim: put_back(grad, result1, self_shape, dim, True)},
)


def _kth(self: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    d = wrap_dim(dim, self.ndim)
    if self.ndim and self.shape[d] == 0:
        raise IndexError(f"kthvalue(): Expected reduction dim {d} to have non-zero size.")
    if not 1 <= k <= (self.shape[d] if self.ndim else 1):
        raise RuntimeError("kthvalue(): selected number k out of range for dimension " + str(d))
    at = np.take(_chosen(self, d, selection.PICKED, k - 1), k - 1, axis=d) if self.ndim else None
    return at_positions(self, at, d, keepdim)


kthvalue = kernel(
    name="kthvalue",
    inputs=("self",),
    returns=("values", "indices"),
    nondiff=(1,),
    formula=r"y = x_{(k)}",
    text="The k-th smallest, and where.",
    forward=_kth,
    grads={
        "self": lambda grad, result1, self_shape, dim, keepdim: put_back(
            grad, result1, self_shape, dim, keepdim
        )
    },
)


def _middle(a: Any, d: int, keepdim: bool, ignore: bool) -> Any:
    if a.ndim and a.shape[d] == 0:
        raise IndexError(f"median(): Expected reduction dim {d} to have non-zero size.")
    if not a.ndim:
        return np.array(a), np.asarray(0, np.int64)
    order = _order(a, d, False)
    n = a.shape[d]
    if a.dtype.kind == "f":
        nans = np.isnan(a)
        count = n - nans.sum(d)
        at = np.take_along_axis(order, np.expand_dims(np.maximum(count - 1, 0) // 2, d), d).squeeze(d)
        if not ignore:
            at = np.where(count < n, np.argmax(nans, axis=d), at)
    else:
        at = np.take(order, (n - 1) // 2, axis=d)
    return at_positions(a, at, d, keepdim)


def _median_pair(name: str, ignore: bool) -> Any:
    title = name.capitalize()
    over_all = kernel(
        name=f"{name}.all", inputs=("self",), grad_fn=f"{title}Backward0", on=(),
        formula=r"y = \mathrm{median}(x)", text="The middle value of all.",
        forward=lambda self: np.asarray(self.dtype.type(np.nan)) if self.size == 0 else
        _middle(self.reshape(-1), 0, False, ignore)[0],
        grads={"self": lambda grad, self, result: shared_evenly(grad, self, result, None, False)},
    )
    along = kernel(
        name=f"{name}.dim",
        inputs=("self",),
        grad_fn=f"{title}Backward1",
        on=(),
        returns=("values", "indices"),
        nondiff=(1,),
        formula=r"y = \mathrm{median}(x)",
        text="The middle value along a dimension, and where.",
        forward=lambda self, dim, keepdim=False: _middle(self, wrap_dim(dim, self.ndim), keepdim, ignore),
        grads={
            "self": lambda grad, result1, self_shape, dim, keepdim: put_back(
                grad, result1, self_shape, dim, keepdim
            )
        },
    )

    def function(self: Any, dim: Any = None, keepdim: bool = False) -> Any:
        return over_all(self) if dim is None else along(self, dim, keepdim)

    function.__doc__ = "The middle value (the lower of two), of all or along a dimension with indices."
    return composite(name)(function)


median, nanmedian = _median_pair("median", False), _median_pair("nanmedian", True)


def _mode(self: Any, dim: int = -1, keepdim: bool = False) -> Any:
    d = wrap_dim(dim, self.ndim)
    if not self.ndim:
        return np.array(self), np.asarray(0, np.int64)
    if self.shape[d] == 0:
        raise IndexError(f"mode(): Expected reduction dim {d} to have non-zero size.")
    order = np.moveaxis(_chosen(self, d, selection.ORDERED), d, -1)
    there = np.take_along_axis(np.moveaxis(self, d, -1), order, -1)
    ends = np.ones(there.shape, bool)
    ends[..., :-1] = there[..., 1:] != there[..., :-1]
    n = there.shape[-1]
    here = np.arange(n)
    before = np.maximum.accumulate(np.where(ends, here, -1), axis=-1)
    before = np.concatenate([np.full((*before.shape[:-1], 1), -1), before[..., :-1]], -1)
    longest = np.where(ends, here - before, 0).argmax(-1)
    return at_positions(self, np.take_along_axis(order, longest[..., None], -1)[..., 0], d, keepdim)


mode = kernel(
    name="mode",
    inputs=("self",),
    returns=("values", "indices"),
    nondiff=(1,),
    formula=r"y = \mathrm{mode}(x)",
    text="The most frequent value, and where one of them stands.",
    forward=_mode,
    grads={
        "self": lambda grad, result1, self_shape, dim, keepdim: put_back(
            grad, result1, self_shape, dim, keepdim
        )
    },
)


# -- running totals -----------------------------------------------------------------------------------------


def _running(name: str, compute: Any) -> Any:
    def forward(self: Any, dim: int, *, dtype: Any = None) -> Any:
        kind = (
            dtype.numpy
            if dtype is not None
            else np.dtype(np.int64)
            if self.dtype.kind in "biu"
            else self.dtype
        )
        d = wrap_dim(dim, self.ndim)
        a = self.astype(kind, copy=False)
        return compute(a, axis=d, dtype=kind) if a.ndim else np.array(a)

    return forward


def _reversed_sum(t: Any, dim: int) -> Any:
    return t.flip(dim).cumsum(dim).flip(dim) if t.ndim else t


cumsum = kernel(
    name="cumsum", inputs=("self",), inplace=True, formula=r"y_k = \sum_{i \leq k} x_i",
    text="Running totals; the gradient runs back the other way.",
    forward=_running("cumsum", np.cumsum),
    grads={"self": lambda grad, dim: _reversed_sum(grad, dim)},
)


def _cumprod_slope(grad: Any, self: Any, result: Any, dim: int) -> Any:
    if not self.ndim:
        return grad
    if not bool((self == 0).any()):
        return _reversed_sum(grad * result.conj(), dim) / self.conj()
    # dy_k/dx_j is the product of x_i, i <= k, i != j: column by column, so that zeros divide nothing.
    d = wrap_dim(dim, self.ndim)
    n = self.shape[d]
    parts = []
    from engine import cat, ones_like

    for j in range(n):
        before = self.narrow(d, 0, j).prod(d, keepdim=True) if j else ones_like(self.narrow(d, 0, 1))
        tail = self.narrow(d, j + 1, n - j - 1)
        run = cat([ones_like(self.narrow(d, 0, 1)), tail], d).cumprod(d)
        parts.append((grad.narrow(d, j, n - j) * (before * run).conj()).sum(d, keepdim=True))
    return cat(parts, d)


cumprod = kernel(
    name="cumprod", inputs=("self",), inplace=True, formula=r"y_k = \prod_{i \leq k} "
                                                            r"x_i", text="Running products.",
    forward=_running("cumprod", np.cumprod),
    grads={"self": lambda grad, self, result, dim: _cumprod_slope(grad, self, result, dim)},
)


def _running_extreme(name: str, compute: Any) -> Any:
    def forward(self: Any, dim: int) -> Any:
        d = wrap_dim(dim, self.ndim)
        if not self.ndim:
            return np.array(self), np.asarray(0, np.int64)
        values = compute.accumulate(self, axis=d)
        here = np.arange(self.shape[d]).reshape([-1 if i == d else 1 for i in range(self.ndim)])
        same = (self == values) | (np.isnan(self) if self.dtype.kind == "f" else False)
        return values, np.maximum.accumulate(np.where(same, here, 0), axis=d).astype(np.int64)

    return kernel(
        name=name, inputs=("self",), returns=("values", "indices"), nondiff=(1,),
        formula=rf"y_k = \{name[3:]}_{{i \leq k}} x_i", text="The running extreme, and where it stands.",
        forward=forward,
        grads={"self": lambda grad, result1, self_shape, dim: _gathered_back(grad, result1, self_shape, dim)},
    )


def _gathered_back(grad: Any, indices: Any, shape: tuple[int, ...], dim: int) -> Any:
    from engine import zeros

    return zeros(shape, dtype=grad.dtype).scatter_add(dim, indices, grad) if shape else grad


cummax, cummin = _running_extreme("cummax", np.maximum), _running_extreme("cummin", np.minimum)


def _logcumsumexp(self: Any, dim: int) -> Any:
    if self.dtype.kind in "biu":
        raise NotImplementedError(f"\"logcumsumexp_out_cpu\" not implemented for "
                                  f"'{dt.scalar_type_name(dt.of(self))}'")
    d = wrap_dim(dim, self.ndim)
    if not self.ndim:
        return np.array(self)
    wide = self.astype(np.float64) if self.dtype.kind == "f" else self
    return np.logaddexp.accumulate(wide, axis=d).astype(self.dtype, copy=False)


PAIRS = 2048
"""Elements in a row up to which logcumsumexp's second derivative looks at each pair of them."""

logcumsumexp = kernel(
    name="logcumsumexp", inputs=("self",), formula=r"y_k = \ln \sum_{i \leq k} e^{x_i}",
    text="Running log of a sum of exponentials.",
    forward=_logcumsumexp,
    grads={"self": lambda grad, self, result, dim: _logcumsumexp_slope(grad, self, result, dim)},
)


def _logcumsumexp_slope(grad: Any, self: Any, result: Any, dim: int) -> Any:
    if not self.ndim or not self.numel():
        return grad
    from engine import full_like, ones

    n = self.shape[dim]
    if modes.grad_enabled and n <= PAIRS:
        # Somebody differentiates again: every pair in plain words, sum over k >= j of g_k exp(x_j - y_k).
        x, y, g = (t.movedim(dim, -1) for t in (self, result, grad))
        later = ones(n, n, dtype=dt.bool_).triu()
        share = (x.unsqueeze(-1) - y.unsqueeze(-2)).masked_fill(~later, float("-inf")).exp()
        return (g.unsqueeze(-2) * share).sum(-1).movedim(-1, dim)
    low = full_like(grad, float("-inf"))
    plus = f.where(grad > 0, grad.abs().log(), low)
    minus = f.where(grad < 0, grad.abs().log(), low)

    def part(t: Any) -> Any:
        return ((t - result).flip(dim).logcumsumexp(dim).flip(dim) + self).exp()

    return part(plus) - part(minus)


@composite("diff")
def diff(self: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours, n times."""
    from engine import cat, logical_xor

    if not self.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    d = wrap_dim(dim, self.ndim)
    if n == 0:
        return self.clone()
    parts = [x for x in (prepend, self, append) if x is not None]
    t = cat(parts, d) if len(parts) > 1 else self
    for _ in range(min(n, t.shape[d])):
        length = t.shape[d]
        a, b = t.narrow(d, 1, length - 1), t.narrow(d, 0, length - 1)
        t = logical_xor(a, b) if t.dtype is dt.bool_ else a - b
    return t
