"""Adadelta: the step's own size is learnt from the steps before."""

from __future__ import annotations

from typing import Any

import engine
from engine.optim.arithmetic import advance
from engine.optim.optimizer import Parameterwise, check_learning_rate, check_not_negative, new_step

torch: Any = engine


class Adadelta(Parameterwise):
    """p -= lr * g * sqrt(average step² + eps) / sqrt(average g² + eps).

    Source: torch.optim.Adadelta; Zeiler 2012.
    """

    late_options = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    capturable_devices = ("cuda", "xpu", "hpu", "privateuseone")

    def __init__(
        self,
        params: Any,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative(epsilon=eps, weight_decay=weight_decay)
        super().__init__(
            params,
            dict(
                lr=lr,
                rho=rho,
                eps=eps,
                weight_decay=weight_decay,
                maximize=maximize,
                capturable=capturable,
                foreach=foreach,
                differentiable=differentiable,
            ),
        )

    def begin(self, p: Any, group: dict) -> dict[str, Any]:
        """Step 0 and both averages at zero."""
        return {"step": new_step(group), "square_avg": torch.zeros_like(p), "acc_delta": torch.zeros_like(p)}

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """One update of `p`."""
        advance(state["step"])
        rho, eps = group["rho"], group["eps"]
        if group["weight_decay"] != 0:
            g = m.add(g, p, alpha=group["weight_decay"])
        square, steps = m.of(state["square_avg"]), m.of(state["acc_delta"])
        m.addcmul_(m.mul_(square, rho), g, g, value=1 - rho)
        delta = m.div_(m.sqrt_(m.add(steps, eps)), m.sqrt_(m.add(square, eps)))
        delta = m.mul_(delta, g)
        m.addcmul_(m.mul_(steps, rho), delta, delta, value=1 - rho)
        m.add_(p, delta, alpha=-lr)
