"""Tells when kernels are compiled, which takes seconds on a machine's first run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from engine.protocol.event import Event, WorkProgressed

Emit = Callable[[Event], None]


class CompileWatch:
    """Listens to numba's compile events, from the moment that something has imported numba.

    `look` is cheap and is called from time to time: numba itself is never imported for this."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._listens = False
        self._done = 0
        self._depth = 0

    def look(self) -> None:
        """Begin to listen if numba is there by now."""
        events = sys.modules.get("numba.core.event")
        register, listener = getattr(events, "register", None), getattr(events, "Listener", None)
        if self._listens or register is None or listener is None:
            return
        self._listens = True
        register("numba:compile", _listener(listener, self))

    def began(self, name: str) -> None:
        """A kernel is being compiled; one that it calls may be compiled meanwhile."""
        self._depth += 1
        if self._depth == 1:
            self._emit(WorkProgressed(f"Compiling the kernel {name}", self._done, self._done + 1))

    def ended(self, name: str) -> None:
        """A kernel is compiled."""
        self._depth = max(0, self._depth - 1)
        if self._depth == 0:
            self._done += 1
            self._emit(WorkProgressed(f"Compiled the kernel {name}", self._done, self._done))


def _listener(base: type, watch: CompileWatch) -> Any:
    def name_of(event: Any) -> str:
        dispatcher = (event.data or {}).get("dispatcher")
        return getattr(getattr(dispatcher, "py_func", None), "__name__", "")

    class Listener(base):  # type: ignore[misc]
        def on_start(self, event: Any) -> None:
            watch.began(name_of(event))

        def on_end(self, event: Any) -> None:
            watch.ended(name_of(event))

    return Listener()
