"""A sentence in the middle of a panel that has nothing to show yet."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QStackedLayout, QVBoxLayout, QWidget

from app.look.sentence import sentence


class Blank(QWidget):
    """The sentence kept under `key`, centred and quiet."""

    def __init__(self, key: str, middle: bool = False) -> None:
        super().__init__()
        self.label = QLabel(sentence(key))
        self.label.setObjectName("Empty")
        self.label.setWordWrap(True)
        self.label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 16)
        if middle:
            layout.addStretch(1)
        layout.addWidget(self.label)
        layout.addStretch(1)

    def say(self, text: str) -> None:
        """Another sentence."""
        if self.label.text() != text:
            self.label.setText(text)


class BlankOr(QWidget):
    """Either a `Blank` or the panel's own widget."""

    def __init__(self, key: str, widget: QWidget, middle: bool = False) -> None:
        super().__init__()
        self.setObjectName("DockBody")
        self.widget = widget
        self.blank = Blank(key, middle)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.blank)
        self._stack.addWidget(widget)

    def show_widget(self, yes: bool) -> None:
        """Show the widget, or the sentence."""
        wanted = self.widget if yes else self.blank
        if self._stack.currentWidget() is not wanted:
            self._stack.setCurrentWidget(wanted)

    @property
    def shows_widget(self) -> bool:
        """Whether the widget is shown rather than the sentence."""
        return self._stack.currentWidget() is self.widget


class ElidedLabel(QLabel):
    """A quiet line that is cut with an ellipsis where it has no room; the whole is its tip."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("Muted")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def setText(self, text: str) -> None:
        """Write the line."""
        super().setText(text)
        self.setToolTip(text)

    def minimumSizeHint(self) -> QSize:
        """It may be narrow."""
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw what fits."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
