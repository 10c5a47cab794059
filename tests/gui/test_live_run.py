"""The window with a real child process: open, run, pause, step, step back, inspect, stop, close."""

from __future__ import annotations

import os

import pytest
from PySide6.QtCore import Qt

from app.session.graph import NodeState

LOOP = """
import torch
torch.manual_seed(0)
w = torch.randn(3, 2, requires_grad=True)
x = torch.randn(4, 3)
step = 0
while True:
    loss = (x.mm(w) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.001 * w.grad
        w.grad.zero_()
    step += 1
"""


def gone(pid: int) -> bool:
    """Whether this process is no more."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_quickstart_runs_to_its_end(opened, qtbot):
    qtbot.keyClick(opened, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: opened.session.state in ("ended", "failed", "lost"), timeout=60_000)
    assert opened.session.state == "ended", opened.session.failure
    assert len(opened.session.curves["loss"]) == 100
    assert "epoch: 0, loss: 2.78025" in opened.session.console.text()
    assert {n.name for n in opened.session.graph.nodes} >= {
        "AddmmBackward0",
        "MseLossBackward0",
        "linear.weight",
    }


@pytest.fixture
def looping(window, qtbot, tmp_path):
    """A script that trains for ever, running."""
    path = tmp_path / "loop.py"
    path.write_text(LOOP)
    window.open_path(path)
    qtbot.waitUntil(lambda: window.session.state == "ready", timeout=20_000)
    qtbot.keyClick(window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: len(window.session.timeline) > 3, timeout=60_000)
    return window


def test_pause_step_and_step_back_by_keys(looping, qtbot):
    session = looping.session
    qtbot.keyClick(looping, Qt.Key.Key_F6)
    qtbot.waitUntil(lambda: session.state == "paused", timeout=10_000)
    qtbot.waitUntil(lambda: session.here is not None, timeout=20_000)
    looping.pulse.flush()
    first = session.here.id
    place = session.walk.position
    qtbot.keyClick(looping, Qt.Key.Key_F10)
    qtbot.waitUntil(lambda: session.walk.position == place + 1 and session.state == "paused", timeout=20_000)
    assert session.graph.nodes[first].state is NodeState.DONE
    looping.pulse.flush()
    qtbot.keyClick(looping, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: session.here is not None and session.here.id == first, timeout=20_000)
    looping.pulse.flush()
    qtbot.waitUntil(
        lambda: any(not row.heat.is_empty for row in looping.bench.inspector.rows), timeout=20_000
    )


def test_stop_ends_a_script_that_loops_for_ever(looping, qtbot):
    pid = looping.bridge.link.child.pid
    qtbot.keyClick(looping, Qt.Key.Key_F5, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: not looping.session.is_live, timeout=20_000)
    qtbot.waitUntil(lambda: gone(pid), timeout=3000)


def test_closing_the_window_ends_the_child_within_a_second(looping, qtbot):
    pid = looping.bridge.link.child.pid
    looping.close()
    qtbot.waitUntil(lambda: gone(pid), timeout=1000)


def test_a_killed_child_is_told_and_can_be_run_again(looping, qtbot):
    os.kill(looping.bridge.link.child.pid, 9)
    qtbot.waitUntil(lambda: looping.session.state == "lost", timeout=20_000)
    looping.pulse.flush()
    assert looping.notice.button_texts == ["Run again"]
    count = len(looping.session.timeline)
    assert count > 3
    looping.restart()
    qtbot.waitUntil(
        lambda: looping.session.state == "running" and len(looping.session.timeline) > 0, timeout=30_000
    )
