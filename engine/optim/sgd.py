"""Stochastic gradient descent, with momentum if wanted."""

from __future__ import annotations

from typing import Any

import engine
from engine.optim.arithmetic import ArrayMath
from engine.optim.optimizer import Parameterwise

torch: Any = engine


class SGD(Parameterwise):
    """p -= lr * g, or with momentum p -= lr * b where b = momentum * b + (1 - dampening) * g.

    Source: torch.optim.SGD; Sutskever et al. 2013 for the momentum's form.
    """

    sparse_message = None
    late_options = {
        "nesterov": False,
        "maximize": False,
        "foreach": None,
        "differentiable": False,
        "fused": False,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if isinstance(lr, torch.Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            dict(
                lr=lr,
                momentum=momentum,
                dampening=dampening,
                weight_decay=weight_decay,
                nesterov=nesterov,
                maximize=maximize,
                foreach=foreach,
                differentiable=differentiable,
                fused=fused,
            ),
        )
        check_fused(fused, differentiable, foreach)

    def begin(self, p: Any, group: dict) -> dict[str, Any]:
        """Nothing without momentum; else a buffer, marked as one that the first gradient fills."""
        return {"momentum_buffer": torch.zeros_like(p), "fresh": True} if group["momentum"] != 0 else {}

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """One update of `p`."""
        decay, momentum = group["weight_decay"], group["momentum"]
        if decay != 0:
            g = m.add(g, p, alpha=float(decay) if m is ArrayMath else decay)
        if momentum != 0:
            kept = state.get("momentum_buffer")
            if kept is None:
                kept = state["momentum_buffer"] = torch.from_numpy(g.copy()) if m is ArrayMath else g.clone()
                state["fresh"] = True
            buffer = m.of(kept)
            if state.pop("fresh", False):
                # the first buffer is a value without history, also where the step is differentiated
                m.copy_(buffer, g if m is ArrayMath else g.detach())
            else:
                take = 1 - group["dampening"]
                if (
                    m is ArrayMath
                    and not group["nesterov"]
                    and m.momentum_(p, g, buffer, momentum, take, -lr)
                ):
                    return
                m.add_(m.mul_(buffer, momentum), g, alpha=take)
            g = m.add(g, buffer, alpha=momentum) if group["nesterov"] else buffer
        m.add_(p, g, alpha=-lr)

    def update_sparse(self, p: Any, grad: Any, group: dict, lr: Any) -> None:
        """p -= lr * g at the rows that `grad` has.

        Raises:
            RuntimeError: an option is set that a sparse gradient cannot serve.
        """
        if group["momentum"] != 0 or group["weight_decay"] != 0:
            raise RuntimeError("SGD takes a sparse gradient only without momentum and weight_decay")
        with torch.no_grad():
            p.add_(grad.to_dense(), alpha=lr if group["maximize"] else -lr)


def check_fused(fused: bool | None, differentiable: bool, foreach: bool | None) -> None:
    """Nothing, if the three ways of running do not contradict each other.

    Raises:
        RuntimeError: they do.
    """
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
