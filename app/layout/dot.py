"""The order within columns by Graphviz's dot, which crosses fewer edges than our sweeps on tangled levels.

dot runs inside the calling process and can hang or take it down: only child.py calls it."""

from __future__ import annotations

from itertools import pairwise

from app.layout.layered import layered
from app.layout.level import Level, PlacedLevel
from app.layout.order import Segments

MOST_VERTICES = 900


def best_of_both(level: Level) -> PlacedLevel:
    """Our own layout; where its edges cross, the one with dot's order if that crosses fewer."""
    own = layered(level)
    if own.crossings < 1 or len(level.along) > MOST_VERTICES:
        return own
    other = layered(level, dot_order)
    return other if 0 <= other.crossings < own.crossings else own


def dot_order(parts: Segments) -> None:
    """Put `parts.columns` in the order that dot finds.

    Raises: whatever Graphviz does; parts are then as they were."""
    from pygraphviz import AGraph

    graph = AGraph(strict=False, directed=True, rankdir="TB", nodesep="0.1", ranksep="0.1", splines="line")
    graph.node_attr.update(shape="point", width="0.01", height="0.01")
    for number, column in enumerate(parts.columns):
        graph.add_node(f"c{number}")
        if column:
            graph.add_nodes_from(map(str, column))
            graph.add_subgraph([f"c{number}", *map(str, column)], rank="same")
    for a, b in pairwise(range(len(parts.columns))):
        graph.add_edge(f"c{a}", f"c{b}", style="invis")
    for vertex, links in enumerate(parts.down):
        for other, _, _ in links:
            graph.add_edge(str(vertex), str(other))
    graph.layout(prog="dot")
    for column in parts.columns:
        column.sort(key=lambda vertex: float(graph.get_node(str(vertex)).attr["pos"].split(",")[0]))
