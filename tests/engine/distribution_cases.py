"""Which distributions test_distribution.py builds, and what it asks of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FAMILIES: dict[str, tuple[str, tuple, dict]] = {
    "normal": ("Normal", ([0.0, 1.0], [1.0, 2.0]), {}),
    "log normal": ("LogNormal", ([0.0, 1.0], [1.0, 0.5]), {}),
    "half normal": ("HalfNormal", ([1.0, 2.0],), {}),
    "half Cauchy": ("HalfCauchy", ([1.0, 2.0],), {}),
    "uniform": ("Uniform", ([-1.0, 0.0], [1.0, 3.0]), {}),
    "Bernoulli": ("Bernoulli", ([0.2, 0.7],), {}),
    "Bernoulli by logits": ("Bernoulli", (), {"logits": [0.2, -0.7]}),
    "geometric": ("Geometric", ([0.2, 0.7],), {}),
    "categorical": ("Categorical", ([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]],), {}),
    "categorical by logits": ("Categorical", (), {"logits": [0.1, -0.4, 2.0]}),
    "one-hot": ("OneHotCategorical", ([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]],), {}),
    "multinomial": ("Multinomial", (5, [0.2, 0.3, 0.5]), {}),
    "binomial": ("Binomial", (10, [0.2, 0.7]), {}),
    "exponential": ("Exponential", ([1.0, 2.5],), {}),
    "gamma": ("Gamma", ([1.0, 2.5], [1.0, 2.0]), {}),
    "chi squared": ("Chi2", ([1.0, 2.5],), {}),
    "Dirichlet": ("Dirichlet", ([[1.0, 2.5, 0.3], [3.0, 2.0, 1.0]],), {}),
    "beta": ("Beta", ([1.0, 2.5], [3.0, 0.4]), {}),
    "Laplace": ("Laplace", ([0.0, 1.0], [1.0, 2.0]), {}),
    "Cauchy": ("Cauchy", ([0.0, 1.0], [1.0, 2.0]), {}),
    "Gumbel": ("Gumbel", ([0.0, 1.0], [1.0, 2.0]), {}),
    "Poisson": ("Poisson", ([1.0, 25.0],), {}),
    "Student": ("StudentT", ([3.0, 5.0], [0.0, 1.0], [1.0, 2.0]), {}),
    "Weibull": ("Weibull", ([1.0, 2.0], [0.5, 3.0]), {}),
    "Pareto": ("Pareto", ([1.0, 2.0], [1.5, 3.0]), {}),
    "Kumaraswamy": ("Kumaraswamy", ([1.0, 2.0], [1.5, 3.0]), {}),
    "inverse gamma": ("InverseGamma", ([1.5, 2.5], [1.5, 3.0]), {}),
    "F": ("FisherSnedecor", ([1.5, 2.5], [1.5, 5.0]), {}),
    "negative binomial": ("NegativeBinomial", ([5.0, 2.0], [0.5, 0.3]), {}),
    "relaxed Bernoulli": ("RelaxedBernoulli", ([0.7], [0.2, 0.8]), {}),
    "relaxed one-hot": ("RelaxedOneHotCategorical", ([0.7], [0.2, 0.8]), {}),
    "continuous Bernoulli": ("ContinuousBernoulli", ([0.2, 0.5],), {}),
    "correlation factors": ("LKJCholesky", (3, [0.7, 2.0]), {}),
    "scatter matrices": ("Wishart", ([4.0], [[2.0, 0.5], [0.5, 1.0]]), {}),
    "angles": ("VonMises", ([0.0, 1.0], [1.0, 5.0]), {}),
    "normal vectors of low rank": (
        "LowRankMultivariateNormal", ([0.0, 1.0], [[1.0, 0.5], [0.2, -0.3]], [1.0, 0.5]), {},
    ),
    "normal vectors": ("MultivariateNormal", ([0.0, 1.0], [[2.0, 0.5], [0.5, 1.0]]), {}),
    "normal vectors by factor": (
        "MultivariateNormal",
        ([0.0, 1.0],),
        {"scale_tril": [[2.0, 0.0], [0.5, 1.0]]},
    ),
    "normal vectors by precision": (
        "MultivariateNormal",
        ([0.0, 1.0],),
        {"precision_matrix": [[2.0, 0.5], [0.5, 1.0]]},
    ),
}

ASKED: dict[str, Callable[[Any, Any], Any]] = {
    "sample": lambda T, d: d.sample((7,)),
    "log_prob": lambda T, d: d.log_prob(d.sample((4,))),
    "entropy": lambda T, d: d.entropy(),
    "mean": lambda T, d: d.mean,
    "mode": lambda T, d: d.mode,
    "variance": lambda T, d: d.variance,
    "cdf": lambda T, d: d.cdf(d.sample((4,))),
    "icdf": lambda T, d: d.icdf(T.tensor([[0.2, 0.8], [0.1, 0.6]])),
    "enumerate_support": lambda T, d: d.enumerate_support(),
}

PAIRS: list[tuple[tuple[str, tuple], tuple[str, tuple]]] = [
    (("Bernoulli", ([0.2, 0.7],)), ("Bernoulli", ([0.3, 0.9],))),
    (("Binomial", (5, [0.2, 0.7])), ("Binomial", (5, [0.3, 0.9]))),
    (("Categorical", ([0.2, 0.3, 0.5],)), ("Categorical", ([0.3, 0.3, 0.4],))),
    (("OneHotCategorical", ([0.2, 0.3, 0.5],)), ("OneHotCategorical", ([0.3, 0.3, 0.4],))),
    (("Geometric", ([0.2, 0.7],)), ("Geometric", ([0.3, 0.9],))),
    (("Poisson", ([0.2, 0.7],)), ("Poisson", ([0.3, 0.9],))),
    (("Beta", ([0.2, 0.7], [1.0, 2.0])), ("Beta", ([0.3, 0.9], [3.0, 2.0]))),
    (("Cauchy", ([0.2, 0.7], [1.0, 2.0])), ("Cauchy", ([0.3, 0.9], [3.0, 2.0]))),
    (("Dirichlet", ([0.2, 0.7],)), ("Dirichlet", ([0.3, 0.9],))),
    (("Exponential", ([0.2, 0.7],)), ("Exponential", ([0.3, 0.9],))),
    (("Gamma", ([0.2, 0.7], [1.0, 2.0])), ("Gamma", ([0.3, 0.9], [3.0, 2.0]))),
    (("HalfNormal", ([0.2, 0.7],)), ("HalfNormal", ([0.3, 0.9],))),
    (("Laplace", ([0.2, 0.7], [1.0, 2.0])), ("Laplace", ([0.3, 0.9], [3.0, 2.0]))),
    (("LogNormal", ([0.2, 0.7], [1.0, 2.0])), ("LogNormal", ([0.3, 0.9], [3.0, 2.0]))),
    (("Normal", ([0.2, 0.7], [1.0, 2.0])), ("Normal", ([0.3, 0.9], [3.0, 2.0]))),
    (("Uniform", ([0.2, 0.7], [1.0, 2.0])), ("Uniform", ([0.1, 0.9], [3.0, 2.0]))),
    (
        ("MultivariateNormal", ([0.0, 1.0], [[2.0, 0.5], [0.5, 1.0]])),
        ("MultivariateNormal", ([1.0, 1.0], [[1.0, 0.2], [0.2, 3.0]])),
    ),
    (("Exponential", ([0.2, 0.7],)), ("Gamma", ([0.3, 0.9], [3.0, 2.0]))),
    (("Exponential", ([0.2, 0.7],)), ("Normal", ([0.3, 0.9], [3.0, 2.0]))),
    (("Gamma", ([0.2, 0.7], [1.0, 2.0])), ("Exponential", ([0.3, 0.9],))),
    (("Laplace", ([0.2, 0.7], [1.0, 2.0])), ("Normal", ([0.3, 0.9], [3.0, 2.0]))),
    (("Normal", ([0.2, 0.7], [1.0, 2.0])), ("Laplace", ([0.3, 0.9], [3.0, 2.0]))),
    (("Uniform", ([0.2, 0.7], [1.0, 2.0])), ("Normal", ([0.3, 0.9], [3.0, 2.0]))),
]


def built(T: Any, family: str, arguments: tuple, named: dict | None = None, leaf: bool = False) -> Any:
    """A distribution of a torch-like module, its lists made tensors."""

    def tensor(value: Any) -> Any:
        return T.tensor(value, requires_grad=leaf) if isinstance(value, list) else value

    given = {name: tensor(value) for name, value in (named or {}).items()}
    return getattr(T.distributions, family)(*(tensor(value) for value in arguments), **given)
