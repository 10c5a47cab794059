"""torch.masked: reductions and normalizations that leave elements out.

A mask is true where an element counts. What a mask hides becomes the reduction's neutral element, so that
gradients reach only what counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import engine
from engine.core import dtype as dt

__all__ = ["amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp", "logsumexp",
           "mean", "median", "norm", "normalize", "prod", "softmax", "softmin", "std", "sum", "var"]


def _dims(input: Any, dim: Any) -> tuple[int, ...]:
    """The dimensions to reduce, each from 0 on; all of them for None and ()."""
    if dim is None or dim == ():
        return tuple(range(input.ndim))
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    ndim = max(input.ndim, 1)
    out: list[int] = []
    for d in dims:
        if not -ndim <= d < ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but "
                             f"got {d})")
        if d % ndim in out:
            raise RuntimeError(f"dim={d % ndim} appears multiple times in the list of dims")
        out.append(d % ndim)
    return tuple(sorted(out))


def _least(kind: Any) -> Any:
    """The smallest value of a type."""
    if kind.is_floating_point:
        return -math.inf
    return 0 if kind is dt.bool_ else engine.iinfo(kind).min


def _greatest(kind: Any) -> Any:
    """The largest value of a type."""
    if kind.is_floating_point:
        return math.inf
    return 1 if kind is dt.bool_ else engine.iinfo(kind).max


def _kept(input: Any, mask: Any, fill: Any) -> Any:
    """`input` with `fill` where the mask hides."""
    if mask is None:
        return input
    if mask.ndim > input.ndim:
        raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of "
                         "the input)")
    return engine.where(mask.to(engine.bool).expand(input.shape), input,
                        engine.tensor(fill, dtype=input.dtype))  # type: ignore[operator]


def _whole(input: Any, dtype: Any) -> Any:
    """`input` in `dtype`; small integers and bool become int64 where sums could overflow."""
    if dtype is not None:
        return input.to(dtype)
    return input if input.dtype.category >= dt.FLOAT else input.to(engine.int64)


def _typed(input: Any, dtype: Any) -> Any:
    return input if dtype is None else input.to(dtype)


def _count(input: Any, mask: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
    """How many elements count in each reduction."""
    ones = engine.ones(input.shape, dtype=engine.int64)
    return engine.sum(_kept(ones, mask, 0), dims, keepdim=keepdim) if input.ndim else _kept(ones, mask, 0)


def sum(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The sum of what counts."""
    x, dims = _whole(input, dtype), _dims(input, dim)
    return engine.sum(_kept(x, mask, 0), dims, keepdim=bool(keepdim))


