"""The nearest solution of equations that have none: torch.linalg.lstsq."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.ops.calling import named_tuple
from engine.ops.record import composite, kernel
from engine.ops.solving import _pinv, _pinv_slope, is_vector, pinv_

_LSTSQ = named_tuple("linalg_lstsq", ("solution", "residuals", "rank", "singular_values"))


def _lstsq(A: Any, B: Any, rcond: Any = None, driver: str | None = None) -> tuple:
    m, n = A.shape[-2:]
    eps = float(np.finfo(A.dtype).eps) * max(m, n) if rcond is None else float(rcond)
    x = np.matmul(_pinv(A, (0.0, eps), False), B)
    s = np.linalg.svd(A, compute_uv=False)
    ranks = (s > eps * s.max(-1, keepdims=True)).sum(-1) if s.size else np.zeros(s.shape[:-1])
    none = np.empty(0, s.dtype)
    residual = none
    if m > n and driver != "gelsy" and bool(np.all(ranks == n)):
        off = np.abs(np.matmul(A, x) - B)
        residual = (off * off).sum(-2).astype(s.dtype)
    rank = np.asarray(ranks, np.int64) if driver != "gels" else np.empty(0, np.int64)
    return x, residual, rank, s if driver in ("gelsd", "gelss") else none


def _slopes(grads: tuple, A: Any, B: Any, X: Any, rcond: Any) -> tuple:
    eps = float(np.finfo(A._a.dtype).eps) * max(A.shape[-2:]) if rcond is None else float(rcond)
    gx, gr = grads[0], grads[1]
    P = pinv_(A, (0.0, eps), False)
    ga, gb = _pinv_slope(gx.matmul(B.mH), A, P), P.mH.matmul(gx)
    if gr.numel():
        off = (A.matmul(X) - B) * gr.unsqueeze(-2) * 2
        ga, gb = ga + off.matmul(X.mH), gb - off
    return ga.sum_to_size(A.shape), gb.sum_to_size(B.shape)


lstsq_ = kernel(
    name="linalg_lstsq", inputs=("A", "B"), grad_fn="LinalgLstsqBackward0", on=(), nondiff=(2, 3), out=False,
    formula=r"\min_X \|A X - B\|", text="The X for which A X comes nearest to B.",
    forward=_lstsq,
    grads={("A", "B"): lambda grads, A, B, result0, rcond: _slopes(grads, A, B, result0, rcond)},
)


@composite("lstsq", on=("linalg",))
def lstsq(A: Any, B: Any, rcond: Any = None, *, driver: str | None = None) -> Any:
    """The X for which A X comes nearest to B; with the residuals, the rank and the singular values."""
    if A.ndim < 2:
        raise RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions.")
    if A.dtype is not B.dtype:
        raise RuntimeError("torch.linalg.lstsq: Expected input and other to have the same dtype, but got "
                           f"input's dtype {dt.scalar_type_name(A.dtype)} and other's dtype "
                           f"{dt.scalar_type_name(B.dtype)}")
    vector = is_vector(A, B)
    x, residual, rank, values = lstsq_(A, B.unsqueeze(-1) if vector else B, rcond, driver or "gelsy")
    return _LSTSQ((x.squeeze(-1) if vector else x, residual, rank, values))
