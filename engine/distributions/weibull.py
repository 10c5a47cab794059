"""The Weibull distribution."""

from __future__ import annotations

from typing import Any

import engine
from engine.distributions import constraints
from engine.distributions.exponential import Exponential
from engine.distributions.parameter import broadcast_all
from engine.distributions.transformed_distribution import TransformedDistribution
from engine.distributions.transforms import AffineTransform, PowerTransform


class Weibull(TransformedDistribution):
    """Lifetimes of scale `scale` whose hazard grows with the power `concentration` - 1."""

    arg_constraints: Any = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        self.concentration_reciprocal = self.concentration.reciprocal()
        base = Exponential(engine.ones_like(self.scale), validate_args=validate_args)
        maps = [
            PowerTransform(exponent=self.concentration_reciprocal),
            AffineTransform(loc=0, scale=self.scale),
        ]
        super().__init__(base, maps, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        shape = tuple(batch_shape)
        return Weibull(self.scale.expand(shape), self.concentration.expand(shape), validate_args=False)

    @property
    def mean(self) -> Any:
        return self.scale * (1 + self.concentration_reciprocal).lgamma().exp()

    @property
    def mode(self) -> Any:
        below = ((self.concentration - 1) / self.concentration) ** self.concentration_reciprocal
        return self.scale * below

    @property
    def variance(self) -> Any:
        square = (1 + 2 * self.concentration_reciprocal).lgamma().exp()
        return self.scale.pow(2) * (square - (2 * (1 + self.concentration_reciprocal).lgamma()).exp())

    def entropy(self) -> Any:
        euler = 0.57721566490153286060
        inner = (self.scale * self.concentration_reciprocal).log()
        return euler * (1 - self.concentration_reciprocal) + inner + 1
