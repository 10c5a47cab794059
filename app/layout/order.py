"""The order within columns: few crossings, by sweeps of medians and swaps of neighbours."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass

from app.layout.level import Level

_COUNTED_SEGMENTS = 4000
_SWAPPED_VERTICES = 260


@dataclass(slots=True)
class Segments:
    """A level cut into columns: arcs become chains of segments over dummy vertices.

    Vertices from `real` on are dummies. up and down hold (neighbour, own port, the neighbour's port) with
    ports as fractions of the vertex's breadth."""

    real: int
    columns: list[list[int]]
    chains: list[list[int]]
    up: list[list[tuple[int, float, float]]]
    down: list[list[tuple[int, float, float]]]


def segments(level: Level, sources: list[int], targets: list[int], turned: list[bool],
             rank: list[int], dummy_limit: int = 400_000) -> Segments:
    """The level with each arc cut at the columns it passes. Beyond the limit long arcs are left whole."""
    real = len(level.along)
    columns: list[list[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    for vertex in range(real):
        columns[rank[vertex]].append(vertex)
    up: list[list[tuple[int, float, float]]] = [[] for _ in range(real)]
    down: list[list[tuple[int, float, float]]] = [[] for _ in range(real)]
    spans = [rank[t] - rank[s] for s, t in zip(sources, targets, strict=True)]
    longest = max(spans, default=0)
    while longest > 1 and sum(s - 1 for s in spans if 1 < s <= longest) > dummy_limit:
        longest //= 2
    chains: list[list[int]] = []
    count = real
    for number, arc in enumerate(level.arcs):
        source, target, span = sources[number], targets[number], spans[number]
        chain = [source]
        if 1 <= span <= longest:
            out_at, in_at = (arc.in_at, arc.out_at) if turned[number] else (arc.out_at, arc.in_at)
            port = 0.5 if out_at is None else out_at / (level.across[source] or 1.0)
            end = 0.5 if in_at is None else in_at / (level.across[target] or 1.0)
            for column in range(rank[source] + 1, rank[target]):
                up.append([(chain[-1], 0.5, port)])
                down.append([])
                down[chain[-1]].append((count, port, 0.5))
                columns[column].append(count)
                chain.append(count)
                port = 0.5
                count += 1
            up[target].append((chain[-1], end, port))
            down[chain[-1]].append((target, port, end))
        chain.append(target)
        chains.append(chain)
    return Segments(real, columns, chains, up, down)


def order(parts: Segments) -> int:
    """Put `parts.columns` in an order with few crossings; their number, or -1 where it was not counted."""
    total = sum(map(len, parts.down))
    position = [0.0] * len(parts.up)
    if total > _COUNTED_SEGMENTS:
        for number in range(4):
            _sweep(parts, position, downwards=number % 2 == 0)
        return -1
    start = [list(column) for column in parts.columns]
    best: list[list[int]] = start
    fewest = -1
    for mirrored in (False, True):
        parts.columns = [column[::-1] if mirrored else list(column) for column in start]
        _number(parts, position)
        stale = 0
        for number in range(16):
            crossings = _crossings(parts, position)
            if fewest < 0 or crossings < fewest:
                fewest, stale = crossings, 0
                best = [list(column) for column in parts.columns]
            else:
                stale += 1
            if not fewest or stale > 4:
                break
            _sweep(parts, position, downwards=number % 2 == 0)
            if len(position) <= _SWAPPED_VERTICES:
                _swap_neighbours(parts, position)
        if not fewest:
            break
    parts.columns = best
    return fewest


def count_crossings(parts: Segments) -> int:
    """How many pairs of segments cross in the order as it is."""
    position = [0.0] * len(parts.up)
    _number(parts, position)
    return _crossings(parts, position)


def _number(parts: Segments, position: list[float]) -> None:
    for column in parts.columns:
        for place, vertex in enumerate(column):
            position[vertex] = place


def _sweep(parts: Segments, position: list[float], downwards: bool) -> None:
    _number(parts, position)
    columns = parts.columns[1:] if downwards else parts.columns[-2::-1]
    near = parts.up if downwards else parts.down
    for column in columns:
        keys = {}
        for vertex in column:
            spots = sorted(position[u] + port for u, _, port in near[vertex])
            size = len(spots)
            if not size:
                keys[vertex] = position[vertex] + 0.5
            elif size % 2:
                keys[vertex] = spots[size // 2]
            elif size == 2:
                keys[vertex] = (spots[0] + spots[1]) / 2
            else:
                low, high = spots[size // 2 - 1], spots[size // 2]
                left, right = low - spots[0], spots[-1] - high
                apart = left + right
                keys[vertex] = (low * right + high * left) / apart if apart else (low + high) / 2
        column.sort(key=keys.__getitem__)
        for place, vertex in enumerate(column):
            position[vertex] = place


def _crossings(parts: Segments, position: list[float]) -> int:
    total = 0
    for column in parts.columns:
        ends = sorted((position[v] + own, position[t] + port)
                      for v in column for t, own, port in parts.down[v])
        seen: list[float] = []
        for _, end in ends:
            total += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return total


def _between(near_a: list[tuple[int, float, float]], near_b: list[tuple[int, float, float]],
             position: list[float]) -> tuple[int, int]:
    kept = swapped = 0
    for a, _, port_a in near_a:
        spot = position[a] + port_a
        for b, _, port_b in near_b:
            other = position[b] + port_b
            kept += spot > other
            swapped += spot < other
    return kept, swapped


def _swap_neighbours(parts: Segments, position: list[float]) -> None:
    for _ in range(3):
        better = False
        for column in parts.columns:
            for place in range(len(column) - 1):
                a, b = column[place], column[place + 1]
                kept_up, swapped_up = _between(parts.up[a], parts.up[b], position)
                kept_down, swapped_down = _between(parts.down[a], parts.down[b], position)
                if swapped_up + swapped_down < kept_up + kept_down:
                    column[place], column[place + 1] = b, a
                    position[a], position[b] = place + 1, place
                    better = True
        if not better:
            return
