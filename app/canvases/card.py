"""What lies over the canvas: the detail slider, the legend and the minimap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from app.layout.scene import Scene
from app.look import font
from app.look.colour_map import gain_colour
from app.look.theme import theme


class DetailCard(QFrame):
    """How many levels of modules are open, and which way data flows."""

    detail_changed = Signal(int)
    direction_changed = Signal(bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("DetailCard")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.name = QLabel("Detail", self)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setFixedWidth(118)
        self.slider.setPageStep(1)
        self.slider.setAccessibleName("Detail")
        self.slider.setToolTip("How many levels of modules are open")
        self.level = QLabel("ops", self)
        self.level.setFixedWidth(54)
        self.direction = QToolButton(self)
        self.direction.setCheckable(True)
        self.direction.setText("⇄")
        self.direction.setFixedSize(QSize(24, 22))
        self.direction.setAccessibleName("Direction")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 6, 0)
        row.setSpacing(10)
        for part in (self.name, self.slider, self.level, self.direction):
            row.addWidget(part)
        self.setFixedHeight(32)
        self.slider.valueChanged.connect(self._moved)
        self.direction.toggled.connect(self._turned)
        self._turned(False)
        self.restyle()

    def set_levels(self, deepest: int, value: int) -> None:
        """Show `value` of `deepest` levels, without telling of a change."""
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, deepest))
        self.slider.setValue(value)
        self.slider.blockSignals(False)
        self.slider.setEnabled(deepest > 0)
        self._say()

    def _moved(self, value: int) -> None:
        self._say()
        self.detail_changed.emit(value)

    def _say(self) -> None:
        value, deepest = self.slider.value(), self.slider.maximum()
        self.level.setText("ops" if value == deepest else "modules" if value == 0 else f"level {value}")

    def _turned(self, downwards: bool) -> None:
        self.direction.setText("⇅" if downwards else "⇄")
        self.direction.setToolTip("Data flows from top to bottom" if downwards else
                                  "Data flows from left to right")
        self.direction_changed.emit(downwards)

    def restyle(self) -> None:
        """Take the theme in force."""
        look = theme()
        for label in (self.name, self.level):
            label.setFont(font.body(13))
        self.setStyleSheet(f"""
            #DetailCard {{ background: {look.hex('panel')}; border: 1px solid {look.hex('line')};
                border-radius: 8px; }}
            #DetailCard QLabel {{ color: {look.hex('muted')}; background: transparent; border: none; }}
            #DetailCard QToolButton {{ color: {look.hex('quiet')}; border: none; border-radius: 5px;
                background: transparent; }}
            #DetailCard QToolButton:hover {{ background: {look.hex('group')}; }}
            #DetailCard QToolButton:focus {{ border: 1px solid {look.hex('accent')}; }}
            #DetailCard QSlider {{ background: transparent; }}
            #DetailCard QSlider::groove:horizontal {{ height: 3px; border-radius: 1px;
                background: {look.hex('line')}; }}
            #DetailCard QSlider::sub-page:horizontal {{ height: 3px; border-radius: 1px;
                background: {look.hex('accent')}; }}
            #DetailCard QSlider::sub-page:horizontal:disabled {{ background: {look.hex('line')}; }}
            #DetailCard QSlider::handle:horizontal {{ width: 12px; height: 12px; margin: -5px 0;
                border-radius: 6px; background: {look.hex('accent')}; }}
            #DetailCard QSlider::handle:horizontal:disabled {{ background: {look.hex('faint')}; }}
            #DetailCard QSlider::handle:horizontal:focus {{ border: 2px solid {look.hex('text')}; }}
        """)


class Legend(QWidget):
    """What the shapes and colours mean; the mouse goes through it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, True)
        self.setAccessibleName("Legend")
        self.overlay = ""
        self.setFixedSize(438, 17)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw swatches and words."""
        look = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setFont(font.body(11))
        metrics = QFontMetricsF(font.body(11))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.with_alpha("canvas", 0.86))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        if self.overlay == "gain":
            self._draw_gain(painter)
            return
        x = 6.5
        for words, fill, line, width, radius in (
                ("leaf", "leaf_soft", "leaf", 1.0, 6.0), ("to come", "op", "op_line", 1.0, 3.0),
                ("here", "accent_soft", "accent", 2.0, 3.0), ("done", "grad_soft", "grad", 1.0, 3.0)):
            painter.setPen(QPen(look[line], width))
            painter.setBrush(look[fill])
            painter.drawRoundedRect(QRectF(x, 2, 12, 12), radius, radius)
            painter.setPen(look["muted"])
            painter.drawText(QPointF(x + 18, 12), words)
            x += 18 + metrics.horizontalAdvance(words) + 18
        for words, token, width in (("gradient", "grad", 2.4), ("value", "faint", 1.5)):
            painter.setPen(QPen(look[token], width))
            painter.drawLine(QPointF(x, 8), QPointF(x + 24, 8))
            painter.setPen(look["muted"])
            painter.drawText(QPointF(x + 30, 12), words)
            x += 30 + metrics.horizontalAdvance(words) + 18

    def _draw_gain(self, painter: QPainter) -> None:
        for step in range(120):
            painter.fillRect(QRectF(94 + step, 3, 1.5, 10), gain_colour((step - 59.5) / 30, theme()))
        painter.setPen(theme()["muted"])
        painter.drawText(QPointF(8, 12), "shrinks ÷100")
        painter.drawText(QPointF(222, 12), "×100 grows")


class Minimap(QWidget):
    """All of the scene small, with the window's part framed; a click or drag goes there."""

    def __init__(self, parent: QWidget, go_to: Callable[[float, float], None]) -> None:
        super().__init__(parent)
        self._go_to = go_to
        self._scene = Scene()
        self._picture: QImage | None = None
        self._window = QRectF()
        self.setFixedSize(136, 78)
        self.setAccessibleName("Minimap")
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_scene(self, scene: Scene) -> None:
        """Show another scene."""
        self._scene = scene
        self._picture = None
        self.update()

    def set_window(self, window: QRectF) -> None:
        """Frame this part of the scene."""
        if window != self._window:
            self._window = window
            self.update()

    def restyle(self) -> None:
        """Take the theme in force."""
        self._picture = None
        self.update()

    def _fit(self) -> tuple[float, float, float]:
        width, height = self._scene.size
        scale = min((self.width() - 24) / max(width, 1.0), (self.height() - 24) / max(height, 1.0))
        return scale, (self.width() - width * scale) / 2, (self.height() - height * scale) / 2

    def _draw_picture(self) -> QImage:
        ratio = self.devicePixelRatioF()
        image = QImage(round(self.width() * ratio), round(self.height() * ratio),
                       QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(ratio)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        look = theme()
        painter.setPen(QPen(look["line"], 1))
        painter.setBrush(look["panel"])
        painter.drawRoundedRect(QRectF(0.5, 0.5, self.width() - 1, self.height() - 1), 8, 8)
        scale, x, y = self._fit()
        scene = self._scene
        outer = scene.group_rect[scene.group_depth <= 1] if len(scene.group_rect) else scene.group_rect
        painter.setPen(Qt.PenStyle.NoPen)
        items = scene.item_rect[scene.item_host < 0]
        for rects, token, alpha in ((outer, "group_line", 0.8), (items, "faint", 0.55)):
            colour = QColor(look[token])
            colour.setAlphaF(alpha)
            painter.setBrush(colour)
            placed = rects.astype(np.float64) * scale
            placed[:, 2:] = np.maximum(placed[:, 2:], 1.0)
            if len(placed) > 400:
                placed = np.unique(np.rint(placed * 2) / 2, axis=0)
            for row in placed.tolist():
                bend = min(3.0, row[3] / 3)
                painter.drawRoundedRect(QRectF(row[0] + x, row[1] + y, row[2], row[3]), bend, bend)
        painter.end()
        return image

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the kept picture and the frame."""
        if self._picture is None or self._picture.devicePixelRatioF() != self.devicePixelRatioF():
            self._picture = self._draw_picture()
        painter = QPainter(self)
        painter.drawImage(0, 0, self._picture)
        scale, x, y = self._fit()
        seen = self._window
        frame = QRectF(seen.x() * scale + x, seen.y() * scale + y, seen.width() * scale,
                       seen.height() * scale)
        frame = frame.intersected(QRectF(6, 6, self.width() - 12, self.height() - 12))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(QPen(theme()["accent"], 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if frame.width() < 4:
            frame.adjust(-2, 0, 2, 0)
        painter.drawRoundedRect(frame, 4, 4)

    def _go(self, event: QMouseEvent) -> None:
        scale, x, y = self._fit()
        if scale > 0:
            self._go_to((event.position().x() - x) / scale, (event.position().y() - y) / scale)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the point."""
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go along with the hand."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event)
