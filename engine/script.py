"""Runs a script as plain python would: its own `__main__`, its arguments, its exit status, its traceback."""

from __future__ import annotations

import builtins
import os
import sys
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType, TracebackType

from engine import torch_alias


class ScriptRun:
    """One script, ready to be executed once in this process.

    Raises: OSError where the file cannot be read."""

    def __init__(self, path: str, arguments: list[str]) -> None:
        self.path = path
        self.arguments = arguments
        with open(path, "rb") as file:
            self._bytes = file.read()

    @property
    def source(self) -> str:
        """The script's text; bytes that are not UTF-8 are shown as such."""
        return self._bytes.decode("utf-8", "replace")

    def execute(self) -> None:
        """Run it in this thread. Raises: whatever the script raises, see `from_script` for the traceback."""
        torch_alias.install()
        sys.argv = [self.path, *self.arguments]
        folder = os.path.dirname(os.path.abspath(self.path))
        engine_root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        if sys.path:
            sys.path[0] = folder
        if engine_root not in sys.path:
            sys.path.append(engine_root)
        main = self._main_module()
        exec(compile(self._bytes, self.path, "exec", dont_inherit=True), main.__dict__)

    def _main_module(self) -> ModuleType:
        main = ModuleType("__main__")
        main.__file__ = self.path
        main.__loader__ = SourceFileLoader("__main__", self.path)
        main.__dict__.update(__builtins__=builtins, __cached__=None, __package__=None, __spec__=None)
        sys.modules["__main__"] = main
        return main


def from_script(trace: TracebackType | None, path: str) -> TracebackType | None:
    """The part of a traceback from the script's own first frame on, or None if the script has none in it."""
    while trace is not None and not _is_of(trace.tb_frame.f_code, path):
        trace = trace.tb_next
    return trace


def _is_of(code: CodeType, path: str) -> bool:
    return code.co_filename == path


def exit_status(error: SystemExit) -> int:
    """The process's exit status for this SystemExit; a message is printed, as python does."""
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    print(code, file=sys.stderr)
    return 1
