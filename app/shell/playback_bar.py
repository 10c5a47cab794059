"""Plays the run by itself: both directions, by nodes or iterations, at a chosen speed."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QToolButton, QWidget

from app.look.icon import icon
from app.session.playback import SPEEDS, STRIDES, Playback

WORDS = {"node": "nodes", "iteration": "iterations"}
WIDTH_PX = 236


class PlaybackBar(QWidget):
    """Two buttons, a stride and a speed, at the right end of the timeline."""

    def __init__(self, playback: Playback, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.playback = playback
        self.buttons: dict[int, QToolButton] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 16, 0)
        layout.setSpacing(4)
        for direction in (-1, 1):
            button = QToolButton()
            button.setObjectName("Quiet")
            button.setIconSize(QSize(16, 16))
            button.setFixedSize(26, 26)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, d=direction: playback.toggle(d))
            layout.addWidget(button)
            self.buttons[direction] = button
        self.speed = QComboBox()
        self.speed.setAccessibleName("Speed of playing")
        self.speed.setToolTip("How many a second  [ and ]")
        for speed in SPEEDS:
            self.speed.addItem(f"{speed:g}", speed)
        self.speed.activated.connect(lambda _: playback.set_speed(self.speed.currentData()))
        self.stride = QComboBox()
        self.stride.setAccessibleName("Stride of playing")
        self.stride.setToolTip("Play node by node, or from iteration to iteration")
        for stride in STRIDES:
            self.stride.addItem(f"{WORDS[stride]}/s", stride)
        self.stride.activated.connect(lambda _: playback.set_stride(self.stride.currentData()))
        self.speed.setFixedWidth(54)
        self.stride.setFixedWidth(96)
        layout.addSpacing(4)
        layout.addWidget(self.speed)
        layout.addWidget(self.stride)
        for box in (self.speed, self.stride):
            box.setFixedHeight(24)
            box.setObjectName("Small")
        self._drawn: object = None
        playback.changed.connect(self.look)
        self.retheme()

    def look(self) -> None:
        """Buttons and boxes as the playing is now."""
        playback = self.playback
        for direction, button in self.buttons.items():
            plays = playback.direction == direction
            button.setChecked(plays)
            button.setEnabled(playback.is_playing or playback.can_play)
        drawn = playback.direction
        if drawn != self._drawn:
            self._drawn = drawn
            for direction, button in self.buttons.items():
                plays = playback.direction == direction
                name = "pause" if plays else "play" if direction > 0 else "play_back"
                button.setIcon(icon(name, "accent" if plays else "quiet"))
                words = "Rest" if plays else "Play" if direction > 0 else "Play backwards"
                button.setToolTip(f"{words}  {'P' if direction > 0 else 'Shift+P'}")
                button.setAccessibleName(words)
        self.speed.setCurrentIndex(max(0, self.speed.findData(playback.speed)))
        self.stride.setCurrentIndex(max(0, self.stride.findData(playback.stride)))

    def retheme(self) -> None:
        """Icons in the colours of the theme."""
        self._drawn = None
        self.look()
