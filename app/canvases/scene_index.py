"""Finds things in a scene: what is under a point, where a node is drawn, neighbours, paths. No Qt."""

from __future__ import annotations

from collections import deque

import numpy as np

from app.layout.fold import BOX, MENTION
from app.layout.scene import Scene
from app.session.graph import Graph


class SceneIndex:
    """Look-ups for one scene of one graph."""

    def __init__(self, scene: Scene, graph: Graph) -> None:
        self.scene = scene
        self.graph = graph
        self.box_of_module = {int(scene.item_ref[i]): int(i) for i in np.flatnonzero(scene.item_kind == BOX)}
        self.group_of_module = {int(r): i for i, r in enumerate(scene.group_ref)}
        self._item_of_node: dict[int, int] = {}
        hosts = scene.item_host.tolist()
        kinds, refs = scene.item_kind.tolist(), scene.item_ref.tolist()
        for item, (kind, ref) in enumerate(zip(kinds, refs, strict=True)):
            if kind == BOX:
                continue
            if ref not in self._item_of_node or (hosts[item] < 0 and kind != MENTION):
                self._item_of_node[ref] = item
        self.wires_of: dict[int, tuple[list[int], list[int]]] = {}
        sources, targets = scene.wire_source.tolist(), scene.wire_target.tolist()
        for wire, (a, b) in enumerate(zip(sources, targets, strict=True)):
            self.wires_of.setdefault(a, ([], []))[1].append(wire)
            self.wires_of.setdefault(b, ([], []))[0].append(wire)
        self._wire_of_edge: dict[int, int] | None = None

    def item_of_node(self, node: int) -> int:
        """The item that shows a node: its own, or the closed module around it; -1 if neither."""
        item = self._item_of_node.get(node, -1)
        if item < 0 and 0 <= node < len(self.graph.nodes):
            module, seen = self.graph.nodes[node].module, 0
            while 0 <= module < len(self.graph.modules) and seen <= len(self.graph.modules):
                if module in self.box_of_module:
                    return self.box_of_module[module]
                module, seen = self.graph.modules[module].parent, seen + 1
        return item

    def wire_of_edge(self, edge: int) -> int:
        """The wire that stands for an edge, -1 where it is inside a closed module."""
        if self._wire_of_edge is None:
            scene = self.scene
            wires = np.repeat(np.arange(len(scene.wire_source)), np.diff(scene.edge_at))
            self._wire_of_edge = dict(zip(scene.edges.tolist(), wires.tolist(), strict=True))
        return self._wire_of_edge.get(edge, -1)

    def item_at(self, x: float, y: float, slack: float = 2.0) -> int:
        """The item under a point of the scene, -1 if none."""
        rect = self.scene.item_rect
        hit = np.flatnonzero((rect[:, 0] - slack <= x) & (x <= rect[:, 0] + rect[:, 2] + slack)
                             & (rect[:, 1] - slack <= y) & (y <= rect[:, 1] + rect[:, 3] + slack))
        return int(hit[-1]) if len(hit) else -1

    def group_at(self, x: float, y: float) -> int:
        """The innermost group under a point, -1 if none."""
        rect = self.scene.group_rect
        hit = np.flatnonzero((rect[:, 0] <= x) & (x <= rect[:, 0] + rect[:, 2])
                             & (rect[:, 1] <= y) & (y <= rect[:, 1] + rect[:, 3]))
        return int(hit[np.argmax(self.scene.group_depth[hit])]) if len(hit) else -1

    def wire_at(self, x: float, y: float, reach: float) -> int:
        """The wire nearest to a point and within `reach`, -1 if none."""
        box = self.scene.wire_box
        near = np.flatnonzero((box[:, 0] - reach <= x) & (x <= box[:, 2] + reach)
                              & (box[:, 1] - reach <= y) & (y <= box[:, 3] + reach))
        best, distance = -1, reach
        t = np.linspace(0, 1, 9)[:, None]
        for wire in near[:200].tolist():
            points = self.scene.wire_points(wire).astype(np.float64)
            for at in range(0, len(points) - 1, 3):
                a, b, c, d = points[at : at + 4]
                spots = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
                found = _distance(spots, x, y)
                if found < distance:
                    best, distance = wire, found
        return best

    def step(self, item: int, dx: int, dy: int) -> int:
        """The item an arrow key leads to from `item`: along an edge, else the nearest on that side."""
        scene = self.scene
        along = dy if scene.downwards else dx
        if along:
            into, out = self.wires_of.get(item, ([], []))
            ends = [int((scene.wire_target if along > 0 else scene.wire_source)[w])
                    for w in (out if along > 0 else into)]
            if ends:
                own = scene.item_rect[item]
                axis = 0 if scene.downwards else 1
                middle = own[axis] + own[axis + 2] / 2
                return min(ends, key=lambda i: (scene.item_host[i] >= 0, abs(
                    scene.item_rect[i, axis] + scene.item_rect[i, axis + 2] / 2 - middle)))
        rect = scene.item_rect
        centres = rect[:, :2] + rect[:, 2:] / 2
        offset = centres - centres[item]
        forward = offset @ np.array([dx, dy], np.float32)
        sideways = np.abs(offset @ np.array([dy, dx], np.float32))
        cost = np.where(forward > 4, forward + 2 * sideways, np.inf)
        best = int(np.argmin(cost)) if len(cost) else item
        return best if np.isfinite(cost[best]) else item

    def path(self, start: int, end: int) -> tuple[set[int], set[int]]:
        """Items and wires on a shortest way along edges between two items; empty if there is none."""
        for a, b in ((start, end), (end, start)):
            came: dict[int, tuple[int, int]] = {a: (-1, -1)}
            queue = deque([a])
            while queue and b not in came:
                item = queue.popleft()
                for wire in self.wires_of.get(item, ([], []))[1]:
                    target = int(self.scene.wire_target[wire])
                    if target not in came:
                        came[target] = (item, wire)
                        queue.append(target)
            if b in came:
                items, wires = {b}, set()
                while came[b][0] >= 0:
                    b, wire = came[b]
                    items.add(b)
                    wires.add(wire)
                return items, wires
        return set(), set()


def _distance(spots: np.ndarray, x: float, y: float) -> float:
    a, b = spots[:-1], spots[1:]
    d = b - a
    length = np.maximum((d * d).sum(axis=1), 1e-9)
    t = np.clip(((np.array([x, y]) - a) * d).sum(axis=1) / length, 0, 1)[:, None]
    return float(np.hypot(*(a + t * d - (x, y)).T).min())
