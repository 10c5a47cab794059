"""`Recorder`: the observer that autograd, modules and optimizers call; it tells what happens as events."""

from __future__ import annotations

import math
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.autograd.backward import BackwardRun
from engine.autograd.node import AccumulateGrad, Node
from engine.protocol import event as happened
from engine.recorders.catalogue import rows_of
from engine.recorders.digest import digest_of, digest_tensor
from engine.recorders.ledger import Ledger
from engine.recorders.name import ModuleNames, name_where
from engine.recorders.noting import Noting
from engine.recorders.origin import Origins
from engine.recorders.place import Places
from engine.recorders.structure import (
    OVERWRITTEN,
    Made,
    ModuleCall,
    Structures,
    made,
    saved_bytes,
)
from engine.recorders.walk import BackwardWalk, Flow

Emit = Callable[[happened.Event], None]


class Pilot(Protocol):
    """Who decides where the run stops. Called on the script's own thread."""

    def op_ran(
        self, op: Any, bound: tuple, result: Any, file: str, line: int, call: ModuleCall | None
    ) -> None:
        """An op of the forward ran."""

    def conduct(self, walk: BackwardWalk) -> None:
        """Take this backward from its first node to its end."""

    def composite_left(self, name: str, begin: int, names: Callable[[], dict[str, Any]], result: Any) -> None:
        """A composite whose first part came after op number `begin` is done."""

    def module_entered(self, module: Any, inputs: tuple) -> None:
        """A module is about to run."""

    def module_left(self, module: Any, begin: int, result: Any) -> None:
        """A module's call in which ops ran, the first after op number `begin`, is done."""

    def optimizer_begins(self, optimizer: Any) -> None:
        """An optimizer is about to change its parameters."""

    def optimizer_stepped(self, optimizer: Any) -> None:
        """An optimizer has changed its parameters."""


