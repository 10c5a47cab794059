"""Which column each vertex of a level stands in: longest paths, with sources drawn up to their users."""

from __future__ import annotations

from app.layout.level import Level


def acyclic(level: Level) -> tuple[list[int], list[int], list[bool]]:
    """Sources and targets of the arcs with loops broken, and which arcs were turned round for that."""
    count = len(level.along)
    leaving: list[list[int]] = [[] for _ in range(count)]
    entered = [0] * count
    for number, arc in enumerate(level.arcs):
        leaving[arc.source].append(number)
        entered[arc.target] += 1
    turned = [False] * len(level.arcs)
    colour = bytearray(count)
    starts = [v for v in range(count) if not entered[v]] + [v for v in range(count) if entered[v]]
    for start in starts:
        if colour[start]:
            continue
        colour[start] = 1
        stack = [(start, iter(leaving[start]))]
        while stack:
            vertex, arcs = stack[-1]
            for number in arcs:
                target = level.arcs[number].target
                if colour[target] == 1:
                    turned[number] = True
                elif not colour[target]:
                    colour[target] = 1
                    stack.append((target, iter(leaving[target])))
                    break
            else:
                colour[vertex] = 2
                stack.pop()
    sources = [a.target if t else a.source for a, t in zip(level.arcs, turned, strict=True)]
    targets = [a.source if t else a.target for a, t in zip(level.arcs, turned, strict=True)]
    return sources, targets, turned


def ranks(level: Level, sources: list[int], targets: list[int]) -> tuple[list[int], list[bool]]:
    """The column of each vertex, and whether it is a side branch: all before it leads nowhere else.

    `sources` and `targets` are free of loops."""
    count = len(level.along)
    after: list[list[int]] = [[] for _ in range(count)]
    before: list[list[int]] = [[] for _ in range(count)]
    for source, target in zip(sources, targets, strict=True):
        if source != target:
            after[source].append(target)
            before[target].append(source)
    least = 1 if level.first else 0
    rank = [0 if v in level.first else least for v in range(count)]
    waiting = [len(b) for b in before]
    order = [v for v in range(count) if not waiting[v]]
    for vertex in order:
        below = rank[vertex] + 1
        for target in after[vertex]:
            rank[target] = max(rank[target], below)
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    side = [False] * count
    for vertex in order:
        side[vertex] = vertex not in level.first and all(
            side[u] and len(after[u]) == 1 for u in before[vertex])
    for vertex in reversed(order):
        if side[vertex] and after[vertex]:
            rank[vertex] = max(rank[vertex], min(rank[t] for t in after[vertex]) - 1)
    if level.last:
        end = max((rank[v] for v in range(count) if v not in level.last), default=0) + 1
        for vertex in level.last:
            rank[vertex] = end
    return rank, side
