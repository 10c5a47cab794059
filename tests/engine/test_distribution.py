"""Distributions answer as PyTorch's. Expected values: make_distribution_data.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.stats

import engine
from engine.ops.gamma_sample import beta_slope, gamma_slope
from tests.engine.distribution_cases import ASKED, FAMILIES, PAIRS, built

STORED = np.load(Path(__file__).parent.parent / "data" / "distributions.npz")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_distribution_answers_as_pytorchs(name: str) -> None:
    family, arguments, named = FAMILIES[name]
    distribution = built(engine, family, arguments, named)
    assert repr(distribution) == str(STORED[f"{name}/repr"])
    for question, ask in ASKED.items():
        if f"{name}/{question}" not in STORED:
            continue
        engine.manual_seed(3)
        got, expected = ask(engine, distribution).detach()._array(), STORED[f"{name}/{question}"]
        assert got.dtype == expected.dtype, question
        np.testing.assert_allclose(got, expected, rtol=2e-5, atol=1e-6, err_msg=question)


@pytest.mark.parametrize("number", range(len(PAIRS)))
def test_a_divergence_is_pytorchs(number: int) -> None:
    p, q = PAIRS[number]
    got = engine.distributions.kl_divergence(built(engine, *p), built(engine, *q))
    np.testing.assert_allclose(got.detach()._array(), STORED[f"kl/{number}"], rtol=1e-4, atol=1e-6)


def test_the_divergence_of_a_distribution_from_itself_is_zero() -> None:
    for (family, arguments), _ in PAIRS:
        p = built(engine, family, arguments)
        np.testing.assert_allclose(engine.distributions.kl_divergence(p, p)._array(), 0, atol=1e-5)


def test_a_pair_without_formula_is_refused() -> None:
    p, q = built(engine, "Normal", (0.0, 1.0)), built(engine, "Bernoulli", (0.3,))
    with pytest.raises(NotImplementedError, match="p type Normal and q type Bernoulli"):
        engine.distributions.kl_divergence(p, q)


def test_gradients_reach_the_parameters_through_rsample() -> None:
    loc, scale = engine.zeros(3, requires_grad=True), engine.ones(3, requires_grad=True)
    drawn = engine.distributions.Normal(loc, scale).rsample()
    drawn.sum().backward()
    assert loc.grad.tolist() == [1, 1, 1]
    np.testing.assert_allclose(scale.grad._array(), drawn.detach()._array(), rtol=1e-6)


def test_sample_passes_no_gradient() -> None:
    loc = engine.zeros(3, requires_grad=True)
    assert not engine.distributions.Normal(loc, 1.0).sample().requires_grad


@pytest.mark.parametrize("alpha", [0.05, 0.5, 2.0, 8.0, 50.0, 1000.0, 1e5])
def test_a_gamma_sample_moves_with_its_concentration_as_its_quantile_does(alpha: float) -> None:
    chance, step = np.linspace(0.01, 0.99, 50), alpha * 1e-5
    x = scipy.stats.gamma.ppf(chance, alpha)
    expected = (scipy.stats.gamma.ppf(chance, alpha + step) - scipy.stats.gamma.ppf(chance, alpha - step)) / (
        2 * step
    )
    np.testing.assert_allclose(gamma_slope(np.full(50, alpha), x), expected, rtol=1e-6)


@pytest.mark.parametrize(("a", "b"), [(0.5, 2.0), (1.0, 1.0), (2.0, 3.0), (50.0, 70.0), (1000.0, 3000.0)])
def test_a_beta_sample_moves_with_its_concentration_as_its_quantile_does(a: float, b: float) -> None:
    chance, step = np.linspace(0.01, 0.99, 50), a * 1e-4
    x = scipy.stats.beta.ppf(chance, a, b)
    expected = (scipy.stats.beta.ppf(chance, a + step, b) - scipy.stats.beta.ppf(chance, a - step, b)) / (
        2 * step
    )
    np.testing.assert_allclose(beta_slope(x, np.full(50, a), np.full(50, b)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("family", "arguments", "words"),
    [
        ("Normal", (0.0, -1.0), r"parameter scale .* constraint GreaterThan\(lower_bound=0.0\)"),
        ("Bernoulli", (1.5,), r"parameter probs .* constraint Interval\(lower_bound=0.0, upper_bound=1.0\)"),
        ("Bernoulli", (), "Either `probs` or `logits` must be specified, but not both."),
        ("Uniform", (1.0, 0.0), r"parameter low .* constraint LessThan\(upper_bound=0.0\)"),
        ("MultivariateNormal", ([0.0, 0.0],), "Exactly one of covariance_matrix or precision_matrix"),
    ],
)
def test_invalid_parameters_are_refused_in_pytorchs_words(family: str, arguments: tuple, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        built(engine, family, arguments)


def test_a_value_outside_the_support_is_refused() -> None:
    with pytest.raises(ValueError, match=r"within the support \(Boolean\(\)\)"):
        engine.distributions.Bernoulli(0.3).log_prob(engine.full((), 0.5))


def test_checks_can_be_switched_off() -> None:
    engine.distributions.Normal(0.0, -1.0, validate_args=False)


def test_independent_sums_over_the_event() -> None:
    base = built(engine, "Normal", ([0.0, 1.0], [1.0, 2.0]))
    whole = engine.distributions.Independent(base, 1)
    value = engine.zeros(2)
    assert tuple(whole.batch_shape) == () and tuple(whole.event_shape) == (2,)
    assert whole.log_prob(value).item() == pytest.approx(base.log_prob(value).sum().item())


def test_a_squashed_normal_has_the_density_of_the_change_of_variable() -> None:
    D = engine.distributions
    squashed = D.TransformedDistribution(D.Normal(0.5, 2.0), [D.TanhTransform(cache_size=1)])
    y = engine.linspace(-0.9, 0.9, 7)
    expected = scipy.stats.norm.logpdf(np.arctanh(y._array()), 0.5, 2.0) - np.log(1 - y._array() ** 2)
    np.testing.assert_allclose(squashed.log_prob(y)._array(), expected, rtol=1e-4)


def test_a_chain_of_maps_goes_there_and_back() -> None:
    D = engine.distributions
    chain = D.ComposeTransform([D.AffineTransform(0.1, -0.5), D.ExpTransform(), D.SigmoidTransform()])
    x = engine.linspace(-1.0, 1.0, 5)
    np.testing.assert_allclose(chain.inv(chain(x))._array(), x._array(), atol=1e-4)


def test_a_mixture_weighs_the_densities_of_its_components() -> None:
    D = engine.distributions
    parts = D.Normal(engine.arange(2.0) * 3, engine.ones(2))
    mixture = D.MixtureSameFamily(D.Categorical(engine.arange(1.0, 3.0)), parts)
    x = np.linspace(-2, 5, 9)
    expected = np.log(scipy.stats.norm.pdf(x) / 3 + scipy.stats.norm.pdf(x, 3) * 2 / 3)
    np.testing.assert_allclose(mixture.log_prob(engine.from_numpy(x).float())._array(), expected, rtol=1e-5)
    assert mixture.mean.item() == pytest.approx(2.0)
    assert mixture.variance.item() == pytest.approx(3.0)


def test_expand_repeats_the_batch() -> None:
    wide = built(engine, "Gamma", ([1.0, 2.0], 3.0)).expand((4, 2))
    assert tuple(wide.batch_shape) == (4, 2) and tuple(wide.sample((5,)).shape) == (5, 4, 2)


@pytest.mark.parametrize("name", ["real", "positive", "unit_interval", "simplex", "lower_cholesky"])
def test_free_numbers_are_mapped_into_a_constraint_and_back(name: str) -> None:
    D = engine.distributions
    constraint = getattr(D.constraints, name)
    x = engine.from_numpy(np.random.default_rng(0).standard_normal((2, 3, 3)))
    for registry in (D.transform_to, D.biject_to):
        if registry is D.biject_to and name == "lower_cholesky":
            continue
        into = registry(constraint)
        assert constraint.check(into(x)).all().item()
        if into.bijective:
            np.testing.assert_allclose(into.inv(into(x))._array(), x._array(), atol=1e-6)


def test_breaking_a_stick_stretches_as_its_jacobian_says() -> None:
    broken = engine.distributions.StickBreakingTransform()
    x, step = np.array([0.3, -0.8, 0.5]), 1e-6
    columns = []
    for i in range(3):
        moved = [broken(engine.from_numpy(x + sign * step * np.eye(3)[i]))._array() for sign in (1, -1)]
        columns.append((moved[0] - moved[1])[:-1] / (2 * step))
    value = engine.from_numpy(x)
    expected = np.log(abs(np.linalg.det(np.stack(columns))))
    assert broken.log_abs_det_jacobian(value, broken(value)).item() == pytest.approx(expected, rel=1e-6)
