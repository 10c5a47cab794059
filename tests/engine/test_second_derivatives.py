"""Second derivatives and tangents that no row of records checks: by finite differences."""

from __future__ import annotations

import numpy as np
import pytest

import engine as torch
from engine.autograd import forward_ad, gradgradcheck
from engine.nn.functional import grid_sample

RNG = np.random.RandomState(0)


def leaf(*shape):
    return torch.tensor(RNG.standard_normal(shape), requires_grad=True)


LOWER = torch.tensor(np.tril(RNG.standard_normal((3, 3))) + 3 * np.eye(3), requires_grad=True)


@pytest.mark.parametrize("fn, inputs", [
    (lambda x: torch.logcumsumexp(x, 1), (leaf(3, 5),)),
    (lambda x: torch.linalg.lu_factor(x)[0], (leaf(4, 4),)),
    (lambda x: torch.linalg.lu_factor(x)[0], (leaf(3, 5),)),
    (lambda x: torch.logit(torch.sigmoid(x)), (leaf(4),)),
    (lambda x: torch.linalg.vector_norm(x, 0.5), (leaf(5),)),
    (lambda x: torch.view_as_real(torch.complex(x, x * x)), (leaf(3),)),
    (lambda x: torch.cholesky_inverse(x.tril()), (LOWER,)),
])
def test_the_second_derivative_is_that_of_finite_differences(fn, inputs):
    assert gradgradcheck(fn, inputs)


@pytest.mark.parametrize("make", [
    lambda x: x.t().as_strided((3, 2), (1, 2)),
    lambda x: x.t().as_strided((2, 2, 2), (1, 1, 2), 1),
    lambda x: x[:, ::2].as_strided((2, 2), (2, 1)),
])
def test_any_window_on_any_tensor_can_be_differentiated_twice(make):
    assert gradgradcheck(lambda x: make(x.clone()) ** 3, (leaf(3, 4),))


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_sampling_can_be_differentiated_twice(mode, padding):
    x = torch.tensor(RNG.standard_normal((2, 2, 4, 5)), requires_grad=True)
    grid = torch.tensor(RNG.uniform(-0.9, 0.9, (2, 3, 2, 2)), requires_grad=True)
    assert gradgradcheck(
        lambda a, g: grid_sample(a, g, mode=mode, padding_mode=padding, align_corners=False), (x, grid))


def tangent_of(fn, x, way):
    with forward_ad.dual_level():
        y = fn(forward_ad.make_dual(torch.tensor(x), torch.tensor(way)))
        return forward_ad.unpack_dual(y).tangent.numpy()


@pytest.mark.parametrize("fn", [
    lambda a: torch.linalg.eigh(a)[1].abs(),
    lambda a: torch.linalg.svd(a, full_matrices=False)[0].abs(),
    lambda a: torch.linalg.eigvalsh(a),
    lambda a: torch.linalg.eig(a)[1].abs(),
])
def test_vectors_of_decompositions_have_tangents(fn):
    x = RNG.standard_normal((3, 3)) * 0.1 + np.diag([1.0, 2.0, 4.0])
    x, way = x + x.T, np.diag([1.0, -2.0, 0.5]) + 1
    step = 1e-6
    up, down = fn(torch.tensor(x + step * way)).numpy(), fn(torch.tensor(x - step * way)).numpy()
    assert np.allclose(tangent_of(fn, x, way), (up - down) / (2 * step), atol=1e-6)
