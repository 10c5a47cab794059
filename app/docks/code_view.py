"""Source text with line numbers, colours, the current line, breakpoints and a failed line."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QSyntaxHighlighter,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
)
from PySide6.QtWidgets import QTextEdit, QWidget

from app.look import font
from app.look.theme import theme

GUTTER_PX = 46
LINE_PX = 21
TOP_PX = 8


def token_kind(kind: object) -> str:
    """The theme's token ('kw', 'str', ...) for a Pygments token type, or ''."""
    from pygments.token import Comment, Keyword, Name, Number, Operator, String

    if kind in Comment:
        return "com"
    if kind in Keyword or kind in Operator.Word:
        return "kw"
    if kind in String:
        return "str"
    if kind in Number:
        return "num"
    if kind in Name.Function or kind in Name.Class or kind in Name.Builtin or kind in Name.Decorator:
        return "fn"
    return ""


def warm_up_lexer() -> None:
    """Load the lexer ahead of need; meant for a thread that nobody waits for."""
    coloured_lines("import torch\n")


def coloured_lines(source: str) -> list[list[tuple[int, int, str]]]:
    """For each line its coloured spans (start, length, theme token). A name before '(' is a call."""
    from pygments.lexers.python import PythonLexer

    tokens = list(PythonLexer(stripnl=False, ensurenl=False).get_tokens(source))
    lines: list[list[tuple[int, int, str]]] = [[]]
    column = 0
    for index, (kind, text) in enumerate(tokens):
        token = token_kind(kind)
        if not token and index + 1 < len(tokens) and tokens[index + 1][1].startswith("("):
            token = "fn" if text.isidentifier() else ""
        for number, piece in enumerate(text.split("\n")):
            if number:
                lines.append([])
                column = 0
            length = len(piece.encode("utf-16-le")) // 2
            if token and length:
                lines[-1].append((column, length, token))
            column += length
    return lines


class _Highlighter(QSyntaxHighlighter):
    def __init__(self, view: QTextEdit) -> None:
        super().__init__(view.document())
        self.lines: list[list[tuple[int, int, str]]] = []

    def highlightBlock(self, text: str) -> None:
        number = self.currentBlock().blockNumber()
        if number < len(self.lines):
            for start, length, token in self.lines[number]:
                style = QTextCharFormat()
                style.setForeground(theme()[token])
                self.setFormat(start, length, style)


