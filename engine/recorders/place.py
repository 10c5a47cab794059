"""The user's source line that is being executed."""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType

_ENGINE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Places:
    """Finds the innermost frame of the user's code: the script, or a file in its folder (packages there
    too)."""

    def __init__(self, script: str) -> None:
        self.script = script
        self.folder = os.path.dirname(os.path.abspath(script)) + os.sep
        self._is_users: dict[CodeType, bool] = {}

    def frame(self, depth: int = 1) -> FrameType | None:
        """The innermost frame of the user's code, seen from the caller; None outside any."""
        known = self._is_users
        frame: FrameType | None = sys._getframe(depth + 1)
        while frame is not None:
            code = frame.f_code
            users = known.get(code)
            if users if users is not None else self.is_users(code):
                return frame
            frame = frame.f_back
        return None

    def here(self, depth: int = 1) -> tuple[str, int]:
        """(file, line) of the user's code that is being executed; ('', 0) outside any."""
        frame = self.frame(depth + 1)
        return ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)

    def is_users(self, code: CodeType) -> bool:
        """Whether this is code of the script or of a file in its folder."""
        users = self._is_users.get(code)
        if users is None:
            users = self._is_users[code] = self._belongs(code.co_filename)
        return users

    def _belongs(self, file: str) -> bool:
        if file == self.script:
            return True
        path = os.path.abspath(file)
        if path.startswith(_ENGINE) or not path.startswith(self.folder):
            return False
        inside = path[len(self.folder) :]
        return "site-packages" not in inside and not inside.startswith((".venv" + os.sep, "lib" + os.sep))
