"""L-BFGS: a quasi-Newton method that keeps its last steps in the place of a Hessian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import engine
from engine.optim.line_search import strong_wolfe
from engine.optim.optimizer import Optimizer, _to_scalar, check_learning_rate

torch: Any = engine


class LBFGS(Optimizer):
    """Steps along -H⁻¹g, with H⁻¹ built from the last `history_size` changes of parameters and gradient.

    `step` needs a closure that computes the loss again, gradients included.
    Source: torch.optim.LBFGS; Nocedal and Wright, Numerical Optimization, algorithm 7.4.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_learning_rate(lr)
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        super().__init__(
            params,
            dict(
                lr=lr,
                max_iter=max_iter,
                max_eval=max_eval,
                tolerance_grad=tolerance_grad,
                tolerance_change=tolerance_change,
                history_size=history_size,
                line_search_fn=line_search_fn,
            ),
        )
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def _flat_gradient(self) -> np.ndarray:
        parts = []
        for p in self._params:
            grad = p.grad
            if grad is None:
                width = 2 if p.is_complex() else 1
                parts.append(
                    np.zeros(
                        p.numel() * width,
                        torch.view_as_real(p.detach()).numpy().dtype
                        if p.is_complex()
                        else p.detach().cpu().numpy().dtype,
                    )
                )
                continue
            grad = grad.to_dense() if grad.is_sparse else grad
            grad = torch.view_as_real(grad) if grad.is_complex() else grad
            parts.append(grad.detach().cpu().numpy().reshape(-1))
        return np.concatenate(parts)

    def _move(self, rate: Any, direction: np.ndarray) -> None:
        start = 0
        for p in self._params:
            real = torch.view_as_real(p) if p.is_complex() else p
            part = torch.from_numpy(direction[start : start + real.numel()].reshape(tuple(real.shape)))
            real.add_(part.to(p.device), alpha=float(rate))
            start += real.numel()

    def step(self, closure: Callable) -> Any:  # type: ignore[override]
        """The loss before the step, after up to `max_iter` iterations."""
        with torch.no_grad():
            return self._iterate(closure)

    def _iterate(self, given: Callable) -> Any:
        def closure() -> Any:
            with torch.enable_grad():
                return given()

        def try_point(start: list, rate: Any, direction: np.ndarray) -> tuple[float, np.ndarray]:
            self._move(rate, direction)
            loss = float(closure())
            gradient = self._flat_gradient()
            for p, value in zip(self._params, start):
                p.copy_(value)
            return loss, gradient

        group = self.param_groups[0]
        lr = float(_to_scalar(group["lr"]))
        max_iter, max_eval = group["max_iter"], group["max_eval"]
        search, size = group["line_search_fn"], group["history_size"]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = closure()
        loss = float(first_loss)
        evaluations = 1
        state["func_evals"] += 1
        gradient = self._flat_gradient()
        flat_enough = np.abs(gradient).max() <= group["tolerance_grad"]
        if flat_enough:
            return first_loss
        memory = _Memory(state, size)
        for iteration in range(1, max_iter + 1):
            state["n_iter"] += 1
            memory.take(gradient, first=state["n_iter"] == 1)
            before = loss
            memory.loss = before
            rate: Any = lr
            if state["n_iter"] == 1:
                rate = min(1.0, 1.0 / np.abs(gradient).sum()) * lr
            memory.rate = rate
            slope = gradient.dot(memory.direction)
            if slope > -group["tolerance_change"]:
                break
            used = 0
            if search is not None:
                if search != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                start = [p.detach().clone() for p in self._params]
                loss, gradient, rate, used = strong_wolfe(
                    lambda t: try_point(start, t, memory.direction),
                    rate,
                    memory.direction,
                    loss,
                    gradient,
                    slope,
                    max_ls=max_eval - evaluations,
                )
                memory.rate = rate
                self._move(rate, memory.direction)
                flat_enough = np.abs(gradient).max() <= group["tolerance_grad"]
            else:
                self._move(rate, memory.direction)
                if iteration != max_iter:
                    loss = float(closure())
                    gradient = self._flat_gradient()
                    flat_enough = np.abs(gradient).max() <= group["tolerance_grad"]
                    used = 1
            evaluations += used
            state["func_evals"] += used
            if iteration == max_iter or evaluations >= max_eval or flat_enough:
                break
            if np.abs(memory.direction * rate).max() <= group["tolerance_change"]:
                break
            if abs(loss - before) < group["tolerance_change"]:
                break
        memory.keep(state)
        return first_loss


class _Memory:
    """The last changes of gradient (y) and parameters (s), and the direction that follows from them."""

    def __init__(self, state: dict, size: int) -> None:
        self.size = size
        self.rate = _bare(state.get("t"))
        self.direction = _bare(state.get("d"))
        self.changes = [_bare(y) for y in state.get("old_dirs") or []]
        self.steps = [_bare(s) for s in state.get("old_stps") or []]
        self.curvature = [_bare(r) for r in state.get("ro") or []]
        self.scale = _bare(state.get("H_diag"))
        self.before = _bare(state.get("prev_flat_grad"))
        self.loss = state.get("prev_loss")
        self.weights: list | None = state.get("al")

    def take(self, gradient: np.ndarray, first: bool) -> None:
        """Learn from the new gradient, and point `direction` downhill."""
        if first:
            self.direction = -gradient
            self.changes, self.steps, self.curvature, self.scale = [], [], [], 1
        else:
            change, step = gradient - self.before, self.direction * self.rate
            product = change.dot(step)
            if product > 1e-10:
                if len(self.changes) == self.size:
                    del self.changes[0], self.steps[0], self.curvature[0]
                self.changes.append(change)
                self.steps.append(step)
                self.curvature.append(1.0 / product)
                self.scale = product / change.dot(change)
            if self.weights is None:
                self.weights = [None] * self.size
            q, weights = -gradient, self.weights
            for i in range(len(self.changes) - 1, -1, -1):
                weights[i] = self.steps[i].dot(q) * self.curvature[i]
                q += -weights[i] * self.changes[i]
            q *= self.scale
            for i in range(len(self.changes)):
                back = self.changes[i].dot(q) * self.curvature[i]
                q += (weights[i] - back) * self.steps[i]
            self.direction = q
        self.before = gradient.copy()

    def keep(self, state: dict) -> None:
        """Write everything into the optimizer's state, vectors as tensors."""
        state["d"] = torch.from_numpy(self.direction)
        state["t"] = self.rate if isinstance(self.rate, (int, float)) else torch.tensor(self.rate)
        state["old_dirs"] = [torch.from_numpy(y) for y in self.changes]
        state["old_stps"] = [torch.from_numpy(s) for s in self.steps]
        state["ro"] = [torch.tensor(r) for r in self.curvature]
        state["H_diag"] = self.scale if isinstance(self.scale, int) else torch.tensor(self.scale)
        state["prev_flat_grad"] = torch.from_numpy(self.before)
        state["prev_loss"] = self.loss
        if self.weights is not None:
            state["al"] = [None if w is None else torch.tensor(w) for w in map(_bare, self.weights)]


def _bare(value: Any) -> Any:
    """The numpy array or scalar in a tensor; other values as they are."""
    if not isinstance(value, torch.Tensor):
        return value
    a = value.detach().cpu().numpy()
    return a[()] if a.ndim == 0 else a
