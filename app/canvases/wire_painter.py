"""Draws edges: values forward in thin grey, gradients back beside them in red, by size."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from app.canvases.marks import ARRIVED, NO_GRADIENT, Marks
from app.layout.scene import Scene
from app.look.theme import Theme

BESIDE_PX = 10.0
_HEAD_PX, _HEAD_HALF_PX = 8.5, 4.2
_GRADIENT_HEAD_PX, _GRADIENT_HEAD_HALF_PX = 10.5, 5.2


def gradient_width(norm: float, largest: float) -> float:
    """Width of a gradient's line: four powers of ten below the largest it is thinnest.

    Units: pixels."""
    if not norm > 0 or not largest > 0 or not math.isfinite(norm):
        return 1.6
    return 1.6 + 1.8 * min(1.0, max(0.0, 1 + math.log10(norm / largest) / 4))


def shortened(points: np.ndarray, start_px: float, end_px: float) -> np.ndarray:
    """A cubic chain with its ends drawn in along their tangents."""
    points = points.astype(np.float64, copy=True)
    for end, near, by in ((0, 1, start_px), (-1, -2, end_px)):
        if not by:
            continue
        direction = points[near] - points[end]
        length = float(np.hypot(*direction))
        if length > 1e-6:
            step = direction / length * min(by, length * 2)
            points[end] += step
            points[near] += step * (0.5 if length > by else 1.0)
    return points


def path_of(points: np.ndarray) -> QPainterPath:
    """A cubic chain as a path."""
    path = QPainterPath(QPointF(*points[0]))
    flat = points.tolist()
    for i in range(1, len(flat) - 2, 3):
        a, b, c = flat[i], flat[i + 1], flat[i + 2]
        path.cubicTo(a[0], a[1], b[0], b[1], c[0], c[1])
    return path


def line_of(points: np.ndarray) -> QPainterPath:
    """A polyline as a path."""
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(*point) for point in points.tolist()]))
    return path


def parallel(points: np.ndarray, apart: float, steps: int = 28) -> np.ndarray:
    """A polyline beside a cubic chain, to its right where `apart` is positive and y points down.

    Shapes: [3 k + 1, 2] -> [n, 2]"""
    points = points.astype(np.float64)
    pieces: list[np.ndarray] = []
    for at in range(0, len(points) - 1, 3):
        p = points[at : at + 4]
        straight = abs(np.linalg.det(np.stack((p[3] - p[0], p[1] - p[0])))) < 1e-3
        t = np.linspace(0, 1, 2 if straight else steps)[:, None]
        spots = (1 - t) ** 3 * p[0] + 3 * (1 - t) ** 2 * t * p[1] + 3 * (1 - t) * t**2 * p[2] + t**3 * p[3]
        slope = (1 - t) ** 2 * (p[1] - p[0]) + 2 * (1 - t) * t * (p[2] - p[1]) + t**2 * (p[3] - p[2])
        length = np.maximum(np.hypot(slope[:, :1], slope[:, 1:]), 1e-9)
        normal = np.concatenate((-slope[:, 1:], slope[:, :1]), axis=1) / length
        pieces.append((spots + normal * apart)[1 if pieces else 0 :])
    return np.concatenate(pieces)


def head_of(points: np.ndarray, back: bool, length: float, half: float, gap: float = 1.5) -> QPolygonF:
    """The triangle at a chain's end, or at its start when `back`."""
    tip, near = (points[0], points[1]) if back else (points[-1], points[-2])
    direction = tip - near
    size = float(np.hypot(*direction)) or 1.0
    ux, uy = direction / size
    x, y = tip[0] - ux * gap, tip[1] - uy * gap
    return QPolygonF([
        QPointF(x, y), QPointF(x - ux * length - uy * half, y - uy * length + ux * half),
        QPointF(x - ux * length + uy * half, y - uy * length - ux * half)])


