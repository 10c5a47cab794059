"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import engine
from engine.optim.arithmetic import advance
from engine.optim.optimizer import (
    Parameterwise,
    _scalar_dtype,
    check_learning_rate,
    check_not_negative,
    new_step,
)

torch: Any = engine


class ASGD(Parameterwise):
    """Gradient descent whose rate decays, with an average `ax` of the parameters kept from step t0 on.

    Source: torch.optim.ASGD; Polyak and Juditsky 1992.
    """

    late_options = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}
    capturable_what = "params, mus, etas, and state_steps"

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_learning_rate(lr)
        check_not_negative(weight_decay=weight_decay)
        super().__init__(
            params,
            dict(
                lr=lr,
                lambd=lambd,
                alpha=alpha,
                t0=t0,
                weight_decay=weight_decay,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                capturable=capturable,
            ),
        )

    def begin(self, p: Any, group: dict) -> dict[str, Any]:
        """Step 0, the rate at its start, a weight of 1 and an average of zero."""
        return {
            "step": new_step(group),
            "eta": torch.tensor(float(group["lr"]), dtype=_scalar_dtype()),
            "mu": torch.ones_like(new_step(group)),
            "ax": torch.zeros_like(p),
        }

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """One update of `p`."""
        step = advance(state["step"])
        if group["weight_decay"] != 0:
            g = m.add(g, p, alpha=group["weight_decay"])
        lambd, mean = group["lambd"], m.of(state["ax"])
        eta, mu = state["eta"].item(), state["mu"].item()
        m.mul_(p, 1 - lambd * eta)
        m.add_(p, g, alpha=-eta)
        if mu == 1:
            m.copy_(mean, p)
        else:
            m.add_(mean, m.mul_(m.sub(p, mean), mu))
        state["eta"].fill_(float(lr / (1 + lambd * lr * step) ** group["alpha"]))
        state["mu"].fill_(1 / max(1, step - group["t0"]))
