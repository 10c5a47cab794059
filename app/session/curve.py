"""Scalars over steps: arrays that grow."""

from __future__ import annotations

import numpy as np


class Curve:
    """One named scalar. `steps` and `values` are views of what is there so far; they never copy."""

    __slots__ = ("_count", "_steps", "_values", "line", "name")

    def __init__(self, name: str, line: int = 0) -> None:
        self.name = name
        self.line = line
        self._steps = np.empty(64, np.int64)
        self._values = np.empty(64, np.float64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def steps(self) -> np.ndarray:
        """Steps, int64."""
        return self._steps[: self._count]

    @property
    def values(self) -> np.ndarray:
        """Values, float64; NaN and Inf are kept."""
        return self._values[: self._count]

    def add(self, step: int, value: float) -> None:
        """Put one point at the end."""
        if self._count == len(self._steps):
            self._steps = np.concatenate([self._steps, np.empty_like(self._steps)])
            self._values = np.concatenate([self._values, np.empty_like(self._values)])
        self._steps[self._count] = step
        self._values[self._count] = value
        self._count += 1

    def value_at(self, step: int) -> float | None:
        """The value at `step`, or None where there is none."""
        place = int(np.searchsorted(self.steps, step))
        if place < self._count and self._steps[place] == step:
            return float(self._values[place])
        return None
