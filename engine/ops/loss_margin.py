"""Losses that ask for a margin, and losses of distributions: hinge, ranking, triplet, cosine, KL,
Poisson, Gauss."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from engine.ops.formula import OPS
from engine.ops.loss import finish, reduced, reduction_of
from engine.ops.record import composite, kernel
from engine.ops.scalar import minus, plus


@composite("kl_div", on=("nn.functional",), out=False, formula=r"y = \sum_i t_i\,(\log t_i - x_i)")
def kl_div(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Any:
    """How far the distribution of log probabilities `input` is from `target`."""
    if size_average is not None or reduce is not None:
        how = reduction_of(reduction, size_average, reduce)
    elif reduction == "batchmean":
        how = 2
    else:
        if reduction == "mean":
            warnings.warn(
                "reduction: 'mean' divides the total loss by both the batch size and the support "
                "size.'batchmean' "
                "divides only by the batch size, and aligns with the KL div math definition.'mean' will "
                "be changed "
                "to behave the same as 'batchmean' in the next major release.",
                stacklevel=3,
            )
        how = reduction_of(reduction)
    if log_target:
        each = target.exp() * (target - input)
    else:
        each = OPS["xlogy"](target, target) - target * input
    y = finish(each, how)
    if reduction == "batchmean" and input._a.ndim and size_average is None and reduce is None:
        y = y / input._a.shape[0]
    return y


@composite("poisson_nll_loss", on=("torch",), out=False)
def _poisson(input: Any, target: Any, log_input: bool, full: bool, eps: float, reduction: int) -> Any:
    """The negative log likelihood of Poisson counts."""
    if log_input:
        each = input.exp() - target * input
    else:
        each = input - target * plus(input, eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        each = each + stirling.masked_fill(target <= 1, 0)
    return finish(each, reduction)


@composite("poisson_nll_loss", on=("nn.functional",), out=False, formula=r"y = e^{x} - t\,x")
def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-8,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """The negative log likelihood of Poisson counts.

    Raises: ValueError for an unknown reduction."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return _poisson(input, target, log_input, full, eps, reduction_of(reduction, size_average, reduce))


@composite(
    "gaussian_nll_loss",
    on=("nn.functional",),
    out=False,
    formula=r"y = \frac{1}{2} \left(\log \sigma^2 + \frac{(x - t)^2}{\sigma^2}\right)",
)
def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """The negative log likelihood of values with a predicted mean and variance.

    Raises: ValueError where var does not fit or is negative."""
    from engine.autograd import modes

    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * OPS["ones_like"](input)
    elif (np.asarray(var._a) < 0).any():
        raise ValueError("var has negative entry/entries")
    shape, given = input._a.shape, var._a.shape
    if given != shape:
        if shape[:-1] == given:
            var = var.unsqueeze(-1)
        elif not (
            len(shape) == len(given)
            and sum(a != b for a, b in zip(shape, given)) == 1
            and any(b == 1 for a, b in zip(shape, given) if a != b)
        ):
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    var = var.clone()
    with modes.no_grad():
        a = var.detach()._array()
        np.maximum(a, a.dtype.type(eps), out=a)
    loss = 0.5 * (var.log() + (input - target).pow(2) / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return finish(loss, reduction_of(reduction))


@composite("hinge_embedding_loss", on=("nn.functional",), out=False)
def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """The distance itself for targets of 1; what it lacks to the margin for -1."""
    how = reduction_of(reduction, size_average, reduce)
    zero = OPS["zeros_like"](input)
    lacking = (OPS["full_like"](input, margin) - input).clamp_min(0)
    y = OPS["where"](target != 1, lacking, zero) + OPS["where"](target != -1, input, zero)
    return finish(y, how)


@composite("margin_ranking_loss", on=("nn.functional",), out=False)
def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """What the better input lacks to be ahead by the margin."""
    how = reduction_of(reduction, size_average, reduce)
    if not input1._a.ndim == input2._a.ndim == target._a.ndim:
        raise RuntimeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return finish(plus(-target * (input1 - input2), margin).clamp_min(0), how)


@composite("cosine_embedding_loss", on=("nn.functional",), out=False)
def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """One minus the cosine for targets of 1; the cosine above the margin for -1."""
    how = reduction_of(reduction, size_average, reduce)
    n = target._a.ndim
    if n not in (0, 1):
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if n == 1 and not (input1._a.ndim == 2 and input2._a.ndim == 2):
        raise RuntimeError(
            f"1D target tensor expects 2D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and "
            f"{list(input2.shape)}."
        )
    if n == 0 and not (input1._a.ndim == 1 and input2._a.ndim == 1):
        raise RuntimeError(
            f"0D target tensor expects 1D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and "
            f"{list(input2.shape)}."
        )
    dot = (input1 * input2).sum(n)
    m1, m2 = plus((input1 * input1).sum(n), 1e-12), plus((input2 * input2).sum(n), 1e-12)
    cosine = dot / (m1 * m2).sqrt()
    zero = OPS["zeros_like"](cosine)
    y = OPS["where"](target == 1, OPS["ones_like"](cosine) - cosine, zero) + OPS["where"](
        target == -1, minus(cosine, margin).clamp_min(0), zero
    )
    return finish(y, how)


@composite(
    "triplet_margin_loss",
    on=("nn.functional",),
    out=False,
    formula=r"y = \max(\lVert a - p \rVert - \lVert a - n \rVert + m, 0)",
)
def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """How much nearer than the negative the positive should be, and is not.

    Raises: ValueError for a margin that is not positive."""
    how = reduction_of(reduction, size_average, reduce)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor._a.ndim == positive._a.ndim == negative._a.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            "dimensions, but "
            f"got: anchor {anchor._a.ndim}D, positive {positive._a.ndim}D, and negative "
            f"{negative._a.ndim}D inputs"
        )
    distance = OPS["pairwise_distance"]
    near, far = distance(anchor, positive, p, eps), distance(anchor, negative, p, eps)
    if swap:
        far = OPS["minimum"](far, distance(positive, negative, p, eps))
    return finish((plus(near, margin) - far).clamp_min(0), how)


