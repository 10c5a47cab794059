"""The graph that is shown: nodes, edges, modules, and what is known of each at the cursor. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from engine.protocol.event import Digest, SavedPart


class NodeState(Enum):
    """Where a node stands relative to the walk."""

    TO_COME = "to come"
    HERE = "here"
    DONE = "done"


@dataclass(slots=True)
class Node:
    """One node: id is its index in `Graph.nodes`; kind is 'op', 'leaf' or 'input'."""

    id: int
    kind: str
    name: str
    op: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    module: int = -1
    file: str = ""
    line: int = 0
    saved: tuple[SavedPart, ...] = ()
    text: str = ""
    state: NodeState = NodeState.TO_COME
    value: Digest | None = None
    grad: Digest | None = None
    incoming: tuple[Digest | None, ...] = ()
    outgoing: tuple[Digest | None, ...] = ()
    duration_ns: int = 0


@dataclass(slots=True)
class Edge:
    """A value from `source` into `target`; `grad` is the gradient that came back along it."""

    id: int
    source: int
    target: int
    slot: int = 0
    output: int = 0
    shape: tuple[int, ...] = ()
    grad: Digest | None = None


@dataclass(slots=True)
class ModuleCall:
    """One call of a module: a box on the canvas. `nodes` are the ids directly inside it."""

    id: int
    path: str
    type: str
    parent: int = -1
    detail: str = ""
    nodes: list[int] = field(default_factory=list)
    children: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Graph:
    """One graph's structure (by hash) with the state of the walk on it."""

    hash: str = ""
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    modules: list[ModuleCall] = field(default_factory=list)
    root: int = -1
    order: list[int] = field(default_factory=list)
    """Node ids in the order in which backward runs them."""
    _into: dict[int, list[Edge]] = field(default_factory=dict, repr=False, compare=False)
    _from: dict[int, list[Edge]] = field(default_factory=dict, repr=False, compare=False)
    _indexed: int = field(default=0, repr=False, compare=False)

    def edges_into(self, node: int) -> list[Edge]:
        """Edges whose target is `node`, by slot. Read only."""
        self._index()
        return self._into.get(node, [])

    def edges_from(self, node: int) -> list[Edge]:
        """Edges whose source is `node`. Read only."""
        self._index()
        return self._from.get(node, [])

    def _index(self) -> None:
        if self._indexed == len(self.edges):
            return
        self._into = {}
        self._from = {}
        for edge in self.edges:
            self._into.setdefault(edge.target, []).append(edge)
            self._from.setdefault(edge.source, []).append(edge)
        for edges in self._into.values():
            edges.sort(key=lambda edge: edge.slot)
        self._indexed = len(self.edges)
