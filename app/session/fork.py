"""A fork of a run: the same script repeated in a second child to the same place, changed there by one edit,
and run on. No Qt: how a child is attached to the second session is handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.session.session import Session
from app.session.signal import Signal
from engine.protocol import request as ask

TAG = "fork"
FINISHED = ("over", "failed", "parted", "cancelled")
"""States in which nothing more comes; 'there' can still be run on."""


class Feed(Protocol):
    """What feeds a session from its child."""

    def close(self) -> object:
        """End the child."""


Attach = Callable[[Session], Feed]
"""Puts a link to children of its own into a session."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change at a stop, as in the request `SetValue`. The learning rate: node -1, what 'lr'."""

    node: int
    what: str
    expression: str
    index: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is forked: so many nodes of a backward done, or (phase 'forward') after an op, or (phase
    'optimizer') after a step. order: the nodes in the order of that backward; loss: what it began with."""

    backward: int
    position: int = 0
    phase: str = "backward"
    graph: str = ""
    order: tuple[int, ...] = ()
    loss: float | None = None
    op: int = -1
    depth: int = -1
    """Of how many composites the op is a part."""
    text: str = ""


class ForkError(Exception):
    """Why a run cannot be forked here, in words."""


def place_of(session: Session) -> Place:
    """Where this session stands, live or with its playhead on the past. Raises: ForkError."""
    if session.is_recording:
        raise ForkError("A recorded run cannot be forked; open its script and run it.")
    if session.state == "running":
        raise ForkError("The run can be forked where it stands; pause it first.")
    walk, standing = session.walk, session.standing
    if standing is not None and session.timeline.following and standing.phase != "backward":
        if standing.phase == "optimizer":
            return Place(standing.backward, 0, "optimizer", text=standing.text)
        if standing.serial < 1:
            raise ForkError("A fork begins after an op or inside a backward; step one op first.")
        last = session.forward[-1] if session.forward else None
        depth = last.depth if last is not None and last.serial == standing.serial else -1
        return Place(standing.backward, 0, "forward", op=standing.serial, depth=depth, text=standing.text)
    if walk is None or session.timeline.current is None:
        raise ForkError("Nothing has run yet; step to where the fork is to begin.")
    entry = session.timeline.get(walk.backward)
    loss = entry.value if entry is not None else None
    return Place(walk.backward, walk.position, "backward", walk.graph.hash, tuple(walk.order), loss)


class Fork:
    """One future of a run. state: 'ready', 'repeating' (on its way to the place), 'editing', 'running' (on
    from there), 'there' (stands at the end of the asked iteration), 'over' (the script ended, or raised:
    `message`), 'failed', 'parted' (the script does not repeat: `parted`, `message`) or 'cancelled'."""

    def __init__(self, origin: Session, place: Place, edit: Edit | None, attach: Attach) -> None:
        self.session = Session()
        self.place = place
        self.edit = edit
        self.state = "ready"
        self.message = ""
        self.parted: int | None = None
        """The first backward that differs from the origin's, before any edit."""
        self.changed = Signal()
        self._target: int | None = place.backward
        self._strides = 0
        self._inside = False
        self._open = True
        self._expected = _expected(origin, place)
        self._source = origin.started.source if origin.started is not None else origin.source
        self.session.budget_bytes = origin.budget_bytes
        assert origin.path is not None
        self.session.open_script(origin.path, self._source)
        # Every node is looked at, but at stops alone: nothing is sampled on the way.
        self.session.watch(range(len(origin.graph.nodes)), 0.0)
        self._feed = attach(self.session)
        self.session.cursor_changed.connect(self._look)

    # -- going -----------------------------------------------------------------------------------------------

    def start(self, iterations: int | None = None) -> None:
        """Repeat the run to the place, edit, and run on for so many backwards (None: to the script's end)."""
        if self.state != "ready":
            return
        self._target = None if iterations is None else self.place.backward + iterations
        self.state = "repeating"
        place = self.place
        self._inside = True
        try:
            if place.phase == "forward":
                self.session.travel.run_to(ask.RunTo(op=place.op, depth=place.depth))
            elif place.phase == "optimizer":
                self.session.run_to(backward=max(0, place.backward - 1))
            else:
                self.session.run_to(backward=place.backward, position=place.position)
            self.session.expected = dict(self._expected)
        finally:
            self._inside = False
        self._look()

    def more(self, iterations: int | None = None) -> None:
        """Run on from the iteration that was reached, for so many more, or to the script's end."""
        if self.state != "there":
            return
        reached = self._target if self._target is not None else self.place.backward
        self._target = None if iterations is None else reached + iterations
        self._inside = True
        try:
            self._go_on()
        finally:
            self._inside = False
        self.changed.emit()

    def cancel(self) -> None:
        """End the child; what was received stays."""
        if self._open:
            self._open = False
            self.session.cursor_changed.disconnect(self._look)
            self._feed.close()
            if self.state not in FINISHED and self.state != "there":
                self.state = "cancelled"
            self.changed.emit()

    @property
    def is_open(self) -> bool:
        """Whether its child may still be there."""
        return self._open

    @property
    def is_done(self) -> bool:
        """Whether it stands where it was to go, or is finished."""
        return self.state == "there" or self.state in FINISHED

    @property
    def progress(self) -> float:
        """The share of the way that is gone, 0 to 1; the way back to the place is the first half."""
        last = self.session.timeline.last
        reached = last.number + 1 if last is not None else 0
        if self.is_done:
            return 1.0
        if self.state in ("ready", "repeating", "editing"):
            return 0.5 * min(1.0, reached / (self.place.backward + 1))
        if self._target is None:
            return 0.5
        ahead = max(1, self._target - self.place.backward)
        return 0.5 + 0.5 * min(1.0, max(0, reached - 1 - self.place.backward) / ahead)

    # -- what arrives ----------------------------------------------------------------------------------------

    def _look(self) -> None:
        if self._inside or not self._open:
            return
        self._inside = True
        try:
            self._advance()
        finally:
            self._inside = False
        self.changed.emit()

    def _advance(self) -> None:
        session = self.session
        if self.is_done or self.state == "ready":
            return
        if session.state in ("failed", "lost") or session.state == "ended":
            self._ended()
        elif self.state == "repeating" and session.diverged is not None:
            self._part(session.diverged, session.message)
        elif session.input_asked is not None:
            self.message = "The script waits for a line of input(), which a fork does not give."
        elif session.state == "paused":
            if self.state == "repeating":
                self._arrived()
            elif self.state == "editing":
                self._edited()
            else:
                self._stands()

    def _ended(self) -> None:
        session, failure = self.session, self.session.failure
        if self.state == "running" and session.state != "lost":
            self.state = "over"
            if failure is not None:
                self.message = f"{failure.type}: {failure.message}"
            return
        self.state = "failed"
        if failure is not None:
            self.message = f"{failure.type}: {failure.message}" if failure.type else failure.message
        else:
            self.message = "The repeated run ended before the place where it was to be forked."

    def _part(self, backward: int, words: str) -> None:
        started = self.session.started
        if started is not None and started.source != self._source:
            words = "The script's file has changed since this run began, so it does not repeat."
        self.parted, self.message, self.state = backward, words, "parted"
        self.session.abandon()

    def _arrived(self) -> None:
        session, place, standing = self.session, self.place, self.session.standing
        if standing is None:
            return
        if place.phase == "backward":
            if standing.backward == place.backward and self._falls_short():
                return
            walk = session.walk
            if walk is None or (walk.backward, walk.position) != (place.backward, place.position):
                self._part(place.backward, "The repeated run does not come to this place.")
            elif walk.graph.hash != place.graph:
                self._part(
                    place.backward,
                    "This script does not repeat: its graph at backward "
                    f"{place.backward} is another one than the first time.",
                )
            else:
                self._begin()
        elif place.phase == "optimizer":
            if (standing.phase, standing.backward) == ("optimizer", place.backward) and (
                standing.text == place.text
            ):
                self._begin()
            elif self._strides < 8:
                self._strides += 1
                session.step("optimizer")
            else:
                self._part(place.backward, "The repeated run does not come to this step of an optimizer.")
        elif standing.phase == "forward" and standing.serial == place.op:
            self._begin()
        else:
            self._part(place.backward, "The repeated run does not come to this op of the forward.")

    def _falls_short(self) -> bool:
        """Whether some nodes of the place's backward are still to be done; then they are."""
        session, place = self.session, self.place
        walk = session.walk
        if walk is None or walk.position >= place.position or self._strides > 1:
            return False
        self._strides += 1
        if place.position < len(place.order):
            session.run_to(node=place.order[place.position])
        else:
            session.step("end")
        return True

    def _begin(self) -> None:
        if self.edit is None:
            self._go_on()
            return
        self.state = "editing"
        edit = self.edit
        self.session.set_value(TAG, edit.node, edit.what, edit.expression, edit.index)

    def _edited(self) -> None:
        wrong = self.session.fetch_errors.get(TAG)
        if wrong is not None:
            self.state, self.message = "failed", wrong
            self.session.abandon()
        elif self.session.edits:
            self._go_on()

    def _go_on(self) -> None:
        session, standing = self.session, self.session.standing
        self.state = "running"
        if self._target is None:
            session.run()
        elif standing is not None and (standing.phase, standing.backward) == ("backward", self._target):
            self._stands()
        else:
            session.run_to(backward=self._target)

    def _stands(self) -> None:
        """The run stands: at the end of the asked backward it is there; before, it goes on."""
        session, standing = self.session, self.session.standing
        if standing is None or self._target is None:
            return
        if standing.phase != "backward" or standing.backward < self._target:
            session.run_to(backward=self._target)
        elif session.walk is not None and session.walk.position >= session.walk.count:
            self.state = "there"
        else:
            session.step("end")


def _expected(origin: Session, place: Place) -> dict[int, float | None]:
    """The losses that a faithful repetition has up to the place; none from the first edit by hand on."""
    changed = [b.number for b in origin.timeline.backwards if b.edited]
    if any(edit.node < 0 for edit in origin.edits):
        changed += [edit.backward for edit in origin.edits]
    end = min([place.backward + 1, *changed])
    return {b.number: b.value for b in origin.timeline.backwards if b.number < end}
