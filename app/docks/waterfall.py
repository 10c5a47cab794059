"""A waterfall of gains: from the loss down, each step a bar from what arrives to what leaves."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip

from app.look import font
from app.look.colour_map import gain_colour
from app.look.number import figure
from app.look.theme import theme
from app.session.gain import Gain

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 24, 28
_NARROW_PX, _WIDE_PX = 9.0, 96.0
_EMPTY_REACH = (-1.0, 1.0)
_WAYS: dict[int, int] = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


def factor_text(gain: Gain) -> str:
    """'×0.25', '÷430', or '–' where it is not known."""
    factor = gain.factor
    if factor is None:
        return "–"
    if factor == 0:
        return "×0"
    if factor < 0.1:
        return f"÷{figure(1 / factor, 2)}"
    return f"×{figure(factor, 2)}"


class Waterfall(QAbstractScrollArea):
    """Bars on a logarithmic scale, scrolled sideways where there are many; leaves are dots.

    Arrows go from bar to bar; a click chooses one."""

    chosen = Signal(int)
    """The place of the step that was chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Gain] = []
        self.here = self.selected = -1
        self._reach = _EMPTY_REACH
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.setAccessibleName("Gain along depth")

    def show_steps(self, steps: list[Gain], here: int, selected: int) -> None:
        """Draw these; `here` and `selected` are places among them, -1 for none."""
        moved = selected if selected != self.selected else here if here != self.here else -1
        self.steps, self.here, self.selected = steps, here, selected
        self._reach = self._known_reach()
        self._set_range()
        if moved >= 0:
            self._bring_into_view(moved)
        self.viewport().update()

    # -- geometry --------------------------------------------------------------------------------------------

    def _known_reach(self) -> tuple[float, float]:
        levels = [
            level
            for step in self.steps
            for level in (step.start, step.end)
            if level is not None and math.isfinite(level)
        ]
        if not levels:
            return _EMPTY_REACH
        low, high = math.floor(min(levels) - 0.1), math.ceil(max(levels) + 0.1)
        return (low, max(high, low + 1))

    @property
    def slot_px(self) -> float:
        """Width of one step."""
        room = self.viewport().width() - _LEFT - _RIGHT
        return min(_WIDE_PX, max(_NARROW_PX, room / max(1, len(self.steps))))

    def _set_range(self) -> None:
        whole = _LEFT + _RIGHT + self.slot_px * len(self.steps)
        bar = self.horizontalScrollBar()
        bar.setPageStep(max(1, self.viewport().width()))
        bar.setSingleStep(round(self.slot_px * 4))
        bar.setRange(0, max(0, round(whole) - self.viewport().width()))

    def _bring_into_view(self, place: int) -> None:
        bar = self.horizontalScrollBar()
        x = self.slot_px * place
        if x < bar.value() or x + self.slot_px > bar.value() + self.viewport().width() - _LEFT - _RIGHT:
            bar.setValue(round(x - (self.viewport().width() - _LEFT) / 2))

    def place_at(self, x: float) -> int:
        """The step under this x of the viewport, -1 for none."""
        if x < _LEFT:
            return -1
        place = int((x - _LEFT + self.horizontalScrollBar().value()) / self.slot_px)
        return place if place < len(self.steps) else -1

    def x_of(self, place: int) -> float:
        """Where in the viewport the middle of a step lies."""
        return _LEFT + self.slot_px * (place + 0.5) - self.horizontalScrollBar().value()

    def _height(self) -> float:
        return max(20.0, self.viewport().height() - _TOP - _BOTTOM)

    def _y(self, level: float) -> float:
        low, high = self._reach
        share = (high - max(low, min(high, level))) / (high - low)
        return _TOP + self._height() * share

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More or fewer steps fit."""
        super().resizeEvent(event)
        self._set_range()

    # -- drawing ---------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Scale, bars, names where there is room."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = theme()
        painter.fillRect(self.viewport().rect(), look["panel"])
        painter.setFont(font.body(11))
        self._draw_grid(painter)
        first = max(0, self.place_at(_LEFT + 1))
        last = self.place_at(self.viewport().width())
        painter.save()
        painter.setClipRect(QRectF(_LEFT - 4, 0, self.viewport().width(), self.viewport().height()))
        for place in range(first, len(self.steps) if last < 0 else last + 1):
            self._draw_step(painter, place)
        painter.restore()
        self._draw_legend(painter)
        if self.hasFocus() and self.selected >= 0:
            x, slot = self.x_of(self.selected), self.slot_px
            painter.setPen(QPen(look["accent"], 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(x - slot / 2, _TOP - 4, slot, self._height() + 8), 4, 4)

    def _draw_grid(self, painter: QPainter) -> None:
        look = theme()
        low, high = (round(level) for level in self._reach)
        stride = max(1, math.ceil((high - low) / max(1, self._height() // 26)))
        right = self.viewport().width() - _RIGHT
        for power in range(high, low - 1, -1):
            if power % stride and power:
                continue
            y = self._y(power)
            painter.setPen(QPen(look["faint"] if power == 0 else look["line"], 1))
            painter.drawLine(QPointF(_LEFT, y), QPointF(right, y))
            painter.setPen(look["quiet"])
            words = "loss" if power == 0 else f"1e{power}".replace("-", "−")
            box = QRectF(0, y - 8, _LEFT - 8, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)

    def _draw_step(self, painter: QPainter, place: int) -> None:
        step, look, slot = self.steps[place], theme(), self.slot_px
        x = self.x_of(place)
        wide = min(40.0, max(4.0, slot * 0.8))
        if place in (self.here, self.selected):
            painter.fillRect(
                QRectF(x - slot / 2, _TOP - 4, slot, self._height() + 8), look.with_alpha("accent", 0.10)
            )
        if step.start is not None:
            y = self._y(step.start)
            power = step.power
            if step.kind == "leaf":
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(look["warn"] if step.odd else look["leaf"])
                painter.drawEllipse(QPointF(x, y), min(4.0, wide / 2), min(4.0, wide / 2))
            elif power is None:
                painter.setPen(QPen(look["warn"] if step.odd else look["faint"], 2))
                painter.drawLine(QPointF(x - wide / 2, y), QPointF(x + wide / 2, y))
            else:
                self._draw_bar(painter, step, x, wide, y, power)
                self._draw_joint(painter, place, x, wide)
        if slot >= 52:
            painter.setPen(look["accent"] if place in (self.here, self.selected) else look["quiet"])
            room = int(slot) - 8
            name = painter.fontMetrics().elidedText(step.name, Qt.TextElideMode.ElideMiddle, room)
            box = QRectF(x - slot / 2, _TOP + self._height() + 6, slot, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)

    def _draw_bar(
        self, painter: QPainter, step: Gain, x: float, wide: float, y: float, power: float
    ) -> None:
        look = theme()
        end = self._y(self._reach[0] if power == -math.inf else (step.start or 0.0) + power)
        top, tall = min(y, end), max(3.0, abs(end - y))
        bad = step.odd or power == -math.inf
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look["warn"] if bad else gain_colour(power, look, 0.75))
        bend = min(3.0, wide / 4, tall / 2)
        painter.drawRoundedRect(QRectF(x - wide / 2, top, wide, tall), bend, bend)
        if self.slot_px >= 40:
            painter.setPen(look["quiet"])
            below = power < 0 and end + 14 < _TOP + self._height()
            box = QRectF(x - self.slot_px / 2, end + 1 if below else top - 15, self.slot_px, 14)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, factor_text(step))

    def _draw_joint(self, painter: QPainter, place: int, x: float, wide: float) -> None:
        """A thin line to the next bar where it begins at the height at which this one ends."""
        end = self.steps[place].end
        for after in range(place + 1, min(place + 8, len(self.steps))):
            begins = self.steps[after].start
            if begins is not None and end is not None and abs(begins - end) < 1e-6:
                y = self._y(end)
                painter.setPen(QPen(theme()["faint"], 1))
                painter.drawLine(QPointF(x + wide / 2, y), QPointF(self.x_of(after) - wide / 2, y))
                return

    def _draw_legend(self, painter: QPainter) -> None:
        look = theme()
        words = (("shrinks", gain_colour(-2, look)), ("grows", gain_colour(2, look)), ("leaf", look["leaf"]))
        metrics = painter.fontMetrics()
        width = sum(metrics.horizontalAdvance(text) + 28 for text, _ in words)
        x = self.viewport().width() - _RIGHT - width
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look["panel"])
        painter.drawRect(QRectF(x - 6, 0, width + 6, 18))
        for text, colour in words:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            bend = 4 if text == "leaf" else 2
            painter.drawRoundedRect(QRectF(x, 5, 8, 8), bend, bend)
            painter.setPen(look["quiet"])
            painter.drawText(QPointF(x + 13, 13), text)
            x += metrics.horizontalAdvance(text) + 28

    # -- hand and keys ---------------------------------------------------------------------------------------

    def words_of(self, place: int) -> str:
        """What the tooltip says of a step."""
        step = self.steps[place]
        if step.came is None:
            return f"{step.name} · no gradient known here"
        words = f"{step.name} · ‖in‖ {figure(step.came)}"
        if step.went is not None:
            words += f" · ‖out‖ {figure(step.went)} · {factor_text(step)}"
        return words + (" · NaN or Inf" if step.odd else "")

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say which step is under the mouse."""
        place = self.place_at(event.position().x())
        if place >= 0:
            QToolTip.showText(event.globalPosition().toPoint(), self.words_of(place), self)
        else:
            QToolTip.hideText()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the step under the mouse."""
        place = self.place_at(event.position().x())
        if event.button() == Qt.MouseButton.LeftButton and place >= 0:
            self.chosen.emit(place)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel scrolls sideways."""
        turn = event.angleDelta().x() or event.angleDelta().y()
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - turn)
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Left and right are this panel's own while it has the focus, not the graph's."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() in _WAYS:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right choose the neighbour."""
        way = _WAYS.get(event.key())
        if way is None or not self.steps:
            super().keyPressEvent(event)
            return
        start = self.selected if self.selected >= 0 else self.here
        self.chosen.emit(max(0, min(len(self.steps) - 1, start + way)))
