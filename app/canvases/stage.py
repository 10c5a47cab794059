"""`Stage`: a widget that shows a scene: view, drawing with a kept picture, cards in its corners."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.canvases.canvas_view import CanvasView
from app.canvases.card import DetailCard, Legend, Minimap
from app.canvases.kept_picture import KeptPicture
from app.canvases.marks import Marks
from app.canvases.motion import Motion, between, travelled
from app.canvases.scene_painter import Emphasis, ScenePainter
from app.canvases.wire_painter import gradient_width
from app.layout.scene import Scene
from app.look import font
from app.look.theme import on_theme_changed, theme

_DOTS_PX = 24
_REST_MS = 90
_SPLIT_FROM = 3000
_READABLE = 0.55
"""Names can be read at this scale and above."""


class Stage(QWidget):
    """Shows `scene` as `view` says, with what `marks` knows of it and what `emphasis` makes stand out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("GraphCanvas")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, True)
        self.setMinimumSize(240, 180)
        font.load_fonts()
        self.scene = Scene()
        self.view = CanvasView()
        self.downwards = False
        self.emphasis = Emphasis()
        self.marks: Marks | None = None
        self._painter: ScenePainter | None = None
        self._picture = KeptPicture()
        self._dots: tuple[str, float, QPixmap] | None = None
        self._user_moved = False
        self._moving = False
        self._focus_by_key = False
        self._travelling: list[int] = []
        self._morph: Scene | None = None
        self.travel = Motion(self)
        self.opening = Motion(self)
        self.travel.moved.connect(self.update)
        self.opening.moved.connect(self._picture_changed)
        self.detail = DetailCard(self)
        self.legend = Legend(self)
        self.minimap = Minimap(self, self.centre_on)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._rested)
        self.destroyed.connect(on_theme_changed(self.restyle))
        self._place_cards()

    def standing_item(self) -> int:
        """The item to begin at where not all can be shown, -1 for none."""
        return -1

    def empty_text(self) -> str:
        """What stands in the middle while there is no scene."""
        return ""

    # -- view -----------------------------------------------------------------------------------------------

    def zoom_to_fit(self) -> None:
        """Show all of the graph."""
        self.view.fit(self.scene.size, (self.width(), self.height()))
        self._user_moved = False
        self._view_changed(settled=True)

    def zoom_by(self, factor: float) -> None:
        """Zoom about the middle of the window."""
        self._zoom(factor, self.width() / 2, self.height() / 2)

    def centre_on(self, x: float, y: float) -> None:
        """Put a point of the scene in the middle."""
        self.view.centre_on(x, y, (self.width(), self.height()))
        self._user_moved = True
        self._view_changed()

    def _first_view(self) -> None:
        """All of the scene, if it can be read then; else where the walk stands, else the beginning."""
        window = (self.width(), self.height())
        self.view.fit(self.scene.size, window)
        if self.view.scale >= _READABLE:
            return
        self.view.scale = _READABLE
        item = self.standing_item()
        if item >= 0:
            x, y, width, height = self.scene.item_rect[item].tolist()
            self.view.centre_on(x + width / 2, y + height / 2, window)
            return
        width, height = self.scene.size
        if self.downwards:
            self.view.centre_on(width / 2, 0, window)
            self.view.y = 76.0
        else:
            self.view.centre_on(0, self._entry_height(), window)
            self.view.x = 40.0

    def _entry_height(self) -> float:
        """How far down the flow begins."""
        rect = self.scene.item_rect
        first = int(np.argmin(rect[:, 0])) if len(rect) else -1
        return float(rect[first, 1] + rect[first, 3] / 2) if first >= 0 else 0.0

    def _keep_near(self) -> None:
        """Never leave the scene wholly out of the window."""
        width, height = (extent * self.view.scale for extent in self.scene.size)
        self.view.x = min(self.width() - 80.0, max(80.0 - width, self.view.x))
        self.view.y = min(self.height() - 80.0, max(80.0 - height, self.view.y))

    def _window(self) -> QRectF:
        x, y = self.view.to_scene(0, 0)
        return QRectF(x, y, self.width() / self.view.scale, self.height() / self.view.scale)

    def _zoom(self, factor: float, x: float, y: float) -> None:
        self.view.zoom_at(factor, x, y, self.view.least_for(self.scene.size, (self.width(), self.height())))
        self._user_moved = True
        self._view_changed()

    def _view_changed(self, settled: bool = False) -> None:
        self.minimap.set_window(self._window())
        self._show_map()
        self._moving = not settled
        self._rest.start()
        self.update()

    def _rested(self) -> None:
        self._moving = False
        self.update()

    def _picture_changed(self) -> None:
        self._picture.forget()
        self.update()

    # -- drawing --------------------------------------------------------------------------------------------

    def restyle(self) -> None:
        """Take the theme in force."""
        self.detail.restyle()
        self.minimap.restyle()
        self.legend.update()
        self._dots = None
        if self._painter is not None:
            self._painter = ScenePainter(self.scene, theme())
        self._picture_changed()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dots, the picture, and what moves over it."""
        painter = QPainter(self)
        look = theme()
        painter.fillRect(self.rect(), look["canvas"])
        self._draw_dots(painter)
        if self._painter is None or self.marks is None or not len(self.scene.item_ref):
            self._draw_empty(painter)
            return
        if self._painter.look is not look:
            self.restyle()
        big = len(self.scene.item_ref) > _SPLIT_FROM
        crisp = self._picture.draw(painter, self.view, (self.width(), self.height()),
                                   self.devicePixelRatioF(),
                                   self._moving or (big and self.opening.running), self._paint_scene)
        if not crisp and not self._rest.isActive():
            self._rest.start()
        if self.travel.running:
            self._draw_travel(painter)
        if self.hasFocus() and self._focus_by_key:
            painter.setPen(QPen(look["accent"], 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def _paint_scene(self, painter: QPainter, view: CanvasView, size: tuple[float, float]) -> None:
        assert self._painter is not None and self.marks is not None
        drawn = self._painter
        if self._morph is not None and self.opening.running:
            drawn = ScenePainter(between(self._morph, self.scene, self.opening.progress), theme())
            drawn.fade = self.opening.progress
        drawn.draw(painter, self.marks, size, view.scale, (view.x, view.y), self.emphasis)

    def _draw_dots(self, painter: QPainter) -> None:
        look, ratio = theme(), self.devicePixelRatioF()
        if self._dots is None or self._dots[:2] != (look.name, ratio):
            tile = QPixmap(round(_DOTS_PX * ratio), round(_DOTS_PX * ratio))
            tile.setDevicePixelRatio(ratio)
            tile.fill(look["canvas"])
            dot = QPainter(tile)
            dot.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            dot.setPen(Qt.PenStyle.NoPen)
            dot.setBrush(look["dot"])
            dot.drawEllipse(QPointF(1, 1), 1, 1)
            dot.end()
            self._dots = (look.name, ratio, tile)
        painter.drawTiledPixmap(QRectF(self.rect()), self._dots[2],
                                QPointF(-round(self.view.x) % _DOTS_PX, -round(self.view.y) % _DOTS_PX))

    def _draw_empty(self, painter: QPainter) -> None:
        painter.setFont(font.body(13))
        painter.setPen(theme()["muted"])
        room = QRectF(self.rect()).adjusted(48, 0, -48, 0)
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.empty_text())

    def _draw_travel(self, painter: QPainter) -> None:
        assert self._painter is not None and self.marks is not None
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.translate(self.view.x, self.view.y)
        painter.scale(self.view.scale, self.view.scale)
        red = QColor(theme()["grad"])
        largest = self.marks.largest
        for wire in self._travelling:
            line, head = travelled(self._painter.wires, wire, self.travel.progress)
            painter.setPen(QPen(red, gradient_width(self.marks.norm[wire], largest)))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(line)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(red)
            painter.drawPolygon(head)
        painter.restore()

    def _place_cards(self) -> None:
        something = bool(len(self.scene.item_ref))
        self.detail.adjustSize()
        self.detail.move(24, 24)
        self.legend.move(18, self.height() - 16 - 22)
        corner = self.minimap.size()
        self.minimap.move(self.width() - corner.width() - 20, self.height() - corner.height() - 20)
        self.detail.setVisible(something)
        self.legend.setVisible(something and self.height() > 220)
        self._show_map()

    def _show_map(self) -> None:
        """The map stands in its corner, but not on a node while all is in view anyway."""
        room = bool(len(self.scene.item_ref)) and self.width() > 480 and self.height() > 300
        self.minimap.setVisible(room and not self._map_hides_what_is_seen())

    def _map_hides_what_is_seen(self) -> bool:
        seen = self._window()
        if not seen.contains(QRectF(0, 0, *self.scene.size)):
            return False
        corner, scale, rects = self.minimap.geometry(), self.view.scale, self.scene.item_rect
        left, top = seen.x() + corner.left() / scale, seen.y() + corner.top() / scale
        right, bottom = left + corner.width() / scale, top + corner.height() / scale
        return bool(((rects[:, 0] < right) & (rects[:, 0] + rects[:, 2] > left)
                     & (rects[:, 1] < bottom) & (rects[:, 1] + rects[:, 3] > top)).any())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cards keep their corners; a picture that was fitted is fitted again."""
        self._place_cards()
        if not self._user_moved:
            self._first_view()
        self.minimap.set_window(self._window())
        self._show_map()
        self._picture_changed()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom where the mouse is."""
        turn = event.angleDelta().y() or event.angleDelta().x()
        self._zoom(1.0015 ** turn, event.position().x(), event.position().y())
        event.accept()
