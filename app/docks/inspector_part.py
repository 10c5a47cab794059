"""Parts of the inspector's page: headings, a row with a small picture, a row of keys."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.look import font

from .picture import HeatMap


def caption(text: str) -> QLabel:
    """A heading in small capitals."""
    label = QLabel(text)
    label.setObjectName("Caption")
    label.setFont(font.caption())
    return label


def muted(text: str = "", wrap: bool = True) -> QLabel:
    """Quiet text."""
    label = QLabel(text)
    label.setObjectName("Muted")
    label.setWordWrap(wrap)
    return label


class SlotRow(QWidget):
    """A small heat map, the tensor's name and shape, and its numbers in a line; a click opens the table."""

    opened = Signal(str)

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        self.heat = HeatMap()
        self.heat.clicked.connect(lambda: self.opened.emit(what))
        self.name = QLabel()
        self.name.setFont(font.mono(12))
        self.name.setTextFormat(Qt.TextFormat.RichText)
        self.line = muted()
        self.line.setFont(font.body(12))
        text = QVBoxLayout()
        text.setContentsMargins(0, 0, 0, 0)
        text.setSpacing(2)
        text.addWidget(self.name)
        text.addWidget(self.line)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self.heat, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(text, 1)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Click to read the numbers")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Open the tensor."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit(self.what)

    def say(self, name: str, line: str) -> None:
        """Write name and numbers."""
        if self.name.text() != name:
            self.name.setText(name)
        if self.line.text() != line:
            self.line.setText(line)


class KeyHints(QWidget):
    """Keys and what they do, in one quiet row."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__()
        self._parts: list[tuple[QLabel, QLabel]] = []
        grid = QGridLayout(self)
        grid.setContentsMargins(16, 8, 16, 12)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(6)
        column = 0
        for key, words in pairs:
            cap = QLabel(key)
            cap.setObjectName("KbdHint")
            grid.addWidget(cap, 0, column)
            told = muted(words, wrap=False)
            grid.addWidget(told, 0, column + 1)
            self._parts.append((cap, told))
            column += 2
        grid.setColumnStretch(column, 1)

    def minimumSizeHint(self) -> QSize:
        """It may be narrow: the last hints give way."""
        return QSize(80, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many hints as fit."""
        super().resizeEvent(event)
        room = self.width() - 32
        for cap, told in self._parts:
            room -= cap.sizeHint().width() + told.sizeHint().width() + 12
            for label in (cap, told):
                label.setVisible(room >= -6)
