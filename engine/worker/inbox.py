"""Requests as they come in: read by a thread, taken by the script's thread where it can."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

from engine.protocol.framing import FrameReader, ProtocolError, decode_requests
from engine.protocol.request import Fetch, Request, Say, Stop


class Inbox:
    """A queue of requests. `waiting` is what the hot path tests: empty means nothing to do.

    on_stop is called from the reading thread at a Stop; on_gone when the other side is gone."""

    def __init__(self, source: BinaryIO, on_stop: Callable[[], None], on_gone: Callable[[], None]) -> None:
        self.waiting: deque[Request] = deque()
        self.lines: deque[str] = deque()
        self._source = source
        self._on_stop = on_stop
        self._on_gone = on_gone
        self._came = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="inbox", daemon=True)

    def start(self) -> None:
        """Begin reading."""
        self._thread.start()

    def take(self, timeout_s: float | None = None) -> Request | None:
        """The next request, waiting for one up to timeout_s (None: for ever)."""
        with self._came:
            if not self.waiting and timeout_s != 0:
                self._came.wait_for(lambda: bool(self.waiting), timeout_s)
            return self.waiting.popleft() if self.waiting else None

    def line(self) -> str:
        """The next line for input(), waiting for it."""
        with self._came:
            self._came.wait_for(lambda: bool(self.lines))
            return self.lines.popleft()

    def put(self, request: Request) -> None:
        """Queue a request; a Fetch replaces a waiting one with the same tag."""
        with self._came:
            if isinstance(request, Say):
                self.lines.append(request.text)
            else:
                if isinstance(request, Fetch):
                    for old in [r for r in self.waiting if isinstance(r, Fetch) and r.tag == request.tag]:
                        self.waiting.remove(old)
                self.waiting.append(request)
            self._came.notify_all()

    def _read(self) -> None:
        frames = FrameReader("The stream of requests")
        try:
            while data := self._source.read1(1 << 16):  # type: ignore[attr-defined]
                for payload in frames.feed(data):
                    for request in decode_requests(payload):
                        if isinstance(request, Stop):
                            self._on_stop()
                        self.put(request)
        except (OSError, ValueError, ProtocolError):
            pass
        self._on_gone()
