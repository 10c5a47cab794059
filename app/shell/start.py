"""`main`: application, fonts, theme, window."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from app.look import font
from app.look.icon import icon
from app.look.theme import set_theme, theme_choice
from app.session.session import Session

from . import setting
from .window import MainWindow


class _FirstPaint(QObject):
    """Tells how long it took until the window was painted and until it was complete, then closes it."""

    def __init__(self, window: MainWindow, began: float) -> None:
        super().__init__(window)
        self._window = window
        self._began = began
        self._seen = False
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Wait for the first paint, then for the rest."""
        if event.type() == QEvent.Type.Paint and not self._seen:
            self._seen = True
            QTimer.singleShot(0, self._painted)
        return False

    def _painted(self) -> None:
        print(f"window painted after {perf_counter() - self._began:.3f} s", flush=True)
        self._wait()

    def _wait(self) -> None:
        if self._window.bench is None:
            QTimer.singleShot(5, self._wait)
            return
        print(f"window complete after {perf_counter() - self._began:.3f} s", flush=True)
        self._window.close()


def make_application() -> QApplication:
    """The application with our fonts and the remembered theme."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
    app.setOrganizationName(setting.ORGANISATION)
    app.setApplicationName(setting.APPLICATION)
    app.setApplicationDisplayName("Gradwalk")
    app.setStyle("Fusion")
    font.load_fonts()
    app.setFont(font.body())
    set_theme(setting.theme_choice())
    app.setWindowIcon(icon("logo", "text", 64))
    app.styleHints().colorSchemeChanged.connect(_follow_system)
    return app


def _follow_system() -> None:
    if theme_choice() == "system":
        set_theme("system")


def main(path: str | Path | None = None, timing: float | None = None) -> int:
    """Open the window, on a script or recorded run if one is given; its exit status.

    timing: a perf_counter() reading; the window then says how long it took from there, and closes."""
    app = make_application()
    window = MainWindow(Session())
    if timing is not None:
        _FirstPaint(window, timing)
    if path is not None:
        window.open_path(path)
    window.show()
    return app.exec()
