"""What runs in the child process: one request on stdin, one scene on stdout, both without pickle.

The request is one line of JSON: the outline's columns, open modules, direction, whether dot may help."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path


def ask(outline: dict[str, object], opened: frozenset[int], downwards: bool, dot: bool) -> bytes:
    """A request for the child."""
    wish = {"outline": outline, "opened": sorted(opened), "downwards": downwards, "dot": dot}
    return json.dumps(wish).encode()


class Child:
    """One child process that lays out one scene; `kill` ends it from another thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = threading.Event()

    def run(self, request: bytes, limit_s: float) -> bytes:
        """The scene's bytes; none if the child failed, was killed or took longer than `limit_s`."""
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        with subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, creationflags=flags) as process:
            self._process = process
            if self._killed.is_set():
                process.kill()
            try:
                answer, _ = process.communicate(request, timeout=limit_s)
            except (subprocess.TimeoutExpired, OSError, ValueError):
                process.kill()
                process.wait()
                return b""
            return answer if process.returncode == 0 else b""

    def kill(self) -> None:
        """End the child if it runs, and never let it start otherwise."""
        self._killed.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()


def main() -> None:
    """Read the request, write the scene."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from app.layout.compose import Layout, compose
    from app.layout.layered import layered
    from app.layout.outline import Outline

    request = json.loads(sys.stdin.buffer.read())
    layout: Layout = layered
    if request["dot"]:
        from app.layout.dot import best_of_both

        layout = best_of_both
    scene = compose(Outline(**request["outline"]), frozenset(request["opened"]), request["downwards"], layout)
    sys.stdout.buffer.write(scene.to_bytes())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
