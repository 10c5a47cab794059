"""Console text: draws only the lines that are seen, so that 100,000 lines cost no more than ten."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import (
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea

from app.look import font
from app.look.theme import theme
from app.session.console import ConsoleLine, ConsoleText

LINE_PX = 18
_MARGIN = 16


class ConsoleView(QAbstractScrollArea):
    """The lines of a `ConsoleText`; stays at the end until scrolled away from it.

    Drag to choose lines, copy with the usual keys."""

    def __init__(self) -> None:
        super().__init__()
        self.text: ConsoleText | None = None
        self.follows = True
        self._anchor = self._chosen = -1
        self._widest = 0
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.horizontalScrollBar().valueChanged.connect(lambda _: self.viewport().update())
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.viewport().setCursor(Qt.CursorShape.IBeamCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._moving = False

    def show_text(self, text: ConsoleText) -> None:
        """Show this text as it is now."""
        if text is not self.text:
            self.text = text
            self.follows = True
            self._anchor = self._chosen = -1
            self._widest = 0
        self._reach()
        self.viewport().update()

    def _count(self) -> int:
        return len(self.text) + len(self.text.open_lines()) if self.text is not None else 0

    def _page(self) -> int:
        return max(1, (self.viewport().height() - 16) // LINE_PX)

    def _reach(self) -> None:
        bar = self.verticalScrollBar()
        self._moving = True
        bar.setPageStep(self._page())
        bar.setRange(0, max(0, self._count() - self._page()))
        if self.follows:
            bar.setValue(bar.maximum())
        wide = self.horizontalScrollBar()
        wide.setPageStep(self.viewport().width())
        wide.setRange(0, max(0, self._widest + 2 * _MARGIN - self.viewport().width()))
        self._moving = False

    def _scrolled(self, value: int) -> None:
        if not self._moving:
            self.follows = value >= self.verticalScrollBar().maximum()
        self.viewport().update()

    def resizeEvent(self, event) -> None:
        """Keep the end in view."""
        super().resizeEvent(event)
        self._reach()

    def _lines(self, start: int, stop: int) -> list[ConsoleLine]:
        text = self.text
        if text is None:
            return []
        lines = text.lines(text.first + start, min(text.end, text.first + stop))
        if text.first + stop > text.end:
            lines += text.open_lines()[: stop - (text.end - text.first)]
        return lines

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines in view."""
        painter = QPainter(self.viewport())
        look = theme()
        painter.fillRect(self.viewport().rect(), look["panel"])
        painter.setFont(font.mono(12))
        metrics = QFontMetrics(font.mono(12))
        first = self.verticalScrollBar().value()
        shift = self.horizontalScrollBar().value()
        low, high = sorted((self._anchor, self._chosen))
        base = self.text.first if self.text is not None else 0
        for row, line in enumerate(self._lines(first, first + self._page() + 1)):
            top = 8 + row * LINE_PX
            if low >= 0 and low <= base + first + row <= high:
                painter.fillRect(0, top, self.viewport().width(), LINE_PX, look["accent_soft"])
            token = {"stderr": "grad_text", "note": "quiet"}.get(line.stream, "text")
            painter.setPen(look[token])
            shown = line.text.replace("\t", "    ")[:4000]
            self._widest = max(self._widest, metrics.horizontalAdvance(shown))
            painter.drawText(
                _MARGIN - shift, top, max(self._widest, 1) + 8, LINE_PX, Qt.AlignmentFlag.AlignVCenter, shown
            )
        wide = self.horizontalScrollBar()
        if wide.maximum() != max(0, self._widest + 2 * _MARGIN - self.viewport().width()):
            wide.setRange(0, max(0, self._widest + 2 * _MARGIN - self.viewport().width()))

    def _row(self, at: QPoint) -> int:
        base = self.text.first if self.text is not None else 0
        row = base + self.verticalScrollBar().value() + max(0, at.y() - 8) // LINE_PX
        return min(row, base + max(0, self._count() - 1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to choose lines."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._anchor = self._chosen = self._row(event.position().toPoint())
            self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Choose up to here."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._chosen = self._row(event.position().toPoint())
            self.viewport().update()

    def chosen_text(self) -> str:
        """The chosen lines, or ''."""
        low, high = sorted((self._anchor, self._chosen))
        if low < 0 or self.text is None:
            return ""
        lines = self._lines(max(0, low - self.text.first), high + 1 - self.text.first)
        return "\n".join(line.text for line in lines)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy, choose all, go to either end."""
        bar = self.verticalScrollBar()
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.chosen_text())
        elif event.matches(QKeySequence.StandardKey.SelectAll) and self.text is not None:
            self._anchor, self._chosen = self.text.first, self.text.first + max(0, self._count() - 1)
            self.viewport().update()
        elif event.key() == Qt.Key.Key_End:
            bar.setValue(bar.maximum())
        elif event.key() == Qt.Key.Key_Home:
            bar.setValue(0)
        else:
            super().keyPressEvent(event)
