"""What is visible when these modules are open: items, the leaves that stand beside their users, and edges."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.layout.outline import Outline
from app.layout.text_width import elided, text_width

OP, LEAF, INPUT, BOX, MENTION = range(5)
"""Kinds of item: an op, a leaf, an input, a closed module, and a hub mentioned beside one of its users."""

_KINDS = {"op": OP, "leaf": LEAF, "input": INPUT}
ABOVE, BELOW = 1, 2
_NAME_PX = 240.0


@dataclass(slots=True)
class Item:
    """One thing to draw. ref: the node's id, or the module's for a box. host: the item it stands beside."""

    kind: int
    ref: int
    group: int
    title: str
    line: str
    width: float
    height: float
    host: int = -1
    side: int = 0
    satellites: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Wire:
    """A visible edge between two items; `edges` are the graph's edges that it stands for."""

    source: int
    target: int
    label: str
    edges: list[int]


@dataclass(slots=True)
class Folding:
    """Items and wires; a wire whose source has a host is a short arrow to that host."""

    items: list[Item]
    wires: list[Wire]
    groups: list[int]
    """Open modules that hold something visible, outermost first."""
    boxes: dict[int, int]
    """closed module -> item"""


def fold(outline: Outline, opened: frozenset[int], hub_users: int = 8) -> Folding:
    """The visible items and wires of `outline` with the modules in `opened` open."""
    return _Folder(outline, opened, hub_users).run()