class WirePainter:
    """Draws the wires of one scene; paths are kept."""

    def __init__(self, scene: Scene, look: Theme) -> None:
        self.scene = scene
        self.look = look
        self._forward: dict[int, tuple[QPainterPath, QPolygonF]] = {}
        self._back: dict[int, tuple[QPainterPath, QPolygonF]] = {}

    def beside(self, wire: int) -> np.ndarray:
        """The line of a wire's gradient: parallel to the value's, from source to target, as a polyline."""
        short = self.scene.item_host[self.scene.wire_source[wire]] >= 0
        apart = 8.0 if short else BESIDE_PX
        if self.scene.downwards != short:
            apart = -apart
        return parallel(self.scene.wire_points(wire), apart)

    def forward(self, wire: int) -> tuple[QPainterPath, QPolygonF]:
        """Line and head of a wire's value."""
        made = self._forward.get(wire)
        if made is None:
            points = self.scene.wire_points(wire).astype(np.float64)
            made = (path_of(shortened(points, 0.0, _HEAD_PX)),
                    head_of(points, False, _HEAD_PX, _HEAD_HALF_PX))
            self._forward[wire] = made
        return made

    def back(self, wire: int) -> tuple[QPainterPath, QPolygonF]:
        """Line and head of a wire's gradient, from target to source."""
        made = self._back.get(wire)
        if made is None:
            points = self.beside(wire)
            line = line_of(shortened(points, _GRADIENT_HEAD_PX, 3.0)[::-1])
            made = (line, head_of(points, True, _GRADIENT_HEAD_PX, _GRADIENT_HEAD_HALF_PX))
            self._back[wire] = made
        return made

    def draw_near(self, painter: QPainter, wires: np.ndarray, marks: Marks, stressed: set[int],
                  calm: bool) -> None:
        """Curves with heads; `painter` is in scene coordinates. stressed: the wires that are to stand out."""
        grey = QColor(self.look["faint"])
        heads: list[QPolygonF] = []
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(grey, 1.5))
        for wire in wires.tolist():
            line, head = self.forward(wire)
            if wire in stressed:
                painter.setPen(QPen(self.look["accent"], 2.2))
                painter.drawPath(line)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self.look["accent"])
                painter.drawPolygon(head)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(grey, 1.5))
                continue
            painter.drawPath(line)
            heads.append(head)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(grey)
        for head in heads:
            painter.drawPolygon(head)
        self._draw_gradients(painter, wires, marks, calm)

    def _draw_gradients(self, painter: QPainter, wires: np.ndarray, marks: Marks, calm: bool) -> None:
        largest = marks.largest
        red = QColor(self.look["grad"])
        if calm:
            red.setAlphaF(0.55)
        for wire in wires[marks.gradient[wires] != NO_GRADIENT].tolist():
            line, head = self.back(wire)
            arrived = marks.gradient[wire] == ARRIVED
            pen = QPen(red, gradient_width(marks.norm[wire], largest) if arrived else 2.2)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            if not arrived:
                pen.setDashPattern([5 / 2.2, 4 / 2.2])
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(line)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(red)
            painter.drawPolygon(head)

    def draw_far(self, painter: QPainter, wires: np.ndarray, marks: Marks, scale: float,
                 offset: tuple[float, float]) -> None:
        """Straight chords only, in window coordinates; those under two pixels are left out."""
        scene = self.scene
        if not len(wires):
            return
        box = scene.wire_box[wires]
        wires = wires[np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]) * scale >= 2.0]
        if not len(wires):
            return
        starts, stops = scene.point_at[:-1][wires], scene.point_at[1:][wires]
        counts = (stops - starts - 1) // 3
        first = np.repeat(starts - np.concatenate(([0], np.cumsum(counts)[:-1])) * 3, counts)
        index = first + 3 * np.arange(int(counts.sum()))
        a = scene.points[index] * scale + offset
        b = scene.points[index + 3] * scale + offset
        red = np.repeat(marks.gradient[wires] != NO_GRADIENT, counts)
        size = np.abs(b - a).max(axis=1)
        for chosen, token in ((~red, "faint"), (red, "grad")):
            pick = chosen & (size > 0.5)
            if pick.any():
                painter.setPen(QPen(self.look[token], 1.0 if token == "faint" else 1.4))
                lines = np.concatenate((a[pick], b[pick]), axis=1)
                if len(lines) > 30_000:
                    lines = np.unique(np.rint(lines), axis=0)
                painter.drawLines([QLineF(*row) for row in lines.tolist()])
