"""Losses over classes: negative log likelihood and cross entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.ops.formula import OPS
from engine.ops.loss import finish, reduction_of
from engine.ops.record import composite, kernel
from engine.ops.scalar import over, times


def _chosen(target: Any, weight: Any, ignore: int, classes: int, kind: Any) -> tuple[Any, Any]:
    """The class to look up at each place, and the weight of that place (0 where ignored).

    Raises: IndexError for a class that is none."""
    dead = target == ignore
    safe = np.where(dead, 0, target)
    if safe.size and (safe.min() < 0 or safe.max() >= classes):
        bad = safe[(safe < 0) | (safe >= classes)].flat[0]
        raise IndexError(f"Target {bad} is out of bounds.")
    w = np.ones(target.shape, kind) if weight is None else weight[safe]
    return safe, np.where(dead, kind.type(0), w)


def _check(self: Any, target: Any, weight: Any) -> None:
    if self.dtype.kind in "biu":
        raise NotImplementedError(
            f"\"nll_loss_out_frame\" not implemented for '{dt.scalar_type_name(dt.of(self))}'"
        )
    if target.dtype not in (np.int64, np.uint8):
        raise RuntimeError(f"expected scalar type Long but found {dt.scalar_type_name(dt.of(target))}")


def _nll(self: Any, target: Any, weight: Any = None, reduction: int = 1, ignore_index: int = -100) -> tuple:
    if self.ndim not in (1, 2):
        raise RuntimeError("input tensor should be 1D or 2D")
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if self.ndim == 2 and (target.ndim != 1 or self.shape[0] != target.shape[0]):
        raise RuntimeError(f"size mismatch (got input: {list(self.shape)}, target: {list(target.shape)})")
    classes = self.shape[-1]
    if weight is not None and (weight.ndim != 1 or weight.shape[0] != classes):
        raise RuntimeError(
            "weight tensor should be defined either for all or no classes but got weight tensor of shape: "
            f"{list(weight.shape)}"
        )
    _check(self, target, weight)
    kind = self.dtype
    if weight is None and self.ndim == 2 and reduction == 1 and self.size:
        # The common call, in few steps.
        dead = target == ignore_index
        if not dead.any():
            try:
                picked = self[np.arange(len(target)), target]
            except IndexError:
                picked = None
            if picked is not None and target.min() >= 0:
                n = kind.type(len(target))
                return -np.add.reduce(picked) / n, n
    safe, w = _chosen(np.asarray(target), weight, ignore_index, classes, kind)
    if self.ndim == 1:
        picked = self[safe] if safe.ndim == 0 else self[safe][0]
        w = w if w.ndim == 0 else w[0]
        each = -picked * w
        total = kind.type(w)
        if reduction == 1:
            return kind.type(each / total), total
        return (each if target.ndim == 0 or reduction else np.array([each], kind)), total
    each = -self[np.arange(len(safe)), safe] * w
    if reduction == 0:
        return each, kind.type(0)
    total = np.add.reduce(w)
    s = np.add.reduce(each)
    return (s / total if reduction == 1 else s), total


def _nll_back(
    grad_output: Any,
    self: Any,
    target: Any,
    weight: Any,
    reduction: int,
    ignore_index: int,
    total_weight: Any,
) -> Any:
    g = np.zeros(self.shape, self.dtype)
    safe, w = _chosen(
        np.asarray(target), weight, ignore_index, self.shape[-1 if self.ndim == 1 else 1], self.dtype
    )
    scale = -grad_output * w
    if reduction == 1:
        scale = scale / total_weight
    if self.ndim == 1:
        g[safe] = scale
    elif self.ndim == 2:
        g[np.arange(len(safe)), safe] = scale
    else:
        np.put_along_axis(g, safe[:, None], scale[:, None], 1)
    return g


_BACK = {
    "grad_output": lambda grad, target, weight, reduction, ignore_index, total_weight: _nll_again(
        grad, target, weight, reduction, ignore_index, total_weight
    ),
    "self": lambda grad, self: OPS["zeros_like"](self),
}


def _nll_again(grad: Any, target: Any, weight: Any, reduction: int, ignore: int, total: Any) -> Any:
    op = nll_loss if grad.ndim < 3 else nll_loss2d
    if reduction == 1:
        return op(grad, target, weight, 2, ignore) / total
    return op(grad, target, weight, reduction, ignore)


nll_loss_backward = kernel(
    name="nll_loss_backward",
    inputs=("grad_output", "self"),
    grad_fn="NllLossBackwardBackward0",
    on=("torch._nn",),
    out=False,
    text="The gradient of the negative log likelihood.",
    forward=_nll_back,
    grads=_BACK,
)
nll_loss2d_backward = kernel(
    name="nll_loss2d_backward",
    inputs=("grad_output", "self"),
    grad_fn="NllLoss2DBackwardBackward0",
    on=("torch._nn",),
    out=False,
    text="The gradient of the negative log likelihood over an image.",
    forward=_nll_back,
    grads=_BACK,
)
nll_loss = kernel(
    name="nll_loss",
    inputs=("self",),
    grad_fn="NllLossBackward0",
    on=("torch._nn",),
    nondiff=(1,),
    visible=1,
    out=False,
    formula=r"y = -\frac{1}{n} \sum_i x_{i, t_i}",
    text="The log probability of the true class, negated; its gradient reaches the true class alone.",
    forward=_nll,
    grads={
        "self": lambda grad, self, target, weight, reduction, ignore_index, result1: nll_loss_backward(
            grad, self, target, weight, reduction, ignore_index, result1
        )
    },
    gradients={"self": r"-\frac{1}{n}\,g \text{ at the true class, } 0 \text{ elsewhere}"},
)


def _nll2d(self: Any, target: Any, weight: Any = None, reduction: int = 1, ignore_index: int = -100) -> tuple:
    if target.ndim != 3:
        raise RuntimeError(
            f"only batches of spatial targets supported (3D tensors) but got targets of dimension: "
            f"{target.ndim}"
        )
    if self.ndim != 4:
        raise RuntimeError(
            f"only batches of spatial inputs supported (4D tensors), but got input of dimension: {self.ndim}"
        )
    if self.shape[0] != target.shape[0] or self.shape[2:] != target.shape[1:]:
        raise RuntimeError(f"size mismatch (got input: {list(self.shape)} , target: {list(target.shape)}")
    if weight is not None and weight.size != self.shape[1]:
        raise RuntimeError("weight tensor should be defined either for all or no classes")
    _check(self, target, weight)
    safe, w = _chosen(target, weight, ignore_index, self.shape[1], self.dtype)
    if not self.size and not safe.size:
        each = np.zeros(target.shape, self.dtype)
    else:
        each = -np.take_along_axis(self, safe[:, None], 1)[:, 0] * w
    if reduction == 0:
        return each, self.dtype.type(0)
    total = np.add.reduce(w, axis=None)
    s = np.add.reduce(each, axis=None)
    return (s / total if reduction == 1 else s), total


nll_loss2d = kernel(
    name="nll_loss2d",
    inputs=("self",),
    grad_fn="NllLoss2DBackward0",
    on=("torch._nn",),
    nondiff=(1,),
    visible=1,
    out=False,
    formula=r"y = -\frac{1}{n} \sum_i x_{i, t_i}",
    text="The log probability of each place's true class, negated.",
    forward=_nll2d,
    grads={
        "self": lambda grad, self, target, weight, reduction, ignore_index, result1: nll_loss2d_backward(
            grad, self, target, weight, reduction, ignore_index, result1
        )
    },
)


def _nll_nd(input: Any, target: Any, weight: Any, how: int, ignore_index: int) -> Any:
    shape, at = input._a.shape, target._a.shape
    if len(shape) < 1:
        raise RuntimeError("Expected 1 or more dimensions (got 0)")
    n, classes = shape[0], 1
    if len(shape) != 1 and shape[0] != (at[0] if at else 1):
        raise ValueError(
            f"Expected input batch_size ({shape[0]}) to match target batch_size ({at[0] if at else 1})."
        )
    if len(shape) <= 2:
        return nll_loss(input, target, weight, how, ignore_index)
    if len(shape) == 4:
        return nll_loss2d(input, target, weight, how, ignore_index)
    classes = shape[1]
    if at[1:] != shape[2:]:
        raise RuntimeError(f"Expected target size {[n, *shape[2:]]}, got {list(at)}")
    if input.numel() and target.numel():
        flat = input.contiguous().view(n, classes, 1, -1)
        marks = target.contiguous().view(n, 1, -1)
    else:
        flat = input.contiguous().view(n, classes, 0, 0)
        marks = target.contiguous().view(n, 0, 0)
    y = nll_loss2d(flat, marks, weight, how, ignore_index)
    return y if how else y.view(n, *shape[2:])


@composite("nll_loss", on=("nn.functional",), out=False, formula=r"y = -\frac{1}{n} \sum_i x_{i, t_i}")
def functional_nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """The log probability of the true class, negated."""
    return _nll_nd(input, target, weight, reduction_of(reduction, size_average, reduce), ignore_index)


@composite(
    "cross_entropy",
    on=("nn.functional",),
    out=False,
    formula=r"y = -\frac{1}{n} \sum_i \log \frac{e^{x_{i, t_i}}}{\sum_j e^{x_{ij}}}",
    text="log_softmax and nll_loss in one: how surprised the scores are by the true class.",
)
def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """How surprised scores are by the true class, given by its number or by probabilities of all classes.

    Raises: RuntimeError where the arguments do not fit together."""
    how = reduction_of(reduction, size_average, reduce)
    shape = input._a.shape
    axis = 0 if len(shape) == 1 else 1
    if shape == target._a.shape and (len(shape) > 0 and target._a.dtype.kind in "fV" or len(shape) == 0):
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        return _with_probabilities(input, target, weight, how, label_smoothing, axis)
    if shape == target._a.shape and len(shape) > 1:
        raise RuntimeError(
            "Expected floating point type for target with class probabilities, got "
            f"{dt.scalar_type_name(target.dtype)}"
        )
    if label_smoothing > 0:
        return _smoothed(input, target, weight, how, ignore_index, label_smoothing, axis)
    if not shape:
        raise IndexError("Dimension out of range (expected to be in range of [-1, 0], but got 1)")
    return _nll_nd(OPS["_log_softmax"](input, axis), target, weight, how, ignore_index)


def _check_smoothing(smoothing: float) -> None:
    if not 0 <= smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {smoothing}")


def _with_probabilities(input: Any, target: Any, weight: Any, how: int, smoothing: float, axis: int) -> Any:
    _check_smoothing(smoothing)
    classes = input._a.shape[axis]
    if weight is not None and weight._a.shape != (classes,):
        raise RuntimeError(
            "cross_entropy: weight tensor should be defined either for all "
            f"{classes} classes or no classes but got weight tensor of shape: {list(weight.shape)}"
        )
    y = OPS["_log_softmax"](input, axis)
    if smoothing > 0:
        target = target * (1 - smoothing) + smoothing / classes
    if weight is not None:
        each = y * target * _along(weight, y._a.ndim, axis)
    else:
        each = y * target
    if how == 0:
        return -each.sum(axis)
    total = -each.sum()
    return total if how == 2 else over(total, max(1, input.numel() // classes))


def _along(weight: Any, ndim: int, axis: int) -> Any:
    return weight.view(*[-1 if i == axis else 1 for i in range(ndim)])


def _smoothed(
    input: Any, target: Any, weight: Any, how: int, ignore: int, smoothing: float, axis: int
) -> Any:
    _check_smoothing(smoothing)
    classes = input._a.shape[axis]
    if weight is not None and weight._a.shape != (classes,):
        raise RuntimeError(
            "cross_entropy: weight tensor should be defined either for all "
            f"{classes} classes or no classes but got weight tensor of shape: {list(weight.shape)}"
        )
    y = OPS["_log_softmax"](input, axis)
    nll = _nll_nd(y, target, weight, how, ignore)
    if weight is not None:
        smooth = -(y * _along(weight, y._a.ndim, axis)).sum(axis)
    else:
        smooth = -y.sum(axis)
    dead = target == ignore
    smooth = smooth.masked_fill(dead, 0.0)
    if how == 1:
        if weight is not None:
            alive = (
                weight.gather(0, target.masked_fill(dead, 0).flatten()) if target._a.ndim else weight[target]
            )
            mass = alive.masked_fill(dead.flatten(), 0).sum()
            smooth = smooth.sum() / mass
        else:
            count = (~dead).sum()
            smooth = smooth.sum() / count
    else:
        smooth = finish(smooth, how)
    return times(nll, 1 - smoothing) + times(smooth, smoothing / classes)
