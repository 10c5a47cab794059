"""What a person did and can take back: breakpoints, watches, and values put in place by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

DEPTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done. back and again give false where that cannot be done now."""

    text: str
    back: Callable[[], bool]
    again: Callable[[], bool]


class Undo:
    """The deeds of one script, the newest last, and those taken back."""

    def __init__(self) -> None:
        self._done: list[Deed] = []
        self._taken_back: list[Deed] = []
        self._at_work = False

    @property
    def next_back(self) -> str:
        """What would be taken back, in words; '' for nothing."""
        return self._done[-1].text if self._done else ""

    @property
    def next_again(self) -> str:
        """What would be done again, in words; '' for nothing."""
        return self._taken_back[-1].text if self._taken_back else ""

    def note(self, text: str, back: Callable[[], bool], again: Callable[[], bool]) -> None:
        """Something was done; not what is done while taking back or doing again."""
        if not self._at_work:
            self._done = [*self._done, Deed(text, back, again)][-DEPTH_MAX:]
            self._taken_back.clear()

    def back(self) -> bool:
        """Take the last deed back; false where there is none, or it cannot be taken back now."""
        return self._move(self._done, self._taken_back, lambda deed: deed.back())

    def again(self) -> bool:
        """Do again what was taken back last; false where there is nothing, or it cannot be done now."""
        return self._move(self._taken_back, self._done, lambda deed: deed.again())

    def forget(self) -> None:
        """Another script is shown."""
        self._done.clear()
        self._taken_back.clear()

    def _move(self, source: list[Deed], target: list[Deed], act: Callable[[Deed], bool]) -> bool:
        if not source:
            return False
        self._at_work = True
        try:
            if not act(source[-1]):
                return False
        finally:
            self._at_work = False
        target.append(source.pop())
        return True
