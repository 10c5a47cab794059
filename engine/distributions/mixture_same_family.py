"""A mixture of distributions of one family."""

from __future__ import annotations

from typing import Any

import engine
from engine.distributions.categorical import Categorical
from engine.distributions.constraints import MixtureSameFamilyConstraint
from engine.distributions.distribution import Distribution


class MixtureSameFamily(Distribution):
    """One of several components, the last batch dimension of a distribution, chosen by a categorical one."""

    arg_constraints: Any = {}

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                "The Mixture distribution needs to be an instance of torch.distributions.Categorical"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution need to be an instance of torch.distributions.Distribution"
            )
        count = mixture_distribution.logits.shape[-1]
        if count != component_distribution.batch_shape[-1]:
            raise ValueError(
                f"`mixture_distribution component` ({count}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({component_distribution.batch_shape[-1]})"
            )
        self.mixture_distribution, self.component_distribution = (
            mixture_distribution,
            component_distribution,
        )
        self._events = len(component_distribution.event_shape)
        super().__init__(
            component_distribution.batch_shape[:-1],
            component_distribution.event_shape,
            validate_args=validate_args,
        )

    @property
    def support(self) -> Any:
        """As the components."""
        return MixtureSameFamilyConstraint(self.component_distribution.support)

    def _weights(self) -> Any:
        probs = self.mixture_distribution.probs
        return probs.reshape((*tuple(probs.shape), *(1,) * self._events))

    def _over(self, value: Any) -> Any:
        return value.sum(-1 - self._events)

    @property
    def mean(self) -> Any:
        return self._over(self._weights() * self.component_distribution.mean)

    @property
    def variance(self) -> Any:
        inner = self._over(self._weights() * self.component_distribution.variance)
        away = self.component_distribution.mean - self.mean.unsqueeze(-1 - self._events)
        return inner + self._over(self._weights() * away.pow(2.0))

    def _padded(self, value: Any) -> Any:
        return value.unsqueeze(-1 - self._events)

    def cdf(self, value: Any) -> Any:
        return (self.component_distribution.cdf(self._padded(value)) * self.mixture_distribution.probs).sum(
            -1
        )

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        inner = self.component_distribution.log_prob(self._padded(value))
        return (inner + self.mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)

    def sample(self, sample_shape: Any = ()) -> Any:
        with engine.no_grad():
            chosen = self.mixture_distribution.sample(sample_shape)
            drawn = self.component_distribution.sample(sample_shape)
            dim = len(tuple(sample_shape)) + len(self.batch_shape)
            index = chosen.reshape((*tuple(chosen.shape), *(1,) * (self._events + 1)))
            shape = (*tuple(chosen.shape), 1, *tuple(self.event_shape))
            return drawn.gather(dim, index.expand(shape)).squeeze(dim)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution!r},\n  {self.component_distribution!r})"
