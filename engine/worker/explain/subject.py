"""What a question is about: a node of the graph, or a tensor that a name in the script leads to."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from typing import Any

from engine.autograd import node as nodes
from engine.autograd.node import AccumulateGrad, Node
from engine.protocol import request as ask
from engine.recorders.name import variables
from engine.recorders.origin import Origin, origin_of, plain_inputs
from engine.recorders.structure import made
from engine.recorders.walk import BackwardWalk, Flow
from engine.worker.explain import Place
from engine.worker.slot import SlotError

SLOTS = ("value", "grad", "incoming", "outgoing", "leaf_grad", "saved")
RECALLS_MAX = 16
"""What was let go of is worked out again for so many nodes in one question; each repeats the walk."""


@dataclass(slots=True)
class Subject:
    """What is asked about. number: its node in the walk's graph, or -1; tensor: None where only its node is
    known; origin: where a tensor without a node was made."""

    name: str
    number: int = -1
    node: Node | None = None
    tensor: Any = None
    array: Any = None
    origin: Origin | None = None
    is_param: bool = False


def walk_at(place: Place) -> BackwardWalk | None:
    """The backward in which the run stands; in a forward, the last one if it is still held."""
    return place.walk if place.walk is not None else getattr(place.recorder.pilot, "last", None)


def subject_of(request: ask.Explain, place: Place) -> Subject:
    """What this question is about: the variable `what`, else the node, else where the walk stands.

    Raises: SlotError where there is no such thing."""
    walk = walk_at(place)
    what = request.what.strip()
    if what and what.partition(":")[0] not in SLOTS:
        tensor, name = tensor_named(what, place), what.removesuffix(".grad")
        if request.topic == "versions" and name != what:  # here the memory of .grad itself is meant
            tensor, name = tensor.__dict__.get("grad"), what
            if tensor is None:
                raise SlotError(f"{what} is None.")
        return _of_tensor(tensor, name, walk)
    if walk is None:
        raise SlotError("No backward has run yet, or its graph is no longer held: name a variable instead.")
    number = request.node if request.node >= 0 else walk.index
    if not 0 <= number < len(walk.structure.definition.nodes):
        raise SlotError(f"There is no node {number} in this graph.")
    return _of_node(number, walk, place)


def _of_node(number: int, walk: BackwardWalk, place: Place) -> Subject:
    structure = walk.structure
    part = structure.definition.nodes[number]
    if number >= len(structure.nodes):
        array = structure.input_of(number)
        found = Subject(part.name, number, array=array)
        for node in structure.nodes:
            for plain in plain_inputs(node):
                if plain.array is array:
                    found.origin, found.is_param = plain.origin, plain.is_param
        for _, value in variables(place.frame):
            if isinstance(value, nodes.Tensor) and value._a is array:
                found.tensor = value
                break
        return found
    node = structure.nodes[number]
    if isinstance(node, AccumulateGrad):
        leaf = node.variable
        return Subject(part.name, number, node, leaf, leaf._a, origin_of(leaf), leaf._is_param)
    found = Subject(part.name, number, node, None, made(node).result)
    for name, value in variables(place.frame):
        if isinstance(value, nodes.Tensor) and value._fn is node and not name.startswith("_"):
            found.tensor, found.name = value, name
            break
    return found


def _of_tensor(tensor: Any, name: str, walk: BackwardWalk | None) -> Subject:
    found = Subject(name, -1, None, tensor, tensor._a, origin_of(tensor), tensor._is_param)
    if tensor.requires_grad:
        found.node = tensor.grad_fn
        if found.node is None:
            accumulator = None if tensor._accumulator is None else tensor._accumulator()
            found.node = accumulator
    if walk is None:
        return found
    if found.node is not None:
        found.number = walk.structure.index.get(found.node, -1)
    else:
        inputs = walk.structure.inputs
        places = [i for i, array in enumerate(inputs) if array is tensor._a]
        found.number = len(walk.structure.nodes) + places[0] if places else -1
    return found


# -- names in the script -------------------------------------------------------------------------------------


def tensor_named(what: str, place: Place) -> Any:
    """The tensor to which a name such as `x`, `model.fc.weight` or `layers[0].bias` leads; what stands before
    `.grad` where the name ends so. Nothing of the script's is called. Raises: SlotError."""
    text = what.removesuffix(".grad")
    try:
        tree = ast.parse(text, mode="eval").body
        found = _value(tree, place)
    except (SyntaxError, ValueError):  # a parameter of a Sequential is called 0.weight
        found = None
    if not isinstance(found, nodes.Tensor):
        found = _parameter_named(text, place)
    if not isinstance(found, nodes.Tensor):
        raise SlotError(f"“{text}” is no tensor that is known here.")
    return found


def _value(tree: ast.AST, place: Place) -> Any:
    if isinstance(tree, ast.Name):
        if tree.id in place.names:
            return place.names[tree.id]
        for name, value in variables(place.frame):
            if name == tree.id:
                return value
        return None
    if isinstance(tree, ast.Attribute):
        return None if tree.attr.startswith("__") else _attribute(_value(tree.value, place), tree.attr)
    if isinstance(tree, ast.Subscript) and isinstance(tree.slice, (ast.Constant, ast.UnaryOp)):
        return _item(_value(tree.value, place), ast.literal_eval(tree.slice))
    return None


