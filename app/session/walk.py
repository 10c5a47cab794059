"""The state of one backward on its graph, moved along its events in both directions."""

from __future__ import annotations

from app.session.graph import Edge, Graph, ModuleCall, Node, NodeState
from engine.protocol.event import (
    Event,
    GradAccumulated,
    GradFlowed,
    GraphDefined,
    NodeEntered,
    ValuesSampled,
    WalkedBack,
)


def graph_of(definition: GraphDefined, root: int = -1) -> Graph:
    """A fresh Graph of this structure, nothing known of its values."""
    nodes = [
        Node(i, n.kind, n.name, n.op, tuple(n.shape), n.dtype, n.module, n.file, n.line, n.saved, n.text)
        for i, n in enumerate(definition.nodes)
    ]
    edges = [
        Edge(i, e.source, e.target, e.slot, e.output, tuple(e.shape)) for i, e in enumerate(definition.edges)
    ]
    modules = [ModuleCall(i, m.path, m.type, m.parent, m.detail) for i, m in enumerate(definition.modules)]
    for node in nodes:
        if 0 <= node.module < len(modules):
            modules[node.module].nodes.append(node.id)
    for module in modules:
        if 0 <= module.parent < len(modules):
            modules[module.parent].children.append(module.id)
    return Graph(definition.hash, nodes, edges, modules, root, list(definition.order))


class Walk:
    """A graph with a cursor: `position` nodes of `graph.order` are done, the next one is where it stands.

    Applied events are kept by position, so the cursor can go back and forth over them."""

    def __init__(self, definition: GraphDefined, backward: int, root: int = -1) -> None:
        self.definition = definition
        self.backward = backward
        self.graph = graph_of(definition, root)
        self.position = 0
        self.standing = False
        """Whether somebody stands here: only then is a node HERE."""
        self._flows: dict[int, GradFlowed | GradAccumulated] = {}

    @property
    def order(self) -> list[int]:
        """Node ids by position."""
        return self.graph.order

    @property
    def count(self) -> int:
        """How many nodes this backward walks."""
        return len(self.graph.order)

    @property
    def node(self) -> int:
        """The node that the walk stands before, -1 at the end."""
        return self.order[self.position] if 0 <= self.position < len(self.order) else -1

    def begin(self, backward: int, root: int) -> None:
        """Make this the walk of a new backward with the same structure.

        Values and gradients of the last look stay in view until somebody stands here or looks again."""
        self.backward = backward
        self.graph.root = root
        self._flows.clear()
        self.position = 0
        self.standing = False
        for node in self.graph.nodes:
            node.state = NodeState.TO_COME
            node.incoming = node.outgoing = ()
            node.duration_ns = 0

    def apply(self, event: Event) -> None:
        """Take one event of this backward, and stand where it says."""
        if isinstance(event, (GradFlowed, GradAccumulated)):
            self._learn(event.position, event.node)
            self._flows[event.position] = event
            self.move(event.position)
            self.move(event.position + 1)
        elif isinstance(event, NodeEntered):
            self._learn(event.position, event.node)
            if not self.standing:
                self._forget_gradients()
            self.standing = True
            self.move(event.position)
        elif isinstance(event, WalkedBack):
            self.standing = True
            self.move(event.position)
        elif isinstance(event, ValuesSampled):
            nodes = self.graph.nodes
            for number, digest in event.values.items():
                if 0 <= number < len(nodes):
                    nodes[number].value = digest
            for number, digest in event.grads.items():
                if 0 <= number < len(nodes):
                    nodes[number].grad = digest
                    if not self.standing and nodes[number].kind == "op":
                        for edge in self.graph.edges_from(number):
                            edge.grad = digest

    def learn(self, event: Event) -> None:
        """Take an event of this backward without moving: what it tells is shown once the cursor passes it."""
        if isinstance(event, (GradFlowed, GradAccumulated)):
            self._learn(event.position, event.node)
            self._flows[event.position] = event
        elif isinstance(event, NodeEntered):
            self._learn(event.position, event.node)
        elif isinstance(event, ValuesSampled):
            self.apply(event)

    def move(self, position: int) -> None:
        """Stand at `position`, doing or undoing what lies between."""
        position = max(0, min(position, self.count))
        if 0 <= self.position < self.count:
            self._node(self.position).state = NodeState.TO_COME
        while self.position > position:
            self.position -= 1
            self._undo(self.position)
        while self.position < position:
            self._do(self.position)
            self.position += 1
        if self.standing and self.position < self.count:
            self._node(self.position).state = NodeState.HERE

    def leave(self) -> None:
        """Nobody stands here any more: the run goes on."""
        self.standing = False
        self.move(self.position)

    def _node(self, position: int) -> Node:
        return self.graph.nodes[self.order[position]]

    def _forget_gradients(self) -> None:
        """Take from view what an earlier backward left: here, what is not told yet has not flowed yet."""
        told = {event.node for event in self._flows.values()}
        for node in self.graph.nodes:
            if node.id not in told:
                node.grad = None
        for edge in self.graph.edges:
            if edge.target not in told:
                edge.grad = None

    def _learn(self, position: int, node: int) -> None:
        order = self.graph.order
        if position == len(order):
            order.append(node)
        elif 0 <= position < len(order) and order[position] != node:
            order[position] = node

    def _do(self, position: int) -> None:
        node = self._node(position)
        node.state = NodeState.DONE
        event = self._flows.get(position)
        if isinstance(event, GradFlowed):
            node.incoming = tuple(event.incoming)
            node.outgoing = tuple(event.outgoing)
            node.duration_ns = event.duration_ns
            node.grad = next((d for d in node.incoming if d is not None), None)
            for edge in self.graph.edges_into(node.id):
                if edge.slot < len(node.outgoing):
                    edge.grad = node.outgoing[edge.slot]
        elif isinstance(event, GradAccumulated):
            node.incoming = (event.contribution,)
            node.grad = event.total

    def _undo(self, position: int) -> None:
        node = self._node(position)
        node.state = NodeState.TO_COME
        node.incoming = node.outgoing = ()
        node.grad = None
        node.duration_ns = 0
        for edge in self.graph.edges_into(node.id):
            edge.grad = None
