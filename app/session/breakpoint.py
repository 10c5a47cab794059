"""Breakpoints as a person sets them."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass

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

    def kept(self) -> str:
        """The form in which it is kept between runs of the app."""
        return json.dumps(astuple(self), ensure_ascii=False)

    @classmethod
    def read(cls, text: str) -> Breakpoint | None:
        """The breakpoint kept as this text; None where it is none."""
        try:
            kind, place, condition, hits, enabled = json.loads(text)
        except (ValueError, TypeError):
            return None
        if kind not in KINDS:
            return None
        return cls(kind, str(place), str(condition), int(hits), bool(enabled))
