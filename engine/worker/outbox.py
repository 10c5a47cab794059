"""Events on their way out: batched, bounded, and never out of order."""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.protocol.event import Event, TextPrinted
from engine.protocol.framing import BATCH_EVENTS, encode_batches

TICK_S = 0.015
TEXT_CHARS_MAX = 1 << 14


class Outbox:
    """Collects events and writes them in batches. A reader that is slow makes `put` wait: nothing piles up.

    write(bytes) may block; after it fails once (the reader is gone) everything is dropped in silence."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._events: list[Event] = []
        self._text: list[str] = []
        self._text_chars = 0
        self._stream = ""
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._over = threading.Event()
        self.broken = False
        self.news = 0
        """How much has been put in: whoever finds it unchanged knows that nothing was."""
        self.on_tick: Callable[[], None] = lambda: None
        self._ticker = threading.Thread(target=self._tick, name="outbox", daemon=True)
        self._ticker.start()

    def put(self, event: Event) -> None:
        """Send this event soon."""
        with self._lock:
            self.news += 1
            if self._text:
                self._close_text()
            self._events.append(event)
            full = len(self._events) >= BATCH_EVENTS
        if full:
            self.flush()

    def print(self, stream: str, text: str) -> None:
        """Send printed text soon; pieces of one stream that follow each other travel together."""
        with self._lock:
            self.news += 1
            if stream != self._stream and self._text:
                self._close_text()
            self._stream = stream
            self._text.append(text)
            self._text_chars += len(text)
            full = self._text_chars >= TEXT_CHARS_MAX
        if full:
            self.flush()

    def flush(self) -> None:
        """Send all that waits, now."""
        with self._writing:
            with self._lock:
                if self._text:
                    self._close_text()
                events, self._events = self._events, []
            if not events or self.broken:
                return
            try:
                for frame in encode_batches(events):
                    self._write(frame)
            except (OSError, ValueError):
                self.broken = True

    def close(self) -> None:
        """Send all that waits and stop the ticker."""
        self._over.set()
        if threading.current_thread() is not self._ticker:
            self._ticker.join(1.0)
        self.flush()

    def _close_text(self) -> None:
        self._events.append(TextPrinted(self._stream, "".join(self._text)))
        self._text.clear()
        self._text_chars = 0

    def _tick(self) -> None:
        while not self._over.wait(TICK_S):
            self.on_tick()
            if self._events or self._text:
                self.flush()
