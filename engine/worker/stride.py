"""A stride through the forward: over ops, composite ops and calls of modules."""

from __future__ import annotations

KINDS = ("op", "into", "over", "out")


class ForwardStride:
    """Says when a stride is made. kind: 'op' (a composite is one), 'into' (a composite: its first part),
    'over' (a module's call is one, too), 'out' (of the composite or module in which it began), '' for none.

    Asked with how many composites and how many calls of modules are open."""

    def __init__(self) -> None:
        self.kind = ""
        self._composites = 0
        self._calls = 0
        self._leaves_composite = False
        self._serial = -1

    def begin(self, kind: str, composites: int, calls: int, serial: int) -> bool:
        """Begin one where so many are open; false where there is nothing to get out of."""
        self.kind = kind if kind in KINDS else ""
        self._composites, self._calls, self._serial = composites, calls, serial
        self._leaves_composite = composites > 0
        return kind != "out" or composites > 0 or calls > 0

    def after_op(self, composites: int, calls: int) -> bool:
        """Whether it is made after this op."""
        kind = self.kind
        if kind == "op":
            return composites <= self._composites
        if kind == "into":
            return composites <= self._composites + 1
        return kind == "over" and composites <= self._composites and calls <= self._calls

    def after_composite(self, composites: int, calls: int) -> bool:
        """Whether it is made when a composite is left and so many are still open."""
        entered_since = composites >= self._composites
        kind = self.kind
        made = False
        if kind == "out":
            made = self._leaves_composite and not entered_since
        elif entered_since:
            made = self.after_op(composites, calls)
        self._composites = min(self._composites, composites)
        return made

    def after_module(self, composites: int, calls: int, serial: int) -> bool:
        """Whether it is made when a module's call is left, `serial` ops have run and so many are open."""
        entered_since = calls >= self._calls
        kind = self.kind
        made = False
        if kind == "out":
            made = not self._leaves_composite and not entered_since
        elif kind == "over":
            made = entered_since and serial > self._serial and self.after_op(composites, calls)
        self._calls = min(self._calls, calls)
        return made
