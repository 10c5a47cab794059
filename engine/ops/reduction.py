"""Reductions: many elements to one."""

from __future__ import annotations

from math import prod as product
from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import dtype as dt
from engine.core.shape import wrap_dim, wrap_dims
from engine.ops.formula import f
from engine.ops.record import composite, kernel


def axes_of(a: Any, dim: Any) -> tuple[int, ...] | None:
    """NumPy's axes for PyTorch's dim; None for an array without dimensions."""
    found = wrap_dims(dim, a.ndim)
    return found if a.ndim else None


def spread(grad: Any, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Any:
    """A reduction's gradient (or result) repeated over the elements it came from."""
    return opened(grad, shape, dim, keepdim).expand(shape)


def opened(t: Any, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Any:
    """A reduced tensor with its reduced dimensions back as 1."""
    if not keepdim and shape and dim is not None:
        for d in sorted(wrap_dims(dim, len(shape))):
            t = t.unsqueeze(d)
    return t


def counted(shape: tuple[int, ...], dim: Any) -> int:
    """How many elements go into one."""
    return product(shape[d] for d in wrap_dims(dim, len(shape))) if shape else 1


def _sum(self: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    kind = dtype.numpy if dtype is not None else np.dtype(np.int64) if self.dtype.kind in "biu" else None
    if kind is not None and self.dtype != kind:
        self = self.astype(kind)
    if dim is None and not keepdim:
        return np.add.reduce(self, axis=None)
    return np.add.reduce(self, axis=axes_of(self, dim), keepdims=keepdim)


sum = kernel(
    name="sum", inputs=("self",), grad_fn="SumBackward0",
    named=lambda self, dim, keepdim, dtype: "SumBackward0" if dim is None else "SumBackward1",
    formula=r"y = \sum_i x_i",
    text="Adds up; every element gets the same gradient back.",
    forward=_sum,
    grads={"self": lambda grad, self_shape, dim, keepdim: spread(grad, self_shape, dim, keepdim)},
)


def _mean(self: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    if dtype is not None:
        if dtype.category < dt.FLOAT:
            raise RuntimeError("mean(): could not infer output dtype. Optional dtype must be either a "
                               "floating point or "
                               f"complex dtype. Got: {dt.scalar_type_name(dtype)}")
        self = self.astype(dtype.numpy)
    if self.dtype.kind in "biu":
        raise RuntimeError("mean(): could not infer output dtype. Input dtype must be either a floating "
                           "point or complex "
                           f"dtype. Got: {dt.scalar_type_name(dt.of(self))}")
    total = np.add.reduce(self, axis=axes_of(self, dim), keepdims=keepdim)
    return total / total.dtype.type(counted(self.shape, dim))


mean = kernel(
    name="mean", inputs=("self",), grad_fn="MeanBackward0",
    named=lambda self, dim, keepdim, dtype: "MeanBackward0" if dim is None else "MeanBackward1",
    formula=r"y = \frac{1}{n} \sum_i x_i",
    text="Averages; every element gets the gradient divided by how many there are.",
    forward=_mean,
    grads={"self": lambda grad, self_shape, dim, keepdim:
           spread(grad, self_shape, dim, keepdim) / max_of_one(counted(self_shape, dim))},
)


def max_of_one(n: int) -> int:
    """n, but at least 1: an empty mean divides by nothing."""
    return n if n > 0 else 1


def _nansum(self: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    if self.dtype.kind == "c":
        raise RuntimeError("nansum does not support complex inputs")
    return _sum(
        np.where(np.isnan(self), self.dtype.type(0), self) if self.dtype.kind == "f" else self,
        dim,
        keepdim,
        dtype=dtype,
    )


nansum = kernel(
    name="nansum", inputs=("self",), formula=r"y = \sum_i x_i", text="Adds up what is not NaN.",
    forward=_nansum,
    grads={"self": lambda grad, self, dim, keepdim: spread(grad, self.shape, dim, keepdim) * ~f.isnan(self)},
)


@composite("nanmean")
def nanmean(self: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean of what is not NaN."""
    if self.dtype.category < dt.FLOAT:
        raise RuntimeError(f"nanmean(): expected input to have floating point or complex dtype but got "
                           f"{dt.scalar_type_name(self.dtype)}")
    count = (~f.isnan(self.detach())).sum(dim, keepdim)
    return nansum(self, dim, keepdim, dtype=dtype) / count


def _prod(self: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    kind = (
        dtype.numpy if dtype is not None else np.dtype(np.int64) if self.dtype.kind in "biu" else self.dtype
    )
    return np.multiply.reduce(self.astype(kind, copy=False), axis=axes_of(self, dim), keepdims=keepdim)


def _prod_slope(grad: Any, self: Any, result: Any, dim: int | None, keepdim: bool) -> Any:
    whole = spread(grad, self.shape, dim, keepdim)
    if not bool((self == 0).any()):
        return whole * (opened(result, self.shape, dim, keepdim) / self).conj()
    if self.ndim == 0:
        return grad.clone()
    # With a zero among the factors: the product of all others, from running products of both sides.
    if dim is None:
        flat = self.reshape(-1)
        return (whole.reshape(-1) * _others(flat, 0).conj()).reshape(self.shape)
    return whole * _others(self, wrap_dim(dim, self.ndim)).conj()


def _others(t: Any, dim: int) -> Any:
    one = t.narrow(dim, 0, 1) * 0 + 1
    n = t.shape[dim]
    left = (
        nodes.Tensor._of(None)
        if n == 0
        else one
        if n == 1
        else _join([one, t.narrow(dim, 0, n - 1)], dim).cumprod(dim)
    )
    back = t.flip(dim)
    right = one if n == 1 else _join([one, back.narrow(dim, 0, n - 1)], dim).cumprod(dim).flip(dim)
    return left * right


def _join(parts: list, dim: int) -> Any:
    from engine import cat

    return cat(parts, dim)


prod = kernel(
    name="prod", inputs=("self",),
    named=lambda self, dim, keepdim, dtype: "ProdBackward0" if dim is None else "ProdBackward1",
    formula=r"y = \prod_i x_i", text="Multiplies all; each element's gradient is the product of the others.",
    forward=_prod,
    grads={"self": lambda grad, self, result, dim, keepdim: _prod_slope(grad, self, result, dim, keepdim)},
)


def _truth(name: str, compute: Any, text: str) -> Any:
    def forward(self: Any, dim: Any = None, keepdim: bool = False) -> Any:
        got = compute(self, axis=axes_of(self, dim), keepdims=keepdim)
        return got.astype(np.uint8) if self.dtype == np.uint8 else got

    return kernel(name=name, inputs=(), formula=rf"y = \mathrm{{{name}}}_i\, x_i", text=text, forward=forward)


all = _truth("all", np.all, "True when all are.")
any = _truth("any", np.any, "True when one is.")
count_nonzero = kernel(
    name="count_nonzero", inputs=(), out=False, formula=r"y = |\{i : x_i \neq "
                                                        r"0\}|", text="How many are not "
                                                                                          "zero.",
    forward=lambda self, dim=None: np.asarray(np.count_nonzero(self, axis=axes_of(self, dim)), np.int64),
)


# -- extremes -----------------------------------------------------------------------------------------------


def _nonempty(self: Any, dim: Any, name: str) -> None:
    if self.size == 0:
        if dim is None:
            raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                               f"Specify the "
                               "reduction dim with the 'dim' argument.")
        for d in wrap_dims(dim, self.ndim):
            if self.shape[d] == 0:
                raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")


def _extreme(name: str, compute: Any, text: str) -> Any:
    def forward(self: Any, dim: Any = None, keepdim: bool = False) -> Any:
        dim = None if isinstance(dim, (tuple, list)) and not dim else dim
        _nonempty(self, dim, name)
        return compute.reduce(self, axis=axes_of(self, dim), keepdims=keepdim)

    return kernel(
        name=name, inputs=("self",), formula=rf"y = \{name[1:]}_i x_i", text=text, forward=forward,
        grads={"self": lambda grad, self, result, dim, keepdim: shared_evenly(
            grad, self, result, None if isinstance(dim, (tuple, list)) and not dim else dim, keepdim)},
    )


def shared_evenly(grad: Any, self: Any, result: Any, dim: Any, keepdim: bool) -> Any:
    """The gradient of an extreme: an equal share to each element that attains it (a NaN attains NaN)."""
    top = opened(result, self.shape, dim, keepdim)
    mask = (self == top) | (f.isnan(self) & f.isnan(top))
    count = mask.sum(dim, keepdim=True) if dim is not None else mask.sum()
    return mask * (opened(grad, self.shape, dim, keepdim) / count)


amax = _extreme("amax", np.maximum, "The largest; equal ones share the gradient.")
amin = _extreme("amin", np.minimum, "The smallest; equal ones share the gradient.")


def nan_first(a: Any, pick: Any, dim: int) -> Any:
    """The position of the extreme along dim; the first NaN wins, as in PyTorch."""
    return pick(a, axis=dim)


def at_positions(a: Any, index: Any, dim: int, keepdim: bool) -> tuple[Any, Any]:
    """Values at index along dim: (values, index), with the dimension kept or not."""
    if a.ndim == 0:
        return np.array(a), np.asarray(0, np.int64)
    index = np.expand_dims(index, dim).astype(np.int64)
    values = np.take_along_axis(a, index, dim)
    return (values, index) if keepdim else (values.squeeze(dim), index.squeeze(dim))


def put_back(grad: Any, indices: Any, shape: tuple[int, ...], dim: int, keepdim: bool) -> Any:
    """A gradient put where its values came from, zeros elsewhere."""
    from engine import zeros

    if not shape:
        return grad
    if not keepdim:
        grad, indices = grad.unsqueeze(dim), indices.unsqueeze(dim)
    return zeros(shape, dtype=grad.dtype).scatter(dim, indices, grad)


def _with_indices(name: str, pick: Any, text: str, grad_fn: str) -> Any:
    def forward(self: Any, dim: int, keepdim: bool = False) -> Any:
        d = wrap_dim(dim, self.ndim)
        if self.ndim and self.shape[d] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")
        return at_positions(self, pick(self, axis=d) if self.ndim else None, d, keepdim)

    return kernel(
        name=f"{name}.dim",
        inputs=("self",),
        grad_fn=grad_fn,
        on=(),
        returns=("values", "indices"),
        nondiff=(1,),
        formula=rf"y = \{name}_i x_i",
        text=text,
        forward=forward,
        grads={
            "self": lambda grad, result1, self_shape, dim, keepdim: put_back(
                grad, result1, self_shape, dim, keepdim
            )
        },
    )


def _over_all(name: str, compute: Any, text: str, grad_fn: str) -> Any:
    def forward(self: Any) -> Any:
        if self.size == 0:
            raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                               f"Specify the "
                               "reduction dim with the 'dim' argument.")
        return compute.reduce(self, axis=None)

    return kernel(name=f"{name}.all", inputs=("self",), grad_fn=grad_fn, on=(), formula=rf"y = \{name}_i "
                                                                                        rf"x_i", text=text,
                  forward=forward,
                  grads={"self": lambda grad, self, result: shared_evenly(grad, self, result, None, False)})


_records: dict[str, tuple[Any, Any]] = {}
for _name, _pick, _compute in (("max", np.argmax, np.maximum), ("min", np.argmin, np.minimum)):
    _records[_name] = (
        _over_all(_name, _compute, f"The {_name}imum of all; equal ones share the gradient.",
                  f"{_name.capitalize()}Backward1"),
        _with_indices(_name, _pick, f"The {_name}imum along a dimension, and where; the gradient goes there.",
                      f"{_name.capitalize()}Backward0"))


def _extreme_face(name: str) -> Any:
    over_all, along = _records[name]

    def function(self: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        from engine import maximum, minimum

        if other is None and hasattr(dim, "_a"):
            other = dim
        if other is not None:
            return (maximum if name == "max" else minimum)(self, other)
        return over_all(self) if dim is None else along(self, dim, keepdim)

    function.__doc__ = f"The {name}imum of all, along a dimension (with indices), or of two tensors."
    return composite(name)(function)


max, min = _extreme_face("max"), _extreme_face("min")
aminmax = kernel(
    name="aminmax",
    inputs=("self",),
    returns=("min", "max"),
    formula=r"y = (\min_i x_i, \max_i x_i)",
    text="The smallest and the largest.",
    forward=lambda self, *, dim=None, keepdim=False: _aminmax(self, dim, keepdim),
    grads={
        "self": lambda grads, self, result0, result1, dim, keepdim: (
            shared_evenly(grads[0], self, result0, dim, keepdim)
            + shared_evenly(grads[1], self, result1, dim, keepdim)
        )
    },
)


def _aminmax(self: Any, dim: int | None, keepdim: bool) -> Any:
    if self.size == 0 and dim is None:
        raise RuntimeError("aminmax(): cannot compute aminmax over an empty dimension as the operation has "
                           "no identity.")
    axes = axes_of(self, dim)
    if dim is not None and self.ndim and self.shape[dim] == 0:
        raise IndexError(f"aminmax: Expected reduction dim {dim} to have non-zero size.")
    return np.minimum.reduce(self, axis=axes, keepdims=keepdim), np.maximum.reduce(
        self, axis=axes, keepdims=keepdim
    )


def _arg(name: str, pick: Any) -> Any:
    def forward(self: Any, dim: int | None = None, keepdim: bool = False) -> Any:
        _nonempty(self, dim, name)
        if self.ndim == 0:
            return np.int64(0)
        if dim is None:
            at = np.int64(pick(self))
            return np.full((1,) * self.ndim, at) if keepdim else at
        return np.asarray(pick(self, axis=wrap_dim(dim, self.ndim), keepdims=keepdim), np.int64)

    return kernel(name=name, inputs=(), formula=rf"y = \mathrm{{{name}}}_i\, "
                                                rf"x_i", text=f"Where the "
                                                                                        f"{name[3:]}imum "
                                                                                        f"stands.",
                  forward=forward)


argmax, argmin = _arg("argmax", np.argmax), _arg("argmin", np.argmin)


# -- log of a sum -------------------------------------------------------------------------------------------


def _logsumexp(self: Any, dim: Any, keepdim: bool = False) -> Any:
    if self.dtype.kind in "biu":
        self = self.astype(dt.default.dtype.numpy)
    axes = axes_of(self, dim)
    if self.size == 0:
        return np.log(np.add.reduce(np.exp(self), axis=axes, keepdims=keepdim))
    top = np.maximum.reduce(self.real if self.dtype.kind == "c" else self, axis=axes, keepdims=True)
    safe = np.where(np.isfinite(top), top, 0).astype(top.dtype)
    total = np.log(np.add.reduce(np.exp(self - safe), axis=axes, keepdims=True)) + safe
    return total if keepdim or axes is None else total.squeeze(axes)


logsumexp = kernel(
    name="logsumexp", inputs=("self",), on=("torch", "Tensor", "special"),
    formula=r"y = \ln \sum_i e^{x_i}", text="The logarithm of a sum of exponentials, safe from overflow.",
    forward=_logsumexp,
    grads={"self": lambda grad, self, result, dim, keepdim: opened(grad, self.shape, dim, keepdim)
           * (self - opened(result, self.shape, dim, keepdim)).exp().conj()},
)
trace = kernel(
    name="trace", inputs=("self",), out=False, formula=r"y = \sum_i x_{ii}", text="The sum of the diagonal.",
    forward=lambda self: _trace(self),
    grads={"self": lambda grad, self_shape: _diagonal_of(grad, self_shape)},
)


def _trace(self: Any) -> Any:
    if self.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {self.ndim}")
    return _sum(np.diagonal(self))


def _diagonal_of(grad: Any, shape: tuple[int, ...]) -> Any:
    from engine import eye

    return grad * eye(*shape, dtype=grad.dtype)
