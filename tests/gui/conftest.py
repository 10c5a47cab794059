"""A window of its own for each test, with settings of its own; Qt's warnings and leftovers fail the test."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

pytest.importorskip("pytestqt")

from PySide6.QtCore import QSettings, QThreadPool, QtMsgType

from app.session.session import Session
from app.shell import setting, start
from app.shell.window import MainWindow

from .made_run import QUICKSTART, MadeChild

_HARMLESS = ("This plugin does not support", "propagateSizeHints")


@pytest.fixture(scope="session")
def qapp_cls():
    """Our own application, with fonts and theme."""
    return lambda _arguments: start.make_application()


@pytest.fixture(autouse=True)
def own_settings(tmp_path, qapp):
    """No test reads or writes the user's settings."""
    folder = tmp_path / "settings"
    folder.mkdir()
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(folder))
    start.set_theme("light")
    return folder


@pytest.fixture(autouse=True)
def no_qt_warning(qtlog):
    """Any warning of Qt fails the test."""
    yield
    loud = [
        r
        for r in qtlog.records
        if r.type in (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg)
        and not any(text in r.message for text in _HARMLESS)
    ]
    assert not loud, [r.message for r in loud]


@pytest.fixture
def window(qtbot, own_settings):
    """The window, complete, on its first page; closed after the test, with nothing left behind."""
    made = MainWindow(Session())
    made.resize(1600, 1000)
    made.show()
    qtbot.waitUntil(lambda: made.bench is not None, timeout=20_000)
    yield made
    made.close()
    assert made.bridge.link.child is None
    QThreadPool.globalInstance().waitForDone(5000)
    made.deleteLater()
    qtbot.wait(10)


@pytest.fixture
def opened(window, qtbot):
    """The window on the quickstart, not run yet."""
    window.open_path(QUICKSTART)
    qtbot.waitUntil(lambda: window.session.state == "ready" and bool(window.session.source), timeout=10_000)
    window.pulse.flush()
    return window


@pytest.fixture
def standing(opened, qtbot):
    """The window on a made run, before node 2 of backward 41. `window.child` answers for the engine."""
    opened.child = MadeChild(opened.session)
    opened.child.stand(40, 1)
    opened.pulse.flush()
    qtbot.wait(60)
    return opened


def keep_setting(name: str, value: object) -> None:
    """Put a setting in place before a window is made."""
    setting.store().setValue(name, value)
