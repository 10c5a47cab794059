"""The multivariate normal distribution whose covariance is a low-rank matrix and a diagonal."""

from __future__ import annotations

import math
from typing import Any

import engine
from engine.distributions import constraints
from engine.distributions.distribution import Distribution
from engine.distributions.parameter import lazy_property, standard_normal


class LowRankMultivariateNormal(Distribution):
    """Normal vectors with covariance W W^T + D: `cov_factor` is W (n x rank), `cov_diag` the diagonal of D.

    Inverse and determinant are those of the small matrix I + W^T D^-1 W."""

    arg_constraints: Any = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        size = tuple(loc.shape[-1:])
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, "
                             "with optional leading batch dimensions")
        if tuple(cov_factor.shape[-2:-1]) != size:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {size[0]} x m")
        if tuple(cov_diag.shape[-1:]) != size:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {size}")
        batch = engine.broadcast_shapes(tuple(loc.shape[:-1]), tuple(cov_factor.shape[:-2]),
                                        tuple(cov_diag.shape[:-1]))
        self.loc = loc.expand((*batch, *size))
        self.cov_factor = cov_factor.expand((*batch, *cov_factor.shape[-2:]))
        self.cov_diag = cov_diag.expand((*batch, *size))
        self._factor, self._diagonal = cov_factor, cov_diag
        scaled = cov_factor.mT / cov_diag.unsqueeze(-2)
        small = scaled @ cov_factor + engine.eye(cov_factor.shape[-1], dtype=cov_factor.dtype)
        self._small = engine.linalg.cholesky(small)
        super().__init__(batch, loc.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @lazy_property
    def variance(self) -> Any:
        """The diagonal of the covariance."""
        both = self._factor.pow(2).sum(-1) + self._diagonal
        return both.expand((*self._batch_shape, *self._event_shape))

    @lazy_property
    def covariance_matrix(self) -> Any:
        """The covariance."""
        whole = self._factor @ self._factor.mT + engine.diag_embed(self._diagonal)
        return self._wide(whole)

    @lazy_property
    def scale_tril(self) -> Any:
        """The lower Cholesky factor of the covariance."""
        return engine.linalg.cholesky(self.covariance_matrix)

    @lazy_property
    def precision_matrix(self) -> Any:
        """The inverse of the covariance, by Woodbury's identity."""
        scaled = self._factor.mT / self._diagonal.unsqueeze(-2)
        inner = engine.linalg.solve_triangular(self._small, scaled, upper=False)
        return self._wide(engine.diag_embed(self._diagonal.reciprocal()) - inner.mT @ inner)

    def _wide(self, matrix: Any) -> Any:
        return matrix.expand((*self._batch_shape, *self._event_shape, *self._event_shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        along = standard_normal((*shape[:-1], self.cov_factor.shape[-1]), self.loc.dtype)
        apart = standard_normal(shape, self.loc.dtype)
        moved = (self._factor @ along.unsqueeze(-1)).squeeze(-1)
        return self.loc + moved + self._diagonal.sqrt() * apart

    def _log_determinant(self) -> Any:
        return 2 * self._small.diagonal(dim1=-2, dim2=-1).log().sum(-1) + self._diagonal.log().sum(-1)

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        away = value - self.loc
        scaled = self._factor.mT / self._diagonal.unsqueeze(-2)
        inner = engine.linalg.solve_triangular(self._small, scaled @ away.unsqueeze(-1), upper=False)
        distance = (away.pow(2) / self._diagonal).sum(-1) - inner.squeeze(-1).pow(2).sum(-1)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self._log_determinant() + distance)

    def entropy(self) -> Any:
        entropy = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_determinant())
        return entropy.expand(tuple(self._batch_shape))
