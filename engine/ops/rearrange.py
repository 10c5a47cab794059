"""The same elements in another arrangement, copied: flip, roll, repeat, triangles, diagonals."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from engine.core.shape import sizes_of, wrap_dim, wrap_dims
from engine.ops.formula import OPS
from engine.ops.part import diagonal_of
from engine.ops.record import composite, kernel


def _dims(dims: Any, ndim: int) -> tuple[int, ...]:
    dims = sizes_of(dims) if isinstance(dims, tuple) else (dims,)
    return wrap_dims(dims, ndim) if dims else ()


flip: Any = kernel(
    name="flip", inputs=("self",), formula=r"y_i = x_{n-1-i}", text="Reverses dimensions; the gradient is "
              "reversed back.",
    out=False, forward=lambda self, *dims: np.array(np.flip(self, _dims(dims, self.ndim)), order="C"),
    grads={"self": lambda grad, dims: grad.flip(*dims)},
)


@composite("fliplr", out=False)
def fliplr(self: Any) -> Any:
    """Left and right swapped."""
    if self._a.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return self.flip(1)


@composite("flipud", out=False)
def flipud(self: Any) -> Any:
    """Up and down swapped."""
    if self._a.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return self.flip(0)


def _rot90(self: Any, k: int = 1, dims: Any = (0, 1)) -> Any:
    dims = tuple(dims)
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if self.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {self.ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == self.ndim:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = "
                           f"{dims[1]}")
    first, second = (wrap_dim(d, self.ndim) for d in dims)
    k %= 4
    if not k:
        return np.array(self, order="C")
    if k == 2:
        return np.ascontiguousarray(np.flip(self, (first, second)))
    return np.ascontiguousarray(np.flip(self, second if k == 1 else first)).swapaxes(first, second)


rot90: Any = kernel(
    name="rot90", inputs=("self",), text="Turns a plane by quarter turns; the gradient is turned back.",
               forward=_rot90,
    out=False, grads={"self": lambda grad, k, dims: grad.rot90(-k, dims)},
)


def _roll(self: Any, shifts: Any, dims: Any = None) -> Any:
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    dims = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if not shifts:
        raise RuntimeError("`shifts` required")
    if not dims and len(shifts) == 1:
        return np.roll(self, shifts[0])
    if len(shifts) != len(dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if not self.ndim and dims:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    for d in dims:
        wrap_dim(d, self.ndim)
    return np.roll(self, shifts, dims) if self.ndim else np.array(self)


roll: Any = kernel(
    name="roll", inputs=("self",), text="Pushes entries along, those that fall off come in again on the "
              "other side.",
    forward=_roll, out=False,
    grads={"self": lambda grad, shifts, dims:
           grad.roll(-shifts if isinstance(shifts, int) else [-s for s in shifts], dims)},
)


def _repeat(self: Any, *repeats: Any) -> Any:
    times = sizes_of(repeats)
    if len(times) < self.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions "
                           "of tensor")
    for i, n in enumerate(times):
        if n < 0:
            whole = [m * s for m, s in zip(times, (1,) * (len(times) - self.ndim) + self.shape)]
            raise RuntimeError(f"Trying to create tensor with negative dimension {whole[i]}: {whole}")
    return np.tile(self, times) if times else np.array(self)


def _repeat_gradient(grad: Any, repeats: tuple, self_shape: tuple[int, ...]) -> Any:
    times = sizes_of(repeats)
    if 0 in times:
        return grad.new_zeros(self_shape)
    shape = (1,) * (len(times) - len(self_shape)) + tuple(self_shape)
    apart = [n for pair in zip(times, shape) for n in pair]
    if not apart:
        return grad
    return grad.reshape(apart).sum(list(range(0, len(apart), 2))).reshape(self_shape)


repeat: Any = kernel(
    name="repeat", inputs=("self",), on=("Tensor",), out=False,
    text="Copies side by side; the gradients of all copies are added.",
    forward=_repeat, grads={"self": _repeat_gradient},
)


@composite("tile", out=False)
def tile(self: Any, *dims: Any) -> Any:
    """Copies side by side, counted from the last dimension."""
    times = sizes_of(dims)
    return self.repeat((1,) * (self._a.ndim - len(times)) + tuple(times))


@composite("repeat_interleave", out=False)
def repeat_interleave(self: Any, repeats: Any = None, dim: int | None = None, *,
                      output_size: int | None = None) -> Any:
    """Each entry several times in a row."""
    if repeats is None:
        return _times_of(self)
    if hasattr(repeats, "_a"):
        if repeats._a.dtype.kind not in "iu":
            raise RuntimeError("repeats has to be Long or Int tensor")
        if repeats._a.size == 1:
            repeats = int(repeats._a.reshape(-1)[0])
    x = self
    if dim is None:
        x, dim = self.flatten(), 0
    if isinstance(repeats, int):
        if repeats < 0:
            raise RuntimeError("Repeats must be non-negative")
        x = x if x._a.ndim else x.reshape(1)
        d = wrap_dim(dim, x._a.ndim)
        shape = x._a.shape
        wide = x.unsqueeze(d + 1).expand(*shape[:d + 1], repeats, *shape[d + 1:])
        return wide.clone(memory_format=_contiguous()).view((*shape[:d], shape[d] * repeats, *shape[d + 1:]))
    return x.index_select(dim, _times_of(repeats, x._a.shape[wrap_dim(dim, x._a.ndim)]))


def _contiguous() -> Any:
    from engine.core.layout import contiguous_format

    return contiguous_format


def _times_of(repeats: Any, size: int | None = None) -> Any:
    from engine.ops.creation import made

    times = repeats._a
    if times.ndim != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat" if size is None else
                           "repeats must be 0-dim or 1-dim tensor")
    if times.dtype.kind not in "iu":
        raise RuntimeError("repeats has to be Long or Int tensor")
    if (times < 0).any():
        raise RuntimeError("repeats can not be negative")
    if size is not None and times.size != size:
        raise RuntimeError("repeats must have the same size as input along dim, but got repeats.size(0) = "
                           f"{times.size} and input.size(0) = {size}")
    return made(np.repeat(np.arange(times.size, dtype=times.dtype), times))


# -- triangles and diagonals ---------------------------------------------------------------------------------


def _triangle(upper: bool) -> Any:
    def forward(self: Any, diagonal: int = 0) -> Any:
        if self.ndim < 2:
            raise RuntimeError(f"{'triu' if upper else 'tril'}: input tensor must have at least 2 dimensions")
        cut = np.triu if upper else np.tril
        return np.ascontiguousarray(cut(self, diagonal).astype(self.dtype, copy=False))

    return forward


tril: Any = kernel(
    name="tril", inputs=("self",), inplace=True, formula=r"y_{ij} = x_{ij} [j \leq i]",
    text="Keeps the lower triangle; the gradient's upper one is cut too.", forward=_triangle(False),
    grads={"self": lambda grad, diagonal: grad.tril(diagonal)},
)
triu: Any = kernel(
    name="triu", inputs=("self",), inplace=True, formula=r"y_{ij} = x_{ij} [j \geq i]",
    text="Keeps the upper triangle; the gradient's lower one is cut too.", forward=_triangle(True),
    grads={"self": lambda grad, diagonal: grad.triu(diagonal)},
)


def _diag_embed(self: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    ndim = self.ndim + 1
    first, second = wrap_dim(dim1, ndim), wrap_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    n = self.shape[-1] + abs(offset)
    shape = list(self.shape[:-1])
    for d in sorted((first, second)):
        shape.insert(d, n)
    out = np.zeros(shape, self.dtype)
    diagonal_of(out, offset, first, second)[...] = self
    return out


diag_embed: Any = kernel(
    name="diag_embed", inputs=("self",), out=False, formula=r"Y = \mathrm{diag}(x)",
    text="Puts rows on the diagonals of matrices; the gradient is taken from there.", forward=_diag_embed,
    grads={"self": lambda grad, offset, dim1, dim2: grad.diagonal(offset, dim1, dim2)},
)


@composite("diag")
def diag(self: Any, diagonal: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix with this diagonal."""
    if self._a.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {self._a.ndim}D")
    if self._a.ndim == 1:
        return diag_embed(self, diagonal)
    return OPS["diagonal_copy"](self, diagonal)


@composite("diagflat", out=False)
def diagflat(self: Any, offset: int = 0) -> Any:
    """The matrix with all elements on its diagonal."""
    return diag_embed(self.contiguous().view(-1), offset)


@composite("fill_diagonal_", on=("Tensor",), out=False)
def fill_diagonal_(self: Any, fill_value: Any, wrap: bool = False) -> Any:
    """The main diagonal set to a number, in place."""
    shape = self._a.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    strides = self.stride()
    step, count = sum(strides), min(shape)
    self.as_strided((count,), (step,), self.storage_offset()).fill_(fill_value)
    if wrap and len(shape) == 2 and shape[0] > shape[1] + 1:
        more = -(-(self._a.size - step * shape[1] - strides[0]) // step) if prod(shape) else 0
        at = self.storage_offset() + strides[0] * (shape[1] + 1)
        self.as_strided((max(more, 0),), (step,), at).fill_(fill_value)
    return self
