"""How parameters are given: as numbers or tensors that broadcast, as probabilities or as logits."""

from __future__ import annotations

from numbers import Number
from typing import Any

import engine
from engine.core.shape import Size
from engine.core.shape import broadcast_shapes as broadcast


def broadcast_all(*values: Any) -> tuple[Any, ...]:
    """Numbers and tensors as tensors of one shape.

    Raises: ValueError for what is neither."""
    if not all(isinstance(v, (engine.Tensor, Number)) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing "
            "__torch_function__."
        )
    given = [v for v in values if isinstance(v, engine.Tensor)]
    kind = given[0].dtype if given else engine.get_default_dtype()
    tensors: list[Any] = [
        v if isinstance(v, engine.Tensor) else engine.as_tensor(v, dtype=kind) for v in values
    ]
    shape = broadcast(*[tuple(t.shape) for t in tensors])
    return tuple(t if tuple(t.shape) == shape else t.expand(shape) for t in tensors)


def extended(sample_shape: Any, *shapes: Any) -> Size:
    """The shape of a sample: its own, then the batch's and the event's."""
    whole = tuple(sample_shape)
    for shape in shapes:
        whole += tuple(shape)
    return Size(whole)


def standard_normal(shape: Any, dtype: Any) -> Any:
    """Standard normal samples, drawn as torch.normal draws."""
    return engine.normal(engine.zeros(shape, dtype=dtype), engine.ones(shape, dtype=dtype))


def clamp_probs(probs: Any) -> Any:
    """Probabilities kept away from zero and one."""
    eps = engine.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Any, is_binary: bool = False) -> Any:
    """Log odds of probabilities; for several classes, their logarithms."""
    clamped = clamp_probs(probs)
    return clamped.log() - (-clamped).log1p() if is_binary else clamped.log()


def logits_to_probs(logits: Any, is_binary: bool = False) -> Any:
    """Probabilities of log odds, or of unnormalised logarithms along the last dimension."""
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def one_of(probs: Any, logits: Any) -> None:
    """Raises: ValueError unless exactly one is given."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


class lazy_property:
    """An attribute that is computed when first asked for, and kept."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with engine.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value
