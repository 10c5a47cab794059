"""Why to stop, or not: strides, goals, a pause, breakpoints, a NaN."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from engine.autograd import modes
from engine.autograd.node import AccumulateGrad, Node
from engine.protocol import request as ask
from engine.recorders.recorder import Recorder
from engine.recorders.structure import ModuleCall, made
from engine.recorders.walk import BackwardWalk, Flow
from engine.worker.breakpoint import Breakpoints
from engine.worker.producer import Fault, Producers, sums_that_overflow
from engine.worker.scope import Scope
from engine.worker.stride import ForwardStride

PAUSE_IN_FORWARD_S = 0.5
"""A pause waits this long for a backward; then it stops in the forward."""
WALKING = ("node", "op", "into", "over", "out", "end")
"""Strides that go from node to node of a backward, and stand at its end."""
Why = tuple[str, str]
"""Why to stop and what to say: ('breakpoint', 'line 8'); ('', '') to go on."""
ON: Why = ("", "")
_STEP: Why = ("step", "")


class Reasons:
    """What was asked for, and whether it is reached."""

    def __init__(self, recorder: Recorder) -> None:
        self.breakpoints = Breakpoints()
        self.stride = "run"
        self.target: ask.RunTo | None = None
        self.pause_since: float | None = None
        self.forward = ForwardStride()
        self.stepped = 0
        """How often an optimizer has stepped since the last backward."""
        self.nan = -1
        """The node that has just made a NaN, until somebody stands there."""
        self._said = ""
        self._producers = Producers()
        self.passed = -1
        """The position where one stood last: no reason to stop again."""
        self._recorder = recorder
        self._walk = -1
        self._call: ModuleCall | None = None
        self._composite: tuple[str, int] | None = None
        self._line: tuple[str, int, int, int] = ("", 0, 0, 0)

    # -- asking for something --------------------------------------------------------------------------------

    def go(self, stride: str, target: ask.RunTo | None = None) -> None:
        """Go on like this from here."""
        self.stride, self.target = stride, target

    def arrived(self) -> None:
        """One stands: what was asked for is done."""
        self.stride, self.target, self.pause_since = "stand", None, None
        self.forward.kind = ""

    def leave(self, walk: BackwardWalk | None) -> None:
        """What was asked for begins here, in a backward or (None) elsewhere."""
        node = None if walk is None else walk.node
        self.passed = -1 if walk is None else walk.position
        self._walk = -1 if walk is None else walk.number
        if walk is not None and node is not None:
            self._call, self._composite = call_of(walk, node), composite_of(walk, node)
            if self.stride == "over" and self._call is None:
                self.stride = "node"
            if self.stride == "out" and self._call is None and self._composite is None:
                self.stride = "end"
        elif walk is not None and self.stride in ("node", "over", "end"):
            self.stride = "iteration"
        elif walk is not None and self.stride in ("op", "into", "out"):
            self.stride = "op" if self.stride == "out" else self.stride
        elif walk is None:
            self.stride = {"node": "op", "end": "iteration"}.get(self.stride, self.stride)
        recorder = self._recorder
        begun = self.forward.begin(self.stride, len(recorder.composites), calls(recorder), recorder.serial)
        if node is not None:
            self.forward.kind = ""
        elif not begun:
            self.stride = "iteration"

    def begin_backward(self) -> None:
        """A backward begins."""
        self.passed, self.nan, self.stepped = -1, -1, 0

    # -- the forward -----------------------------------------------------------------------------------------

    def is_quiet(self) -> bool:
        """Whether nothing in the forward can be a reason now; asked after every op."""
        target, points = self.target, self.breakpoints
        return (
            not self.forward.kind
            and not points.forward
            and points.nan is None
            and self.pause_since is None
            and (target is None or not self._is_in_forward(target))
        )

    def after_op(self, name: str, bound: tuple, result: Any, frame: FrameType | None, names: Callable) -> Why:
        """Why to stop after this op of the forward. names: what a condition can name here."""
        recorder, points = self._recorder, self.breakpoints
        new_line = self._is_new(frame)
        file, line = ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)
        if points.nan is not None:
            kind = self._producers.of_op(bound, result)
            if kind:
                return "nan", f"{name} {kind}"
        if self.forward.kind and self.forward.after_op(len(recorder.composites), calls(recorder)):
            return _STEP
        if self.pause_since is not None and time.monotonic() - self.pause_since > PAUSE_IN_FORWARD_S:
            return "pause", ""
        if self._reaches_op() or new_line and self._reaches_line(file, line) or self._reaches_forward():
            return _STEP
        point = points.op_hit(name, file, line, new_line, lambda: self._scope(names(), frame))
        return ("breakpoint", str(point)) if point is not None else ON

    def after_composite(self, name: str, several: bool, frame: FrameType | None, names: Callable) -> Why:
        """Why to stop after this composite. several: it had more parts than one."""
        recorder = self._recorder
        if self.forward.kind and self.forward.after_composite(len(recorder.composites), calls(recorder)):
            return _STEP
        target = self.target
        if target is not None and target.op >= 0 and target.depth >= 0 and self._reaches_op():
            return _STEP
        if not several or not self.breakpoints.forward:
            return ON
        point = self.breakpoints.op_hit(name, "", 0, False, lambda: self._scope(names(), frame))
        return ("breakpoint", str(point)) if point is not None else ON

    def after_module(self) -> Why:
        """Why to stop after this call of a module."""
        recorder = self._recorder
        if not self.forward.kind:
            return ON
        made_it = self.forward.after_module(len(recorder.composites), calls(recorder), recorder.serial)
        return _STEP if made_it else ON

    def before_module(self, path: str, type_name: str, names: dict[str, Any], frame: FrameType | None) -> Why:
        """Why to stop before this call of a module."""
        point = self.breakpoints.module_hit(path, type_name, lambda: self._scope(names, frame))
        return ("breakpoint", str(point)) if point is not None else ON

    def after_optimizer(self, frame: FrameType | None) -> Why:
        """Why to stop after this step of an optimizer; asked before it, too, so that nothing is missed."""
        if self.stride == "optimizer":
            return _STEP
        target = self.target
        backward = self._recorder.backward - 1
        if target is not None and target.phase == "optimizer" and 0 <= target.backward:
            if target.backward < backward or (
                target.backward == backward and target.position <= self.stepped
            ):
                return _STEP
        return self._on_line_of(frame)

    def _on_line_of(self, frame: FrameType | None) -> Why:
        """Why to stop at what this line calls: a backward, or an optimizer's step."""
        if frame is None or not self.breakpoints.forward and self.target is None:
            return ON
        file, line = frame.f_code.co_filename, frame.f_lineno
        if self._reaches_line(file, line):
            return _STEP
        if (file, line) == self._line[:2]:
            return ON
        names = {"iteration": self._recorder.backward - 1}
        point = self.breakpoints.op_hit("", file, line, True, lambda: self._scope(names, frame))
        return ("breakpoint", str(point)) if point is not None else ON

    def _is_new(self, frame: FrameType | None) -> bool:
        """Whether this is not the pass through a line in which the op before ran, too."""
        if frame is None:
            return False
        code, before = frame.f_code, self._line
        self._line = (code.co_filename, frame.f_lineno, id(frame), frame.f_lasti)
        return self._line[:3] != before[:3] or frame.f_lasti < before[3]

    def _scope(self, names: dict[str, Any], frame: FrameType | None) -> Scope:
        return Scope(names, frame=frame, names=self._recorder.names)

    def _is_in_forward(self, target: ask.RunTo) -> bool:
        if target.op >= 0:
            return self._recorder.serial >= target.op
        if target.line > 0:
            return True
        return target.phase == "forward" and 0 <= target.backward <= self._recorder.backward

    def _reaches_op(self) -> bool:
        target, recorder = self.target, self._recorder
        if target is None or target.op < 0:
            return False
        return recorder.serial >= target.op and not 0 <= target.depth < len(recorder.composites)

    def _reaches_forward(self) -> bool:
        target = self.target
        return (
            target is not None
            and target.phase == "forward"
            and modes.grad_enabled
            and 0 <= target.backward <= self._recorder.backward
        )

    def _reaches_line(self, file: str, line: int) -> bool:
        target = self.target
        return (
            target is not None
            and target.line == line
            and line > 0
            and (not target.file or target.file == file)
        )

    # -- a backward ------------------------------------------------------------------------------------------

    def must_look(self, walk: BackwardWalk, frame: FrameType | None) -> bool:
        """Whether this backward, which was called from here, has to be walked node by node."""
        points = self.breakpoints
        return bool(
            self.stride not in ("run", "optimizer")
            or self.pause_since is not None
            or points.backward
            or points.nan is not None
            or frame is not None
            and points.has_line(frame.f_code.co_filename, frame.f_lineno)
            or self.target is not None
            and self._is_about(walk)
        )

    def _is_about(self, walk: BackwardWalk) -> bool:
        target = self.target
        if target is None or target.op >= 0:
            return False
        if target.node >= 0 or target.line > 0:
            return True
        return target.phase == "backward" and 0 <= target.backward <= walk.number

    def at_node(self, walk: BackwardWalk, stood: bool, frame: FrameType | None) -> Why:
        """Why to stop before the walk's next node, or at its end. stood: one has stood in this backward."""
        position, node = walk.position, walk.node
        if self.nan >= 0:
            return "nan", f"{walk.structure.nodes[self.nan].name()} {self._said}"
        if position == self.passed:
            return ON
        if self.pause_since is not None:
            return ("pause", "") if node is not None or stood else ON
        if self._reaches_node(walk, frame):
            return _STEP if node is not None else ("end of backward", "")
        if node is None:
            return ("end of backward", "") if self.stride in WALKING and stood else ON
        # A stride that ends at a breakpoint says so: what plays by itself is to rest there.
        point = self._breaks_at(walk, node, frame)
        if point != ON or not self._strides_to(walk, node):
            return point
        return ("entry", "") if self.stride == "iteration" else _STEP

    def _strides_to(self, walk: BackwardWalk, node: Node) -> bool:
        stride = self.stride
        if stride in ("node", "op", "into"):
            return True
        if stride == "iteration":
            return walk.number != self._walk
        if stride == "over":
            return call_of(walk, node) is not self._call
        if stride != "out":
            return False
        if self._composite is not None:
            return composite_of(walk, node) != self._composite
        call = call_of(walk, node)
        return call is None or all(outer is not self._call for outer in call.chain())

    def _reaches_node(self, walk: BackwardWalk, frame: FrameType | None) -> bool:
        target, node = self.target, walk.node
        if target is None or target.op >= 0 or target.phase != "backward":
            return False
        if target.node >= 0:
            return walk.index == target.node
        if target.backward >= 0:
            return walk.number > target.backward or (
                walk.number == target.backward and walk.position >= min(target.position, walk.count)
            )
        note = made(node) if node is not None else None
        return note is not None and self._reaches_line(note.file, note.line)

    def _breaks_at(self, walk: BackwardWalk, node: Node, frame: FrameType | None) -> Why:
        points = self.breakpoints
        names = {"iteration": walk.number, "backward": walk.number, "position": walk.position}
        if walk.position == 0:
            why = self._on_line_of(frame)
            if why != ON:
                return why
        if not points.backward:
            return ON
        part = walk.structure.definition.nodes[walk.index]
        point = points.node_hit(
            walk.index,
            node.name(),
            part.name if part.kind == "leaf" else "",
            walk.number,
            walk.position,
            lambda: Scope(names, walk, walk.index, frame, self._recorder.names),
        )
        return ("breakpoint", str(point)) if point is not None else ON

    def after_step(self, spoilt: list[str]) -> Why:
        """Why to stop after an optimizer's step that made NaN or Inf of these parameters."""
        if not spoilt:
            return ON
        more = f" and {len(spoilt) - 1} more" if len(spoilt) > 1 else ""
        return "nan", f"the step made NaN or Inf of {spoilt[0]}{more}"

    def judge(self, walk: BackwardWalk, flow: Flow, before: tuple[Fault, Fault]) -> None:
        """A node has run: note it if it made a NaN or Inf, or the sum to which it added did. before: what was
        in its gradients, and in what it keeps."""
        self._said = self._producers.of_node(*before, flow)
        if self._said:
            self.nan = walk.structure.index[flow.node]
            return
        for node in sums_that_overflow(walk, flow):
            self.nan, self._said = walk.structure.index[node], "got a sum of gradients that is too large"


def calls(recorder: Recorder) -> int:
    """How many calls of modules are open."""
    return 0 if recorder.call is None else sum(1 for _ in recorder.call.chain())


def call_of(walk: BackwardWalk, node: Node) -> ModuleCall | None:
    """The module's call that a node belongs to; a leaf belongs to that of the node that uses it."""
    if isinstance(node, AccumulateGrad):
        number = walk.structure.definition.nodes[walk.structure.index[node]].module
        return None if number < 0 else made(_user(walk, node)).call
    return made(node).call


def composite_of(walk: BackwardWalk, node: Node) -> tuple[str, int] | None:
    """The composite op that a node is a part of; a leaf is where it is used."""
    return made(_user(walk, node) if isinstance(node, AccumulateGrad) else node).composite


def _user(walk: BackwardWalk, leaf: Node) -> Node:
    return next((n for n in walk.structure.nodes if any(fn is leaf for fn, _ in n.next_functions)), leaf)
