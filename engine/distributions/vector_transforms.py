"""Maps of whole vectors and matrices, and maps put side by side."""

from __future__ import annotations

from typing import Any

import engine
from engine.distributions import constraints
from engine.distributions.transforms import Transform

__all__ = [
    "CatTransform",
    "CumulativeDistributionTransform",
    "LowerCholeskyTransform",
    "StackTransform",
    "StickBreakingTransform",
]


class StickBreakingTransform(Transform):
    """K - 1 free numbers to K probabilities, each breaking off its part of what is left."""

    bijective = True
    domain, codomain = constraints.real_vector, constraints.simplex
    domain_event_dim = codomain_event_dim = 1

    def _shift(self, x: Any) -> Any:
        return (x.shape[-1] + 1 - engine.ones_like(x).cumsum(-1)).log()

    def _call(self, x: Any) -> Any:
        limits = engine.finfo(x.dtype)
        part = (x - self._shift(x)).sigmoid().clamp(min=limits.tiny, max=1.0 - limits.eps)
        one = engine.ones_like(x[..., :1])
        return engine.cat([part, one], -1) * engine.cat([one, (1 - part).cumprod(-1)], -1)

    def _inverse(self, y: Any) -> Any:
        first = y[..., :-1]
        left = (1 - first.cumsum(-1)).clamp(min=engine.finfo(y.dtype).tiny)
        return first.log() - left.log() + self._shift(first)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        x = x - self._shift(x)
        return (-x + engine.nn.functional.logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        return (*tuple(shape)[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: Any) -> Any:
        return (*tuple(shape)[:-1], shape[-1] - 1)


class LowerCholeskyTransform(Transform):
    """Square matrices to lower triangular ones with a positive diagonal."""

    domain, codomain = constraints.independent(constraints.real, 2), constraints.lower_cholesky
    domain_event_dim = codomain_event_dim = 2

    def _call(self, x: Any) -> Any:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Any) -> Any:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class CumulativeDistributionTransform(Transform):
    """A variable to the probability of anything below it, under a distribution."""

    bijective, sign = True, 1
    codomain = constraints.unit_interval

    def __init__(self, distribution: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution

    def _call(self, x: Any) -> Any:
        return self.distribution.cdf(x)

    def _inverse(self, y: Any) -> Any:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return self.distribution.log_prob(x)


class StackTransform(Transform):
    """One map for each slice along a dimension."""

    def __init__(self, tseq: Any, dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.transforms, self.dim = list(tseq), dim
        self.bijective = all(t.bijective for t in self.transforms)

    def _slices(self, value: Any) -> list:
        return [value.select(self.dim, i) for i in range(value.size(self.dim))]

    def _call(self, x: Any) -> Any:
        return engine.stack([t(v) for t, v in zip(self.transforms, self._slices(x))], self.dim)

    def _inverse(self, y: Any) -> Any:
        return engine.stack([t._inv_call(v) for t, v in zip(self.transforms, self._slices(y))], self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        pairs = zip(self.transforms, self._slices(x), self._slices(y))
        return engine.stack([t.log_abs_det_jacobian(a, b) for t, a, b in pairs], self.dim)


class CatTransform(Transform):
    """One map for each piece, of given lengths, along a dimension."""

    def __init__(self, tseq: Any, dim: int = 0, lengths: Any = None, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.transforms, self.dim = list(tseq), dim
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        self.bijective = all(t.bijective for t in self.transforms)

    def _pieces(self, value: Any) -> list:
        found, start = [], 0
        for length in self.lengths:
            found.append(value.narrow(self.dim, start, length))
            start += length
        return found

    def _call(self, x: Any) -> Any:
        return engine.cat([t(v) for t, v in zip(self.transforms, self._pieces(x))], self.dim)

    def _inverse(self, y: Any) -> Any:
        return engine.cat([t._inv_call(v) for t, v in zip(self.transforms, self._pieces(y))], self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        pairs = zip(self.transforms, self._pieces(x), self._pieces(y))
        return engine.cat([t.log_abs_det_jacobian(a, b) for t, a, b in pairs], self.dim)
