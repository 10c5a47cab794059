"""Draws a scene: groups, wires, items and their words, with less detail the farther away one stands."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen

from app.canvases.badge import draw_badge, draw_dot
from app.canvases.marks import ARRIVED, DONE, HERE, NO_GRADIENT, Marks
from app.canvases.wire_painter import BESIDE_PX, WirePainter
from app.layout.fold import BOX, INPUT, LEAF, MENTION, OP
from app.layout.scene import Scene
from app.look import font
from app.look.colour_map import gain_colour
from app.look.number import figure
from app.look.theme import Theme

NEAR, MIDDLE = 0.42, 0.14
NODE_RADIUS, GROUP_RADIUS = 10.0, 14.0


@dataclass(slots=True)
class Emphasis:
    """What is to stand out: items that are selected or under the mouse, a path, and which overlay is on."""

    selected_item: int = -1
    selected_group: int = -1
    selected_wire: int = -1
    hovered: int = -1
    path_items: set[int] = field(default_factory=set)
    path_wires: set[int] = field(default_factory=set)
    overlay: str = ""
    lines: dict[int, str] = field(default_factory=dict)
    """What stands under an item's name instead of its usual line: a loss, the formula where one stands."""
    stops: set[int] = field(default_factory=set)
    """Items with a breakpoint."""
    findings: dict[int, str] = field(default_factory=dict)
    """Items with something found there: a kind of `app.session.finding`."""
    calm: bool = False
    """While a run goes on at full speed nothing is marked as done."""


