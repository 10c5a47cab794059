"""Coordinates within columns: straight edges by aligned blocks.

Source: Brandes and Köpf, Fast and Simple Horizontal Coordinate Assignment (2001), with ports and sizes inside
blocks after Rüegg et al. (2015); blocks are compacted by longest paths."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from app.layout.order import Segments

Link = tuple[int, float, float]
"""neighbour, own port and the neighbour's port, both in pixels"""


@dataclass(slots=True)
class Ports:
    """Segments with their ports in pixels: links of each vertex to the columns before and after."""

    up: list[list[Link]]
    down: list[list[Link]]
    main_in: dict[int, int]
    """vertex -> the neighbour before it to which it should be joined by a straight line"""
    main_out: dict[int, int]
    """the same for the neighbour after it"""


def place(parts: Segments, ports: Ports, size: list[float], gap_px: float, lane_px: float) -> list[float]:
    """The near edge of each vertex, across; the least is 0."""
    real = parts.real
    columns = parts.columns
    conflicts = _conflicts(parts)
    runs: list[list[float]] = []
    for downwards in (True, False):
        for forward in (True, False):
            ordered = [c if forward else c[::-1] for c in (columns if downwards else columns[::-1])]
            near = ports.up if downwards else ports.down
            main = ports.main_in if downwards else ports.main_out
            spots = _aligned(ordered, near, main, size, conflicts, forward, real, gap_px, lane_px)
            if not forward:
                spots = [-(x + s) for x, s in zip(spots, size, strict=True)]
            low = min(spots, default=0.0)
            runs.append([x - low for x in spots])
            if len(size) > 30_000 and len(runs) == 2:
                break
        if len(runs) == 2 and len(size) > 30_000:
            break
    extents = [max((x + s for x, s in zip(r, size, strict=True)), default=0.0) for r in runs]
    narrow = min(range(len(runs)), key=extents.__getitem__)
    if len(runs) == 4:
        shifts = [0.0 if i % 2 == 0 else extents[narrow] - extents[i] for i in range(4)]
        shifted = [[x + shift for x in run] for run, shift in zip(runs, shifts, strict=True)]
        runs.append([(s[1] + s[2]) / 2 for s in map(sorted, zip(*shifted, strict=True))])
        extents.append(max((x + s for x, s in zip(runs[-1], size, strict=True)), default=0.0))
    costs = [_cost(run, ports, real) + 0.5 * extent for run, extent in zip(runs, extents, strict=True)]
    best = runs[min(range(len(runs)), key=lambda i: (costs[i], i != len(runs) - 1))]
    low = min(best, default=0.0)
    return [x - low for x in best]


def _cost(spots: list[float], ports: Ports, real: int) -> float:
    """Bends and slant of all segments; a long edge has to bend at its ends, nothing else has to."""
    cost = 0.0
    for vertex, links in enumerate(ports.up):
        for other, own, port in links:
            slant = abs(spots[vertex] + own - spots[other] - port)
            if slant > 0.5:
                weight = _importance(ports, real, other, vertex)
                cost += slant * (1 + weight) + (12.0, 60.0, 120.0)[weight]
    return cost


def _importance(ports: Ports, real: int, source: int, target: int) -> int:
    """How much it matters that this segment is straight: 0 to 2."""
    if source >= real and target >= real:
        return 2
    wanted_in, wanted_out = ports.main_in.get(target), ports.main_out.get(source)
    if wanted_in is not None and wanted_in != source:
        return 0
    if wanted_out is not None and wanted_out != target:
        return 0
    return (wanted_in == source or target < real) + (wanted_out == target or source < real)


def _conflicts(parts: Segments) -> set[tuple[int, int]]:
    """Segments that cross one between two dummies: those give way."""
    real = parts.real
    position = [0] * len(parts.up)
    for column in parts.columns:
        for spot, vertex in enumerate(column):
            position[vertex] = spot
    found: set[tuple[int, int]] = set()
    for column in parts.columns[1:]:
        low, scanned = -1, 0
        for spot, vertex in enumerate(column):
            inner = -1
            if vertex >= real:
                other = parts.up[vertex][0][0]
                if other >= real:
                    inner = position[other]
            if inner < 0 and spot != len(column) - 1:
                continue
            high = inner if inner >= 0 else 1 << 60
            for crossed in column[scanned : spot + 1]:
                for other, _, _ in parts.up[crossed]:
                    if (position[other] < low or position[other] > high) and not (
                            crossed >= real and other >= real):
                        found.add((other, crossed))
            scanned, low = spot + 1, high
    return found


def _aligned(columns: list[list[int]], near: list[list[Link]], main: dict[int, int],
             size: list[float], conflicts: set[tuple[int, int]], forward: bool, real: int, gap_px: float,
             lane_px: float) -> list[float]:
    """One of the four alignments, pushed to one side."""
    count = len(size)
    position = [0] * count
    for column in columns:
        for spot, vertex in enumerate(column):
            position[vertex] = spot
    root = list(range(count))
    taken = bytearray(count)
    inner = [0.0] * count
    for column in columns[1:]:
        reached = -1
        for vertex in column:
            links = near[vertex]
            if not links:
                continue
            if len(links) > 1:
                links = sorted(links, key=lambda link: (position[link[0]], link[2] if forward else -link[2]))
            middle = (len(links) - 1) / 2
            picks = [links[int(middle)]]
            if middle % 1:
                picks.append(links[int(middle + 0.5)])
            if len(links) > 1:
                picks = [link for link in links if main.get(vertex) == link[0]][:1] + picks
            for other, own, port in picks:
                if taken[other] or position[other] <= reached:
                    continue
                if conflicts and ((other, vertex) in conflicts or (vertex, other) in conflicts):
                    continue
                if not forward:
                    own, port = size[vertex] - own, size[other] - port
                taken[other] = 1
                root[vertex] = root[other]
                inner[vertex] = inner[other] + port - own
                reached = position[other]
                break
    return _compacted(columns, size, root, inner, real, gap_px, lane_px)


def _compacted(columns: list[list[int]], size: list[float], root: list[int], inner: list[float], real: int,
               gap_px: float, lane_px: float) -> list[float]:
    count = len(size)
    after: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    waiting = [0] * count
    for column in columns:
        for a, b in pairwise(column):
            dummies = (a >= real) + (b >= real)
            gap = gap_px if not dummies else lane_px
            after[root[a]].append((root[b], inner[a] + size[a] + gap - inner[b]))
            waiting[root[b]] += 1
    order = [v for v in range(count) if root[v] == v and not waiting[v]]
    at = [0.0] * count
    for block in order:
        here = at[block]
        for other, apart in after[block]:
            at[other] = max(at[other], here + apart)
            waiting[other] -= 1
            if not waiting[other]:
                order.append(other)
    for block in reversed(order):
        if after[block]:
            at[block] = max(at[block], min(at[other] - apart for other, apart in after[block]))
    return [at[root[v]] + inner[v] for v in range(count)]
