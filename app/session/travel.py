"""How one gets to another moment of the run: by strides, to a goal, and back by repeating the run."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from app.session.chronicle import Chronicle, Edit, Key
from engine.protocol import event as happened
from engine.protocol import request as ask

if TYPE_CHECKING:
    from app.session.session import Session

QUIET_STRIDES = ("node", "back", "start", "op", "into")
"""Strides so short that the views wait for the answer and are not told that the run goes on."""
AT_ONCE = ("op", "into", "optimizer")
"""Strides that begin with the script; all others first go to a backward."""


class Travel:
    """Sends a session's run to where a person wants to stand.

    repeating: the run is on its way to an earlier moment; breakpoints are set again once it stands there."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.chronicle = Chronicle()
        self.repeating = False
        self._visit = 0
        self._legs: deque[Edit | ask.RunTo] = deque()
        self._key: Key | None = None

    # -- strides and goals -----------------------------------------------------------------------------------

    def step(self, kind: str = "node") -> None:
        """One stride (kinds as in the request `Step`): of the live run where it stands, else of the
        playhead."""
        session = self._session
        if session.state == "paused" and session.timeline.following:
            if not self._over_parameters(kind) and not self._back(kind):
                self._go(ask.Step(kind))
        elif session.state == "ready" and not session.is_recording:
            self._start()
            self._go(ask.Step(kind if kind in AT_ONCE else "iteration"))
        elif session.state != "running":
            there = self._over_module() if kind in ("over", "out") else session.timeline.moved(kind)
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
        elif self._is_past(goal):
            self.repeat_to(goal)
        elif session.can_run:
            self._start()
            self._go(goal)

    def repeat_to(self, goal: ask.RunTo, key: Key | None = None) -> None:
        """Repeat the run at full speed up to this goal, and stand there; edits made on the way are made
        again. key: when the goal is reached, if that is known.

        Where its losses are not those of the first time, `diverged` is the first backward that differs."""
        session = self._session
        if session.is_recording or session.path is None:
            return
        chronicle = self.chronicle
        key = key or chronicle.key_of_goal(goal)
        seen = chronicle.backwards_until(key)
        expected = {b.number: b.value for b in session.timeline.backwards if b.number in seen}
        edits = chronicle.edits_until(key)
        lines = deque([*session.said, *session.lines])
        session.abandon()
        session.state = "ready"
        self._start(repeating=True)
        session.expected, session.lines = expected, lines
        self.chronicle.edits = edits
        self._legs, self._key = deque([*edits, goal]), key
        self._next_leg()

    def arrived(self) -> None:
        """The run stands: an edit is made again and it goes on; or it is where it was to go, and breakpoints
        count again."""
        session = self._session
        if not self.repeating:
            return
        if session.standing is not None and session.standing.why == "pause":
            self._legs.clear()
        key: Key | None = None
        while self._legs and isinstance(self._legs[0], Edit) and key in (None, self._legs[0].key):
            edit = self._legs[0]
            self._legs.popleft()
            session.send(edit.request)
            key = edit.key
        if self._legs and not (len(self._legs) == 1 and key == self._key):
            session.state, session.standing = "running", None
            self._next_leg()
            return
        self._legs.clear()
        self.repeating = False
        session.send_breakpoints()

    def edit(self, request: ask.SetValue) -> None:
        """Put a value in place where the run stands; remember it for when the run is repeated, and so that it
        can be taken back."""
        session, here = self._session, self._here()
        if here is not None:
            key, goal = here
            edit = Edit(key, goal, request, self._visit)
            self.chronicle.edits = [*self.chronicle.edits_until(key), edit]
            session.undo.note(
                f"edit of {request.what}", lambda: self._take_back(edit), lambda: self._edit_again(edit)
            )
        session.send(request)

    def _here(self) -> tuple[Key, ask.RunTo] | None:
        """When the run stands, and how to get there again."""
        session, standing = self._session, self._session.standing
        if standing is None or session.state != "paused":
            return None
        position = session.head.position if session.head is not None else 0
        goal = self.chronicle.goal_of(standing, position, self._op())
        return None if goal is None else (self.chronicle.key_of(standing, position), goal)

    def _take_back(self, edit: Edit) -> bool:
        """Take an edit back: at once where the run has not moved since, else by repeating it without."""
        here = self._here()
        if here is None:
            self._session.say_of_stride("An edit is taken back where the run stands; pause it first.")
            return False
        key, goal = here
        self.chronicle.edits = [e for e in self.chronicle.edits if e.request is not edit.request]
        request = edit.request
        if edit.visit == self._visit and request.what != "lr":
            self._session.send(ask.SetValue(request.tag, request.node, request.what, "undo"))
        elif edit.key <= key:
            self.repeat_to(goal, key)
        return True

    def _edit_again(self, edit: Edit) -> bool:
        """Make an edit again that was taken back, where the run stands there."""
        here = self._here()
        if here is None or here[0] != edit.key:
            self._session.say_of_stride("The run stands elsewhere now; edit the value anew.")
            return False
        again = Edit(edit.key, edit.goal, edit.request, self._visit)
        self.chronicle.edits = [*self.chronicle.edits_until(edit.key), again]
        self._session.send(edit.request)
        return True

    # -- the way back ----------------------------------------------------------------------------------------

    def _back(self, kind: str) -> bool:
        """Go back by repeating the run, where the child cannot; false where it can, or for another stride."""
        session, standing = self._session, self._session.standing
        if standing is None or kind not in ("back", "start"):
            return False
        in_backward = standing.phase == "backward"
        if in_backward and (kind == "start" or session.timeline.position > 0):
            return False
        if kind == "start":
            self.repeat_to(ask.RunTo(backward=standing.backward, phase="forward"))
            return True
        if standing.serial < 0:
            return False
        last = session.timeline.last
        found = self.chronicle.just_before(standing, self._op(), last.count if last is not None else 0)
        if found is None:
            session.say_of_stride("This is the beginning of the run.")
        else:
            self.repeat_to(*found)
        return True

    def _op(self) -> happened.OpRan | None:
        """The op of the forward after which the run stands."""
        session, standing = self._session, self._session.standing
        if standing is None or standing.phase != "forward" or not session.forward:
            return None
        op = session.forward[-1]
        return op if op.serial == standing.serial else None

    def _is_past(self, goal: ask.RunTo) -> bool:
        session, standing = self._session, self._session.standing
        if goal.op >= 0:
            return session.state != "ready" and (standing is None or goal.op < standing.serial)
        if goal.backward < 0 or session.timeline.get(goal.backward) is None:
            return False
        head = session.head
        ahead = (
            goal.phase == "backward"
            and standing is not None
            and standing.phase == "backward"
            and head is not None
            and goal.backward == head.backward
            and goal.position != head.position
        )
        return not ahead

    def _next_leg(self) -> None:
        leg = self._legs[0]
        if isinstance(leg, Edit):
            self._go(leg.goal)
        else:
            self._legs.clear()
            self._go(leg)

    # -- the playhead ----------------------------------------------------------------------------------------

    def _over_parameters(self, kind: str) -> bool:
        """Move over the parameters of an optimizer's step, where the run stands at one."""
        walk = self._session.optimizer_walk
        return walk is not None and walk.stride(kind)

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
        self._legs.clear()
        self.chronicle = Chronicle()
        session.begin_anew()
        if not repeating:
            session.send_breakpoints()

    def _go(self, request: ask.Request) -> None:
        session = self._session
        self._visit += 1
        session.timeline.following = True
        if session.head is not None:
            session.show(session.head.backward, session.head.position)
        session.state = "running"
        session.send(request)
        if not isinstance(request, ask.Step) or request.kind not in QUIET_STRIDES:
            session.cursor_changed.emit()
