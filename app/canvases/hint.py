"""What a tooltip says about an item, a group or an edge."""

from __future__ import annotations

import html

from app.layout.fold import BOX
from app.layout.outline import shape_text
from app.layout.scene import Scene
from app.look.number import figure
from app.session.graph import Graph, Node
from engine.protocol.event import Digest


def _digest(word: str, digest: Digest | None) -> str:
    if digest is None:
        return ""
    strange = ((digest.nans, "NaN"), (digest.infs, "Inf"))
    odd = "".join(f" · {count} {name}" for count, name in strange if count)
    return f"{word}: norm {figure(digest.norm)}, {figure(digest.min, 2)} … {figure(digest.max, 2)}{odd}"


def node_hint(node: Node) -> str:
    """Name, shape and line, then value and gradient in digest."""
    lines = [f"<b>{html.escape(node.name)}</b>"]
    shape = " ".join(part for part in (shape_text(node.shape), node.dtype) if part)
    place = f"{node.file.rsplit('/', 1)[-1]}:{node.line}" if node.line else ""
    lines.append(html.escape(" · ".join(part for part in (shape, place) if part)))
    lines.append(html.escape(_digest("value", node.value)))
    lines.append(html.escape(_digest("gradient", node.grad)))
    return "<br>".join(line for line in lines if line)


def item_hint(scene: Scene, graph: Graph, item: int) -> str:
    """The tooltip of an item."""
    ref = int(scene.item_ref[item])
    if scene.item_kind[item] == BOX:
        return module_hint(graph, ref, "Double-click opens it")
    return node_hint(graph.nodes[ref])


def module_hint(graph: Graph, module: int, action: str) -> str:
    """The tooltip of a module."""
    call = graph.modules[module]
    words = " · ".join(part for part in (call.type, call.detail) if part)
    return f"<b>{html.escape(call.path)}</b><br>{html.escape(words)}<br>{action}"


def wire_hint(scene: Scene, graph: Graph, wire: int) -> str:
    """The tooltip of an edge; of the first where a wire stands for several."""
    numbers = scene.wire_edges(wire).tolist()
    edge = graph.edges[numbers[0]]
    source, target = graph.nodes[edge.source].name, graph.nodes[edge.target].name
    lines = [f"<b>{html.escape(source)} → {html.escape(target)}</b>", shape_text(edge.shape)]
    lines.append(html.escape(_digest("gradient", edge.grad)))
    if len(numbers) > 1:
        lines.append(f"and {len(numbers) - 1} more between these modules")
    return "<br>".join(line for line in lines if line)
