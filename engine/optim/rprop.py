"""Rprop: only the gradient's sign counts; the step grows while it stays and shrinks when it turns."""

from __future__ import annotations

from typing import Any

import engine
from engine.optim.arithmetic import advance
from engine.optim.optimizer import Parameterwise, check_learning_rate, new_step

torch: Any = engine


class Rprop(Parameterwise):
    """p -= sign(g) * step size, a size for each element.

    Source: torch.optim.Rprop; Riedmiller and Braun 1993.
    """

    late_options = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(
            params,
            dict(
                lr=lr,
                etas=etas,
                step_sizes=step_sizes,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                capturable=capturable,
            ),
        )

    def begin(self, p: Any, group: dict) -> dict[str, Any]:
        """Step 0, no gradient before, and every step size at the learning rate."""
        lr = float(group["lr"])
        return {
            "step": new_step(group),
            "prev": torch.zeros_like(p),
            "step_size": torch.full_like(p, complex(lr, lr) if p.is_complex() else lr).detach(),
        }

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """One update of `p`."""
        advance(state["step"])
        shrink, grow = group["etas"]
        before, size = m.of(state["prev"]), m.of(state["step_size"])
        same = m.mul(g, before)
        turned = same < 0
        factor = m.where(turned, shrink, m.where(same > 0, grow, m.where(same == 0, 1.0, same)))
        m.clamp_(m.mul_(size, factor), *group["step_sizes"])
        g = m.where(turned, 0.0, g)
        m.addcmul_(p, m.sign(g), size, value=-1)
        m.copy_(before, g)