class _Folder:
    def __init__(self, outline: Outline, opened: frozenset[int], hub_users: int) -> None:
        self.outline = outline
        self.hub_users = hub_users
        self.items: list[Item] = []
        self.wires: list[Wire] = []
        self.own: dict[int, int] = {}
        self.boxes: dict[int, int] = {}
        self.mentioned: set[int] = set()
        self.order: list[int] = []
        self.closed = self._closed_by(opened)
        count = len(outline.kinds)
        self.incoming: list[list[int]] = [[] for _ in range(count)]
        self.users = [0] * count
        for edge, target in enumerate(outline.targets):
            self.incoming[target].append(edge)
            self.users[outline.sources[edge]] += 1
        for edges in self.incoming:
            if len(edges) > 1:
                edges.sort(key=outline.slots.__getitem__)
        self.leaf = [kind != "op" for kind in outline.kinds]
        self.side = self._made_of_parameters()
        self.members: dict[int, int] = {}
        for module in outline.node_modules:
            if module >= 0 and self.closed[module] >= 0:
                box = self.closed[module]
                self.members[box] = self.members.get(box, 0) + 1

    def run(self) -> Folding:
        outline = self.outline
        box_of = [self.closed[m] if m >= 0 else -1 for m in outline.node_modules]
        self.box_of = box_of
        for node, box in enumerate(box_of):
            if box >= 0:
                if box not in self.boxes and not self.leaf[node]:
                    self._box_item(box)
            elif not self.leaf[node]:
                self._node_item(node)
        merged: dict[tuple[int, int], Wire] = {}
        for target in range(len(outline.kinds)):
            for edge in self.incoming[target]:
                self._wire(edge, merged)
        for node, box in enumerate(box_of):
            if box >= 0:
                if box not in self.boxes:
                    self._box_item(box)
            elif node not in self.own and node not in self.mentioned:
                self._node_item(node)
        used = {item.group for item in self.items}
        for module in reversed(self.order):
            if module in used:
                used.add(outline.parents[module])
        return Folding(self.items, self.wires, [m for m in self.order if m in used], self.boxes)

    def _closed_by(self, opened: frozenset[int]) -> list[int]:
        """For each module the outermost closed module around it (itself included), -1 if all are open."""
        parents = self.outline.parents
        children: dict[int, list[int]] = {}
        for module, parent in enumerate(parents):
            children.setdefault(parent, []).append(module)
        closed = [-1] * len(parents)
        self.order = list(children.get(-1, []))
        for module in self.order:
            outer = closed[parents[module]] if parents[module] >= 0 else -1
            closed[module] = outer if outer >= 0 else (-1 if module in opened else module)
            self.order.extend(children.get(module, []))
        return closed

    def _made_of_parameters(self) -> list[bool]:
        """Which ops depend on nothing but parameters of modules, as the transpose of a weight does."""
        outline = self.outline
        side = [False] * len(outline.kinds)
        changed = True
        while changed:
            changed = False
            for node, edges in enumerate(self.incoming):
                if not side[node] and edges and len(edges) <= 2 and all(
                        side[s] or (outline.kinds[s] == "leaf"
                                    and (outline.node_modules[s] >= 0 or len(edges) == 1))
                        for s in (outline.sources[e] for e in edges)):
                    side[node] = changed = True
        return side

    def _stands_beside(self, edge: int) -> bool:
        """Whether this edge's source is drawn as a satellite of its target."""
        outline = self.outline
        source, target = outline.sources[edge], outline.targets[edge]
        if not self.leaf[source]:
            inner = self.side[source] and outline.node_modules[source] >= 0
            return self.users[source] > (3 if inner else self.hub_users)
        home = outline.node_modules[source]
        if home >= 0 or self.users[source] > 3:
            return True
        flows = [e for e in self.incoming[target]
                 if not self.leaf[outline.sources[e]] and not self.side[outline.sources[e]]]
        if flows:
            return True
        if outline.kinds[source] == "leaf":
            return any(outline.kinds[outline.sources[e]] == "input" for e in self.incoming[target])
        return False

    def _wire(self, edge: int, merged: dict[tuple[int, int], Wire]) -> None:
        outline = self.outline
        source, target = outline.sources[edge], outline.targets[edge]
        from_box, into_box = self.box_of[source], self.box_of[target]
        if from_box >= 0 and from_box == into_box:
            return
        if into_box < 0 and self._stands_beside(edge):
            self._satellite(edge, self.own[target])
            return
        if self.leaf[source] and into_box >= 0:
            if outline.node_modules[source] >= 0:
                return
            if self.users[source] > 3:
                self._beside_box(edge, into_box, merged)
                return
        start = self._end(source, from_box)
        end = self._end(target, into_box)
        wire = merged.get((start, end)) if from_box >= 0 or into_box >= 0 else None
        if wire is None:
            wire = Wire(start, end, outline.labels[edge], [edge])
            self.wires.append(wire)
            merged[start, end] = wire
        else:
            wire.edges.append(edge)

    def _end(self, node: int, box: int) -> int:
        if box >= 0:
            return self.boxes[box] if box in self.boxes else self._box_item(box)
        return self.own[node] if node in self.own else self._node_item(node)

    def _beside_box(self, edge: int, box: int, merged: dict[tuple[int, int], Wire]) -> None:
        key = (-1 - self.outline.sources[edge], box)
        if key in merged:
            merged[key].edges.append(edge)
            return
        self._satellite(edge, self.boxes[box] if box in self.boxes else self._box_item(box))
        merged[key] = self.wires[-1]

    def _satellite(self, edge: int, host: int) -> None:
        outline = self.outline
        source = outline.sources[edge]
        kind = _KINDS.get(outline.kinds[source], OP)
        title = self._name(source, self.items[host].group)
        if kind == OP:
            kind = MENTION
        self.mentioned.add(source)
        width = max(46.0, text_width(title) + 34)
        item = Item(kind, source, self.items[host].group, title, "", width, 30.0, host,
                    BELOW if kind == INPUT else ABOVE)
        self.items.append(item)
        number = len(self.items) - 1
        self.items[host].satellites.append(number)
        self.wires.append(Wire(number, host, outline.labels[edge], [edge]))

    def _name(self, node: int, group: int) -> str:
        name = self.outline.names[node]
        if group >= 0 and self.leaf[node] and "." in name:
            before, _, last = name.rpartition(".")
            path = self.outline.paths[group]
            if path == before or path.endswith("." + before):
                name = last
        return elided(name, _NAME_PX)

    def _node_item(self, node: int) -> int:
        outline = self.outline
        kind = _KINDS.get(outline.kinds[node], OP)
        group = outline.node_modules[node]
        title, line = self._name(node, group), outline.lines[node]
        if kind == OP:
            width = max(68.0, text_width(title) + 44, text_width(line, 11) + 32)
            item = Item(kind, node, group, title, line, width, 66.0 if line else 44.0)
        else:
            item = Item(kind, node, group, title, "", max(56.0, text_width(title) + 36), 36.0)
        self.items.append(item)
        self.own[node] = len(self.items) - 1
        return self.own[node]

    def _box_item(self, module: int) -> int:
        outline = self.outline
        title = elided(outline.titles[module], _NAME_PX)
        count = self.members.get(module, 0)
        parts = [outline.details[module], f"{count} node" if count == 1 else f"{count} nodes"]
        line = elided(" · ".join(part for part in parts if part), _NAME_PX, 11)
        width = max(112.0, text_width(title) + 48, text_width(line, 11) + 48)
        self.items.append(Item(BOX, module, outline.parents[module], title, line, width, 66.0))
        self.boxes[module] = len(self.items) - 1
        return self.boxes[module]
