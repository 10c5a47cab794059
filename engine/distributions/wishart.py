"""The Wishart distribution.

Source: M. S. Bartlett, On the theory of statistical regression (1933): the factor of a sample has chi
variables on its diagonal and normal ones below."""

from __future__ import annotations

import math
from typing import Any

import engine
from engine.distributions import constraints
from engine.distributions.chi2 import Chi2
from engine.distributions.distribution import Distribution
from engine.distributions.parameter import lazy_property


class Wishart(Distribution):
    """Scatter matrices of `df` normal vectors with a covariance: itself, its inverse or its lower factor."""

    arg_constraints: Any = {
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
        "df": constraints.greater_than(0),
    }
    support = constraints.positive_definite
    has_rsample = True

    def __init__(self, df: Any, covariance_matrix: Any = None, precision_matrix: Any = None,
                 scale_tril: Any = None, validate_args: bool | None = None) -> None:
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix,
                 "scale_tril": scale_tril}
        named = [(name, m) for name, m in given.items() if m is not None]
        if len(named) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = named
        if matrix.dim() < 2:
            raise ValueError(
                "scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        df = engine.as_tensor(df, dtype=matrix.dtype)
        batch = engine.broadcast_shapes(tuple(df.shape), tuple(matrix.shape[:-2]))
        size = matrix.shape[-1]
        self.df = df.expand(batch)
        setattr(self, name, matrix.expand((*batch, size, size)))
        if bool((self.df <= size - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {size - 1}.")
        if name == "scale_tril":
            self._factor = matrix
        elif name == "covariance_matrix":
            self._factor = engine.linalg.cholesky(matrix)
        else:
            self._factor = engine.linalg.cholesky(engine.linalg.inv(matrix))
        super().__init__(batch, engine.Size((size, size)), validate_args=validate_args)
        self._squares = Chi2(self.df.unsqueeze(-1) - engine.arange(size, dtype=self.df.dtype))

    @lazy_property
    def scale_tril(self) -> Any:
        """The lower Cholesky factor of the covariance."""
        return self._factor.expand((*self._batch_shape, *self._event_shape))

    @lazy_property
    def covariance_matrix(self) -> Any:
        """The covariance of the vectors."""
        return (self._factor @ self._factor.mT).expand((*self._batch_shape, *self._event_shape))

    @lazy_property
    def precision_matrix(self) -> Any:
        """Its inverse."""
        return engine.cholesky_inverse(self._factor).expand((*self._batch_shape, *self._event_shape))

    @property
    def mean(self) -> Any:
        return self.df.view((*self._batch_shape, 1, 1)) * self.covariance_matrix

    @property
    def mode(self) -> Any:
        factor = self.df - self._event_shape[0] - 1
        factor = engine.where(factor <= 0, engine.full_like(factor, math.nan), factor)
        return factor.view((*self._batch_shape, 1, 1)) * self.covariance_matrix

    @property
    def variance(self) -> Any:
        v = self.covariance_matrix
        d = v.diagonal(dim1=-2, dim2=-1)
        return self.df.view((*self._batch_shape, 1, 1)) * (v.pow(2) + d.unsqueeze(-1) * d.unsqueeze(-2))

    def _drawn(self, shape: tuple) -> Any:
        """Samples by Bartlett's decomposition."""
        size = self._event_shape[0]
        tiny = engine.finfo(self.df.dtype).tiny
        noise = self._squares.rsample(shape).clamp(min=tiny).sqrt().diag_embed(dim1=-2, dim2=-1)
        i, j = engine.tril_indices(size, size, offset=-1)
        normal = engine.randn((*shape, *self._batch_shape, size * (size - 1) // 2), dtype=noise.dtype)
        noise[..., i, j] = normal
        factor = self._factor @ noise
        return factor @ factor.transpose(-2, -1)

    def _sound(self, sample: Any) -> Any:
        """For each sample, whether any matrix of its batch is positive definite."""
        found = self.support.check(sample)
        return found.flatten(-len(self._batch_shape)).any(-1) if self._batch_shape else found

    def rsample(self, sample_shape: Any = ()) -> Any:
        # PyTorch draws sound samples again and keeps the second draw; its stream is followed here.
        sample = self._drawn(tuple(sample_shape))
        again = self._sound(sample)
        for _ in range(3 if self._batch_shape else 10):
            count = int(again.sum())
            if not count:
                break
            fresh = self._drawn((count,))
            sample[again] = fresh
            rest = again.clone()
            rest[again] = ~self._sound(fresh)
            again = rest
        return sample

    def _log_root_determinant(self) -> Any:
        return self._factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        nu, p = self.df, self._event_shape[0]
        inside = engine.cholesky_solve(value, self._factor).diagonal(dim1=-2, dim2=-1).sum(-1)
        return (-nu * (p * math.log(2) / 2 + self._log_root_determinant()) - engine.mvlgamma(nu / 2, p)
                + (nu - p - 1) / 2 * engine.linalg.slogdet(value).logabsdet - inside / 2)

    def entropy(self) -> Any:
        nu, p = self.df, self._event_shape[0]
        places = engine.arange(p, dtype=nu.dtype)
        slopes = engine.digamma((nu.unsqueeze(-1) - places) / 2).sum(-1)
        return ((p + 1) * (p * math.log(2) / 2 + self._log_root_determinant()) + engine.mvlgamma(nu / 2, p)
                - (nu - p - 1) / 2 * slopes + nu * p / 2)
