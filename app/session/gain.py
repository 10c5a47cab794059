"""Gain along depth: by how much each node or module makes the gradient larger or smaller. No Qt."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.session.graph import Edge, Graph, Node
from engine.protocol.event import Digest

_TURNS = frozenset(
    "T Transpose Permute View UnsafeView ReshapeAlias Expand Squeeze Unsqueeze ToCopy Clone".split()
)


@dataclass(frozen=True, slots=True)
class Gain:
    """One step of the way down from the loss.

    kind: 'node', 'leaf' or 'module', and its id. came, went: the norm of the gradient that arrives and of
    what leaves, None where it is not known (nothing leaves a leaf). start: log10 of `came` over the norm with
    which backward began. odd: NaN or Inf among the numbers."""

    kind: str
    id: int
    name: str
    came: float | None = None
    went: float | None = None
    start: float | None = None
    odd: bool = False

    @property
    def factor(self) -> float | None:
        """‖gradient out‖ / ‖gradient in‖, None where one of them is not known or nothing arrived."""
        if self.came is None or self.went is None or not self.came > 0:
            return None
        return self.went / self.came

    @property
    def power(self) -> float | None:
        """log10 of the factor, None where it is not known, minus infinity where nothing leaves."""
        factor = self.factor
        if factor is None:
            return None
        return math.log10(factor) if factor > 0 else -math.inf

    @property
    def end(self) -> float | None:
        """log10 of what leaves over the norm with which backward began."""
        power = self.power
        return None if self.start is None or power is None else self.start + power


class Gains:
    """The gains on one graph as it is now; made anew after each change, since it keeps what it read."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.order = graph.order or [n.id for n in reversed(graph.nodes) if n.kind != "input"]
        self._places = {node: place for place, node in enumerate(self.order)}
        self._beside = self._parameter_side()
        self._base = self._beginning()

    def nodes(self) -> list[Gain]:
        """A gain for each node that backward runs, leaves too, in that order.

        What leaves a node is what goes on to other ops; the way to its own parameters counts only where there
        is no other."""
        return [self._of_node(self.graph.nodes[i]) for i in self.order]

    def way_down(self) -> list[Gain]:
        """As `nodes`, without the ops that only turn or reshape a parameter for its use."""
        return [g for g in self.nodes() if g.kind == "leaf" or g.id not in self._beside]

    def modules(self) -> list[Gain]:
        """The same with one step for each call of a module (the innermost one around a node) and one for each
        node outside any."""
        nodes, count = self.graph.nodes, len(self.graph.modules)
        inside: dict[int, list[int]] = {}
        for i in self.order:
            if 0 <= nodes[i].module < count:
                inside.setdefault(nodes[i].module, []).append(i)
        found: list[Gain] = []
        for i in self.order:
            module = nodes[i].module
            if not 0 <= module < count:
                found.append(self._of_node(nodes[i]))
            elif inside[module][0] == i:
                found.append(self.of_module(module, inside[module]))
        return found

    def place(self, node: int) -> int:
        """Where in the order of backward a node stands; after all others where it is not run."""
        return self._places.get(node, len(self.order))

    def powers(self) -> dict[int, float]:
        """log10 of the gain of each op node where it is known and finite: what colours the graph."""
        found = {}
        for gain in self.nodes():
            power = gain.power
            if gain.kind == "node" and power is not None and math.isfinite(power):
                found[gain.id] = power
        return found

    def of_module(self, module: int, members: Sequence[int]) -> Gain:
        """What crosses the border around these nodes, out against in; not known where nothing leaves but to
        parameters inside."""
        graph, own = self.graph, set(members)
        entering = [e for i in members for e in graph.edges_from(i) if e.target not in own]
        leaving = [e for i in members for e in graph.edges_into(i) if e.source not in own]
        if entering:
            came, odd_in = _together(e.grad for e in entering)
        else:
            came, odd_in = arriving(graph, graph.nodes[members[0]])
        went, odd_out = _together(e.grad for e in self._leading_on(leaving))
        call = graph.modules[module]
        return Gain(
            "module", module, call.path or call.type, came, went, self._start(came), odd_in or odd_out
        )

    def _of_node(self, node: Node) -> Gain:
        came, odd = arriving(self.graph, node)
        if node.kind == "leaf":
            return Gain("leaf", node.id, node.name, came, None, self._start(came), odd)
        edges = self._leading_on(self.graph.edges_into(node.id))
        went, odd_out = _together(e.grad for e in edges)
        return Gain("node", node.id, node.name, came, went, self._start(came), odd or odd_out)

    def _beginning(self) -> float:
        """The norm with which backward began, 1 where it is not known."""
        for i in self.order:
            came, _ = arriving(self.graph, self.graph.nodes[i])
            if came:
                return came
        return 1.0

    def _start(self, came: float | None) -> float | None:
        return math.log10(came / self._base) if came is not None and came > 0 else None

    def _parameter_side(self) -> set[int]:
        """Leaves, and ops that only turn or reshape one for its use: `weight.t()`."""
        graph = self.graph
        side = {n.id for n in graph.nodes if n.kind == "leaf"}
        for i in reversed(self.order):
            if graph.nodes[i].name.partition("Backward")[0] in _TURNS:
                sources = [e.source for e in graph.edges_into(i) if graph.nodes[e.source].kind != "input"]
                if len(sources) == 1 and sources[0] in side:
                    side.add(i)
        return side

    def _leading_on(self, edges: Iterable[Edge]) -> list[Edge]:
        """The edges to other ops; those to parameters where there are no others."""
        live = [e for e in edges if self.graph.nodes[e.source].kind != "input"]
        on = [e for e in live if e.source not in self._beside]
        return on or live


def worst(gains: Iterable[Gain], count: int = 8, least: float = math.log10(2)) -> list[Gain]:
    """Those whose factor is farthest from one, either way, the worst first; `least`: log10 of what still
    counts as harmless."""
    far = [g for g in gains if g.power is not None and abs(g.power) > least]
    return sorted(far, key=lambda g: -abs(g.power or 0.0))[:count]


def reach(gains: Iterable[Gain]) -> tuple[float, float] | None:
    """log10 of the smallest and of the largest gradient on the way, over the one with which backward began;
    None where no factor is known."""
    ends = [
        level
        for gain in gains
        if gain.power is not None
        for level in (gain.start, gain.end)
        if level is not None and math.isfinite(level)
    ]
    return (min(ends), max(ends)) if ends else None


def arriving(graph: Graph, node: Node) -> tuple[float | None, bool]:
    """The norm of the gradient that arrives at a node, None where it is not known; and whether NaN or Inf is
    in it."""
    if any(d is not None for d in node.incoming):
        return _together(node.incoming)
    if node.grad is not None:
        return _together((node.grad,))
    users = graph.edges_from(node.id)
    return _together((users[0].grad,)) if len(users) == 1 else (None, False)


def _together(digests: Iterable[Digest | None]) -> tuple[float | None, bool]:
    square, known, odd = 0.0, False, False
    for digest in digests:
        if digest is not None:
            known = True
            square += digest.norm**2
            odd = odd or bool(digest.nans or digest.infs)
    return (math.sqrt(square) if known else None), odd
