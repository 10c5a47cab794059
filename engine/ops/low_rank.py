"""The strongest directions of a matrix, found through random ones: torch.svd_lowrank, torch.pca_lowrank."""

from __future__ import annotations

from typing import Any

from engine.core import dtype as dt
from engine.ops.record import composite


def _span(A: Any, q: int, rounds: int, M: Any) -> Any:
    """q upright columns that nearly span A - M. Source: Halko, Martinsson and Tropp 2009, algorithm 4.4."""
    from engine import linalg, randn

    def onto(matrix: Any, mean: Any, columns: Any) -> Any:
        y = matrix.matmul(columns)
        return linalg.qr(y if mean is None else y - mean.matmul(columns)).Q

    Q = onto(A, M, randn(A.shape[-1], q, dtype=A.dtype))
    for _ in range(rounds):
        Q = onto(A, M, onto(A.mH, None if M is None else M.mH, Q))
    return Q


@composite("svd_lowrank", on=("torch",), out=False)
def svd_lowrank(A: Any, q: int | None = 6, niter: int | None = 2, M: Any = None) -> Any:
    """U, S and V with A - M nearly U diag(S) V^H, of rank q.

    Source: Halko, Martinsson and Tropp 2009, algorithm 5.1."""
    from engine import linalg

    q, rounds = 6 if q is None else q, 2 if niter is None else niter
    wide = A.shape[-2] < A.shape[-1]
    if M is not None:
        M = M.broadcast_to(tuple(A.shape))
        M = M.mH if wide else M
    A = A.mH if wide else A
    Q = _span(A, q, rounds, M)
    B = Q.mH.matmul(A)
    U, S, Vh = linalg.svd(B if M is None else B - Q.mH.matmul(M), full_matrices=False)
    U, V = Q.matmul(U), Vh.mH
    return (V, S, U) if wide else (U, S, V)


@composite("pca_lowrank", on=("torch",), out=False)
def pca_lowrank(A: Any, q: int | None = None, center: bool = True, niter: int = 2) -> Any:
    """svd_lowrank of the rows' distances from their mean: the directions in which the data spread most.

    Raises: ValueError for more directions than the matrix has, or for fewer than no rounds."""
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    kind = A.dtype if A.dtype.category >= dt.FLOAT else dt.default.dtype
    if A.dtype is not kind:
        A = A.to(kind)
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
