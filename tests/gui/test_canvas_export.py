"""Pictures of a graph in files: each format opens again and shows what it should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from app.canvases.export import dot_source, render_graph
from tests.app import graphs


def test_a_png_is_as_large_as_the_scene_at_twice_its_size(tmp_path: Path, qapp) -> None:
    image = QImage(str(render_graph(graphs.quickstart(), tmp_path / "graph.png")))
    assert image.width() > 1000 and image.height() > 400
    assert image.pixelColor(2, 2).name() == "#fafbfc"


def test_the_dark_theme_has_a_dark_ground(tmp_path: Path, qapp) -> None:
    image = QImage(str(render_graph(graphs.quickstart(), tmp_path / "graph.png", theme="dark")))
    assert image.pixelColor(2, 2).name() == "#17191e"


def test_an_svg_can_be_drawn_again_and_holds_the_names(tmp_path: Path, qapp) -> None:
    path = render_graph(graphs.quickstart(), tmp_path / "graph.svg")
    assert "AddmmBackward0" in path.read_text(encoding="utf-8")
    reader = QSvgRenderer(str(path))
    assert reader.isValid()
    image = QImage(400, 200, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    reader.render(painter, QRectF(0, 0, 400, 200))
    painter.end()


def test_a_pdf_is_one_page(tmp_path: Path, qapp) -> None:
    data = render_graph(graphs.two_layers(), tmp_path / "graph.pdf").read_bytes()
    assert data.startswith(b"%PDF") and data.count(b"/Type /Page\n") == 1


def test_dot_has_pytorchs_names_and_a_cluster_for_each_module() -> None:
    source = dot_source(graphs.quickstart())
    assert "AddmmBackward0" in source and "linear.weight" in source
    assert source.count("subgraph cluster_") == 1 and source.count("->") == 6


def test_graphviz_reads_what_was_written() -> None:
    pygraphviz = pytest.importorskip("pygraphviz")
    read = pygraphviz.AGraph(string=dot_source(graphs.resnet18()))
    assert read.number_of_nodes() == len(graphs.resnet18().nodes)
    assert read.number_of_edges() == len(graphs.resnet18().edges)


def test_a_very_large_graph_becomes_a_picture_that_can_be_opened(tmp_path: Path, qapp) -> None:
    image = QImage(str(render_graph(graphs.gpt(4), tmp_path / "graph.png")))
    assert 0 < image.width() <= 16_000


def test_an_unknown_ending_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a picture ends in .svg, .png, .pdf, .dot"):
        render_graph(graphs.quickstart(), tmp_path / "graph.jpeg")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="there is no such folder"):
        render_graph(graphs.quickstart(), tmp_path / "nowhere" / "graph.png")


def test_without_a_display_and_an_application_it_draws_all_the_same(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    code = (
        "from tests.app import graphs; from app.canvases.export import render_graph; "
        f"render_graph(graphs.quickstart(), r'{tmp_path / 'graph.svg'}')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=120)
    assert (tmp_path / "graph.svg").stat().st_size > 3000
