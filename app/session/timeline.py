"""The list of backwards and the playhead on it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate


@dataclass(slots=True)
class Backward:
    """One call of backward(): `count` nodes are walked in it."""

    number: int
    graph: str
    root: int = -1
    variable: str = ""
    value: float | None = None
    file: str = ""
    line: int = 0
    count: int = 0
    duration_ns: int = 0
    saved_bytes: int = 0
    ended: bool = False
    edited: bool = False


@dataclass(slots=True)
class Timeline:
    """All backwards so far. The playhead is (backward, position): `position` nodes of it are done.

    following: the playhead stays at the head of the live run."""

    backwards: list[Backward] = field(default_factory=list)
    backward: int = -1
    position: int = 0
    following: bool = True
    _ends: list[int] = field(default_factory=list, repr=False, compare=False)
    _ends_of: tuple[int, int, int] = field(default=(-1, -1, -1), repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.backwards)

    @property
    def current(self) -> Backward | None:
        """The backward under the playhead."""
        return self.get(self.backward)

    @property
    def last(self) -> Backward | None:
        """The newest backward."""
        return self.backwards[-1] if self.backwards else None

    def get(self, number: int) -> Backward | None:
        """The backward with this number, or None."""
        first = self.backwards[0].number if self.backwards else 0
        place = number - first
        if 0 <= place < len(self.backwards):
            return self.backwards[place]
        return None

    def add(self, backward: Backward) -> None:
        """Put a new backward at the end; one with a number that is already there replaces all from it on."""
        if self.backwards and backward.number <= self.backwards[-1].number:
            first = self.backwards[0].number
            del self.backwards[max(0, backward.number - first) :]
        self.backwards.append(backward)

    # -- the whole run as one row of moments, steps × nodes --------------------------------------------------

    @property
    def moments(self) -> int:
        """How many places one can stand at: before each node of each backward, and at its end."""
        ends = self._row()
        return ends[-1] if ends else 0

    def moment_of(self, backward: int, position: int) -> int:
        """The number of this place among all; the nearest one where there is no such place."""
        ends = self._row()
        if not ends:
            return 0
        number = max(0, min(backward - self.backwards[0].number, len(ends) - 1))
        start = ends[number - 1] if number else 0
        return start + max(0, min(position, self.backwards[number].count))

    def place_at(self, moment: int) -> tuple[int, int]:
        """Backward and position of this place, the first or last one beyond the ends. Raises: IndexError
        where nothing has run."""
        ends = self._row()
        if not ends:
            raise IndexError("Nothing has run yet.")
        moment = max(0, min(moment, ends[-1] - 1))
        number = bisect_right(ends, moment)
        return self.backwards[number].number, moment - (ends[number - 1] if number else 0)

    def _row(self) -> list[int]:
        """Where each backward ends in the row; kept until a backward is added or grows."""
        last = self.last
        key = (len(self.backwards), last.number if last else -1, last.count if last else -1)
        if key != self._ends_of:
            self._ends = list(accumulate(b.count + 1 for b in self.backwards))
            self._ends_of = key
        return self._ends

    def moved(self, kind: str) -> tuple[int, int] | None:
        """Where the playhead goes by one stride of this kind (as in `Step`), or None if there is no such
        place."""
        here = self.current
        if here is None:
            return None
        if kind in ("node", "over", "op", "into"):
            if self.position < here.count:
                return here.number, self.position + 1
            return (here.number + 1, 0) if self.get(here.number + 1) else None
        if kind == "back":
            if self.position > 0:
                return here.number, self.position - 1
            before = self.get(here.number - 1)
            return (before.number, before.count) if before else None
        if kind == "end":
            return here.number, here.count
        if kind == "start":
            return here.number, 0
        if kind in ("iteration", "optimizer"):
            return (here.number + 1, 0) if self.get(here.number + 1) else None
        if kind == "iteration back":
            return (here.number - 1, 0) if self.get(here.number - 1) else None
        return None
