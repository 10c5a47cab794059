"""Putting tensors together: cat, stack and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.core.shape import wrap_dim
from engine.ops.record import composite, kernel


def _promoted(arrays: Any, name: str) -> list:
    if not len(arrays):
        if name == "torch.cat":
            raise ValueError("torch.cat(): expected a non-empty list of Tensors")
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    for i, a in enumerate(arrays):
        if not hasattr(a, "dtype"):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(a).__name__}")
    first = arrays[0].dtype
    for a in arrays:
        if a.dtype is not first:
            break
    else:
        return list(arrays)
    kind = dt.result_type(list(arrays)).numpy
    return [a.astype(kind) if a.dtype != kind else a for a in arrays]


def _cat(tensors: Any, dim: int = 0) -> Any:
    if isinstance(tensors, (np.ndarray, np.generic)):
        raise TypeError("cat(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    if len(tensors) > 1:
        first = tensors[0]
        kind, ndim = getattr(first, "dtype", None), getattr(first, "ndim", 0)
        if ndim > 1 and -ndim <= dim < ndim and all(getattr(a, "dtype", None) is kind for a in tensors):
            try:
                return np.concatenate(tensors, dim)
            except ValueError:
                pass  # said in PyTorch's words below, or an old empty tensor among them
    arrays = _promoted(tensors, "torch.cat")
    for i, a in enumerate(arrays):
        if not a.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    used = [a for a in arrays if a.shape != (0,)]
    if not used:
        return np.empty(0, arrays[0].dtype)
    dim = wrap_dim(dim, used[0].ndim)
    try:
        return np.concatenate(used, axis=dim)
    except ValueError:
        first = used[0]
        for i, a in enumerate(used):
            if a.ndim != first.ndim:
                raise RuntimeError("Tensors must have same number of dimensions: got "
                                   f"{first.ndim} and {a.ndim}") from None
            if any(x != y for d, (x, y) in enumerate(zip(first.shape, a.shape)) if d != dim):
                bad = next(d for d, (x, y) in enumerate(zip(first.shape, a.shape)) if d != dim and x != y)
                raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}. Expected size "
                                   f"{first.shape[bad]} but got size {a.shape[bad]} for tensor number {i} in "
                                   "the list.") \
                    from None
        raise


def _cat_gradient(grad: Any, tensors_shape: list, dim: int, node: Any) -> list:
    out, at = [], 0
    for shape, (fn, _) in zip(tensors_shape, node.next_functions):
        if shape == (0,):
            out.append(None if fn is None else grad.new_zeros(0))
            continue
        d = wrap_dim(dim, len(shape))
        out.append(None if fn is None else grad.narrow(d, at, shape[d]))
        at += shape[d]
    return out


cat: Any = kernel(
    name="cat", inputs=("tensors",), grad_fn="CatBackward0", on=("torch",), aliases=("concat", "concatenate"),
    formula=r"y = [x_1, x_2, \ldots]", text="Puts tensors one behind the other; each gets its stretch of the "
             "gradient.",
    forward=_cat, grads={"tensors": _cat_gradient},
)


def _stack(tensors: Any, dim: int = 0) -> Any:
    if not len(tensors):
        raise RuntimeError("stack expects a non-empty TensorList")
    first = tensors[0].shape
    for i, a in enumerate(tensors):
        if a.shape != first:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(first)} at entry "
                               "0 and "
                               f"{list(a.shape)} at entry {i}")
    return np.stack(_promoted(tensors, "stack"), axis=wrap_dim(dim, len(first) + 1))


stack: Any = kernel(
    name="stack", inputs=("tensors",), grad_fn="StackBackward0", on=("torch",),
    formula=r"y = [x_1; x_2; \ldots]", text="Puts tensors along a new dimension; each gets its entry of the "
               "gradient.",
    forward=_stack, grads={"tensors": lambda grad, dim: list(grad.unbind(dim))},
)


def _tensors(tensors: Any, name: str) -> list:
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return tensors


@composite("hstack", on=("torch",))
def hstack(tensors: Any) -> Any:
    """Side by side: along the second dimension, or the only one."""
    ts = [t.reshape(1) if not t._a.ndim else t for t in _tensors(tensors, "hstack")]
    return cat(ts, 0 if ts[0]._a.ndim == 1 else 1)


@composite("vstack", on=("torch",), aliases=("row_stack",))
def vstack(tensors: Any) -> Any:
    """One below the other."""
    return cat([t.reshape(1, 1) if not t._a.ndim else t.unsqueeze(0) if t._a.ndim == 1 else t
                for t in _tensors(tensors, "vstack")], 0)


@composite("dstack", on=("torch",))
def dstack(tensors: Any) -> Any:
    """One behind the other, along the third dimension."""
    from engine.ops.shape import atleast_3d

    return cat([atleast_3d(t) for t in _tensors(tensors, "dstack")], 2)


@composite("column_stack", on=("torch",))
def column_stack(tensors: Any) -> Any:
    """Vectors as columns, matrices as they are, side by side."""
    return cat([t.reshape(t._a.size, 1) if t._a.ndim <= 1 else t for t in _tensors(tensors, "column_stack")],
               1)


def _block_diag(tensors: Any) -> Any:
    arrays = _promoted(tensors, "block_diag")
    for i, a in enumerate(arrays):
        if a.ndim > 2:
            raise RuntimeError("torch.block_diag: Input tensors must have 2 or fewer dimensions. Input "
                               f"{i} has {a.ndim} dimensions")
    blocks = [np.atleast_2d(a) for a in arrays]
    out = np.zeros((sum(b.shape[0] for b in blocks), sum(b.shape[1] for b in blocks)), arrays[0].dtype)
    r = c = 0
    for b in blocks:
        out[r:r + b.shape[0], c:c + b.shape[1]] = b
        r, c = r + b.shape[0], c + b.shape[1]
    return out


def _block_diag_gradient(grad: Any, tensors_shape: list, node: Any) -> list:
    out, r, c = [], 0, 0
    for shape, (fn, _) in zip(tensors_shape, node.next_functions):
        rows, columns = (1,) * (2 - len(shape)) + tuple(shape)
        out.append(None if fn is None else grad[r:r + rows, c:c + columns].reshape(shape))
        r, c = r + rows, c + columns
    return out


_blocks: Any = kernel(
    name="block_diag.list", inputs=("tensors",), grad_fn="BlockDiagBackward0", on=(),
                 formula=r"Y = \mathrm{diag}(X_1, X_2)",
    text="Matrices along the diagonal, zero elsewhere.", forward=_block_diag,
                 grads={"tensors": _block_diag_gradient},
)


@composite("block_diag", on=("torch",), out=False)
def block_diag(*tensors: Any) -> Any:
    """Matrices along the diagonal, zero elsewhere."""
    return _blocks(list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (list, tuple))
                   else list(tensors))


@composite("cartesian_prod", on=("torch",), out=False)
def cartesian_prod(*tensors: Any) -> Any:
    """Every choice of one element from each vector, as rows."""
    from engine.ops.creation import meshgrid

    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    for t in tensors:
        if t._a.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(t._a.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([g.flatten() for g in meshgrid(*tensors, indexing="ij")], 1)


@composite("combinations", out=False)
def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """Every choice of r elements, as rows."""
    from engine.ops.creation import made, meshgrid

    if input._a.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input._a.shape)}")
    if r < 0:
        raise RuntimeError("Expect a non-negative number, but got " + str(r))
    if not r:
        return input.new_empty(0)
    n = input._a.size
    grids = np.meshgrid(*[np.arange(n)] * r, indexing="ij")
    keep = np.ones((n,) * r, bool)
    for a, b in zip(grids, grids[1:]):
        keep &= a <= b if with_replacement else a < b
    mask = made(keep)
    return stack([g.masked_select(mask) for g in meshgrid(*[input] * r, indexing="ij")], 1)
