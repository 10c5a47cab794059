"""The Qt bridge: events reach the session on the GUI thread, and the GUI is never held up."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip("pytestqt")

from PySide6.QtCore import QTimer

from app.link.bridge import LinkBridge
from app.session.session import Session
from tests.end_to_end.scripts import regression


@pytest.fixture
def session(qapp, tmp_path: Path):
    made = Session()
    bridge = LinkBridge(made)
    yield made
    assert bridge.close()


def test_a_run_reaches_the_session_on_the_gui_thread(session: Session, qtbot, tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text(regression(200))
    threads: set[int] = set()
    session.cursor_changed.connect(lambda: threads.add(threading.get_ident()))
    session.open_script(script)
    session.run()
    qtbot.waitUntil(lambda: session.state == "ended", timeout=20_000)
    assert len(session.curves["loss"]) == 200
    assert threads == {threading.get_ident()}


def test_the_event_loop_goes_on_under_a_flood_of_events(session: Session, qtbot, tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text("for i in range(100_000):\n    print('line', i)\nwhile True: print('more')\n")
    seen: list[str] = []
    timer = QTimer()
    timer.timeout.connect(lambda: seen.append("tick"))
    session.cursor_changed.connect(lambda: seen.append("delivery"))
    session.open_script(script)
    session.run()
    timer.start(0)
    qtbot.waitUntil(lambda: len(session.console) > 50_000, timeout=60_000)
    timer.stop()
    session.stop()
    qtbot.waitUntil(lambda: session.state == "ended", timeout=20_000)
    deliveries = seen.count("delivery")
    alone = sum(1 for a, b in zip(seen, seen[1:]) if a == b == "delivery")
    assert deliveries > 3 and alone <= 2, (deliveries, alone)


def test_deliveries_come_at_most_sixty_times_a_second(session: Session, qtbot, tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text(regression(1_000_000))
    told: list[float] = []
    session.cursor_changed.connect(lambda: told.append(time.perf_counter()))
    session.open_script(script)
    session.run()
    qtbot.waitUntil(lambda: len(session.timeline) > 10, timeout=20_000)
    told.clear()
    qtbot.wait(1000)
    assert 5 < len(told) < 70
