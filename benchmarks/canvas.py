"""How long the canvas takes for a frame, and the layout for a scene. Run: python benchmarks/canvas.py

A frame is drawn in a window of 1600 × 1000: near (names can be read), middle, and far (all of it);
'drawn' is a picture made anew, 'moved' a frame while the hand moves, which shifts the kept picture."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from app.canvases.graph_canvas import GraphCanvas
from app.layout.compose import compose
from app.layout.outline import deepest_detail, modules_open_at, outline_of
from app.session.graph import Graph
from app.session.session import Session
from tests.app import graphs

SIZE = (1600, 1000)


def milliseconds(work, times: int = 7) -> float:
    """The median time of `work`."""
    spent = []
    for _ in range(times):
        began = perf_counter()
        work()
        spent.append((perf_counter() - began) * 1e3)
    return median(spent)


def layouts() -> None:
    """Times of the layout alone, everything open and everything closed."""
    print(f"{'layout':<22}{'nodes':>8}{'outline ms':>12}{'closed ms':>12}{'open ms':>12}")
    for name, graph in (("quickstart", graphs.quickstart()), ("ResNet-18", graphs.resnet18()),
                        ("GPT, 12 blocks", graphs.gpt(12)),
                        ("GPT, 118 blocks", graphs.gpt(118)),
                        ("blocks, 10k", graphs.chain(10_000)),
                        ("one level, 10k", graphs.chain(10_000, False)),
                        ("blocks, 100k", graphs.chain(100_000))):
        times = 1 if len(graph.nodes) > 20_000 else 3
        outline = outline_of(graph)
        opened = modules_open_at(outline, deepest_detail(outline))
        print(f"{name:<22}{len(graph.nodes):>8}{milliseconds(lambda: outline_of(graph), times):>12.1f}"
              f"{milliseconds(lambda: compose(outline, frozenset()), times):>12.1f}"
              f"{milliseconds(lambda: compose(outline, opened), times):>12.1f}", flush=True)


def frames(name: str, graph: Graph) -> None:
    """Times of one frame for everything open."""
    canvas = GraphCanvas(Session())
    canvas.resize(*SIZE)
    canvas.set_motion(False)
    canvas.show()
    canvas.session.graph = graph
    canvas.session.state = "paused"
    outline = outline_of(graph)
    canvas._opened[graph.hash] = modules_open_at(outline, deepest_detail(outline))
    canvas.session.graph_changed.emit()
    while len(canvas.scene.item_ref) < len(graph.nodes):
        wait(20)
    width, height = canvas.scene.size
    sheet = QImage(*SIZE, QImage.Format.Format_ARGB32_Premultiplied)
    for where, scale in (("near", 0.8), ("middle", 0.2), ("far", 0.0)):
        canvas.zoom_to_fit()
        if scale:
            canvas.view.scale = scale
            item = canvas.scene.item_rect[len(graph.nodes) // 2].tolist()
            canvas.view.centre_on(item[0], item[1], SIZE)

        def drawn() -> None:
            canvas._picture.forget()
            canvas._moving = False
            canvas.render(sheet)

        def moved() -> None:
            canvas.view.pan(3, 1)
            canvas._moving = True
            canvas.render(sheet)

        anew = milliseconds(drawn)
        canvas._picture.cost_ms = max(canvas._picture.cost_ms, 10.0)
        print(f"{name:<16}{where:<8}{canvas.view.scale:>9.5f}{anew:>12.1f}{milliseconds(moved, 25):>12.1f}",
              flush=True)
    began = perf_counter()
    canvas.marks.refresh()
    print(f"{name:<16}states read in {(perf_counter() - began) * 1e3:.1f} ms", flush=True)
    canvas.close()
    canvas.deleteLater()
    wait(1)


def wait(ms: int) -> None:
    """Let the event loop run, which lets the layout's thread run."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def main() -> None:
    """Print both tables."""
    QApplication.instance() or QApplication([])
    layouts()
    print(f"\n{'frame':<16}{'view':<8}{'scale':>9}{'drawn ms':>12}{'moved ms':>12}")
    for name, nodes in (("1k", 1_000), ("10k", 10_000), ("100k", 100_000)):
        frames(name, graphs.chain(nodes))
    frames("GPT, 6.6k", graphs.gpt(118))


if __name__ == "__main__":
    main()
