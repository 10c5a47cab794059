"""Normalization within one example: layer, root mean square, group, local response."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import modes
from engine.ops.formula import OPS
from engine.ops.normalization import per_channel
from engine.ops.record import composite, kernel
from engine.ops.scalar import plus


def _layer_norm(input: Any, normalized_shape: tuple, weight: Any, bias: Any, eps: float) -> tuple:
    _check_normalized(input, tuple(normalized_shape), weight, bias)
    axes = tuple(range(input.ndim - len(normalized_shape), input.ndim))
    real = input.dtype if input.dtype.itemsize > 2 else np.dtype(np.float32)
    x = input.astype(real, copy=False)
    count = real.type(max(1, int(np.prod(normalized_shape))))
    mean = np.add.reduce(x, axis=axes, keepdims=True) / count
    y = x - mean
    rstd = 1 / np.sqrt(np.add.reduce(np.square(y), axis=axes, keepdims=True) / count + real.type(eps))
    y *= rstd
    if weight is not None:
        y *= weight
    if bias is not None:
        y += bias
    return y.astype(input.dtype, copy=False), mean, rstd


def _layer_norm_gradient(
    grad: Any,
    input: Any,
    normalized_shape: tuple,
    weight: Any,
    mean: Any,
    rstd: Any,
    eps: float,
    needs: tuple,
) -> tuple:
    axes = tuple(range(input._a.ndim - len(normalized_shape), input._a.ndim))
    lead = tuple(range(input._a.ndim - len(normalized_shape)))
    if modes.grad_enabled:  # somebody differentiates again: the statistics hang on the input
        mean = input.mean(axes, True)
        rstd = ((input - mean).square().mean(axes, True) + eps).rsqrt()
        x_hat = (input - mean) * rstd
        gi = gw = gb = None
        if "input" in needs:
            g = grad if weight is None else grad * weight
            gi = rstd * (g - g.mean(axes, True) - x_hat * (g * x_hat).mean(axes, True))
        if "weight" in needs:
            gw = (grad * x_hat).sum(lead) if lead else grad * x_hat
        if "bias" in needs:
            gb = grad.sum(lead) if lead else grad
        return gi, gw, gb
    T = type(grad)
    g, x = grad._array(), input._array()
    x_hat = (x - mean._a) * rstd._a
    gi = gw = gb = None
    if "weight" in needs:
        gw = T._of(np.add.reduce(g * x_hat, axis=lead) if lead else g * x_hat)
    if "bias" in needs:
        gb = T._of(np.add.reduce(g, axis=lead) if lead else g.copy())
    if "input" in needs:
        if weight is not None:
            g = g * weight._a
        count = x.dtype.type(max(1, int(np.prod(normalized_shape))))
        along = np.add.reduce(g * x_hat, axis=axes, keepdims=True) / count
        x_hat *= along
        out = g - np.add.reduce(g, axis=axes, keepdims=True) / count
        out -= x_hat
        out *= rstd._a
        gi = T._of(out)
    return gi, gw, gb


native_layer_norm = kernel(
    name="native_layer_norm",
    inputs=("input", "weight", "bias"),
    grad_fn="NativeLayerNormBackward0",
    on=("torch",),
    out=False,
    nondiff=(1, 2),
    formula=r"y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta",
    text="Shifts and scales each example to mean 0 and variance 1 over its features.",
    forward=_layer_norm,
    grads={
        (
            "input",
            "weight",
            "bias",
        ): lambda grad, input, normalized_shape, weight, bias, eps, result1, result2, needs: (
            _layer_norm_gradient(grad, input, normalized_shape, weight, result1, result2, eps, needs)
        )
    },
    gradients={
        "input": r"\frac{1}{\sigma}\,(\gamma g - \overline{\gamma g} - \hat{x}\,\overline{\gamma g \hat{x}})",
        "weight": r"\textstyle\sum g\,\hat{x}",
        "bias": r"\textstyle\sum g",
    },
)


def _check_normalized(input: Any, shape: tuple, weight: Any, bias: Any) -> None:
    if len(shape) < 1:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, "
            f"but got normalized_shape = {list(shape)}"
        )
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and tuple(t.shape) != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(t.shape)} and normalized_shape = {list(shape)}"
            )
    if len(input.shape) < len(shape) or tuple(input.shape[len(input.shape) - len(shape) :]) != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape "
            f"[*, {', '.join(map(str, shape))}], but got input of size{list(input.shape)}"
        )


@composite(
    "layer_norm",
    on=("torch", "nn.functional"),
    out=False,
    formula=r"y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta",
)
def layer_norm(
    input: Any,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Any:
    """Shifts and scales each example to mean 0 and variance 1 over its last dimensions."""
    shape = tuple(
        int(k) for k in ((normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape)
    )
    return native_layer_norm(input, shape, weight, bias, eps)[0]


@composite(
    "rms_norm",
    on=("torch", "nn.functional"),
    out=False,
    formula=r"y = \gamma\,\frac{x}{\sqrt{\overline{x^2} + \epsilon}}",
)
def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """Scales each example to root mean square 1 over its last dimensions."""
    shape = tuple(
        int(k) for k in ((normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape)
    )
    _check_normalized(input, shape, weight, None)
    if eps is None:
        eps = float(np.finfo(input._a.real.dtype).eps) if input._a.dtype.kind in "fc" else 2.0**-7
    axes = tuple(range(-len(shape), 0))
    y = input * plus(input.pow(2).mean(axes, True), eps).rsqrt()
    return y if weight is None else y * weight


def _group_norm(input: Any, weight: Any, bias: Any, num_groups: int, eps: float) -> tuple:
    n = input.shape[0]
    real = input.dtype
    x = np.ascontiguousarray(input).reshape(n, num_groups, input.size // max(1, n * num_groups))
    count = real.type(max(1, x.shape[2]))
    mean = np.add.reduce(x, axis=2) / count
    y = x - mean[:, :, None]
    rstd = 1 / np.sqrt(np.add.reduce(np.square(y), axis=2) / count + real.type(eps))
    y *= rstd[:, :, None]
    y = y.reshape(input.shape)
    if weight is not None:
        y *= per_channel(weight, input.ndim)
    if bias is not None:
        y += per_channel(bias, input.ndim)
    return y, mean, rstd


def _group_norm_gradient(
    grads: tuple, input: Any, weight: Any, num_groups: int, eps: float, needs: tuple
) -> tuple:
    grad, of_mean, of_rstd = grads
    shape = input._a.shape
    n = shape[0]
    each = input._a.size // max(1, n * num_groups)
    x = input.reshape(n, num_groups, each)
    mean = x.mean(2, True)
    centred = x - mean
    rstd = (centred.square().mean(2, True) + eps).rsqrt()
    x_hat = centred * rstd
    gi = gw = gb = None
    grad = grad if grad is not None else input.detach() * 0
    axes = (0, *range(2, len(shape)))
    if "input" in needs:
        g = grad if weight is None else grad * weight.view(1, -1, *[1] * (len(shape) - 2))
        g = g.reshape(n, num_groups, each)
        gi = rstd * (g - g.mean(2, True) - x_hat * (g * x_hat).mean(2, True))
        if of_mean is not None:
            gi = gi + of_mean.unsqueeze(-1) / each
        if of_rstd is not None:
            gi = gi - of_rstd.unsqueeze(-1) * x_hat * rstd.square() / each
        gi = gi.reshape(shape)
    if "weight" in needs:
        gw = (grad * x_hat.reshape(shape)).sum(axes)
    if "bias" in needs:
        gb = grad.sum(axes)
    return gi, gw, gb


native_group_norm = kernel(
    name="native_group_norm",
    inputs=("input", "weight", "bias"),
    grad_fn="NativeGroupNormBackward0",
    on=(),
    out=False,
    formula=r"y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta",
    text="Shifts and scales groups of channels of each example to mean 0 and variance 1.",
    materialize=False,
    forward=_group_norm,
    grads={
        ("input", "weight", "bias"): lambda grads, input, weight, num_groups, eps, needs: (
            _group_norm_gradient(grads, input, weight, num_groups, eps, needs)
        )
    },
)


@composite("native_group_norm", on=("torch",), out=False)
def _native_group_norm(
    input: Any, weight: Any, bias: Any, N: int, C: int, HxW: int, group: int, eps: float
) -> Any:
    """group_norm of N examples of C channels, with each group's mean and reciprocal deviation."""
    return native_group_norm(input, weight, bias, group, eps)


