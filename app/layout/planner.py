"""Scenes made off the caller's thread: small graphs in a thread, large ones and dot in a child process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from app.layout.child import Child, ask
from app.layout.compose import compose
from app.layout.layered import layered
from app.layout.level import Level, PlacedLevel
from app.layout.outline import Outline
from app.layout.scene import Scene

CHILD_FROM_NODES = 1500
_KEPT = 24
_LARGE_LIMIT_S = 120.0
_DOT_LIMIT_S = 4.0
_DOT_VISIBLE = 400


@dataclass(frozen=True, slots=True)
class Wish:
    """Which scene is wanted; the same wish gives the same scene."""

    hash: str
    opened: frozenset[int]
    downwards: bool


class Planner:
    """Lays out the newest wish and calls `deliver(wish, scene)` from its own thread.

    A second scene for the same wish may follow, where dot found fewer crossings. Scenes are kept, so that
    going back to a graph shows it where it was."""

    def __init__(self, deliver: Callable[[Wish, Scene], object], use_dot: bool = True) -> None:
        self._deliver = deliver
        self._use_dot = use_dot
        self._wanted: tuple[Wish, Outline] | None = None
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._child: Child | None = None
        self._closed = False
        self._kept: OrderedDict[Wish, Scene] = OrderedDict()

    def known(self, wish: Wish) -> Scene | None:
        """The scene of this wish if it was made before."""
        scene = self._kept.get(wish)
        if scene is not None:
            self._kept.move_to_end(wish)
        return scene

    def want(self, wish: Wish, outline: Outline) -> None:
        """Ask for a scene; an older wish that is not yet done is dropped."""
        with self._news:
            if self._closed:
                return
            self._wanted = wish, outline
            if self._child is not None:
                self._child.kill()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="layout", daemon=True)
                self._thread.start()
            self._news.notify()

    def close(self) -> None:
        """End the thread and the child process."""
        with self._news:
            self._closed = True
            if self._child is not None:
                self._child.kill()
            self._news.notify()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None

    def _work(self) -> None:
        while True:
            with self._news:
                while self._wanted is None and not self._closed:
                    self._news.wait()
                if self._closed:
                    return
                assert self._wanted is not None
                wish, outline = self._wanted
                self._wanted = None
            self._plan(wish, outline)

    def _plan(self, wish: Wish, outline: Outline) -> None:
        if len(outline.kinds) > CHILD_FROM_NODES:
            scene = self._in_child(wish, outline, dot=False, limit_s=_LARGE_LIMIT_S)
            if scene is None and not self._stale():
                scene = compose(outline, wish.opened, wish.downwards)
            if scene is not None:
                self._hand_over(wish, scene)
            return
        crossings = 0

        def counted(level: Level) -> PlacedLevel:
            nonlocal crossings
            placed = layered(level)
            crossings += max(0, placed.crossings)
            return placed

        scene = compose(outline, wish.opened, wish.downwards, counted)
        self._hand_over(wish, scene)
        if crossings and self._use_dot and len(scene.item_ref) <= _DOT_VISIBLE and not self._stale():
            better = self._in_child(wish, outline, dot=True, limit_s=_DOT_LIMIT_S)
            if better is not None and not _same(better, scene):
                self._hand_over(wish, better)

    def _stale(self) -> bool:
        return self._closed or self._wanted is not None

    def _in_child(self, wish: Wish, outline: Outline, dot: bool, limit_s: float) -> Scene | None:
        child = Child()
        with self._news:
            if self._stale():
                return None
            self._child = child
        try:
            answer = child.run(ask(outline.as_dict(), wish.opened, wish.downwards, dot), limit_s)
        finally:
            self._child = None
        if not answer:
            return None
        try:
            return Scene.from_bytes(answer)
        except (ValueError, KeyError, TypeError):
            return None

    def _hand_over(self, wish: Wish, scene: Scene) -> None:
        if self._closed:
            return
        self._kept[wish] = scene
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        self._deliver(wish, scene)


def _same(one: Scene, other: Scene) -> bool:
    a, b = one.item_rect, other.item_rect
    return a.shape == b.shape and bool((abs(a - b) < 1).all())
