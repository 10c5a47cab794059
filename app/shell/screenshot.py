"""Drives the real window on samples and writes the README's pictures, light and dark.

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
from app.session.breakpoint import Breakpoint
from app.session.session import Session

from . import start
from .window import MainWindow

ITERATION = 41
README = ("welcome", "paused", "tensor", "flow", "why")
WALK = ("welcome", "opened", "paused", "stepped", "tensor", "flow", "console", "palette")
FAULTS = ("why", "findings", "nan", "what if", "what changed")
ALL = WALK + FAULTS
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
    """The steps of a first visit and of a search for faults, a picture of each."""

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
            path = self._folder / f"{name.replace(' ', '-')}-{self._theme}.png"
            self.window.grab().save(str(path))
            print(path)

    def open(self, sample: str) -> None:
        """Show a sample, ready to run."""
        self.window.open_path(RESOURCES / "samples" / sample)
        wait_until(lambda: self.session.state == "ready", "the script")
        wait(300)

    def tour(self) -> None:
        """All that was asked for."""
        if any(name in self._names for name in WALK):
            self.walk()
        if any(name in self._names for name in FAULTS):
            self.search()

    def search(self) -> None:
        """Why, findings, NaN, what if, what changed."""
        session, bench = self.session, self.window.bench
        assert bench is not None
        self.open("dead_relu.py")
        session.run_to(backward=5)
        wait_until(lambda: session.state == "paused", "the stop", session)
        session.step("end")
        wait_until(lambda: session.state == "paused" and session.here is None, "the end of backward", session)
        bench.why.raise_()
        bench.findings.raise_()
        session.select_node(next(n.id for n in session.graph.nodes if n.name == "hidden.weight"))
        wait(1500)
        self.shoot("why")
        self.shoot("findings")
        self.open("masked_division.py")
        session.set_breakpoints([Breakpoint("nan", "")])
        session.run()
        wait_until(lambda: session.state == "paused", "the NaN", session)
        self.window.asking.ask("nan")
        wait(1500)
        self.shoot("nan")
        session.set_breakpoints([])
        self.open("quickstart.py")
        session.run_to(backward=20)
        wait_until(lambda: session.state == "paused", "the stop", session)
        bench.what_if.raise_()
        bench.what_if.expression.setText("lr / 4")
        bench.what_if.press()
        wait(6000)
        self.shoot("what if")
        session.step("iteration")
        wait_until(lambda: session.state == "paused", "the next iteration", session)
        bench.what_changed.raise_()
        wait(800)
        self.shoot("what changed")

    def walk(self) -> None:
        """Welcome, opened, running, standing, stepped, numbers, flow, console, palette."""
        session, window, bench = self.session, self.window, self.window.bench
        assert bench is not None
        self.shoot("welcome")
        self.open("quickstart.py")
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
    parser.add_argument("--only", choices=ALL, metavar="NAME", help="one picture, by name")
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
                tour.tour()
            finally:
                tour.close()
        del app
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
