"""How one gets to another moment of the run: by strides, to a goal, and back by repeating the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.protocol import request as ask

if TYPE_CHECKING:
    from app.session.session import Session

QUIET_STRIDES = ("node", "back", "start", "op", "into")
"""Strides so short that the views wait for the answer and are not told that the run goes on."""


class Travel:
    """Sends a session's run to where a person wants to stand.

    repeating: the run is on its way to an earlier moment; breakpoints are set again once it stands there."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.repeating = False

    def step(self, kind: str = "node") -> None:
        """One stride (kinds as in the request `Step`): of the live run where it stands, else of the
        playhead."""
        session = self._session
        if session.state == "paused" and session.timeline.following:
            before = session.timeline.get(session.timeline.backward - 1)
            if kind == "back" and session.timeline.position == 0 and before is not None:
                session.show(before.number, before.count)
                return
            self._go(ask.Step(kind))
        elif session.state == "ready" and not session.is_recording:
            self._start()
            self._go(ask.Step(kind if kind in ("op", "into", "optimizer") else "iteration"))
        elif session.state != "running":
            there = self._over_module() if kind == "over" else session.timeline.moved(kind)
            if there is not None:
                session.show(*there)

    def run(self) -> None:
        """Start the script, or go on from where it stands."""
        self._start()
        self._go(ask.Run())

    def run_to(self, goal: ask.RunTo) -> None:
        """Go on until this goal is reached. A playhead on the past is moved to a node."""
        session = self._session
        if not session.timeline.following and goal.node >= 0 and session.walk is not None:
            if goal.node in session.walk.order:
                session.show(session.walk.backward, session.walk.order.index(goal.node))
            return
        if session.is_recording:
            session.show(goal.backward, goal.position)
            return
        if 0 <= goal.backward and session.timeline.get(goal.backward) is not None:
            self.repeat_to(goal)
        elif session.can_run:
            self._start()
            self._go(goal)

    def repeat_to(self, goal: ask.RunTo) -> None:
        """Repeat the run at full speed up to this goal, and stand there.

        Where its losses are not those of the first time, `diverged` is the first backward that differs."""
        session = self._session
        if session.is_recording or session.path is None:
            return
        known = session.timeline.backwards
        if goal.backward >= 0:
            known = known[: goal.backward + 1]
        expected = {} if session.edited else {b.number: b.value for b in known}
        session.abandon()
        session.state = "ready"
        self._start(repeating=True)
        session.expected = expected
        self._go(goal)

    def arrived(self) -> None:
        """The run stands: where it was repeated, breakpoints count again."""
        if self.repeating:
            self.repeating = False
            self._session.send_breakpoints()

    def _over_module(self) -> tuple[int, int] | None:
        session = self._session
        walk = session.walk
        if walk is None or walk.node < 0 or walk.graph.nodes[walk.node].module < 0:
            return session.timeline.moved("node")
        module, place = walk.graph.nodes[walk.node].module, walk.position
        while place < walk.count and walk.graph.nodes[walk.order[place]].module == module:
            place += 1
        return walk.backward, place

    def _start(self, repeating: bool = False) -> None:
        """Launch a child unless one stands; the run begins anew."""
        session = self._session
        if session.state == "paused":
            return
        self.repeating = repeating
        session.begin_anew()
        if not repeating:
            session.send_breakpoints()

    def _go(self, request: ask.Request) -> None:
        session = self._session
        session.timeline.following = True
        if session.head is not None:
            session.show(session.head.backward, session.head.position)
        session.state = "running"
        session.send(request)
        if not isinstance(request, ask.Step) or request.kind not in QUIET_STRIDES:
            session.cursor_changed.emit()