def _attribute(owner: Any, name: str) -> Any:
    """What an object holds under a name, read from its dictionaries: no property of the script's is run."""
    own = getattr(owner, "__dict__", None)
    if not isinstance(own, dict):
        return None
    for table in ("_parameters", "_modules", "_buffers"):
        held = own.get(table)
        if isinstance(held, dict) and held.get(name) is not None:
            return held[name]
    return own.get(name)


def _item(owner: Any, key: Any) -> Any:
    inside = getattr(owner, "__dict__", {}).get("_modules")
    if isinstance(inside, dict):
        owner = list(inside.values()) if isinstance(key, int) else inside
    if isinstance(owner, (list, tuple, dict)):
        try:
            return owner[key]
        except (KeyError, IndexError, TypeError):
            return None
    return None


def _parameter_named(name: str, place: Place) -> Any:
    """A leaf of the graph, or a parameter of a module in sight, by its name without the module's own."""
    walk = walk_at(place)
    if walk is not None:
        for number, part in enumerate(walk.structure.definition.nodes):
            if part.kind == "leaf" and part.name == name:
                return walk.structure.nodes[number].variable  # type: ignore[attr-defined]
    for _, value in variables(place.frame):
        if isinstance(getattr(value, "__dict__", {}).get("_modules"), dict):
            for known, parameter in value.named_parameters():
                if known == name:
                    return parameter
    return None


# -- a backward's flows --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Arrival:
    """A gradient on its way into a node: from which node's slot, and for which output of the target.

    position: that of the source in the backward's order; array: None where none came or it has not run;
    ran: whether the source has run and what it sent is known."""

    source: Node
    slot: int
    output: int
    position: int
    array: Any
    ran: bool


class Flows:
    """What has flowed in a backward so far, from node to node."""

    def __init__(self, walk: BackwardWalk) -> None:
        self.walk = walk
        self.flow: dict[Node, Flow] = {f.node: f for f in walk.flows.values()}
        order = walk.structure.definition.order
        self.position = {number: at for at, number in enumerate(order)}
        self._recalls = 0
        self._users: dict[Node, list[tuple[Node, int, int]]] = {}
        for node in walk.structure.nodes:
            for slot, (fn, output) in enumerate(node.next_functions):
                if fn is not None:
                    self._users.setdefault(fn, []).append((node, slot, output))

    def _flow(self, node: Node) -> Flow | None:
        """What flowed at a node that has run; where it was let go of, the walk is repeated, a few times."""
        flow = self.flow.get(node)
        if flow is None and self._recalls < RECALLS_MAX and self.has_run(node):
            self._recalls += 1
            flow = self.walk.recall(self.place(node))
            if flow is not None:
                self.flow[node] = flow
        return flow

    def number(self, node: Node) -> int:
        """A node's number in the graph."""
        return self.walk.structure.index[node]

    def place(self, node: Node) -> int:
        """A node's position in the backward's order, or -1 if this backward does not run it."""
        return self.position.get(self.number(node), -1)

    def has_run(self, node: Node) -> bool:
        """Whether this backward has run the node."""
        place = self.place(node)
        return 0 <= place < self.walk.position

    def incoming(self, node: Node) -> list[Any] | None:
        """The arrays that came into a node, None for each output where none did; None where not known."""
        walk = self.walk
        flow = self._flow(node)
        if flow is not None:
            grads: list[Any] = flow.grads
        elif node is walk.node:
            grads = walk.run.incoming()
        elif self.has_run(node):
            return None
        else:
            grads = walk.run.buffers.get(node, [])
        return [None if g is None else g._a for g in grads]

    def outgoing(self, node: Node) -> list[Any] | None:
        """The arrays that left a node, by slot; None where it has not run or that is not kept."""
        flow = self._flow(node)
        return None if flow is None else [None if g is None else g._a for g in flow.out]

    def arrivals(self, node: Node) -> list[Arrival]:
        """What comes into a node from others, in the order in which it comes."""
        found = []
        for source, slot, output in self._users.get(node, ()):
            at = self.place(source)
            out = self.outgoing(source)
            array = out[slot] if out is not None and slot < len(out) else None
            found.append(Arrival(source, slot, output, at, array, out is not None))
        found.sort(key=lambda a: (a.position, a.slot))
        return found

    def title(self, node: Node) -> str:
        """'MulBackward0', or a leaf's own name."""
        return self.walk.structure.definition.nodes[self.number(node)].name


def at_line(file: str, line: int, place: Place) -> str:
    """' at line 12', with the file's name where it is not the script itself; '' where no line is known."""
    if not line:
        return ""
    if os.path.abspath(file) == os.path.abspath(place.recorder.places.script):
        return f" at line {line}"
    return f" at {os.path.basename(file)}:{line}"
