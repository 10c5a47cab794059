"""torch.nn.functional: graphs with PyTorch's names, values by hand, and what is said when calls do not fit.

Graphs are as real PyTorch 2.13 gives them by walking next_functions.
"""

from __future__ import annotations

import math
from math import inf, nan
from typing import Any

import numpy as np
import pytest

import engine as torch

F = torch.nn.functional


def leaf(*shape):
    n = int(np.prod(shape))
    return torch.tensor(
        np.float32((np.arange(n) * 37 + 11) % 29 / 14.5 - 1.01).reshape(shape)
    ).requires_grad_()


def graph(t):
    """NAME(inputs...), a node met again as #number of its first appearance."""
    seen = {}

    def say(fn):
        if fn is None:
            return "-"
        if fn in seen:
            return f"#{seen[fn]}"
        seen[fn] = len(seen)
        name = fn.name().replace("torch::autograd::", "")
        return name + (f"({','.join(say(f) for f, _ in fn.next_functions)})" if fn.next_functions else "")

    return say(t.grad_fn)


LEAF = "AccumulateGrad"
GRAPHS = {
    "linear of a matrix": (
        lambda: F.linear(leaf(2, 3), leaf(4, 3), leaf(4)),
        f"AddmmBackward0({LEAF},{LEAF},TBackward0({LEAF}))",
    ),
    "linear without bias": (
        lambda: F.linear(leaf(2, 3), leaf(4, 3)),
        f"MmBackward0({LEAF},TBackward0({LEAF}))",
    ),
    "linear of a batch": (
        lambda: F.linear(leaf(2, 5, 3), leaf(4, 3), leaf(4)),
        f"ViewBackward0(AddmmBackward0({LEAF},ViewBackward0({LEAF}),TBackward0({LEAF})))",
    ),
    "linear of a batch without bias": (
        lambda: F.linear(leaf(2, 5, 3), leaf(4, 3)),
        f"UnsafeViewBackward0(MmBackward0(ViewBackward0({LEAF}),TBackward0({LEAF})))",
    ),
    "cross entropy": (
        lambda: F.cross_entropy(leaf(4, 3), torch.tensor([0, 2, 1, 1])),
        f"NllLossBackward0(LogSoftmaxBackward0({LEAF}))",
    ),
    "cross entropy with smoothing": (
        lambda: F.cross_entropy(leaf(4, 3), torch.tensor([0, 2, 1, 1]), label_smoothing=0.1),
        f"AddBackward0(MulBackward1(NllLossBackward0(LogSoftmaxBackward0({LEAF}))),"
        "MulBackward1(DivBackward0(SumBackward0("
        "MaskedFillBackward0(NegBackward0(SumBackward1(#3)))),-)))",
    ),
    "cross entropy with probabilities": (
        lambda: F.cross_entropy(leaf(4, 3), leaf(4, 3).detach().exp()),
        f"DivBackward1(NegBackward0(SumBackward0(MulBackward0(LogSoftmaxBackward0({LEAF}),-))))",
    ),
    "one image": (
        lambda: F.conv2d(leaf(3, 6, 6), leaf(4, 3, 3, 3), leaf(4)),
        f"SqueezeBackward1(ConvolutionBackward0(UnsqueezeBackward0({LEAF}),{LEAF},{LEAF}))",
    ),
    "max_pool1d": (
        lambda: F.max_pool1d(leaf(2, 3, 7), 2),
        f"SqueezeBackward1(MaxPool2DWithIndicesBackward0(UnsqueezeBackward0({LEAF})))",
    ),
    "adaptive pooling to one place": (
        lambda: F.adaptive_avg_pool2d(leaf(2, 3, 7, 7), 1),
        f"MeanBackward1({LEAF})",
    ),
    "prelu": (lambda: F.prelu(leaf(3, 4), leaf(4)), f"PreluKernelBackward0({LEAF},ViewBackward0({LEAF}))"),
    "elu in place": (lambda: F.elu(leaf(3) * 1, 0.5, True), f"EluBackward1(MulBackward0({LEAF},-))"),
    "instance norm": (
        lambda: F.instance_norm(leaf(4, 6, 5), None, None, leaf(6), leaf(6)),
        f"ViewBackward0(NativeBatchNormBackward0(ViewBackward0({LEAF}),"
        f"RepeatBackward0({LEAF}),RepeatBackward0({LEAF})))",
    ),
    "circular padding": (
        lambda: F.pad(leaf(1, 3, 4, 4), (1, 2, 0, 1), mode="circular"),
        f"CopySlices(CopySlices(CopySlices(CopySlices(-,SliceBackward0(SliceBackward0({LEAF}))),"
        "SliceBackward0(#3)),SliceBackward0(#2)),SliceBackward0(#1))",
    ),
    "attention": (
        lambda: F.scaled_dot_product_attention(leaf(1, 2, 3, 4), leaf(1, 2, 3, 4), leaf(1, 2, 3, 4)),
        f"ScaledDotProductFlashAttentionForCpuBackward0({LEAF},{LEAF},{LEAF})",
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_graph_is_pytorchs(name):
    make, expected = GRAPHS[name]
    assert graph(make()) == expected


def test_threshold_of_integers_stays_integer():
    y = F.threshold(torch.tensor([1, 2, 3]), 2, 20)
    assert y.tolist() == [20, 20, 3] and y.dtype is torch.int64


def test_relu_in_place_changes_its_input():
    x = torch.tensor([-1.0, 2.0])
    assert F.relu(x, inplace=True) is x and x.tolist() == [0.0, 2.0]


def test_cross_entropy_of_even_scores_is_the_log_of_the_number_of_classes():
    assert F.cross_entropy(torch.zeros(2, 5), torch.tensor([0, 4])).item() == pytest.approx(math.log(5))


def test_an_ignored_target_adds_nothing_and_is_not_counted():
    x = torch.tensor([[1.0, 2.0], [3.0, 1.0]])
    whole = F.cross_entropy(x, torch.tensor([1, -100])).item()
    assert whole == pytest.approx(F.cross_entropy(x[:1], torch.tensor([1])).item())


def test_a_convolution_of_ones_counts_the_window():
    y = F.conv2d(torch.ones(1, 2, 3, 3), torch.ones(1, 2, 3, 3), padding=1)
    assert y[0, 0].tolist() == [[8, 12, 8], [12, 18, 12], [8, 12, 8]]


def test_transposed_convolution_is_the_gradient_of_the_convolution():
    x, w = leaf(1, 2, 5, 5), leaf(3, 2, 3, 3)
    g = leaf(1, 3, 3, 3).detach()
    (back,) = torch.autograd.grad(F.conv2d(x, w), x, g)
    np.testing.assert_allclose(back.numpy(), F.conv_transpose2d(g, w.detach()).numpy(), rtol=1e-5, atol=1e-6)


def test_max_pooling_says_where_it_found_and_unpooling_puts_it_back():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    y, where = F.max_pool2d(x, 2, return_indices=True)
    assert where.flatten().tolist() == [5, 7, 13, 15]
    assert F.max_unpool2d(y, where, 2).flatten().nonzero().flatten().tolist() == [5, 7, 13, 15]


def test_batch_norm_moves_the_running_statistics():
    mean, var = torch.zeros(1), torch.ones(1)
    F.batch_norm(torch.tensor([[1.0], [3.0]]), mean, var, training=True, momentum=0.5)
    assert mean.item() == pytest.approx(1.0) and var.item() == pytest.approx(
        1.5
    )  # mean 2; unbiased variance 2


def test_nearest_and_linear_interpolation_of_two_places():
    x = torch.tensor([[[0.0, 1.0]]])
    assert F.interpolate(x, scale_factor=2).flatten().tolist() == [0, 0, 1, 1]
    assert F.interpolate(x, 4, mode="linear").flatten().tolist() == [0, 0.25, 0.75, 1]
    assert F.interpolate(x, 3, mode="linear", align_corners=True).flatten().tolist() == [0, 0.5, 1]


def test_a_reflected_margin_does_not_repeat_the_edge():
    assert F.pad(torch.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect").tolist() == [[3, 2, 1, 2, 3, 2]]


def test_an_embeddings_gradient_counts_its_uses():
    w = leaf(4, 2)
    F.embedding(torch.tensor([1, 1, 3]), w, padding_idx=3).sum().backward()
    assert w.grad.tolist() == [[0, 0], [2, 2], [0, 0], [0, 0]]


def test_ctc_of_certain_letters_is_zero():
    certain = torch.log(torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])).unsqueeze(1)
    assert F.ctc_loss(certain, torch.tensor([[1, 2]]), (3,), (2,)).item() == pytest.approx(0, abs=1e-6)


MESSAGES = [
    (
        lambda: F.linear(torch.ones(2, 3), torch.ones(4, 5)),
        RuntimeError,
        "mat1 and mat2 shapes cannot be multiplied (2x3 and 5x4)",
    ),
    (
        lambda: F.conv2d(torch.ones(1, 2, 5, 5), torch.ones(3, 4, 3, 3)),
        RuntimeError,
        "Given groups=1, weight of size [3, 4, 3, 3], expected input[1, 2, 5, 5] to have 4 channels, "
        "but got 2 channels instead",
    ),
    (
        lambda: F.conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 3, 3)),
        RuntimeError,
        "Calculated padded input size per channel: (2 x 2). Kernel size: (3 x 3). Kernel size can't be "
        "greater than actual input size",
    ),
    (
        lambda: F.cross_entropy(torch.ones(2, 3), torch.tensor([0, 3])),
        IndexError,
        "Target 3 is out of bounds.",
    ),
    (
        lambda: F.mse_loss(torch.ones(2), torch.ones(2), reduction="most"),
        ValueError,
        "most is not a valid value for reduction",
    ),
    (lambda: F.embedding(torch.tensor([4]), torch.ones(4, 2)), IndexError, "index out of range in self"),
    (
        lambda: F.batch_norm(torch.ones(1, 3), None, None, training=True),
        ValueError,
        "Expected more than 1 value per channel when training, got input size torch.Size([1, 3])",
    ),
    (
        lambda: F.layer_norm(torch.ones(2, 3), (4,)),
        RuntimeError,
        "Given normalized_shape=[4], expected input with shape [*, 4], but got input of size[2, 3]",
    ),
    (
        lambda: F.binary_cross_entropy(torch.tensor([1.5]), torch.tensor([1.0])),
        RuntimeError,
        "all elements of input should be between 0 and 1",
    ),
]


