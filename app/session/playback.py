"""Plays a run by itself: a stride at a chosen speed, forwards or backwards, live or recorded. No Qt.

The clock is handed in, so that a test can turn it by hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from app.session.breakpoint import Breakpoint
from app.session.session import Session
from app.session.signal import Signal

SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Strides a second."""
STRIDES = ("node", "iteration")
_OWN_STOPS = ("breakpoint", "nan", "pause", "input")
"""Stops of a live run at which playing ends."""

Where = tuple[int, int, str, int, int]


class Clock(Protocol):
    """Calls back at equal intervals until it is stopped."""

    def start(self, interval_s: float, tick: Callable[[], object]) -> None:
        """Call `tick` every so many seconds from now on; an earlier start is replaced."""

    def stop(self) -> None:
        """Call no more."""


class Playback:
    """Takes one stride of a session at each tick. direction: 1 forwards, -1 backwards, 0 while it rests.

    It ends by itself at a breakpoint, at either end of the run, and where one cannot go on; `reason` says
    why."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self.session = session
        self.changed = Signal()
        self.direction = 0
        self.speed = 4.0
        self.stride = "node"
        self.reason = ""
        self._clock = clock
        self._asked: Where | None = None
        """Where the live run stood when it was asked for a stride that is not answered yet."""
        self._inside = False
        session.cursor_changed.connect(self._look)
        session.replaced.connect(self._replaced)

    @property
    def is_playing(self) -> bool:
        """Whether it goes by itself."""
        return self.direction != 0

    @property
    def can_play(self) -> bool:
        """Whether there is anything to play."""
        return self.session.can_step

    def play(self, direction: int = 1) -> None:
        """Go by itself, forwards (1) or backwards (-1)."""
        if not self.can_play or direction not in (1, -1):
            return
        self.direction = direction
        self.reason = ""
        self._asked = None
        self._clock.start(1.0 / self.speed, self.tick)
        self.changed.emit()

    def pause(self, reason: str = "") -> None:
        """Go by itself no more."""
        if self.direction == 0:
            return
        self.direction = 0
        self.reason = reason
        self._asked = None
        self._clock.stop()
        self.changed.emit()

    def toggle(self, direction: int = 1) -> None:
        """Play in this direction; rest if it plays in it already."""
        if self.direction == direction:
            self.pause()
        else:
            self.play(direction)

    def set_speed(self, speed: float) -> None:
        """So many strides a second, within the range of `SPEEDS`."""
        self.speed = max(SPEEDS[0], min(speed, SPEEDS[-1]))
        if self.is_playing:
            self._clock.start(1.0 / self.speed, self.tick)
        self.changed.emit()

    def change_speed(self, by: int) -> None:
        """The next faster or slower of `SPEEDS`."""
        nearest = min(range(len(SPEEDS)), key=lambda n: abs(SPEEDS[n] - self.speed))
        self.set_speed(SPEEDS[max(0, min(nearest + by, len(SPEEDS) - 1))])

    def set_stride(self, stride: str) -> None:
        """Go by 'node' or by 'iteration'. Raises: ValueError."""
        if stride not in STRIDES:
            raise ValueError(f"“{stride}” is no stride. Known: {', '.join(STRIDES)}.")
        self.stride = stride
        self.changed.emit()

    def tick(self) -> None:
        """One stride, unless the run is still at the last one."""
        if not self.is_playing or self._inside:
            return
        session = self.session
        if session.state == "running":
            if self._asked is None:
                self.pause("The run goes on.")
            return
        self._inside = True
        try:
            if (
                session.state in ("ready", "paused")
                and session.timeline.following
                and not session.is_recording
            ):
                self._stride_live()
            else:
                self._stride_past()
        finally:
            self._inside = False
        if self._asked is not None:
            self._look()

    # -- strides ---------------------------------------------------------------------------------------------

    def _stride_live(self) -> None:
        session = self.session
        timeline = session.timeline
        if self.direction > 0:
            self._asked = self._place()
            session.step("node" if self.stride == "node" else "iteration")
            return
        if session.state == "ready":
            self.pause("This is the beginning of the run.")
        elif self.stride == "iteration":
            self._show(self._iteration_back())
        elif timeline.position == 0 and (session.standing is None or session.standing.phase == "backward"):
            # As on the way here, the forward is passed over.
            self._show(timeline.moved("back"))
        else:
            self._asked = self._place()
            session.step("back")

    def _stride_past(self) -> None:
        timeline = self.session.timeline
        if self.direction > 0:
            self._show(timeline.moved(self.stride))
        elif self.stride == "iteration":
            self._show(self._iteration_back())
        else:
            self._show(timeline.moved("back"))

    def _iteration_back(self) -> tuple[int, int] | None:
        timeline = self.session.timeline
        if timeline.position > 0:
            return timeline.backward, 0
        return timeline.moved("iteration back")

    def _show(self, place: tuple[int, int] | None) -> None:
        if place is None:
            end = "end" if self.direction > 0 else "beginning"
            self.pause(f"This is the {end} of the run.")
            return
        self.session.show(*place)
        point = stop_at(self.session)
        if point is not None:
            self.pause(f"Breakpoint: {point.kind} {point.place}")

    # -- what arrives ----------------------------------------------------------------------------------------

    def _place(self) -> Where:
        """Where the live run stands: its stop, and among an optimizer's parameters which."""
        session = self.session
        walk = session.optimizer_walk
        phase, serial = ("", -1)
        if session.standing is not None:
            phase, serial = session.standing.phase, session.standing.serial
        among = walk.position if walk is not None else -1
        return (session.timeline.backward, session.timeline.position, phase, serial, among)

    def _look(self) -> None:
        session = self.session
        if not self.is_playing or self._asked is None or self._inside or session.state == "running":
            return
        asked, self._asked = self._asked, None
        standing = session.standing
        if session.state in ("ended", "failed", "lost"):
            self.pause("The run is over.")
        elif standing is not None and standing.why in _OWN_STOPS:
            self.pause(f"{standing.why.capitalize()}: {standing.text}" if standing.text else "")
        elif self._place() == asked:
            said = session.fetch_errors.get("step", "") if self.direction < 0 else ""
            self.pause(said or "One cannot go on from here.")

    def _replaced(self) -> None:
        if self._asked is None or self.session.state == "empty":
            self.pause()


