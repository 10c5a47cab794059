"""Adafactor: the average square of a matrix's gradient kept as one row and one column."""

from __future__ import annotations

from typing import Any

import numpy as np

import engine
from engine.optim.arithmetic import advance
from engine.optim.optimizer import Parameterwise, check_learning_rate, new_step

torch: Any = engine


class Adafactor(Parameterwise):
    """Steps relative to the parameter's own size, over a variance estimated from its rows and columns.

    Source: torch.optim.Adafactor; Shazeer and Stern 2018.
    """

    late_options = {"foreach": None}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_learning_rate(lr, "Learning rate should be >= 0 but is: {}")
        if not 0.0 >= beta2_decay:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not 0.0 <= eps[0]:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not 0.0 <= eps[1]:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not 1.0 <= d:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        super().__init__(
            params,
            dict(
                lr=lr,
                beta2_decay=beta2_decay,
                eps=eps,
                d=d,
                weight_decay=weight_decay,
                foreach=foreach,
                maximize=maximize,
            ),
        )

    def begin(self, p: Any, group: dict) -> dict[str, Any]:
        """Step 0, and the variance at zero: a row and a column, or a vector for what is no matrix.

        Raises:
            RuntimeError: `p` is complex.
        """
        if p.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        grad = p.grad
        if grad.dim() < 2:
            return {"step": new_step(group), "variance": torch.zeros_like(grad)}
        shape = list(grad.shape)
        return {
            "step": new_step(group),
            "row_var": grad.new_zeros([*shape[:-1], 1]),
            "col_var": grad.new_zeros([*shape[:-2], 1, shape[-1]]),
        }

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """One update of `p`."""
        step = advance(state["step"])
        eps1, eps2 = group["eps"]
        eps1 = float(np.finfo(p.dtype).eps) if eps1 is None else eps1
        fade = step ** group["beta2_decay"]
        size = float(np.linalg.norm(p.reshape(-1))) / p.size**0.5
        rate = max(eps2, size) * min(lr, 1 / step**0.5)
        if group["weight_decay"] != 0:
            m.mul_(p, 1 - lr * group["weight_decay"])
        if g.ndim > 1:
            rows, columns = m.of(state["row_var"]), m.of(state["col_var"])
            m.lerp_(rows, _mean_square(g, -1), fade)
            m.lerp_(columns, _mean_square(g, -2), fade)
            variance = rows @ columns
            variance /= np.maximum(rows.mean(axis=-2, keepdims=True), p.dtype.type(eps1))
        else:
            variance = m.lerp_(m.of(state["variance"]), g * g, fade).copy()
        update = np.reciprocal(np.sqrt(np.maximum(variance, p.dtype.type(eps1 * eps1))))
        update *= g
        clip = max(1.0, float(np.linalg.norm(update.reshape(-1))) / (update.size**0.5 * group["d"]))
        m.add_(p, update, alpha=-rate / clip)


def _mean_square(g: np.ndarray, axis: int) -> np.ndarray:
    """The mean of g² along one axis, which stays with length 1."""
    norm = np.sqrt(np.square(g).sum(axis=axis, keepdims=True))
    return np.square(norm) / g.dtype.type(g.shape[axis])
