"""The von Mises distribution.

Source: D. J. Best, N. I. Fisher, Efficient simulation of the von Mises distribution (1979)."""

from __future__ import annotations

import math
from typing import Any

import engine
from engine.distributions import constraints
from engine.distributions.distribution import Distribution
from engine.distributions.parameter import broadcast_all, lazy_property


class VonMises(Distribution):
    """Angles around `loc`, the closer the larger the concentration."""

    arg_constraints: Any = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @lazy_property
    def variance(self) -> Any:
        """One less the mean length of the resultant: the circular variance."""
        return 1 - engine.special.i1e(self.concentration) / engine.special.i0e(self.concentration)

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        log_i0 = engine.special.i0e(self.concentration).log() + self.concentration
        return self.concentration * engine.cos(value - self.loc) - math.log(2 * math.pi) - log_i0

    def _envelope(self) -> Any:
        """What the proposals' wrapped Cauchy distribution is bent by, in double precision."""
        k = self.concentration.double()
        tau = 1 + (1 + 4 * k ** 2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * k)
        return engine.where(k < 1e-5, 1 / k + k, (1 + rho ** 2) / (2 * rho))

    def sample(self, sample_shape: Any = ()) -> Any:
        with engine.no_grad():
            shape = self._extended_shape(sample_shape)
            loc, k, r = self.loc.double(), self.concentration.double(), self._envelope()
            angle = engine.empty(shape, dtype=engine.float64)
            done = engine.zeros(tuple(shape), dtype=engine.bool)
            while not bool(done.all()):
                first, second, third = engine.rand((3, *shape), dtype=engine.float64).unbind()
                z = (math.pi * first).cos()
                f = (1 + r * z) / (r + z)
                c = k * (r - f)
                accepted = ((c * (2 - c) - second) > 0) | ((c / second).log() + 1 - c >= 0)
                angle = engine.where(accepted, (third - 0.5).sign() * f.acos(), angle)
                done = done | accepted
            return ((angle + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with parameters of a larger batch."""
        return type(self)(self.loc.expand(batch_shape), self.concentration.expand(batch_shape),
                          validate_args=False)
