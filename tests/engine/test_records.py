"""Every record: finite forward, gradient and second gradient by differences, saved names, words.

Sample inputs come from the record's domain for pointwise records and from SAMPLES for the others.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import engine as torch
from engine.ops.record import RECORDS

F = torch.nn.functional
POINTWISE = {
    name: op
    for name, op in RECORDS.items()
    if op.family == "pointwise" and op.grads and name not in ("complex", "div.mode")
}
NO_DERIVATIVE = {"nextafter", "heaviside", "igamma", "igammac"}
"""Raise as PyTorch does when their gradient is asked for."""
STEP = 1e-6


def t(*shape, low=-1.0, high=1.0, seed=0):
    """A double leaf of this shape; values are distinct, so that no two are equally large."""
    n = int(np.prod(shape))
    values = np.linspace(low, high, n + 2)[1:-1]
    return torch.tensor(np.random.default_rng(seed).permutation(values).reshape(shape)).requires_grad_()


def classes(*shape, among=3):
    n = int(np.prod(shape))
    return torch.tensor((np.arange(n) * 7 % among).reshape(shape))


SAMPLES = {
    "linear": (lambda x, w, b: F.linear(x, w, b), (t(2, 3), t(4, 3, seed=1), t(4, seed=2)), "AddmmBackward0"),
    "bilinear": (
        lambda x, z, w: F.bilinear(x, z, w),
        (t(2, 3), t(2, 2, seed=1), t(3, 3, 2, seed=2)),
        "ViewBackward0",
    ),
    "softmax": (lambda x: F.softmax(x, 1), (t(2, 3),), "SoftmaxBackward0"),
    "log_softmax": (lambda x: F.log_softmax(x, 0), (t(2, 3),), "LogSoftmaxBackward0"),
    "glu": (lambda x: F.glu(x), (t(2, 4),), "GluBackward0"),
    "prelu": (lambda x, w: F.prelu(x, w), (t(2, 3), t(3, seed=1)), "PreluKernelBackward0"),
    "mse_loss": (lambda x, y: F.mse_loss(x, y), (t(2, 3), t(2, 3, seed=1)), "MseLossBackward0"),
    "smooth_l1_loss": (
        lambda x, y: F.smooth_l1_loss(x, y, beta=0.4),
        (t(2, 3), t(2, 3, seed=1)),
        "SmoothL1LossBackward0",
    ),
    "huber_loss": (
        lambda x, y: F.huber_loss(x, y, delta=0.4),
        (t(2, 3), t(2, 3, seed=1)),
        "HuberLossBackward0",
    ),
    "soft_margin_loss": (
        lambda x: F.soft_margin_loss(x, torch.ones(2, 3).double()),
        (t(2, 3),),
        "SoftMarginLossBackward0",
    ),
    "binary_cross_entropy": (
        lambda x, y: F.binary_cross_entropy(x, y),
        (t(2, 3, low=0.1, high=0.9), t(2, 3, low=0.1, high=0.9, seed=1)),
        "BinaryCrossEntropyBackward0",
    ),
    "binary_cross_entropy_with_logits": (
        lambda x, y: F.binary_cross_entropy_with_logits(x, y),
        (t(2, 3), t(2, 3, low=0.1, high=0.9, seed=1)),
        "BinaryCrossEntropyWithLogitsBackward0",
    ),
    "cross_entropy": (lambda x: F.cross_entropy(x, classes(4)), (t(4, 3),), "NllLossBackward0"),
    "nll_loss": (
        lambda x: F.nll_loss(x, classes(4), weight=torch.tensor([0.2, 0.5, 1.0]).double()),
        (t(4, 3),),
        "NllLossBackward0",
    ),
    "nll_loss2d": (lambda x: F.nll_loss(x, classes(2, 2, 2)), (t(2, 3, 2, 2),), "NllLoss2DBackward0"),
    "cdist": (lambda x, z: torch.cdist(x, z), (t(3, 2), t(2, 2, seed=1)), "CdistBackward0"),
    "pdist": (lambda x: F.pdist(x, 1.5), (t(3, 2),), "PdistBackward0"),
    "conv1d": (
        lambda x, w, b: F.conv1d(x, w, b, stride=2),
        (t(1, 2, 5), t(2, 2, 2, seed=1), t(2, seed=2)),
        "ConvolutionBackward0",
    ),
    "conv2d": (
        lambda x, w, b: F.conv2d(x, w, b, padding=1, groups=2),
        (t(1, 2, 3, 3), t(2, 1, 2, 2, seed=1), t(2, seed=2)),
        "ConvolutionBackward0",
    ),
    "conv3d": (
        lambda x, w: F.conv3d(x, w),
        (t(1, 1, 3, 3, 2), t(1, 1, 2, 2, 2, seed=1)),
        "ConvolutionBackward0",
    ),
    "conv_transpose2d": (
        lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1, dilation=2),
        (t(1, 2, 3, 3), t(2, 1, 2, 2, seed=1)),
        "ConvolutionBackward0",
    ),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2, 1), (t(1, 2, 3, 3),), "MaxPool2DWithIndicesBackward0"),
    "max_pool3d": (lambda x: F.max_pool3d(x, 2), (t(1, 1, 4, 2, 2),), "MaxPool3DWithIndicesBackward0"),
    "avg_pool2d": (
        lambda x: F.avg_pool2d(x, 2, 1, 1, count_include_pad=False),
        (t(1, 2, 3, 3),),
        "AvgPool2DBackward0",
    ),
    "avg_pool3d": (lambda x: F.avg_pool3d(x, 2), (t(1, 1, 2, 2, 4),), "AvgPool3DBackward0"),
    "adaptive_avg_pool2d": (
        lambda x: F.adaptive_avg_pool2d(x, 2),
        (t(1, 2, 3, 5),),
        "AdaptiveAvgPool2DBackward0",
    ),
    "adaptive_max_pool2d": (
        lambda x: F.adaptive_max_pool2d(x, 2),
        (t(1, 2, 3, 5),),
        "AdaptiveMaxPool2DBackward0",
    ),
    "max_unpool2d": (
        lambda x: F.max_unpool2d(x, torch.tensor([[[[0, 3], [9, 15]]]]), 2),
        (t(1, 1, 2, 2),),
        "MaxUnpool2DBackward0",
    ),
    "batch_norm": (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
        (t(3, 2, 2), t(2, seed=1), t(2, seed=2)),
        "NativeBatchNormBackward0",
    ),
    "layer_norm": (
        lambda x, w, b: F.layer_norm(x, (3,), w, b),
        (t(2, 3), t(3, seed=1), t(3, seed=2)),
        "NativeLayerNormBackward0",
    ),
    "group_norm": (
        lambda x, w, b: F.group_norm(x, 2, w, b),
        (t(2, 4, 2), t(4, seed=1), t(4, seed=2)),
        "NativeGroupNormBackward0",
    ),
    "constant_pad_nd": (lambda x: F.pad(x, (1, -1, 0, 2)), (t(2, 3),), "ConstantPadNdBackward0"),
    "reflection_pad2d": (
        lambda x: F.pad(x, (1, 1, 0, 1), "reflect"),
        (t(1, 2, 3, 3),),
        "ReflectionPad2DBackward0",
    ),
    "replication_pad1d": (
        lambda x: F.pad(x, (1, 2), "replicate"),
        (t(1, 2, 3),),
        "ReplicationPad1DBackward0",
    ),
    "upsample_nearest2d": (
        lambda x: F.interpolate(x, scale_factor=2),
        (t(1, 1, 2, 3),),
        "UpsampleNearest2DBackward0",
    ),
    "upsample_bilinear2d": (
        lambda x: F.interpolate(x, (3, 4), mode="bilinear"),
        (t(1, 1, 2, 3),),
        "UpsampleBilinear2DBackward0",
    ),
    "upsample_bicubic2d": (
        lambda x: F.interpolate(x, (5, 4), mode="bicubic"),
        (t(1, 1, 3, 3),),
        "UpsampleBicubic2DBackward0",
    ),
    "affine_grid": (
        lambda x: F.affine_grid(x, (1, 1, 2, 3), align_corners=False),
        (t(1, 2, 3),),
        "AffineGridGeneratorBackward0",
    ),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2), (t(1, 4, 1, 2),), "PixelShuffleBackward0"),
    "channel_shuffle": (lambda x: F.channel_shuffle(x, 2), (t(1, 4, 1, 2),), "ChannelShuffleBackward0"),
    "embedding": (lambda w: F.embedding(classes(2, 2), w), (t(4, 2),), "EmbeddingBackward0"),
    "unfold": (lambda x: F.unfold(x, 2, padding=1), (t(1, 2, 2, 3),), "Im2ColBackward0"),
    "fold": (lambda x: F.fold(x, (3, 3), 2), (t(1, 4, 4),), "Col2ImBackward0"),
    "attention": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        (t(1, 1, 2, 3), t(1, 1, 2, 3, seed=1), t(1, 1, 2, 3, seed=2)),
        "ScaledDotProductFlashAttentionForCpuBackward0",
    ),
}
ONCE = {
    "multi_margin_loss": (
        lambda x: F.multi_margin_loss(x, classes(4)),
        (t(4, 3),),
        "MultiMarginLossBackward0",
    ),
    "multilabel_margin_loss": (
        lambda x: F.multilabel_margin_loss(x, torch.tensor([[2, 0, -1], [1, -1, 0]])),
        (t(2, 3),),
        "MultilabelMarginLossBackward0",
    ),
    "ctc_loss": (
        lambda x: F.ctc_loss(
            F.log_softmax(x, 2), torch.tensor([[1, 2]]), torch.tensor([4]), torch.tensor([2])
        ),
        (t(4, 1, 3),),
        "MeanBackward0",
    ),
    "grid_sample": (
        lambda x, g: F.grid_sample(x, g, align_corners=False),
        (t(1, 2, 3, 3), t(1, 2, 2, 2, seed=3, high=0.83)),
        "GridSampler2DBackward0",
    ),
    "embedding_bag": (lambda w: F.embedding_bag(classes(2, 3), w), (t(4, 2),), "EmbeddingBagBackward0"),
}
"""Those whose gradient cannot be differentiated again, as in PyTorch."""


def scalar(fn, inputs):
    """fn's output weighed into one number by weights that differ."""
    out = fn(*inputs)
    out = out[0] if isinstance(out, tuple) else out
    weights = torch.tensor(np.cos(np.arange(out.numel()) + 1.0).reshape(tuple(out.shape)))
    return (out * weights).sum()


