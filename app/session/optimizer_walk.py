"""A playhead over the parameters that an optimizer's step has changed."""

from __future__ import annotations

from app.session.signal import Signal
from engine.protocol.event import Digest, ParameterChanged, ParameterStepped

PARTS = ("before", "grad", "after", "change")
"""What is known of each parameter, besides the optimizer's state; `name_of` says how each is fetched."""


class OptimizerWalk:
    """Where one stands among the parameters of one step, in the optimizer's order.

    The step itself is done: walking shows what it did to one parameter after the other, both ways."""

    def __init__(self, stepped: ParameterStepped, changes: list[ParameterChanged], moved: Signal) -> None:
        self.stepped = stepped
        self.changes = changes
        self.position = 0
        self._moved = moved

    def __len__(self) -> int:
        return len(self.changes)

    @property
    def current(self) -> ParameterChanged | None:
        """What the step did to the parameter under the playhead."""
        return self.changes[self.position] if self.changes else None

    def stride(self, kind: str) -> bool:
        """Move by one stride: 'node' and 'op' to the next parameter, 'back' to the one before, 'start' to the
        first, 'end' to the last. False where this stride leads away from the step."""
        last = len(self.changes) - 1
        there = {
            "node": self.position + 1,
            "op": self.position + 1,
            "into": self.position + 1,
            "back": self.position - 1,
            "start": 0,
            "end": last,
        }.get(kind, -1)
        if not 0 <= there <= last:
            return False
        self.show(there)
        return True

    def show(self, position: int) -> None:
        """Put the playhead on a parameter, the nearest one where there is no such."""
        self.position = max(0, min(position, len(self.changes) - 1))
        self._moved.emit()

    def find(self, name: str) -> int:
        """The place of the parameter with this name, -1 where it has none in this step."""
        return next((i for i, change in enumerate(self.changes) if change.name == name), -1)

    def parts(self) -> list[tuple[str, str, Digest | None]]:
        """What is known of the current parameter: part, the name under which `Fetch` sends it, digest."""
        change = self.current
        if change is None:
            return []
        known = [
            ("before", change.before),
            ("grad", change.grad),
            ("change", change.change),
            ("after", change.after),
        ]
        told = [(part, name_of(change.name, part), digest) for part, digest in known]
        return told + [(key, name_of(change.name, key), digest) for key, digest in change.state.items()]

    @property
    def ratio(self) -> float | None:
        """How large the update is against the weight: ‖change‖ / ‖before‖; None where that is not known."""
        change = self.current
        if change is None or change.change is None or change.before is None or not change.before.norm:
            return None
        return change.change.norm / change.before.norm


def name_of(parameter: str, part: str) -> str:
    """The name of a part of a parameter in a `Fetch` or an expression: 'linear.weight.momentum_buffer'."""
    return parameter if part == "after" else f"{parameter}.{part}"