def stop_at(session: Session) -> Breakpoint | None:
    """The breakpoint at the place where the playhead stands on the past, if there is one.

    Conditions are for the engine, which is not there any more: a breakpoint with one does not count."""
    walk, here = session.walk, session.here
    if walk is None:
        return None
    for point in session.breakpoints:
        if not point.enabled or point.condition or point.hits:
            continue
        if point.kind == "iteration":
            if walk.position == 0 and point.place == str(walk.backward):
                return point
            continue
        if here is None:
            continue
        names: tuple[str, ...] = ()
        if point.kind == "node":
            names = (str(here.id), here.name)
        elif point.kind == "op":
            names = (here.name, here.op) if here.kind == "op" else ()
        elif point.kind == "parameter" and here.kind == "leaf":
            names = (here.name,)
        elif point.kind == "line" and _enters(session, lambda n: session.graph.nodes[n].line):
            file, _, line = point.place.rpartition(":")
            if line == str(here.line) and (not file or os.path.basename(file) == os.path.basename(here.file)):
                return point
        elif point.kind == "module" and _enters(session, lambda n: session.graph.nodes[n].module):
            module = session.graph.modules[here.module] if here.module >= 0 else None
            names = (module.path, module.type) if module is not None else ()
        if point.place in names:
            return point
    return None


def _enters(session: Session, of: Callable[[int], object]) -> bool:
    """Whether the node before this one has another line or module."""
    walk = session.walk
    if walk is None or walk.position == 0:
        return True
    return of(walk.order[walk.position - 1]) != of(walk.order[walk.position])
