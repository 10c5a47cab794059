"""torch.nn.functional: the functions that networks are written in.

Most come from the records; what is written here are functions that only put others together.
"""

from __future__ import annotations

from typing import Any

from engine import faces as _faces
from engine.nn import multihead as _multihead
from engine.ops.formula import OPS

multi_head_attention_forward = _multihead.multi_head_attention_forward
_canonical_mask = _multihead.canonical_mask
_none_or_dtype = _multihead.none_or_dtype


def linear_cross_entropy(
    input: Any,
    linear_weight: Any,
    target: Any,
    *,
    linear_bias: Any = None,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Any:
    """cross_entropy of linear(input, linear_weight), whose weight may have dimensions after its classes."""
    classes, features = linear_weight.shape[:-1], linear_weight.shape[-1]
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if not classes:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got "
                           f"{linear_weight.dim()}")
    if input.shape[-1] != features:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), "
            f"got {input.shape[-1]} and {features}, respectively"
        )
    if len(classes) > 1 and input.dim() == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires "
            f"batched "
            f"input, (N, {features}), got unbatched input with shape {tuple(input.shape)}"
        )
    if linear_bias is not None and linear_bias.shape != classes:
        raise RuntimeError(f"expected linear_bias shape {tuple(classes)}, got {tuple(linear_bias.shape)}")
    if ignore_index is not None and target.is_floating_point():
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    bias = None if linear_bias is None else linear_bias.flatten()
    logits = OPS["linear"](input, linear_weight.flatten(0, -2), bias)
    logits = logits.view(*logits.shape[:-1], *classes)
    return OPS["cross_entropy"](
        logits,
        target,
        weight=weight,
        reduction=reduction,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
    )


_faces.fill(globals(), "nn.functional")
for _name, _fn in _faces.NAMESPACES["nn.functional"].items():
    # so that a saved module that holds one of these names it as PyTorch does
    if _faces.NAMESPACES["torch"].get(_name) is not _fn:
        _fn.__module__ = "torch.nn.functional"


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'torch.nn.functional' has no attribute '{name}'")
