"""What is different between two moments: structure, values by how much, new NaN and Inf. No Qt."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

from app.session.moment import Known, Moment
from engine.protocol.event import Digest, GraphDefined


@dataclass(frozen=True, slots=True)
class Change:
    """One digest against another. relative: the largest change among norm, least, greatest and mean, as a
    share of what was there before: a lower bound of how much the numbers changed, Inf from nothing.

    measure: which of the four that was: 'norm', 'min', 'max', 'mean'; '' where nothing changed.
    spoiled: NaN and Inf more than before. arrived: there was none known before."""

    before: Digest | None
    after: Digest | None
    relative: float = 0.0
    spoiled: int = 0
    arrived: bool = False
    measure: str = ""

    @property
    def is_one(self) -> bool:
        """Whether anything changed."""
        return self.arrived or self.spoiled != 0 or self.relative != 0.0


@dataclass(frozen=True, slots=True)
class NodeChange:
    """What became of one node. before, after: its index in the graph of each moment, -1 where it is not
    there. kind: 'added', 'removed', 'reshaped', 'spoiled' (new NaN or Inf), 'changed', 'arrived', 'same'."""

    before: int
    after: int
    name: str
    kind: str
    value: Change | None = None
    grad: Change | None = None

    @property
    def size(self) -> float:
        """The larger relative change of value and gradient."""
        return max((c.relative for c in (self.value, self.grad) if c is not None), default=0.0)

    @property
    def which(self) -> str:
        """'value' or 'gradient': which of the two changed more; '' where neither did."""
        value = self.value if self.value is not None and self.value.is_one else None
        grad = self.grad if self.grad is not None and self.grad.is_one else None
        if value is None or grad is None:
            return "value" if value is not None else "gradient" if grad is not None else ""
        return "value" if _weight(value) >= _weight(grad) else "gradient"

    @property
    def main(self) -> Change | None:
        """The change of the larger of the two."""
        return self.value if self.which == "value" else self.grad if self.which == "gradient" else None


@dataclass(slots=True)
class Difference:
    """All nodes of two moments. nodes: those that changed, the most remarkable first."""

    before: Moment
    after: Moment
    nodes: list[NodeChange] = field(default_factory=list)
    same: int = 0
    unknown: int = 0
    """Nodes of which too little is known at one of the moments."""
    edges: int = 0
    """Edges along which another gradient flowed."""
    pairs: dict[int, int] = field(default_factory=dict)
    """Node of the moment before -> node of the moment after."""

    @property
    def same_structure(self) -> bool:
        """Whether both moments have the same graph."""
        return self.before.hash == self.after.hash

    def of_kind(self, kind: str) -> list[NodeChange]:
        """The changes of this kind."""
        return [change for change in self.nodes if change.kind == kind]

    def marks(self, limit: int = 6) -> dict[int, str]:
        """The most remarkable nodes of the later graph: 'spoiled', 'new' or 'changed'. What only arrived is
        none."""
        kinds = {"spoiled": "spoiled", "added": "new", "reshaped": "changed", "changed": "changed"}
        rows = [row for row in self.nodes if row.after >= 0 and row.kind in kinds]
        return {row.after: kinds[row.kind] for row in rows[:limit]}

    def by_node(self) -> dict[int, NodeChange]:
        """The changes by the node's index in the later moment's graph."""
        return {change.after: change for change in self.nodes if change.after >= 0}


_RANK = {"spoiled": 0, "added": 1, "removed": 1, "reshaped": 2, "changed": 3, "arrived": 4, "same": 5}


def difference(before: Moment, after: Moment) -> Difference:
    """What became of the earlier moment's nodes in the later one."""
    pairs = align(before.definition, after.definition)
    found = Difference(before, after, pairs=pairs)
    for number, other in pairs.items():
        change = _node_change(before, after, number, other)
        if change is None:
            found.unknown += 1
        elif change.kind == "same":
            found.same += 1
        else:
            found.nodes.append(change)
    left = set(pairs)
    reached = set(pairs.values())
    for number, part in enumerate(before.definition.nodes):
        if number not in left:
            found.nodes.append(NodeChange(number, -1, part.name, "removed"))
    for number, part in enumerate(after.definition.nodes):
        if number not in reached:
            found.nodes.append(NodeChange(-1, number, part.name, "added"))
    found.nodes.sort(key=lambda change: (_RANK[change.kind], -_sorted(change)))
    found.edges = _edges_changed(before, after, pairs)
    return found


