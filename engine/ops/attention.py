"""Scaled dot product attention, with the two graphs that PyTorch's CPU build records."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.ops.formula import OPS
from engine.ops.record import composite, kernel


def _scores(query: Any, key: Any, attn_mask: Any, is_causal: bool, scale: float) -> Any:
    s = np.matmul(query, key.swapaxes(-1, -2)) * query.dtype.type(scale)
    if is_causal:
        s = np.where(np.tri(s.shape[-2], s.shape[-1], dtype=bool), s, -np.inf).astype(s.dtype)
    if attn_mask is not None:
        if attn_mask.dtype == np.bool_:
            s = np.where(attn_mask, s, -np.inf).astype(s.dtype)
        else:
            s = s + attn_mask
    return s


def _flash(
    query: Any, key: Any, value: Any, dropout_p: float, is_causal: bool, attn_mask: Any, scale: float
) -> tuple:
    s = _scores(query, key, attn_mask, is_causal, scale)
    top = np.maximum.reduce(s, axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    e = np.exp(s - top)
    total = np.add.reduce(e, axis=-1, keepdims=True)
    with np.errstate(divide="ignore"):
        logsumexp = (np.log(total) + top)[..., 0]
    p = np.where(total > 0, e / np.where(total > 0, total, 1), 0).astype(query.dtype)
    return np.matmul(p, value, out=np.empty_like(query)), logsumexp  # laid out in memory as the query is


def _flash_gradient(
    grad: Any, query: Any, key: Any, value: Any, is_causal: bool, attn_mask: Any, scale: float, needs: tuple
) -> tuple:
    s = OPS["matmul"](query, key.transpose(-2, -1)) * scale
    if is_causal:
        T = type(grad)
        hidden = T._of(~np.tri(s._a.shape[-2], s._a.shape[-1], dtype=bool))
        s = s.masked_fill(hidden, -math.inf)
    if attn_mask is not None:
        s = s.masked_fill(~attn_mask, -math.inf) if attn_mask._a.dtype == np.bool_ else s + attn_mask
    p = OPS["_safe_softmax"](s, -1)
    gv = OPS["matmul"](p.transpose(-2, -1), grad) if "value" in needs else None
    gp = OPS["matmul"](grad, value.transpose(-2, -1))
    gs = p * (gp - (gp * p).sum(-1, True)) * scale
    gq = OPS["matmul"](gs, key) if "query" in needs else None
    gk = OPS["matmul"](gs.transpose(-2, -1), query) if "key" in needs else None
    return gq, gk, gv


flash = kernel(
    name="_scaled_dot_product_flash_attention_for_cpu",
    inputs=("query", "key", "value"),
    grad_fn="ScaledDotProductFlashAttentionForCpuBackward0",
    on=("torch",),
    nondiff=(1,),
    visible=1,
    out=False,
    formula=r"Y = \operatorname{softmax}\left(\frac{Q K^{T}}{\sqrt{d}}\right) V",
    text="Each query gathers the values, weighed by how well their keys match it.",
    forward=_flash,
    grads={
        ("query", "key", "value"): lambda grad, query, key, value, is_causal, attn_mask, scale, needs: (
            _flash_gradient(grad, query, key, value, is_causal, attn_mask, scale, needs)
        )
    },
)


def _may_flash(
    q: Any, k: Any, v: Any, mask: Any, dropout_p: float, is_causal: bool, enable_gqa: bool
) -> bool:
    shapes = [t._a.shape for t in (q, k, v)]
    if any(len(s) != 4 for s in shapes) or dropout_p or q._a.dtype.kind not in "fV":
        return False
    if any(0 in s for s in shapes) or enable_gqa and shapes[0][1] != shapes[1][1]:
        return False
    if not shapes[0][:2] == shapes[1][:2] == shapes[2][:2] or shapes[0][3] != shapes[2][3]:
        return False
    if mask is not None and (mask._rg or mask._a.ndim not in (2, 4)):
        return False
    return all(s[2] > 0 for s in shapes) and all(t._a.strides[-1] == t._a.dtype.itemsize for t in (q, k, v))


@composite(
    "scaled_dot_product_attention",
    on=("nn.functional",),
    out=False,
    formula=r"Y = \operatorname{softmax}\left(\frac{Q K^{T}}{\sqrt{d}}\right) V",
)
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """Each query gathers the values, weighed by how well their keys match it.

    Raises: RuntimeError where the arguments do not fit together."""
    for t in (query, key, value):
        if t._a.ndim < 2:
            raise RuntimeError(
                f"Expected query, key, and value to all be  at least 2 dimensional, but got query.dim(): "
                f"{query._a.ndim}, key.dim(): {key._a.ndim} and value.dim(): {value._a.ndim} instead."
            )
    if not query._a.dtype == key._a.dtype == value._a.dtype:
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{_word(query)} key.dtype: {_word(key)} and value.dtype: {_word(value)} instead."
        )
    if is_causal and attn_mask is not None:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
        )
    width = query._a.shape[-1]
    factor = scale if scale is not None else 1 / math.sqrt(width) if width else 1.0
    if _may_flash(query, key, value, attn_mask, dropout_p, is_causal, enable_gqa):
        return flash(query, key, value, dropout_p, is_causal, attn_mask, factor)
    if enable_gqa:
        key = OPS["repeat_interleave"](key, query._a.shape[-3] // key._a.shape[-3], -3)
        value = OPS["repeat_interleave"](value, query._a.shape[-3] // value._a.shape[-3], -3)
    return _written_out(query, key, value, attn_mask, dropout_p, is_causal, factor)


def _written_out(
    query: Any, key: Any, value: Any, attn_mask: Any, dropout_p: float, is_causal: bool, scale: float
) -> Any:
    from engine.ops.scalar import times

    T = type(query) if type(query).__name__ == "Tensor" else type(query).__mro__[1]
    if is_causal:
        shown = np.tri(query._a.shape[-2], key._a.shape[-2], dtype=bool)
        attn_mask = T._of(shown)
    if attn_mask is not None and attn_mask._a.dtype == np.bool_:
        with modes.no_grad():
            attn_mask = T._of(np.where(attn_mask._a, 0, -np.inf).astype(query._a.dtype))
    root = math.sqrt(abs(scale))
    q = times(query, root if scale >= 0 else -root)
    s = OPS["matmul"](q, times(key.transpose(-2, -1), root))
    if attn_mask is not None:
        s = s + attn_mask
    p = OPS["_safe_softmax"](s, -1)
    if dropout_p > 0:
        p = OPS["dropout"](p, dropout_p, True)
    return OPS["matmul"](p, value)


def _word(t: Any) -> str:
    return {"float32": "float", "float64": "double", "int64": "long", "float16": "c10::Half"}.get(
        t.dtype.name, t.dtype.name
    )
