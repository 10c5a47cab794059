"""The singular value decomposition by NumPy's LAPACK, on the path that PyTorch's own library takes.

Singular vectors are free in their signs, and those of a wide matrix that belong to no singular value in more
than that: which come out is settled by how a matrix is brought to two diagonals first. For real matrices:
a tall one (from 1.5 times as tall as wide) is made square by QR before; a wide one never is.
"""

from __future__ import annotations

from math import copysign

import numpy as np


def decomposed(a: np.ndarray, full: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(U, S, V^H) of each matrix; with full, U and V are square. Shapes: a (..., m, n)."""
    m, n = a.shape[-2:]
    k = min(m, n)
    tall = 3 * n // 2 <= m < 11 * n // 6
    wide = m < n and n >= 11 * m // 6
    if a.dtype.kind != "f" or not k or not (tall or wide):
        u, s, vh = np.linalg.svd(a, full_matrices=full)
        return u, s, vh
    batch = a.shape[:-2]
    us = np.empty((*batch, m, m if full else k), a.dtype)
    ss = np.empty((*batch, k), a.dtype)
    vs = np.empty((*batch, n if full else k, n), a.dtype)
    one = _tall if tall else _wide
    for i in np.ndindex(*batch):
        us[i], ss[i], vs[i] = one(a[i], full)
    return us, ss, vs


def _tall(a: np.ndarray, full: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = a.shape[1]
    q, r = np.linalg.qr(a, "complete" if full else "reduced")
    u, s, vh = np.linalg.svd(r[:n])
    return np.concatenate([q[:, :n] @ u, q[:, n:]], 1), s, vh


def _reflector(x: np.ndarray) -> tuple[float, np.ndarray, float]:
    """(what x becomes in its first place, v with v[0] = 1, t): (I - t v v^T) x has zeros after the first."""
    rest = float(np.linalg.norm(x[1:]))
    first = float(x[0])
    v = np.zeros_like(x)
    v[0] = 1
    if rest == 0:
        return first, v, 0.0
    became = -copysign(float(np.hypot(first, rest)), first)
    v[1:] = x[1:] / (first - became)
    return became, v, (became - first) / became


def _wide(a: np.ndarray, full: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By Householder's reflections to a lower bidiagonal square B, A = Q B P^T, then B's decomposition."""
    m, n = a.shape
    work = a.astype(np.float64)
    rows: list = []
    columns: list = []
    for i in range(m):
        work[i, i], v, t = _reflector(work[i, i:])
        work[i, i + 1:] = 0
        work[i + 1:, i:] -= t * np.outer(work[i + 1:, i:] @ v, v)
        rows.append((i, v, t))
        if i + 1 < m:
            work[i + 1, i], v, t = _reflector(work[i + 1:, i])
            work[i + 2:, i] = 0
            work[i + 1:, i + 1:] -= t * np.outer(v, v @ work[i + 1:, i + 1:])
            columns.append((i + 1, v, t))
    q = np.eye(m)
    for at, v, t in reversed(columns):
        q[at:, at:] -= t * np.outer(v, v @ q[at:, at:])
    p = np.eye(n)[:, : n if full else m]
    for at, v, t in reversed(rows):
        p[at:, at:] -= t * np.outer(v, v @ p[at:, at:])
    if m == 1:
        sign = np.asarray([[copysign(1.0, work[0, 0])]], a.dtype)
        return sign, np.abs(work[0, :1]).astype(a.dtype), p.T.astype(a.dtype)
    # Zeros about B hold LAPACK to its path for two diagonals below: no reflection there changes a sign.
    width = max(m + 1, 6)
    height = next(h for h in range(m, width) if 11 * h // 6 > width)
    b = np.zeros((height, width), a.dtype)
    b[:m, :m] = work[:, :m]
    u, s, vh = np.linalg.svd(b, full_matrices=False)
    top = vh[:m, :m] @ p[:, :m].T
    return (q @ u[:m, :m]), s[:m], np.concatenate([top, p[:, m:].T]) if full else top
