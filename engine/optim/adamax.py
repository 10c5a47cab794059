"""Adamax: Adam with the largest recent gradient in the place of the average square."""

from __future__ import annotations

from typing import Any

import engine
from engine.optim.arithmetic import advance
from engine.optim.optimizer import (
    Parameterwise,
    check_betas,
    check_learning_rate,
    check_not_negative,
    new_step,
)

torch: Any = engine


class Adamax(Parameterwise):
    """p -= lr / (1 - beta1^t) * average g / max(beta2 * before, |g| + eps).

    Source: torch.optim.Adamax; Kingma and Ba 2015, section 7.
    """

    late_options = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        check_not_negative(epsilon=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        super().__init__(
            params,
            dict(
                lr=lr,
                betas=betas,
                eps=eps,
                weight_decay=weight_decay,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                capturable=capturable,
            ),
        )

    def begin(self, p: Any, group: dict) -> dict[str, Any]:
        """Step 0, the average and the largest value at zero."""
        return {"step": new_step(group), "exp_avg": torch.zeros_like(p), "exp_inf": torch.zeros_like(p)}

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """One update of `p`."""
        beta1, beta2 = group["betas"]
        step = advance(state["step"])
        if group["weight_decay"] != 0:
            g = m.add(g, p, alpha=group["weight_decay"])
        average, largest = m.of(state["exp_avg"]), m.of(state["exp_inf"])
        m.lerp_(average, g, 1 - beta1)
        m.maximum_(m.mul_(largest, beta2), m.add_(m.abs(g), group["eps"]))
        m.addcdiv_(p, average, largest, value=-(lr / (1 - beta1**step)))
