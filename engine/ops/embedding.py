"""Embeddings: rows of a table chosen by number; one-hot vectors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.core import dtype as dt
from engine.ops.record import composite, kernel


def _check_indices(name: str, indices: Any) -> None:
    if indices.dtype not in (np.int64, np.int32):
        raise RuntimeError(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; "
            f"but got torch.{dt.of(indices)._tensor_name} instead (while checking arguments for {name})"
        )


def _embedding(
    weight: Any, indices: Any, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Any:
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    _check_indices("embedding", indices)
    if indices.size and (np.min(indices) < 0 or np.max(indices) >= weight.shape[0]):
        raise IndexError("index out of range in self")
    return np.take(weight, indices, axis=0)


def _embedding_back(
    grad: Any, indices: Any, num_weights: int, padding_idx: int, scale_grad_by_freq: bool
) -> Any:
    width = grad.shape[-1]
    out = np.zeros((num_weights, width), grad.dtype)
    flat, rows = np.asarray(indices).reshape(-1), grad.reshape(-1, width)
    if scale_grad_by_freq and flat.size:
        counts = np.bincount(flat, minlength=num_weights)
        rows = rows / counts[flat][:, None].astype(grad.dtype)
    if padding_idx >= 0:
        keep = flat != padding_idx
        flat, rows = flat[keep], rows[keep]
    np.add.at(out, flat, rows)
    return out


embedding_dense_backward = kernel(
    name="embedding_dense_backward",
    inputs=("grad_output",),
    grad_fn="EmbeddingDenseBackwardBackward0",
    on=("torch",),
    out=False,
    text="The gradient of an embedding: what each row received, added up.",
    forward=lambda grad_output, indices, num_weights, padding_idx, scale_grad_by_freq: _embedding_back(
        grad_output, indices, num_weights, padding_idx, scale_grad_by_freq
    ),
    grads={"grad_output": lambda grad, indices, padding_idx: _embedding_again(grad, indices, padding_idx)},
)


def _embedding_again(grad: Any, indices: Any, padding_idx: int) -> Any:
    rows = embedding(grad, indices, padding_idx)
    if padding_idx >= 0:
        rows = rows.masked_fill((indices == padding_idx).unsqueeze(-1), 0)
    return rows


def _rows_only(grad: Any, indices: Any, num_weights: int, padding_idx: int) -> Any:
    """The gradient as a sparse tensor of the rows in use, for sparse=True."""
    from engine.sparse import SparseTensor

    where = np.asarray(indices._a, np.int64).reshape(-1)
    rows = grad._array().reshape(where.size, -1)
    if padding_idx >= 0:
        where, rows = where[where != padding_idx], rows[where != padding_idx]
    return SparseTensor(where[None], rows, (num_weights, rows.shape[1]), False)


embedding = kernel(
    name="embedding",
    inputs=("weight",),
    grad_fn="EmbeddingBackward0",
    on=("torch",),
    out=False,
    formula=r"y_i = W_{k_i}",
    text="Looks up rows of a table; each row's gradient is the sum over its uses.",
    forward=_embedding,
    grads={
        "weight": lambda grad, weight_shape, indices, padding_idx, scale_grad_by_freq, sparse: (
            _rows_only(grad, indices, weight_shape[0], padding_idx)
            if sparse and not (modes.grad_enabled and grad._rg)
            else embedding_dense_backward(grad, indices, weight_shape[0], padding_idx, scale_grad_by_freq)
        )
    },
    gradients={"weight": r"\textstyle\sum_{i: k_i = r} g_i \text{ for row } r"},
)


def _padding(padding_idx: int | None, rows: int) -> int:
    if padding_idx is None:
        return -1
    if padding_idx > 0:
        if not padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
    elif padding_idx < 0:
        if not padding_idx >= -rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx += rows
    return padding_idx


def _renormed(weight: Any, indices: Any, max_norm: float, norm_type: float) -> None:
    """Shrink in place the rows in use whose norm is above max_norm."""
    used = np.unique(np.asarray(indices._a))
    w = weight._array()
    norms = np.linalg.norm(w[used], ord=norm_type, axis=1)
    long = norms > max_norm
    if long.any():
        w[used[long]] *= (max_norm / (norms[long] + 1e-7)).astype(w.dtype)[:, None]
        weight._bump()


@composite("embedding", on=("nn.functional",), out=False, formula=r"y_i = W_{k_i}")
def functional_embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """Rows of a table, chosen by number."""
    padding_idx = _padding(padding_idx, weight._a.shape[0] if weight._a.ndim else 0)
    if max_norm is not None:
        with modes.no_grad():
            _renormed(weight, input, max_norm, norm_type)
    return embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)


def _bags(indices: Any, offsets: Any, last: bool) -> np.ndarray:
    """For each index, the number of its bag."""
    count = len(offsets) - (1 if last else 0)
    starts = np.zeros(len(indices) + 1, np.int64)
    np.add.at(starts, np.minimum(offsets[:count], len(indices)), 1)
    return np.cumsum(starts[:-1]) - 1


def _embedding_bag(
    weight: Any,
    indices: Any,
    offsets: Any,
    scale_grad_by_freq: bool,
    mode: int,
    sparse: bool,
    per_sample_weights: Any,
    include_last_offset: bool,
    padding_idx: int,
) -> tuple:
    _check_indices("embedding_bag", indices)
    if offsets.size and offsets[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
            "position 0. "
            f"However, got {offsets[0]}"
        )
    if offsets.size and offsets[-1] > len(indices):
        raise RuntimeError(
            "offsets[-1] can not be greater than input's length: "
            f"({len(indices)}) but got offsets[-1] of {offsets[-1]}"
        )
    rows = weight.shape[0]
    if indices.size and (indices.min() < 0 or indices.max() >= rows):
        bad = indices[(indices < 0) | (indices >= rows)][0]
        raise RuntimeError(
            f"embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be {bad}"
        )
    bags = len(offsets) - (1 if include_last_offset else 0)
    bag = _bags(indices, offsets, include_last_offset)
    keep = indices != padding_idx if padding_idx >= 0 else np.ones(len(indices), bool)
    size = (
        np.bincount(bag[keep], minlength=bags)[:bags].astype(np.int64)
        if len(indices)
        else np.zeros(bags, np.int64)
    )
    picked = weight[indices]
    if per_sample_weights is not None:
        picked = picked * per_sample_weights[:, None]
    out = np.zeros((bags, weight.shape[1]), weight.dtype)
    where = np.zeros((bags, weight.shape[1]) if mode == 2 else (0,), np.int64)
    if mode == 2:
        where -= 1
        for i in np.flatnonzero(keep):
            b = bag[i]
            better = (picked[i] > out[b]) | (where[b] < 0)
            out[b][better] = picked[i][better]
            where[b][better] = indices[i]
    else:
        np.add.at(out, bag[keep], picked[keep])
        if mode == 1:
            out /= np.maximum(size, 1)[:, None].astype(out.dtype)
    return out, bag, size, where


def _bag_gradient(
    grad: Any,
    weight: Any,
    indices: Any,
    scale_grad_by_freq: bool,
    mode: int,
    per_sample_weights: Any,
    padding_idx: int,
    result1: Any,
    result2: Any,
    result3: Any,
    needs: tuple,
) -> tuple:
    T = nodes.Tensor
    g, w, at = grad._a, weight._a, indices._a
    rows = g[result1._a]
    if mode == 1:
        rows = rows / np.maximum(result2._a, 1)[result1._a][:, None].astype(g.dtype)
    keep = at != padding_idx if padding_idx >= 0 else np.ones(len(at), bool)
    gw = gs = None
    if "weight" in needs:
        out = np.zeros(w.shape, g.dtype)
        if mode == 2:
            b, c = np.nonzero(result3._a >= 0)
            np.add.at(out, (result3._a[b, c], c), g[b, c])
        else:
            each = rows if per_sample_weights is None else rows * per_sample_weights._a[:, None]
            if scale_grad_by_freq:
                each = each / np.bincount(at, minlength=len(w))[at][:, None].astype(g.dtype)
            np.add.at(out, at[keep], each[keep])
        gw = T._of(out)
    if "per_sample_weights" in needs:
        gs = T._of(np.add.reduce(rows * w[at], axis=1) * keep)
    return gw, gs


embedding_bag = kernel(
    name="_embedding_bag",
    inputs=("weight", "per_sample_weights"),
    grad_fn="EmbeddingBagBackward0",
    on=("torch",),
    out=False,
    nondiff=(1, 2, 3),
    formula=r"y_b = \sum_{i \in b} W_{k_i}",
    text="Looks up rows of a table and adds, averages or takes the largest of each bag of them.",
    forward=_embedding_bag,
    grads={("weight", "per_sample_weights"): _bag_gradient},
)
BAG_MODES = {"sum": 0, "mean": 1, "max": 2}


@composite("embedding_bag", on=("nn.functional",), out=False)
def functional_embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """Rows of a table, added, averaged or maximised in bags.

    Raises: ValueError, TypeError where the arguments do not fit together."""
    T = nodes.Tensor
    if weight._a.dtype == np.int64 and input.is_floating_point():
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage `embedding_bag(weight, "
            "input, ...)` "
            "is deprecated, and should now be `embedding_bag(input, weight, ...)`.",
            stacklevel=3,
        )
        weight, input = input, weight
    if per_sample_weights is not None and input.size() != per_sample_weights.size():
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it "
            f"must have "
            f"the same shape as the input ({input.shape})"
        )
    if weight._a.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}")
    if input._a.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed "
                f"length sequences. However, found offsets of type {type(offsets)}"
            )
        n, width = input._a.shape
        offsets = T._of(np.arange(0, n * width, width) if width else np.zeros(n, np.int64))
        input = input.reshape(-1)
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights.reshape(-1)
    elif input._a.ndim == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets._a.ndim != 1:
            raise ValueError("offsets has to be a 1D Tensor")
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    if mode not in BAG_MODES:
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if max_norm is not None:
        with modes.no_grad():
            _renormed(weight, input, max_norm, norm_type)
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for "
            f"mode='sum' (got mode='{mode}'). Please open a feature request on GitHub."
        )
    padding = -1 if padding_idx is None else padding_idx
    if padding_idx is not None:
        padding = _bag_padding(padding_idx, weight._a.shape[0])
    return embedding_bag(
        weight,
        input,
        offsets,
        scale_grad_by_freq,
        BAG_MODES[mode],
        sparse,
        per_sample_weights,
        include_last_offset,
        padding,
    )[0]


def _bag_padding(index: int, rows: int) -> int:
    if not -rows <= index < rows:
        raise RuntimeError(
            "padding_idx must be within the number of embeddings, -"
            f"{rows} through {rows - 1}, but got {index}"
        )
    return index + rows if index < 0 else index


@composite("one_hot", on=("nn.functional",), out=False)
def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """A vector for each number, 1 at its place and 0 elsewhere.

    Raises: RuntimeError for a number outside the classes."""
    a = tensor._array()
    if a.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if not a.size:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return nodes.Tensor._of(np.zeros((*a.shape, num_classes), np.int64))
    if a.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(a.max()) + 1
    elif num_classes < 1:
        raise RuntimeError("num_classes should be positive")
    elif a.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    out = np.zeros((*a.shape, num_classes), np.int64)
    np.put_along_axis(out, a[..., None], 1, -1)
    return nodes.Tensor._of(out)
