"""SparseAdam: Adam that touches only the rows that the gradient has."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import engine
from engine.optim.arithmetic import array_of, touch
from engine.optim.optimizer import Parameterwise, check_betas

torch: Any = engine


class SparseAdam(Parameterwise):
    """Adam for embeddings with sparse gradients: averages and parameters move only where the gradient is.

    Source: torch.optim.SparseAdam.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, torch.Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 < lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0.0 < eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, maximize=maximize))
        found: dict[str, list] = {"sparse": [], "complex": []}
        for number, group in enumerate(self.param_groups):
            for position, p in enumerate(group["params"]):
                if p.is_sparse:
                    found["sparse"].append([number, position])
                if p.is_complex():
                    found["complex"].append([number, position])
        if found["sparse"]:
            raise ValueError(
                f"Sparse params at indices {found['sparse']}: SparseAdam requires dense parameter tensors"
            )
        if found["complex"]:
            raise ValueError(
                f"Complex params at indices {found['complex']}: SparseAdam does not support complex "
                "parameters"
            )

    def update(self, m: Any, p: Any, g: Any, state: dict, group: dict, lr: Any) -> None:
        """Nothing: dense gradients are refused.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")

    def update_sparse(self, p: Any, grad: Any, group: dict, lr: Any) -> None:
        """One update of the rows that `grad` has."""
        state = self.state[p]
        if not state:
            state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
        state["step"] += 1
        grad = grad.coalesce()
        where = tuple(np.asarray(index) for index in grad._indices()._array())
        g = array_of(grad._values())
        if g.size == 0:
            return
        g = -g if group["maximize"] else g
        (beta1, beta2), step = group["betas"], state["step"]
        average, square = array_of(state["exp_avg"]), array_of(state["exp_avg_sq"])
        old, old_square = average[where], square[where]
        change, change_square = (g - old) * (1 - beta1), (g * g - old_square) * (1 - beta2)
        average[where] += change
        square[where] += change_square
        below = np.sqrt(change_square + old_square) + group["eps"]
        size = lr * math.sqrt(1 - beta2**step) / (1 - beta1**step)
        array_of(p)[where] += -size * ((change + old) / below)
        touch(p)
