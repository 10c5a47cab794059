"""Parts of the inspector's page: a typeset formula, a card of rules, a row with a small picture."""

from __future__ import annotations

from PySide6.QtCore import QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.look import font
from app.look.formula import formula_pixmap, formula_size, formula_words
from app.look.theme import theme

from .chain_rule import Rule, legend
from .picture import HeatMap


class FormulaView(QWidget):
    """A formula, typeset and centred; smaller where it is too wide; plain text where it cannot be set."""

    def __init__(self, latex: str, size_px: float = 16) -> None:
        super().__init__()
        self.latex = latex
        self._size_px = size_px
        self.plain = ""
        self._natural: QSizeF | None = None
        try:
            self._natural = formula_size(latex, size_px, theme().hex("text"))
        except ValueError:
            self.plain = formula_words(latex)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self._height())
        self.setToolTip(formula_words(latex))
        self.setAccessibleName(formula_words(latex))

    def _height(self) -> int:
        return 24 if self._natural is None else round(self._natural.height()) + 4

    def sizeHint(self) -> QSize:
        """Wide enough for the formula, within reason."""
        return QSize(200, self._height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it in the middle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        look = theme()
        if self._natural is None:
            painter.setFont(font.mono())
            painter.setPen(look["text"])
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.plain)
            return
        scale = min(1.0, self.width() / max(1.0, self._natural.width()))
        pixmap = formula_pixmap(self.latex, self._size_px, look.hex("text"), 2.0 * self.devicePixelRatioF())
        width, height = self._natural.width() * scale, self._natural.height() * scale
        left, top = (self.width() - width) / 2, (self.height() - height) / 2
        painter.drawPixmap(round(left), round(top), round(width), round(height), pixmap)


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


class RuleCard(QFrame):
    """The chain rule: each formula with its shapes and the reason below it."""

    def __init__(self, heading: str, rules: list[Rule]) -> None:
        super().__init__()
        self.setObjectName("Card")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(4)
        layout.addWidget(caption(heading))
        for number, rule in enumerate(rules):
            if number:
                layout.addSpacing(8)
            if rule.latex:
                layout.addWidget(FormulaView(rule.latex))
            if not rule.shapes and not rule.words:
                continue
            small = muted(
                f"{rule.shapes}  — {rule.words}" if rule.shapes and rule.words else rule.shapes or rule.words
            )
            small.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            small.setFont(font.body(12))
            layout.addWidget(small)
        if legend(rules):
            note = muted(legend(rules))
            note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            note.setFont(font.body(12))
            layout.addWidget(note)


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
