"""The Kumaraswamy distribution."""

from __future__ import annotations

from typing import Any

import engine
from engine.distributions import constraints
from engine.distributions.parameter import broadcast_all
from engine.distributions.transformed_distribution import TransformedDistribution
from engine.distributions.transforms import AffineTransform, PowerTransform
from engine.distributions.uniform import Uniform


class Kumaraswamy(TransformedDistribution):
    """Numbers between zero and one, much as beta samples, by two powers of a uniform one."""

    arg_constraints: Any = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        base = Uniform(
            engine.full_like(self.concentration0, 0),
            engine.full_like(self.concentration0, 1),
            validate_args=validate_args,
        )
        maps = [
            PowerTransform(exponent=self.concentration0.reciprocal()),
            AffineTransform(loc=1.0, scale=-1.0),
            PowerTransform(exponent=self.concentration1.reciprocal()),
        ]
        super().__init__(base, maps, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        shape = tuple(batch_shape)
        return Kumaraswamy(
            self.concentration1.expand(shape), self.concentration0.expand(shape), validate_args=False
        )

    def _moment(self, n: int) -> Any:
        arg = 1 + n / self.concentration1
        b = self.concentration0
        return b * (arg.lgamma() + b.lgamma() - (arg + b).lgamma()).exp()

    @property
    def mean(self) -> Any:
        return self._moment(1)

    @property
    def mode(self) -> Any:
        # Where the logarithm of the density has no slope; that is inside only if both powers exceed one.
        c0, c1 = self.concentration0, self.concentration1
        log_mode = c0.reciprocal() * (-c0).log1p() - (-c0 * c1).log1p()
        return log_mode.masked_fill((c0 < 1) | (c1 < 1), float("nan")).exp()

    def entropy(self) -> Any:
        harmonic = (self.concentration0 + 1).digamma() + 0.57721566490153286060
        first = 1 - self.concentration0.reciprocal()
        second = (1 - self.concentration1.reciprocal()) * harmonic
        return first + second - self.concentration1.log() - self.concentration0.log()

    @property
    def variance(self) -> Any:
        return self._moment(2) - self._moment(1).pow(2)
