"""A bar under the timeline that says what went wrong and what to try. It stays until closed or outdated."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from app.look.icon import icon, icon_pixmap

_ICONS = {"error": ("error", "grad_text"), "warn": ("warning", "warn_text"), "info": ("info", "accent")}


class Notice(QWidget):
    """One message at a time, with at most two buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("Notice")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.sign, self.text = QLabel(), QLabel()
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(8)
        self.close_button = QToolButton()
        self.close_button.setObjectName("Quiet")
        self.close_button.setIconSize(QSize(12, 12))
        self.close_button.setToolTip("Close this message")
        self.close_button.clicked.connect(self.clear)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 12, 8)
        layout.setSpacing(12)
        layout.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.text, 1)
        layout.addLayout(self.buttons)
        layout.addWidget(self.close_button)
        self.kind = ""
        self._made: list[QPushButton] = []
        self.hide()

    def say(self, kind: str, text: str, buttons: tuple[tuple[str, Callable[[], object]], ...] = ()) -> None:
        """Show a message. kind: 'error', 'warn' or 'info'."""
        self.kind = kind
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self.text.setText(text)
        for button in self._made:
            self.buttons.removeWidget(button)
            button.deleteLater()
        self._made = []
        for words, run in buttons:
            button = QPushButton(words)
            button.clicked.connect(lambda _=False, r=run: r())
            self.buttons.addWidget(button)
            self._made.append(button)
        self.retheme()
        self.show()

    @property
    def button_texts(self) -> list[str]:
        """What the buttons offer."""
        return [button.text() for button in self._made]

    def clear(self) -> None:
        """Say nothing."""
        self.kind = ""
        self.text.clear()
        self.hide()

    def retheme(self) -> None:
        """Icons in the colours of the theme."""
        self.close_button.setIcon(icon("close", "quiet", 12))
        if self.kind:
            name, token = _ICONS[self.kind]
            self.sign.setPixmap(icon_pixmap(name, token, 16, self.devicePixelRatioF()))
