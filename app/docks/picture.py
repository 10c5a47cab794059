"""Small pictures of arrays: the heat map of a tensor, and its histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.look import font
from app.look.colour_map import heat_image
from app.look.number import figure
from app.look.theme import theme

if TYPE_CHECKING:
    import numpy as np


class HeatMap(QWidget):
    """A picture with one cell per element, rounded at the corners; empty until numbers arrive."""

    clicked = Signal()

    def __init__(self, width: int = 64, height: int = 40, fixed: bool = True) -> None:
        super().__init__()
        self._size = QSize(width, height)
        if fixed:
            self.setFixedSize(self._size)
        self._image = QImage()
        self.waiting = False

    def sizeHint(self) -> QSize:
        """As asked for."""
        return self._size

    def set_values(self, values: np.ndarray | None, signed: bool | None = None) -> None:
        """Show these numbers, or nothing."""
        self._image = QImage() if values is None or values.size == 0 else heat_image(values, signed)
        self.update()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return self._image.isNull()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture, or a soft ground."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()), 5, 5)
        if self._image.isNull():
            painter.fillPath(shape, theme()["group"])
            return
        painter.setClipPath(shape)
        painter.drawImage(self.rect(), self._image)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Tell that it was clicked."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()


class Histogram(QWidget):
    """How often values occur: bars, the range below."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: list[int] = []
        self._low = self._high = 0.0
        self.setMinimumHeight(64)

    def set_values(self, values: np.ndarray | None) -> None:
        """Count these numbers in 48 bins; NaN and Inf are left out."""
        self._counts = []
        if values is not None and values.size and values.dtype.kind in "fiub":
            import numpy as np

            flat = values.reshape(-1).astype(np.float64)
            flat = flat[np.isfinite(flat)]
            if flat.size:
                self._low, self._high = float(flat.min()), float(flat.max())
                if self._low == self._high:
                    self._low, self._high = self._low - 0.5, self._high + 0.5
                counts, _ = np.histogram(
                    flat, bins=min(48, max(8, int(flat.size**0.5) * 2)), range=(self._low, self._high)
                )
                self._counts = [int(c) for c in counts]
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Bars on a hairline, the ends of the range, and zero."""
        if not self._counts:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = theme()
        ground = self.height() - 20
        most = max(self._counts)
        wide = self.width() / len(self._counts)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look["accent"])
        for number, count in enumerate(self._counts):
            if count:
                tall = max(1.0, (ground - 4) * count / most)
                painter.drawRoundedRect(
                    QRectF(number * wide + 0.5, ground - tall, max(1.0, wide - 1), tall), 1, 1
                )
        painter.fillRect(QRectF(0, ground, self.width(), 1), look["line"])
        if self._low < 0 < self._high:
            at = -self._low / (self._high - self._low) * self.width()
            painter.fillRect(QRectF(at, 0, 1, ground), look["faint"])
        painter.setPen(look["quiet"])
        painter.setFont(font.body(11))
        box = QRectF(0, ground + 2, self.width(), 18)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, figure(self._low))
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, figure(self._high))
