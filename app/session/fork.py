"""A fork of a run: the same script repeated in a second child to the same place, changed there by one edit,
and run on. No Qt: how a child is attached to the second session is handed in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from app.session.chronicle import Key
from app.session.session import Session
from app.session.signal import Signal
from engine.protocol import event as happened
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
    """Where a run is forked: the goal that leads there again, and when that is. phase: as in `RunPaused`;
    position: nodes done in that backward; graph: its hash."""

    backward: int
    position: int
    phase: str
    goal: ask.RunTo
    key: Key
    graph: str = ""


class ForkError(Exception):
    """Why a run cannot be forked here, in words."""


def place_of(session: Session) -> Place:
    """Where this session stands, live or with its playhead on the past. Raises: ForkError."""
    if session.is_recording:
        raise ForkError("A recorded run cannot be forked; open its script and run it.")
    if session.state == "running":
        raise ForkError("The run can be forked where it stands; pause it first.")
    walk, standing, chronicle = session.walk, session.standing, session.travel.chronicle
    if standing is not None and session.timeline.following and standing.phase != "backward":
        op = session.forward[-1] if session.forward and standing.phase == "forward" else None
        if op is not None and op.serial != standing.serial:
            op = None
        goal = chronicle.goal_of(standing, 0, op)
        if goal is None:
            raise ForkError("A fork begins after an op or inside a backward; step one op first.")
        return Place(standing.backward, 0, standing.phase, goal, chronicle.key_of(standing, 0))
    if walk is None or session.timeline.current is None:
        raise ForkError("Nothing has run yet; step to where the fork is to begin.")
    goal = ask.RunTo(backward=walk.backward, position=walk.position)
    key = chronicle.key_of_goal(goal)
    if key is None:
        raise ForkError("The way to this place is not known any more; run to it again.")
    return Place(walk.backward, walk.position, "backward", goal, key, walk.graph.hash)


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
        self._inside = False
        self._open = True
        self._chronicle = origin.travel.chronicle
        self._before = self._chronicle.edits_until(place.key)
        """What was edited by hand in the run before: both futures have it, too."""
        seen = self._chronicle.backwards_until(place.key)
        self._expected = {b.number: b.value for b in origin.timeline.backwards if b.number in seen}
        self._said = [*origin.said, *origin.lines]
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
        self._inside = True
        try:
            travel = self.session.travel
            travel.chronicle = self._chronicle
            travel.repeat_to(self.place.goal, self.place.key)
            self.session.expected = dict(self._expected)
            self.session.lines = deque(self._said)
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
            self.message = "The script waits for a line of input() that this run was not given yet."
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
        if standing is None or session.travel.repeating:
            return
        key = session.travel.chronicle.key_of(standing, session.timeline.position)
        if standing.phase != place.phase or key != place.key:
            self._part(place.backward, "The repeated run does not come to this place.")
        elif place.phase == "backward" and session.graph.hash != place.graph:
            self._part(
                place.backward,
                "This script does not repeat: its graph in iteration "
                f"{place.backward + 1} is another one than the first time.",
            )
        else:
            self._begin()

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
        elif self._times(self.session.edits) > self._times([e.request for e in self._before]):
            self._go_on()

    def _times(self, edits: Iterable[happened.ValueSet | ask.SetValue]) -> int:
        """How many of these are of the slot that is edited here."""
        edit = self.edit
        return sum(edit is not None and (e.node, e.what) == (edit.node, edit.what) for e in edits)

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
