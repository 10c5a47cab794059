"""The text that a script printed: a ring of lines with running numbers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice


@dataclass(frozen=True, slots=True)
class ConsoleLine:
    """One line and the stream it came from: 'stdout', 'stderr', or 'note' for what the app itself says."""

    stream: str
    text: str


class ConsoleText:
    """The last `capacity` lines. Lines are numbered from 0 for ever; `first` is the oldest that is kept."""

    def __init__(self, capacity: int = 100_000) -> None:
        self._lines: deque[ConsoleLine] = deque(maxlen=capacity)
        self._open: dict[str, str] = {}
        self.first = 0
        self.revision = 0

    @property
    def end(self) -> int:
        """The number that the next finished line will get."""
        return self.first + len(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, stream: str, text: str) -> None:
        """Take printed text as it came: lines may be cut anywhere; a carriage return starts its line anew."""
        if not text:
            return
        self.revision += 1
        pieces = (self._open.pop(stream, "") + text).replace("\r\n", "\n").split("\n")
        last = pieces.pop()
        lines = self._lines
        for piece in pieces:
            if "\r" in piece:
                piece = piece.rstrip("\r").rsplit("\r", 1)[-1]
            if len(lines) == lines.maxlen:
                self.first += 1
            lines.append(ConsoleLine(stream, piece))
        if last:
            self._open[stream] = last

    def note(self, text: str) -> None:
        """Add whole lines said by the app itself."""
        self.add("note", text + "\n")

    def open_lines(self) -> list[ConsoleLine]:
        """What was printed without an end of line yet, at most one per stream."""
        return [ConsoleLine(s, t.rstrip("\r").rsplit("\r", 1)[-1]) for s, t in self._open.items() if t]

    def lines(self, start: int | None = None, stop: int | None = None) -> list[ConsoleLine]:
        """Kept lines with numbers in [start, stop)."""
        low = max(0, (self.first if start is None else start) - self.first)
        high = len(self._lines) if stop is None else max(0, stop - self.first)
        if low > len(self._lines) // 2:
            tail = list(islice(reversed(self._lines), len(self._lines) - low))[::-1]
            return tail[: max(0, high - low)]
        return list(islice(self._lines, low, high))

    def text(self) -> str:
        """All kept text, the unfinished lines last."""
        parts = [line.text + "\n" for line in self._lines]
        parts += [line.text for line in self.open_lines()]
        return "".join(parts)

    def clear(self) -> None:
        """Forget all lines; numbers start again."""
        self._lines.clear()
        self._open.clear()
        self.first = 0
        self.revision += 1