def align(before: GraphDefined, after: GraphDefined) -> dict[int, int]:
    """Which node of one graph is which of the other: the same index where the structure is the same, else by
    kind, name and module, those with the same line and shape first, the rest by their order."""
    if before.hash == after.hash:
        return {number: number for number in range(min(len(before.nodes), len(after.nodes)))}
    pairs: dict[int, int] = {}
    exact = _grouped(after, fine=True)
    for number, key in enumerate(_keys(before, fine=True)):
        if exact[key]:
            pairs[number] = exact[key].popleft()
    taken = set(pairs.values())
    loose = _grouped(after, fine=False)
    for number, key in enumerate(_keys(before, fine=False)):
        if number in pairs:
            continue
        group = loose[key]
        while group and group[0] in taken:
            group.popleft()
        if group:
            pairs[number] = group.popleft()
    return pairs


def relative_change(before: Digest, after: Digest) -> float:
    """How much these differ as a share of what was before; Inf where it was nothing, or of another shape."""
    return largest_change(before, after)[0]


def largest_change(before: Digest, after: Digest) -> tuple[float, str]:
    """The same, and which of norm, min, max and mean changed so much. Least, greatest and mean are measured
    against the largest element."""
    if tuple(before.shape) != tuple(after.shape):
        return math.inf, "norm"
    if before == after:
        return 0.0, ""
    reach = max(abs(before.min), abs(before.max))
    found = [_share(after.norm - before.norm, before.norm)]
    found += [
        _share(a - b, reach)
        for b, a in ((before.min, after.min), (before.max, after.max), (before.mean, after.mean))
    ]
    most = max(found)
    return most, ("norm", "min", "max", "mean")[found.index(most)] if most else ""


def change_of(before: Digest | None, after: Digest | None) -> Change | None:
    """The change from one digest to another; None where the later one is not known."""
    if after is None:
        return None
    if before is None:
        return Change(None, after, 0.0, after.nans + after.infs, True)
    spoiled = after.nans + after.infs - before.nans - before.infs
    relative, measure = largest_change(before, after)
    return Change(before, after, relative, spoiled, False, measure)


def _share(change: float, of: float) -> float:
    if change == 0 or math.isnan(change):
        return 0.0
    return abs(change) / abs(of) if of else math.inf


def _node_change(before: Moment, after: Moment, number: int, other: int) -> NodeChange | None:
    part, later = before.node(number), after.node(other)
    if (
        part is later
        and _is_same(before.values, number, after.values, other)
        and (_is_same(before.grads, number, after.grads, other))
    ):
        known = _at(before.values, number) is not None or _at(before.grads, number) is not None
        return NodeChange(number, other, later.name, "same") if known else None
    value = change_of(_at(before.values, number), _at(after.values, other))
    grad = change_of(_at(before.grads, number), _at(after.grads, other))
    kind = "same"
    changes = [c for c in (value, grad) if c is not None]
    if tuple(part.shape) != tuple(later.shape):
        kind = "reshaped"
    elif any(c.spoiled > 0 for c in changes):
        kind = "spoiled"
    elif any(not c.arrived and c.is_one for c in changes):
        kind = "changed"
    elif any(c.arrived for c in changes):
        kind = "arrived"
    elif not changes:
        return None
    return NodeChange(number, other, later.name, kind, value, grad)


def _is_same(before: Known, number: int, after: Known, other: int) -> bool:
    """Whether the very same digest is known at both moments: most are, from one stop to the next."""
    return _at(before, number) is _at(after, other)


def _sorted(change: NodeChange) -> float:
    if change.kind == "arrived":
        main = change.main
        return main.after.norm if main is not None and main.after is not None else 0.0
    if change.kind == "spoiled":
        return float(max(c.spoiled for c in (change.value, change.grad) if c is not None))
    return change.size


def _weight(change: Change) -> tuple[int, bool, float]:
    return (max(0, change.spoiled), not change.arrived, change.relative)


def _edges_changed(before: Moment, after: Moment, pairs: dict[int, int]) -> int:
    at = {(e.source, e.target, e.slot): number for number, e in enumerate(after.definition.edges)}
    count = 0
    for number, edge in enumerate(before.definition.edges):
        other = at.get((pairs.get(edge.source, -1), pairs.get(edge.target, -1), edge.slot))
        if other is None:
            continue
        grad = _at(after.edges, other)
        count += grad is not None and grad != _at(before.edges, number)
    return count


def _at(known: tuple[Digest | None, ...], number: int) -> Digest | None:
    return known[number] if number < len(known) else None


def _keys(graph: GraphDefined, fine: bool) -> list[tuple]:
    keys: list[tuple] = []
    for part in graph.nodes:
        path = graph.modules[part.module].path if 0 <= part.module < len(graph.modules) else ""
        keys.append(
            (part.kind, part.name, path, part.line, tuple(part.shape))
            if fine
            else (part.kind, part.name, path)
        )
    return keys


def _grouped(graph: GraphDefined, fine: bool) -> defaultdict[tuple, deque[int]]:
    groups: defaultdict[tuple, deque[int]] = defaultdict(deque)
    for number, key in enumerate(_keys(graph, fine)):
        groups[key].append(number)
    return groups
