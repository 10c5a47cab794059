"""The continuous Bernoulli distribution.

Source: G. Loaiza-Ganem, J. P. Cunningham, The continuous Bernoulli: fixing a pervasive error in variational
autoencoders (2019)."""

from __future__ import annotations

import math
from typing import Any

import engine
from engine.distributions import constraints
from engine.distributions.distribution import Distribution
from engine.distributions.parameter import (
    broadcast_all,
    lazy_property,
    logits_to_probs,
    one_of,
    probs_to_logits,
)


class ContinuousBernoulli(Distribution):
    """Values between zero and one with density proportional to probs^x (1 - probs)^(1 - x).

    Between the two `lims` around one half the formulas divide zero by zero: series take their place."""

    arg_constraints: Any = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, probs: Any = None, logits: Any = None, lims: tuple[float, float] = (0.499, 0.501),
                 validate_args: bool | None = None) -> None:
        one_of(probs, logits)
        if probs is not None:
            (given,) = broadcast_all(probs)
            tiny = engine.finfo(given.dtype).eps
            self.probs = given.clamp(tiny, 1 - tiny)
        else:
            (self.logits,) = broadcast_all(logits)
        self._param = self.probs if probs is not None else self.logits
        self._lims = lims
        super().__init__(self._param.size(), validate_args=validate_args)

    @lazy_property
    def logits(self) -> Any:
        """The log odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Any:
        """The parameter between zero and one."""
        p = logits_to_probs(self.logits, is_binary=True)
        tiny = engine.finfo(p.dtype).eps
        return p.clamp(tiny, 1 - tiny)

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return self._param.size()

    def _far(self) -> Any:
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _cut(self) -> Any:
        """The parameter, kept away from one half."""
        return engine.where(self._far(), self.probs, self._lims[0] * engine.ones_like(self.probs))

    def _log_constant(self) -> Any:
        cut = self._cut()
        below = engine.where(cut <= 0.5, cut, engine.zeros_like(cut))
        above = engine.where(cut >= 0.5, cut, engine.ones_like(cut))
        width = engine.where(cut <= 0.5, (-2.0 * below).log1p(), (2.0 * above - 1.0).log())
        exact = ((-cut).log1p() - cut.log()).abs().log() - width
        square = (self.probs - 0.5).pow(2)
        near = math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * square) * square
        return engine.where(self._far(), exact, near)

    @property
    def mean(self) -> Any:
        cut = self._cut()
        exact = cut / (2.0 * cut - 1.0) + 1.0 / ((-cut).log1p() - cut.log())
        x = self.probs - 0.5
        return engine.where(self._far(), exact, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.pow(2)) * x)

    @property
    def stddev(self) -> Any:
        return self.variance.sqrt()

    @property
    def variance(self) -> Any:
        cut = self._cut()
        exact = cut * (cut - 1.0) / (1.0 - 2.0 * cut).pow(2) + 1.0 / ((-cut).log1p() - cut.log()).pow(2)
        square = (self.probs - 0.5).pow(2)
        return engine.where(self._far(), exact,
                            1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * square) * square)

    def sample(self, sample_shape: Any = ()) -> Any:
        with engine.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(engine.rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        surprise = engine.nn.functional.binary_cross_entropy_with_logits(logits, value, reduction="none")
        return -surprise + self._log_constant()

    def cdf(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        cut = self._cut()
        exact = (cut.pow(value) * (1.0 - cut).pow(1.0 - value) + cut - 1.0) / (2.0 * cut - 1.0)
        within = engine.where(self._far(), exact, value)
        within = engine.where(value <= 0.0, engine.zeros_like(value), within)
        return engine.where(value >= 1.0, engine.ones_like(value), within)

    def icdf(self, value: Any) -> Any:
        cut = self._cut()
        exact = ((-cut + value * (2.0 * cut - 1.0)).log1p() - (-cut).log1p()) / (cut.log() - (-cut).log1p())
        return engine.where(self._far(), exact, value)

    def entropy(self) -> Any:
        away = (-self.probs).log1p()
        return self.mean * (away - self.probs.log()) - self._log_constant() - away
