"""Probabilities by breaking a stick at normal places."""

from __future__ import annotations

from typing import Any

from engine.distributions import constraints
from engine.distributions.independent import Independent
from engine.distributions.normal import Normal
from engine.distributions.transformed_distribution import TransformedDistribution
from engine.distributions.vector_transforms import StickBreakingTransform


class LogisticNormal(TransformedDistribution):
    """K probabilities whose log odds, K - 1 of them, are normal."""

    arg_constraints: Any = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args=validate_args)
        if not base.batch_shape:
            base = base.expand([1])  # type: ignore[assignment]
        super().__init__(Independent(base, 1), StickBreakingTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Any:
        """The means of the log odds."""
        return self.base_dist.base_dist.loc  # type: ignore[attr-defined]

    @property
    def scale(self) -> Any:
        """Their standard deviations."""
        return self.base_dist.base_dist.scale  # type: ignore[attr-defined]
