"""Drives the real window on the quickstart and writes the README's pictures, light and dark.

    python -m app.shell.screenshot [FOLDER] [--size 1600x1000] [--only paused | --all]

The script runs in its child process on the engine; nothing in the pictures is made up."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QSettings, QTimer

from app.look.theme import RESOURCES, set_theme
from app.session.session import Session

from . import start
from .window import MainWindow

ITERATION = 41
README = ("welcome", "paused", "tensor", "flow")
ALL = ("welcome", "opened", "paused", "stepped", "tensor", "flow", "console", "palette")
WAIT_MS = 60_000


def wait(ms: int) -> None:
    """Let the window live for a while."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def wait_until(true: Callable[[], object], what: str, session: Session | None = None) -> None:
    """Let the window live until this is so. Raises: TimeoutError; RuntimeError when the run is over first."""
    for _ in range(WAIT_MS // 20):
        if true():
            return
        if session is not None and session.state in ("failed", "lost"):
            raise RuntimeError(f"waited for {what}; the run {session.state}: {session.failure}")
        wait(20)
    raise TimeoutError(f"waited for {what} in vain")


class Tour:
    """The seven steps of a first visit, a picture of each."""

    def __init__(self, folder: Path, theme: str, size: tuple[int, int], names: list[str]) -> None:
        self._folder, self._theme, self._names = folder, theme, names
        set_theme(theme)
        self.session = Session()
        self.window = MainWindow(self.session)
        self.window.resize(*size)
        self.window.show()
        wait_until(lambda: self.window.bench is not None, "the window")
        self.window.set_motion(False)

    def shoot(self, name: str) -> None:
        """Write the window as it is now."""
        self.window.pulse.flush()
        wait(350)
        if name in self._names:
            path = self._folder / f"{name}-{self._theme}.png"
            self.window.grab().save(str(path))
            print(path)

    def walk(self) -> None:
        """Welcome, opened, running, standing, stepped, numbers, flow, console, palette."""
        session, window, bench = self.session, self.window, self.window.bench
        assert bench is not None
        self.shoot("welcome")
        window.open_path(RESOURCES / "samples" / "quickstart.py")
        wait_until(lambda: session.state == "ready", "the script")
        wait(300)
        self.shoot("opened")
        session.run_to(backward=ITERATION - 1)
        wait_until(lambda: session.state == "paused", "the stop", session)
        session.step("node")
        wait_until(lambda: session.state == "paused" and session.timeline.position >= 1, "the step", session)
        bench.source.toggle_line(46)
        self.shoot("paused")
        session.step("node")
        wait_until(
            lambda: session.state == "paused" and session.timeline.position >= 2, "the second step", session
        )
        node = next(n.id for n in session.graph.nodes if n.name == "AddmmBackward0")
        session.select_node(node)
        self.shoot("stepped")
        bench.tensor.show_slot(node, "saved:mat1")
        bench.tensor.raise_()
        self.shoot("tensor")
        session.step("end")
        wait_until(lambda: session.state == "paused" and session.here is None, "the end of backward", session)
        bench.gradient_flow.raise_()
        self.shoot("flow")
        bench.console.raise_()
        self.shoot("console")
        window.show_palette()
        self.shoot("palette")
        assert window.palette_view is not None
        window.palette_view.dismiss()

    def close(self) -> None:
        """End the run."""
        self.window.close()
        wait(50)


def main(arguments: list[str]) -> int:
    """Write all pictures; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m app.shell.screenshot", description=__doc__)
    parser.add_argument("folder", nargs="?", default=str(RESOURCES / "screenshots"))
    parser.add_argument("--size", default="1600x1000")
    parser.add_argument("--only", choices=ALL, help="one picture, by name")
    parser.add_argument("--all", action="store_true", help="every step, not only those of the README")
    parser.add_argument("--theme", default="", choices=["", "light", "dark"])
    options = parser.parse_args(arguments)
    folder = Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = [options.only] if options.only else list(ALL if options.all else README)
    width, height = (int(n) for n in options.size.split("x"))
    with tempfile.TemporaryDirectory() as settings:
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, settings)
        app = start.make_application()
        for theme in [options.theme] if options.theme else ["light", "dark"]:
            QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "Gradwalk", "Gradwalk").clear()
            tour = Tour(folder, theme, (width, height), names)
            try:
                tour.walk()
            finally:
                tour.close()
        del app
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
