"""What if: the run as it would go on, and the same with one edit, each in a child of its own. No Qt."""

from __future__ import annotations

from app.session.comparison import Comparison
from app.session.fork import Attach, Edit, Fork, ForkError, Place, place_of
from app.session.session import Session
from app.session.signal import Signal

WORDS = {
    "ready": "",
    "repeating": "Repeating the run up to here",
    "editing": "Putting the value in place",
    "running": "Running on",
    "there": "Both futures stand at the same iteration",
    "over": "Both futures have come to their end",
    "failed": "The fork failed",
    "parted": "This script does not repeat",
    "cancelled": "Cancelled",
}


class WhatIf:
    """Two forks of one run: `plain` goes on as it is, `edited` with one edit. The run itself stays where it
    stands."""

    def __init__(self, origin: Session, attach: Attach) -> None:
        self.origin = origin
        self.attach = attach
        self.changed = Signal()
        self.plain: Fork | None = None
        self.edited: Fork | None = None
        self.comparison: Comparison | None = None
        self.place: Place | None = None

    def start(self, edit: Edit, iterations: int | None = None) -> None:
        """Fork the run where it stands with this edit, and run both futures on for so many backwards (None:
        to the script's end). An older fork is ended. Raises: ForkError."""
        if not edit.expression.strip():
            raise ForkError("Write what the value is to be: grad * 0.1, zeros, 0.01.")
        place = place_of(self.origin)
        self.close()
        self.place = place
        self.plain = Fork(self.origin, place, None, self.attach)
        self.edited = Fork(self.origin, place, edit, self.attach)
        self.comparison = Comparison(self.plain.session, self.edited.session)
        for fork in self.forks:
            fork.changed.connect(self._look)
            fork.start(iterations)

    def more(self, iterations: int | None = None) -> None:
        """Run both on, for so many more backwards or to the script's end."""
        for fork in self.forks:
            fork.more(iterations)

    def cancel(self) -> None:
        """End both children; what was received stays."""
        for fork in self.forks:
            fork.cancel()

    def close(self) -> None:
        """End both children and forget the futures."""
        for fork in self.forks:
            fork.changed.disconnect(self._look)
            fork.cancel()
        self.plain = self.edited = self.comparison = self.place = None
        self.changed.emit()

    @property
    def forks(self) -> list[Fork]:
        """The futures that there are."""
        return [fork for fork in (self.plain, self.edited) if fork is not None]

    @property
    def state(self) -> str:
        """The state of both as one: that of the one which needs most to be told of."""
        states = {fork.state for fork in self.forks}
        order = ("parted", "failed", "cancelled", "repeating", "editing", "running", "ready", "there", "over")
        return next((state for state in order if state in states), "ready")

    @property
    def is_busy(self) -> bool:
        """Whether a child is on its way."""
        return any(fork.is_open and not fork.is_done for fork in self.forks)

    @property
    def can_go_on(self) -> bool:
        """Whether a future stands and can be run on."""
        return not self.is_busy and any(fork.is_open and fork.state == "there" for fork in self.forks)

    @property
    def progress(self) -> float:
        """The share of the way that is gone."""
        return min((fork.progress for fork in self.forks), default=0.0)

    @property
    def message(self) -> str:
        """What is to be said of the futures now, in one sentence."""
        for fork in self.forks:
            if fork.message and fork.state in ("parted", "failed"):
                return fork.message
        for fork in self.forks:
            if fork.message:
                which = "edited" if fork is self.edited else "unedited"
                return f"The {which} future: {fork.message}"
        return WORDS[self.state]

    def _look(self) -> None:
        if any(fork.state in ("parted", "failed") for fork in self.forks):
            for fork in self.forks:
                if not fork.is_done:
                    fork.cancel()
        self.changed.emit()
