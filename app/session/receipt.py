"""Takes events one by one and writes down in a session what they tell."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.session.curve import Curve
from app.session.failure import Failure
from app.session.optimizer_walk import OptimizerWalk
from app.session.timeline import Backward
from app.session.waiting import waiting_for
from app.session.walk import Walk
from engine.protocol import event as happened

if TYPE_CHECKING:
    from app.session.session import Session


TAKEN_BACK = "edit taken back"
"""What ValueSet says of an edit that was undone."""


class Receipt:
    """One method per kind of event, found by the event's class."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._fresh: list[happened.ParameterChanged] = []
        """What has been told of the last step of an optimizer."""
        self._takers: dict[type, Callable[[Any], None]] = {
            happened.RunStarted: self._run_started,
            happened.CatalogueSent: self._catalogue_sent,
            happened.WorkProgressed: self._work_progressed,
            happened.TextPrinted: self._text_printed,
            happened.InputAsked: self._input_asked,
            happened.GraphDefined: self._graph_defined,
            happened.OpRan: self._op_ran,
            happened.BackwardStarted: self._backward_started,
            happened.ValuesSampled: self._inside,
            happened.NodeEntered: self._inside,
            happened.GradFlowed: self._inside,
            happened.GradAccumulated: self._inside,
            happened.WalkedBack: self._inside,
            happened.TensorKept: self._inside,
            happened.BackwardEnded: self._backward_ended,
            happened.ParameterStepped: self._parameter_stepped,
            happened.ParameterChanged: self._parameter_changed,
            happened.ScalarLogged: self._scalar_logged,
            happened.RunPaused: self._run_paused,
            happened.RunResumed: self._run_resumed,
            happened.ScriptBusy: self._script_busy,
            happened.TensorFetched: self._tensor_fetched,
            happened.ValueEvaluated: self._value_evaluated,
            happened.GradientExplained: self._explained,
            happened.NanTraced: self._explained,
            happened.TrustChecked: self._explained,
            happened.VersionsTold: self._explained,
            happened.AccumulationTold: self._explained,
            happened.RuleTold: self._explained,
            happened.ValueSet: self._value_set,
            happened.RequestFailed: self._request_failed,
            happened.RunFailed: self._run_failed,
            happened.RunEnded: self._run_ended,
            happened.UnknownEvent: self._unknown,
        }

    def take(self, event: happened.Event) -> None:
        """Write down one event; a kind without a method is counted as unknown."""
        if self._session.busy is not None or self._session.waiting:
            self._session.busy, self._session.waiting = None, ""
        taker = self._takers.get(type(event))
        if taker is None:
            name = type(event).__name__
            self._session.unknown[name] = self._session.unknown.get(name, 0) + 1
        else:
            taker(event)

    def _run_started(self, event: happened.RunStarted) -> None:
        session = self._session
        session.started = event
        session.argv = tuple(event.argv)
        session.state = "running"

    def _catalogue_sent(self, event: happened.CatalogueSent) -> None:
        for op in event.ops:
            known = self._session.catalogue
            if op.grad_fn and (op.gradients or op.grad_fn not in known):
                known[op.grad_fn] = op
            if op.gradients or op.name not in known:
                known[op.name] = op

    def _work_progressed(self, event: happened.WorkProgressed) -> None:
        self._session.work = event if event.done < event.total else None

    def _text_printed(self, event: happened.TextPrinted) -> None:
        self._session.console.add(event.stream, event.text)

    def _input_asked(self, event: happened.InputAsked) -> None:
        session = self._session
        session.input_asked = event
        if session.lines:
            session.say(session.lines.popleft())

    def _graph_defined(self, event: happened.GraphDefined) -> None:
        self._session.history.define(event)
        self._session.leaves.update(n.name for n in event.nodes if n.kind == "leaf")

    def _op_ran(self, event: happened.OpRan) -> None:
        forward = self._session.forward
        if forward and event.serial <= forward[-1].serial:
            del forward[:]
        forward.append(event)

    def _backward_started(self, event: happened.BackwardStarted) -> None:
        session = self._session
        past = session.past or session.history
        definition = past.definition(event.graph)
        count = len(definition.order) if definition else 0
        session.timeline.add(
            Backward(
                event.backward,
                event.graph,
                event.root,
                event.variable,
                event.value,
                event.file,
                event.line,
                count,
            )
        )
        session.forward = []
        session.findings.learn(event, event.backward)
        session.travel.chronicle.note(event)
        self._compare(event)
        if session.past is not None or definition is None:
            return
        head = session.head
        was_head = session.walk is head
        if head is None or head.graph.hash != event.graph:
            session.head = head = Walk(definition, event.backward, event.root)
        else:
            head.begin(event.backward, event.root)
        if session.timeline.following or was_head:
            self._look_at_head()

    def _compare(self, event: happened.BackwardStarted) -> None:
        """Where a run is repeated: is this loss, bit for bit, that of the first time?"""
        session = self._session
        if event.backward not in session.expected or session.diverged is not None:
            return
        first = session.expected.pop(event.backward)
        if first != event.value and not (
            first is not None and event.value is not None and math.isnan(first) and math.isnan(event.value)
        ):
            session.diverged = event.backward
            session.message = (
                f"This script does not repeat: in iteration {event.backward + 1} the loss is {event.value} "
                f"where it was {first}. A clock, an unseeded generator or a changed file may be the reason."
            )

    def _inside(self, event: Any) -> None:
        session = self._session
        if session.past is not None:
            return
        session.history.add(event.backward, event)
        head = session.head
        if head is None or head.backward != event.backward:
            return
        head.apply(event)
        entry = session.timeline.get(event.backward)
        if entry is not None and head.count > entry.count:
            entry.count = head.count
        if session.timeline.following:
            session.timeline.backward, session.timeline.position = head.backward, head.position

    def _backward_ended(self, event: happened.BackwardEnded) -> None:
        session = self._session
        entry = session.timeline.get(event.backward)
        if entry is not None:
            entry.ended = True
            entry.duration_ns = event.duration_ns
            entry.saved_bytes = event.saved_bytes
        head = session.head
        if head is not None and head.backward == event.backward:
            head.move(head.count)
            if session.timeline.following:
                session.timeline.backward, session.timeline.position = head.backward, head.position

    def _look_at_head(self) -> None:
        session = self._session
        head = session.head
        if head is None:
            return
        if session.graph.hash != head.graph.hash:
            session.selection = type(session.selection)()
        session.walk, session.graph = head, head.graph
        session.timeline.following = True
        session.timeline.backward, session.timeline.position = head.backward, head.position

    def _parameter_stepped(self, event: happened.ParameterStepped) -> None:
        self._session.optimizer = event
        self._session.travel.chronicle.note(event)
        self._fresh = []
        self._session.trained.update(dict.fromkeys(name for name in event.names if name))

    def _parameter_changed(self, event: happened.ParameterChanged) -> None:
        self._session.changes[event.name] = event
        self._fresh.append(event)

    def _scalar_logged(self, event: happened.ScalarLogged) -> None:
        curve = self._session.curves.get(event.name)
        if curve is None:
            curve = self._session.curves[event.name] = Curve(event.name, event.line)
        curve.add(event.step, event.value)

    def _run_paused(self, event: happened.RunPaused) -> None:
        session = self._session
        session.state = "paused"
        session.standing = event
        session.findings.learn(event, event.backward)
        session.work = session.optimizer_walk = None
        if event.phase == "optimizer" and session.optimizer is not None:
            session.optimizer_walk = OptimizerWalk(session.optimizer, self._fresh, session.cursor_changed)
        if session.head is not None and event.phase == "backward":
            session.head.standing = True
            session.head.move(session.head.position)
        session.travel.arrived()
        session.ask_watches()

    def _script_busy(self, event: happened.ScriptBusy) -> None:
        session = self._session
        session.busy = event
        if session.work is None and session.input_asked is None:
            session.waiting = waiting_for(session.state, event, 0.0, 0.0)

    def _run_resumed(self, event: happened.RunResumed) -> None:
        session = self._session
        session.state = "running"
        session.standing = session.optimizer_walk = None
        if session.head is not None:
            session.head.leave()

    def _tensor_fetched(self, event: happened.TensorFetched) -> None:
        session = self._session
        session.fetched[event.tag] = event
        session.fetch_errors.pop(event.tag, None)
        session.fetch_revision += 1

    def _value_evaluated(self, event: happened.ValueEvaluated) -> None:
        session = self._session
        session.evaluated[event.tag] = event
        session.fetch_errors.pop(event.tag, None)
        session.fetch_revision += 1

    def _explained(self, event: Any) -> None:
        session = self._session
        session.explained[event.tag] = event
        session.findings.learn(event, session.timeline.backward)
        session.fetch_errors.pop(event.tag, None)
        session.fetch_revision += 1

    def _value_set(self, event: happened.ValueSet) -> None:
        session = self._session
        session.edits.append(event)
        if not session.travel.repeating:
            session.expected.clear()
        session.edited = event.text != TAKEN_BACK or bool(session.travel.chronicle.edits)
        entry = session.timeline.get(event.backward)
        if entry is not None:
            entry.edited = True

    def _request_failed(self, event: happened.RequestFailed) -> None:
        session = self._session
        session.fetch_errors[event.tag] = event.message
        session.fetched.pop(event.tag, None)
        session.fetch_revision += 1

    def _run_failed(self, event: happened.RunFailed) -> None:
        session = self._session
        session.failure = Failure(event.type, event.message, event.traceback, event.file, event.line)
        session.state = "failed"
        self._over()

    def _run_ended(self, event: happened.RunEnded) -> None:
        session = self._session
        session.ended = event
        if session.state != "failed":
            session.state = "ended"
        self._over()

    def _over(self) -> None:
        session = self._session
        session.standing = session.work = session.input_asked = session.optimizer_walk = None
        if session.head is not None:
            session.head.leave()

    def _unknown(self, event: happened.UnknownEvent) -> None:
        unknown = self._session.unknown
        unknown[event.kind] = unknown.get(event.kind, 0) + 1
