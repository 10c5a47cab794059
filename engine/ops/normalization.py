"""Normalization over the batch: batch and instance norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import modes
from engine.core import dtype as dt
from engine.kernels import compiled_image as compiled
from engine.ops.record import composite, kernel


def _over(a: np.ndarray) -> tuple[int, ...]:
    return (0, *range(2, a.ndim))


def per_channel(v: Any, ndim: int) -> Any:
    """One value for each channel, shaped to meet (n, c, ...)."""
    return v.reshape(1, -1, *(1,) * (ndim - 2))


def _batch_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple:
    if input.dtype.kind in "biu":
        raise NotImplementedError(f"\"batch_norm\" not implemented for '{dt.scalar_type_name(dt.of(input))}'")
    real = input.dtype if input.dtype.itemsize > 2 else np.dtype(np.float32)
    x = input.astype(real, copy=False)
    if _may_compile(input, weight, bias, running_mean, running_var) and compiled.worth(input):
        return _compiled_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)
    if training:
        axes = _over(x)
        count = x.size // max(1, x.shape[1])
        mean = np.add.reduce(x, axis=axes) / real.type(max(1, count))
        centred = x - per_channel(mean, x.ndim)
        var = np.add.reduce(np.square(centred), axis=axes) / real.type(max(1, count))
        invstd = 1 / np.sqrt(var + real.type(eps))
        _update(running_mean, running_var, mean, var, count, momentum)
    else:
        mean = running_mean.astype(real, copy=False)
        invstd = 1 / np.sqrt(running_var.astype(real, copy=False) + real.type(eps))
        centred = x - per_channel(mean, x.ndim)
    scale = invstd if weight is None else invstd * weight.astype(real, copy=False)
    centred *= per_channel(scale, x.ndim)
    if bias is not None:
        centred += per_channel(bias.astype(real, copy=False), x.ndim)
    if not training:
        mean, invstd = np.empty(0, real), np.empty(0, real)
    return centred.astype(input.dtype, copy=False), mean, invstd


def _update(running_mean: Any, running_var: Any, mean: Any, var: Any, count: int, momentum: float) -> None:
    """Move the running statistics towards those of this batch, in place; an empty batch leaves them alone."""
    real = mean.dtype
    if running_mean is not None and count:
        running_mean *= running_mean.dtype.type(1 - momentum)
        running_mean += (real.type(momentum) * mean).astype(running_mean.dtype)
    if running_var is not None and count:
        unbiased = var * real.type(count / (count - 1)) if count > 1 else np.full_like(var, np.nan)
        running_var *= running_var.dtype.type(1 - momentum)
        running_var += (real.type(momentum) * unbiased).astype(running_var.dtype)


def _may_compile(input: Any, *others: Any) -> bool:
    return input.ndim > 1 and all(
        o is None or o.dtype is input.dtype and o.flags.c_contiguous for o in others
    )


def _compiled_batch_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple:
    c = input.shape[1]
    if not training:
        y, _ = compiled.normalized(input, weight, bias, running_mean, running_var, eps, False)
        return y, np.empty(0, input.dtype), np.empty(0, input.dtype)
    mean, var = np.empty(c, input.dtype), np.empty(c, input.dtype)
    y, invstd = compiled.normalized(input, weight, bias, mean, var, eps, True)
    _update(running_mean, running_var, mean, var, input.size // max(1, c), momentum)
    return y, mean, invstd


def _batch_norm_back(
    grad_out: Any,
    input: Any,
    weight: Any,
    running_mean: Any,
    running_var: Any,
    save_mean: Any,
    save_invstd: Any,
    train: bool,
    eps: float,
    output_mask: tuple,
) -> tuple:
    real = input.dtype
    axes, n = _over(input), input.ndim
    if train:
        mean, invstd = save_mean, save_invstd
    else:
        mean, invstd = running_mean, 1 / np.sqrt(running_var + real.type(eps))
    if output_mask[0] and _may_compile(input, weight, mean, invstd) and compiled.worth(input):
        return compiled.normalized_back(grad_out, input, weight, mean, np.ascontiguousarray(invstd), train)
    x_hat = (input - per_channel(mean, n)) * per_channel(invstd, n)
    total = np.add.reduce(grad_out, axis=axes)
    along = np.add.reduce(grad_out * x_hat, axis=axes)
    gi = None
    if output_mask[0]:
        scale = invstd if weight is None else invstd * weight
        if train:
            count = real.type(max(1, input.size // max(1, input.shape[1])))
            gi = grad_out - per_channel(total / count, n)
            x_hat *= per_channel(along / count, n)
            gi -= x_hat
            gi *= per_channel(scale, n)
        else:
            gi = grad_out * per_channel(scale, n)
    return gi, along if output_mask[1] else None, total if output_mask[2] else None


def _batch_norm_second(
    grads: tuple,
    grad_out: Any,
    input: Any,
    weight: Any,
    running_mean: Any,
    running_var: Any,
    train: bool,
    eps: float,
    output_mask: tuple,
    needs: tuple,
) -> tuple:
    """The gradient of the gradient, by writing the gradient in ops and differentiating those."""
    from engine.autograd.backward import grad as differentiate

    with modes.enable_grad():
        leaves = {"grad_out": grad_out, "input": input, "weight": weight}
        inner = {k: (v.view_as(v) if v is not None else None) for k, v in leaves.items()}
        made = _written_out(
            inner["grad_out"],
            inner["input"],
            inner["weight"],
            running_mean,
            running_var,
            train,
            eps,
            output_mask,
        )
        outs = [(m, g) for m, g in zip(made, grads) if m is not None and g is not None and m.requires_grad]
        wanted = [k for k in needs if leaves.get(k) is not None]
        found = (
            differentiate(
                [m for m, _ in outs],
                [inner[k] for k in wanted],
                [g for _, g in outs],
                create_graph=True,
                allow_unused=True,
            )
            if outs
            else [None] * len(wanted)
        )
    got = dict(zip(wanted, found))
    return got.get("grad_out"), got.get("input"), got.get("weight")


def _written_out(
    g: Any, x: Any, w: Any, running_mean: Any, running_var: Any, train: bool, eps: float, mask: tuple
) -> tuple:
    axes = _over(x._a)
    n = x._a.ndim
    shape = [1, -1, *[1] * (n - 2)]
    if train:
        mean = x.mean(axes, True)
        centred = x - mean
        invstd = (centred.square().mean(axes, True) + eps).rsqrt()
    else:
        centred = x - running_mean.view(*shape)
        invstd = (running_var.view(*shape) + eps).rsqrt()
    x_hat = centred * invstd
    scaled = g if w is None else g * w.view(*shape)
    if train:
        gi = invstd * (scaled - scaled.mean(axes, True) - x_hat * (scaled * x_hat).mean(axes, True))
    else:
        gi = invstd * scaled
    return (
        gi if mask[0] else None,
        (g * x_hat).sum(axes) if mask[1] else None,
        g.sum(axes) if mask[2] else None,
    )


native_batch_norm_backward = kernel(
    name="native_batch_norm_backward",
    inputs=("grad_out", "input", "weight", "running_mean", "running_var"),
    grad_fn="NativeBatchNormBackwardBackward0",
    on=("torch",),
    out=False,
    materialize=False,
    text="The gradients of batch normalization.",
    forward=_batch_norm_back,
    grads={
        (
            "grad_out",
            "input",
            "weight",
        ): lambda grads, grad_out, input, weight, running_mean, running_var, train, eps, output_mask, needs: (
            _batch_norm_second(
                grads, grad_out, input, weight, running_mean, running_var, train, eps, output_mask, needs
            )
        )
    },
)
native_batch_norm = kernel(
    name="native_batch_norm",
    inputs=("input", "weight", "bias"),
    grad_fn="NativeBatchNormBackward0",
    on=("torch",),
    out=False,
    nondiff=(1, 2),
    formula=r"y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta",
    text="Shifts and scales each channel to mean 0 and variance 1 over the batch, then as it has learned.",
    forward=_batch_norm,
    grads={
        (
            "input",
            "weight",
            "bias",
        ): lambda grad, input, weight, running_mean, running_var, training, eps, result1, result2, needs: (
            native_batch_norm_backward(
                grad,
                input,
                weight,
                running_mean,
                running_var,
                _plain(result1),
                _plain(result2),
                training,
                eps,
                tuple(k in needs for k in ("input", "weight", "bias")),
            )
        )
    },
    gradients={
        "input": r"\frac{\gamma}{\sigma}\,(g - \overline{g} - \hat{x}\,\overline{g \hat{x}})",
        "weight": r"\textstyle\sum g\,\hat{x}",
        "bias": r"\textstyle\sum g",
    },
)


def _plain(t: Any) -> Any:
    return t.detach() if t is not None else None


@composite("batch_norm", on=("torch",), out=False)
def batch_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = True,
) -> Any:
    """Shifts and scales each channel to mean 0 and variance 1 over the batch.

    Raises: RuntimeError where the sizes of the statistics are not the number of channels."""
    shape = input._a.shape
    if shape == (0,):
        return input.clone()
    if len(shape) < 2:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [-{max(1, len(shape))}, "
            f"{max(0, len(shape) - 1)}], but got 1)"
        )
    for name, t in (
        ("running_mean", running_mean),
        ("running_var", running_var),
        ("weight", weight),
        ("bias", bias),
    ):
        if t is not None and t._a.size != shape[1]:
            raise RuntimeError(f"{name} should contain {shape[1]} elements not {t._a.size}")
    if not training and (running_mean is None or running_var is None):
        name = "running_mean" if running_mean is None else "running_var"
        raise RuntimeError(f"{name} must be defined in evaluation mode")
    if training:  # counted before the node saves them: it is the op itself that changes them
        for t in (running_mean, running_var):
            if t is not None:
                t._array()
                t._bump()
    return native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)[0]


@composite(
    "batch_norm",
    on=("nn.functional",),
    out=False,
    formula=r"y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta",
)
def functional_batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Shifts and scales each channel to mean 0 and variance 1 over the batch.

    Raises: ValueError for one value per channel in training."""
    if training:
        _more_than_one(input)
    if eps <= 0:
        raise ValueError(f"batch_norm eps must be positive, but got {eps}")
    return batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


