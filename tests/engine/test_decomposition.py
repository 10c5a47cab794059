"""Decompositions whose signs are free: the signs that PyTorch 2.13 prints, and what must hold anyway."""

from __future__ import annotations

import numpy as np
import pytest

import engine as torch

WIDE = [[1.0, 2.0, 3.0], [4.0, -5.0, 6.0]]
TALL = [[1.0, 2.0, 0.0], [3.0, 4.0, 1.0], [5.0, -6.0, 2.0], [7.0, 9.0, 0.0]]


def test_a_wide_matrix_has_pytorchs_singular_vectors_with_their_signs():
    u, s, vh = torch.linalg.svd(torch.tensor(WIDE, dtype=torch.float64))
    assert np.allclose(u.numpy(), [[0.180987, -0.983486], [0.983486, 0.180987]], atol=1e-6)
    assert np.allclose(s.numpy(), [8.899905, 3.433903], atol=1e-6)
    assert np.allclose(vh.numpy(), [[0.462356, -0.511854, 0.724038], [-0.075581, -0.836338, -0.542979],
                                    [-0.883467, -0.196326, 0.425373]], atol=1e-6)


def test_a_single_row_keeps_its_sign_in_u():
    u, s, vh = torch.linalg.svd(torch.tensor([[3.0, 4.0]], dtype=torch.float64), full_matrices=False)
    assert u.tolist() == [[-1.0]] and abs(s.item() - 5) < 1e-12
    assert np.allclose(vh.numpy(), [[-0.6, -0.8]])


def test_a_tall_matrix_has_pytorchs_fourth_direction():
    u, s, vh = torch.linalg.svd(torch.tensor(TALL, dtype=torch.float64))
    assert np.allclose(u.numpy()[:, 3], [-0.983440, 0.110499, -0.055249, 0.132599], atol=1e-6)
    assert np.allclose(vh.numpy()[0], [-0.504137, -0.863621, 0.002227], atol=1e-6)


SHAPES = [(1, 6), (2, 9), (3, 6), (6, 4), (7, 5), (12, 40), (40, 24), (3, 0), (2, 4, 9)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("full", [False, True])
def test_the_parts_multiply_to_the_matrix_and_stand_upright(shape, full):
    a = np.random.RandomState(0).standard_normal(shape)
    u, s, vh = (t.numpy() for t in torch.linalg.svd(torch.tensor(a), full_matrices=full))
    k = s.shape[-1]
    assert np.allclose((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], a)
    assert np.allclose(np.swapaxes(u, -1, -2) @ u, np.eye(u.shape[-1]))
    assert np.allclose(vh @ np.swapaxes(vh, -1, -2), np.eye(vh.shape[-2]))
    assert np.allclose(s, np.linalg.svd(a, compute_uv=False))


def test_the_gradient_of_eigenvectors_is_symmetric():
    a = torch.tensor(np.diag([1.0, 2.0, 4.0]) + 0.1, requires_grad=True)
    torch.linalg.eigh(a)[1].abs().sum().backward()
    assert np.allclose(a.grad.numpy(), a.grad.numpy().T)


def test_a_low_rank_matrix_comes_back_from_its_few_directions():
    rng = np.random.RandomState(1)
    a = torch.tensor(rng.standard_normal((9, 2)) @ rng.standard_normal((2, 5)))
    torch.manual_seed(3)
    u, s, v = torch.svd_lowrank(a, q=2)
    assert (tuple(u.shape), tuple(s.shape), tuple(v.shape)) == ((9, 2), (2,), (5, 2))
    assert torch.allclose(u @ torch.diag(s) @ v.mT, a)
    u, s, v = torch.pca_lowrank(a, q=2)
    assert np.allclose(s.numpy(), np.linalg.svd(a.numpy() - a.numpy().mean(0))[1][:2])
    with pytest.raises(ValueError, match="must be non-negative integer"):
        torch.pca_lowrank(a, q=6)


def test_least_squares_has_a_node_and_gradients_of_its_own():
    rng = np.random.RandomState(2)
    a = torch.tensor(rng.standard_normal((5, 3)), requires_grad=True)
    b = torch.tensor(rng.standard_normal((5, 2)), requires_grad=True)
    x, residuals = torch.linalg.lstsq(a, b, driver="gelsd")[:2]
    assert x.grad_fn.name() == "LinalgLstsqBackward0"
    assert np.allclose(residuals.detach().numpy(), np.linalg.lstsq(a.detach().numpy(), b.detach().numpy())[1])
    assert torch.autograd.gradcheck(lambda p, q: torch.linalg.lstsq(p, q, driver="gelsd")[:2], (a, b))


def test_reflections_make_the_rotation_of_qr_and_its_gradient():
    a = torch.tensor(np.random.RandomState(5).standard_normal((4, 3)))
    packed, tau = torch.geqrf(a)
    q = torch.linalg.householder_product(packed, tau)
    assert torch.allclose(q @ packed[:3].triu(), a)
    c = torch.ones(4, 2, dtype=torch.float64)
    assert torch.allclose(torch.ormqr(packed, tau, c, transpose=True)[:3], q.mT @ c)
    packed.requires_grad_(), tau.requires_grad_()
    assert torch.autograd.gradcheck(torch.linalg.householder_product, (packed, tau))
    assert torch.autograd.gradgradcheck(torch.linalg.householder_product, (packed, tau))


def test_a_hermitian_pseudo_inverse_reads_the_lower_triangle():
    a = torch.tensor([[2.0, 99.0], [1.0, 3.0]], dtype=torch.float64)
    assert np.allclose(torch.linalg.pinv(a, hermitian=True).numpy(), np.linalg.inv([[2.0, 1.0], [1.0, 3.0]]))
