"""The last drawn picture: moved and scaled while the hand moves, drawn anew when it rests."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter

from app.canvases.canvas_view import CanvasView

QUICK_MS = 9.0
_MARGIN = 0.2


class KeptPicture:
    """An image of the scene as seen in some view, with what it cost to draw."""

    def __init__(self) -> None:
        self.cost_ms = 0.0
        self._image: QImage | None = None
        self._view = CanvasView()
        self._margin = (0.0, 0.0)
        self._stale = True

    def forget(self) -> None:
        """The scene or what is known of it changed."""
        self._stale = True

    def draw(self, painter: QPainter, view: CanvasView, size: tuple[float, float], ratio: float, moving: bool,
             paint: Callable[[QPainter, CanvasView, tuple[float, float]], None]) -> bool:
        """Put the scene on `painter`; True if it is crisp, False if an old picture stands in for it."""
        fits = (self._image is not None and not self._stale and view == self._view
                and self._image.devicePixelRatioF() == ratio)
        if not fits and (not moving or self._image is None or self.cost_ms < QUICK_MS):
            self._make(view, size, ratio, paint)
            fits = True
        image = self._image
        assert image is not None
        factor = view.scale / self._view.scale
        x = view.x - (self._view.x + self._margin[0]) * factor
        y = view.y - (self._view.y + self._margin[1]) * factor
        size_now = image.deviceIndependentSize() * factor
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(QRectF(x, y, size_now.width(), size_now.height()), image)
        return fits

    def _make(self, view: CanvasView, size: tuple[float, float], ratio: float,
              paint: Callable[[QPainter, CanvasView, tuple[float, float]], None]) -> None:
        share = _MARGIN if self.cost_ms >= QUICK_MS else 0.0
        margin = (float(round(size[0] * share)), float(round(size[1] * share)))
        whole = (size[0] + 2 * margin[0], size[1] + 2 * margin[1])
        pixels = QSize(max(1, round(whole[0] * ratio)), max(1, round(whole[1] * ratio)))
        image = self._image
        if image is None or image.size() != pixels or image.devicePixelRatioF() != ratio:
            image = QImage(pixels, QImage.Format.Format_ARGB32_Premultiplied)
            image.setDevicePixelRatio(ratio)
        image.fill(Qt.GlobalColor.transparent)
        began = perf_counter()
        painter = QPainter(image)
        paint(painter, CanvasView(view.scale, view.x + margin[0], view.y + margin[1]), whole)
        painter.end()
        self.cost_ms = (perf_counter() - began) * 1e3
        self._image, self._view, self._margin, self._stale = image, view.copy(), margin, False
