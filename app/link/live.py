"""Launches children for a session and feeds it what they tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from app.link.child import Child
from app.session.session import Session
from engine.protocol.event import Event
from engine.protocol.request import Request

BUDGET_S = 0.008
"""How long one delivery may take; the rest comes with the next one."""


class LiveLink:
    """Between a session and its child process, if there is one. `deliver` is to be called after each wake().

    wake() is called from a thread."""

    def __init__(self, session: Session, wake: Callable[[], object] = lambda: None) -> None:
        self.session = session
        self.arguments: tuple[str, ...] = ()
        self.child: Child | None = None
        self._wake = wake
        self._leaving: list[Child] = []
        session.send = self.send
        session.launch = self.launch
        session.abandon = self.abandon

    def launch(self) -> None:
        """Start a child on the session's script; an older one is ended."""
        self.abandon()
        if self.session.path is not None:
            self.child = Child(self.session.path, self.arguments, self._wake)

    def send(self, request: Request) -> None:
        """Hand a request to the child, if there is one."""
        if self.child is not None:
            self.child.send(request)

    def abandon(self) -> None:
        """End the child at once; nothing more of it reaches the session."""
        if self.child is not None:
            self.child.kill()
            self._leaving.append(self.child)
            self.child = None
        self._leaving = [child for child in self._leaving if not child.is_gone]

    def close(self, timeout_s: float = 1.0) -> bool:
        """End the child and wait for that; whether it is gone."""
        leaving = [*self._leaving, *([self.child] if self.child is not None else [])]
        self.abandon()
        self._leaving = []
        return all(child.wait(timeout_s) for child in leaving)

    def look(self) -> bool:
        """Note for how long nothing has been heard, to be called now and then; whether there is a child."""
        child = self.child
        if child is None:
            return False
        self.session.note_silence(child.silent_s, child.owes_s)
        return True

    def deliver(self, budget_s: float = BUDGET_S) -> bool:
        """Apply what has arrived, for up to budget_s; whether more is waiting."""
        child = self.child
        if child is None:
            return False
        self.session.apply(_until(child.take(), time.perf_counter() + budget_s))
        if self.child is not child:
            return False
        if child.is_over:
            self.child = None
            child.wait()
            self.session.child_gone(child.epitaph())
            return False
        return bool(child._batches)


def _until(events: Iterator[Event], end_s: float) -> Iterable[Event]:
    """Events until the time is up; one at least."""
    for event in events:
        yield event
        if time.perf_counter() >= end_s:
            break
    close = getattr(events, "close", None)
    if close is not None:
        close()
