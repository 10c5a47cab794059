"""The order in which ops, backwards and optimizer steps came, so that one can ask what was just before."""

from __future__ import annotations

from dataclasses import dataclass

from engine.protocol import event as happened
from engine.protocol import request as ask

Key = tuple[int, int, int]
"""Moments in the order of time: how many backwards and optimizer steps began before, ops, nodes done."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A backward or an optimizer's step: after how many ops of the forward it came.

    turn: which step of an optimizer since that backward."""

    phase: str
    backward: int
    serial: int
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Edit:
    """A value put in place by hand: when, how to get there again, and what was asked. visit: which stop of
    the run it was, counted by the strides made."""

    key: Key
    goal: ask.RunTo
    request: ask.SetValue
    visit: int = -1


class Chronicle:
    """What came in which order in this run, as far as it was told."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self.edits: list[Edit] = []

    def note(self, event: happened.Event) -> None:
        """A backward began, or an optimizer stepped."""
        if isinstance(event, happened.BackwardStarted):
            self.marks.append(Mark("backward", event.backward, event.serial))
        elif isinstance(event, happened.ParameterStepped):
            last = self.marks[-1] if self.marks else Mark("backward", -1, 0)
            turn = last.turn + 1 if last.phase == "optimizer" else 0
            self.marks.append(Mark("optimizer", last.backward, event.serial, turn))

    # -- where one stands ------------------------------------------------------------------------------------

    def key_of(self, standing: happened.RunPaused, position: int) -> Key:
        """When this stop is. position: nodes done, in a backward."""
        if standing.phase == "forward":
            return (len(self.marks), standing.serial, 0)
        return (len(self.marks), standing.serial, position if standing.phase == "backward" else 0)

    def goal_of(
        self, standing: happened.RunPaused, position: int, op: happened.OpRan | None
    ) -> ask.RunTo | None:
        """The goal that leads to this stop again; None where none does. op: after which op it is."""
        if standing.phase == "backward":
            return ask.RunTo(backward=standing.backward, position=position)
        if standing.phase == "optimizer":
            mark = self.marks[-1] if self.marks else None
            return None if mark is None else _goal(mark, 0)
        if op is None or standing.serial <= 0:
            return None
        return ask.RunTo(op=standing.serial, depth=op.depth)

    def just_before(
        self, standing: happened.RunPaused, op: happened.OpRan | None, count: int
    ) -> tuple[ask.RunTo, Key] | None:
        """The goal one stride before this stop, and when that is; None at the beginning of the run.

        op: the op of the forward after which it is, if it is; count: how many nodes the last backward has."""
        there, marks = standing.serial, self.marks
        if standing.phase != "forward":
            marks = marks[:-1]
        elif op is not None:
            there -= op.parts
        number = _before(marks, there)
        if number and marks[number - 1].serial == there:
            mark = marks[number - 1]
            position = count if mark.phase == "backward" else 0
            return _goal(mark, position), (number, there, position)
        if there <= 0:
            return None
        depth = sum(start < there for start in op.starts) if op is not None else 0
        return ask.RunTo(op=there, depth=depth), (number, there, 0)

    def key_of_goal(self, goal: ask.RunTo) -> Key | None:
        """When this goal is reached; None where that is not known."""
        if goal.op >= 0:
            return (_before(self.marks, goal.op - 1), goal.op, 0)
        if goal.backward < 0:
            return None
        for number, mark in enumerate(self.marks):
            if goal.phase == "forward" and mark.backward == goal.backward - 1:
                later = next((m for m in self.marks[number:] if m.backward >= goal.backward), None)
                last = len(self.marks) if later is None else self.marks.index(later)
                return (last, self.marks[last - 1].serial + 1, 0)
            if mark.phase == goal.phase and mark.backward == goal.backward:
                if goal.phase == "backward" or mark.turn == goal.position:
                    return (number + 1, mark.serial, goal.position if goal.phase == "backward" else 0)
        return (0, 1, 0) if goal.phase == "forward" and goal.backward == 0 else None

    def backwards_until(self, key: Key | None) -> set[int]:
        """The numbers of the backwards that began until then."""
        marks = self.marks if key is None else self.marks[: key[0]]
        return {mark.backward for mark in marks if mark.phase == "backward"}

    def edits_until(self, key: Key | None) -> list[Edit]:
        """The edits made until then, in order."""
        return [edit for edit in self.edits if key is None or edit.key <= key]


def _before(marks: list[Mark], serial: int) -> int:
    """How many marks came before op number serial + 1 ran."""
    number = len(marks)
    while number and marks[number - 1].serial > serial:
        number -= 1
    return number


def _goal(mark: Mark, position: int) -> ask.RunTo:
    if mark.phase == "optimizer":
        return ask.RunTo(backward=mark.backward, phase="optimizer", position=mark.turn)
    return ask.RunTo(backward=mark.backward, position=position)
