"""The two movements of the canvas: a gradient travels along its edge, a module opens or closes."""

from __future__ import annotations

from copy import copy

import numpy as np
from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from app.canvases.wire_painter import WirePainter, head_of, line_of, sampled
from app.layout.fold import BOX
from app.layout.scene import Scene

DURATION_MS = 200
MOST_ITEMS = 600


class Motion(QObject):
    """A clock from 0 to 1 over 200 ms; `moved` at each frame, `ended` once."""

    moved = Signal()
    ended = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.enabled = True
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setInterval(16)
        self._timer.timeout.connect(self._tick)

    @property
    def running(self) -> bool:
        """Whether something moves now."""
        return self._timer.isActive()

    @property
    def progress(self) -> float:
        """From 0 to 1, slow at both ends."""
        t = min(1.0, self._clock.elapsed() / DURATION_MS) if self._clock.isValid() else 1.0
        return t * t * (3 - 2 * t)

    def start(self) -> bool:
        """Begin anew; False where motion is switched off."""
        if not self.enabled:
            return False
        self._clock.start()
        self._timer.start()
        self.moved.emit()
        return True

    def stop(self) -> None:
        """Be at the end at once."""
        if self._timer.isActive():
            self._timer.stop()
            self.ended.emit()

    def _tick(self) -> None:
        if self._clock.elapsed() >= DURATION_MS:
            self.stop()
        else:
            self.moved.emit()


def travelled(wires: WirePainter, wire: int, progress: float):
    """The part of a gradient's line that is passed at `progress`, and its head: a path and a polygon."""
    points = sampled(wires.beside(wire)[::-1])
    steps = np.hypot(*np.diff(points, axis=0).T)
    at = np.concatenate(([0.0], np.cumsum(steps)))
    goal = at[-1] * progress
    last = max(1, int(np.searchsorted(at, goal)))
    share = (goal - at[last - 1]) / max(1e-9, steps[min(last - 1, len(steps) - 1)])
    tip = points[last - 1] + (points[min(last, len(points) - 1)] - points[last - 1]) * min(1.0, share)
    passed = np.concatenate((points[:last], tip[None]))
    return line_of(passed), head_of(passed, False, 10.5, 5.2, 0.0)


def between(old: Scene, new: Scene, progress: float) -> Scene:
    """The new scene with everything on its way from where it was in the old one.

    What was not there comes out of the box, or goes into the group, that stood for it."""
    scene = copy(new)
    old_items = {(int(k), int(r), int(h) >= 0): i for i, (k, r, h) in enumerate(
        zip(old.item_kind, old.item_ref, old.item_host, strict=True))}
    old_boxes = {int(old.item_ref[i]): old.item_rect[i] for i in np.flatnonzero(old.item_kind == BOX)}
    old_boxes.update({int(r): old.group_rect[i] for i, r in enumerate(old.group_ref)})
    new_groups = {int(r): new.group_rect[i] for i, r in enumerate(new.group_ref)}
    starts = new.item_rect.copy()
    for i, (kind, ref, host) in enumerate(zip(new.item_kind, new.item_ref, new.item_host, strict=True)):
        before = old_items.get((int(kind), int(ref), int(host) >= 0))
        group = int(new.item_group[i])
        if before is not None:
            starts[i] = old.item_rect[before]
        elif kind == BOX and int(ref) in old_boxes:
            starts[i] = old_boxes[int(ref)]
        elif group in old_boxes and group in new_groups:
            starts[i] = _inside(new.item_rect[i], new_groups[group], old_boxes[group])
    scene.item_rect = starts + (new.item_rect - starts) * np.float32(progress)
    begin = new.group_rect.copy()
    for i, ref in enumerate(new.group_ref.tolist()):
        if ref in old_boxes:
            begin[i] = old_boxes[ref]
    scene.group_rect = begin + (new.group_rect - begin) * np.float32(progress)
    return scene


def _inside(rect: np.ndarray, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    size = old[2:] / np.maximum(new[2:], 1)
    return np.concatenate((old[:2] + (rect[:2] - new[:2]) * size, rect[2:] * size)).astype(np.float32)
