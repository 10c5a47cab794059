"""Tells the views what changed in the session, at most thirty times a second."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from PySide6.QtCore import QObject, QTimer

from app.session.session import Session

INTERVAL_MS = 33


class Pulse(QObject):
    """Gathers the session's signals; the first after a rest is passed on at once."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._views: list[Callable[[frozenset[str]], None]] = []
        self._pending: set[str] = set()
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._beat)
        self._busy = False
        session.graph_changed.connect(lambda: self._note("graph"))
        session.selection_changed.connect(lambda: self._note("selection"))
        session.cursor_changed.connect(lambda: self._note("cursor"))
        session.replaced.connect(lambda: self._note("replaced"))

    def add(self, view: Callable[[frozenset[str]], None]) -> None:
        """Tell this view from now on."""
        self._views.append(view)

    def _note(self, change: str) -> None:
        self._pending.add(change)
        if not self._timer.isActive() and not self._busy:
            passed = (monotonic() - self._last) * 1000
            self._timer.start(0 if passed >= INTERVAL_MS else round(INTERVAL_MS - passed))

    def _beat(self) -> None:
        changes = frozenset(self._pending)
        self._pending.clear()
        self._busy = True
        try:
            for view in self._views:
                view(changes)
        finally:
            self._busy = False
            self._last = monotonic()
        if self._pending:
            self._timer.start(INTERVAL_MS)

    def flush(self) -> None:
        """Tell the views now."""
        self._timer.stop()
        if self._pending:
            self._beat()

    def stop(self) -> None:
        """Tell nobody any more."""
        self._timer.stop()
        self._views.clear()
