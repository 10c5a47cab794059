"""Drives a session and its child process without a window."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from app.link.live import LiveLink
from app.session.session import Session

PATIENCE_S = 30.0


class Driver:
    """A session with a live link, pumped by hand."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.session = Session()
        self.link = LiveLink(self.session, self.woken.set)

    def open(self, path: Path, source: str | None = None) -> Session:
        """Show a script, written to `path` first where its source is given."""
        if source is not None:
            path.write_text(source, encoding="utf-8")
        self.session.open_script(path)
        return self.session

    def until(self, reached: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        """Deliver what arrives until this is true. Raises: TimeoutError, with what is known then."""
        end = time.monotonic() + patience_s
        while not reached():
            self.woken.wait(0.02)
            self.woken.clear()
            self.link.look()
            while self.link.deliver():
                if reached():
                    return
            if time.monotonic() > end:
                s = self.session
                raise TimeoutError(f"{s.state}, {s.pause}, {s.failure}, {s.console.text()[-2000:]}")

    def to_stop(self) -> None:
        """Deliver until the run stands or is over."""
        self.until(lambda: self.session.state not in ("running", "ready"))

    def step(self, kind: str = "node") -> None:
        """One stride, and wait until it is made."""
        self.session.step(kind)
        self.to_stop()

    def tensor(self, node: int, what: str) -> np.ndarray:
        """Fetch a tensor. Raises: LookupError, with the message of the child."""
        s = self.session
        s.fetched.pop("test", None)
        s.fetch_errors.pop("test", None)
        s.fetch("test", node, what)
        self.until(lambda: "test" in s.fetched or "test" in s.fetch_errors)
        if "test" in s.fetch_errors:
            raise LookupError(s.fetch_errors["test"])
        got = s.fetched["test"]
        return np.frombuffer(got.data, got.dtype).reshape(got.shape)

    def explain(self, topic: str, what: str = "", node: int = -1, slot: int = 0) -> Any:
        """Ask why something is as it is. Raises: LookupError, with the message of the child."""
        s = self.session
        s.explained.pop("test", None)
        s.fetch_errors.pop("test", None)
        s.explain("test", topic, node, what, slot)
        self.until(lambda: "test" in s.explained or "test" in s.fetch_errors)
        if "test" in s.fetch_errors:
            raise LookupError(s.fetch_errors["test"])
        return s.explained["test"]

    def all_tensors(self) -> dict[tuple[int, str], bytes]:
        """Every tensor that can be fetched where the run stands, bit by bit."""
        found = {}
        for node in self.session.graph.nodes:
            names = ["value", "grad", "leaf_grad", "incoming:0", "outgoing:0", "outgoing:1"]
            for what in [*names, *(f"saved:{s.name}" for s in node.saved)]:
                try:
                    found[node.id, what] = self.tensor(node.id, what).tobytes()
                except LookupError:
                    continue
        return found

    def node(self, name: str) -> int:
        """The id of the first node with this name."""
        return next(n.id for n in self.session.graph.nodes if n.name == name)


def is_alive(pid: int) -> bool:
    """Whether a process with this number is there and no zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
