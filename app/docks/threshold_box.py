"""A box for a threshold that may lie anywhere over many powers of ten."""

from __future__ import annotations

import math

from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QWidget

from app.look.number import figure

_LEAST, _MOST = 1e-12, 1e12


class ThresholdBox(QDoubleSpinBox):
    """Steps 1, 2, 5, 10 for factors and norms; five percent for a share; ten for a count."""

    def __init__(self, unit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.unit = unit
        self.setDecimals(14)
        self.setKeyboardTracking(False)
        self.setRange(*{"share": (0.0, 1.0), "count": (1.0, 1e9)}.get(unit, (_LEAST, _MOST)))

    def textFromValue(self, value: float) -> str:
        """'90 %', '100', '1e−4'."""
        if self.unit == "share":
            return f"{figure(100 * value, 3)} %"
        return str(round(value)) if self.unit == "count" else figure(value, 3)

    def valueFromText(self, text: str) -> float:
        """What was written; what cannot be read leaves the value as it is."""
        number = self._read(text)
        return self.value() if number is None else number

    def _read(self, text: str) -> float | None:
        plain = text.replace("−", "-").replace("%", "").replace(" ", "").replace(",", ".")
        try:
            number = float(plain)
        except ValueError:
            return None
        if not math.isfinite(number):
            return None
        number = number / 100 if self.unit == "share" else number
        return number if self.minimum() <= number <= self.maximum() else None

    def validate(self, text: str, place: int) -> tuple[QValidator.State, str, int]:
        """Anything may be written; it counts once it is a number in range."""
        good = self._read(text) is not None
        return (QValidator.State.Acceptable if good else QValidator.State.Intermediate), text, place

    def fixup(self, text: str) -> str:
        """Back to what it was, where what was written is no number."""
        return self.textFromValue(self.value())

    def stepBy(self, steps: int) -> None:
        """The next rounder number, up or down."""
        value = self.value()
        if self.unit == "share":
            value = round(value + 0.05 * steps, 10)
        elif self.unit == "count":
            value += 10 * steps
        else:
            for _ in range(abs(steps)):
                value = _next(value, steps > 0)
        self.setValue(value)


def _next(value: float, up: bool) -> float:
    """The next number of the row 1, 2, 5, 10 ..."""
    power = math.floor(math.log10(value) + 1e-9)
    ladder = [m * 10.0**p for p in (power - 1, power, power + 1) for m in (1, 2, 5)]
    if up:
        return min(x for x in ladder if x > value * (1 + 1e-9))
    return max(x for x in ladder if x < value * (1 - 1e-9))
