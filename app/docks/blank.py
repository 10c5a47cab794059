"""A sentence in the middle of a panel that has nothing to show yet."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

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
