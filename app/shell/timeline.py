"""The whole run under the top bar: iterations with the loss behind them, marks, a playhead to drag; below it
the nodes of the iteration where the playhead is."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from app.look import font
from app.look.number import figure
from app.look.theme import theme
from app.session.playback import Playback
from app.session.session import Session

from .playback_bar import WIDTH_PX, PlaybackBar

HEIGHT_PX = 44
_LANE_PX = 10
"""Height of the lane of nodes at the bottom."""
_ENDS = 44
_KEYS = (
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
)


class TimelineBar(QWidget):
    """A click or a drag moves the playhead; at the right end of a live run it follows again.

    Above lies the whole run, below the nodes of one iteration. With Shift a drag goes node by node through
    the whole run; so do the wheel and, while it has the focus, the arrow keys."""

    def __init__(self, session: Session, playback: Playback | None = None) -> None:
        super().__init__()
        self.session = session
        self.controls = PlaybackBar(playback, self) if playback is not None else None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setObjectName("TimelineBar")
        self.setFixedHeight(HEIGHT_PX)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Timeline")
        self._dragging = ""
        self._held: tuple[float, int] = (0.0, 0)
        self._turned = 0.0
        self._focus_by_key = False

    def look(self, changes: frozenset[str] = frozenset()) -> None:
        """Draw again; show only when there is a run to show."""
        self.setVisible(self.session.state != "empty")
        if self.controls is not None:
            self.controls.look()
        self.update()

    def retheme(self) -> None:
        """Draw again in the colours of the theme."""
        if self.controls is not None:
            self.controls.retheme()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The controls stand at the right end."""
        super().resizeEvent(event)
        if self.controls is not None:
            self.controls.setGeometry(self.width() - WIDTH_PX, 0, WIDTH_PX, self.height() - 1)

    # -- where things are ------------------------------------------------------------------------------------

    def _span(self) -> tuple[float, float]:
        controls = WIDTH_PX if self.controls is not None else 0
        return float(_ENDS), float(self.width() - _ENDS - controls)

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
        y = 8 + (high - values) / ((high - low) or 1.0) * (HEIGHT_PX - _LANE_PX - 20)
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
        base = self._base()
        painter.setFont(font.mono(12))
        painter.setPen(look["quiet"])
        middle = Qt.AlignmentFlag.AlignVCenter
        some = len(session.timeline) > 0
        painter.drawText(
            QRectF(0, 0, _ENDS - 12, self.height() - _LANE_PX),
            middle | Qt.AlignmentFlag.AlignRight,
            "1" if some else "",
        )
        painter.drawText(
            QRectF(right + 12, 0, _ENDS, self.height() - _LANE_PX),
            middle,
            str(self._total()) if some else "",
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
        self._draw_nodes(painter)
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
        if self.hasFocus() and self._focus_by_key:
            painter.setPen(QPen(look["accent"], 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(2.5, 2.5, right + _ENDS - 8, self.height() - 7))

    def _base(self) -> float:
        """Where the line of the whole run lies."""
        return self.height() - _LANE_PX - 5.5

    def _lane(self) -> QRectF:
        left, right = self._span()
        return QRectF(left, self.height() - _LANE_PX - 0.0, right - left, 4)

    def _nodes(self) -> int:
        """How many nodes the lane has; 0 while nobody stands."""
        timeline = self.session.timeline
        here = timeline.current
        if here is None or (timeline.following and self.session.state == "running"):
            return 0
        return here.count

    def _draw_nodes(self, painter: QPainter) -> None:
        """One tick for each node of the iteration: done, here, to come; a bar where they are too many."""
        count = self._nodes()
        if not count:
            return
        lane, position, look = self._lane(), self.session.timeline.position, theme()
        slot = lane.width() / count
        painter.setPen(Qt.PenStyle.NoPen)
        if slot < 3:
            painter.setBrush(look["line"])
            painter.drawRoundedRect(lane, 2, 2)
            painter.setBrush(look.with_alpha("accent", 0.45))
            painter.drawRoundedRect(QRectF(lane.left(), lane.top(), slot * position, 4), 2, 2)
            painter.setBrush(look["accent"])
            painter.drawRect(QRectF(lane.left() + slot * min(position, count - 1), lane.top(), 2, 4))
            return
        gap = 1.0 if slot < 8 else 2.0
        for number in range(count):
            done = number < position
            painter.setBrush(
                look["accent"]
                if number == position
                else look.with_alpha("accent", 0.45)
                if done
                else look["line"]
            )
            painter.drawRoundedRect(
                QRectF(lane.left() + slot * number, lane.top(), max(1.0, slot - gap), 4), 1.5, 1.5
            )

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

    def _in_lane(self, y: float) -> bool:
        return self._nodes() > 0 and y >= self.height() - _LANE_PX - 2

    def _node_at(self, x: float) -> int:
        """The position in this iteration that lies at this place of the lane."""
        lane, count = self._lane(), self._nodes()
        return max(0, min(round((x - lane.left()) / max(1.0, lane.width()) * count), count))

    def go_to_moment(self, moment: int) -> None:
        """Put the playhead at this place of all (steps × nodes); beyond the end of a live run it follows."""
        session = self.session
        timeline = session.timeline
        if session.state == "running" or not timeline.moments:
            return
        head = session.head
        if (
            session.is_live
            and head is not None
            and moment >= timeline.moment_of(head.backward, head.position)
        ):
            session.follow()
            return
        session.show(*timeline.place_at(moment))

    def stride(self, kind: str) -> None:
        """Move the playhead: 'node', 'back', 'iteration', 'iteration back', 'start' or 'end' of the run."""
        timeline = self.session.timeline
        if kind in ("node", "back"):
            here = timeline.moment_of(timeline.backward, timeline.position)
            self.go_to_moment(here + (1 if kind == "node" else -1))
        elif kind in ("start", "end"):
            self.go_to_moment(0 if kind == "start" else timeline.moments)
        else:
            there = timeline.moved(kind)
            if there is not None:
                self.go_to_moment(timeline.moment_of(*there))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the playhead."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at, timeline = event.position(), self.session.timeline
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and timeline.moments:
            self._dragging = "fine"
            self._held = (at.x(), timeline.moment_of(timeline.backward, timeline.position))
        else:
            self._dragging = "node" if self._in_lane(at.y()) else "run"
            self._drag(at.x())

    def _drag(self, x: float) -> None:
        timeline = self.session.timeline
        if self._dragging == "fine":
            start, moment = self._held
            self.go_to_moment(moment + round((x - start) / 4))
        elif self._dragging == "node":
            self.go_to_moment(timeline.moment_of(timeline.backward, self._node_at(x)))
        else:
            self._go(x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the playhead, or say what is under the mouse."""
        if self._dragging:
            self._drag(event.position().x())
            return
        QToolTip.showText(event.globalPosition().toPoint(), self._words_at(event.position()), self)

    def _words_at(self, at: QPointF) -> str:
        """What lies at this place, in words."""
        session = self.session
        last = session.timeline.last
        if last is None:
            return ""
        if self._in_lane(at.y()) and session.walk is not None:
            position = self._node_at(at.x())
            order = session.walk.order
            if position >= len(order):
                return "the end of this backward"
            return f"node {position + 1} of {len(order)}   {session.graph.nodes[order[position]].name}"
        number = min(int(self.moment_at(at.x())), last.number)
        entry = session.timeline.get(number)
        words = f"iteration {number + 1}"
        if entry is not None and entry.value is not None:
            words += f"   {entry.variable or 'loss'} {figure(entry.value, 4)}"
        return words

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the playhead go."""
        self._dragging = ""

    # -- wheel and keys --------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """A notch is one node."""
        self._turned += (event.angleDelta().y() or event.angleDelta().x()) / 120
        whole = int(self._turned)
        self._turned -= whole
        timeline = self.session.timeline
        if whole and timeline.moments:
            self.go_to_moment(timeline.moment_of(timeline.backward, timeline.position) - whole)
        event.accept()

    def event(self, event: QEvent) -> bool:
        """While it has the focus, its own keys come before those of the window."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() in _KEYS and not event.modifiers():
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go by nodes, Page keys by iterations, Home and End to the ends of the run."""
        kinds = ("back", "node", "iteration back", "iteration", "start", "end")
        if event.key() in _KEYS:
            self.stride(kinds[_KEYS.index(Qt.Key(event.key()))])
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Say so with a frame where the focus came by a key."""
        self._focus_by_key = event.reason() in (
            Qt.FocusReason.TabFocusReason,
            Qt.FocusReason.BacktabFocusReason,
            Qt.FocusReason.ShortcutFocusReason,
        )
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """No frame any more."""
        super().focusOutEvent(event)
        self.update()
