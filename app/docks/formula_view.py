"""A typeset formula. What is not at hand is set in idle moments, one at a time: nobody waits for it."""

from __future__ import annotations

from collections import deque
from functools import cache
from weakref import ReferenceType, ref

from PySide6.QtCore import QObject, QSize, QSizeF, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.look import font
from app.look.formula import formula_pixmap, formula_size, formula_words, is_typeset
from app.look.theme import theme

_PLAIN_PX = 24
LEAST_SCALE = 0.6
"""A formula that is too wide is made smaller down to this; beyond, it goes on outside."""


class FormulaView(QWidget):
    """A formula, centred; smaller where it is too wide; plain text where it cannot be set, or is not yet."""

    def __init__(self, latex: str, size_px: float = 16, token: str = "text") -> None:
        super().__init__()
        self.latex = latex
        self._size_px = size_px
        self._token = token
        self._natural: QSizeF | None = None
        self.is_set = False
        self.plain = formula_words(latex)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(self.plain)
        self.setAccessibleName(self.plain)
        self.setFixedHeight(round(size_px * (3.0 if "frac" in latex or "matrix" in latex else 1.6)))
        if is_typeset(latex, size_px, self._colour()):
            self.typeset()
        else:
            _queue().add(self)

    def _colour(self) -> str:
        return theme().hex(self._token)

    def typeset(self) -> None:
        """Set it now."""
        self.is_set = True
        try:
            self._natural = formula_size(self.latex, self._size_px, self._colour())
        except ValueError:
            self._natural = None
        self.setFixedHeight(_PLAIN_PX if self._natural is None else round(self._natural.height()) + 4)
        self.update()

    def sizeHint(self) -> QSize:
        """Wide enough for the formula, within reason."""
        return QSize(200, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it in the middle."""
        if not self.is_set:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self._natural is None:
            painter.setFont(font.mono())
            painter.setPen(theme()[self._token])
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.plain)
            return
        scale = max(LEAST_SCALE, min(1.0, self.width() / max(1.0, self._natural.width())))
        ratio = 2.0 * self.devicePixelRatioF()
        pixmap = formula_pixmap(self.latex, self._size_px, self._colour(), ratio)
        width, height = self._natural.width() * scale, self._natural.height() * scale
        left, top = max(0.0, (self.width() - width) / 2), (self.height() - height) / 2
        painter.drawPixmap(round(left), round(top), round(width), round(height), pixmap)


class _Queue(QObject):
    """Formulas to be set, each in an idle moment of its own; those whose view is gone are left out."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[ReferenceType[FormulaView]] = deque()
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._next)

    def add(self, view: FormulaView) -> None:
        """Set this one when there is time."""
        self._waiting.append(ref(view))
        self._timer.start()

    def _next(self) -> None:
        while self._waiting:
            view = self._waiting.popleft()()
            if view is not None and not view.is_set:
                try:
                    view.typeset()
                except RuntimeError:  # its C++ half is gone already
                    continue
                return
        self._timer.stop()


@cache
def _queue() -> _Queue:
    return _Queue()