class ScenePainter:
    """Draws one scene in one theme. scale: pixels per scene pixel; offset: where the scene's 0, 0 lies."""

    def __init__(self, scene: Scene, look: Theme) -> None:
        self.scene = scene
        self.look = look
        self.wires = WirePainter(scene, look)
        self.fade = 1.0
        """Below 1 a movement is under way: wires and words of what grows are not all there yet."""
        self.name = font.medium(13)
        self.heavy = font.strong(13)
        self.small = font.body(11)
        self.small_medium = font.medium(11)
        fonts = (self.name, self.heavy, self.small, self.small_medium)
        self._metrics = {id(f): QFontMetricsF(f) for f in fonts}
        rects = scene.item_rect
        self._item_ends = rects[:, :2] + rects[:, 2:]
        self._crowded, self._above = _crowded(scene)
        self._group_ends = scene.group_rect[:, :2] + scene.group_rect[:, 2:]

    # -- what is visible ------------------------------------------------------------------------------------

    def visible(self, window: QRectF) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Numbers of the items, groups and wires that touch `window` (scene coordinates)."""
        left, top, right, bottom = window.left(), window.top(), window.right(), window.bottom()
        items = _touching(self.scene.item_rect, self._item_ends, left, top, right, bottom)
        groups = _touching(self.scene.group_rect, self._group_ends, left, top, right, bottom)
        box = self.scene.wire_box
        wires = np.flatnonzero((box[:, 0] <= right) & (box[:, 2] >= left) & (box[:, 1] <= bottom + 14)
                               & (box[:, 3] >= top - 14))
        return items, groups, wires

    # -- drawing --------------------------------------------------------------------------------------------

    def draw(self, painter: QPainter, marks: Marks, size: tuple[float, float], scale: float,
             offset: tuple[float, float], emphasis: Emphasis | None = None) -> None:
        """Everything that shows in a window of this size."""
        emphasis = emphasis or Emphasis()
        margin = 24.0
        window = QRectF((-offset[0] - margin) / scale, (-offset[1] - margin) / scale,
                        (size[0] + 2 * margin) / scale, (size[1] + 2 * margin) / scale)
        items, groups, wires = self.visible(window)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing, True)
        if scale >= NEAR or len(items) + len(wires) < 120:
            self._near(painter, marks, items, groups, wires, scale, offset, emphasis)
        else:
            self._far(painter, marks, items, groups, wires, scale, offset, emphasis)
        painter.restore()

    def _near(self, painter: QPainter, marks: Marks, items: np.ndarray, groups: np.ndarray, wires: np.ndarray,
              scale: float, offset: tuple[float, float], emphasis: Emphasis) -> None:
        ratio = painter.device().devicePixelRatioF()
        snap = scale == 1.0
        painter.translate(round(offset[0] * ratio) / ratio if snap else offset[0],
                          round(offset[1] * ratio) / ratio if snap else offset[1])
        painter.scale(scale, scale)
        for group in groups.tolist():
            self._group(painter, group, emphasis, scale)
        painter.setOpacity(1.0 if self.fade == 1.0 else max(0.0, self.fade - 0.7) * 3)
        stressed = emphasis.path_wires | {emphasis.selected_wire}
        self.wires.draw_near(painter, wires, marks, stressed, emphasis.calm)
        painter.setOpacity(1.0)
        if self.scene.downwards:
            for group in groups.tolist():
                self._group_words(painter, group, _pixel_rect(self.scene.group_rect[group]), scale)
        order = items[np.argsort(marks.state[items] == HERE, kind="stable")]
        for item in order.tolist():
            self._item(painter, item, marks, emphasis)
        if 11 * scale >= 5.5 and self.fade == 1.0:
            self._labels(painter, wires, marks)

    def _group(self, painter: QPainter, group: int, emphasis: Emphasis, scale: float) -> None:
        rect = _pixel_rect(self.scene.group_rect[group])
        selected = group == emphasis.selected_group
        painter.setPen(QPen(self.look["accent" if selected else "group_line"], 2.0 if selected else 1.0))
        painter.setBrush(self._group_fill(int(self.scene.group_depth[group])))
        painter.drawRoundedRect(rect, GROUP_RADIUS, GROUP_RADIUS)
        if not self.scene.downwards:
            self._group_words(painter, group, rect, scale)

    def _group_words(self, painter: QPainter, group: int, rect: QRectF, scale: float) -> None:
        """Name and sizes of an open module; where edges pass downwards the words get a ground."""
        if 13 * scale < 5.5:
            return
        title, detail = self.scene.group_titles[group], self.scene.group_details[group]
        fill = self._group_fill(int(self.scene.group_depth[group]))
        painter.setFont(self.name)
        painter.setPen(self.look["muted"])
        if self.scene.downwards:
            width = self._metrics[id(self.name)].horizontalAdvance(title)
            painter.fillRect(QRectF(rect.left() + 12, rect.top() + 11, width + 8, 18), fill)
        painter.drawText(QPointF(rect.left() + 16, rect.top() + 24), title)
        if detail:
            width = self._metrics[id(self.small)].horizontalAdvance(detail)
            if self.scene.downwards:
                painter.fillRect(QRectF(rect.right() - 18 - width, rect.top() + 12, width + 8, 16), fill)
            painter.setFont(self.small)
            painter.setPen(self.look["quiet"])
            painter.drawText(QPointF(rect.right() - 14 - width, rect.top() + 24), detail)

    def _group_fill(self, depth: int) -> QColor:
        colour = QColor(self.look["group"])
        if depth % 2:
            other = self.look["canvas"]
            colour.setRedF((colour.redF() + other.redF()) / 2)
            colour.setGreenF((colour.greenF() + other.greenF()) / 2)
            colour.setBlueF((colour.blueF() + other.blueF()) / 2)
        return colour

    def _colours(self, item: int, marks: Marks, emphasis: Emphasis) -> tuple[QColor, QColor, QColor, float]:
        """Fill, line, name and the line's width."""
        kind, state = int(self.scene.item_kind[item]), int(marks.state[item])
        look = self.look
        if emphasis.overlay == "gain" and kind in (OP, LEAF, BOX):
            fill, line, words, width = self._gain_colours(float(marks.gain[item]))
            return (fill, look["accent"], words, 2.5) if state == HERE else (fill, line, words, width)
        if state == HERE:
            return look["accent_soft"], look["accent"], look["accent"], 2.5
        if kind == LEAF:
            return look["leaf_soft"], look["leaf"], look["leaf_text"], 1.0
        if kind in (INPUT, MENTION):
            return look["panel"], look["op_line"], look["muted"], 1.0
        if state == DONE and not emphasis.calm:
            return look["grad_soft"], look["grad"], look["text"], 1.0
        return look["op"], look["op_line"], look["text"], 1.0

    def _gain_colours(self, gain: float) -> tuple[QColor, QColor, QColor, float]:
        if math.isnan(gain):
            return self.look["op"], self.look["op_line"], self.look["muted"], 1.0
        fill = gain_colour(gain, self.look)
        bright = 0.299 * fill.redF() + 0.587 * fill.greenF() + 0.114 * fill.blueF()
        return fill, self.look["op_line"], QColor("#1c2128" if bright > 0.55 else "#ffffff"), 1.0

    def _item(self, painter: QPainter, item: int, marks: Marks, emphasis: Emphasis) -> None:
        kind, state = int(self.scene.item_kind[item]), int(marks.state[item])
        rect = _pixel_rect(self.scene.item_rect[item])
        fill, line, words, width = self._colours(item, marks, emphasis)
        radius = {OP: NODE_RADIUS, BOX: GROUP_RADIUS}.get(kind, rect.height() / 2)
        if state == HERE:
            self._glow(painter, rect, radius)
        if item == emphasis.selected_item:
            painter.setPen(QPen(self.look["accent"], 1.6))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(-4, -4, 4, 4), radius + 4, radius + 4)
        elif item == emphasis.hovered or item in emphasis.path_items:
            line, width = self.look["accent"], max(width, 1.5)
        painter.setPen(QPen(line, width))
        painter.setBrush(fill)
        painter.drawRoundedRect(rect, radius, radius)
        if kind == BOX:
            self._stack(painter, rect, line, width)
        self._words(painter, item, rect, words, state, emphasis.lines.get(item, ""))
        if item in emphasis.findings:
            draw_badge(painter, rect, emphasis.findings[item], self.look)
        if item in emphasis.stops:
            painter.setPen(QPen(self.look["canvas"], 1.5))
            painter.setBrush(self.look["grad"])
            painter.drawEllipse(QPointF(rect.left() + 2, rect.top() + 2), 6.5, 6.5)
        if state == DONE and not emphasis.calm and kind in (OP, BOX, LEAF) and emphasis.overlay != "gain":
            self._check(painter, rect, 8.0 if kind in (OP, BOX) else 6.0)

    def _words(self, painter: QPainter, item: int, rect: QRectF, colour: QColor, state: int,
               instead: str) -> None:
        title, line = self.scene.titles[item], self.scene.lines[item]
        if instead and self._metrics[id(self.small)].horizontalAdvance(instead) <= rect.width() - 16:
            line = instead
        chosen = self.heavy if state == HERE else self.name
        middle = rect.center()
        if self.fade < 1.0 and self._metrics[id(chosen)].horizontalAdvance(title) > rect.width() - 8:
            return
        painter.setFont(chosen)
        painter.setPen(colour)
        width = self._metrics[id(chosen)].horizontalAdvance(title)
        base = middle.y() + (4.7 if not line else -5.0)
        painter.drawText(QPointF(middle.x() - width / 2, base), title)
        if line:
            painter.setFont(self.small)
            quiet = self.look["muted"] if colour in (self.look["text"], self.look["accent"]) else colour
            painter.setPen(quiet)
            width = self._metrics[id(self.small)].horizontalAdvance(line)
            painter.drawText(QPointF(middle.x() - width / 2, middle.y() + 15), line)

    def _stack(self, painter: QPainter, rect: QRectF, line: QColor, width: float) -> None:
        """A second edge below a closed box: there is more inside."""
        path = QPainterPath(QPointF(rect.left() + 12, rect.bottom() + 4))
        path.lineTo(rect.right() - 12, rect.bottom() + 4)
        pen = QPen(line, width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)

    def _glow(self, painter: QPainter, rect: QRectF, radius: float) -> None:
        colour = QColor(self.look["accent"])
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for step in range(14, 0, -1):
            colour.setAlphaF(0.30 * math.exp(-((step / 7.0) ** 2)) * 0.5)
            painter.setPen(QPen(colour, 2.0))
            painter.drawRoundedRect(rect.adjusted(-step, -step, step, step), radius + step, radius + step)

    def _check(self, painter: QPainter, rect: QRectF, size: float) -> None:
        x, y, unit = rect.right() - (2 if size > 7 else 4), rect.top() + 2, size / 8.0
        painter.setPen(QPen(self.look["canvas"], 1.5))
        painter.setBrush(self.look["ok"])
        painter.drawEllipse(QPointF(x, y), size + 0.5, size + 0.5)
        path = QPainterPath(QPointF(x - 3.5 * unit, y))
        path.lineTo(x - 1.0 * unit, y + 2.5 * unit)
        path.lineTo(x + 3.5 * unit, y - 2.5 * unit)
        pen = QPen(QColor("#ffffff"), 1.6 * unit)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)

    def _labels(self, painter: QPainter, wires: np.ndarray, marks: Marks) -> None:
        scene = self.scene
        metrics, bold = self._metrics[id(self.small)], self._metrics[id(self.small_medium)]
        for wire in wires.tolist():
            text = scene.wire_labels[wire]
            x, y = scene.wire_label_at[wire].tolist()
            above = int(self._above[wire])
            covered = above >= 0 and marks.gradient[above] != NO_GRADIENT and not scene.downwards
            if text and not covered:
                painter.setFont(self.small)
                painter.setPen(self.look["muted"])
                if scene.downwards:
                    painter.drawText(QPointF(x - 7 - metrics.horizontalAdvance(text), y + 4), text)
                else:
                    painter.drawText(QPointF(x - metrics.horizontalAdvance(text) / 2, y - 7), text)
            if marks.gradient[wire] == ARRIVED and (x or y):
                value = figure(float(marks.norm[wire]), 2)
                width = bold.horizontalAdvance(value)
                painter.setFont(self.small_medium)
                if self._crowded[wire] and not scene.downwards:
                    x -= max(30.0, metrics.horizontalAdvance(text)) / 2 + width / 2 + 6
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.setBrush(self._ground_at(x, y))
                    painter.drawRect(QRectF(x - width / 2 - 2, y + BESIDE_PX - 6, width + 4, 12))
                painter.setPen(self.look["grad_text"])
                if scene.downwards:
                    painter.drawText(QPointF(x + 17, y + 4), value)
                else:
                    down = 4 + BESIDE_PX if self._crowded[wire] else 24
                    painter.drawText(QPointF(x - width / 2, y + down), value)

    def _ground_at(self, x: float, y: float) -> QColor:
        """The colour of the innermost group at a point, or the canvas."""
        rects = self.scene.group_rect
        hit = np.flatnonzero((rects[:, 0] <= x) & (x <= self._group_ends[:, 0]) & (rects[:, 1] <= y)
                             & (y <= self._group_ends[:, 1]))
        if not len(hit):
            return self.look["canvas"]
        return self._group_fill(int(self.scene.group_depth[hit].max()))

    # -- from farther away ----------------------------------------------------------------------------------

    def _far(self, painter: QPainter, marks: Marks, items: np.ndarray, groups: np.ndarray, wires: np.ndarray,
             scale: float, offset: tuple[float, float], emphasis: Emphasis) -> None:
        scene = self.scene
        middle = scale >= MIDDLE
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, middle)
        rects = _in_window(scene.group_rect[groups], scale, offset)
        depths = scene.group_depth[groups]
        shown = np.flatnonzero((rects[:, 2] >= 1.5) & (rects[:, 3] >= 1.0)) if len(groups) else groups
        for depth in np.unique(depths[shown]).tolist():
            painter.setBrush(self._group_fill(depth))
            pick = shown[depths[shown] == depth]
            pick_rects = rects[pick]
            painter.setPen(QPen(self.look["group_line"], 1.0) if len(pick) < 3000 else Qt.PenStyle.NoPen)
            radius = GROUP_RADIUS * scale
            if radius >= 2 and len(pick) < 500:
                for row in pick_rects.tolist():
                    painter.drawRoundedRect(QRectF(*row), radius, radius)
            else:
                painter.drawRects(_distinct(pick_rects))
        self.wires.draw_far(painter, wires, marks, scale, offset)
        self._far_items(painter, marks, items, scale, offset, emphasis)
        self._far_titles(painter, groups, rects)

    def _far_items(self, painter: QPainter, marks: Marks, items: np.ndarray, scale: float,
                   offset: tuple[float, float], emphasis: Emphasis) -> None:
        scene = self.scene
        if not len(items):
            return
        rects = _in_window(scene.item_rect[items], scale, offset)
        classes = self._classes(items, marks, emphasis)
        for code in np.unique(classes).tolist():
            pick = classes == code
            fill, line, _, width = self._colours(int(items[np.argmax(pick)]), marks, emphasis)
            chosen = rects[pick]
            small = chosen[:, 3] < 5
            painter.setPen(Qt.PenStyle.NoPen)
            if small.any():
                painter.setBrush(line)
                painter.drawRects(_distinct(chosen[small]))
            if not small.all():
                painter.setBrush(fill)
                painter.setPen(QPen(line, min(width, 1.5)))
                radius = NODE_RADIUS * scale
                if radius >= 1.5 and len(chosen) < 1500:
                    pill = scene.item_kind[items[np.argmax(pick)]] in (LEAF, INPUT, MENTION)
                    for row in chosen[~small].tolist():
                        bend = row[3] / 2 if pill else radius
                        painter.drawRoundedRect(QRectF(*row), bend, bend)
                else:
                    painter.drawRects(_distinct(chosen[~small]))
        for item, token in ((emphasis.selected_item, "accent"), (emphasis.hovered, "accent")):
            if item >= 0:
                x, y, w, h = _in_window(scene.item_rect[item : item + 1], scale, offset)[0].tolist()
                painter.setPen(QPen(self.look[token], 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(QRectF(x - 2, y - 2, w + 4, h + 4))
        for item in set(emphasis.findings) & set(items.tolist()):
            x, y, w, h = _in_window(scene.item_rect[item : item + 1], scale, offset)[0].tolist()
            draw_dot(painter, QRectF(x, y, w, h), emphasis.findings[item], self.look)
        for item in items[marks.state[items] == HERE].tolist():
            x, y, w, h = _in_window(scene.item_rect[item : item + 1], scale, offset)[0].tolist()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            painter.setPen(QPen(self.look.with_alpha("accent", 0.35), 4))
            painter.setBrush(self.look["accent"])
            size = max(7.0, h)
            wide = max(size, w)
            painter.drawRoundedRect(QRectF(x + (w - wide) / 2, y + (h - size) / 2, wide, size), 3, 3)

    def _classes(self, items: np.ndarray, marks: Marks, emphasis: Emphasis) -> np.ndarray:
        """Items that look the same have the same number."""
        kinds = self.scene.item_kind[items].astype(np.int32)
        if emphasis.overlay == "gain":
            gain = np.nan_to_num(np.clip(marks.gain[items], -2, 2), nan=9.0)
            return kinds + 16 * np.rint(gain * 6 + 20).astype(np.int32)
        return kinds + 16 * marks.state[items].astype(np.int32)

    def _far_titles(self, painter: QPainter, groups: np.ndarray, rects: np.ndarray) -> None:
        """Names of groups in their own size, where the group is wide enough for its name and a row free."""
        painter.setFont(self.small_medium)
        painter.setPen(self.look["muted"])
        metrics = self._metrics[id(self.small_medium)]
        taken: list[QRectF] = []
        for place, group in enumerate(groups.tolist()):
            x, y, w, h = rects[place].tolist()
            if w < 36 or h < 14:
                continue
            title = self.scene.group_titles[group]
            width = metrics.horizontalAdvance(title)
            if width + 12 > w:
                continue
            box = QRectF(max(x, 0.0) + 6, y + 3, width, 14)
            if box.right() > x + w - 4 or any(box.intersects(other) for other in taken):
                continue
            taken.append(box)
            painter.drawText(QPointF(box.left(), box.top() + 11), title)
            if len(taken) > 80:
                return


def _crowded(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Wires with another so near below at the same item that a number has no room between them.

    And for each wire the one that is so near above it, -1 for none."""
    crowded = np.zeros(len(scene.wire_source), bool)
    above = np.full(len(scene.wire_source), -1, np.int32)
    drawn = np.flatnonzero(np.diff(scene.point_at) > 0)
    if len(drawn):
        height = scene.points[scene.point_at[1:][drawn] - 1, 1]
        target = scene.wire_target[drawn]
        flows = scene.item_host[scene.wire_source[drawn]] < 0
        order = np.lexsort((height, target, ~flows))
        both = flows[order][1:] & flows[order][:-1]
        near = both & (np.diff(target[order]) == 0) & (np.diff(height[order]) < 34)
        crowded[drawn[order[:-1][near]]] = True
        above[drawn[order[1:][near]]] = drawn[order[:-1][near]]
    return crowded, above


def _touching(rects: np.ndarray, ends: np.ndarray, left: float, top: float, right: float,
              bottom: float) -> np.ndarray:
    return np.flatnonzero((rects[:, 0] <= right) & (ends[:, 0] >= left) & (rects[:, 1] <= bottom)
                          & (ends[:, 1] >= top))


def _pixel_rect(row: np.ndarray) -> QRectF:
    x, y, w, h = row.tolist()
    return QRectF(math.floor(x) + 0.5, math.floor(y) + 0.5, round(w), round(h))


def _in_window(rects: np.ndarray, scale: float, offset: tuple[float, float]) -> np.ndarray:
    out = rects.astype(np.float64) * scale
    out[:, 0] += offset[0]
    out[:, 1] += offset[1]
    return out


def _distinct(rects: np.ndarray) -> list[QRectF]:
    """Rectangles for one batch; many small ones are laid on whole pixels and drawn once each."""
    if len(rects) > 2000:
        cells = np.empty_like(rects)
        cells[:, :2] = np.floor(rects[:, :2])
        cells[:, 2:] = np.maximum(1.0, np.rint(rects[:, 2:]))
        rects = np.unique(cells, axis=0)
    else:
        rects = rects.copy()
        rects[:, 2:] = np.maximum(rects[:, 2:], 1.0)
    return [QRectF(*row) for row in rects.tolist()]
