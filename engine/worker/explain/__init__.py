"""Why something is as it is: each topic of the request `Explain` has its module, with a function `answer`.

subject.py       what a question is about: a node, or a tensor that a name leads to; what flowed around it
gradient.py      why a gradient is None, zero, small or large: cut.py (no path to the loss), route.py (where
                 on the path it became zero or small), damping.py (what a node does to what passes)
nan.py           where a NaN or Inf came from: story.py (what made it, passed it on, masked it), wording.py
                 (values in words), reproduction.py (files that show it again)
trust.py         a node's gradients held against finite differences (slope.py) and float64
repetition.py    a node's op run again on what it was called with, leaving no trace in the run
version.py       the life of a tensor's memory: made, saved, changed, viewed
accumulation.py  what is added where gradients meet
rule.py          the derivative with the numbers of the moment (numeral.py), and the algebra of shapes
                 (algebra.py)
May import: engine below worker, engine.worker.{expression,scope,slot}.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import FrameType
from typing import Any

from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.recorders.recorder import Recorder
from engine.recorders.walk import BackwardWalk
from engine.worker.slot import SlotError

TOPICS = {
    "gradient": "engine.worker.explain.gradient",
    "nan": "engine.worker.explain.nan",
    "trust": "engine.worker.explain.trust",
    "versions": "engine.worker.explain.version",
    "accumulation": "engine.worker.explain.accumulation",
    "rule": "engine.worker.explain.rule",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the run stands: in a backward (`walk`), or in the forward (walk None)."""

    recorder: Recorder
    walk: BackwardWalk | None
    names: dict[str, Any]
    frame: FrameType | None
    last: BackwardWalk | None = None
    """the last backward, where the run stands after it and it is small enough to be held"""
    ran: tuple[Any, tuple, Any] | None = None
    """the op of the forward after which the run stands: its record, arguments and result"""


def answer(request: ask.Explain, place: Place) -> happened.Event:
    """The event that answers. Raises: SlotError where there is nothing to tell, in words."""
    module = TOPICS.get(request.topic)
    if module is None:
        raise SlotError(f"“{request.topic}” is nothing that can be explained. Known: {', '.join(TOPICS)}.")
    told: happened.Event = import_module(module).answer(request, place)
    return told
