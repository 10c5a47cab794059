"""Why a run failed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """The script's own error with its traceback, or the loss of the child process (type '')."""

    type: str
    message: str
    traceback: str = ""
    file: str = ""
    line: int = 0
