"""Muon: momentum, made orthogonal, for the matrices inside a network."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import engine
from engine.optim.optimizer import Parameterwise, check_learning_rate

torch: Any = engine


def orthogonalized(g: np.ndarray, coefficients: tuple, steps: int, eps: float) -> np.ndarray:
    """`g` with singular values near 1, by Newton-Schulz iterations in bfloat16.

    Raises:
        ValueError: 100 steps or more, no matrix, or not three coefficients.
    """
    import ml_dtypes

    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if g.ndim != 2:
        raise ValueError("Input tensor gradient must be a 2D matrix")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    f32 = np.float32

    def short(a: np.ndarray) -> np.ndarray:
        """The values of `a` rounded to bfloat16, kept as float32."""
        return np.asarray(a, f32).astype(ml_dtypes.bfloat16).astype(f32)

    a, b, c = (f32(k) for k in coefficients)
    tall = g.shape[0] > g.shape[1]
    x = short(g.astype(ml_dtypes.bfloat16))
    x = x.T if tall else x
    x = short(x / max(short(np.sqrt(np.square(x).sum(dtype=f32))), short(np.asarray(eps))))
    for _ in range(steps):
        gram = short(x @ x.T)
        change = short(b * gram + c * (gram @ gram))
        x = short(np.float64(a) * x + change @ x)  # one rounding, as a fused multiply-add has
    return x.T if tall else x


class Muon(Parameterwise):
    """Matrix parameters only: p -= lr' * orthogonalized(momentum), lr' by the matrix's shape.

    Source: torch.optim.Muon; Keller Jordan 2024; Moonshot AI 2025 for `match_rms_adamw`.
    """

    sparse_message = "Muon does not support sparse gradients"

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_learning_rate(lr, "Learning rate should be >= 0 but is: {}")
        if not 0.0 <= momentum:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        super().__init__(
            params,
            dict(
                lr=lr,
                weight_decay=weight_decay,
                momentum=momentum,
                nesterov=nesterov,
                ns_coefficients=ns_coefficients,
                eps=eps,
                ns_steps=ns_steps,
                adjust_lr_fn=adjust_lr_fn,
            ),
        )
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}"
                    )

    def begin(self, p: Any, group: dict) -> dict[str, Any]:
        """A momentum of zero.

        Raises:
            RuntimeError: `p` is complex.
        """
        if p.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        return {"momentum_buffer": torch.zeros_like(p.grad)}

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """One update of `p`."""
        momentum = group["momentum"]
        buffer = m.lerp_(m.of(state["momentum_buffer"]), g, 1 - momentum)
        update = m.lerp_(g.copy(), buffer, momentum) if group["nesterov"] else buffer
        update = orthogonalized(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = p.shape[:2]
        if group["adjust_lr_fn"] == "match_rms_adamw":
            ratio = 0.2 * math.sqrt(max(rows, columns))
        else:
            ratio = math.sqrt(max(1, rows / columns))
        m.mul_(p, 1 - lr * group["weight_decay"])
        m.add_(p, np.ascontiguousarray(update, dtype=p.dtype), alpha=-(lr * ratio))