class Recorder(Noting):
    """Watches one script. `install` sets it as the observer; an error of its own never reaches the script."""

    def __init__(self, script: str, emit: Emit) -> None:
        self.emit = emit
        self.places = Places(script)
        self.origins = Origins(self.places)
        self.ledger = Ledger()
        self.names = ModuleNames()
        self.structures = Structures(self.names)
        self.pilot: Pilot | None = None
        self.backward = 0
        self.not_finite = -1
        """The first backward whose loss was NaN or Inf."""
        self.serial = 0
        """How many ops of the forward the script has run."""
        self.composites: list[tuple[str, int]] = []
        """The composite ops under way, outermost first: name, and `serial` when it was entered."""
        self.call: ModuleCall | None = None
        self.optimizers: weakref.WeakSet[Any] = weakref.WeakSet()
        self.on_error: Callable[[BaseException], None] = lambda error: None
        self._steps: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._saved: dict[str, int] = {}
        self._told_ops: set[str] = set()
        self._thread = threading.get_ident()
        self._inside = False

    def install(self) -> None:
        """Watch from now on, on this thread."""
        self._thread = threading.get_ident()
        modes.observer = self

    def uninstall(self) -> None:
        """Watch no more."""
        modes.observer = None

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Inside, ops are nobody's: they are neither counted nor noted."""
        before, self._inside = self._inside, True
        try:
            yield
        finally:
            self._inside = before

    def is_elsewhere(self) -> bool:
        """Whether this call comes from another thread than the script's, or from within a backward."""
        return self._inside or threading.get_ident() != self._thread

    # -- what the engine calls -------------------------------------------------------------------------------

    def op_ran(self, op: Any, bound: tuple, result: Any) -> None:
        """Note on the new node where it came from, then let the pilot look."""
        if self._inside or threading.get_ident() != self._thread:
            return
        self.serial += 1
        try:
            file, line = self.places.here()
            first = result[0] if isinstance(result, tuple) and result else result
            node = getattr(first, "_fn", None)
            if node is not None and type(node) is not AccumulateGrad and first._rg:
                node.__dict__["made"] = Made(
                    file,
                    line,
                    self.call,
                    first._a,
                    _plain_inputs(op, bound),
                    _arguments(bound, first),
                    self.composites[-1] if self.composites else None,
                )
            self.origins.note(op, bound, result, file, line)
        except Exception as error:
            self.on_error(error)
            return
        if self.pilot is not None:
            self.pilot.op_ran(op, bound, result, file, line, self.call)

    def composite_entered(self, name: str) -> None:
        """An op that is written in other ops is about to run."""
        if self._inside or threading.get_ident() != self._thread:
            return
        self.composites.append((name, self.serial))

    def composite_left(
        self, name: str, parameters: tuple[str, ...], args: tuple, kwargs: dict[str, Any], result: Any
    ) -> None:
        """An op that is written in other ops has run, or raised."""
        if self._inside or threading.get_ident() != self._thread:
            return
        begin = self.composites.pop()[1] if self.composites else self.serial
        if begin < self.serial and self.pilot is not None and result is not None:
            self.pilot.composite_left(name, begin, lambda: dict(zip(parameters, args)) | kwargs, result)

    def module_entered(self, module: Any, inputs: Any = ()) -> None:
        """A module is about to run."""
        if self._inside or threading.get_ident() != self._thread:
            return
        try:
            if self.call is None:
                self.names.add_root(module, self.places.frame())
            self.call = ModuleCall(module, self.call, self.serial)
        except Exception as error:
            self.on_error(error)
        if self.pilot is not None:
            self.pilot.module_entered(module, inputs)

    def module_left(self, module: Any, result: Any = None) -> None:
        """A module has run, or raised."""
        if self._inside or threading.get_ident() != self._thread:
            return
        call = self.call
        while call is not None and call.module is not module:
            call = call.parent
        self.call = None if call is None else call.parent
        if call is not None and call.serial < self.serial and self.pilot is not None and result is not None:
            self.pilot.module_left(module, call.serial, result)

    def optimizer_begins(self, optimizer: Any) -> None:
        """An optimizer is about to change its parameters."""
        if self.pilot is None or self._inside or threading.get_ident() != self._thread:
            return
        self.origins.stepping = type(optimizer).__name__
        try:
            self.pilot.optimizer_begins(optimizer)
        except Exception as error:
            self.on_error(error)

    def optimizer_stepped(self, optimizer: Any) -> None:
        """An optimizer has changed its parameters."""
        if self._inside or threading.get_ident() != self._thread:
            return
        self.origins.stepping = ""
        try:
            self.optimizers.add(optimizer)
            step = self._steps.get(optimizer, 0)
            self._steps[optimizer] = step + 1
            lr = tuple(float(g["lr"]) for g in optimizer.param_groups if "lr" in g)
            names = self._parameter_names(optimizer) if step == 0 else ()
            self.emit(happened.ParameterStepped(type(optimizer).__name__, step, names, lr, self.serial))
        except Exception as error:
            self.on_error(error)
        if self.pilot is not None:
            self.pilot.optimizer_stepped(optimizer)

    def scalar_logged(self, name: str, value: float, step: int | None) -> None:
        """A script's own SummaryWriter has noted a number."""
        try:
            self.emit(happened.ScalarLogged(name, step or 0, value))
        except Exception as error:
            self.on_error(error)

    def drive(self, run: BackwardRun) -> None:
        """Take a backward to its end, telling of it."""
        if self.is_elsewhere():
            run.finish()
            return
        self._inside = True
        try:
            try:
                walk = self._begin(run)
            except Exception as error:
                self.on_error(error)
                run.finish()
                return
            began = time.perf_counter_ns()
            self.ledger.begin(walk)
            self.origins.stepping = ""
            if self.pilot is None:
                run.finish()
            else:
                self.pilot.conduct(walk)
            self.ledger.end(walk)
            self.emit(happened.BackwardEnded(walk.number, time.perf_counter_ns() - began, walk.saved_bytes))
        finally:
            self._inside = False

    # -- telling ---------------------------------------------------------------------------------------------

    def _begin(self, run: BackwardRun) -> BackwardWalk:
        frame = self.places.frame(3)
        structure, new = self.structures.of(run, frame)
        if new:
            self._tell_ops(structure.definition)
            self.emit(structure.definition)
        number = self.backward
        self.backward += 1
        root, nr = run.roots[0]
        file, line = ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)
        variable = variable_of(frame, root, nr)
        value = scalar_value(frame, root, nr)
        self.emit(
            happened.BackwardStarted(
                number,
                structure.definition.hash,
                structure.index[root],
                variable,
                value,
                line,
                file,
                self.serial,
            )
        )
        if value is not None:
            if self.not_finite < 0 and not math.isfinite(value):
                self.not_finite = number
            self.emit(happened.ScalarLogged(variable or f"line {line}", number, value, line))
        walk = BackwardWalk(run, number, structure)
        walk.saved_bytes = self._saved.get(structure.definition.hash, -1)
        if walk.saved_bytes < 0:
            walk.saved_bytes = self._saved[structure.definition.hash] = saved_bytes(structure.nodes)
        return walk

    def tell_entered(self, walk: BackwardWalk) -> None:
        """The walk stands before its node."""
        if walk.node is not None:
            self.emit(happened.NodeEntered(walk.number, walk.index, walk.position, walk.count))

    def flow_event(self, walk: BackwardWalk, position: int, flow: Flow) -> happened.Event:
        """What tells that a node ran: gradients along its edges, or the sum at its leaf."""
        index = walk.structure.index[flow.node]
        if isinstance(flow.node, AccumulateGrad):
            contribution = digest_tensor(flow.grads[0]) if flow.grads else None
            return happened.GradAccumulated(
                walk.number, index, position, contribution, digest_of(flow.total), flow.first
            )
        return happened.GradFlowed(
            walk.number,
            index,
            position,
            tuple(digest_tensor(g) for g in flow.grads),
            tuple(digest_tensor(g) for g in flow.out),
            flow.duration_ns,
        )

    def _tell_ops(self, definition: happened.GraphDefined) -> None:
        names = {part.op for part in definition.nodes if part.op} - self._told_ops
        self._told_ops |= names
        if names:
            self.emit(rows_of(sorted(names)))

    def _parameter_names(self, optimizer: Any) -> tuple[str, ...]:
        """'' for one that only a graph can name; one without a gradient is in none, and gets its number."""
        parameters = [p for g in optimizer.param_groups for p in g["params"]]
        return tuple(
            self.names.parameter(p) or ("" if p.grad is not None else f"parameter {k}")
            for k, p in enumerate(parameters)
        )


