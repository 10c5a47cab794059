"""Reads a file away from the window's thread and hands the text back on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal


class _Answer(QObject):
    ready = Signal(object, object)


class _Job(QRunnable):
    def __init__(self, work: Callable[[], object], answer: _Answer) -> None:
        super().__init__()
        self._work = work
        self._answer = answer

    def run(self) -> None:
        """Do the work; an error is an answer too."""
        try:
            result, error = self._work(), None
        except Exception as caught:
            result, error = None, caught
        try:
            self._answer.ready.emit(result, error)
        except RuntimeError:
            return


_waiting: set[_Answer] = set()


def in_background(work: Callable[[], object], then: Callable[[Any, Exception | None], None]) -> None:
    """Do `work` on a pool thread; `then(result, error)` is called on the window's thread."""
    answer = _Answer()
    _waiting.add(answer)

    def deliver(result: object, error: Exception | None) -> None:
        _waiting.discard(answer)
        then(result, error)

    answer.ready.connect(deliver)
    QThreadPool.globalInstance().start(_Job(work, answer))


def read_text(path: str | Path, then: Callable[[str | None, Exception | None], None]) -> None:
    """Read a UTF-8 file; `then(text, error)` is called on the window's thread."""
    in_background(lambda: Path(path).read_text(encoding="utf-8"), then)
