"""Goes through the run: looks where somebody wants to stop, hurries where nobody does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from engine.autograd.node import AccumulateGrad
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.recorders.recorder import Recorder
from engine.recorders.structure import ModuleCall
from engine.recorders.walk import BUDGET_BYTES, BackwardWalk, Flow
from engine.worker.halt import Halt
from engine.worker.inbox import Inbox
from engine.worker.keeper import Keeper
from engine.worker.outbox import Outbox
from engine.worker.producer import faults_before
from engine.worker.reason import ON, Reasons, Why
from engine.worker.sampler import Sampler
from engine.worker.stand import Stand
from engine.worker.step import StepBefore

HELD_ELEMENTS_MAX = 1 << 21
"""The tensors of a backward are held until the next one if all its nodes together have no more elements."""


class Pilot:
    """Decides at every op, module, node and optimizer step whether to stop, and stands there until told to go
    on."""

    def __init__(
        self, recorder: Recorder, inbox: Inbox, outbox: Outbox, keeper: Keeper | None = None
    ) -> None:
        self.recorder = recorder
        self.inbox = inbox
        self.outbox = outbox
        self.keeper = keeper
        self.reasons = Reasons(recorder)
        self.sampler = Sampler(outbox)
        self.stand = Stand(self)
        self.halt = Halt(self)
        self.budget_bytes = BUDGET_BYTES
        self.last: BackwardWalk | None = None
        """The last backward, if it is small enough to be held until the next one begins."""
        self.told = 0
        """So many nodes of the backward under way have been told of."""
        self.ran: tuple[Any, tuple, Any] | None = None
        """The op of the forward after which the run stands: its record, arguments and result."""
        self._small: dict[str, bool] = {}
        self._before: StepBefore | None = None
        self._why_optimizer: Why = ON
        self._samples_step = False
        self._stood = False
        self._let_go: dict[int, happened.Event] = {}

    # -- what the recorder calls -----------------------------------------------------------------------------

    def op_ran(
        self, op: Any, bound: tuple, result: Any, file: str, line: int, call: ModuleCall | None
    ) -> None:
        """An op of the forward ran: stop there if asked to."""
        if self.inbox.waiting:
            self.attend()
        reasons = self.reasons
        if reasons.is_quiet():
            return

        def names() -> dict[str, Any]:
            return _forward_names(dict(zip(op.parameters, bound)), result, self.recorder.backward)

        why = reasons.after_op(op.name, bound, result, self.frame(), names)
        if why != ON:
            self.ran = (op, bound, result)
            self.halt.after_op(why, op.name, names(), result, self.recorder.serial - 1)
            self.ran = None

    def composite_left(self, name: str, begin: int, names: Callable[[], dict[str, Any]], result: Any) -> None:
        """A composite op is done: stop there if asked to."""
        reasons = self.reasons
        if reasons.is_quiet():
            return
        several = self.recorder.serial - begin > 1

        def known() -> dict[str, Any]:
            return _forward_names(names(), result, self.recorder.backward)

        why = reasons.after_composite(name, several, self.frame(), known)
        if why != ON:
            self.halt.after_op(why, name, known(), result, begin)

    def module_entered(self, module: Any, inputs: tuple = ()) -> None:
        """A module is about to run: stop if a breakpoint is on it."""
        if not self.reasons.breakpoints.modules:
            return
        path, type_name = self.recorder.names.module(module), type(module).__name__
        names: dict[str, Any] = {"iteration": self.recorder.backward}
        if inputs:
            names["input"] = names["self"] = inputs[0]
        why, text = self.reasons.before_module(path, type_name, names, self.frame())
        if why:
            self.halt.elsewhere(why, "forward", names, *self.recorder.places.here(), text)

    def module_left(self, module: Any, begin: int, result: Any) -> None:
        """A module's call is done: stop there if asked to."""
        why = self.reasons.after_module()
        if why != ON:
            self.halt.after_op(why, type(module).__name__, {}, result, begin)

    def optimizer_begins(self, optimizer: Any) -> None:
        """An optimizer is about to change its parameters: remember them if one is to stop after it."""
        if self.inbox.waiting:
            self.attend()
        self._why_optimizer = self.reasons.after_optimizer(self.frame())
        self._samples_step = self._why_optimizer == ON and self.sampler.is_due_for_optimizer()
        if self._samples_step:
            self.sampler.begin_optimizer()
        stops = self._why_optimizer != ON or self.reasons.breakpoints.nan is not None
        self._before = StepBefore(optimizer, self.recorder.names) if stops or self._samples_step else None

    def optimizer_stepped(self, optimizer: Any) -> None:
        """An optimizer has changed its parameters: stop if asked to."""
        self.reasons.stepped += 1
        before, self._before = self._before, None
        why, text = self._why_optimizer
        if not why and before is not None and self.reasons.breakpoints.nan is not None:
            why, text = self.reasons.after_step(before.made_nan())
        self._why_optimizer = ON
        if before is not None and (why or self._samples_step):
            for told in before.changes():
                self.outbox.put(told)
        if not why:
            if self._samples_step:
                self.sampler.end_optimizer()
            return
        names: dict[str, Any] = {"iteration": self.recorder.backward - 1}
        if before is not None:
            names |= before.names()
        place = self.recorder.places.here()
        self.halt.elsewhere(why, "optimizer", names, *place, text or type(optimizer).__name__)

    def conduct(self, walk: BackwardWalk) -> None:
        """Take this backward to its end, stopping where asked."""
        if self.inbox.waiting:
            self.attend()
        walk.budget_bytes = self.budget_bytes
        self.reasons.begin_backward()
        self.told = 0
        self._stood = False
        self.last = None
        if self._must_look(walk):
            self._look(walk)
        elif self.sampler.is_due():
            self._sample(walk)
        else:
            self._rush(walk)
        if self._is_small(walk):
            self.last = walk
        elif not walk.run.keep_graph:
            walk.structure.forget()

    def look_back(self) -> None:
        """The script is over: tell of its last backward what is still known, so that it can be looked at."""
        walk = self.last
        if walk is None or self.keeper is not None:
            return
        for flow in walk.flows.values():
            if isinstance(flow.node, AccumulateGrad) and flow.total is None:
                grad = flow.node.variable.__dict__.get("grad")
                flow.total = None if grad is None else grad._a
        self.sampler.tell_values(walk)
        self.keeper = Keeper(self.outbox)
        self.keeper.begin(walk)
        self.told = 0
        self._catch_up(walk)

    def _is_small(self, walk: BackwardWalk) -> bool:
        definition = walk.structure.definition
        small = self._small.get(definition.hash)
        if small is None:
            elements = sum(math.prod(part.shape) for part in definition.nodes)
            small = self._small[definition.hash] = elements <= HELD_ELEMENTS_MAX
        return small

    # -- going through a backward ----------------------------------------------------------------------------

    def _must_look(self, walk: BackwardWalk) -> bool:
        frame = self.frame() if self.reasons.breakpoints.forward else None
        return self.keeper is not None or self.reasons.must_look(walk, frame)

    def _rush(self, walk: BackwardWalk) -> None:
        waiting, keep = self.inbox.waiting, self._is_small(walk)
        while walk.node is not None:
            walk.rush(waiting, keep)
            if waiting:
                self.attend()
                if self._must_look(walk):
                    self.told = walk.position
                    self._look(walk)
                    return

    def _sample(self, walk: BackwardWalk) -> None:
        began = time.perf_counter()
        walk.keep()
        while walk.node is not None:
            walk.step()
            if self.inbox.waiting:
                self.attend()
                if self._must_look(walk):
                    self._look(walk)
                    return
        self.sampler.sample(walk, self.stand, time.perf_counter() - began)

    def _look(self, walk: BackwardWalk) -> None:
        walk.keep()
        self._let_go.clear()
        walk.on_letting_go = lambda position, flow: self._keep_digests(walk, position, flow)
        if self.keeper is not None:
            self.keeper.begin(walk)
        while True:
            if self.inbox.waiting:
                self.attend()
            why = self.reasons.at_node(walk, self._stood, self.frame())
            if why != ON:
                if not self._stood:
                    self.sampler.tell_values(walk)
                self._stood = True
                self._catch_up(walk)
                self.halt.in_backward(walk, why)
                continue
            if walk.node is None:
                break
            self._step(walk)
        if self._stood:
            self._catch_up(walk)
        if self.sampler.pending:
            self.sampler.sample(walk, self.stand, 0.0)

    def _step(self, walk: BackwardWalk) -> None:
        node = walk.node
        assert node is not None
        before = faults_before(walk, node) if self.reasons.breakpoints.nan is not None else None
        began = time.perf_counter_ns()
        flow = walk.step()
        flow.duration_ns = time.perf_counter_ns() - began
        if before is not None:
            self.reasons.judge(walk, flow, before)
        if self.keeper is not None and self.keeper.wants_details:
            self._catch_up(walk)

    def _catch_up(self, walk: BackwardWalk) -> None:
        for position in range(self.told, walk.position):
            flow = walk.flows.get(position)
            event = self._let_go.pop(position, None)
            if flow is not None:
                self.outbox.put(self.recorder.flow_event(walk, position, flow))
                if self.keeper is not None:
                    self.keeper.keep_flow(walk, flow)
            elif event is not None:
                self.outbox.put(event)
        self.told = walk.position

    def _keep_digests(self, walk: BackwardWalk, position: int, flow: Flow) -> None:
        """The budget is spent: of what flowed here, digests are kept until they are told."""
        if position >= self.told:
            self._let_go[position] = self.recorder.flow_event(walk, position, flow)

    # -- requests --------------------------------------------------------------------------------------------

    def attend(self) -> None:
        """Obey what has come in while the script runs; what needs a stop is answered as soon as can be."""
        while self.inbox.waiting:
            request = self.inbox.take(0)
            if request is None:
                return
            if not self.obey(request):
                if isinstance(request, ask.Fetch) and self.last is not None and "saved" not in request.what:
                    self.stand.fetch(request, self.last)
                elif isinstance(request, ask.Fetch):
                    self.sampler.ask(request)
                else:
                    self.stand.refuse(request)

    def wait_for_start(self) -> None:
        """Stand before the script's first line until told to go."""
        while True:
            request = self.inbox.take()
            assert request is not None
            if not self.obey(request):
                self.stand.refuse(request)
            elif isinstance(request, (ask.Run, ask.Step, ask.RunTo, ask.Pause)):
                if self.reasons.stride in ("node", "over", "end", "out"):
                    self.reasons.stride = "iteration"
                self.reasons.leave(None)
                return

    def obey(self, request: ask.Request) -> bool:
        """Take a request about going, stopping or looking; false for one that needs a stop."""
        if isinstance(request, ask.Run):
            self.reasons.go("run")
        elif isinstance(request, ask.Pause):
            self.reasons.pause_since = time.monotonic()
        elif isinstance(request, ask.Step):
            self.reasons.go(request.kind)
        elif isinstance(request, ask.RunTo):
            self.reasons.go("run", request)
        else:
            return isinstance(request, ask.Stop)
        return True

    def look_after(self, request: ask.Request) -> bool:
        """Take a request that is the same at a stop and under way; false for all others."""
        if isinstance(request, ask.Watch):
            self.sampler.watch(request.nodes, request.hz)
        elif isinstance(request, ask.SetBreakpoints):
            for message in self.reasons.breakpoints.set(request.breakpoints):
                self.outbox.put(happened.RequestFailed("breakpoints", message))
        elif isinstance(request, ask.SetBudget):
            self.budget_bytes = request.size_bytes
        else:
            return False
        return True

    def frame(self) -> FrameType | None:
        """The innermost frame of the script that is being executed."""
        return self.recorder.places.frame(2)


def _forward_names(names: dict[str, Any], result: Any, backward: int) -> dict[str, Any]:
    """What a condition can name after an op: its arguments, `self`, the result."""
    names["result"] = result[0] if isinstance(result, tuple) and result else result
    names["iteration"] = backward
    if "self" not in names and "input" in names:
        names["self"] = names["input"]
    return names
