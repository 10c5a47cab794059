"""How long a step takes in the window, from the key to the picture, on a live run.

    python benchmarks/step.py               a chain of some 1,000 nodes
    python benchmarks/step.py --nodes 200   a smaller one

Printed, in ms: a stop (from the child's pause on its way to the painted canvas), a step, a step back, and the
longest time for which the window did not come back to its event loop."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

SCRIPT = """
import torch
torch.manual_seed(0)
x = torch.randn(8, 16)
layers = [torch.nn.Linear(16, 16) for _ in range({layers})]
model = torch.nn.Sequential(*[m for layer in layers for m in (layer, torch.nn.Tanh())])
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(1000):
    optimizer.zero_grad()
    loss = model(x).square().mean()
    loss.backward()
    optimizer.step()
"""
STEPS = 40


def main() -> int:
    """Run, stop, step, and print how long each took; the exit status."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--nodes", type=int, default=1000)
    layers = max(1, parser.parse_args().nodes // 5)

    from PySide6.QtCore import QEvent, QObject, QSettings, Qt, QTimer
    from PySide6.QtTest import QTest

    from app.session.session import Session
    from app.shell.start import make_application
    from app.shell.window import MainWindow

    folder = Path(tempfile.mkdtemp())
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(folder))
    app = make_application()
    script = folder / "chain.py"
    script.write_text(SCRIPT.format(layers=layers))
    window = MainWindow(Session())
    window.resize(1600, 1000)
    window.show()

    beats: list[float] = []
    heart = QTimer()
    heart.timeout.connect(lambda: beats.append(time.perf_counter()))
    heart.start(1)

    def wait(until: Callable[[], bool], limit_s: float = 60.0) -> None:
        end = time.perf_counter() + limit_s
        while not until():
            app.processEvents()
            if time.perf_counter() > end:
                raise TimeoutError("The window did not get there.")

    wait(lambda: window.bench is not None)
    session = window.session
    window.open_path(script)
    wait(lambda: session.state == "ready" and window.shortcuts.actions["run.step"].isEnabled())
    QTest.keyClick(window, Qt.Key.Key_F10)
    wait(lambda: session.state == "paused" and session.here is not None)
    canvas = window.bench.canvas
    wait(lambda: canvas.scene is not None)
    for _ in range(200):
        app.processEvents()
        time.sleep(0.01)
    print(f"{len(session.graph.nodes)} nodes")

    class Painted(QObject):
        at = 0.0

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                Painted.at = time.perf_counter()
            return False

    eye = Painted()
    canvas.installEventFilter(eye)

    def timed(key: Qt.Key, modifier: Qt.KeyboardModifier, way: int) -> float:
        position = session.walk.position
        began = time.perf_counter()
        QTest.keyClick(window, key, modifier)
        wait(lambda: session.walk.position == position + way and session.state == "paused")
        known = time.perf_counter()
        wait(lambda: Painted.at > known or Painted.at > began and time.perf_counter() - known > 0.2)
        return Painted.at - began

    plain, shift = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
    beats.clear()
    forth = [timed(Qt.Key.Key_F10, plain, 1) for _ in range(STEPS)]
    back = [timed(Qt.Key.Key_F10, shift, -1) for _ in range(STEPS // 2)]
    gaps = [b - a for a, b in zip(beats, beats[1:])]
    for what, times in (("step", forth), ("step back", back)):
        print(f"{what:10} median {statistics.median(times) * 1e3:6.1f} ms   worst {max(times) * 1e3:6.1f} ms")
    print(f"{'event loop':10} worst  {max(gaps) * 1e3:6.1f} ms away")
    window.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
