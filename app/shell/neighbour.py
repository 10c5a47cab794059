"""Which node lies next along an edge. No Qt."""

from __future__ import annotations

from app.session.graph import Graph


def neighbour(graph: Graph, node: int, way: str) -> int:
    """The next node: 'forward' or 'back' along an edge, 'up' or 'down' among those beside it; -1 if none."""
    if not 0 <= node < len(graph.nodes):
        return -1
    if way == "back":
        found = [e.source for e in graph.edges_into(node)]
        inner = [n for n in found if graph.nodes[n].kind == "op"]
        return (inner or found or [-1])[0]
    if way == "forward":
        return next((e.target for e in graph.edges_from(node)), -1)
    beside: list[int] = []
    for edge in graph.edges_from(node):
        for other in graph.edges_into(edge.target):
            if other.source not in beside:
                beside.append(other.source)
    if node not in beside or len(beside) < 2:
        return -1
    return beside[(beside.index(node) + (1 if way == "down" else -1)) % len(beside)]
