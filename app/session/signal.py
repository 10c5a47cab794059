"""A signal: a list of callbacks, told that something changed."""

from __future__ import annotations

from collections.abc import Callable


class Signal:
    """Callbacks that are called, in the order they were connected, at each `emit`."""

    __slots__ = ("_callbacks",)

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], object]] = []

    def connect(self, callback: Callable[[], object]) -> None:
        """Call `callback` without arguments at each `emit` from now on; a second time is ignored."""
        if callback not in self._callbacks:
            self._callbacks.append(callback)

    def disconnect(self, callback: Callable[[], object]) -> None:
        """Forget `callback`; unknown ones are ignored."""
        if callback in self._callbacks:
            self._callbacks.remove(callback)

    def emit(self) -> None:
        """Call every callback once."""
        for callback in tuple(self._callbacks):
            callback()
