"""NAdam: Adam that looks ahead as Nesterov's momentum does."""

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


class NAdam(Parameterwise):
    """Adam with a momentum that grows with the step and is applied one step early.

    Source: torch.optim.NAdam; Dozat 2016.
    """

    late_options = {
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
    }
    capturable_what = "params, mu_products and state_steps"

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_not_negative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        super().__init__(
            params,
            dict(
                lr=lr,
                betas=betas,
                eps=eps,
                weight_decay=weight_decay,
                momentum_decay=momentum_decay,
                decoupled_weight_decay=decoupled_weight_decay,
                maximize=maximize,
                foreach=foreach,
                capturable=capturable,
                differentiable=differentiable,
            ),
        )

    def begin(self, p: Any, group: dict) -> dict[str, Any]:
        """Step 0, a momentum product of 1 and both averages at zero."""
        return {
            "step": new_step(group),
            "mu_product": torch.ones_like(new_step(group)),
            "exp_avg": torch.zeros_like(p),
            "exp_avg_sq": torch.zeros_like(p),
        }

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """One update of `p`."""
        beta1, beta2 = group["betas"]
        step = advance(state["step"])
        decay, momentum_decay = group["weight_decay"], group["momentum_decay"]
        if decay != 0:
            if group["decoupled_weight_decay"]:
                m.mul_(p, 1 - lr * decay)
            else:
                g = m.add(g, p, alpha=decay)
        now = beta1 * (1.0 - 0.5 * 0.96 ** (step * momentum_decay))
        ahead = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1) * momentum_decay))
        product = state["mu_product"]
        product *= now
        so_far = product.item()
        average, square = m.of(state["exp_avg"]), m.of(state["exp_avg_sq"])
        m.lerp_(average, g, 1 - beta1)
        m.addcmul_(m.mul_(square, beta2), g, g, value=1 - beta2)
        below = m.add_(m.sqrt_(m.div_(m.clone(square), 1 - beta2**step)), group["eps"])
        m.addcdiv_(p, g, below, value=-lr * (1.0 - now) / (1.0 - so_far))
        m.addcdiv_(p, average, below, value=-lr * ahead / (1.0 - so_far * ahead))
