"""The first page: what this is, sample scripts, recent files."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.look import font
from app.look.icon import icon_pixmap
from app.look.sentence import sentence
from app.look.theme import RESOURCES

from . import setting

COLUMN_PX = 900


def samples() -> list[dict[str, str]]:
    """The sample scripts: file, title and one sentence each; group: the caption above those that have one."""
    return json.loads((RESOURCES / "samples" / "samples.json").read_text(encoding="utf-8"))


class SampleCard(QPushButton):
    """A sample: its title and one sentence."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self.setObjectName("SampleCard")
        self.setAccessibleName(title)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(4)
        name = QLabel(title)
        name.setFont(font.strong())
        words = QLabel(text)
        words.setObjectName("Muted")
        words.setWordWrap(True)
        for label in (name, words):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            layout.addWidget(label)
        layout.addStretch(1)


class WelcomePage(QScrollArea):
    """Samples, 'Open script…', recent files."""

    chosen = Signal(str)
    open_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        page = QWidget()
        page.setObjectName("Welcome")
        self.setWidget(page)
        outer = QHBoxLayout(page)
        outer.setContentsMargins(24, 0, 24, 0)
        self.column = QWidget()
        self.column.setMaximumWidth(COLUMN_PX)
        outer.addStretch(1)
        outer.addWidget(self.column, 100)
        outer.addStretch(1)
        layout = QVBoxLayout(self.column)
        layout.setContentsMargins(0, 56, 0, 40)
        layout.setSpacing(8)
        self.logo = QLabel()
        layout.addWidget(self.logo)
        layout.addSpacing(8)
        title = QLabel(sentence("welcome.title"))
        title.setObjectName("WelcomeTitle")
        title.setWordWrap(True)
        text = QLabel(sentence("welcome.text"))
        text.setObjectName("Muted")
        text.setWordWrap(True)
        layout.addWidget(title)
        layout.addWidget(text)
        layout.addSpacing(16)
        row = QHBoxLayout()
        row.setSpacing(16)
        self.open_button = QPushButton("Open script…")
        self.open_button.setObjectName("Primary")
        self.open_button.setFixedHeight(32)
        self.open_button.clicked.connect(self.open_asked)
        drop = QLabel(sentence("welcome.drop"))
        drop.setObjectName("Muted")
        row.addWidget(self.open_button)
        row.addWidget(drop)
        row.addStretch(1)
        layout.addLayout(row)
        layout.addSpacing(24)
        self.recent_caption = self._caption("Recent")
        layout.addWidget(self.recent_caption)
        self.recent = QVBoxLayout()
        self.recent.setSpacing(0)
        layout.addLayout(self.recent)
        self.recent_gap = QWidget()
        self.recent_gap.setFixedHeight(16)
        layout.addWidget(self.recent_gap)
        self.cards: dict[str, SampleCard] = {}
        self._grids: list[tuple[QGridLayout, list[SampleCard]]] = []
        for caption, entries in groupby(samples(), lambda entry: entry.get("group", "Samples")):
            self._add_group(layout, caption, list(entries))
        layout.addStretch(1)
        self._columns = 0
        self._arrange(3)
        self.fill_recent()
        self.retheme()

    @staticmethod
    def _caption(text: str) -> QLabel:
        label = QLabel(text)
        label.setObjectName("Caption")
        label.setFont(font.caption())
        return label

    def _add_group(self, layout: QVBoxLayout, caption: str, entries: list[dict[str, str]]) -> None:
        """A caption with the cards under it."""
        if self._grids:
            layout.addSpacing(16)
        layout.addWidget(self._caption(caption))
        layout.addSpacing(4)
        grid = QGridLayout()
        grid.setSpacing(12)
        cards = []
        for entry in entries:
            card = SampleCard(entry["title"], entry["text"])
            path = str(RESOURCES / "samples" / entry["file"])
            card.clicked.connect(lambda _=False, p=path: self.chosen.emit(p))
            self.cards[entry["file"]] = card
            cards.append(card)
        layout.addLayout(grid)
        self._grids.append((grid, cards))

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for grid, cards in self._grids:
            for number, card in enumerate(cards):
                grid.addWidget(card, number // columns, number % columns)
            for column in range(3):
                grid.setColumnStretch(column, 1 if column < columns else 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two columns where three are too narrow."""
        super().resizeEvent(event)
        self._arrange(3 if self.width() >= 760 else 2 if self.width() >= 520 else 1)

    def fill_recent(self) -> None:
        """List the files opened of late that are still there."""
        while self.recent.count():
            item = self.recent.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.deleteLater()
        paths = [p for p in setting.recent_files() if not p.startswith(str(RESOURCES))][:5]
        for path in paths:
            button = QPushButton(f"{Path(path).name}    {Path(path).parent}")
            button.setObjectName("Recent")
            button.setToolTip(path)
            button.clicked.connect(lambda _=False, p=path: self.chosen.emit(p))
            self.recent.addWidget(button)
        for widget in (self.recent_caption, self.recent_gap):
            widget.setVisible(bool(paths))

    def retheme(self) -> None:
        """The logo in the colours of the theme."""
        self.logo.setPixmap(icon_pixmap("logo", "text", 40, max(2.0, self.devicePixelRatioF())))
