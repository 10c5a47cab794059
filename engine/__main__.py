"""`python -m engine SCRIPT [ARGS...]`: runs a PyTorch script on the engine, unobserved, as plain python
would."""

from __future__ import annotations

import sys

from engine.script import ScriptRun, from_script


def main(arguments: list[str]) -> None:
    """Run the script named first. What it raises is reported as plain python reports it; status 1, 2 for
    usage."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: python -m engine SCRIPT [ARGS...]", file=sys.stdout if arguments else sys.stderr)
        sys.exit(0 if arguments else 2)
    path = arguments[0]
    try:
        run = ScriptRun(path, arguments[1:])
    except OSError as error:
        print(f"python -m engine: can't open file {path!r}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    try:
        run.execute()
    except SystemExit:
        raise
    except BaseException as error:
        error = error.with_traceback(from_script(error.__traceback__, path))
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