def value_of(walk: BackwardWalk, number: int) -> Any:
    """The forward's value at a node, leaf or input of this graph, as an array; None where it is not known."""
    structure = walk.structure
    if number >= len(structure.nodes):
        return structure.input_of(number)
    node = structure.nodes[number]
    if isinstance(node, AccumulateGrad):
        return node.variable._a
    return made(node).result


def variable_of(frame: FrameType | None, node: Node, nr: int) -> str:
    """The name of the variable that holds output `nr` of `node`, or ''."""
    return name_where(frame, lambda v: _holds(v, node, nr))


def scalar_value(frame: FrameType | None, node: Node, nr: int) -> float | None:
    """The number that output `nr` of `node` is, or None if it has several elements or is not known."""
    array = made(node).result if nr == 0 else None
    if array is None:
        for value in (frame.f_locals | frame.f_globals).values() if frame is not None else ():
            if _holds(value, node, nr):
                array = value._a
                break
    if isinstance(array, (np.ndarray, np.generic)) and array.size == 1 and array.dtype.kind != "c":
        return float(np.asarray(array).reshape(-1)[0])
    return None


def _holds(value: Any, node: Node, nr: int) -> bool:
    return isinstance(value, nodes.Tensor) and value._fn is node and value._nr == nr


def _arguments(bound: tuple, result: Any) -> tuple:
    """The arguments with Tensors as arrays: no Tensor, so that no node is kept alive by one made from it."""
    T = nodes.Tensor
    return tuple(
        [
            (OVERWRITTEN if v is result else v._a)
            if isinstance(v, T)
            else [x._a if isinstance(x, T) else x for x in v]
            if type(v) in (list, tuple) and v and type(v[0]) is not int
            else v
            for v in bound
        ]
    )


def _plain_inputs(op: Any, bound: tuple) -> tuple:
    """(slot, name, array) of each tensor argument that wants no gradient."""
    found = []
    differentiable = getattr(op, "input_at", None)
    if differentiable is None:  # a Function of the user's own has no record: an edge for each argument
        differentiable = tuple(range(len(bound)))
    names = op.parameters
    extra = len(differentiable)
    for place, value in enumerate(bound):
        if not isinstance(value, nodes.Tensor) or value._rg:
            continue
        if place in differentiable:
            slot = differentiable.index(place)
        else:
            slot = extra
            extra += 1
        name = names[place] if place < len(names) else f"input {place}"
        if name.startswith("running_"):
            continue  # a layer's own statistics: dozens in one net, and nobody's input
        found.append((slot, name, value._a))
    return tuple(found)
