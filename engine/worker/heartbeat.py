"""Tells in which line of its own the script is at work while nothing else is told."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from engine.protocol.event import ScriptBusy
from engine.recorders.place import Places
from engine.worker.outbox import Outbox

QUIET_S = 1.0
"""After so long without news the line is told, and again each time it has passed."""


class Heartbeat:
    """To be asked often, by another thread than the script's. is_waiting: whether the script stands or waits
    for a person, so that its silence needs no word."""

    def __init__(self, outbox: Outbox, places: Places, is_waiting: Callable[[], bool]) -> None:
        self._outbox = outbox
        self._places = places
        self._is_waiting = is_waiting
        self._thread = threading.main_thread().ident
        self._news = -1
        self._since = self._next = 0.0

    def look(self) -> None:
        """Tell the line if it is time to."""
        now = time.monotonic()
        news = self._outbox.news
        if news != self._news or self._is_waiting():
            self._news, self._since, self._next = news, now, now + QUIET_S
        elif now >= self._next:
            self._next = now + QUIET_S
            file, line = self._line()
            self._outbox.put(ScriptBusy(line, file, now - self._since))
            self._news = self._outbox.news

    def _line(self) -> tuple[str, int]:
        frame = sys._current_frames().get(self._thread or -1)
        while frame is not None and not self._places.is_users(frame.f_code):
            frame = frame.f_back
        return ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)