def _more_than_one(input: Any) -> None:
    shape = input._a.shape
    count = shape[0] if shape else 0
    for k in shape[2:]:
        count *= k
    if count == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {input.shape}"
        )


@composite("instance_norm", on=("torch",), out=False)
def instance_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = True,
) -> Any:
    """Shifts and scales each channel of each example to mean 0 and variance 1."""
    shape = input._a.shape
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when use_input_stats is false"
        )
    n, c = shape[:2]
    flat = input.contiguous().view(1, n * c, *shape[2:])
    w, b = (None if t is None else t.repeat(n) for t in (weight, bias))
    means, variances = (None if t is None else t.repeat(n) for t in (running_mean, running_var))
    y = batch_norm(flat, w, b, means, variances, use_input_stats, momentum, eps)
    with modes.no_grad():
        for kept, each in ((running_mean, means), (running_var, variances)):
            if kept is not None and use_input_stats:
                kept.copy_(each.view(n, c).mean(0))  # type: ignore[union-attr]
    return y.view(*shape)


@composite("instance_norm", on=("nn.functional",), out=False)
def functional_instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Shifts and scales each channel of each example to mean 0 and variance 1."""
    if use_input_stats:
        spatial = 1
        for k in input._a.shape[2:]:
            spatial *= k
        if spatial == 1:
            raise ValueError(
                f"Expected more than 1 spatial element when training, got input size {input.shape}"
            )
    return instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps)
