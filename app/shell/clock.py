"""A clock of Qt for what plays by itself."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer


class QtClock:
    """Calls back on the window's thread at equal intervals until it is stopped."""

    def __init__(self, parent: QObject) -> None:
        self._timer = QTimer(parent)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._tick: Callable[[], object] = lambda: None

    def start(self, interval_s: float, tick: Callable[[], object]) -> None:
        """Call `tick` every so many seconds from now on."""
        self._tick = tick
        self._timer.start(round(interval_s * 1000))

    def stop(self) -> None:
        """Call no more."""
        self._timer.stop()

    def _beat(self) -> None:
        self._tick()
