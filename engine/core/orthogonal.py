"""An orthogonal matrix from any matrix: Q of its QR decomposition, with the signs that make R's diagonal positive."""

from __future__ import annotations

import numpy as np

__all__ = ["orthogonal_factor"]


def orthogonal_factor(matrix: np.ndarray) -> np.ndarray:
    """Q with orthonormal columns. Shapes: (m, n) -> (m, n) for m >= n."""
    q, r = np.linalg.qr(matrix)
    return q * np.sign(np.diag(r))
