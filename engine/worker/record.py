"""Runs a script without a window and keeps its events in a file."""

from __future__ import annotations

import io
import platform
import sys
import time
from typing import TextIO

from engine import torch_alias
from engine.protocol import event as happened
from engine.protocol.framing import header
from engine.recorders.catalogue import catalogue
from engine.recorders.recorder import Recorder
from engine.script import ScriptRun
from engine.worker.child import execute
from engine.worker.inbox import Inbox
from engine.worker.keeper import Keeper
from engine.worker.outbox import Outbox
from engine.worker.pilot import Pilot


class _Tee(io.TextIOBase):
    """A text stream that prints and keeps what is printed."""

    def __init__(self, stream: TextIO, name: str, outbox: Outbox) -> None:
        super().__init__()
        self._stream, self._name, self._outbox = stream, name, outbox
        self.buffer = getattr(stream, "buffer", None)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As of the stream behind."""
        return self._stream.encoding

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def write(self, text: str) -> int:
        self._outbox.print(self._name, text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()


def record(script_path: str, run_path: str, arguments: list[str]) -> int:
    """Run the script, printing as it does, and keep its events in run_path; the script's exit status.

    Raises: OSError where the script cannot be read or the file not be written."""
    script = ScriptRun(script_path, arguments)
    stdout, stderr = sys.stdout, sys.stderr
    began = time.monotonic()
    with open(run_path, "wb") as file:
        file.write(header())
        outbox = Outbox(file.write)
        torch_alias.install()
        import engine

        outbox.put(
            happened.RunStarted(
                script_path,
                tuple(arguments),
                script.source,
                time.time(),
                getattr(engine, "__version__", ""),
                platform.python_version(),
            )
        )
        recorder = Recorder(script_path, outbox.put)
        recorder.on_error = lambda error: print(f"gradwalk: not recorded: {error}", file=stderr)
        inbox = Inbox(io.BytesIO(), lambda: None, lambda: None)  # type: ignore[arg-type]
        recorder.pilot = Pilot(recorder, inbox, outbox, Keeper(outbox))
        outbox.put(catalogue())
        sys.stdout = _Tee(stdout, "stdout", outbox)
        sys.stderr = _Tee(stderr, "stderr", outbox)
        recorder.install()
        try:
            status = execute(script, outbox)
        finally:
            recorder.uninstall()
            sys.stdout, sys.stderr = stdout, stderr
        outbox.put(happened.RunEnded(status, time.monotonic() - began))
        outbox.close()
    if outbox.broken:
        raise OSError(f"{run_path} could not be written to its end.")
    return status
