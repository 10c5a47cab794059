"""What the script prints, as events; and its input()."""

from __future__ import annotations

import io
from typing import Any

from engine.protocol.event import InputAsked
from engine.worker.inbox import Inbox
from engine.worker.outbox import Outbox


class PrintedStream(io.TextIOBase):
    """A text stream whose text travels as TextPrinted."""

    def __init__(self, name: str, outbox: Outbox, descriptor: int) -> None:
        super().__init__()
        self.name = f"<{name}>"
        self._stream = name
        self._outbox = outbox
        self._descriptor = descriptor
        self.buffer = _PrintedBytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """What bytes written to `buffer` are taken for."""
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """How characters that cannot be encoded are shown."""
        return "backslashreplace"

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._descriptor

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            self._outbox.print(self._stream, text)
        return len(text)

    def flush(self) -> None:
        # A call that holds the interpreter may follow: nobody else could send it then.
        self._outbox.flush()

    def reconfigure(self, **options: Any) -> None:
        """Accepted for scripts that set an encoding; text needs none here."""


class _PrintedBytes(io.RawIOBase):
    """The `buffer` of a PrintedStream."""

    def __init__(self, stream: PrintedStream) -> None:
        super().__init__()
        self._text = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._text.write(bytes(data).decode("utf-8", "replace"))
        return len(data)


class AskedInput(io.TextIOBase):
    """A standard input whose lines a person types into the app's console."""

    def __init__(self, outbox: Outbox, inbox: Inbox) -> None:
        super().__init__()
        self._outbox = outbox
        self._inbox = inbox
        self._rest = ""
        self.is_waiting = False
        """Whether a line is being waited for."""

    def readable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        if not self._rest:
            self._outbox.put(InputAsked(""))
            self._outbox.flush()
            self.is_waiting = True
            try:
                self._rest = self._inbox.line() + "\n"
            finally:
                self.is_waiting = False
        size = -1 if size is None else size
        line = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(line) :]
        return line

    def read(self, size: int | None = -1) -> str:
        return self.readline(size)
