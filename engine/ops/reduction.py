"""Reductions: many elements to one."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.core.shape import wrap_dims
from engine.ops.record import kernel


def _sum(self: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    kind = dtype.numpy if dtype is not None else np.int64 if self.dtype.kind in "biu" else None
    if dim is None and kind is None and not keepdim:
        return np.add.reduce(self, axis=None)
    axes = wrap_dims(dim, self.ndim)
    if kind is not None and self.dtype != kind:
        self = self.astype(kind)
    return np.add.reduce(self, axis=axes if self.ndim else None, keepdims=keepdim)


def spread(grad: Any, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Any:
    """A reduction's gradient repeated over the elements it came from."""
    if not keepdim and shape and dim is not None:
        for d in sorted(wrap_dims(dim, len(shape))):
            grad = grad.unsqueeze(d)
    return grad.expand(shape)


sum = kernel(  # noqa: A001
    name="sum", inputs=("self",), grad_fn="SumBackward0",
    formula=r"y = \sum_i x_i",
    text="Adds up; every element gets the same gradient back.",
    forward=_sum,
    grads={"self": lambda grad, self_shape, dim, keepdim: spread(grad, self_shape, dim, keepdim)},
)


def _mean(self: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    if dtype is not None:
        self = self.astype(dtype.numpy)
    if self.dtype.kind in "biu":
        raise RuntimeError("mean(): could not infer output dtype. Input dtype must be either a floating point or complex "
                           f"dtype. Got: {dt.scalar_type_name(dt.of(self))}")
    axes = wrap_dims(dim, self.ndim)
    count = 1
    for a in axes:
        count *= self.shape[a] if self.ndim else 1
    total = np.add.reduce(self, axis=axes if self.ndim else None, keepdims=keepdim)
    return total / total.dtype.type(count)


mean = kernel(
    name="mean", inputs=("self",), grad_fn="MeanBackward0",
    formula=r"y = \frac{1}{n} \sum_i x_i",
    text="Averages; every element gets the gradient divided by how many there are.",
    forward=_mean,
    grads={"self": lambda grad, self_shape, dim, keepdim:
           spread(grad, self_shape, dim, keepdim) / max(1, prod(self_shape) // max(1, grad.numel()))},
)
