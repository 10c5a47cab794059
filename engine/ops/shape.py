"""Views: other shapes on the same memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.shape import expand as expand_array
from engine.core.shape import infer_size, sizes_of, wrap_dim
from engine.ops.record import view


def _view(self: Any, *shape: Any) -> Any:
    sizes = infer_size(sizes_of(shape), self.size)
    got = self.reshape(sizes)
    if self.size and got.base is not self and got.base is not self.base and not np.may_share_memory(got, self):
        raise RuntimeError("view size is not compatible with input tensor's size and stride (at least one dimension spans "
                           "across two contiguous subspaces). Use .reshape(...) instead.")
    return got


def _expand(self: Any, *size: Any, implicit: bool = False) -> Any:
    sizes = list(sizes_of(size))
    lead = len(sizes) - self.ndim
    if lead < 0:
        raise RuntimeError(f"expand({{{list(self.shape)}}}, size={sizes}): the number of sizes provided ({len(sizes)}) must "
                           f"be greater or equal to the number of dimensions in the tensor ({self.ndim})")
    for i, n in enumerate(sizes):
        have = self.shape[i - lead] if i >= lead else None
        if n == -1:
            if have is None:
                raise RuntimeError(f"expand({{{list(self.shape)}}}, size={sizes}): the expanded size of the tensor ({n}) "
                                   f"isn't allowed in a leading, non-existing dimension {i}")
            sizes[i] = have
        elif have is not None and have not in (1, n):
            raise RuntimeError(f"The expanded size of the tensor ({n}) must match the existing size ({have}) at "
                               f"non-singleton dimension {i}.  Target sizes: {list(sizes)}.  Tensor sizes: "
                               f"{list(self.shape)}")
    return expand_array(self, tuple(sizes))


view_ = view(
    name="view", inputs=("self",), grad_fn="ViewBackward0", on=("Tensor",),
    formula=r"y = x", text="The same numbers under another shape; the gradient goes back to the old one.",
    forward=_view,
    grads={"self": lambda grad, self_shape: grad.reshape(self_shape)},
)
expand = view(
    name="expand", inputs=("self",), grad_fn="ExpandBackward0", on=("Tensor",),
    formula=r"y = x", text="Repeats without copying; the gradients of all repetitions are summed.",
    forward=_expand,
    grads={"self": lambda grad, self_shape: grad.sum_to_size(self_shape)},
)


def _t(self: Any) -> Any:
    if self.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {self.ndim}D")
    return self.T


t = view(
    name="t", inputs=("self",), grad_fn="TBackward0",
    formula=r"Y = X^{T}", text="Turns rows into columns; the gradient is turned back.",
    forward=_t,
    grads={"self": lambda grad: grad.t()},
)
transpose = view(
    name="transpose", inputs=("self",), grad_fn="TransposeBackward0", aliases=("swapaxes", "swapdims"),
    formula=r"Y = X^{T}", text="Swaps two dimensions; the gradient is swapped back.",
    forward=lambda self, dim0, dim1: self.swapaxes(wrap_dim(dim0, self.ndim), wrap_dim(dim1, self.ndim))
    if self.ndim else self,
    grads={"self": lambda grad, dim0, dim1: grad.transpose(dim0, dim1)},
)
unsqueeze = view(
    name="unsqueeze", inputs=("self",), grad_fn="UnsqueezeBackward0",
    formula=r"y = x", text="Adds a dimension of size 1; the gradient loses it again.",
    forward=lambda self, dim: np.expand_dims(self, wrap_dim(dim, self.ndim + 1)),
    grads={"self": lambda grad, dim: grad.squeeze(dim)},
)
as_strided = view(
    name="as_strided", inputs=("self",), grad_fn="AsStridedBackward0",
    formula=r"y = x", text="Any window on the memory, by sizes and steps.",
    forward=lambda self, size, stride, storage_offset=None: _as_strided(self, size, stride, storage_offset),
    grads={"self": lambda grad, self, size, stride, storage_offset:
           _as_strided_gradient(grad, self, size, stride, storage_offset)},
)


def _as_strided(self: Any, size: Any, stride: Any, storage_offset: int | None) -> Any:
    from engine.core.shape import address, window

    n = self.dtype.itemsize
    root = self
    while isinstance(root.base, np.ndarray):
        root = root.base
    here = (address(self) - address(root)) // n
    offset = here if storage_offset is None else storage_offset
    return window(self, tuple(size), tuple(s * n for s in stride), (offset - here) * n)


def _as_strided_gradient(grad: Any, self: Any, size: Any, stride: Any, storage_offset: int | None) -> Any:
    from engine.autograd.view import AsStridedBackward0

    node = AsStridedBackward0()
    offset = (storage_offset or 0) - self.storage_offset() if storage_offset is not None else 0
    node.where, node.of = (tuple(size), tuple(stride), offset), (self._a.shape, self._a.dtype)
    return node.apply([grad])[0]
