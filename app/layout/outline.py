"""A graph's structure as plain columns: what the layout needs, nothing that changes in a walk."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from app.layout.text_width import elided

if TYPE_CHECKING:
    from app.session.graph import Graph, ModuleCall, Node

_LINE_PX = 190.0


@dataclass(slots=True)
class Outline:
    """Columns by node, edge and module; lists of str and int only, so it can be written as JSON."""

    hash: str = ""
    kinds: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    node_modules: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """The columns by name."""
        return asdict(self)


def shape_text(shape: tuple[int, ...]) -> str:
    """'2×16'; nothing for a scalar."""
    return "×".join(map(str, shape))


def quiet_line(node: Node) -> str:
    """The one line under an op's name: its formula, else the tensors it saved, else its shape."""
    if node.text:
        return node.text
    tensors = dict.fromkeys(part.name for part in node.saved if not part.text)
    if tensors:
        return "saved " + ", ".join(tensors)
    return shape_text(node.shape)


def module_title(module: ModuleCall) -> str:
    """'0 · Linear': the last part of the path and the type."""
    last = module.path.rsplit(".", 1)[-1]
    return f"{last} · {module.type}" if last and module.type else last or module.type


def outline_of(graph: Graph) -> Outline:
    """The outline of `graph`."""
    nodes, edges, modules = graph.nodes, graph.edges, graph.modules
    return Outline(
        graph.hash,
        [n.kind for n in nodes],
        [n.name for n in nodes],
        [elided(quiet_line(n), _LINE_PX, 11) if n.kind == "op" else "" for n in nodes],
        [n.module if 0 <= n.module < len(modules) else -1 for n in nodes],
        [e.source for e in edges],
        [e.target for e in edges],
        [e.slot for e in edges],
        [shape_text(e.shape) for e in edges],
        [m.parent if 0 <= m.parent < len(modules) and m.parent != m.id else -1 for m in modules],
        [module_title(m) for m in modules],
        [m.path for m in modules],
        [m.detail for m in modules],
    )


def depth_of_modules(outline: Outline) -> list[int]:
    """How many modules stand around each; a loop among parents counts as none."""
    depths = [-1] * len(outline.parents)
    for start in range(len(depths)):
        trail, module = [], start
        while module >= 0 and depths[module] < 0 and module not in trail:
            trail.append(module)
            module = outline.parents[module]
        depth = depths[module] if module >= 0 and depths[module] >= 0 else -1
        for module in reversed(trail):
            depth += 1
            depths[module] = depth
    return depths


def modules_open_at(outline: Outline, detail: int) -> frozenset[int]:
    """The modules that are open when `detail` levels are: 0 shows the outermost as closed boxes."""
    return frozenset(m for m, depth in enumerate(depth_of_modules(outline)) if depth < detail)


def deepest_detail(outline: Outline) -> int:
    """The detail at which every module is open."""
    return 1 + max(depth_of_modules(outline), default=-1)