def by_differences(fn, inputs):
    """The gradient of scalar(fn) by central differences."""
    found = []
    for which, x in enumerate(inputs):
        g = np.zeros(tuple(x.shape))
        for at in np.ndindex(*g.shape):
            ends = []
            for sign in (1, -1):
                moved = [v.detach().clone() for v in inputs]
                moved[which][at] = moved[which][at] + sign * STEP
                ends.append(scalar(fn, moved).item())
            g[at] = (ends[0] - ends[1]) / (2 * STEP)
        found.append(g)
    return found


def check_gradient(fn, inputs):
    got = torch.autograd.grad(scalar(fn, inputs), inputs, allow_unused=True)
    for g, want in zip(got, by_differences(fn, inputs)):
        np.testing.assert_allclose(0 * want if g is None else g.detach().numpy(), want, rtol=1e-5, atol=1e-6)


def check_second(fn, inputs):
    """The gradient of the gradient's own weighed sum, by differences of the gradient."""

    def slope(*xs):
        xs = [x if x.requires_grad else x.detach().requires_grad_() for x in xs]
        gs = torch.autograd.grad(scalar(fn, xs), xs, create_graph=True, allow_unused=True)
        total = 0.0
        for k, g in enumerate(gs):
            if g is not None:
                total = (
                    total
                    + (g * torch.tensor(np.sin(np.arange(g.numel()) + 2.0 + k).reshape(tuple(g.shape)))).sum()
                )
        return total

    value = slope(*inputs)
    if not getattr(value, "requires_grad", False):
        return
    got = torch.autograd.grad(value, inputs, allow_unused=True)
    for which, (x, g) in enumerate(zip(inputs, got)):
        for at in list(np.ndindex(*tuple(x.shape)))[:6]:
            ends = []
            for sign in (1, -1):
                moved = [v.detach().clone() for v in inputs]
                moved[which][at] = moved[which][at] + sign * STEP
                ends.append(float(slope(*[m.requires_grad_() for m in moved])))
            want = (ends[0] - ends[1]) / (2 * STEP)
            have = 0.0 if g is None else float(g.detach().numpy()[at])
            assert have == pytest.approx(want, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", SAMPLES)
def test_gradient_and_second_gradient_are_those_of_finite_differences(name):
    fn, inputs, grad_fn = SAMPLES[name]
    out = fn(*inputs)
    out = out[0] if isinstance(out, tuple) else out
    assert np.isfinite(out.detach().numpy()).all()
    assert out.grad_fn.name() == grad_fn
    check_gradient(fn, inputs)
    check_second(fn, inputs)


@pytest.mark.parametrize("name", ONCE)
def test_gradient_is_that_of_finite_differences(name):
    fn, inputs, grad_fn = ONCE[name]
    assert fn(*inputs).grad_fn.name() == grad_fn
    check_gradient(fn, inputs)


def pointwise_case(op):
    """A function of the record's operands and leaves inside its domain."""
    low, high = op.domain or (0.3, 0.8)
    low, high = low + (high - low) * 0.04, high - (high - low) * 0.05
    operands = [op.parameters[i] for i in op.tensor_at]
    leaves = [t(5, low=low + 0.013 * k, high=high, seed=k) for k, _ in enumerate(operands)]
    fixed = {"threshold": 0.3, "value": 2.0} if op.name == "threshold" else {}
    fixed |= {"n": 1} if op.name == "polygamma.n" else {}
    fixed |= {"eps": 1e-6} if op.name == "logit" else {}
    numbers = [p for p in operands if p not in op.inputs and p != "self"]
    fixed |= {p: 2.5 for p in numbers}
    if op.name.startswith("clamp"):
        fixed |= {k: v for k, v in (("min", low / 2), ("max", high / 2)) if k in numbers}
    leaves = [x for x, p in zip(leaves, operands) if p not in numbers]
    named = [p for p in operands if p not in numbers]
    return (lambda *xs: op.function(**dict(zip(named, xs)), **fixed)), leaves


@pytest.mark.parametrize("name", POINTWISE)
def test_a_pointwise_formula_is_its_forwards_slope(name):
    op = POINTWISE[name]
    fn, inputs = pointwise_case(op)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            out = fn(*inputs)
            scalar(fn, inputs).backward()
        except (NotImplementedError, RuntimeError) as e:
            if "derivative" in str(e) or "not implemented" in str(e) or "complex" in name:
                return
            raise
    assert np.isfinite(np.asarray(out.detach().numpy())).all()
    check_gradient(fn, inputs)
    try:
        check_second(fn, inputs)
    except (NotImplementedError, RuntimeError) as e:
        assert "derivative" in str(e) or "not implemented" in str(e)


@pytest.mark.parametrize("name", POINTWISE)
def test_what_a_formula_names_is_what_its_node_saves(name):
    op = POINTWISE[name]
    fn, inputs = pointwise_case(op)
    try:
        node = fn(*inputs).grad_fn
    except (NotImplementedError, RuntimeError):
        return
    if node is None or node.op is not op:
        return
    asked = {n for covers, _, names in op.plan for n in names if n != "grad"}
    assert set(node.saved_names) <= asked
    for n in node.saved_names:
        assert getattr(node, f"_saved_{n}") is not None or n in op.parameters


def test_every_record_has_words_for_the_reader():
    silent = [name for name, op in RECORDS.items() if not op.text]
    assert silent == []
    unformulated = [
        name for name, op in RECORDS.items() if op.family == "pointwise" and op.grads and not op.formula
    ]
    assert unformulated == []
