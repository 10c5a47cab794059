"""Opens scripts and recordings away from the window's thread, and says in words what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from app.docks.file_reader import in_background
from app.session.session import Session

from .notice import Notice

PYTHON_ENDINGS = (".py", ".pyw")
_READ_LIMIT = 8 << 20


def read_script(path: Path) -> tuple[str, SyntaxError | None]:
    """A script's text, and what keeps it from being Python. Raises: OSError, UnicodeDecodeError."""
    if path.stat().st_size > _READ_LIMIT:
        raise OSError(f"it has {path.stat().st_size >> 20} MB, too much for a script")
    source = path.read_text(encoding="utf-8")
    try:
        compile(source, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        return source, error
    except ValueError as error:
        return source, SyntaxError(str(error))
    return source, None


def looks_like_script(path: Path) -> bool:
    """Whether this is meant as Python rather than as a recorded run."""
    if path.suffix.lower() in PYTHON_ENDINGS:
        return True
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        return False
    return bool(head) and b"\0" not in head and path.suffix.lower() in ("", ".txt")


class Opening(QObject):
    """Opens a path in the session; each newer one replaces an older that is still being read."""

    def __init__(
        self, session: Session, notice: Notice, opened: Callable[[Path], object], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._notice = notice
        self._opened = opened
        self._serial = 0

    def cancel(self) -> None:
        """Forget what is still being read."""
        self._serial += 1

    def open(self, path: str | Path) -> None:
        """Open a script or a recorded run."""
        path = Path(path).expanduser()
        self._serial += 1
        serial = self._serial

        def work() -> object:
            if not path.exists():
                raise FileNotFoundError(f"{path} is not there.")
            if path.is_dir():
                raise IsADirectoryError(f"{path} is a folder. Open a .py file or a recorded run.")
            if looks_like_script(path):
                return read_script(path)
            from app.session.recording import Recording

            return Recording(path)

        def arrived(result: object, error: Exception | None) -> None:
            if serial != self._serial:
                return
            if error is not None:
                self._notice.say("error", problem_text(path, error))
            elif isinstance(result, tuple):
                self._script(path, *result)
            else:
                self._recording(path, result)

        in_background(work, arrived)

    def _script(self, path: Path, source: str, error: SyntaxError | None) -> None:
        from app.session.failure import Failure

        self._notice.clear()
        self._session.open_script(path, source)
        self._opened(path)
        if error is not None:
            line = error.lineno or 0
            self._session.failure = Failure("SyntaxError", error.msg or str(error), "", str(path), line)
            place = f", line {line}" if line else ""
            self._notice.say(
                "error",
                f"{path.name}{place} is not Python: {error.msg}. Correct it and open it again.",
                (("Open again", lambda: self.open(path)),),
            )
            self._session.cursor_changed.emit()

    def _recording(self, path: Path, recording: Any) -> None:
        self._notice.clear()
        self._session.open_recording(recording)
        self._opened(path)
        message = self._session.message
        if message:
            self._notice.say("warn", f"{path.name}: {message}")


def problem_text(path: Path, error: Exception) -> str:
    """Why a file could not be opened, and what to try."""
    if isinstance(error, FileNotFoundError):
        return f"{path} is not there. Was it moved or renamed?"
    if isinstance(error, UnicodeDecodeError):
        return f"{path.name} is not text in UTF-8, so it is not a Python script. Nothing was changed."
    if isinstance(error, PermissionError):
        return f"{path.name} may not be read by you. Check its permissions."
    text = str(error).rstrip(".")
    name = "" if path.name in text else f"{path.name}: "
    return f"{name}{text or type(error).__name__}."
