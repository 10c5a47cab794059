"""Puts the parts of the child process together, runs the script, and tells how it ended."""

from __future__ import annotations

import atexit
import os
import platform
import signal
import sys
import threading
import time
import traceback
from typing import BinaryIO

from engine import torch_alias
from engine.autograd import modes
from engine.protocol import event as happened
from engine.protocol.framing import header
from engine.recorders.catalogue import catalogue
from engine.recorders.recorder import Recorder
from engine.script import ScriptRun, exit_status, from_script
from engine.worker.compiling import CompileWatch
from engine.worker.heartbeat import Heartbeat
from engine.worker.inbox import Inbox
from engine.worker.outbox import Outbox
from engine.worker.pilot import Pilot
from engine.worker.printed import AskedInput, PrintedStream

STOPPED = -1
"""exit_status of a run that was ended by a Stop."""
LAST_WORDS_S = 0.3


class Child:
    """The child process of one run. `run` never returns: it ends the process."""

    def __init__(self, path: str, arguments: list[str]) -> None:
        self._path = path
        self._arguments = arguments
        requests, events = _take_over_pipes()
        self._events = events
        self._events.write(header())
        self.outbox = Outbox(self._write)
        self.inbox = Inbox(requests, self._stopped, self._abandoned)
        self._began = time.monotonic()
        self._errors = 0
        for descriptor, stream in ((1, "stdout"), (2, "stderr")):
            _capture(descriptor, stream, self.outbox)
        sys.stdout = PrintedStream("stdout", self.outbox, 1)
        sys.stderr = PrintedStream("stderr", self.outbox, 2)
        self._input = AskedInput(self.outbox, self.inbox)
        sys.stdin = self._input
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_be_a_plain_process)

    def run(self) -> None:
        """Tell of the script, wait for the first request to go, run it, tell how it ended."""
        try:
            script = ScriptRun(self._path, self._arguments)
        except OSError as error:
            self._fail(type(error).__name__, f"{self._path}: {error.strerror}", "", "", 0)
            self._end(2)
            return
        torch_alias.install()
        self.outbox.put(
            happened.RunStarted(
                self._path,
                tuple(self._arguments),
                script.source,
                time.time(),
                _engine_version(),
                platform.python_version(),
            )
        )
        recorder = Recorder(self._path, self.outbox.put)
        recorder.on_error = self._recorder_failed
        pilot = Pilot(recorder, self.inbox, self.outbox)
        recorder.pilot = pilot
        self.outbox.put(catalogue())
        self.outbox.flush()
        self.inbox.start()
        pilot.wait_for_start()
        compiling = CompileWatch(self.outbox.put)
        heartbeat = Heartbeat(
            self.outbox, recorder.places, lambda: pilot.halt.is_standing or self._input.is_waiting
        )

        def look() -> None:
            compiling.look()
            heartbeat.look()

        self.outbox.on_tick = look
        recorder.install()
        status = execute(script, self.outbox)
        recorder.uninstall()
        try:
            pilot.look_back()
        except Exception as error:
            self._recorder_failed(error)
        self._end(status)

    def _write(self, data: bytes) -> None:
        self._events.write(data)
        self._events.flush()

    def _fail(self, kind: str, message: str, trace: str, file: str, line: int) -> None:
        self.outbox.put(happened.RunFailed(kind, message, trace, file, line))

    def _end(self, status: int) -> None:
        for thread in threading.enumerate():
            if thread is not threading.main_thread() and not thread.daemon:
                thread.join()
        atexit._run_exitfuncs()
        _drain()
        self.outbox.put(happened.RunEnded(status, time.monotonic() - self._began))
        self.outbox.close()
        os._exit(status & 0xFF)

    def _stopped(self) -> None:
        def last_words() -> None:
            self.outbox.put(happened.RunEnded(STOPPED, time.monotonic() - self._began))
            self.outbox.flush()

        speaker = threading.Thread(target=last_words, daemon=True)
        speaker.start()
        speaker.join(LAST_WORDS_S)
        _end_all()

    def _abandoned(self) -> None:
        _end_all()

    def _recorder_failed(self, error: BaseException) -> None:
        self._errors += 1
        if self._errors <= 3:
            where = traceback.extract_tb(error.__traceback__)
            last = f" ({os.path.basename(where[-1].filename)}:{where[-1].lineno})" if where else ""
            self.outbox.print(
                "note", f"A part of this run is not shown: {type(error).__name__}: {error}{last}\n"
            )


def execute(script: ScriptRun, outbox: Outbox) -> int:
    """Run the script in this thread; its exit status. What it raises is told as RunFailed, with its line."""
    try:
        script.execute()
    except SystemExit as error:
        return exit_status(error)
    except BaseException as error:
        trace = from_script(error.__traceback__, script.path)
        text = "".join(traceback.format_exception(type(error), error, trace))
        sys.stderr.write(text)
        file, line = _line_of(error, script)
        outbox.put(happened.RunFailed(type(error).__name__, str(error), text, file, line))
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _line_of(error: BaseException, script: ScriptRun) -> tuple[str, int]:
    """The innermost line of the script that led to the error; for a syntax error, where it is."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return error.filename, error.lineno
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == script.path]
    return (script.path, frames[-1].lineno or 0) if frames else (script.path, 0)


def _take_over_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the app, moved away from where the script would find them."""
    requests = os.fdopen(os.dup(0), "rb")
    events = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if sys.platform == "win32":
        import msvcrt

        for file in (requests, events):
            msvcrt.setmode(file.fileno(), os.O_BINARY)
    return requests, _Whole(events)  # type: ignore[return-value]


class _Whole:
    """A raw file that writes all it is given: a pipe may take only a part at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) or 0 :]
        return len(data)

    def flush(self) -> None:
        return None


_captures: list[threading.Thread] = []


def _capture(descriptor: int, stream: str, outbox: Outbox) -> None:
    """Send what is written to this descriptor, by C code or by processes of the script, as printed text."""
    reading, writing = os.pipe()
    os.dup2(writing, descriptor)
    os.close(writing)
    os.set_inheritable(descriptor, True)

    def pump() -> None:
        while data := os.read(reading, 1 << 16):
            outbox.print(stream, data.decode("utf-8", "replace"))

    thread = threading.Thread(target=pump, name=stream, daemon=True)
    thread.start()
    _captures.append(thread)


def _drain() -> None:
    """Let what was written to the descriptors arrive."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nothing, descriptor)
    for thread in _captures:
        thread.join(0.2)


def _be_a_plain_process() -> None:
    """In a process that the script forked: nobody watches, and it prints to the descriptors."""
    modes.observer = None
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        setattr(sys, name, open(descriptor, "w", buffering=1, closefd=False, encoding="utf-8"))


def _end_all() -> None:
    """End this process and all that the script started."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _engine_version() -> str:
    import engine

    return getattr(engine, "__version__", "")
