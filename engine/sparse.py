"""Sparse tensors in coordinate form (torch.sparse); optimizers take them, other ops see them dense."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.layout import layout, sparse_coo
from engine.core.shape import Size
from engine.tensor import Tensor

__all__ = ["SparseTensor", "mm", "sparse_coo_tensor", "sum"]


class SparseTensor(Tensor):
    """Values at given indices, zero elsewhere. An op that knows nothing of it gets the dense array."""

    __module__ = "torch"

    def __init__(
        self, indices: np.ndarray, values: np.ndarray, shape: tuple[int, ...], coalesced: bool
    ) -> None:
        self._where = indices
        self._what = values
        self._size = tuple(shape)
        self._is_coalesced = coalesced

    @property
    def _a(self) -> Any:  # type: ignore[override]
        dense = np.zeros(self._size, self._what.dtype)
        np.add.at(dense, tuple(self._where), self._what)
        return dense

    is_sparse = True  # type: ignore[assignment]

    @property
    def shape(self) -> Size:
        """The size of each dimension."""
        return Size(self._size)

    @property
    def layout(self) -> layout:
        """torch.sparse_coo."""
        return sparse_coo

    def coalesce(self) -> SparseTensor:
        """The same tensor with each index once, in order; values of equal indices are added."""
        if self._is_coalesced:
            return self
        lengths = self._size[: len(self._where)]
        flat = (
            np.ravel_multi_index(tuple(self._where), lengths) if self._where.size else np.empty(0, np.int64)
        )
        unique, place = np.unique(flat, return_inverse=True)
        values = np.zeros((unique.size, *self._what.shape[1:]), self._what.dtype)
        np.add.at(values, place, self._what)
        where = np.array(np.unravel_index(unique, lengths), np.int64).reshape(len(self._where), unique.size)
        return SparseTensor(where, values, self._size, True)

    def is_coalesced(self) -> bool:
        """Whether each index is there once, in order."""
        return self._is_coalesced

    def _indices(self) -> Tensor:
        return Tensor._of(self._where)

    def _values(self) -> Tensor:
        return Tensor._of(self._what)

    def _nnz(self) -> int:
        return self._what.shape[0]

    def indices(self) -> Tensor:
        """The coordinates, one column for each value.

        Raises: RuntimeError before coalesce()."""
        return self._if_coalesced("indices")._indices()

    def values(self) -> Tensor:
        """The values.

        Raises: RuntimeError before coalesce()."""
        return self._if_coalesced("values")._values()

    def _if_coalesced(self, what: str) -> SparseTensor:
        if not self._is_coalesced:
            raise RuntimeError(f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first")
        return self

    def sparse_dim(self) -> int:
        """How many dimensions the indices name."""
        return len(self._where)

    def dense_dim(self) -> int:
        """How many dimensions each value has."""
        return self._what.ndim - 1

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """The tensor with its zeros."""
        dense = Tensor._of(self._a)
        return dense if dtype is None else dense.to(dtype)  # type: ignore[attr-defined]

    def to_sparse(self, sparse_dim: Any = None, **_: Any) -> SparseTensor:
        """The tensor itself."""
        return self

    def detach(self) -> SparseTensor:
        """The same values without history."""
        return SparseTensor(self._where, self._what, self._size, self._is_coalesced)

    def clone(self, **_: Any) -> SparseTensor:
        """A copy."""
        return SparseTensor(self._where.copy(), self._what.copy(), self._size, self._is_coalesced)

    def __neg__(self) -> SparseTensor:
        return SparseTensor(self._where, -self._what, self._size, self._is_coalesced)

    neg = __neg__

    def __add__(self, other: Any) -> Any:
        """The sum: sparse with a sparse tensor, dense with a dense one."""
        if not isinstance(other, SparseTensor):
            return self.to_dense() + other
        where, what = np.hstack([self._where, other._where]), np.concatenate([self._what, other._what])
        return SparseTensor(where, what, self._size, False)

    def zero_(self) -> SparseTensor:
        """No values any more."""
        self._where, self._what, self._is_coalesced = self._where[:, :0], self._what[:0], True
        return self

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        parts = [
            f"indices={self._indices()!r}",
            f"values={self._values()!r}",
            f"size={self._size}, nnz={self._nnz()}, layout=torch.sparse_coo"
            + (", requires_grad=True" if self.requires_grad else ""),
        ]
        shown = [part.replace("\n", "\n       " + " " * (part.index("=") + 1)) for part in parts]
        return "tensor(" + ",\n       ".join(shown) + ")"


def sparse_coo_tensor(
    indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    check_invariants: Any = None,
    is_coalesced: bool | None = None,
) -> SparseTensor:
    """A tensor with `values` at `indices` (one row a dimension), zero elsewhere.

    Raises: RuntimeError for an index outside the size."""
    where = np.array(indices.numpy() if isinstance(indices, Tensor) else indices, np.int64)
    where = where.reshape(1, -1) if where.ndim == 1 else where
    given = values if isinstance(values, Tensor) else _tensor(values)
    what = (given if dtype is None else given.to(dtype)).detach()._array()  # type: ignore[attr-defined]
    if size is None:
        size = (*((where.max(axis=1) + 1).tolist() if where.size else [0] * len(where)), *what.shape[1:])
    size = tuple(int(n) for n in size)
    if where.shape[1] != what.shape[0]:
        raise RuntimeError(
            f"number of indices and values must match, got {where.shape[1]} and {what.shape[0]}"
        )
    for axis, row in enumerate(where):
        if row.size and (row.min() < 0 or row.max() >= size[axis]):
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {axis}, size is {size[axis]} but found "
                f"index {int(row.max())}"
            )
    return SparseTensor(where, what, size, bool(is_coalesced))


def _tensor(values: Any) -> Tensor:
    from engine.ops.creation import as_tensor

    return as_tensor(values)


def to_sparse(t: Tensor) -> SparseTensor:
    """The non-zero elements of a dense tensor with their indices."""
    a = t._array()
    where = np.nonzero(a)
    return SparseTensor(np.array(where, np.int64).reshape(a.ndim, -1), a[where], a.shape, True)


def mm(mat1: Any, mat2: Any) -> Tensor:
    """The dense product of a sparse and a dense matrix."""
    return mat1.to_dense() @ mat2 if mat1.is_sparse else mat1 @ mat2


spmm = mm
"""PyTorch's older name."""


def sum(input: Any, dim: Any = None, dtype: Any = None) -> Tensor:
    """The sum of all elements, or along dimensions, dense."""
    dense = input.to_dense(dtype)
    return dense.sum() if dim is None else dense.sum(dim)
