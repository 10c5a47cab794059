"""Two futures of one run side by side: losses, where they part, and the nodes that differ. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.session.curve import Curve
from app.session.difference import Difference, NodeChange, difference
from app.session.moment import moment_of
from app.session.session import Session
from engine.protocol.event import TensorFetched

TAG = "distance"


@dataclass(frozen=True, slots=True)
class Parting:
    """The first backward whose loss is not the same in both, bit for bit."""

    backward: int
    plain: float | None
    edited: float | None


@dataclass(frozen=True, slots=True)
class Distance:
    """How far two tensors lie apart, element by element. share: ‖difference‖ / ‖the first‖, Inf from
    nothing; most: the largest difference of one element."""

    name: str
    what: str
    elements: int
    differing: int
    share: float
    most: float


class Comparison:
    """What is different between a run and another future of it."""

    def __init__(self, plain: Session, edited: Session) -> None:
        self.plain = plain
        self.edited = edited
        self._known: tuple[object, Difference | None] = (None, None)
        self._asked: tuple[str, str, object] | None = None

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

    # -- one node, element by element ------------------------------------------------------------------------

    def ask_distance(self, change: NodeChange) -> None:
        """Fetch what changed most at this node from both futures; the answer is `distance`, soon."""
        found = self.difference
        if found is None or change.before < 0 or change.after < 0 or not change.which:
            self._asked = None
            return
        what = "value"
        if change.which == "gradient":
            what = "grad" if found.after.node(change.after).kind == "leaf" else "incoming:0"
        self._asked = (change.name, change.which, found)
        for session, number in ((self.plain, change.before), (self.edited, change.after)):
            session.fetched.pop(TAG, None)
            session.fetch_errors.pop(TAG, None)
            session.fetch(TAG, number, what)

    @property
    def distance(self) -> Distance | None:
        """How far the tensors that were asked for lie apart, once both have come and as long as both futures
        stand where they were asked."""
        if self._asked is None or self._asked[2] is not self.difference:
            return None
        one, other = self.plain.fetched.get(TAG), self.edited.fetched.get(TAG)
        if one is None or other is None or one.shape != other.shape:
            return None
        first, second = _numbers(one), _numbers(other)
        apart = second - first
        unequal = ~((first == second) | (np.isnan(first) & np.isnan(second)))
        finite = apart[np.isfinite(apart)]
        norm = float(np.linalg.norm(first[np.isfinite(first)]))
        length = float(np.linalg.norm(finite))
        share = length / norm if norm else math.inf if length else 0.0
        most = float(np.abs(finite).max()) if finite.size else 0.0
        return Distance(*self._asked[:2], first.size, int(unequal.sum()), share, most)


def _numbers(told: TensorFetched) -> np.ndarray:
    """The fetched numbers as float64 (complex128 where they are complex), flat."""
    array = np.frombuffer(told.data, told.dtype.removeprefix("torch."))
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def same(one: float | None, other: float | None) -> bool:
    """Whether two losses are equal bit for bit; NaN is equal to NaN."""
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))
