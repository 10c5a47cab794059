"""Our own layout of one level: columns along the flow, straight edges, curves only between columns.

An edge is level within every column and bends only between two, so none runs through an item."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from app.layout.level import Level, PlacedLevel, Point
from app.layout.order import Segments, count_crossings, order, segments
from app.layout.place import Link, Ports, place
from app.layout.rank import acyclic, ranks

GAP_PX = 30.0
_LEAST_GAP_PX = 36.0
_BORDER_GAP_PX = 28.0
_PORT_PX = 22.0
_STAGGER_PX, _MOST_STAGGER_PX = 16.0, 96.0


def layered(level: Level, reorder: Callable[[Segments], None] | None = None) -> PlacedLevel:
    """The level with vertices placed and arcs routed; `reorder` finds another order within columns."""
    sources, targets, turned = acyclic(level)
    rank, side = ranks(level, sources, targets)
    parts = segments(level, sources, targets, turned, rank)
    crossings = order(parts)
    if reorder is not None:
        reorder(parts)
        crossings = count_crossings(parts)
    size = level.across + [0.0] * (len(parts.up) - parts.real)
    out_at, in_at, main = _ports(level, parts, turned, side)
    across = place(parts, _in_pixels(parts, out_at, in_at, main), size, GAP_PX, level.lane_px)
    return _routed(level, parts, turned, across, out_at, in_at, crossings)


def _ports(level: Level, parts: Segments, turned: list[bool],
           side: list[bool]) -> tuple[list[float], list[float], tuple[dict[int, int], dict[int, int]]]:
    """Where each chain leaves its first vertex and enters its last.

    Several at one vertex are spread by order; one that is alone in being the main flow stays in the middle,
    so that a chain of residual blocks runs straight: the last answer names such neighbours."""
    main_in: dict[int, int] = {}
    main_out: dict[int, int] = {}
    position = [0] * len(parts.up)
    for column in parts.columns:
        for spot, vertex in enumerate(column):
            position[vertex] = spot
    out_at, in_at = [0.0] * len(level.arcs), [0.0] * len(level.arcs)
    leaving: dict[int, list[int]] = {}
    entering: dict[int, list[int]] = {}
    for number, (arc, chain) in enumerate(zip(level.arcs, parts.chains, strict=True)):
        out, into = (arc.in_at, arc.out_at) if turned[number] else (arc.out_at, arc.in_at)
        if out is None:
            leaving.setdefault(chain[0], []).append(number)
        else:
            out_at[number] = out
        if into is None:
            entering.setdefault(chain[-1], []).append(number)
        else:
            in_at[number] = into
    for ends, spots, near, main in ((leaving, out_at, 1, main_out), (entering, in_at, -2, main_in)):
        for vertex, numbers in ends.items():
            numbers.sort(key=lambda n: (position[parts.chains[n][near]], out_at[n]))
            importance = [(side[parts.chains[n][0]], len(parts.chains[n])) for n in numbers]
            middle = (len(numbers) - 1) / 2
            if importance.count(min(importance)) == 1:
                best = importance.index(min(importance))
                chain = parts.chains[numbers[best]]
                main[vertex] = chain[near]
                if abs(best - middle) <= 0.5:
                    middle = float(best)
            apart = min(_PORT_PX, level.reach[vertex] / max(1.0, middle, len(numbers) - 1 - middle))
            for spot, number in enumerate(numbers):
                spots[number] = level.middle[vertex] + (spot - middle) * apart
    return out_at, in_at, (main_in, main_out)


def _in_pixels(parts: Segments, out_at: list[float], in_at: list[float],
               main: tuple[dict[int, int], dict[int, int]]) -> Ports:
    up: list[list[Link]] = [[] for _ in parts.up]
    down: list[list[Link]] = [[] for _ in parts.up]
    for number, chain in enumerate(parts.chains):
        if len(chain) == 2 and not any(link[0] == chain[1] for link in parts.down[chain[0]]):
            continue
        for a, b in pairwise(chain):
            port = out_at[number] if a == chain[0] else 0.0
            end = in_at[number] if b == chain[-1] else 0.0
            up[b].append((a, end, port))
            down[a].append((b, port, end))
    return Ports(up, down, *main)


def _routed(level: Level, parts: Segments, turned: list[bool], across: list[float], out_at: list[float],
            in_at: list[float], crossings: int) -> PlacedLevel:
    real, columns = parts.real, parts.columns
    column_of = [0] * len(parts.up)
    width = [0.0] * len(columns)
    for number, column in enumerate(columns):
        for vertex in column:
            column_of[vertex] = number
            if vertex < real and level.along[vertex] > width[number]:
                width[number] = level.along[vertex]
    entered = [0] * real
    for chain in parts.chains:
        entered[chain[-1]] += 1
    slant = [0.0] * (len(columns) + 1)
    flat = [0.0] * (len(columns) + 1)
    level_label = [0.0] * (len(columns) + 1)
    bends: dict[tuple[int, bool], list[tuple[float, int]]] = {}
    for number, (arc, chain) in enumerate(zip(level.arcs, parts.chains, strict=True)):
        for a, b in pairwise(chain):
            gap = column_of[b]
            high = _height(across, chain, b, out_at[number], in_at[number])
            step = high - _height(across, chain, a, out_at[number], in_at[number])
            bend = abs(step)
            slant[gap] = max(slant[gap], bend)
            if bend > 30:
                bends.setdefault((gap, step > 0), []).append((high, number))
            if b == chain[-1] and arc.label_px:
                if bend > 1:
                    number_px = level.number_px if entered[b] > 1 else 0.0
                    flat[gap] = max(flat[gap], arc.label_px + 8 + number_px)
                level_label[gap] = max(level_label[gap], arc.label_px + 24)
    stagger, shifts = _staggered(bends)
    left = [0.0] * len(columns)
    at = 0.0
    for number in range(len(columns)):
        if number:
            curve = min(160.0, max(36.0, 0.5 * slant[number])) if slant[number] > 1 else 0.0
            border = all(v in level.first for v in columns[number - 1]) or all(
                v in level.last for v in columns[number])
            curve += stagger.get(number, 0.0)
            least = _BORDER_GAP_PX if border else _LEAST_GAP_PX
            at += max(least, level_label[number], curve + flat[number] + 32.0 if curve else 0.0)
        left[number] = at
        at += width[number]
    missing = level.least_px - at
    if missing > 0 and columns:
        for number in range(len(columns)):
            if number or not level.first:
                left[number] += missing / 2
        if level.last:
            left[-1] += missing / 2
        at += missing
    along = [left[column_of[v]] + (width[column_of[v]] - level.along[v]) / 2 for v in range(real)]
    paths: list[list[Point]] = []
    labels: list[Point] = []
    for number, (arc, chain) in enumerate(zip(level.arcs, parts.chains, strict=True)):
        turns = [(shifts.get((number, column_of[b]), 0.0), stagger.get(column_of[b], 0.0))
                 for b in chain[1:]]
        path, label = _path(level, chain, along, across, left, width, column_of, out_at[number],
                            in_at[number], arc.label_px, flat, turns, entered[chain[-1]] > 1)
        if turned[number]:
            path.reverse()
        paths.append(path)
        labels.append(label)
    breadth = max((across[v] + level.across[v] for v in range(real)), default=0.0)
    breadth = max([breadth, *(across[v] + 6 for v in range(real, len(across)))])
    return PlacedLevel(along, across[:real], paths, labels, at, breadth, crossings)


def _staggered(bends: dict[tuple[int, bool], list[tuple[float, int]]]) -> tuple[
        dict[int, float], dict[tuple[int, int], float]]:
    """How much later than the first each bend of a gap begins, so that steep ones keep their distance.

    First the room that each gap needs for that, then the shift of each (arc, gap)."""
    rooms: dict[int, float] = {}
    shifts: dict[tuple[int, int], float] = {}
    for (gap, falls), turns in bends.items():
        ends = sorted({end for end, _ in turns}, reverse=falls)
        apart = min(_STAGGER_PX, _MOST_STAGGER_PX / len(ends))
        place = {end: apart * number for number, end in enumerate(ends)}
        rooms[gap] = max(rooms.get(gap, 0.0), apart * (len(ends) - 1))
        for end, number in turns:
            shifts[number, gap] = place[end]
    return rooms, shifts


def _height(across: list[float], chain: list[int], vertex: int, out_at: float, in_at: float) -> float:
    if vertex == chain[0]:
        return across[vertex] + out_at
    return across[vertex] + (in_at if vertex == chain[-1] else 0.0)


def _path(level: Level, chain: list[int], along: list[float], across: list[float], left: list[float],
          width: list[float], column_of: list[int], out_at: float, in_at: float, label_px: float,
          flat: list[float], turns: list[tuple[float, float]],
          shared: bool) -> tuple[list[Point], Point]:
    """One chain as cubic curves, and where its label stands; shared: another arc ends at the same vertex."""
    source, target = chain[0], chain[-1]
    y = across[source] + out_at
    corners = [(along[source] + level.stop[source], y)]
    end = (along[target] + level.start[target], across[target] + in_at)
    label = ((corners[0][0] + end[0]) / 2, end[1])
    for (a, b), (shift, room) in zip(pairwise(chain), turns, strict=True):
        low = left[column_of[a]] + width[column_of[a]]
        high = left[column_of[b]]
        next_y = _height(across, chain, b, out_at, in_at)
        last = b == target
        flat_px = flat[column_of[b]] if last else 0.0
        if abs(next_y - y) > 0.5:
            low = max(low, corners[-1][0]) + (18.0 if a == source else 0.0)
            high = high - 10.0 - flat_px if last else high
            if high - low > room:
                low, high = low + shift, high - (room - shift)
            if high <= low:
                low, high = corners[-1][0], end[0]
            corners += [(low, y), (high, next_y)]
            if last:
                label = ((high + end[0] - 4) / 2 if label_px else end[0], next_y)
        elif last:
            start = corners[-1][0] if len(corners) == 1 else max(corners[-1][0], low)
            if shared and flat_px and not level.number_px:
                start = max(start, high - 10.0 - flat_px - 4)
            label = ((start + end[0]) / 2, next_y)
        y = next_y
    corners.append(end)
    if shared and label_px and level.number_px:
        label = (end[0] - 14.0 - label_px / 2, end[1])
    return curves(corners), label


def curves(corners: list[Point]) -> list[Point]:
    """Corners joined by curves that leave and arrive along the flow."""
    points = [corners[0]]
    for a, c in corners[1:]:
        from_a, from_c = points[-1]
        if abs(a - from_a) < 0.01 and abs(c - from_c) < 0.01:
            continue
        reach = (a - from_a) / (3 if abs(c - from_c) < 0.01 else 2)
        if reach < 0:
            reach = -reach
        points += [(from_a + reach, from_c), (a - reach, c), (a, c)]
    if len(points) == 1:
        points += [points[0]] * 3
    return points
