"""RAdam: Adam that trusts its average square only once that has seen enough steps."""

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


class RAdam(Parameterwise):
    """Momentum at first; Adam, with a factor for the variance, as soon as that can be told.

    Source: torch.optim.RAdam; Liu et al. 2020.
    """

    late_options = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
                maximize=maximize,
                foreach=foreach,
                capturable=capturable,
                decoupled_weight_decay=decoupled_weight_decay,
                differentiable=differentiable,
            ),
        )

    def begin(self, p: Any, group: dict) -> dict[str, Any]:
        """Step 0 and both averages at zero."""
        return {"step": new_step(group), "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """One update of `p`."""
        beta1, beta2 = group["betas"]
        step = advance(state["step"])
        decay = group["weight_decay"]
        if decay != 0:
            if group["decoupled_weight_decay"]:
                m.mul_(p, 1 - lr * decay)
            else:
                g = m.add(g, p, alpha=decay)
        average, square = m.of(state["exp_avg"]), m.of(state["exp_avg_sq"])
        m.lerp_(average, g, 1 - beta1)
        m.addcmul_(m.mul_(square, beta2), g, g, value=1 - beta2)
        correction1, correction2 = 1 - beta1**step, 1 - beta2**step
        share = m.mul_(m.div_(m.clone(average), correction1), lr)
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * step * beta2**step / correction2
        if rho > 5.0:
            rectified = ((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)) ** 0.5
            adaptive = m.rdiv(correction2**0.5, m.add_(m.sqrt(square), group["eps"]))
            share = m.mul_(m.mul_(share, adaptive), rectified)
        m.add_(p, share, alpha=-1.0)