@composite("triplet_margin_with_distance_loss", on=("nn.functional",), out=False)
def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Any = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """The triplet loss with a distance of one's own.

    Raises: ValueError for a margin that is not positive or an unknown reduction."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor._a.ndim == positive._a.ndim == negative._a.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            "dimensions, but "
            f"got: anchor {anchor._a.ndim}D, positive {positive._a.ndim}D, and negative "
            f"{negative._a.ndim}D inputs"
        )
    distance = distance_function or OPS["pairwise_distance"]
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = OPS["minimum"](far, distance(positive, negative))
    return finish((margin + near - far).clamp_min(0), reduction_of(reduction))


@composite("multilabel_soft_margin_loss", on=("nn.functional",), out=False)
def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """The mean over classes of the logistic loss of each label."""
    how = reduction_of(reduction, size_average, reduce)
    log_sigmoid = OPS["log_sigmoid"]
    each = -(target * log_sigmoid(input) + (1 - target) * log_sigmoid(-input))
    if weight is not None:
        each = each * weight
    axis = input._a.ndim - 1
    return finish(each.sum(axis) / input._a.shape[axis], how)


def _multi_margin(
    self: Any, target: Any, p: float = 1, margin: float = 1, weight: Any = None, reduction: int = 1
) -> Any:
    if p not in (1, 2):
        raise RuntimeError("only p == 1 and p == 2 supported")
    if self.ndim > 2 or not self.size and (self.ndim != 2 or not self.shape[1]):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(self.shape)}"
        )
    x, t = self.reshape(-1, self.shape[-1] if self.ndim else 1), np.asarray(target).reshape(-1)
    if target.ndim > 1 or t.size != len(x):
        raise RuntimeError(f"inconsistent target size, expected {len(x)} but got {list(target.shape)}")
    if t.size and (t.min() < 0 or t.max() >= x.shape[1]):
        raise RuntimeError("target out of range")
    z, rows = _margins(x, t, margin), np.arange(len(x))
    z = z if p == 1 else z * z
    if weight is not None:
        z = z * weight[t][:, None]
    z[rows, t] = 0
    each = np.add.reduce(z, axis=1) / self.dtype.type(x.shape[1])
    return reduced(each if self.ndim == 2 else each[0], reduction)


def _margins(x: Any, t: Any, margin: float) -> Any:
    return np.maximum(x.dtype.type(margin) - x[np.arange(len(x)), t][:, None] + x, 0)


def _multi_margin_back(
    grad_output: Any, self: Any, target: Any, p: float, margin: float, weight: Any, reduction: int
) -> Any:
    x, t = self.reshape(-1, self.shape[-1] if self.ndim else 1), np.asarray(target).reshape(-1)
    z, rows = _margins(x, t, margin), np.arange(len(x))
    g = (z > 0).astype(x.dtype) if p == 1 else 2 * z
    if weight is not None:
        g = g * weight[t][:, None]
    g[rows, t] = 0
    g[rows, t] = -np.add.reduce(g, axis=1)
    g /= x.dtype.type(x.shape[1] * (len(x) if reduction == 1 else 1))
    g *= np.asarray(grad_output).reshape(-1, 1)
    return g.reshape(self.shape)


_multi_margin_backward = kernel(
    name="multi_margin_loss_backward",
    on=("torch._nn",),
    out=False,
    text="The gradient of the multi-class margin loss.",
    forward=_multi_margin_back,
)
multi_margin_loss = kernel(
    name="multi_margin_loss",
    inputs=("self",),
    grad_fn="MultiMarginLossBackward0",
    on=("torch._nn",),
    out=False,
    formula=r"y = \frac{1}{C} \sum_{i \ne t} \max(0, m - x_t + x_i)^p",
    text="How much each wrong class comes closer to the true one than the margin.",
    forward=_multi_margin,
    grads={
        "self": lambda grad, self, target, p, margin, weight, reduction: _multi_margin_backward(
            grad, self, target, p, margin, weight, reduction
        )
    },
)


@composite("multi_margin_loss", on=("nn.functional",), out=False)
def functional_multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """How much each wrong class comes closer to the true one than the margin."""
    how = reduction_of(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight._a.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    return multi_margin_loss(input, target, p, margin, weight, how)


def _labels(self: Any, target: Any) -> tuple:
    """Rows of x, and for each a mask of its true classes (those before the first -1)."""
    if self.shape != target.shape:
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(self.shape)}"
        )
    width = self.shape[-1] if self.ndim else 1
    x, t = self.reshape(-1, width), target.reshape(-1, width)
    valid = np.cumsum(t < 0, axis=1) == 0
    is_target = np.zeros(t.shape, bool)
    row, col = np.nonzero(valid)
    is_target[row, t[row, col]] = True
    return x, t, valid, is_target


def _multilabel(self: Any, target: Any, reduction: int = 1) -> tuple:
    if self.ndim > 2 or self.ndim and self.shape[-1] == 0:
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(self.shape)}"
        )
    x, t, valid, is_target = _labels(self, target)
    each = np.zeros(len(x), self.dtype)
    for i in range(len(x)):
        wanted = x[i, t[i, valid[i]]]
        others = x[i, ~is_target[i]]
        each[i] = np.maximum(1 - wanted[:, None] + others[None, :], 0).sum() / max(1, x.shape[1])
    marks = is_target.astype(self.dtype).reshape(self.shape)
    return reduced(each if self.ndim == 2 else each[0], reduction), marks


def _multilabel_back(grad_output: Any, self: Any, target: Any, reduction: int) -> Any:
    x, t, valid, is_target = _labels(self, target)
    g = np.zeros_like(x)
    for i in range(len(x)):
        chosen, rest = t[i, valid[i]], np.flatnonzero(~is_target[i])
        on = (1 - x[i, chosen][:, None] + x[i, rest][None, :] > 0).astype(x.dtype)
        np.add.at(g[i], chosen, -on.sum(1))
        np.add.at(g[i], rest, on.sum(0))
    g /= x.dtype.type(x.shape[1] * (len(x) if reduction == 1 else 1))
    g *= np.asarray(grad_output).reshape(-1, 1)
    return g.reshape(self.shape)


_multilabel_backward = kernel(
    name="multilabel_margin_loss_backward",
    on=("torch._nn",),
    out=False,
    text="The gradient of the multi-label margin loss.",
    forward=_multilabel_back,
)
multilabel_margin_loss = kernel(
    name="multilabel_margin_loss",
    inputs=("self",),
    grad_fn="MultilabelMarginLossBackward0",
    on=("torch._nn",),
    nondiff=(1,),
    visible=1,
    out=False,
    formula=r"y = \frac{1}{C} \sum_{t} \sum_{i \notin T} \max(0, 1 - x_t + x_i)",
    text="How much classes that do not apply come closer than 1 to those that do.",
    forward=_multilabel,
    grads={"self": lambda grad, self, target, reduction: _multilabel_backward(grad, self, target, reduction)},
)


@composite("multilabel_margin_loss", on=("nn.functional",), out=False)
def functional_multilabel_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    """How much classes that do not apply come closer than 1 to those that do."""
    return multilabel_margin_loss(input, target, reduction_of(reduction, size_average, reduce))
