"""Where the run stops: at a pause, after a stride, at a breakpoint; and how it goes on."""

from __future__ import annotations

import math
import time
from types import FrameType
from typing import Any

from engine.autograd import modes
from engine.autograd.node import AccumulateGrad, Node
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.recorders.digest import digest_of, is_finite
from engine.recorders.recorder import Recorder
from engine.recorders.structure import ModuleCall, made
from engine.recorders.walk import BUDGET_BYTES, BackwardWalk, Flow
from engine.worker.breakpoint import Breakpoints
from engine.worker.inbox import Inbox
from engine.worker.keeper import Keeper
from engine.worker.outbox import Outbox
from engine.worker.sampler import Sampler
from engine.worker.scope import Scope
from engine.worker.step import StepBefore
from engine.worker.stand import Stand

HELD_ELEMENTS_MAX = 1 << 21
"""The tensors of a backward are held until the next one if all its nodes together have no more elements."""
PAUSE_IN_FORWARD_S = 0.5
"""A pause waits this long for a backward; then it stops in the forward."""


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
        self.breakpoints = Breakpoints()
        self.stride = "run"
        self.target: ask.RunTo | None = None
        self.sampler = Sampler(outbox)
        self.stand = Stand(self)
        self.budget_bytes = BUDGET_BYTES
        self.last: BackwardWalk | None = None
        """The last backward, if it is small enough to be held until the next one begins."""
        self._small: dict[str, bool] = {}
        self._before: StepBefore | None = None
        self._pause_since: float | None = None
        self._stride_walk = -1
        self._stride_module: Any = None
        self._passed = -1
        self._told = 0
        self._stood = False
        self._last_line: tuple[str, int] = ("", 0)
        self._nan: int = -1

    # -- what the recorder calls -----------------------------------------------------------------------------

    def op_ran(
        self, op: Any, bound: tuple, result: Any, file: str, line: int, call: ModuleCall | None
    ) -> None:
        """An op of the forward ran: stop there if asked to."""
        if self.inbox.waiting:
            self.attend()
        points = self.breakpoints
        if (
            self.stride == "run"
            and not points.forward
            and points.nan is None
            and self._pause_since is None
            and self.target is None
        ):
            return
        new_line = (file, line) != self._last_line
        self._last_line = (file, line)
        names = self._forward_names(op, bound, result)
        why, text = "", ""
        if self.stride == "op":
            why = "step"
        elif self._pause_since is not None and time.monotonic() - self._pause_since > PAUSE_IN_FORWARD_S:
            why = "pause"
        elif self._reaches_line(file, line) and new_line or self._reaches_forward():
            why = "step"
        else:
            point = points.op_hit(op.name, file, line, new_line, lambda: Scope(names, frame=self._frame()))
            if point is not None:
                why, text = "breakpoint", str(point)
        if points.nan is not None and not why and _makes_nan(bound, result):
            why, text = "nan", f"{op.name} made NaN or Inf from finite inputs"
        if not why:
            return
        first = result[0] if type(result) is tuple and result else result
        node = getattr(first, "_fn", None)
        self.recorder.serial += 1
        module = "" if call is None else self.recorder.names.module(call.module)
        self.outbox.put(
            happened.OpRan(
                self.recorder.serial,
                op.name,
                node.name() if node is not None else "",
                line,
                file,
                (),
                digest_of(getattr(first, "_a", None)),
                module,
            )
        )
        self._stand_in_forward(why, names, file, line, text or op.name)

    def module_entered(self, module: Any) -> None:
        """A module is about to run: stop if a breakpoint is on it."""
        if not self.breakpoints.modules:
            return
        frame = self._frame()
        names: dict[str, Any] = {"iteration": self.recorder.backward}
        path, type_name = self.recorder.names.module(module), type(module).__name__
        point = self.breakpoints.module_hit(path, type_name, lambda: Scope(names, frame=frame))
        if point is not None:
            file, line = self.recorder.places.here()
            self._stand_in_forward("breakpoint", names, file, line, str(point))

    def optimizer_begins(self, optimizer: Any) -> None:
        """An optimizer is about to change its parameters: remember them if one is to stop after it."""
        if self.inbox.waiting:
            self.attend()
        self._before = StepBefore(optimizer, self.recorder.names) if self.stride == "optimizer" else None

    def optimizer_stepped(self, optimizer: Any) -> None:
        """An optimizer has changed its parameters: stop if asked to."""
        if self.stride == "optimizer":
            file, line = self.recorder.places.here()
            names: dict[str, Any] = {"iteration": self.recorder.backward - 1}
            if self._before is not None:
                for told in self._before.changes():
                    self.outbox.put(told)
                names |= self._before.names()
                self._before = None
            self._stand_in_forward("step", names, file, line, type(optimizer).__name__, "optimizer")

    def conduct(self, walk: BackwardWalk) -> None:
        """Take this backward to its end, stopping where asked."""
        if self.inbox.waiting:
            self.attend()
        walk.budget_bytes = self.budget_bytes
        self._passed = -1
        self._told = 0
        self._stood = False
        self._nan = -1
        self.last = None
        if self._must_look():
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
        self._told = 0
        self._catch_up(walk)

    def _is_small(self, walk: BackwardWalk) -> bool:
        definition = walk.structure.definition
        small = self._small.get(definition.hash)
        if small is None:
            elements = sum(math.prod(part.shape) for part in definition.nodes)
            small = self._small[definition.hash] = elements <= HELD_ELEMENTS_MAX
        return small

    # -- going through a backward ----------------------------------------------------------------------------

    def _must_look(self) -> bool:
        points = self.breakpoints
        return bool(
            self.stride not in ("run", "optimizer")
            or self._pause_since is not None
            or points.backward
            or points.nan is not None
            or self.target is not None
            or self.keeper is not None
        )

    def _rush(self, walk: BackwardWalk) -> None:
        run, waiting = walk.run, self.inbox.waiting
        stride = walk.skim if self._is_small(walk) else walk.skip
        while run.next_node is not None:
            stride()
            if waiting:
                self.attend()
                if self._must_look():
                    self._told = walk.position
                    self._look(walk)
                    return

    def _sample(self, walk: BackwardWalk) -> None:
        began = time.perf_counter()
        walk.keep()
        while walk.node is not None:
            walk.step()
            if self.inbox.waiting:
                self.attend()
                if self._must_look():
                    self._look(walk)
                    return
        self.sampler.sample(walk, self.stand, time.perf_counter() - began)

    def _look(self, walk: BackwardWalk) -> None:
        walk.keep()
        if self.keeper is not None:
            self.keeper.begin(walk)
        while True:
            if self.inbox.waiting:
                self.attend()
            why, text = self._reason(walk)
            if why:
                self._stand_in_backward(walk, why, text)
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
        judged = self.breakpoints.nan is not None
        clean = judged and _inputs_are_finite(walk, node)
        began = time.perf_counter_ns()
        flow = walk.step()
        flow.duration_ns = time.perf_counter_ns() - began
        if clean and not _is_clean(flow):
            self._nan = walk.structure.index[node]
        if self.keeper is not None and self.keeper.wants_details:
            self._catch_up(walk)

    def _reason(self, walk: BackwardWalk) -> tuple[str, str]:
        """Why to stop here, and what to say; ('', '') to go on."""
        position, node = walk.position, walk.node
        if self._nan >= 0:
            name = walk.structure.nodes[self._nan].name()
            return "nan", f"{name} made NaN or Inf from finite gradients"
        if position == self._passed:
            return "", ""
        if self._pause_since is not None:
            return ("pause", "") if node is not None or self._stood else ("", "")
        if node is None:
            return (
                ("end of backward", "")
                if self.stride in ("node", "over", "end", "op") and self._stood
                else ("", "")
            )
        if self.stride in ("node", "op"):
            return "step", ""
        if self.stride == "iteration" and walk.number != self._stride_walk:
            return "entry", ""
        if self.stride == "over" and _module_of(walk, node) is not self._stride_module:
            return "step", ""
        if self._reaches_target(walk, node):
            return "step", ""
        if not self.breakpoints.backward:
            return "", ""
        part = walk.structure.definition.nodes[walk.index]
        label = part.name if part.kind == "leaf" else ""
        names = {"iteration": walk.number, "backward": walk.number, "position": position}
        point = self.breakpoints.node_hit(
            walk.index,
            node.name(),
            label,
            walk.number,
            position,
            lambda: Scope(names, walk, walk.index, self._frame()),
        )
        return ("breakpoint", str(point)) if point is not None else ("", "")

    def _reaches_target(self, walk: BackwardWalk, node: Node) -> bool:
        target = self.target
        if target is None:
            return False
        if target.node >= 0:
            return walk.index == target.node
        if target.backward >= 0:
            return walk.number >= target.backward
        note = made(node)
        return note.line == target.line and (not target.file or note.file == target.file)

    def _reaches_forward(self) -> bool:
        target = self.target
        return (
            target is not None
            and target.phase == "forward"
            and modes.grad_enabled
            and 0 <= target.backward <= self.recorder.backward
        )

    def _reaches_line(self, file: str, line: int) -> bool:
        target = self.target
        return (
            target is not None
            and target.line == line
            and line > 0
            and (not target.file or target.file == file)
        )

    # -- standing --------------------------------------------------------------------------------------------

    def _stand_in_backward(self, walk: BackwardWalk, why: str, text: str) -> None:
        if not self._stood:
            self.sampler.tell_values(walk)
        self._stood = True
        self._catch_up(walk)
        producer, self._nan = self._nan, -1
        self._arrived()
        self.stand.at(
            walk,
            {"iteration": walk.number, "backward": walk.number, "position": walk.position},
            self._frame(),
        )
        self._tell_pause(walk, why, text, producer)
        while True:
            request = self.inbox.take()
            assert request is not None
            if isinstance(request, ask.Step) and request.kind in ("back", "start"):
                there = walk.position - 1 if request.kind == "back" else walk.first
                self._walk_back(walk, there)
            elif isinstance(request, ask.RunTo) and self._is_behind(walk, request.node):
                self._walk_back(walk, walk.structure.definition.order.index(request.node))
            elif self._goes_on(request, walk):
                return

    def _stand_in_forward(
        self, why: str, names: dict[str, Any], file: str, line: int, text: str, phase: str = "forward"
    ) -> None:
        self._arrived()
        self.stand.at(None, names, self._frame())
        paused = happened.RunPaused(why, phase, self.recorder.backward, -1, 0, file, line, text)
        self.outbox.put(paused)
        self.outbox.flush()
        while True:
            request = self.inbox.take()
            assert request is not None
            if isinstance(request, ask.Step) and request.kind in ("back", "start"):
                self.outbox.put(
                    happened.RequestFailed(
                        "step", "The forward cannot be walked back; go to an earlier iteration instead."
                    )
                )
                self.outbox.put(paused)
                self.outbox.flush()
            elif self._goes_on(request, None):
                return

    def _arrived(self) -> None:
        self.stride = "stand"
        self.target = None
        self._pause_since = None

    def _goes_on(self, request: ask.Request, walk: BackwardWalk | None) -> bool:
        """Obey a request while standing; true when the run is to go on."""
        if not self.obey(request):
            self.stand.obey(request)
            self.outbox.flush()
            return False
        if isinstance(request, ask.Pause):
            self._pause_since = None
            return False
        self._passed = -1 if walk is None else walk.position
        self._stride_walk = -1 if walk is None else walk.number
        self._stride_module = None if walk is None or walk.node is None else _module_of(walk, walk.node)
        if self._stride_module is None and self.stride == "over":
            self.stride = "node"
        if walk is not None and walk.node is None and self.stride in ("node", "over", "end"):
            self.stride = "iteration"
        if walk is None and self.stride in ("node", "over"):
            self.stride = "op"
        self.stand.leave()
        if self.stride not in ("node", "op") or walk is None or walk.node is None:
            self.outbox.put(happened.RunResumed())
        return True

    def _walk_back(self, walk: BackwardWalk, position: int) -> None:
        if walk.back_to(position):
            self._told = walk.position
            self.stand.at(walk, {"iteration": walk.number, "position": walk.position}, self._frame())
            self.outbox.put(happened.WalkedBack(walk.number, walk.index, walk.position))
            self._tell_pause(walk, "step", "", -1)
        else:
            self.outbox.put(
                happened.RequestFailed("step", "This is as far back as one can go in this backward.")
            )
            self._tell_pause(walk, "step", "", -1)

    def _is_behind(self, walk: BackwardWalk, node: int) -> bool:
        order = walk.structure.definition.order
        return node >= 0 and node in order and walk.first <= order.index(node) < walk.position

    def _tell_pause(self, walk: BackwardWalk, why: str, text: str, producer: int) -> None:
        self.recorder.tell_entered(walk)
        node = walk.node
        shown = producer if producer >= 0 else walk.index
        note = made(walk.structure.nodes[shown]) if shown >= 0 else made(node) if node is not None else None
        file, line = (note.file, note.line) if note is not None else ("", 0)
        self.outbox.put(
            happened.RunPaused(why, "backward", walk.number, shown, walk.position, file, line, text)
        )
        self.outbox.flush()

    def _catch_up(self, walk: BackwardWalk) -> None:
        for position in range(self._told, walk.position):
            flow = walk.flows.get(position)
            if flow is not None:
                self.recorder.tell_flow(walk, position, flow, flow.duration_ns)
                if self.keeper is not None:
                    self.keeper.keep_flow(walk, flow)
        self._told = walk.position

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
                if self.stride in ("node", "over", "end"):
                    self.stride = "iteration"
                return

    def obey(self, request: ask.Request) -> bool:
        """Take a request about going, stopping or looking; false for one that needs a stop."""
        if isinstance(request, ask.Run):
            self.stride, self.target = "run", None
        elif isinstance(request, ask.Pause):
            self._pause_since = time.monotonic()
            return True
        elif isinstance(request, ask.Step):
            self.stride, self.target = request.kind, None
        elif isinstance(request, ask.RunTo):
            self.stride, self.target = "run", request
        elif isinstance(request, ask.Stop):
            return True
        else:
            return False
        return True

    def look_after(self, request: ask.Request) -> bool:
        """Take a request that is the same at a stop and under way; false for all others."""
        if isinstance(request, ask.Watch):
            self.sampler.watch(request.nodes, request.hz)
        elif isinstance(request, ask.SetBreakpoints):
            for message in self.breakpoints.set(request.breakpoints):
                self.outbox.put(happened.RequestFailed("breakpoints", message))
        elif isinstance(request, ask.SetBudget):
            self.budget_bytes = request.size_bytes
        else:
            return False
        return True

    # -- what there is to name -------------------------------------------------------------------------------

    def _frame(self) -> FrameType | None:
        return self.recorder.places.frame(2)

    def _forward_names(self, op: Any, bound: tuple, result: Any) -> dict[str, Any]:
        names: dict[str, Any] = dict(zip(op.parameters, bound))
        names["result"] = result[0] if type(result) is tuple and result else result
        names["iteration"] = self.recorder.backward
        return names


def _module_of(walk: BackwardWalk, node: Node) -> Any:
    if isinstance(node, AccumulateGrad):
        number = walk.structure.definition.nodes[walk.structure.index[node]].module
        users = (n for n in walk.structure.nodes if any(fn is node for fn, _ in n.next_functions))
        return None if number < 0 else made(next(users)).call
    return made(node).call


def _inputs_are_finite(walk: BackwardWalk, node: Node) -> bool:
    if not all(g is None or is_finite(g._a) for g in walk.run.incoming()):
        return False
    for value in node.saved.values():
        array = getattr(getattr(value, "tensor", None), "_a", None)
        if array is not None and not is_finite(array):
            return False
    return True


def _is_clean(flow: Flow) -> bool:
    return all(g is None or is_finite(g._a) for g in flow.out)


def _makes_nan(bound: tuple, result: Any) -> bool:
    results = result if type(result) is tuple else (result,)
    if all(is_finite(r._a) for r in results if hasattr(r, "_a")):
        return False
    listed = [x for v in bound for x in (v if type(v) in (list, tuple) else (v,))]
    return all(is_finite(v._a) for v in listed if hasattr(v, "_a"))
