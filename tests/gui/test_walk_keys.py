"""Forward and optimizer are walked by keys; what was done is taken back by keys; panels stand per script."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from app.session.breakpoint import Breakpoint

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
CLASSIFIER = """import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
x, t = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])
for step in range(5):
    out = model(x)
    loss = nn.functional.cross_entropy(out, t)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


@pytest.fixture
def ready(window, qtbot, tmp_path):
    """The classifier, not run yet; press(key) presses and waits until the run stands."""
    path = tmp_path / "classifier.py"
    path.write_text(CLASSIFIER)
    window.open_path(path)
    qtbot.waitUntil(lambda: window.session.state == "ready" and bool(window.session.source), timeout=20_000)

    def press(key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
        qtbot.keyClick(window, key, modifier)
        qtbot.waitUntil(lambda: window.session.state == "paused", timeout=60_000)
        window.pulse.flush()

    window.press = press
    return window


def test_the_forward_is_walked_into_out_and_back_by_keys(ready, qtbot):
    session = ready.session
    session.set_breakpoints([Breakpoint("line", "8", "step == 2")])
    ready.press(Qt.Key.Key_F5)
    session.set_breakpoints([])
    left = []
    for _ in range(3):
        ready.press(Qt.Key.Key_F11, SHIFT)
        left.append(session.standing.text)
    assert left == ["linear", "Linear", "Sequential"]
    ready.press(Qt.Key.Key_F11, CONTROL)
    assert session.forward[-1].composites == ("cross_entropy",)
    ready.press(Qt.Key.Key_F11, SHIFT)
    assert (session.standing.text, session.standing.line) == ("cross_entropy", 9)
    assert "after cross_entropy" in ready.status.sentence.text()
    serial = session.standing.serial
    ready.press(Qt.Key.Key_F10, SHIFT)
    assert session.standing.serial == serial - 2 and session.standing.line == 8
    ready.press(Qt.Key.Key_F7)
    assert session.standing.serial == serial


def test_the_optimizer_is_walked_by_keys(ready):
    session = ready.session
    ready.press(Qt.Key.Key_F9, SHIFT)
    assert ready.status.sentence.text().startswith("0.weight, parameter 1 of 4, moved by ")
    ready.press(Qt.Key.Key_F10)
    ready.press(Qt.Key.Key_F10)
    assert session.optimizer_walk.current.name == "1.weight"
    assert "parameter 3 of 4" in ready.status.sentence.text()
    page = ready.bench.inspector
    assert page.headline.text() == "1.weight" and "3×5" in page.subtitle.text()
    captions = [label.text() for label in page.findChildren(QLabel, "Caption")]
    assert captions == ["Old value", "Gradient", "Momentum buffer", "Change", "New value", "Parameters"]
    for _ in range(2):
        ready.press(Qt.Key.Key_F10, SHIFT)
    assert session.optimizer_walk.current.name == "0.weight"
    ready.press(Qt.Key.Key_F10, SHIFT)
    assert session.standing.phase == "backward"
    assert session.timeline.position == session.timeline.current.count


def test_a_breakpoint_is_taken_back_and_set_again_by_keys(ready, qtbot):
    session = ready.session
    session.toggle_breakpoint("line", "8")
    ready.pulse.flush()
    ready.bench.canvas.setFocus()
    qtbot.keyClick(ready.bench.canvas, Qt.Key.Key_Z, CONTROL)
    assert session.breakpoints == []
    ready.pulse.flush()
    qtbot.keyClick(ready.bench.canvas, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert session.breakpoints == [Breakpoint("line", "8")]


def test_panels_stand_as_they_stood_with_each_script(ready, qtbot, tmp_path):
    other = tmp_path / "other.py"
    other.write_text(CLASSIFIER)
    ready.bench.console.hide()
    ready.bench.watch.hide()
    ready.open_path(other)
    qtbot.waitUntil(lambda: ready.session.path == other and ready.session.state == "ready", timeout=20_000)
    ready.bench.console.show()
    ready.open_path(tmp_path / "classifier.py")
    qtbot.waitUntil(lambda: ready.session.path != other and ready.session.state == "ready", timeout=20_000)
    assert ready.bench.console.isHidden()
    ready.open_path(other)
    qtbot.waitUntil(lambda: ready.session.path == other and ready.session.state == "ready", timeout=20_000)
    assert not ready.bench.console.isHidden() and ready.bench.watch.isHidden()
