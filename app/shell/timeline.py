"""The whole run under the top bar: iterations with the loss behind them, marks, a playhead to drag."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from app.look import font
from app.look.number import figure
from app.look.theme import theme
from app.session.session import Session

HEIGHT_PX = 36
_ENDS = 44


class TimelineBar(QWidget):
    """A click or a drag moves the playhead; at the right end of a live run it follows again."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setObjectName("TimelineBar")
        self.setFixedHeight(HEIGHT_PX)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Timeline")
        self._dragging = False

    def look(self, changes: frozenset[str] = frozenset()) -> None:
        """Draw again; show only when there is a run to show."""
        self.setVisible(self.session.state != "empty")
        self.update()

    def retheme(self) -> None:
        """Draw again in the colours of the theme."""
        self.update()

    # -- where things are ------------------------------------------------------------------------------------

    def _span(self) -> tuple[float, float]:
        return float(_ENDS), float(self.width() - _ENDS)

    def _total(self) -> int:
        last = self.session.timeline.last
        return max(1, last.number + 1 if last is not None else 1)

    def x_of(self, moment: float) -> float:
        """The place of a moment: iterations from 0, with their fraction."""
        left, right = self._span()
        return left + (right - left) * min(1.0, max(0.0, moment / self._total()))

    def moment_at(self, x: float) -> float:
        """The moment at this place."""
        left, right = self._span()
        return max(0.0, min(1.0, (x - left) / max(1.0, right - left))) * self._total()

    def _playhead(self) -> float | None:
        timeline = self.session.timeline
        here = timeline.current
        if here is None:
            return None
        if timeline.following and self.session.state == "running":
            return float(self._total())
        share = timeline.position / here.count if here.count else 0.0
        return here.number + min(1.0, share)

    # -- drawing ---------------------------------------------------------------------------------------------

    def _loss_path(self) -> QPainterPath:
        """The first curve, on a logarithmic scale where it is positive."""
        import numpy as np

        path = QPainterPath()
        curve = next(iter(self.session.curves.values()), None)
        if curve is None or len(curve) < 2:
            return path
        steps, values = curve.steps, curve.values
        if len(steps) > 2000:
            pick = np.linspace(0, len(steps) - 1, 2000).astype(np.int64)
            steps, values = steps[pick], values[pick]
        keep = np.isfinite(values)
        steps, values = steps[keep], values[keep].astype(np.float64)
        if not len(values):
            return path
        if values.min() > 0 and values.max() / values.min() > 20:
            values = np.log10(values)
        low, high = float(values.min()), float(values.max())
        y = 9 + (high - values) / ((high - low) or 1.0) * (HEIGHT_PX - 22)
        for number, (step, at) in enumerate(zip(steps, y, strict=True)):
            point = QPointF(self.x_of(float(step) + 0.5), float(at))
            path.lineTo(point) if number else path.moveTo(point)
        return path

    def paintEvent(self, event: QPaintEvent) -> None:
        """The loss, the marks, the playhead."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = theme()
        painter.fillRect(self.rect(), look["panel"])
        painter.fillRect(0, self.height() - 1, self.width(), 1, look["line"])
        session = self.session
        left, right = self._span()
        base = self.height() - 7.5
        painter.setFont(font.mono(12))
        painter.setPen(look["quiet"])
        middle = Qt.AlignmentFlag.AlignVCenter
        some = len(session.timeline) > 0
        painter.drawText(
            QRectF(0, 0, _ENDS - 12, self.height() - 1),
            middle | Qt.AlignmentFlag.AlignRight,
            "1" if some else "",
        )
        painter.drawText(
            QRectF(right + 12, 0, _ENDS, self.height() - 1), middle, str(self._total()) if some else ""
        )
        painter.setPen(QPen(look["line"], 1))
        painter.drawLine(QPointF(left, base), QPointF(right, base))
        painter.setPen(QPen(look["faint"], 1.4))
        painter.drawPath(self._loss_path())
        for backward in session.timeline.backwards:
            if backward.edited:
                self._mark(painter, backward.number + 0.5, "warn", base)
        for point in session.breakpoints:
            if point.kind == "iteration" and point.place.isdigit() and int(point.place) <= self._total():
                self._mark(painter, int(point.place) + 0.0, "grad", base)
        if session.failure is not None and some:
            self._mark(painter, float(self._total()), "grad", base)
        head = self._playhead()
        if head is None:
            return
        x = self.x_of(head)
        painter.setPen(QPen(look["accent"], 2))
        painter.drawLine(QPointF(left, base), QPointF(x, base))
        painter.drawLine(QPointF(x, 7), QPointF(x, base))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look["accent"])
        painter.drawEllipse(QPointF(x, base), 4.5, 4.5)

    def _mark(self, painter: QPainter, moment: float, token: str, base: float) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme()[token])
        painter.drawEllipse(QPointF(self.x_of(moment), base), 2.6, 2.6)

    # -- dragging --------------------------------------------------------------------------------------------

    def _go(self, x: float) -> None:
        session = self.session
        last = session.timeline.last
        if last is None or session.state == "running":
            return
        if session.is_live and x >= self._span()[1] - 3:
            session.follow()
            return
        moment = self.moment_at(x)
        number = min(int(moment), last.number)
        entry = session.timeline.get(number)
        if entry is not None:
            share = moment - number
            session.show(number, round(share * entry.count) if self._slot() > 24 else 0)

    def _slot(self) -> float:
        left, right = self._span()
        return (right - left) / self._total()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the playhead."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragging = True
            self._go(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the playhead, or say what is under the mouse."""
        if self._dragging:
            self._go(event.position().x())
            return
        last = self.session.timeline.last
        if last is None:
            return
        number = min(int(self.moment_at(event.position().x())), last.number)
        entry = self.session.timeline.get(number)
        words = f"iteration {number + 1}"
        if entry is not None and entry.value is not None:
            words += f"   {entry.variable or 'loss'} {figure(entry.value, 4)}"
        QToolTip.showText(event.globalPosition().toPoint(), words, self)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the playhead go."""
        self._dragging = False