def prod(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The product of what counts."""
    result = _kept(_whole(input, dtype), mask, 1)
    for d in reversed(_dims(input, dim)):
        result = result.prod(d, keepdim=bool(keepdim))
    return result


def cumsum(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    """The running sum of what counts."""
    return _kept(_whole(input, dtype), mask, 0).cumsum(_dims(input, dim)[0])


def cumprod(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    """The running product of what counts."""
    return _kept(_whole(input, dtype), mask, 1).cumprod(_dims(input, dim)[0])


def amax(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The greatest of what counts."""
    x = _typed(input, dtype)
    return _kept(x, mask, _least(x.dtype)).amax(_dims(input, dim), bool(keepdim))


def amin(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The least of what counts."""
    x = _typed(input, dtype)
    return _kept(x, mask, _greatest(x.dtype)).amin(_dims(input, dim), bool(keepdim))


def argmax(input: Any, dim: int | None = None, *, keepdim: bool = False, dtype: Any = None,
           mask: Any = None) -> Any:
    """Where the greatest of what counts is, in the input's type."""
    x = _typed(input, dtype)
    return _kept(x, mask, _least(x.dtype)).argmax(dim, bool(keepdim)).to(x.dtype)


def argmin(input: Any, dim: int | None = None, *, keepdim: bool = False, dtype: Any = None,
           mask: Any = None) -> Any:
    """Where the least of what counts is, in the input's type."""
    x = _typed(input, dtype)
    return _kept(x, mask, _greatest(x.dtype)).argmin(dim, bool(keepdim)).to(x.dtype)


def mean(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The mean of what counts."""
    dims = _dims(input, dim)
    if mask is None:
        return engine.mean(_typed(input, dtype), dims, keepdim=bool(keepdim))
    if (dtype or input.dtype).category < dt.FLOAT:
        raise ValueError(f"mean expects a floating point or complex dtype, got {dtype or input.dtype}")
    total = sum(input, dims, keepdim=keepdim, dtype=dtype, mask=mask)
    return total / _count(input, mask, dims, bool(keepdim))


def median(input: Any, dim: int = -1, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The median of what counts, the lower of two."""
    x = _typed(input, dtype)
    if x.dtype.category < dt.FLOAT:
        if mask is not None and not bool(mask.all()):
            raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
        return x.median(dim, keepdim)[0]
    if mask is None:
        return x.median(dim, keepdim)[0]
    return _kept(x, mask, math.nan).nanmedian(dim, keepdim)[0]


def norm(input: Any, ord: float | None = 2.0, dim: Any = None, *, keepdim: bool = False, dtype: Any = None,
         mask: Any = None) -> Any:
    """The norm of what counts."""
    x = _kept(_typed(input, dtype), mask, math.inf if ord == -math.inf else 0)
    return engine.linalg.vector_norm(x, 2.0 if ord is None else ord, _dims(input, dim), bool(keepdim))


def _spread(input: Any, dim: Any, unbiased: bool | None, correction: Any, keepdim: Any, dtype: Any,
            mask: Any, finish: Callable) -> Any:
    if unbiased is not None and correction is not None:
        raise ValueError("Only one of unbiased and correction may be given")
    less = int(unbiased) if unbiased is not None else 1 if correction is None else correction
    dims = _dims(input, dim)
    x = _typed(input, dtype)
    x = x if x.dtype.category >= dt.FLOAT else x.to(engine.float32)
    count = _count(input, mask, dims, True)
    off = _kept(x - sum(x, dims, keepdim=True, mask=mask) / count, mask, 0)
    total = engine.sum(off * off.conj() if x.is_complex() else off.square(), dims, keepdim=bool(keepdim))
    count = count if keepdim else count.reshape(total.shape)
    if less:
        count = engine.maximum(count - less, engine.tensor(0, dtype=engine.int64))  # type: ignore[operator]
    return finish(total / count).to(x.dtype)


def var(input: Any, dim: Any = None, unbiased: bool | None = None, *, correction: Any = None,
        keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The variance of what counts."""
    return _spread(input, dim, unbiased, correction, keepdim, dtype, mask, lambda v: v)


def std(input: Any, dim: Any = None, unbiased: bool | None = None, *, correction: Any = None,
        keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The standard deviation of what counts."""
    return _spread(input, dim, unbiased, correction, keepdim, dtype, mask, engine.sqrt)


def softmax(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    """Shares of what counts; what is hidden has none."""
    x = _typed(input, dtype)
    return _kept(x, mask, _least(x.dtype)).softmax(_dims(input, dim)[0])


def log_softmax(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    """Logarithms of the shares of what counts."""
    x = _typed(input, dtype)
    return _kept(x, mask, _least(x.dtype)).log_softmax(_dims(input, dim)[0])


def softmin(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    """Shares of what counts, the least having the most."""
    x = _typed(input, dtype)
    return engine.nn.functional.softmin(_kept(x, mask, _greatest(x.dtype)), _dims(input, dim)[0])


def normalize(input: Any, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None,
              mask: Any = None) -> Any:
    """What counts over its norm."""
    x = _typed(input, dtype)
    length = norm(x, ord, dim, keepdim=True, mask=mask).clamp(min=eps)
    return _kept(x, mask, 0) / length


def logaddexp(input: Any, other: Any, *, dtype: Any = None, input_mask: Any = None,
              other_mask: Any = None) -> Any:
    """The logarithm of the sum of the exponentials of both, as far as each counts."""
    a, b = _typed(input, dtype), _typed(other, dtype)
    return engine.logaddexp(_kept(a, input_mask, _least(a.dtype)), _kept(b, other_mask, _least(b.dtype)))


def logsumexp(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None,
              mask: Any = None) -> Any:
    """The logarithm of the sum of the exponentials of what counts."""
    x = _typed(input, dtype)
    return _kept(x, mask, _least(x.dtype)).logsumexp(_dims(input, dim), keepdim=bool(keepdim)).to(x.dtype)