@pytest.mark.parametrize("call, kind, words", MESSAGES)
def test_what_does_not_fit_is_said_in_pytorchs_words(call, kind, words):
    with pytest.raises(kind) as caught:
        call()
    assert words in str(caught.value)


def test_a_target_of_another_shape_is_warned_about():
    with pytest.warns(UserWarning, match="different to the input size"):
        F.mse_loss(torch.ones(2, 1), torch.ones(2))


def test_ops_are_there_by_their_inner_names_and_overloads():
    x = torch.tensor([[1.0, 4.0], [3.0, 2.0]])
    assert torch.ops.aten.add.Tensor(x, 1).tolist() == torch.ops.aten.add(x, 1).tolist() == (x + 1).tolist()
    image = x.reshape(1, 1, 2, 2)
    y, where = torch.nn.functional.max_pool2d(image, 2, return_indices=True)
    back = torch.ops.aten.max_pool2d_with_indices_backward.default(y, image, 2, 2, 0, 1, False, where)
    assert back.tolist() == [[[[0, 4], [0, 0]]]]
    with pytest.raises(AttributeError, match="has no attribute 'no_such_op'"):
        torch.ops.aten.no_such_op


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: torch.relu(x), [0.0, nan, 1.0, 0.0]),
        (lambda x: x.clamp(-0.5, 0.5), [0.0, 0.0, 0.0, inf]),
        (lambda x: x.clamp_min(0.5), [0.0, nan, 0.0, 0.0]),
        (lambda x: x.clamp_max(0.5), [nan, 0.0, 0.0, inf]),
        (lambda x: torch.maximum(x, torch.zeros(4)), [0.0, nan, 1.0, inf]),
        (lambda x: torch.minimum(x, torch.zeros(4)), [nan, 0.0, 1.0, inf]),
        (lambda x: torch.fmax(x, torch.zeros(4)), [0.0, nan, 0.0, inf]),
        (lambda x: torch.nn.functional.elu(x), [nan, nan, 1.0, inf]),
        (lambda x: torch.nn.functional.hardswish(x), [nan, nan, 1.0, inf]),
    ],
)
def test_a_nan_that_comes_back_stays_out_where_no_gradient_passes(function: Any, expected: list) -> None:
    # Expected values are PyTorch 2.13's.
    x = torch.tensor([-1.0, 2.0, nan, 0.0], requires_grad=True)
    function(x).backward(torch.tensor([nan, nan, 1.0, inf]))
    assert np.array_equal(x.grad.numpy(), np.array(expected, np.float32), equal_nan=True)


def test_polygamma_in_place_and_at_known_points():
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert x.polygamma_(1) is x
    assert x.tolist() == pytest.approx([math.pi**2 / 6, math.pi**2 / 6 - 1], abs=1e-8)
    # Below 1/2 by reflection: trigamma(-1/2) = pi^2 / 2 + 4.
    assert torch.polygamma(1, torch.tensor(-0.5, dtype=torch.float64)).item() == pytest.approx(
        math.pi**2 / 2 + 4, abs=1e-7)


def test_an_unsorted_sequence_is_searched_by_halving():
    sequence = torch.tensor([3.0, 1.0, 2.0, 0.0, 5.0])
    # Halving meets 2, then 0, then 5 for 4; 2 and then 1, 3 for 2 from the left.
    assert torch.searchsorted(sequence, torch.tensor([4.0, 2.0])).tolist() == [4, 2]


def test_group_norms_mean_and_deviation_carry_gradients():
    x = torch.tensor(np.random.RandomState(0).standard_normal((2, 4, 3)), requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: torch.native_group_norm(t, None, None, 2, 4, 3, 2, 1e-5), (x,))
