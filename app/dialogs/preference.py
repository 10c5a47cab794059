"""Preferences: theme, motion, sampling. What is changed here holds at once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.look import font


class PreferenceDialog(QDialog):
    """Theme, motion, and how often values are refreshed while a script runs."""

    def __init__(
        self,
        parent: QWidget,
        theme_choice: str,
        motion: bool,
        sampling_hz: float,
        on_theme: Callable[[str], object],
        on_motion: Callable[[bool], object],
        on_sampling: Callable[[float], object],
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self.setMinimumWidth(420)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 24)
        layout.setSpacing(8)
        layout.addWidget(self._caption("Theme"))
        row = QHBoxLayout()
        row.setSpacing(16)
        self.themes: dict[str, QRadioButton] = {}
        for choice, words in (("system", "As the system"), ("light", "Light"), ("dark", "Dark")):
            button = QRadioButton(words)
            button.setChecked(choice == theme_choice)
            button.toggled.connect(lambda on, c=choice: on_theme(c) if on else None)
            row.addWidget(button)
            self.themes[choice] = button
        row.addStretch(1)
        layout.addLayout(row)
        layout.addSpacing(8)
        layout.addWidget(self._caption("Motion"))
        self.motion = QCheckBox("Gradients travel along their edges, groups open softly")
        self.motion.setChecked(motion)
        self.motion.toggled.connect(on_motion)
        layout.addWidget(self.motion)
        layout.addSpacing(8)
        layout.addWidget(self._caption("Values while running"))
        line = QHBoxLayout()
        line.setSpacing(12)
        self.sampling = QSlider(Qt.Orientation.Horizontal)
        self.sampling.setRange(0, 30)
        self.sampling.setValue(round(sampling_hz))
        self.rate = QLabel()
        self.rate.setObjectName("Muted")
        self.rate.setMinimumWidth(110)
        line.addWidget(self.sampling, 1)
        line.addWidget(self.rate)
        layout.addLayout(line)

        def changed(hz: int) -> None:
            self.rate.setText(f"{hz} times a second" if hz else "not refreshed")
            on_sampling(float(hz))

        self.sampling.valueChanged.connect(changed)
        self.rate.setText(f"{round(sampling_hz)} times a second" if sampling_hz else "not refreshed")

    @staticmethod
    def _caption(text: str) -> QLabel:
        label = QLabel(text)
        label.setObjectName("Caption")
        label.setFont(font.caption())
        return label
