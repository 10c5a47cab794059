"""Breakpoints as a person sets them."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("node", "op", "module", "parameter", "line", "iteration", "nan")


@dataclass(slots=True)
class Breakpoint:
    """Stop at `place`: a node's number, an op's or grad_fn's name, a module's path, a parameter's name,
    'file.py:42' or '42', an iteration's number; 'nan' needs no place. `hits`: pass this many times first."""

    kind: str
    place: str
    condition: str = ""
    hits: int = 0
    enabled: bool = True

    def wire(self) -> tuple[str, str, str, int]:
        """The form in which `SetBreakpoints` carries it."""
        return (self.kind, self.place, self.condition, self.hits)
