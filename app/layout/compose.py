"""All levels of a graph, each laid out by itself from the innermost outwards, put together into a scene."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from app.layout.fold import BELOW, BOX, OP, Folding, fold
from app.layout.layered import layered
from app.layout.level import Arc, Level, PlacedLevel, Point
from app.layout.outline import Outline
from app.layout.scene import Scene
from app.layout.text_width import text_width

HEAD_PX, FOOT_PX, SIDE_PX = 46.0, 22.0, 24.0
_PILL_GAP_PX, _PILL_DROP_PX = 12.0, 46.0
_PORT_PX = 22.0

Layout = Callable[[Level], PlacedLevel]
_Port = tuple[str, int]


@dataclass(slots=True)
class _Room:
    """One level while it is made: the root (-1) or an open module."""

    level: Level = field(default_factory=Level)
    vertices: dict[_Port, int] = field(default_factory=dict)
    arcs: dict[tuple[_Port, int, _Port, int], int] = field(default_factory=dict)
    ends: list[tuple[_Port, int, _Port, int]] = field(default_factory=list)
    labels: list[float] = field(default_factory=list)
    children: list[_Port] = field(default_factory=list)
    placed: PlacedLevel | None = None
    in_ports: dict[int, int] = field(default_factory=dict)
    out_ports: dict[int, int] = field(default_factory=dict)
    x: float = 0.0
    y: float = 0.0


def compose(outline: Outline, opened: frozenset[int], downwards: bool = False,
            layout: Layout = layered) -> Scene:
    """The scene of `outline` with these modules open; `layout` places one level."""
    return _Composer(outline, fold(outline, opened), downwards, layout).run()


class _Composer:
    def __init__(self, outline: Outline, folding: Folding, downwards: bool, layout: Layout) -> None:
        self.outline, self.folding, self.downwards, self.layout = outline, folding, downwards, layout
        self.items = folding.items
        self.rooms: dict[int, _Room] = {-1: _Room(), **{g: _Room() for g in folding.groups}}
        self.routes: list[list[tuple[int, int]]] = []
        self.trails: dict[int, list[int]] = {-1: [-1]}

    def run(self) -> Scene:
        for number, item in enumerate(self.items):
            if item.host < 0:
                self.rooms[item.group].children.append(("item", number))
        for group in self.folding.groups:
            self.rooms[self.outline.parents[group]].children.append(("group", group))
            self.trails[group] = [*self.trails[self.outline.parents[group]], group]
        for number in range(len(self.folding.wires)):
            self.routes.append(self._route(number))
        self._make_room_for_ports()
        for group in [*reversed(self.folding.groups), -1]:
            self._place(group)
        return self._scene()

    def _make_room_for_ports(self) -> None:
        """Items with many edges on one side grow, so that arrow heads stand apart."""
        out: dict[int, set[tuple[int, int]]] = {}
        into: dict[int, set[tuple[int, int]]] = {}
        for wire, route in zip(self.folding.wires, self.routes, strict=True):
            if route:
                out.setdefault(wire.source, set()).add(route[0])
                into.setdefault(wire.target, set()).add(route[-1])
        for number, item in enumerate(self.items):
            ports = min(12, max(len(out.get(number, ())), len(into.get(number, ()))))
            if item.kind not in (OP, BOX):
                continue
            if ports > 1 and self.downwards:
                item.width = max(item.width, _PORT_PX * (ports - 1) + 48)
            elif ports > 1:
                item.height = max(item.height, _PORT_PX * (ports - 1) + 30)

    # -- which levels a wire passes -------------------------------------------------------------------------

    def _route(self, number: int) -> list[tuple[int, int]]:
        wire = self.folding.wires[number]
        source, target = self.items[wire.source], self.items[wire.target]
        if source.host >= 0:
            return []
        out, into = self.trails[source.group], self.trails[target.group]
        common = 0
        while common < len(out) and common < len(into) and out[common] == into[common]:
            common += 1
        route: list[tuple[int, int]] = []
        end: _Port = ("item", wire.source)
        port = -1
        for group in reversed(out[common:]):
            room = self.rooms[group]
            leaving = room.out_ports.setdefault(wire.source, len(room.out_ports))
            route.append((group, self._arc(group, end, port, ("out", leaving), -1, 0.0)))
            end, port = ("group", group), leaving
        steps: list[tuple[int, _Port, int, _Port, int]] = []
        goal: _Port = ("item", wire.target)
        goal_port = -1
        for group in reversed(into[common:]):
            room = self.rooms[group]
            entering = room.in_ports.setdefault(wire.source, len(room.in_ports))
            steps.append((group, ("in", entering), -1, goal, goal_port))
            goal, goal_port = ("group", group), entering
        label = self._label_px(wire.label)
        route.append((out[common - 1], self._arc(out[common - 1], end, port, goal, goal_port, label)))
        for group, start, start_port, stop, stop_port in reversed(steps):
            route.append((group, self._arc(group, start, start_port, stop, stop_port, 0.0)))
        return route

    def _label_px(self, label: str) -> float:
        if not label:
            return 0.0
        return 14.0 if self.downwards else max(30.0, text_width(label, 11))

    def _arc(self, group: int, start: _Port, start_port: int, stop: _Port, stop_port: int,
             label_px: float) -> int:
        room = self.rooms[group]
        key = (start, start_port, stop, stop_port)
        if key[0][0] == "item" and key[2][0] == "item":
            room.ends.append(key)
            room.labels.append(label_px)
            return len(room.ends) - 1
        if key not in room.arcs:
            room.arcs[key] = len(room.ends)
            room.ends.append(key)
            room.labels.append(label_px)
        return room.arcs[key]

    # -- one level ------------------------------------------------------------------------------------------

    def _place(self, group: int) -> None:
        room = self.rooms[group]
        level = room.level
        level.lane_px = 48.0 if self.downwards else 24.0
        level.number_px = 0.0 if self.downwards else 40.0
        for number in range(len(room.in_ports)):
            room.vertices["in", number] = vertex = level.add(0.0, 0.0)
            level.first.add(vertex)
        for child in room.children:
            room.vertices[child] = self._vertex(level, child)
        for number in range(len(room.out_ports)):
            room.vertices["out", number] = vertex = level.add(0.0, 0.0)
            level.last.add(vertex)
        for (start, start_port, stop, stop_port), label in zip(room.ends, room.labels, strict=True):
            out_at, in_at = self._port_at(start, start_port, "out"), self._port_at(stop, stop_port, "in")
            level.arcs.append(Arc(room.vertices[start], room.vertices[stop], out_at, in_at, label))
        if group >= 0 and not self.downwards:
            level.least_px = self._title_px(group) - SIDE_PX * ((not level.first) + (not level.last))
        room.placed = self.layout(level)

    def _title_px(self, group: int) -> float:
        detail = self.outline.details[group]
        return text_width(self.outline.titles[group]) + 32 + (text_width(detail, 11) + 24 if detail else 0)

    def _port_at(self, end: _Port, port: int, side: str) -> float | None:
        if end[0] in ("in", "out"):
            return 0.0
        if end[0] == "item":
            return None
        room = self.rooms[end[1]]
        assert room.placed is not None
        return self._inset(end[1])[1] + room.placed.across_at[room.vertices[side, port]]

    def _inset(self, group: int) -> tuple[float, float]:
        """Where a group's level begins inside its box: along, across."""
        lead = 0.0 if self.rooms[group].level.first else SIDE_PX
        if self.downwards:
            return HEAD_PX, max(SIDE_PX, self._slack(group) / 2)
        return lead, HEAD_PX

    def _slack(self, group: int) -> float:
        placed = self.rooms[group].placed
        return self._title_px(group) - (placed.breadth if placed else 0.0)

    def _extent(self, group: int) -> tuple[float, float]:
        """Length along and breadth across of a group's box."""
        room = self.rooms[group]
        assert room.placed is not None
        lead, near = self._inset(group)
        if self.downwards:
            return room.placed.length + HEAD_PX + FOOT_PX, room.placed.breadth + 2 * near
        trail = 0.0 if room.level.last else SIDE_PX
        return room.placed.length + lead + trail, room.placed.breadth + HEAD_PX + FOOT_PX

    def _vertex(self, level: Level, child: _Port) -> int:
        if child[0] == "group":
            return level.add(*self._extent(child[1]))
        item = self.items[child[1]]
        above = [s for s in item.satellites if self.items[s].side != BELOW]
        below = [s for s in item.satellites if self.items[s].side == BELOW]
        if self.downwards:
            near, far = (self._column_px(pills) for pills in (above, below))
            stack = max(len(above), len(below)) * (30 + _PILL_GAP_PX) - _PILL_GAP_PX
            along = max(item.height, stack)
            start = (along - item.height) / 2
            return level.add(along, near + item.width + far, near + item.width / 2,
                             max(0.0, item.width / 2 - 24), start, start + item.height)
        row = max(self._row_px(above), self._row_px(below))
        near, far = ((30.0 + _PILL_DROP_PX if pills else 0.0) for pills in (above, below))
        along = max(item.width, row)
        start = (along - item.width) / 2
        return level.add(along, near + item.height + far, near + item.height / 2,
                         max(0.0, item.height / 2 - 14), start, start + item.width)

    def _row_px(self, pills: list[int]) -> float:
        return sum(self.items[p].width + _PILL_GAP_PX for p in pills) - (_PILL_GAP_PX if pills else 0.0)

    def _column_px(self, pills: list[int]) -> float:
        return max((self.items[p].width for p in pills), default=-_PILL_DROP_PX) + _PILL_DROP_PX

    # -- everything together --------------------------------------------------------------------------------

    def _scene(self) -> Scene:
        outline, folding = self.outline, self.folding
        rects = np.zeros((len(self.items), 4), np.float32)
        short: dict[int, list[Point]] = {}
        group_rects = np.zeros((len(folding.groups), 4), np.float32)
        places = {group: number for number, group in enumerate(folding.groups)}
        wire_of = {wire.source: n for n, wire in enumerate(folding.wires)
                   if self.items[wire.source].host >= 0}
        for group in [-1, *folding.groups]:
            room = self.rooms[group]
            placed = room.placed
            assert placed is not None
            for child in room.children:
                vertex = room.vertices[child]
                x, y = self._absolute(room, placed.along_at[vertex], placed.across_at[vertex])
                if child[0] == "item":
                    self._set_item(child[1], x, y, room.level, vertex, rects, short, wire_of)
                    continue
                inner = self.rooms[child[1]]
                length, breadth = self._extent(child[1])
                lead, near = self._inset(child[1])
                inner.x, inner.y = (x + near, y + lead) if self.downwards else (x + lead, y + near)
                group_rects[places[child[1]]] = (x, y, *((breadth, length) if self.downwards
                                                         else (length, breadth)))
        points: list[Point] = []
        point_at = np.zeros(len(folding.wires) + 1, np.int32)
        labels = np.zeros((len(folding.wires), 2), np.float32)
        shown: set[tuple[int, int]] = set()
        texts: list[str] = []
        for number, wire in enumerate(folding.wires):
            route = self.routes[number]
            texts.append(wire.label if route else "")
            chain: list[Point] = short.get(number, [])
            for group, arc in route:
                room = self.rooms[group]
                assert room.placed is not None
                piece = [self._absolute(room, *point) for point in room.placed.paths[arc]]
                chain = piece if not chain else chain + _joined(chain[-1], piece)
                if room.labels[arc]:
                    labels[number] = self._absolute(room, *room.placed.labels[arc])
                    if (group, arc) in shown:
                        texts[-1] = ""
                    shown.add((group, arc))
            points += chain
            point_at[number + 1] = len(points)
        edge_at = np.zeros(len(folding.wires) + 1, np.int32)
        np.cumsum([len(w.edges) for w in folding.wires], out=edge_at[1:])
        all_points = np.array(points, np.float32).reshape(-1, 2)
        depth = {-1: -1}
        for group in folding.groups:
            depth[group] = depth[outline.parents[group]] + 1
        scene = Scene(
            outline.hash, self.downwards, tuple(sorted(folding.groups)),
            np.array([i.kind for i in self.items], np.uint8),
            np.array([i.ref for i in self.items], np.int32),
            np.array([i.group for i in self.items], np.int32),
            np.array([i.host for i in self.items], np.int32),
            rects,
            [i.title for i in self.items],
            [i.line for i in self.items],
            np.array(folding.groups, np.int32),
            np.array([depth[g] for g in folding.groups], np.int32),
            group_rects,
            [outline.titles[g] for g in folding.groups],
            [outline.details[g] for g in folding.groups],
            np.array([w.source for w in folding.wires], np.int32),
            np.array([w.target for w in folding.wires], np.int32),
            labels,
            _boxes(all_points, point_at),
            texts,
            point_at,
            all_points,
            edge_at,
            np.array([e for w in folding.wires for e in w.edges], np.int32),
        )
        return scene

    def _absolute(self, room: _Room, along: float, across: float) -> Point:
        return (room.x + across, room.y + along) if self.downwards else (room.x + along, room.y + across)

    def _set_item(self, number: int, x: float, y: float, level: Level, vertex: int, rects: np.ndarray,
                  short: dict[int, list[Point]], wire_of: dict[int, int]) -> None:
        item = self.items[number]
        if self.downwards:
            left, top = x + level.middle[vertex] - item.width / 2, y + level.start[vertex]
        else:
            left, top = x + level.start[vertex], y + level.middle[vertex] - item.height / 2
        rects[number] = (left, top, item.width, item.height)
        for below in (False, True):
            pills = [s for s in item.satellites if (self.items[s].side == BELOW) == below]
            if not pills:
                continue
            if self.downwards:
                at = top + item.height / 2 - (len(pills) * (30 + _PILL_GAP_PX) - _PILL_GAP_PX) / 2
                offsets = [at + place * (30 + _PILL_GAP_PX) + 15 - top - item.height / 2
                           for place in range(len(pills))]
                room = item.height / 2 - 16
            else:
                at = left + item.width / 2 - self._row_px(pills) / 2
                offsets, run = [], at
                for pill in pills:
                    offsets.append(run + self.items[pill].width / 2 - left - item.width / 2)
                    run += self.items[pill].width + _PILL_GAP_PX
                room = item.width / 2 - 22
            shrink = min(1.0, room / max(1.0, max(map(abs, offsets))))
            for place, pill in enumerate(pills):
                width = self.items[pill].width
                aim = offsets[place] * shrink
                drop = _PILL_DROP_PX if below else -_PILL_DROP_PX
                if self.downwards:
                    edge = left + item.width if below else left
                    rects[pill] = (edge + drop - (0 if below else width), at, width, 30)
                    start, end = (edge + drop, at + 15), (edge, top + item.height / 2 + aim)
                    at += 30 + _PILL_GAP_PX
                    middle = (start[0] + end[0]) / 2
                    short[wire_of[pill]] = [start, (middle, start[1]), (middle, end[1]), end]
                else:
                    edge = top + item.height if below else top
                    rects[pill] = (at, edge + drop - (0 if below else 30), width, 30)
                    start, end = (at + width / 2, edge + drop), (left + item.width / 2 + aim, edge)
                    at += width + _PILL_GAP_PX
                    middle = (start[1] + end[1]) / 2
                    short[wire_of[pill]] = [start, (start[0], middle), (end[0], middle), end]


def _joined(end: Point, piece: list[Point]) -> list[Point]:
    """`piece` without its first point where it begins at `end`, else with a straight line to it."""
    x, y = piece[0]
    if abs(x - end[0]) < 0.01 and abs(y - end[1]) < 0.01:
        return piece[1:]
    third = ((end[0] * 2 + x) / 3, (end[1] * 2 + y) / 3)
    return [third, ((end[0] + 2 * x) / 3, (end[1] + 2 * y) / 3), *piece]


def _boxes(points: np.ndarray, point_at: np.ndarray) -> np.ndarray:
    boxes = np.zeros((len(point_at) - 1, 4), np.float32)
    filled = np.flatnonzero(point_at[1:] > point_at[:-1])
    if len(filled):
        starts = point_at[:-1][filled]
        boxes[filled, :2] = np.minimum.reduceat(points, starts)
        boxes[filled, 2:] = np.maximum.reduceat(points, starts)
    return boxes
