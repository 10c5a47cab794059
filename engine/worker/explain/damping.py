"""What a node does to the gradient that passes through it: which share it stops, how much it shrinks it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.autograd.node import FREED, Node, SavedTensor
from engine.recorders.structure import made

SATURATED = 0.99
"""A sigmoid or tanh that comes this near to its end is called saturated."""
TELLING_SHARE = 0.5
"""A share of stopped elements from here on is told even where the gradient as a whole is not small."""
SELECTIONS = ("not picked", "max path", "masked", "dropped", "zero factor")
"""These stop a share in many a sound model: they are told where the gradient asked about has the zeros."""
TELLING_FACTOR = 0.5
"""A node that lets less than this of the norm pass is told where the gradient is small."""
GROWING_FACTOR = 2.0
"""One that multiplies the norm by more than this is told where the gradient is large."""


@dataclass(slots=True)
class Damping:
    """One node's part in it. kind as in `ReasonPart`; share: of elements or units that get nothing, or -1
    where that is not what it does."""

    kind: str
    text: str
    share: float
    advice: str


@dataclass(slots=True)
class _Passage:
    node: Node
    slot: int
    before: np.ndarray | None
    after: np.ndarray | None

    @property
    def result(self) -> np.ndarray | None:
        return plain(made(self.node).result)

    def argument(self, place: int) -> Any:
        found = made(self.node).arguments
        return found[place] if place < len(found) else None


def plain(array: Any) -> np.ndarray | None:
    """An array of ordinary floats from what a tensor wraps, None for what is no array."""
    if not isinstance(array, (np.ndarray, np.generic)):
        return None
    a = np.asarray(array)
    return a.astype(np.float32) if a.dtype.kind == "V" else a


def norm(array: Any) -> float:
    """The Euclidean norm of an array; of several outputs, of all together."""
    a = plain(array)
    if a is None or not a.size:
        return 0.0
    return float(np.linalg.norm(np.abs(a).astype(np.float64).reshape(-1)))


def share_of(mask: np.ndarray) -> float:
    """How many of them, from 0 to 1."""
    return float(np.count_nonzero(mask)) / mask.size if mask.size else 0.0


def percent(share: float) -> str:
    """'93.8 %' for 0.9375; whole numbers without a point."""
    return f"{round(100 * share, 1):g} %"


def damping(node: Node, slot: int, before: Any, after: Any) -> Damping | None:
    """What this node did to the gradient on its way to `slot`, in words; None where it is nothing special.

    before, after: the arrays that came in (of its first output) and went out, None where not known."""
    base = re.sub(r"Backward\d*$", "", node.name())
    judge = _JUDGES.get(base)
    return None if judge is None else judge(_Passage(node, slot, plain(before), plain(after)))


# -- dead and saturated units --------------------------------------------------------------------------------


def _units(value: np.ndarray, node: Node) -> int:
    """The axis along which units lie: channels behind a convolution, else the last; -1 for no batch."""
    producer = node.next_functions[0][0] if node.next_functions else None
    name = "" if producer is None else producer.name()
    if value.ndim >= 4 or value.ndim == 3 and ("Convolution" in name or "BatchNorm" in name):
        return 1
    return value.ndim - 1


def dead_units(value: np.ndarray, node: Node) -> tuple[int, int]:
    """(dead, all) units of a layer: those whose output is 0 or less everywhere in the batch."""
    if value.ndim < 2:
        return int(np.count_nonzero(value <= 0)), value.size
    axis = _units(value, node)
    others = tuple(i for i in range(value.ndim) if i != axis)
    dead = np.all(value <= 0, axis=others)
    return int(np.count_nonzero(dead)), dead.size


def _relu(passage: _Passage) -> Damping | None:
    value = passage.result
    if value is None:
        value = _saved(passage.node, "result")
    if value is None or not value.size:
        return None
    dead, units = dead_units(value, passage.node)
    elements = share_of(value <= 0)
    if dead:
        text = (
            f"{dead} of {units} units ({percent(dead / units)}) of this ReLU are dead: their input is below "
            "0 in every row, and there its slope is 0."
        )
    else:
        text = f"{percent(elements)} of this ReLU's inputs are below 0, where its slope is 0."
    return Damping(
        "dead units",
        text,
        dead / units if dead else elements,
        "Start with smaller or less negative biases, lower the learning rate, or use LeakyReLU or GELU.",
    )


def _saturating(name: str, is_flat: Callable[[np.ndarray], np.ndarray], where: str) -> Callable:
    def judge(passage: _Passage) -> Damping | None:
        value = passage.result
        if value is None:
            value = _saved(passage.node, "result")
        if value is None or not value.size:
            return None
        share = share_of(is_flat(value))
        return Damping(
            "saturated",
            f"{percent(share)} of this {name}'s outputs are {where}, where it is flat.",
            share,
            "Scale its inputs down (smaller weights, a normalization before it), or use another activation.",
        )

    return judge


def _softmax(passage: _Passage) -> Damping | None:
    value = passage.result
    if value is None or not value.size:
        return None
    top = np.max(value, axis=-1)
    if "Log" in passage.node.name():
        top = np.exp(top)
    share = share_of(top > SATURATED)
    return Damping(
        "saturated",
        f"In {percent(share)} of this softmax's rows one entry has over {percent(SATURATED)}: there it is "
        "flat.",
        share,
        "Scale the logits down, or raise the temperature.",
    )


def _clamped(passage: _Passage) -> Damping | None:
    stopped = _stopped(passage)
    if stopped is None:
        return None
    return Damping(
        "clamped",
        f"{percent(stopped)} of the values lie outside the bounds of this clamp, where its slope is 0.",
        stopped,
        "Widen the bounds, or bring the values inside them.",
    )


# -- factors and selections ----------------------------------------------------------------------------------


def _times(passage: _Passage) -> Damping | None:
    factor = passage.argument(1 - passage.slot) if passage.slot in (0, 1) else None
    if factor is None:
        factor = _saved(passage.node, ("other", "self")[passage.slot]) if passage.slot in (0, 1) else None
    if isinstance(factor, (int, float)) and not isinstance(factor, bool):
        if factor == 0:
            return Damping("zero factor", "It is multiplied by 0.", 1.0, "Take the factor 0 out of the loss.")
        return Damping(
            "small factor",
            f"It is multiplied by {factor:g}.",
            -1.0,
            "A constant factor in the loss scales every gradient before it.",
        )
    array = plain(factor)
    if array is None or not array.size:
        return None
    zeros = share_of(array == 0)
    composite = made(passage.node).composite
    if composite is not None and "dropout" in composite[0]:
        return _DROPPED(passage)
    if not zeros:
        return Damping(
            "small factor",
            f"It is multiplied by a tensor whose entries have a mean size of {np.mean(np.abs(array)):.3g}.",
            -1.0,
            "",
        )
    return Damping(
        "zero factor",
        f"It is multiplied by a factor of which {percent(zeros)} of the entries are 0.",
        zeros,
        "See where the other factor becomes 0: a mask, a dead unit, or a weight that starts at 0.",
    )


def _selected(kind: str, words: str, advice: str) -> Callable:
    def judge(passage: _Passage) -> Damping | None:
        stopped = _stopped(passage)
        if stopped is None:
            return None
        return Damping(kind, words.format(share=percent(stopped)), stopped, advice)

    return judge


def _flat(passage: _Passage) -> Damping:
    name = re.sub(r"Backward\d*$", "", passage.node.name()).lower()
    return Damping(
        "zero slope",
        f"{name} is flat between its steps: its slope is 0 everywhere.",
        1.0,
        "Use a smooth stand-in, or pass the gradient straight through with a Function of your own.",
    )


def _mean(passage: _Passage) -> Damping | None:
    before, after = passage.before, passage.after
    if before is None or after is None or not before.size or after.size <= before.size:
        return None
    n = after.size // before.size
    return Damping("averaged", f"The mean over {n} elements divides the gradient of each by {n}.", -1.0, "")


def _stopped(passage: _Passage) -> float | None:
    """The share of elements that got a gradient of 0 although one came in."""
    before, after = passage.before, passage.after
    if after is None or not after.size:
        return None
    if before is not None and before.shape == after.shape:
        arrived = before != 0
        return share_of(after[arrived] == 0) if arrived.any() else None
    return share_of(after == 0)


def _saved(node: Node, name: str) -> np.ndarray | None:
    if node.saved is FREED or name not in node.saved:
        return None
    value = node.saved[name]
    if isinstance(value, SavedTensor):
        value = value.tensor
    return plain(getattr(value, "_a", None))


_MASKED = _selected(
    "masked",
    "{share} of the elements are masked: they do not reach the loss from here.",
    "Look whether the mask is meant so, and is not turned round.",
)
_DROPPED = _selected(
    "dropped", "{share} of the elements are dropped by dropout in this pass.", "Lower p, or call eval()."
)
_PICKED = _selected(
    "not picked",
    "{share} of the elements are not picked here, so nothing comes back to them.",
    "Only what is indexed or sliced out takes part in the loss.",
)
_LARGEST = _selected(
    "max path",
    "{share} of the elements are not the largest (or smallest) here; only that one gets the gradient.",
    "Use a soft form (logsumexp, softmax, a mean) if the others shall learn too.",
)

_JUDGES: dict[str, Callable[[_Passage], Damping | None]] = {
    "Relu": _relu,
    "Threshold": _relu,
    "Sigmoid": _saturating(
        "sigmoid", lambda y: (y > SATURATED) | (y < 1 - SATURATED), f"within {1 - SATURATED:.2g} of 0 or 1"
    ),
    "Tanh": _saturating("tanh", lambda y: np.abs(y) > SATURATED, f"within {1 - SATURATED:.2g} of -1 or 1"),
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "Clamp": _clamped,
    "ClampMin": _clamped,
    "ClampMax": _clamped,
    "Hardtanh": _clamped,
    "Hardsigmoid": _clamped,
    "Mul": _times,
    "Mean": _mean,
    "Where": _MASKED,
    "MaskedFill": _MASKED,
    "MaskedSelect": _MASKED,
    "MaskedScatter": _MASKED,
    "Dropout": _DROPPED,
    "NativeDropout": _DROPPED,
    "FeatureDropout": _DROPPED,
    "Index": _PICKED,
    "IndexSelect": _PICKED,
    "Gather": _PICKED,
    "Select": _PICKED,
    "Slice": _PICKED,
    "Narrow": _PICKED,
    "Take": _PICKED,
    "Embedding": _PICKED,
    "Max": _LARGEST,
    "Min": _LARGEST,
    "Amax": _LARGEST,
    "Amin": _LARGEST,
    "Maximum": _LARGEST,
    "Minimum": _LARGEST,
    "MaxPool2DWithIndices": _LARGEST,
    "MaxPool1D": _LARGEST,
    "Topk": _PICKED,
    "Sort": _PICKED,
    "Sign": _flat,
    "Round": _flat,
    "Floor": _flat,
    "Ceil": _flat,
    "Trunc": _flat,
    "Heaviside": _flat,
}
"""By the grad_fn's name without 'Backward' and its number."""
