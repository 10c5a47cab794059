"""RMSprop: gradients over the root of their recent average square."""

from __future__ import annotations

from typing import Any

import engine
from engine.optim.arithmetic import advance
from engine.optim.optimizer import Parameterwise, check_learning_rate, check_not_negative, new_step

torch: Any = engine


class RMSprop(Parameterwise):
    """p -= lr * g / (sqrt(average g²) + eps), with momentum and centring if wanted.

    Source: torch.optim.RMSprop; Hinton's lecture 6 of 2012; Graves 2013 for the centred form.
    """

    late_options = {
        "momentum": 0,
        "centered": False,
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        check_not_negative(epsilon=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(
            params,
            dict(
                lr=lr,
                momentum=momentum,
                alpha=alpha,
                eps=eps,
                centered=centered,
                weight_decay=weight_decay,
                capturable=capturable,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
            ),
        )

    def begin(self, p: Any, group: dict) -> dict[str, Any]:
        """Step 0 and every average that the options ask for at zero."""
        state = {"step": new_step(group), "square_avg": torch.zeros_like(p)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = torch.zeros_like(p)
        if group["centered"]:
            state["grad_avg"] = torch.zeros_like(p)
        return state

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """One update of `p`."""
        advance(state["step"])
        alpha = group["alpha"]
        if group["weight_decay"] != 0:
            g = m.add(g, p, alpha=group["weight_decay"])
        square = m.addcmul_(m.mul_(m.of(state["square_avg"]), alpha), g, g, value=1 - alpha)
        if group["centered"]:
            average = m.lerp_(m.of(state["grad_avg"]), g, 1 - alpha)
            root = m.sqrt_(m.addcmul_(m.clone(square), average, average, value=-1))
        else:
            root = m.sqrt(square)
        root = m.add_(root, group["eps"])
        if group["momentum"] > 0:
            buffer = m.addcdiv_(m.mul_(m.of(state["momentum_buffer"]), group["momentum"]), g, root)
            m.add_(p, buffer, alpha=-lr)
        else:
            m.addcdiv_(p, g, root, value=-lr)
