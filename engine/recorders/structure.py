"""The graph of a backward: its nodes by index, and the `GraphDefined` that tells of it."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import msgspec
import numpy as np

from engine.autograd.node import FREED, AccumulateGrad, Node, SavedTensor
from engine.protocol.event import EdgePart, GraphDefined, ModulePart, NodePart, SavedPart
from engine.recorders.digest import dtype_name
from engine.recorders.name import ModuleNames, module_detail, name_where


class ModuleCall:
    """One call of a module: which, inside which other call, and how many ops had run before."""

    __slots__ = ("module", "parent", "serial")

    def __init__(self, module: Any, parent: ModuleCall | None, serial: int = 0) -> None:
        self.module = module
        self.parent = parent
        self.serial = serial

    def chain(self) -> Iterator[ModuleCall]:
        """This call and those it is inside of, the innermost first."""
        call: ModuleCall | None = self
        while call is not None:
            yield call
            call = call.parent


OVERWRITTEN: Any = type("Overwritten", (), {"__repr__": lambda self: "overwritten in place"})()
"""Stands among the arguments of a node's op for the one that the op changed in place."""


class Made:
    """What is noted on a node when its op runs: source line, module call, result's array, inputs without
    gradient, and all arguments.

    inputs: (slot, name, array) each. arguments: in the op's order, arrays for Tensors, OVERWRITTEN for one
    that the op itself changed in place. composite: (name, serial before its first part) of the innermost
    composite op that the op is a part of."""

    __slots__ = ("arguments", "call", "composite", "file", "inputs", "line", "result")

    def __init__(
        self,
        file: str,
        line: int,
        call: ModuleCall | None,
        result: Any,
        inputs: tuple,
        arguments: tuple = (),
        composite: tuple[str, int] | None = None,
    ) -> None:
        self.file = file
        self.line = line
        self.call = call
        self.result = result
        self.inputs = inputs
        self.arguments = arguments
        self.composite = composite


NOWHERE = Made("", 0, None, None, ())


def made(node: Node) -> Made:
    """What was noted when this node's op ran; NOWHERE for a node that nobody saw being made."""
    if type(node) is AccumulateGrad:
        return NOWHERE
    return node.__dict__.get("made", NOWHERE)


@dataclass(slots=True)
class Structure:
    """The nodes of one backward in the order of a walk from its root along next_functions."""

    definition: GraphDefined
    nodes: list[Node]
    index: dict[Node, int]
    inputs: list[Any] = field(default_factory=list)
    """arrays of the 'input' nodes, which come after `nodes`"""

    def forget(self) -> None:
        """Let go of the forward's values: a graph may be held by its loss long after its backward."""
        self.inputs = []
        for node in self.nodes:
            note = made(node)
            if note is not NOWHERE:
                note.result = None
                note.inputs = ()
                node.__dict__.pop("plain", None)
                note.arguments = ()

    def input_of(self, number: int) -> Any:
        """The array of input node `number`, or None if that is no input."""
        at = number - len(self.nodes)
        return self.inputs[at] if 0 <= at < len(self.inputs) else None


