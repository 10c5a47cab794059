"""torch.amp: mixed precision.

On the CPU everything is computed in the tensors' own types; scaling does nothing."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from engine.core import dtype as dt

_inside: list[bool] = []


class autocast:
    """Context manager and decorator, accepted: ops keep the types of their tensors."""

    __module__ = "torch.amp.autocast_mode"

    def __init__(self, device_type: str, dtype: Any = None, enabled: bool = True,
                 cache_enabled: bool | None = None) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if device_type == "cuda" and enabled:
            warnings.warn("User provided device_type of 'cuda', but CUDA is not available. Disabling",
                          stacklevel=2)
            enabled = False
        self.device, self._enabled = device_type, enabled
        self.fast_dtype = dtype or (dt.bfloat16 if device_type == "cpu" else dt.float16)

    def __enter__(self) -> autocast:
        _inside.append(self._enabled)
        return self

    def __exit__(self, *exc: object) -> None:
        _inside.pop()

    def __call__(self, fn: Callable) -> Callable:
        @functools.wraps(fn)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return fn(*args, **kwargs)

        return wrapped


def is_autocast_available(device_type: str) -> bool:
    """True for the CPU."""
    return device_type == "cpu"


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """True inside an enabled autocast."""
    return bool(_inside and _inside[-1])


def custom_fwd(fwd: Callable | None = None, *, device_type: str = "cpu", cast_inputs: Any = None) -> Any:
    """Decorator of a Function's forward under autocast: the function itself."""
    return fwd if fwd is not None else lambda f: f


def custom_bwd(bwd: Callable | None = None, *, device_type: str = "cpu") -> Any:
    """Decorator of a Function's backward under autocast: the function itself."""
    return bwd if bwd is not None else lambda f: f


class GradScaler:
    """Loss scaling for half precision: without CUDA it is disabled, and passes everything through."""

    __module__ = "torch.amp.grad_scaler"

    def __init__(self, device: str = "cuda", init_scale: float = 2.0**16, growth_factor: float = 2.0,
                 backoff_factor: float = 0.5, growth_interval: int = 2000, enabled: bool = True) -> None:
        self._device, self._init_scale = device, init_scale
        if enabled and device == "cuda":
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                          stacklevel=2)
            enabled = False
        self._enabled, self._scale = enabled, init_scale
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval = growth_interval
        self._good, self._unscaled, self._bad = 0, False, False

    def scale(self, outputs: Any) -> Any:
        """The loss times the scale; the loss itself when disabled."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, (list, tuple)):
            return type(outputs)(self.scale(o) for o in outputs)
        return outputs * self._scale

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale, and look for Inf and NaN."""
        if not self._enabled or self._unscaled:
            return
        import numpy as np

        self._bad = False
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad._array()[...] /= self._scale
                    self._bad = self._bad or not np.isfinite(p.grad._a).all()
        self._unscaled = True

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """The optimizer's step, left out where a gradient is not finite."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        self.unscale_(optimizer)
        return None if self._bad else optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Let the scale grow after good steps and shrink after a bad one."""
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif self._bad:
            self._scale, self._good = self._scale * self._backoff_factor, 0
        else:
            self._good += 1
            if self._good == self._growth_interval:
                self._scale, self._good = self._scale * self._growth_factor, 0
        self._unscaled = False

    def get_scale(self) -> float:
        """The scale; 1 when disabled."""
        return self._scale if self._enabled else 1.0

    def is_enabled(self) -> bool:
        """True when it scales."""
        return self._enabled

    def state_dict(self) -> dict:
        """The state; empty when disabled."""
        if not self._enabled:
            return {}
        return {"scale": self._scale, "growth_factor": self._growth_factor,
                "backoff_factor": self._backoff_factor,
                "growth_interval": self._growth_interval, "_growth_tracker": self._good}

    def load_state_dict(self, state_dict: dict) -> None:
        """Take over a state."""
        if self._enabled:
            if not state_dict:
                raise RuntimeError("The source state dict is empty, possibly because it was saved from a "
                                   "disabled instance "
                                   "of GradScaler.")
            self._scale, self._good = state_dict["scale"], state_dict["_growth_tracker"]
