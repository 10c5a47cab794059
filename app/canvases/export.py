"""A graph as a picture in a file: .svg, .png, .pdf and .dot, without a display."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QMarginsF, QRectF, QSize, QSizeF
from PySide6.QtGui import QGuiApplication, QImage, QPageLayout, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator

from app.canvases.marks import Marks
from app.canvases.scene_painter import Emphasis, ScenePainter
from app.layout.compose import compose
from app.layout.outline import deepest_detail, modules_open_at, outline_of
from app.layout.scene import Scene
from app.look import font
from app.look.theme import load_theme
from app.session.graph import Graph

FORMATS = (".svg", ".png", ".pdf", ".dot")
MARGIN_PX = 32.0
_LONGEST_IMAGE_PX = 16_000.0


def render_graph(graph: Graph, path: str | Path, theme: str = "light", detail: int | None = None,
                 downwards: bool = False, scene: Scene | None = None, scale: float = 2.0) -> Path:
    """Draw `graph` into the file `path`; its ending says how. The path is given back.

    detail: how many levels of modules are open, all where it is None. scene: the geometry, where it is known.

    Raises: ValueError for an ending that is not in FORMATS; OSError where the file cannot be written."""
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in FORMATS:
        raise ValueError(f"{target.name}: a picture ends in {', '.join(FORMATS)}")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: there is no such folder")
    if ending == ".dot":
        target.write_text(dot_source(graph, downwards), encoding="utf-8")
        return target
    _ensure_application()
    font.load_fonts()
    if scene is None:
        outline = outline_of(graph)
        opened = modules_open_at(outline, deepest_detail(outline) if detail is None else detail)
        scene = compose(outline, opened, downwards)
    look = load_theme(theme)
    painter_of = ScenePainter(scene, look)
    marks = Marks(scene, graph)
    width, height = (extent + 2 * MARGIN_PX for extent in scene.size)

    def draw(painter: QPainter, factor: float = 1.0) -> None:
        painter.fillRect(QRectF(0, 0, width * factor, height * factor), look["canvas"])
        painter_of.draw(painter, marks, (width * factor, height * factor), factor,
                        (MARGIN_PX * factor, MARGIN_PX * factor), Emphasis())

    {".png": _png, ".svg": _svg, ".pdf": _pdf}[ending](target, width, height, draw, scale)
    return target


def _png(target: Path, width: float, height: float, draw, scale: float) -> None:
    ratio = min(scale, _LONGEST_IMAGE_PX / max(width, height))
    factor = 1.0
    if ratio < 1.0:
        factor, ratio = ratio, 1.0
    size = QSize(max(1, round(width * factor * ratio)), max(1, round(height * factor * ratio)))
    image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    painter = QPainter(image)
    draw(painter, factor)
    painter.end()
    if not image.save(str(target)):
        raise OSError(f"{target}: the picture could not be written")


def _svg(target: Path, width: float, height: float, draw, scale: float) -> None:
    generator = QSvgGenerator()
    generator.setFileName(str(target))
    generator.setSize(QSize(round(width), round(height)))
    generator.setViewBox(QRectF(0, 0, width, height))
    generator.setResolution(96)
    generator.setTitle("Graph")
    generator.setDescription("A backward graph, drawn by Gradwalk")
    painter = QPainter()
    if not painter.begin(generator):
        raise OSError(f"{target}: the picture could not be written")
    draw(painter)
    painter.end()


def _pdf(target: Path, width: float, height: float, draw, scale: float) -> None:
    writer = QPdfWriter(str(target))
    writer.setCreator("Gradwalk")
    writer.setTitle("Graph")
    points = min(1.0, 14_000.0 / max(width, height))
    writer.setResolution(72)
    writer.setPageSize(QPageSize(QSizeF(width * points, height * points), QPageSize.Unit.Point, "graph",
                                 QPageSize.SizeMatchPolicy.ExactMatch))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0), QPageLayout.Unit.Point)
    painter = QPainter()
    if not painter.begin(writer):
        raise OSError(f"{target}: the picture could not be written")
    painter.scale(points, points)
    draw(painter)
    painter.end()


def _ensure_application() -> None:
    if QGuiApplication.instance() is None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        from PySide6.QtWidgets import QApplication

        _kept.append(QApplication([]))


_kept: list[object] = []


def dot_source(graph: Graph, downwards: bool = False) -> str:
    """The graph in Graphviz's language, with PyTorch's names and a cluster for every module call."""
    from graphviz import Digraph

    out = Digraph("graph", node_attr={"shape": "box", "style": "rounded,filled", "fontname": "Inter",
                                      "fillcolor": "white", "color": "#cfd5dd"},
                  edge_attr={"color": "#a3abb7", "fontname": "Inter", "fontsize": "10"},
                  graph_attr={"rankdir": "TB" if downwards else "LR", "fontname": "Inter"})
    styles = {"leaf": {"color": "#0d8a80", "fillcolor": "#e3f5f3"}, "input": {"fillcolor": "#f6f7f9"}}
    own: dict[int, list[int]] = {}
    for node in graph.nodes:
        own.setdefault(node.module, []).append(node.id)
    children: dict[int, list[int]] = {}
    for module in graph.modules:
        children.setdefault(module.parent, []).append(module.id)

    def fill(where: Digraph, module: int) -> None:
        for number in own.get(module, []):
            node = graph.nodes[number]
            where.node(f"n{number}", _escaped(node.name), **styles.get(node.kind, {}))
        for child in children.get(module, []):
            call = graph.modules[child]
            with where.subgraph(name=f"cluster_{child}") as inner:
                inner.attr(label=_escaped(f"{call.path} · {call.type}"), style="rounded,filled",
                           fillcolor="#f0f2f6", color="#dde2e9")
                fill(inner, child)

    fill(out, -1)
    for edge in graph.edges:
        out.edge(f"n{edge.source}", f"n{edge.target}", label="×".join(map(str, edge.shape)))
    return out.source


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")
