"""Copies where views would share memory (NAME_copy), and views written back into a copy (NAME_scatter)."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.shape import wrap_dims
from engine.ops import part, shape
from engine.ops.record import Op, composite, kernel, place


def _fresh(result: Any) -> Any:
    return tuple(np.array(r, order="C") for r in result) if type(result) is tuple else np.array(result,
                                                                                                order="C")


def _copying(name: str, function: Any, on: tuple[str, ...] = ("torch",)) -> Any:
    """NAME_copy of a view's record."""
    op = function.op if hasattr(function, "op") else function

    def forward(*args: Any, **kwargs: Any) -> Any:
        return _fresh(op.forward(*op.bind(*args, **kwargs)))

    forward.__signature__ = op.signature  # type: ignore[attr-defined]
    return kernel(name=name, inputs=op.inputs, grad_fn=op.grad_fn + "_copy", on=on, formula=op.formula,
                  text=f"{op.text} The result is a copy.", forward=forward, grads=op.grads)


for _name, _function in {
    "select_copy": part.select, "slice_copy": part.slice_, "diagonal_copy": part.diagonal,
                         "unfold_copy": part.unfold,
    "as_strided_copy": part.as_strided, "split_copy": part.split_even, "unbind_copy": part.unbind,
    "split_with_sizes_copy": part.split_with_sizes, "unsqueeze_copy": shape.unsqueeze, "t_copy": shape.t,
    "transpose_copy": shape.transpose, "view_copy": shape._viewing, "permute_copy": shape.permute,
    "expand_copy": shape.expand, "alias_copy": shape.alias,
}.items():
    _copying(_name, _function)

_squeeze_all = _copying("squeeze_copy.all", shape.squeeze_all, ())
_squeeze_dim = _copying("squeeze_copy.dim", shape.squeeze_dim, ())
_squeeze_dims = _copying("squeeze_copy.dims", shape.squeeze_dims, ())


@composite("squeeze_copy", on=("torch",))
def squeeze_copy(self: Any, dim: Any = None) -> Any:
    """squeeze whose result is a copy."""
    if dim is None:
        return _squeeze_all(self)
    return _squeeze_dims(self, tuple(dim)) if isinstance(dim, (tuple, list)) else _squeeze_dim(self, dim)


@composite("detach_copy", on=("torch",))
def detach_copy(self: Any) -> Any:
    """A copy without history."""
    return self.detach().clone()


def _narrow_copy(self: Any, dim: int, start: int, length: int) -> Any:
    if not self.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if dim >= self.ndim:
        raise RuntimeError("Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got "
                           "false.  (Could this error message be improved?  If so, please report an "
                           "enhancement request to PyTorch.)")
    d, = wrap_dims(dim, self.ndim)
    n = self.shape[d]
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start = start + n if start < 0 else start
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return _fresh(self[(slice(None),) * d + (slice(start, start + length),)])


narrow_copy: Any = kernel(
    name="narrow_copy", inputs=("self",), text="A stretch along a dimension, copied.", forward=_narrow_copy,
    grads={"self": lambda grad, self_shape, dim, start, length:
           part.slice_backward(grad, self_shape, dim, start + self_shape[dim] if start < 0 else start,
                               (start + self_shape[dim] if start < 0 else start) + length, 1)},
)


def _unsafe(name: str, function: Any, grad_fn: str) -> Any:
    op: Op = function.op

    def forward(*args: Any, **kwargs: Any) -> Any:
        return _fresh(op.forward(*op.bind(*args, **kwargs)))

    forward.__signature__ = op.signature  # type: ignore[attr-defined]
    return kernel(name=name, inputs=op.inputs, grad_fn=grad_fn, formula=op.formula, text=op.text,
                  forward=forward,
                  grads=op.grads, out=False)


unsafe_split = _unsafe("unsafe_split", part.split_even, "UnsafeSplitBackward0")
unsafe_split_with_sizes = _unsafe("unsafe_split_with_sizes", part.split_with_sizes,
                                  "UnsafeSplitWithSizesBackward0")


@composite("unsafe_chunk", out=False)
def unsafe_chunk(self: Any, chunks: int, dim: int = 0) -> tuple:
    """chunk whose pieces may be changed in place one by one."""
    size = part.chunk_size(self._a, chunks, dim)
    return unsafe_split(self, size, dim) if size else unsafe_split_with_sizes(self, [0] * chunks, dim)


# -- written back --------------------------------------------------------------------------------------------


def _written(self: Any, src: Any, window: Any, *args: Any) -> Any:
    """A copy of self with src in the window that a view's record gives."""
    made = np.array(self, order="C")
    target = window.op.forward(made, *args)
    if target.shape != src.shape:
        raise RuntimeError("expected src to have a size equal to the slice of self. src size = "
                           f"{list(src.shape)}, slice size = {list(target.shape)}")
    target[...] = src
    return made


_WRITTEN = "A copy with one part replaced; the part's gradient goes to what replaced it."
select_scatter: Any = kernel(
    name="select_scatter", inputs=("self", "src"), text=_WRITTEN,
    forward=lambda self, src, dim, index: _written(self, src, part.select, dim, index),
    grads={"self": lambda grad, src_shape, dim, index:
           select_scatter(grad, grad.new_zeros(src_shape), dim, index),
           "src": lambda grad, dim, index: grad.select(dim, index)},
)
slice_scatter: Any = kernel(
    name="slice_scatter", inputs=("self", "src"), text=_WRITTEN,
    forward=lambda self, src, dim=0, start=None, end=None, step=1:
    _written(self, src, part.slice_, dim, start, end, step),
    grads={"self": lambda grad, src_shape, dim, start, end, step:
           slice_scatter(grad, grad.new_zeros(src_shape), dim, start, end, step),
           "src": lambda grad, dim, start, end, step: part.slice_(grad, dim, start, end, step)},
)
diagonal_scatter: Any = kernel(
    name="diagonal_scatter", inputs=("self", "src"), text=_WRITTEN,
    forward=lambda self, src, offset=0, dim1=0, dim2=1:
    _written(self, src, part.diagonal, offset, dim1, dim2),
    grads={"self": lambda grad, src_shape, offset, dim1, dim2:
           diagonal_scatter(grad, grad.new_zeros(src_shape), offset, dim1, dim2),
           "src": lambda grad, offset, dim1, dim2: grad.diagonal(offset, dim1, dim2)},
)
as_strided_scatter: Any = kernel(
    name="as_strided_scatter", inputs=("self", "src"), text=_WRITTEN,
    forward=lambda self, src, size, stride, storage_offset=None:
    _written(self, src, part.as_strided, size, stride, storage_offset),
    grads={"self": lambda grad, src_shape, size, stride, storage_offset:
           as_strided_scatter(grad.contiguous(), grad.new_zeros(src_shape), size, stride, storage_offset),
           "src": lambda grad, size, stride, storage_offset:
           grad.contiguous().as_strided(size, stride, storage_offset)},
)
place(unsafe_split_with_sizes, "unsafe_split_with_sizes", ("torch", "Tensor"))
