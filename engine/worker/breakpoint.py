"""Breakpoints, and when they hit."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from engine.worker.expression import Expression, ExpressionError

KINDS = ("node", "op", "module", "parameter", "line", "iteration", "nan")
Names = Callable[[], Mapping[str, Any]]


class Breakpoint:
    """One breakpoint: kind, place, condition, and how often it is passed before it stops.

    Raises: ExpressionError where the condition is none; ValueError where the kind or place is none."""

    def __init__(self, kind: str, place: str, condition: str = "", hits: int = 0) -> None:
        if kind not in KINDS:
            raise ValueError(f"“{kind}” is no kind of breakpoint. Known: {', '.join(KINDS)}.")
        self.kind = kind
        self.place = place
        self.condition = Expression(condition) if condition.strip() else None
        self.left = hits
        self.file, self.number = "", -1
        if kind == "line":
            file, _, line = place.rpartition(":")
            self.file = file
            self.number = _whole(line, place)
        elif kind == "iteration":
            self.number = _whole(place, place)
        elif kind == "node" and place.lstrip("-").isdigit():
            self.number = int(place)

    def hits(self, names: Names) -> bool:
        """Whether to stop, now that its place is reached; counts the hit. A condition that fails is no
        hit."""
        if self.condition is not None:
            try:
                if not self.condition.holds(names()):
                    return False
            except ExpressionError:
                return False
        if self.left > 0:
            self.left -= 1
            return False
        return True

    def is_at_line(self, file: str, line: int) -> bool:
        """Whether a line breakpoint means this line."""
        if self.number != line:
            return False
        return not self.file or self.file == file or os.path.basename(file) == os.path.basename(self.file)

    def __str__(self) -> str:
        where = f"{self.kind} {self.place}".strip()
        return f"{where} if {self.condition.text}" if self.condition else where


def _whole(text: str, place: str) -> int:
    if not text.strip().isdigit():
        raise ValueError(f"“{place}” names no line or iteration.")
    return int(text)


class Breakpoints:
    """All that are set, by where they are looked for: in the forward or in the backward."""

    def __init__(self) -> None:
        self.forward: list[Breakpoint] = []
        self.backward: list[Breakpoint] = []
        self.modules: list[Breakpoint] = []
        self.nan: Breakpoint | None = None

    def set(self, wire: tuple[tuple[str, str, str, int], ...]) -> list[str]:
        """Replace all; the messages of those that are wrong."""
        self.forward, self.backward, self.modules, self.nan = [], [], [], None
        wrong = []
        for kind, place, condition, hits in wire:
            try:
                point = Breakpoint(kind, place, condition, hits)
            except ValueError as error:
                wrong.append(str(error))
                continue
            if kind == "nan":
                self.nan = point
            elif kind == "module":
                self.modules.append(point)
            elif kind == "line":
                self.forward.append(point)
            elif kind == "op" and not place.endswith("0"):
                self.forward.append(point)
            else:
                self.backward.append(point)
        return wrong

    def op_hit(self, name: str, file: str, line: int, new_line: bool, names: Names) -> Breakpoint | None:
        """The breakpoint that this op of the forward hits."""
        for point in self.forward:
            here = new_line and point.is_at_line(file, line) if point.kind == "line" else point.place == name
            if here and point.hits(names):
                return point
        return None

    def has_line(self, file: str, line: int) -> bool:
        """Whether a breakpoint is on this line."""
        return any(point.kind == "line" and point.is_at_line(file, line) for point in self.forward)

    def module_hit(self, path: str, type_name: str, names: Names) -> Breakpoint | None:
        """The breakpoint that this module's call hits."""
        for point in self.modules:
            if point.place in (path, type_name) and point.hits(names):
                return point
        return None

    def node_hit(
        self, index: int, name: str, label: str, backward: int, position: int, names: Names
    ) -> Breakpoint | None:
        """The breakpoint that this node of a backward hits. label: the leaf's own name."""
        for point in self.backward:
            if point.kind == "node":
                here = point.number == index if point.number >= 0 else point.place in (name, label)
            elif point.kind == "op":
                here = point.place == name
            elif point.kind == "parameter":
                here = bool(label) and point.place == label
            else:
                here = point.number == backward and position == 0
            if here and point.hits(names):
                return point
        return None
