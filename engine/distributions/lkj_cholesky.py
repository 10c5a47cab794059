"""Cholesky factors of random correlation matrices.

Source: D. Lewandowski, D. Kurowicka, H. Joe, Generating random correlation matrices based on vines and
extended onion method (2009), section 3."""

from __future__ import annotations

import math
from typing import Any

import engine
from engine.distributions import constraints
from engine.distributions.beta import Beta
from engine.distributions.distribution import Distribution
from engine.distributions.parameter import broadcast_all


class LKJCholesky(Distribution):
    """Lower factors L of correlation matrices L L^T with density proportional to det^(concentration - 1)."""

    arg_constraints: Any = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        batch = self.concentration.size()
        # Row k's squared length below the diagonal, one row after the other.
        row = engine.as_tensor([0.0, *range(dim - 1)], dtype=self.concentration.dtype)
        self._lengths = Beta(row + 0.5, self.concentration.unsqueeze(-1) + 0.5 * (dim - 2) - 0.5 * row)
        super().__init__(batch, engine.Size((dim, dim)), validate_args=validate_args)

    def sample(self, sample_shape: Any = ()) -> Any:
        with engine.no_grad():
            squares = self._lengths.sample(sample_shape).unsqueeze(-1)
            shape = self._extended_shape(sample_shape)
            towards = engine.randn(shape, dtype=self.concentration.dtype).tril(-1)
            towards = towards / towards.norm(dim=-1, keepdim=True)
            towards[..., 0, :].fill_(0.0)
            below = squares.sqrt() * towards
            tiny = engine.finfo(below.dtype).tiny
            diagonal = (1 - (below ** 2).sum(-1)).clamp(min=tiny).sqrt()
            return below + engine.diag_embed(diagonal)

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        n = self.dim - 1
        order = engine.arange(2, self.dim + 1)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - order
        density = (order * value.diagonal(dim1=-1, dim2=-2)[..., 1:].log()).sum(-1)
        alpha = self.concentration + 0.5 * n
        constant = 0.5 * n * math.log(math.pi) + engine.mvlgamma(alpha - 0.5, n) - engine.lgamma(alpha) * n
        return density - constant
