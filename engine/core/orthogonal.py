"""An orthogonal matrix from any matrix: Q of its QR decomposition, signed so that R's diagonal is positive.

Small matrices go through Householder reflections step by step, in the arithmetic of the reference LAPACK,
which gives PyTorch's bits there; larger ones through numpy's LAPACK.

Source: LAPACK Users' Guide, third edition (1999): geqr2, larfg, lapy2, org2r; BLAS nrm2.
"""

from __future__ import annotations

import numpy as np

__all__ = ["orthogonal_factor"]

_SMALL = 20


def orthogonal_factor(matrix: np.ndarray) -> np.ndarray:
    """Q with orthonormal columns. Shapes: (m, n) -> (m, n) for m >= n."""
    if matrix.dtype == np.float32 and len(matrix) <= _SMALL:
        reflections, factors = _reflected(matrix)
        return _product(reflections, factors) * np.sign(np.diag(reflections))
    wide = matrix if matrix.dtype in (np.float32, np.float64) else matrix.astype(np.float32)
    q, r = np.linalg.qr(wide)
    return (q * np.sign(np.diag(r))).astype(matrix.dtype)


def _norm(values: np.ndarray) -> np.floating:
    """The Euclidean norm by a running scale, so that no square can overflow."""
    one = values.dtype.type(1)
    scale, squares = values.dtype.type(0), one
    for value in np.abs(values):
        if value > scale:
            ratio = scale / value
            squares = one + squares * ratio * ratio
            scale = value
        elif value != 0:
            ratio = value / scale
            squares = squares + ratio * ratio
    return scale * np.sqrt(squares)


def _length(a: np.floating, b: np.floating) -> np.floating:
    larger, smaller = max(abs(a), b), min(abs(a), b)
    if smaller == 0:
        return larger
    ratio = smaller / larger
    return larger * np.sqrt(a.dtype.type(1) + ratio * ratio)


def _applied(vector: np.ndarray, factor: np.floating, block: np.ndarray) -> np.ndarray:
    """The block after the reflection by a vector that starts with one."""
    inner = block[0].copy()
    for row in range(1, len(vector)):
        inner = inner + vector[row] * block[row]
    return block - np.outer(vector, factor * inner)


def _reflected(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R above the diagonal, the reflections' vectors below it, and their factors."""
    a = matrix.copy()
    one = a.dtype.type(1)
    factors = np.zeros(a.shape[1], dtype=a.dtype)
    for i in range(a.shape[1]):
        first, rest = a[i, i], _norm(a[i + 1 :, i])
        if rest == 0:
            continue
        diagonal = -np.copysign(_length(first, rest), first)
        factors[i] = (diagonal - first) / diagonal
        vector = a[i:, i] / (first - diagonal)
        vector[0] = one
        a[i:, i + 1 :] = _applied(vector, factors[i], a[i:, i + 1 :])
        a[i:, i] = vector
        a[i, i] = diagonal
    return a, factors


def _product(reflections: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """The first columns of the product of all reflections."""
    q = reflections.copy()
    one = q.dtype.type(1)
    for i in range(q.shape[1] - 1, -1, -1):
        vector = q[i:, i].copy()
        vector[0] = one
        q[i:, i + 1 :] = _applied(vector, factors[i], q[i:, i + 1 :])
        q[i + 1 :, i] = -factors[i] * q[i + 1 :, i]
        q[i, i] = one - factors[i]
        q[:i, i] = 0
    return q
