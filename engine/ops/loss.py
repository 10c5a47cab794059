"""Losses between two tensors of one shape: mean square, absolute, cross entropies of probabilities."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.core.shape import broadcast_shapes
from engine.ops.formula import OPS
from engine.ops.record import composite, kernel

REDUCTION = {"none": 0, "mean": 1, "sum": 2}


def reduction_of(reduction: str, size_average: Any = None, reduce: Any = None) -> int:
    """0 for none, 1 for mean, 2 for sum.

    Raises: ValueError for another word."""
    if size_average is not None or reduce is not None:
        size_average = True if size_average is None else size_average
        reduce = True if reduce is None else reduce
        said = "mean" if size_average and reduce else "sum" if reduce else "none"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{said}' instead.",
            stacklevel=4,
        )
        reduction = said
    found = REDUCTION.get(reduction)
    if found is None:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return found


def reduced(a: Any, reduction: int) -> Any:
    """An array of losses as asked for."""
    if reduction == 0:
        return a
    total = np.add.reduce(a, axis=None)
    return total / a.dtype.type(a.size) if reduction == 1 else total


def shared(grad: Any, shape: tuple[int, ...], reduction: int, count: int) -> Any:
    """The gradient at each element's loss, from that of the reduced loss."""
    return grad / count if reduction == 1 and count else grad


def matched(input: Any, target: Any) -> tuple[Any, Any]:
    """Input and target broadcast to one shape and type, with a warning where their shapes differ."""
    a, b = input._a, target._a
    if a.shape != b.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This "
            "will likely lead to incorrect results due to broadcasting. Please ensure they have the "
            "same size.",
            stacklevel=4,
        )
        shape = broadcast_shapes(a.shape, b.shape)
        input = input if a.shape == shape else input.expand(shape)
        target = target if b.shape == shape else target.expand(shape)
    if a.dtype != b.dtype:
        kind = dt.promote_types(input.dtype, target.dtype)
        input, target = input.to(kind), target.to(kind)
    return input, target


def refuse_integers(name: str, a: Any) -> None:
    """Raises: NotImplementedError in PyTorch's words for integers."""
    if a.dtype.kind in "biu":
        raise NotImplementedError(f"\"{name}\" not implemented for '{dt.scalar_type_name(dt.of(a))}'")


def _mse(self: Any, target: Any, reduction: int = 1) -> Any:
    refuse_integers("mse_cpu", self)
    d = self - target
    if reduction == 0:
        return d * d
    if type(d) is np.ndarray and d.dtype.itemsize > 2:
        flat = d.reshape(-1)
        # The order of summation is that of a plain reduction: a dot product's differs in the last digits.
        total = np.add.reduce(np.square(flat, out=flat))
    else:
        total = np.add.reduce(d * d, axis=None)
    return total / total.dtype.type(d.size) if reduction == 1 else total


mse_loss = kernel(
    name="mse_loss",
    inputs=("self", "target"),
    grad_fn="MseLossBackward0",
    on=("torch._nn",),
    formula=r"y = \frac{1}{n} \sum_i (x_i - t_i)^2",
    text="The mean square of the differences: far misses weigh most.",
    forward=_mse,
    grads={
        ("self", "target"): lambda grad, self, target, reduction, needs: _two_sided(
            OPS["mse_loss_backward"](grad, self, target, reduction), needs
        )
    },
    gradients={"self": r"\frac{2}{n}\,(x - t)\,g", "target": r"-\frac{2}{n}\,(x - t)\,g"},
)


def _two_sided(g: Any, needs: tuple[str, ...]) -> tuple[Any, Any]:
    return (g if "self" in needs else None), (-g if "target" in needs else None)


def _mse_back(grad_output: Any, self: Any, target: Any, reduction: int) -> Any:
    d = self - target
    if reduction == 0:
        return 2 * d * grad_output
    scale = 2.0 / d.size if reduction == 1 else 2.0
    d *= d.dtype.type(scale) * grad_output
    return d


