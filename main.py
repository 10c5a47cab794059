"""Gradwalk: `python main.py [SCRIPT|RUN]` opens the window; `record` and `render` need none.

python main.py                                   the welcome page
python main.py SCRIPT                            the window on a PyTorch script
python main.py RUN                               the window on a recorded run
python main.py record SCRIPT -o RUN [ARGS...]    runs a script and keeps its events
python main.py render RUN -o PICTURE             draws the graph of a backward (.svg .png .pdf .dot)
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent

PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libOpenGL.so.0": "libopengl0",
    "libGLX.so.0": "libglx0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
"""System library that Qt loads -> Debian package that has it."""
ALWAYS = (
    "libEGL.so.1",
    "libGL.so.1",
    "libxkbcommon.so.0",
    "libdbus-1.so.3",
    "libfontconfig.so.1",
    "libglib-2.0.so.0",
)
"""Needed without a display too; the rest is needed on X."""


def missing_packages(names: tuple[str, ...] | list[str]) -> list[str]:
    """The Debian packages of those of these libraries that this machine has not."""
    missing = []
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            if PACKAGES[name] not in missing:
                missing.append(PACKAGES[name])
    return missing


def check_qt(with_display: bool) -> None:
    """Exit with one line that says what to install where Qt cannot work on this machine."""
    if not sys.platform.startswith("linux"):
        return
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    on_display = with_display and platform in ("", "xcb") and not os.environ.get("WAYLAND_DISPLAY")
    if on_display and not platform and not os.environ.get("DISPLAY"):
        sys.exit(
            "gradwalk: there is no display (DISPLAY is not set); `record` and `render` work without one."
        )
    missing = missing_packages(list(PACKAGES) if on_display else list(ALWAYS))
    if missing:
        sys.exit(
            f"gradwalk: Qt needs system libraries that are missing; install: apt install {' '.join(missing)}"
        )


def without_engine() -> None:
    """Let `engine.protocol` be imported without the engine around it: the window's process needs no more of
    it."""
    if "engine" not in sys.modules:
        package = ModuleType("engine")
        package.__path__ = [str(ROOT / "engine")]
        sys.modules["engine"] = package


def open_window(path: str | None) -> int:
    """The window, on this script or recorded run; its exit status."""
    check_qt(with_display=True)
    without_engine()
    from app.shell import start

    return start.main(path) or 0


def record(arguments: list[str]) -> int:
    """Run a script without a window and keep its events; the script's exit status."""
    parser = argparse.ArgumentParser(prog="main.py record", description="Run a script and keep its events.")
    parser.add_argument("script")
    parser.add_argument("-o", "--output", required=True, metavar="RUN", help="the file to keep them in")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS", help="handed to the script")
    # What follows the script is its own, but -o may stand there too.
    known, rest = _output_first(arguments)
    options = parser.parse_args([*known, *rest])
    from engine.worker import record as recording

    try:
        return recording.record(options.script, options.output, options.arguments)
    except OSError as error:
        sys.exit(f"gradwalk: {error.filename or options.output}: {error.strerror or error}")


def _output_first(arguments: list[str]) -> tuple[list[str], list[str]]:
    for place, word in enumerate(arguments):
        if word in ("-o", "--output") and place + 1 < len(arguments):
            return arguments[place : place + 2], arguments[:place] + arguments[place + 2 :]
    return [], arguments


def render(arguments: list[str]) -> int:
    """Draw the graph of one backward of a recorded run as a picture."""
    parser = argparse.ArgumentParser(
        prog="main.py render", description="Draw the graph of a recorded backward."
    )
    parser.add_argument("run")
    parser.add_argument(
        "-o", "--output", required=True, metavar="PICTURE", help="ends in .svg .png .pdf or .dot"
    )
    parser.add_argument(
        "--backward", type=int, metavar="K", help="which backward, from 0; the last by default"
    )
    options = parser.parse_args(arguments)
    if Path(options.output).suffix not in (".svg", ".png", ".pdf", ".dot"):
        sys.exit(f"gradwalk: {options.output}: a picture's name ends in .svg, .png, .pdf or .dot")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    check_qt(with_display=False)
    without_engine()
    from app.session.recording import Recording
    from engine.protocol.framing import ProtocolError

    try:
        recording = Recording(options.run)
    except OSError as error:
        sys.exit(f"gradwalk: {options.run}: {error.strerror}")
    except ProtocolError as error:
        sys.exit(f"gradwalk: {error}")
    if recording.message:
        print(f"gradwalk: {recording.message}", file=sys.stderr)
    if not recording.backwards:
        sys.exit(f"gradwalk: {options.run}: there is no backward in this run, so no graph to draw")
    numbers = [b.number for b in recording.backwards]
    number = numbers[-1] if options.backward is None else options.backward
    if number not in numbers:
        sys.exit(
            f"gradwalk: {options.run}: there is no backward {number}; it has {numbers[0]} to {numbers[-1]}"
        )
    from app.canvases.export import render_graph

    entry = recording.backwards[numbers.index(number)]
    render_graph(recording.graph_at(number, entry.count), options.output)
    return 0


def main(arguments: list[str]) -> int:
    """Do what the command line says; the exit status."""
    if arguments and arguments[0] == "record":
        return record(arguments[1:])
    if arguments and arguments[0] == "render":
        return render(arguments[1:])
    if arguments and arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    if len(arguments) > 1:
        print(__doc__, file=sys.stderr)
        return 2
    return open_window(arguments[0] if arguments else None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