@composite("group_norm", on=("torch", "nn.functional"), out=False)
def group_norm(
    input: Any,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Any:
    """Shifts and scales groups of channels of each example to mean 0 and variance 1."""
    shape = input._a.shape
    if len(shape) < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {len(shape)}")
    c = shape[1]
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if c % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(shape)} and num_groups={num_groups}"
        )
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and t._a.shape != (c,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got "
                f"{name} of shape {list(t.shape)} and input of shape {list(shape)}"
            )
    return native_group_norm(input, weight, bias, num_groups, eps)[0]


@composite("local_response_norm", on=("nn.functional",), out=False)
def local_response_norm(
    input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """Scales each place by the strength of its neighbour channels."""
    shape = input._a.shape
    if len(shape) < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality                          input (got {len(shape)} "
            f"dimensions)"
        )
    if not input._a.size:
        return input
    square = input.mul(input)
    if len(shape) == 3:
        square = OPS["constant_pad_nd"](square.unsqueeze(1), (0, 0, size // 2, (size - 1) // 2))
        square = OPS["avg_pool2d"](square, (size, 1), 1).squeeze(1)
    else:
        square = square.view(shape[0], 1, shape[1], shape[2], -1)
        square = OPS["constant_pad_nd"](square, (0, 0, 0, 0, size // 2, (size - 1) // 2))
        square = OPS["avg_pool3d"](square, (size, 1, 1), 1).squeeze(1).view(*shape)
    return input / (square.mul(alpha).add(k)).pow(beta)