class _Gutter(QWidget):
    def __init__(self, view: CodeView) -> None:
        super().__init__(view)
        self._view = view
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Click beside a line to stop there")

    def sizeHint(self) -> QSize:
        return QSize(GUTTER_PX, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._view.paint_gutter(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._view.gutter_clicked.emit(self._view.line_at(event.position().toPoint().y()))


class CodeView(QTextEdit):
    """A read-only source text. Lines are numbered from 1; 0 means none."""

    gutter_clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setLineWrapMode(QTextEdit.LineWrapMode.NoWrap)
        self.setFrameShape(QTextEdit.Shape.NoFrame)
        self.setUndoRedoEnabled(False)
        self.setCursorWidth(0)
        self.setAcceptRichText(False)
        self.document().setDocumentMargin(0)
        self._gutter = _Gutter(self)
        self._highlighter = _Highlighter(self)
        self.current_line = 0
        self.selected_line = 0
        self.failed_line = 0
        self.breakpoint_lines: dict[int, bool] = {}
        self.setViewportMargins(GUTTER_PX, 0, 0, 0)
        self.verticalScrollBar().valueChanged.connect(lambda _: self._gutter.update())
        self.setFont(font.mono(12))

    def set_source(self, source: str) -> None:
        """Show this text, coloured."""
        self._highlighter.lines = coloured_lines(source) if source else []
        self.setPlainText(source)
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        block = QTextBlockFormat()
        block.setLineHeight(LINE_PX, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        cursor.setBlockFormat(block)
        frame = self.document().rootFrame()
        style = frame.frameFormat()
        style.setTopMargin(TOP_PX)
        style.setBottomMargin(TOP_PX)
        frame.setFrameFormat(style)
        self.moveCursor(QTextCursor.MoveOperation.Start)
        self.current_line = self.selected_line = self.failed_line = 0

    def retheme(self) -> None:
        """Colour again after a change of theme."""
        self._highlighter.rehighlight()
        self.viewport().update()
        self._gutter.update()

    def mark(
        self, current: int = 0, selected: int = 0, failed: int = 0, breakpoints: dict[int, bool] | None = None
    ) -> None:
        """Mark lines: where we stand, what is looked at, what failed, and where the run will stop."""
        now = (current, selected, failed, breakpoints if breakpoints is not None else self.breakpoint_lines)
        if now == (self.current_line, self.selected_line, self.failed_line, self.breakpoint_lines):
            return
        moved = current and current != self.current_line
        failed_now = failed and failed != self.failed_line
        looked = selected and selected != self.selected_line
        self.current_line, self.selected_line, self.failed_line = current, selected, failed
        if breakpoints is not None:
            self.breakpoint_lines = breakpoints
        if failed_now:
            self.reveal(failed)
        elif moved:
            self.reveal(current)
        elif looked:
            self.reveal(selected)
        self.viewport().update()
        self._gutter.update()

    def reveal(self, line: int) -> None:
        """Scroll so that the line is seen, with some lines around it."""
        bar = self.verticalScrollBar()
        page = self.viewport().height()
        top = TOP_PX + (line - 1) * LINE_PX
        if not bar.value() + 2 * LINE_PX <= top < bar.value() + page - 3 * LINE_PX:
            bar.setValue(max(0, top - page // 3))

    def line_at(self, y: int) -> int:
        """The line at this height of the viewport."""
        line = (y + self.verticalScrollBar().value() - TOP_PX) // LINE_PX + 1
        return max(1, min(line, self.document().blockCount()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the gutter beside the text."""
        super().resizeEvent(event)
        area = self.contentsRect()
        self._gutter.setGeometry(area.left(), area.top(), GUTTER_PX, area.height())

    def _ground(self, line: int) -> tuple[QColor | None, QColor | None]:
        look = theme()
        if line == self.failed_line:
            return look["grad_soft"], look["grad"]
        if line == self.current_line:
            return look["sel"], look["accent"]
        if line == self.selected_line:
            return look["code_line"], None
        return None, None

    def _visible_lines(self):
        shift = self.verticalScrollBar().value() - TOP_PX
        first = max(1, shift // LINE_PX)
        last = min(self.document().blockCount(), (shift + self.viewport().height()) // LINE_PX + 1)
        for line in range(first, last + 1):
            yield line, (line - 1) * LINE_PX - shift, LINE_PX

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the grounds of marked lines under the text."""
        painter = QPainter(self.viewport())
        for line, top, height in self._visible_lines():
            ground, _ = self._ground(line)
            if ground is not None:
                painter.fillRect(0, top, self.viewport().width(), height, ground)
        painter.end()
        super().paintEvent(event)

    def paint_gutter(self, event: QPaintEvent) -> None:
        """Draw numbers, breakpoints and the bar of the current line."""
        painter = QPainter(self._gutter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = theme()
        painter.fillRect(event.rect(), look["panel"])
        painter.setFont(font.mono(12))
        for line, top, height in self._visible_lines():
            ground, bar = self._ground(line)
            if ground is not None:
                painter.fillRect(0, top, GUTTER_PX, height, ground)
            if bar is not None:
                painter.fillRect(0, top, 3, height, bar)
            if line in self.breakpoint_lines:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(look["grad"] if self.breakpoint_lines[line] else look["faint"])
                painter.drawRoundedRect(10, top + (height - 16) // 2 + 1, 26, 16, 8, 8)
                painter.setPen(look["panel"])
                painter.drawText(10, top + 2, 26, height, Qt.AlignmentFlag.AlignCenter, str(line))
            else:
                painter.setPen(look["text"] if bar is not None else look["gutter"])
                painter.drawText(
                    0,
                    top + 2,
                    32,
                    height,
                    Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                    str(line),
                )
