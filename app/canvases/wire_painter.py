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


def parallel(points: np.ndarray, apart: float, axis: int) -> np.ndarray:
    """A cubic chain beside another, below or to the right of it.

    axis: 0 where the flow is along x, 1 along y. A bend is also moved along the flow, so that the two lines
    keep their distance where they are steep.

    Shapes: [3 k + 1, 2] -> [3 k + 1, 2]"""
    points = points.astype(np.float64, copy=True)
    across = 1 - axis
    count = (len(points) - 1) // 3
    shift = np.zeros(count + 1)
    bends = np.zeros(count + 1)
    for piece in range(count):
        step = points[3 * piece + 3] - points[3 * piece]
        if abs(step[across]) > 1:
            ahead = 0.7 * apart * min(1.0, abs(step[across]) / (3 * apart))
            for end in (piece, piece + 1):
                shift[end] -= np.sign(step[across] * step[axis]) * ahead
                bends[end] += 1
    shift /= np.maximum(bends, 1)
    shift[0] = shift[-1] = 0.0
    points[:, across] += apart
    points[:, axis] += np.repeat(shift, 3)[1:-1]
    for piece in range(count):
        start, end = points[3 * piece], points[3 * piece + 3]
        reach = (end[axis] - start[axis]) / (2 if abs(end[across] - start[across]) > 0.01 else 3)
        points[3 * piece + 1, axis] = start[axis] + reach
        points[3 * piece + 2, axis] = end[axis] - reach
    return points


def sampled(points: np.ndarray, steps: int = 12) -> np.ndarray:
    """A cubic chain as a polyline.

    Shapes: [3 k + 1, 2] -> [n, 2]"""
    t = np.linspace(0, 1, steps)[:, None]
    pieces: list[np.ndarray] = []
    for at in range(0, len(points) - 1, 3):
        a, b, c, d = points[at : at + 4]
        spots = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
        pieces.append(spots[1 if pieces else 0 :])
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
        """The line of a wire's gradient: parallel to the value's, from source to target, a cubic chain."""
        short = self.scene.item_host[self.scene.wire_source[wire]] >= 0
        downwards = bool(self.scene.downwards != short)
        return parallel(self.scene.wire_points(wire), 8.0 if short else BESIDE_PX, int(downwards))

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
            line = path_of(shortened(points, _GRADIENT_HEAD_PX, 3.0)[::-1])
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
