"""Opens a path in a session: a script, or a recorded run."""

from __future__ import annotations

import ast
from pathlib import Path

from app.session.recording import Recording
from app.session.session import Session
from engine.protocol.framing import MAGIC, ProtocolError


class OpenError(Exception):
    """Why a file cannot be opened, in words for the person who chose it."""


def is_recording(path: str | Path) -> bool:
    """Whether this file begins as a recorded run does. Raises: OSError."""
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def open_path(session: Session, path: str | Path) -> str:
    """Show this script or recorded run; what there is to say about it, or ''. Raises: OpenError; the session
    stays."""
    path = Path(path)
    try:
        if path.is_dir():
            raise OpenError(f"{path} is a folder; choose a script in it.")
        if is_recording(path):
            recording = Recording(path)
            session.open_recording(recording)
            return recording.message
        source = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise OpenError(f"{path} is not there.") from None
    except UnicodeDecodeError:
        raise OpenError(f"{path.name} is neither a Python script nor a recorded run.") from None
    except OSError as error:
        raise OpenError(f"{path} cannot be read: {error.strerror}.") from None
    except ProtocolError as error:
        raise OpenError(str(error)) from None
    session.open_script(path, source)
    try:
        ast.parse(source, str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f" (line {line})" if line else ""
        return f"{path.name} is not valid Python{where}: {getattr(error, 'msg', error)}"
    return ""
