"""Gradient clipping.

Source: torch.nn.utils.clip_grad.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable
from typing import Any

import engine


def _tensors(tensors: Any) -> list:
    return [tensors] if isinstance(tensors, engine.Tensor) else list(tensors)


def _no_grad(fn: Any) -> Any:
    @functools.wraps(fn)
    def quiet(*args: Any, **kwargs: Any) -> Any:
        with engine.no_grad():
            return fn(*args, **kwargs)

    return quiet


@_no_grad
def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Any:
    """The norm of all tensors taken as one vector.

    Raises: RuntimeError when it is not finite and error_if_nonfinite is set."""
    tensors = _tensors(tensors)
    norm_type = float(norm_type)
    if not tensors:
        return engine.tensor(0.0)  # type: ignore[operator]
    norms = [engine.linalg.vector_norm(t, norm_type) for t in tensors]
    total = engine.linalg.vector_norm(engine.stack(norms), norm_type)
    if error_if_nonfinite and not bool(engine.isfinite(total)):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from "
            "`parameters` is non-finite, so it cannot be clipped. To disable "
            "this error and scale the gradients by the non-finite norm anyway, "
            "set `error_if_nonfinite=False`"
        )
    return total


@_no_grad
def clip_grads_with_norm_(
    parameters: Any, max_norm: float, total_norm: Any, foreach: bool | None = None
) -> None:
    """Scales gradients down so that a total norm already known becomes at most max_norm."""
    grads = [p.grad for p in _tensors(parameters) if p.grad is not None]
    if not grads:
        return
    factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    for grad in grads:
        grad.mul_(factor)


@_no_grad
def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Any:
    """Scales gradients down so that their total norm is at most max_norm; returns the norm before."""
    given_generator = not isinstance(parameters, (engine.Tensor, list, tuple))
    parameters = _tensors(parameters)
    if given_generator and not parameters:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=3)
    grads = [p.grad for p in parameters if p.grad is not None]
    total = get_total_norm(grads, norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


def clip_grad_norm(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Any:
    """The old name of clip_grad_norm_."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


@_no_grad
def clip_grad_value_(parameters: Iterable | Any, clip_value: float, foreach: bool | None = None) -> None:
    """Keeps every element of the gradients within ±clip_value."""
    clip_value = float(clip_value)
    for param in _tensors(parameters):
        if param.grad is not None:
            param.grad.clamp_(min=-clip_value, max=clip_value)
