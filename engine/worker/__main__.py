"""`python -m engine.worker SCRIPT [ARGS...]`: the child process; `--record RUN` first keeps its events in a
file."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    """Run the script named first. With --record RUN, without an app on the other side."""
    if len(arguments) >= 3 and arguments[0] == "--record":
        from engine.worker.record import record

        sys.exit(record(arguments[2], arguments[1], arguments[3:]))
    if not arguments:
        print("usage: python -m engine.worker [--record RUN] SCRIPT [ARGS...]", file=sys.stderr)
        sys.exit(2)
    from engine.worker.child import Child

    Child(arguments[0], arguments[1:]).run()


if __name__ == "__main__":
    main(sys.argv[1:])
