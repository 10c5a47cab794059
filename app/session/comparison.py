"""Two futures of one run side by side: losses, where they part, and the nodes that differ. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.session.curve import Curve
from app.session.difference import Difference, difference
from app.session.moment import moment_of
from app.session.session import Session


@dataclass(frozen=True, slots=True)
class Parting:
    """The first backward whose loss is not the same in both, bit for bit."""

    backward: int
    plain: float | None
    edited: float | None


class Comparison:
    """What is different between a run and another future of it."""

    def __init__(self, plain: Session, edited: Session) -> None:
        self.plain = plain
        self.edited = edited
        self._known: tuple[object, Difference | None] = (None, None)

    def losses(self, session: Session) -> dict[int, float | None]:
        """The loss of every backward of one of the two."""
        return {b.number: b.value for b in session.timeline.backwards}

    def names(self) -> list[str]:
        """The names of all curves, those of the run first."""
        return list(dict.fromkeys([*self.plain.curves, *self.edited.curves]))

    def curves(self, name: str) -> tuple[Curve, Curve]:
        """The curve of this name in both; an empty one where it is not there."""
        return (
            self.plain.curves.get(name, Curve(name)),
            self.edited.curves.get(name, Curve(name)),
        )

    @property
    def parting(self) -> Parting | None:
        """Where the losses first differ, or None as long as they do not."""
        ours, theirs = self.losses(self.plain), self.losses(self.edited)
        for number in sorted(ours.keys() & theirs.keys()):
            if not same(ours[number], theirs[number]):
                return Parting(number, ours[number], theirs[number])
        return None

    @property
    def common(self) -> Parting | None:
        """The last backward that both have, with the loss of each."""
        ours, theirs = self.losses(self.plain), self.losses(self.edited)
        both = ours.keys() & theirs.keys()
        if not both:
            return None
        number = max(both)
        return Parting(number, ours[number], theirs[number])

    @property
    def difference(self) -> Difference | None:
        """The nodes that differ where both stand; None while they are not in the same backward."""
        moments = moment_of(self.plain), moment_of(self.edited)
        if moments[0] is None or moments[1] is None or moments[0].place[:2] != moments[1].place[:2]:
            return None
        if self._known[0] != moments:
            self._known = (moments, difference(moments[0], moments[1]))
        return self._known[1]


def same(one: float | None, other: float | None) -> bool:
    """Whether two losses are equal bit for bit; NaN is equal to NaN."""
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))
