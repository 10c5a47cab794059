"""Connectionist temporal classification: the loss of a sequence without an alignment."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import dtype as dt
from engine.ops.record import composite, kernel


def _lengths(v: Any) -> list[int]:
    if isinstance(v, nodes.Tensor):
        v = v._a
    return [int(k) for k in np.asarray(v).reshape(-1)]


def _unrolled(target: np.ndarray, blank: int) -> np.ndarray:
    out = np.full(2 * len(target) + 1, blank, np.int64)
    out[1::2] = target
    return out


def _targets(targets: Any, lengths: list[int]) -> list[np.ndarray]:
    if targets.ndim == 2:
        return [targets[i, :n] for i, n in enumerate(lengths)]
    ends = np.cumsum([0, *lengths])
    return [targets[a:b] for a, b in pairwise(ends)]


def _sweep(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Log probabilities of all prefixes. Shapes: x (time, classes), labels (states,) -> (time, states)."""
    time, states = len(x), len(labels)
    alpha = np.full((time, states), -np.inf)
    if not time:
        return alpha
    alpha[0, 0] = x[0, labels[0]]
    if states > 1:
        alpha[0, 1] = x[0, labels[1]]
    jump = np.zeros(states, bool)
    jump[2:] = (labels[2:] != labels[:-2]) & (np.arange(2, states) % 2 == 1)
    for t in range(1, time):
        stay = alpha[t - 1]
        step = np.concatenate([[-np.inf], stay[:-1]])
        skip = np.where(jump, np.concatenate([[-np.inf, -np.inf], stay[:-2]])[:states], -np.inf)
        alpha[t] = np.logaddexp(np.logaddexp(stay, step), skip) + x[t, labels]
    return alpha


def _ctc(
    log_probs: Any,
    targets: Any,
    input_lengths: list,
    target_lengths: list,
    blank: int = 0,
    zero_infinity: bool = False,
) -> tuple:
    time, batch, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    if len(input_lengths) != batch:
        raise RuntimeError("input_lengths must be of size batch_size")
    if len(target_lengths) != batch:
        raise RuntimeError("target_lengths must be of size batch_size")
    for n in input_lengths:
        if n < 0:
            raise RuntimeError(f"Expected input_lengths to have value at least 0, but got value {n}")
        if n > time:
            raise RuntimeError(
                f"Expected input_lengths to have value at most {time}, but got value {n} (while checking "
                "arguments for ctc_loss_cpu)"
            )
    loss = np.zeros(batch, log_probs.dtype)
    for b, target in enumerate(_targets(targets, target_lengths)):
        labels = _unrolled(target, blank)
        x = log_probs[: input_lengths[b], b].astype(np.float64)
        if not len(x):
            loss[b] = 0 if not len(target) else np.inf
            continue
        alpha = _sweep(x, labels)
        end = alpha[-1, -1] if len(labels) == 1 else np.logaddexp(alpha[-1, -1], alpha[-1, -2])
        loss[b] = -end
    return loss, np.zeros(0, log_probs.dtype)


def _ctc_back(
    grad: Any,
    log_probs: Any,
    targets: Any,
    input_lengths: list,
    target_lengths: list,
    loss: Any,
    blank: int,
    zero_infinity: bool,
) -> Any:
    out = np.zeros(log_probs.shape, log_probs.dtype)
    for b, target in enumerate(_targets(targets, target_lengths)):
        if zero_infinity and np.isinf(loss[b]):
            continue
        labels = _unrolled(target, blank)
        x = log_probs[: input_lengths[b], b].astype(np.float64)
        if not len(x):
            continue
        alpha = _sweep(x, labels)
        beta = _sweep(x[::-1], labels[::-1])[::-1, ::-1]
        total = np.full(x.shape, -np.inf)
        for s, label in enumerate(labels):
            total[:, label] = np.logaddexp(total[:, label], alpha[:, s] + beta[:, s])
        # The gradient is that of log_softmax of the inputs as well: exp(x) minus the posterior of each class.
        out[: len(x), b] = (np.exp(x) - np.exp(total + float(loss[b]) - x)) * float(grad[b])
    return out


ctc_backward = kernel(
    name="_ctc_loss_backward",
    on=("torch",),
    out=False,
    text="The gradient of the CTC loss.",
    forward=_ctc_back,
)


def _ctc_gradient(
    grad: Any,
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int,
    zero_infinity: bool,
    result0: Any,
) -> Any:
    return ctc_backward(
        grad, log_probs, targets, input_lengths, target_lengths, result0, blank, zero_infinity
    )


ctc = kernel(
    name="_ctc_loss",
    inputs=("log_probs",),
    grad_fn="CtcLossBackward0",
    on=("torch",),
    nondiff=(1,),
    visible=1,
    out=False,
    formula=r"y = -\log \sum_{\pi} \prod_t p_{t, \pi_t}",
    text="Adds up the probability of all alignments that read as the target.",
    forward=_ctc,
    grads={"log_probs": _ctc_gradient},
)


@composite("ctc_loss", on=("torch",), out=False)
def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 1,
    zero_infinity: bool = False,
) -> Any:
    """The loss of a sequence without an alignment."""
    inputs, lengths = _lengths(input_lengths), _lengths(target_lengths)
    single = log_probs._a.ndim == 2
    x = log_probs.unsqueeze(1) if single else log_probs
    t = targets.unsqueeze(0) if single and targets._a.ndim == 1 else targets
    y = ctc(x, t, inputs, lengths, blank, zero_infinity)
    if zero_infinity:
        y = y.masked_fill(y == float("inf"), 0)
    if reduction == 1:
        count = nodes.Tensor._of(np.maximum(np.array(lengths), 1).astype(dt.of(y._a).numpy))
        return (y / count).mean()
    if reduction == 2:
        return y.sum()
    return y.squeeze(0) if single else y


@composite("ctc_loss", on=("nn.functional",), out=False, formula=r"y = -\log \sum_{\pi} \prod_t p_{t, \pi_t}")
def functional_ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """The loss of a sequence without an alignment."""
    from engine.ops.loss import reduction_of

    return ctc_loss(
        log_probs, targets, input_lengths, target_lengths, blank, reduction_of(reduction), zero_infinity
    )
