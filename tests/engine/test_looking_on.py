"""Running an op again to look at it leaves no trace in what the program will run."""

from __future__ import annotations

import numpy as np

import engine as torch
from engine.autograd import modes
from engine.kernels import compiled_convolution, compiled_image, compiler, pointwise
from engine.worker.explain.repetition import Repetition, unseen


def test_looking_neither_compiles_nor_counts_towards_compiling() -> None:
    image = np.ones((1, 2, 8, 8), np.float32)
    before = compiled_convolution._done, compiled_image._done, dict(pointwise._counts)
    with unseen():
        assert compiler.paused
        assert not compiled_image.worth(image)
        assert not compiled_convolution.worth(image, image, (8, 8), (1, 1), (1, 1), 1)
    assert (compiled_convolution._done, compiled_image._done, dict(pointwise._counts)) == before
    assert not compiler.paused


def test_what_is_switched_off_to_look_is_switched_on_again_after_an_error() -> None:
    observer, grad_enabled = modes.observer, modes.grad_enabled
    torch.manual_seed(4)
    expected = torch.rand(2).tolist()
    torch.manual_seed(4)
    try:
        with unseen(users_own=True):
            torch.rand(7)
            raise ValueError
    except ValueError:
        pass
    assert (modes.observer, modes.grad_enabled) == (observer, grad_enabled)
    assert torch.rand(2).tolist() == expected


def test_a_node_made_again_in_float64_has_the_gradient_of_float64() -> None:
    x = torch.tensor([0.1, -0.7, 2.5], requires_grad=True)
    node = x.tanh().grad_fn
    again = Repetition(node)
    values = again.widened()
    outputs = again.outputs(values)
    (gradient,) = again.gradients(values, [np.ones(3)], outputs)
    given = x.detach().numpy().astype(np.float64)
    assert outputs[0].dtype == gradient.dtype == np.float64
    assert np.allclose(gradient, 1 - np.tanh(given) ** 2, rtol=1e-14)
    assert x.grad is None and node.saved  # nothing was run backward, nothing let go
