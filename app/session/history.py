"""What happened inside each backward of a live run, kept in memory so that it can be walked again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

from engine.protocol.event import (
    Event,
    GradAccumulated,
    GradFlowed,
    GraphDefined,
    TensorKept,
    ValuesSampled,
    WalkedBack,
)

SAMPLES_MAX = 2000
"""Backwards of which only a sample is known are kept up to this many; the oldest are let go."""


class Past(Protocol):
    """Where the inside of earlier backwards is read from: memory, or a recorded run."""

    def definition(self, hash: str) -> GraphDefined | None:
        """The structure with this hash."""

    def details(self, backward: int) -> Sequence[Event]:
        """The events inside this backward, in order."""

    def kept(self, backward: int, node: int, what: str) -> TensorKept | None:
        """The tensor kept of this slot, if there is one."""


class History:
    """Everything received of a live run, by backward."""

    def __init__(self) -> None:
        self._definitions: dict[str, GraphDefined] = {}
        self._details: dict[int, list[Event]] = {}
        self._sampled: deque[int] = deque()

    def define(self, definition: GraphDefined) -> None:
        """Keep a structure."""
        self._definitions[definition.hash] = definition

    def add(self, backward: int, event: Event) -> None:
        """Keep one event of the inside of `backward`; what was walked back over is forgotten."""
        events = self._details.setdefault(backward, [])
        if isinstance(event, ValuesSampled) and not events:
            self._sampled.append(backward)
            if len(self._sampled) > SAMPLES_MAX:
                self._let_go(self._sampled.popleft())
        if isinstance(event, WalkedBack):
            events[:] = [e for e in events if not _from(e, event.position)]
        else:
            events.append(event)

    def _let_go(self, backward: int) -> None:
        if all(isinstance(event, ValuesSampled) for event in self._details.get(backward, ())):
            self._details.pop(backward, None)

    def definition(self, hash: str) -> GraphDefined | None:
        """The structure with this hash."""
        return self._definitions.get(hash)

    def details(self, backward: int) -> Sequence[Event]:
        """The events inside this backward, in order."""
        return self._details.get(backward, ())

    def kept(self, backward: int, node: int, what: str) -> TensorKept | None:
        """The tensor kept of this slot, if there is one."""
        return find_kept(self.details(backward), node, what)


def find_kept(events: Iterable[Event], node: int, what: str) -> TensorKept | None:
    """The last kept tensor of this slot among `events`."""
    found = None
    for event in events:
        if isinstance(event, TensorKept) and event.node == node and event.what == what:
            found = event
    return found


def _from(event: Event, position: int) -> bool:
    return isinstance(event, (GradFlowed, GradAccumulated)) and event.position >= position