mse_loss_backward = kernel(
    name="mse_loss_backward",
    inputs=("grad_output", "self", "target"),
    grad_fn="MseLossBackwardBackward0",
    on=("torch._nn",),
    out=False,
    text="The gradient of the mean square.",
    forward=_mse_back,
    grads={
        "grad_output": lambda grad, self, target, reduction: _weigh(
            grad * 2 * (self - target), self, reduction
        ),
        ("self", "target"): lambda grad, grad_output, self_shape, reduction, needs: _two_sided(
            shared(grad * 2 * grad_output, self_shape, reduction, _count(self_shape)), needs
        ),
    },
)


def _count(shape: tuple[int, ...]) -> int:
    n = 1
    for k in shape:
        n *= k
    return n


def _weigh(t: Any, like: Any, reduction: int) -> Any:
    if reduction == 0:
        return t
    t = t.sum()
    return t / like.numel() if reduction == 1 else t


@composite("mse_loss", on=("nn.functional",), out=False, formula=r"y = \frac{1}{n} \sum_i (x_i - t_i)^2")
def functional_mse_loss(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """The mean square of the differences."""
    how = reduction_of(reduction, size_average, reduce)
    input, target = matched(input, target)
    if weight is not None:
        if weight._a.size != input._a.size:
            raise ValueError("Weights and input must have the same size.")
        each = (input - target).pow(2) * weight
        return each if how == 0 else each.sum() if how == 2 else each.sum() / weight.sum()
    return mse_loss(input, target, how)


@composite("l1_loss", on=("nn.functional",), out=False, formula=r"y = \frac{1}{n} \sum_i |x_i - t_i|")
def l1_loss(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """The mean of the absolute differences."""
    how = reduction_of(reduction, size_average, reduce)
    input, target = matched(input, target)
    each = (input - target).abs()
    if weight is not None:
        if weight._a.size != input._a.size:
            raise ValueError("Weights and input must have the same size.")
        each = each * weight
        return each if how == 0 else each.sum() if how == 2 else each.sum() / weight.sum()
    return finish(each, how)


def finish(each: Any, how: int) -> Any:
    """Losses of all elements reduced as asked for."""
    return each.mean() if how == 1 else each.sum() if how == 2 else each


def _smooth_l1(self: Any, target: Any, reduction: int = 1, beta: float = 1.0) -> Any:
    refuse_integers("smooth_l1_cpu", self)
    z = np.abs(self - target)
    if beta > 0:
        z = np.where(z < beta, z * z * (0.5 / beta), z - z.dtype.type(0.5 * beta)).astype(z.dtype, copy=False)
    return reduced(z, reduction)


def _smooth_l1_slope(grad: Any, self: Any, target: Any, reduction: int, beta: float, needs: tuple) -> Any:
    d = self - target
    inner = (d / beta).clamp(-1, 1) if beta > 0 else d.sign()
    return _two_sided(shared(grad, (), reduction, d.numel()) * inner, needs)


smooth_l1_loss = kernel(
    name="smooth_l1_loss",
    inputs=("self", "target"),
    grad_fn="SmoothL1LossBackward0",
    on=("torch._nn",),
    formula=r"y = \frac{(x-t)^2}{2\beta} \text{ if } |x-t| < \beta \text{ else } |x-t| - \frac{\beta}{2}",
    text="A parabola near zero and straight lines outside: far misses do not take over.",
    forward=_smooth_l1,
    grads={
        ("self", "target"): lambda grad, self, target, reduction, beta, needs: _smooth_l1_slope(
            grad, self, target, reduction, beta, needs
        )
    },
)


def _huber(self: Any, target: Any, reduction: int = 1, delta: float = 1.0) -> Any:
    refuse_integers("huber_cpu", self)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    z = np.abs(self - target)
    k = z.dtype.type
    return reduced(np.where(z < delta, k(0.5) * z * z, k(delta) * (z - k(0.5 * delta))), reduction)


huber_loss = kernel(
    name="huber_loss",
    inputs=("self", "target"),
    grad_fn="HuberLossBackward0",
    on=("torch._nn",),
    formula=r"y = \frac{1}{2}(x-t)^2 \text{ if } |x-t| < \delta \text{ else } "
    r"\delta\,(|x-t| - \frac{\delta}{2})",
    text="Square for small misses, straight for large ones.",
    forward=_huber,
    grads={
        ("self", "target"): lambda grad, self, target, reduction, delta, needs: _two_sided(
            shared(grad, (), reduction, self.numel()) * (self - target).clamp(-delta, delta), needs
        )
    },
)


@composite("smooth_l1_loss", on=("nn.functional",), out=False)
def functional_smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Any:
    """Square for misses below beta, straight beyond."""
    how = reduction_of(reduction, size_average, reduce)
    input, target = matched(input, target)
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    return smooth_l1_loss(input, target, how, beta)


@composite("huber_loss", on=("nn.functional",), out=False)
def functional_huber_loss(
    input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Any:
    """Square for misses below delta, straight beyond."""
    how = reduction_of(reduction)
    input, target = matched(input, target)
    if weight is None:
        return huber_loss(input, target, how, delta)
    if weight._a.size != input._a.size:
        raise ValueError("Weights and input must have the same size.")
    each = huber_loss(input, target, 0, delta) * weight
    return each if how == 0 else each.sum() if how == 2 else each.sum() / weight.sum()


def _bce(self: Any, target: Any, weight: Any = None, reduction: int = 1) -> Any:
    refuse_integers("binary_cross_entropy", self)
    if self.size and ((self < 0) | (self > 1)).any():
        raise RuntimeError("all elements of input should be between 0 and 1")
    if self.size and ((target < 0) | (target > 1)).any():
        raise RuntimeError("all elements of target should be between 0 and 1")
    k = self.dtype.type
    each = (target - k(1)) * np.maximum(np.log1p(-self), k(-100)) - target * np.maximum(np.log(self), k(-100))
    return reduced(each if weight is None else each * weight, reduction)


def _bce_slope(grad: Any, self: Any, target: Any, weight: Any, reduction: int) -> Any:
    g = shared(grad, (), reduction, self.numel()) * (self - target) / ((1 - self) * self).clamp_min(1e-12)
    return g if weight is None else g * weight


def _bce_target_slope(grad: Any, self: Any, weight: Any, reduction: int) -> Any:
    g = shared(grad, (), reduction, self.numel()) * ((1 - self).log() - self.log())
    return g if weight is None else g * weight


binary_cross_entropy = kernel(
    name="binary_cross_entropy",
    inputs=("self", "target"),
    grad_fn="BinaryCrossEntropyBackward0",
    on=("torch._nn",),
    formula=r"y = -\frac{1}{n} \sum_i t_i \log x_i + (1 - t_i) \log(1 - x_i)",
    text="How surprised probabilities are by what happened.",
    forward=_bce,
    grads={
        "self": lambda grad, self, target, weight, reduction: _bce_slope(
            grad, self, target, weight, reduction
        ),
        "target": lambda grad, self, weight, reduction: _bce_target_slope(grad, self, weight, reduction),
    },
)


@composite("binary_cross_entropy", on=("nn.functional",), out=False)
def functional_binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """How surprised probabilities are by what happened."""
    how = reduction_of(reduction, size_average, reduce)
    if input._a.shape != target._a.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is "
            "deprecated. Please ensure they have the same size."
        )
    if weight is not None:
        weight = weight.expand(broadcast_shapes(target._a.shape, weight._a.shape))
    if input._a.dtype != target._a.dtype:
        raise RuntimeError(
            f"Found dtype {dt.scalar_type_name(target.dtype)} but expected {dt.scalar_type_name(input.dtype)}"
        )
    return binary_cross_entropy(input, target, weight, how)


def _bce_logits(
    self: Any, target: Any, weight: Any = None, pos_weight: Any = None, reduction: int = 1
) -> Any:
    k = self.dtype.type
    log_sigmoid = np.minimum(self, k(0)) - np.log1p(np.exp(-np.abs(self)))
    if pos_weight is not None:
        log_sigmoid = ((pos_weight - k(1)) * target + k(1)) * log_sigmoid
    each = (k(1) - target) * self - log_sigmoid
    return reduced(each if weight is None else each * weight, reduction)


def _bce_logits_slope(grad: Any, self: Any, target: Any, weight: Any, pos_weight: Any, reduction: int) -> Any:
    s = self.sigmoid()
    if pos_weight is None:
        g = s - target
    else:
        t = pos_weight * target
        g = (t + 1 - target) * s - t
    g = g * shared(grad, (), reduction, self.numel() if weight is None and pos_weight is None else g.numel())
    return g if weight is None else g * weight


def _bce_logits_target_slope(grad: Any, self: Any, weight: Any, pos_weight: Any, reduction: int) -> Any:
    g = shared(grad, (), reduction, self.numel())
    if pos_weight is None:
        g = g * -self
    else:
        g = g * (OPS["log_sigmoid"](-self) - pos_weight * OPS["log_sigmoid"](self))
    return g if weight is None else g * weight


binary_cross_entropy_with_logits = kernel(
    name="binary_cross_entropy_with_logits",
    inputs=("self", "target"),
    grad_fn="BinaryCrossEntropyWithLogitsBackward0",
    on=("torch",),
    formula=r"y = -\frac{1}{n} \sum_i t_i \log \sigma(x_i) + (1 - t_i) \log(1 - \sigma(x_i))",
    text="Sigmoid and binary cross entropy in one stable step; the gradient is sigmoid minus target.",
    forward=_bce_logits,
    grads={
        "self": lambda grad, self, target, weight, pos_weight, reduction: _bce_logits_slope(
            grad, self, target, weight, pos_weight, reduction
        ),
        "target": lambda grad, self, weight, pos_weight, reduction: _bce_logits_target_slope(
            grad, self, weight, pos_weight, reduction
        ),
    },
    gradients={"self": r"\frac{1}{n}\,(\sigma(x) - t)\,g"},
)


@composite("binary_cross_entropy_with_logits", on=("nn.functional",), out=False)
def functional_binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """Sigmoid and binary cross entropy in one stable step."""
    how = reduction_of(reduction, size_average, reduce)
    if input._a.shape != target._a.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    if target._a.dtype.kind in "biu":
        target = target.to(input.dtype)
    return binary_cross_entropy_with_logits(input, target, weight, pos_weight, how)


def _soft_margin(self: Any, target: Any, reduction: int = 1) -> Any:
    return reduced(np.log1p(np.exp(-target * self)), reduction)


soft_margin_loss = kernel(
    name="soft_margin_loss",
    inputs=("self",),
    grad_fn="SoftMarginLossBackward0",
    on=("torch._nn",),
    formula=r"y = \frac{1}{n} \sum_i \log(1 + e^{-t_i x_i})",
    text="Logistic loss for targets of -1 and 1.",
    forward=_soft_margin,
    grads={
        "self": lambda grad, self, target, reduction: (
            shared(grad, (), reduction, self.numel()) * -target * (-target * self).sigmoid()
        )
    },
)


@composite("soft_margin_loss", on=("nn.functional",), out=False)
def functional_soft_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    """Logistic loss for targets of -1 and 1."""
    how = reduction_of(reduction, size_average, reduce)
    broadcast_shapes(input._a.shape, target._a.shape)
    return soft_margin_loss(input, target, how)
