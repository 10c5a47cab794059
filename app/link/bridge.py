"""The one Qt object between threads and the GUI: delivers at most 60 times a second."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from app.link.live import LiveLink
from app.session.session import Session

INTERVAL_MS = 16
LOOK_MS = 500


class LinkBridge(QObject):
    """Feeds a session from its child on the GUI thread. The GUI never waits for the child."""

    _arrived = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.link = LiveLink(session, self._wake)
        self._closed = False
        self._since = QElapsedTimer()
        self._since.start()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._deliver)
        self._arrived.connect(self._soon)
        self._looks = QTimer(self)
        self._looks.setInterval(LOOK_MS)
        self._looks.timeout.connect(self._look)
        session.replaced.connect(self._begin_to_look)

    def close(self) -> bool:
        """End the child and deliver no more; whether it is gone within a second."""
        self._closed = True
        self._timer.stop()
        self._looks.stop()
        return self.link.close()

    def _wake(self) -> None:
        # From the reading thread: the signal is queued, so nothing of the GUI is touched here.
        if not self._closed:
            try:
                self._arrived.emit()
            except RuntimeError:
                self._closed = True

    def _soon(self) -> None:
        if not self._timer.isActive() and not self._closed:
            self._timer.start(max(0, INTERVAL_MS - int(self._since.elapsed())))

    def _begin_to_look(self) -> None:
        if self.link.child is not None and not self._closed:
            self._looks.start()

    def _look(self) -> None:
        if not self.link.look():
            self._looks.stop()

    def _deliver(self) -> None:
        self._since.restart()
        if self.link.deliver():
            self._timer.start(INTERVAL_MS)
