"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.ops.record import kernel


def _check_mm(name: str, a: Any, b: Any) -> None:
    if a.ndim != 2:
        raise RuntimeError(f"{'self' if name == 'mm' else 'mat1'} must be a matrix")
    if b.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a.shape[0]}x{a.shape[1]} and "
                           f"{b.shape[0]}x{b.shape[1]})")
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {dt.of(a).name} != {dt.of(b).name}")


def _mm(self: Any, mat2: Any) -> Any:
    _check_mm("mm", self, mat2)
    return np.matmul(self, mat2)


def _addmm(self: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    _check_mm("addmm", mat1, mat2)
    y = np.matmul(mat1, mat2)
    if alpha != 1:
        y *= y.dtype.type(alpha)
    if beta == 0:
        return y
    y += self if beta == 1 else self * y.dtype.type(beta)
    return y


mm = kernel(
    name="mm", inputs=("self", "mat2"), grad_fn="MmBackward0",
    formula=r"Y = A\,B",
    text="Multiplies two matrices: each output is a row of the first times a column of the second.",
    forward=_mm,
    grads={"self": lambda grad, mat2: grad.mm(mat2.t().conj()), "mat2": lambda grad, self: self.t().conj().mm(grad)},
)
addmm = kernel(
    name="addmm", inputs=("self", "mat1", "mat2"), grad_fn="AddmmBackward0", inplace=True,
    formula=r"Y = b + X\,W^{T}",
    text="A linear layer in one step: a matrix product plus a bias that is spread over the rows.",
    forward=_addmm,
    grads={
        "self": lambda grad, beta: grad if beta == 1 else grad * beta,
        "mat1": lambda grad, mat2, alpha: scaled(grad.mm(mat2.t().conj()), alpha),
        "mat2": lambda grad, mat1, alpha: scaled(mat1.t().conj().mm(grad), alpha),
    },
)


def scaled(t: Any, by: float) -> Any:
    """`t` times a number, or `t` itself where the number is 1."""
    return t if by == 1 else t * by