class Structures:
    """All structures seen so far, by what distinguishes them."""

    def __init__(self, names: ModuleNames) -> None:
        self._names = names
        self._known: dict[int, GraphDefined] = {}
        self._told: set[str] = set()

    def of(self, run: Any, frame: FrameType | None) -> tuple[Structure, bool]:
        """The structure of this backward, and whether it is a new one."""
        nodes, index = walk_from([fn for fn, _ in run.roots])
        calls: dict[ModuleCall, int] = {}
        inputs: list[Any] = []
        input_index: dict[int, int] = {}
        key: list[Any] = []
        for node in nodes:
            if type(node) is AccumulateGrad:
                leaf = node.variable
                key.append((leaf._a.shape, id(leaf) if leaf._is_param else 0))
                continue
            note = made(node)
            call = -1 if note.call is None else _place_call(note.call, calls)
            edges = tuple([-1 if fn is None else (index[fn], nr) for fn, nr in node.next_functions])
            key.append((type(node), node.shape, note.line, call, edges))
            for slot, _, array in note.inputs:
                at = input_index.get(id(array))
                if at is None:
                    at = input_index[id(array)] = len(inputs)
                    inputs.append(array)
                key.append((slot, at, array.shape))
        sequence = sorted(range(len(nodes)), key=lambda i: -nodes[i].sequence)
        needed = run.needed
        partial = () if needed is None else tuple(i for i, n in enumerate(nodes) if n in needed)
        calls_key = tuple((id(c.module), -1 if c.parent is None else calls[c.parent]) for c in calls)
        number = hash((tuple(key), calls_key, tuple(sequence), partial))
        definition = self._known.get(number)
        new = definition is None
        if definition is None:
            definition = self._define(run, nodes, index, calls, inputs, input_index, frame)
            self._known[number] = definition
            new = definition.hash not in self._told
            self._told.add(definition.hash)
        return Structure(definition, nodes, index, inputs), new

    def _define(
        self,
        run: Any,
        nodes: list[Node],
        index: dict[Node, int],
        calls: dict[ModuleCall, int],
        inputs: list[Any],
        input_index: dict[int, int],
        frame: FrameType | None,
    ) -> GraphDefined:
        self._names.stale()
        consumer: dict[Node, Node] = {}
        edges: list[EdgePart] = []
        input_names: dict[int, str] = {}
        for i, node in enumerate(nodes):
            for slot, (fn, nr) in enumerate(node.next_functions):
                if fn is not None:
                    consumer.setdefault(fn, node)
                    edges.append(EdgePart(index[fn], i, slot, nr, tuple(fn.meta(nr)[0])))
            for slot, name, array in made(node).inputs:
                at = input_index[id(array)]
                input_names.setdefault(at, name)
                edges.append(EdgePart(len(nodes) + at, i, slot, 0, tuple(array.shape)))
        parts = [self._node_part(node, calls, consumer, frame) for node in nodes]
        for at, array in enumerate(inputs):
            name = name_where(frame, _is_array(array)) or input_names[at]
            parts.append(NodePart("input", name, "", tuple(array.shape), dtype_name(array.dtype)))
        modules = tuple(
            ModulePart(
                self._names.module(c.module) or name_where(frame, _is_thing(c.module)),
                type(c.module).__name__,
                -1 if c.parent is None else calls[c.parent],
                module_detail(c.module),
            )
            for c in calls
        )
        order = tuple(index[n] for n in order_of(run))
        definition = GraphDefined("", tuple(parts), tuple(edges), modules, order)
        stable = hashlib.blake2b(msgspec.msgpack.encode(definition), digest_size=8).hexdigest()
        return GraphDefined(stable, tuple(parts), tuple(edges), modules, order)

    def _node_part(
        self, node: Node, calls: dict[ModuleCall, int], consumer: dict[Node, Node], frame: FrameType | None
    ) -> NodePart:
        if type(node) is AccumulateGrad:
            leaf = node.variable
            name = self._names.parameter(leaf)
            module = -1
            if name:
                user = consumer.get(node)
                used_in = made(user).call if user is not None else None
                module = -1 if used_in is None else calls[used_in]
            else:
                name = name_where(frame, _is_thing(leaf)) or leaf.name or "leaf"
            text = "Parameter" if leaf._is_param else "Tensor"
            return NodePart(
                "leaf", name, "", tuple(leaf._a.shape), dtype_name(leaf._a.dtype), module, text=text
            )
        note = made(node)
        call = -1 if note.call is None else calls[note.call]
        shape, kind = node.meta(0)
        return NodePart(
            "op",
            node.name(),
            node.op.name if node.op is not None else "",
            tuple(shape or ()),
            dtype_name(kind),
            call,
            note.file,
            note.line,
            _saved_parts(node),
        )


def walk_from(roots: list[Node]) -> tuple[list[Node], dict[Node, int]]:
    """All nodes reachable from the roots, depth first in next_functions order, and the index of each."""
    nodes: list[Node] = []
    index: dict[Node, int] = {}
    stack = list(reversed(roots))
    while stack:
        node = stack.pop()
        if node in index:
            continue
        index[node] = len(nodes)
        nodes.append(node)
        for fn, _ in reversed(node.next_functions):
            if fn is not None and fn not in index:
                stack.append(fn)
    return nodes, index


def order_of(run: Any) -> list[Node]:
    """The nodes in the order in which this run, from where it stands, will run them."""
    ready = list(run.ready)
    waiting = dict(run.waiting)
    tie = run._tie
    order: list[Node] = []
    while ready:
        node = heapq.heappop(ready)[2]
        if run.needed is None or node in run.needed:
            order.append(node)
        for fn, _ in node.next_functions:
            if fn is not None:
                waiting[fn] -= 1
                if waiting[fn] == 0:
                    tie += 1
                    heapq.heappush(ready, (-fn.sequence, tie, fn))
    return order


def _is_thing(thing: Any) -> Callable[[Any], bool]:
    return lambda value: value is thing


def _is_array(array: Any) -> Callable[[Any], bool]:
    return lambda value: getattr(value, "_a", None) is array


def saved_bytes(nodes: list[Node]) -> int:
    """How much memory these nodes keep for backward; what several keep is counted once."""
    arrays: dict[int, int] = {}
    for node in nodes:
        if node.saved is FREED:
            continue
        for value in node.saved.values():
            for part in value if isinstance(value, list) else (value,):
                array = getattr(getattr(part, "tensor", None), "_a", None)
                if array is not None:
                    arrays[id(array)] = array.nbytes
    return sum(arrays.values())


def _place_call(call: ModuleCall, calls: dict[ModuleCall, int]) -> int:
    found = calls.get(call)
    if found is None:
        if call.parent is not None:
            _place_call(call.parent, calls)
        found = calls[call] = len(calls)
    return found


def _saved_parts(node: Node) -> tuple[SavedPart, ...]:
    if node.saved is FREED:
        return ()
    parts = []
    for name, value in node.saved.items():
        tensor = value.tensor if isinstance(value, SavedTensor) else value
        array = getattr(tensor, "_a", None)
        if isinstance(array, (np.ndarray, np.generic)):
            parts.append(SavedPart(name, tuple(array.shape), dtype_name(array.dtype)))
        elif isinstance(value, list):
            parts.append(SavedPart(name, text=f"{len(value)} tensors"))
        else:
            parts.append(SavedPart(name, text=_short(value)))
    return tuple(parts)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
