"""Linear layers: linear and bilinear, with the graph that PyTorch's CPU build records."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops.formula import OPS
from engine.ops.record import composite, kernel


@composite(
    "linear",
    on=("nn.functional",),
    formula=r"Y = X\,W^{T} + b",
    out=True,
    text="Each output is a weighted sum of all inputs, plus a bias.",
)
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """y = x W^T + b over the last dimension."""
    a, w = input._a, weight._a
    ndim = a.ndim
    if ndim == 2 and bias is not None:
        return OPS["addmm"](bias, input, weight.t())
    if ndim == 2 and w.ndim == 2:
        return OPS["mm"](input, weight.t())
    if bias is not None and ndim > 2 and w.ndim == 2 and a.flags.c_contiguous and a.size:
        _check_sizes(a, w)
        flat = OPS["addmm"](bias, input.view(-1, a.shape[-1]), weight.t())
        return flat.view(*a.shape[:-1], w.shape[0])
    if bias is not None and ndim == 1 and w.ndim == 2:
        _check_sizes(a, w)
        return OPS["addmm"](bias, input.view(1, a.shape[0]), weight.t()).view(w.shape[0])
    y = OPS["matmul"](input, weight.t())
    return y if bias is None else y + bias


def _check_sizes(a: Any, w: Any) -> None:
    if a.shape[-1] != w.shape[1]:
        rows = a.size // max(a.shape[-1], 1)
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{a.shape[-1]} and {w.shape[1]}x{w.shape[0]})"
        )


_trilinear = kernel(
    name="_trilinear",
    inputs=("i1", "i2", "i3"),
    grad_fn="TrilinearBackward0",
    on=("torch",),
    out=False,
    formula=r"y_{bo} = \sum_{ij} x_{bi}\,W_{oij}\,z_{bj}",
    text="Two inputs meet in every pair of their features, each pair with a weight of its own.",
    forward=lambda i1, i2, i3: np.ascontiguousarray(np.einsum("bi,oij,bj->bo", i1, i2, i3, optimize=True)),
    grads={
        "i1": lambda grad, i2, i3: OPS["einsum"]("bo,oij,bj->bi", grad, i2, i3),
        "i2": lambda grad, i1, i3: OPS["einsum"]("bo,bi,bj->oij", grad, i1, i3),
        "i3": lambda grad, i1, i2: OPS["einsum"]("bo,bi,oij->bj", grad, i1, i2),
    },
)


@composite("bilinear", on=("torch", "nn.functional"), formula=r"y = x_1^{T} A\, x_2 + b", out=False)
def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """y = x1^T A x2 + b over the last dimensions.

    Raises: RuntimeError where the sizes do not fit."""
    s1, s2, w = input1._a.shape, input2._a.shape, weight._a.shape
    if bias is not None and bias._a.dtype != input1._a.dtype:
        raise RuntimeError("bilinear(): input1 and bias must have the same dtype")
    if len(s1) != len(s2):
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {len(s1)} and {len(s2)}")
    for i, (p, q) in enumerate(zip(s1[:-1], s2[:-1])):
        if p != q:
            raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {i}: got {p} and {q}")
    if s1[-1] != w[1]:
        raise RuntimeError(
            f"bilinear(): input1 size does not match weight size: got {s1[-1]} but expected {w[1]}"
        )
    if s2[-1] != w[2]:
        raise RuntimeError(
            f"bilinear(): input2 size does not match weight size: got {s2[-1]} but expected {w[2]}"
        )
    if bias is not None and bias._a.shape[0] != w[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias._a.shape[0]} but expected {w[0]}"
        )
    y = OPS["_trilinear"](input1.contiguous().view(-1, s1[-1]), weight, input2.contiguous().view(-1, s2[-1]))
    y = y.view(*s1[:-1], w[0])
    return y if bias is None else y + bias
