"""Which map leads from free numbers into a constrained set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.distributions import constraints as c
from engine.distributions import transforms as t
from engine.distributions.vector_transforms import LowerCholeskyTransform, StickBreakingTransform

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """Calling it with a constraint gives a map from free numbers into it."""

    def __init__(self) -> None:
        self._makers: dict[type, Callable[[Any], t.Transform]] = {}

    def register(self, constraint: Any, factory: Callable | None = None) -> Any:
        """Let `factory` make the map of a constraint's type; without factory, a decorator.

        Raises: TypeError for what is no constraint."""
        if factory is None:
            return lambda fn: self.register(constraint, fn)
        kind = type(constraint) if isinstance(constraint, c.Constraint) else constraint
        if not (isinstance(kind, type) and issubclass(kind, c.Constraint)):
            raise TypeError(
                f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}"
            )
        self._makers[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> t.Transform:
        try:
            maker = self._makers[type(constraint)]
        except KeyError:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints") from None
        return maker(constraint)


biject_to, transform_to = ConstraintRegistry(), ConstraintRegistry()


def _above(constraint: Any) -> t.Transform:
    return t.ComposeTransform([t.ExpTransform(), t.AffineTransform(constraint.lower_bound, 1)])


def _below(constraint: Any) -> t.Transform:
    return t.ComposeTransform([t.ExpTransform(), t.AffineTransform(constraint.upper_bound, -1)])


def _between(constraint: Any) -> t.Transform:
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and (low, high) == (0, 1):
        return t.SigmoidTransform()
    return t.ComposeTransform([t.SigmoidTransform(), t.AffineTransform(low, high - low)])


for _registry in (biject_to, transform_to):
    _registry.register(c.real, lambda constraint: t.identity_transform)
    _registry.register(
        c.independent,
        lambda constraint, _to=_registry: t.IndependentTransform(
            _to(constraint.base_constraint), constraint.reinterpreted_batch_ndims
        ),
    )
    _registry.register(c.greater_than, _above)
    _registry.register(c.greater_than_eq, _above)
    _registry.register(c.less_than, _below)
    _registry.register(c.interval, _between)
    _registry.register(c.half_open_interval, _between)
biject_to.register(c.simplex, lambda constraint: StickBreakingTransform())
transform_to.register(c.simplex, lambda constraint: t.SoftmaxTransform())
transform_to.register(c.lower_cholesky, lambda constraint: LowerCholeskyTransform())
