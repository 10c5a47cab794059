"""Adagrad: steps shrink with the sum of all squared gradients so far."""

from __future__ import annotations

from typing import Any

import numpy as np

import engine
from engine.optim.arithmetic import advance, array_of, touch
from engine.optim.optimizer import Parameterwise, check_learning_rate, check_not_negative, new_step
from engine.optim.sgd import check_fused

torch: Any = engine


class Adagrad(Parameterwise):
    """p -= lr / (1 + (step - 1) * lr_decay) * g / (sqrt(sum of g²) + eps).

    Source: torch.optim.Adagrad; Duchi et al. 2011.
    """

    late_options = {"foreach": None, "maximize": False, "differentiable": False, "fused": None}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_learning_rate(lr)
        check_not_negative(
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=eps,
        )
        super().__init__(
            params,
            dict(
                lr=lr,
                lr_decay=lr_decay,
                eps=eps,
                weight_decay=weight_decay,
                initial_accumulator_value=initial_accumulator_value,
                foreach=foreach,
                maximize=maximize,
                differentiable=differentiable,
                fused=fused,
            ),
        )
        check_fused(fused, differentiable, foreach)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = self.begin(p, group)

    def begin(self, p: Any, group: dict) -> dict[str, Any]:
        """Step 0 and the sum at its initial value."""
        start: Any = self.defaults["initial_accumulator_value"]
        return {
            "step": new_step(group),
            "sum": torch.full_like(p, complex(start, start) if p.is_complex() else start).detach(),
        }

    def share_memory(self) -> None:
        """Let child processes see the sums as this process does."""
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"].share_memory_()

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """One update of `p`."""
        step = advance(state["step"])
        if group["weight_decay"] != 0:
            g = m.add(g, p, alpha=group["weight_decay"])
        rate = lr / (1 + (step - 1) * group["lr_decay"])
        total = m.addcmul_(m.of(state["sum"]), g, g, value=1)
        m.addcdiv_(p, g, m.add_(m.sqrt(total), group["eps"]), value=-rate)

    def update_sparse(self, p: Any, grad: Any, group: dict, lr: Any) -> None:
        """One update of the rows that `grad` has.

        Raises:
            RuntimeError: with weight decay, which would touch every row.
        """
        state = self.state[p]
        step = advance(state["step"])
        if group["weight_decay"] != 0:
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        rate = lr / (1 + (step - 1) * group["lr_decay"])
        grad = grad.coalesce()
        where = tuple(grad._indices()._array())
        values = array_of(grad._values())
        values = -values if group["maximize"] else values
        total = array_of(state["sum"])
        total[where] += values * values
        a = array_of(p)
        a[where] -= (rate * (values / (np.sqrt(total[where]) + group["eps"]))).astype(a.dtype)
        touch(p)
