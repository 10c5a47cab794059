"""Averaged models: stochastic weight averaging and exponential moving averages."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import engine
from engine.optim.lr_scheduler import LRScheduler
from engine.optim.lr_scheduler.base import per_group

torch: Any = engine

__all__ = [
    "AveragedModel",
    "update_bn",
    "SWALR",
    "get_ema_multi_avg_fn",
    "get_swa_multi_avg_fn",
    "get_ema_avg_fn",
    "get_swa_avg_fn",
]


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _is_inexact(t: Any) -> bool:
    return t.is_floating_point() or t.is_complex()


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable:
    """A function that moves a list of tensors towards another by the share 1 - `decay`."""
    _check_decay(decay)

    def ema_update(ema_param_list: Any, current_param_list: Any, _: Any) -> None:
        with torch.no_grad():
            for kept, now in zip(ema_param_list, current_param_list, strict=True):
                if _is_inexact(kept):
                    kept.lerp_(now, 1 - decay)
                else:
                    kept.copy_(kept * decay + now * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Callable:
    """A function that takes one more list of tensors into the mean of those before."""

    def swa_update(averaged_param_list: Any, current_param_list: Any, num_averaged: Any) -> None:
        share = 1 / (float(num_averaged) + 1)
        with torch.no_grad():
            for mean, now in zip(averaged_param_list, current_param_list, strict=True):
                if _is_inexact(mean):
                    mean.lerp_(now, share)
                else:
                    mean.add_((now - mean) * share)

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Callable:
    """A function of (kept, now, count) that gives their exponential moving average."""
    _check_decay(decay)

    def ema_update(ema_param: Any, current_param: Any, num_averaged: Any) -> Any:
        with torch.no_grad():
            return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Callable:
    """A function of (mean, now, count) that gives the mean with one more."""

    def swa_update(averaged_param: Any, current_param: Any, num_averaged: Any) -> Any:
        with torch.no_grad():
            return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(torch.nn.Module):
    """A copy of a model whose parameters are the average over the times that `update_parameters` was called.

    Source: torch.optim.swa_utils.AveragedModel; Izmailov et al. 2018.
    """

    def __init__(
        self,
        model: Any,
        device: Any = None,
        avg_fn: Callable | None = None,
        multi_avg_fn: Callable | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", torch.tensor(0, dtype=torch.long, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model makes of the input."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Any) -> None:
        """Take the model's parameters, as they are now, into the average."""
        if self.use_buffers:
            mine: Iterable = itertools.chain(self.module.parameters(), self.module.buffers())
            other: Iterable = itertools.chain(model.parameters(), model.buffers())
        else:
            mine, other = self.parameters(), model.parameters()
        pairs = [(a.detach(), b.detach().to(a.device)) for a, b in zip(mine, other)]
        if not pairs:
            pass
        elif int(self.n_averaged) == 0:
            for kept, now in pairs:
                kept.copy_(now)
        elif self.avg_fn is not None:
            for kept, now in pairs:
                kept.copy_(self.avg_fn(kept, now, self.n_averaged.to(kept.device)))
        else:
            move = self.multi_avg_fn or get_swa_multi_avg_fn()
            for kind in dict.fromkeys(a.dtype for a, _ in pairs):
                chosen = [pair for pair in pairs if pair[0].dtype == kind]
                move([a for a, _ in chosen], [b for _, b in chosen], self.n_averaged)
        if not self.use_buffers:
            for kept, now in zip(self.module.buffers(), model.buffers(), strict=True):
                kept.detach().copy_(now.detach().to(kept.device))
        self.n_averaged += 1


def update_bn(loader: Iterable, model: Any, device: Any = None) -> None:
    """Compute the running statistics of all batch-normalization layers anew from the inputs of `loader`."""
    layers = {m: m.momentum for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)}
    if not layers:
        return
    training = model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    with torch.no_grad():
        for batch in loader:
            inputs = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(inputs if device is None else inputs.to(device))
    for layer, momentum in layers.items():
        layer.momentum = momentum
    model.train(training)


class SWALR(LRScheduler):
    """lr from where it is to `swa_lr` in `anneal_epochs`, and constant from there on."""

    _left_out = ("optimizer", "anneal_func")

    def __init__(
        self,
        optimizer: Any,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for rate, group in zip(per_group("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._set_anneal_func(anneal_strategy)
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _set_anneal_func(self, strategy: str) -> None:
        self._anneal_strategy = strategy
        self.anneal_func = _half_cosine if strategy == "cos" else _straight

    def get_lr(self) -> list:
        """The rates for the present step, from the rates of the step before."""
        self._warn_if_outside_step()
        step, span = self._step_count - 1, max(1, self.anneal_epochs)
        if self.anneal_epochs == 0:
            step = max(1, step)
        before = self.anneal_func(max(0, min(1, (step - 1) / span)))
        now = self.anneal_func(max(0, min(1, step / span)))
        rates = []
        for group in self.optimizer.param_groups:
            goal = group["swa_lr"]
            start = goal if before == 1 else (group["lr"] - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where the scheduler was whose `state_dict()` this is."""
        self.__dict__.update(state_dict)
        self._set_anneal_func(self._anneal_strategy)


def _straight(share: float) -> float:
    return share


def _half_cosine(share: float) -> float:
    return (1 - math.cos(math.pi * share)) / 2
