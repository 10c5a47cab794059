"""One child process that runs a script on the engine: events in, requests out, no wait on either side."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from engine.protocol.event import Event
from engine.protocol.framing import FrameReader, ProtocolError, decode_events, encode_batch, header
from engine.protocol.request import Evaluate, Explain, Fetch, Request, Run, RunTo, SetValue, Step, Stop

ROOT = Path(__file__).resolve().parents[2]
WAITING_BYTES_MAX = 16 << 20
"""With this much undelivered the child is not read any more, so it waits: nothing piles up."""
KILL_AFTER_S = 1.0
ANSWERED = (Run, RunTo, Step, Fetch, SetValue, Evaluate, Explain)
"""Requests after which something is always told."""


class Child:
    """A running `python -m engine.worker`. wake() is called, from a thread, when there is something to take.

    Raises: OSError where the process cannot be started."""

    def __init__(
        self, script: Path, arguments: Iterable[str] = (), wake: Callable[[], object] = lambda: None
    ) -> None:
        self._wake = wake
        self._batches: deque[tuple[list[Event], int]] = deque()
        self._waiting = 0
        self._room = threading.Condition()
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._over = threading.Event()
        self._timer: threading.Timer | None = None
        self._words = b""
        self._heard = time.monotonic()
        self._asked = 0.0
        self.trouble = ""
        self.killed = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.worker", str(script.absolute()), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=script.resolve().parent,
            env=_environment(),
            **_apart(),
        )
        self._threads = [
            threading.Thread(target=work, name=f"child {work.__name__.strip('_')}", daemon=True)
            for work in (self._read, self._write, self._listen)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def is_over(self) -> bool:
        """Whether the process is gone and all that it sent has been taken."""
        return self._over.is_set() and not self._batches

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    @property
    def silent_s(self) -> float:
        """How long nothing has come from it."""
        return time.monotonic() - self._heard

    @property
    def owes_s(self) -> float:
        """How long it has owed an answer, 0 where it owes none."""
        return time.monotonic() - self._asked if self._asked else 0.0

    def send(self, request: Request) -> None:
        """Hand over a request; it is written by a thread. A Stop that is not obeyed within a second kills."""
        self._requests.put(request)
        if isinstance(request, ANSWERED) and not self._asked:
            self._asked = time.monotonic()
        if isinstance(request, Stop) and self._timer is None:
            self._timer = threading.Timer(KILL_AFTER_S, self.kill)
            self._timer.daemon = True
            self._timer.start()

    def take(self) -> Iterator[Event]:
        """Events that have arrived, in order, as long as the caller goes on asking. Stopping midway loses
        none."""
        while self._batches:
            batch, size = self._batches[0]
            taken = 0
            try:
                for event in batch:
                    taken += 1
                    yield event
            finally:
                if taken == len(batch):
                    self._batches.popleft()
                    with self._room:
                        self._waiting -= size
                        self._room.notify()
                else:
                    self._batches[0] = (batch[taken:], size)

    def kill(self) -> None:
        """End the process and all that it started, at once. Safe to call again."""
        self.killed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._process.poll() is None:
            try:
                if hasattr(os, "killpg"):
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()
            except (ProcessLookupError, PermissionError):
                self._process.kill()
        with self._room:
            self._room.notify_all()

    def wait(self, timeout_s: float = 1.0) -> bool:
        """Wait for the process and the threads to end; whether they have."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        self._requests.put(None)
        for thread in self._threads:
            thread.join(timeout_s)
        if self._timer is not None:
            self._timer.cancel()
        return not any(thread.is_alive() for thread in self._threads)

    def epitaph(self) -> str:
        """How the process ended, in a sentence."""
        if self.trouble:
            return self.trouble
        code = self._process.poll()
        words = self._words.decode("utf-8", "replace").strip().splitlines()
        said = f" It said: {words[-1]}" if words else ""
        if self._timer is not None and self.killed:
            return f"The script did not obey Stop within {KILL_AFTER_S:g} s; its process was ended.{said}"
        if code is not None and code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            return f"The script's process was ended by {name}.{said}"
        return f"The script's process ended without a word (exit status {code}).{said}"

    def _read(self) -> None:
        frames = FrameReader("The child's stream")
        pipe = self._process.stdout
        assert pipe is not None
        try:
            while data := pipe.read(1 << 18):
                self._heard, self._asked = time.monotonic(), 0.0
                for payload in frames.feed(data):
                    self._deliver(decode_events(payload), len(payload))
        except ProtocolError as error:
            self.trouble = str(error)
            self.kill()
        except (OSError, ValueError):
            pass
        self._process.wait()
        pipe.close()
        self._over.set()
        self._requests.put(None)
        self._wake()

    def _deliver(self, batch: list[Event], size_bytes: int) -> None:
        with self._room:
            self._room.wait_for(lambda: self._waiting < WAITING_BYTES_MAX or self.killed)
            self._waiting += size_bytes
        self._batches.append((batch, size_bytes))
        self._wake()

    def _write(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(header())
            while (request := self._requests.get()) is not None:
                pipe.write(encode_batch([request]))
        except (OSError, ValueError):
            pass
        try:
            pipe.close()
        except OSError:
            pass

    def _listen(self) -> None:
        pipe = self._process.stderr
        assert pipe is not None
        try:
            while data := pipe.read(1 << 12):
                self._words = (self._words + data)[-4096:]
        except (OSError, ValueError):
            pass
        pipe.close()


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    known = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = str(ROOT) + (os.pathsep + known if known else "")
    environment["PYTHONIOENCODING"] = "utf-8"
    return environment


def _apart() -> dict[str, Any]:
    """A process group of its own, so that all that the script starts can be ended with it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
