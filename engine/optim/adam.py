"""Adam: each parameter's step is its average gradient over the root of its average square."""

from __future__ import annotations

from typing import Any

import engine
from engine.optim.arithmetic import ArrayMath, advance
from engine.optim.optimizer import Parameterwise, _to_scalar, check_betas, new_step
from engine.optim.sgd import check_fused

torch: Any = engine


class Adam(Parameterwise):
    """Averages of gradient and squared gradient, corrected for their start at zero.

    Source: torch.optim.Adam; Kingma and Ba 2015; Reddi et al. 2018 for amsgrad; Loshchilov and Hutter 2019
    for decoupled weight decay.
    """

    sparse_message = "Adam does not support sparse gradients, please consider SparseAdam instead"
    late_options = {
        "amsgrad": False,
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
        "fused": None,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, torch.Tensor):
            if foreach and not capturable:
                raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
            if lr.numel() != 1:
                raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0.0 <= eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        if not 0.0 <= weight_decay:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        tensors = [isinstance(beta, torch.Tensor) for beta in betas]
        if not (all(tensors) or all(isinstance(beta, float) for beta in betas)):
            raise ValueError("betas must be either both floats or both Tensors")
        for index in (0, 1) if all(tensors) else ():
            if foreach and not capturable:
                raise ValueError(
                    f"betas[{index}] as a Tensor is not supported for capturable=False and foreach=True"
                )
            if betas[index].numel() != 1:
                raise ValueError(f"Tensor betas[{index}] must be 1-element")
        super().__init__(
            params,
            dict(
                lr=lr,
                betas=tuple(_to_scalar(beta) for beta in betas),
                eps=eps,
                weight_decay=weight_decay,
                amsgrad=amsgrad,
                maximize=maximize,
                foreach=foreach,
                capturable=capturable,
                differentiable=differentiable,
                fused=fused,
                decoupled_weight_decay=decoupled_weight_decay,
            ),
        )
        check_fused(fused, differentiable, foreach)

    def begin(self, p: Any, group: dict) -> dict[str, Any]:
        """Step 0 and both averages at zero."""
        state = {"step": new_step(group), "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = torch.zeros_like(p)
        return state

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """One update of `p`."""
        beta1, beta2 = group["betas"]
        if not isinstance(beta1, float):
            beta1, beta2 = float(beta1), float(beta2)
        step = advance(state["step"])
        decay = group["weight_decay"]
        if decay != 0:
            if group["decoupled_weight_decay"]:
                m.mul_(p, 1 - lr * decay)
            else:
                g = m.add(g, p, alpha=decay)
        average, square = m.of(state["exp_avg"]), m.of(state["exp_avg_sq"])
        largest = m.of(state["max_exp_avg_sq"]) if group["amsgrad"] else None
        step_size = lr / (1 - beta1**step)
        root = (1 - beta2**step) ** 0.5
        if (
            m is ArrayMath
            and largest is None
            and m.adam_(p, g, average, square, beta1, beta2, root, group["eps"], step_size)
        ):
            return
        m.lerp_(average, g, 1 - beta1)
        m.addcmul_(m.mul_(square, beta2), g, g, value=1 - beta2)
        seen = square if largest is None else m.maximum_(largest, square)
        m.addcdiv_(p, average, m.add_(m.div_(m.sqrt(seen), root), group["eps"]), value=-step_size)
