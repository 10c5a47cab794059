"""`SessionStage`: a stage that shows the session's graph, its states, its selection and its modules."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from PySide6.QtCore import QRectF, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.canvases.badge import graver
from app.canvases.marks import ARRIVED, HERE, ON_ITS_WAY, Marks
from app.canvases.motion import MOST_ITEMS
from app.canvases.plain_formula import plain_formula
from app.canvases.scene_index import SceneIndex
from app.canvases.scene_painter import ScenePainter
from app.canvases.stage import Stage
from app.layout.fold import BOX, fold
from app.layout.outline import Outline, deepest_detail, depth_of_modules, modules_open_at, outline_of
from app.layout.planner import Planner, Wish
from app.layout.scene import Scene
from app.look.number import figure
from app.look.sentence import sentence
from app.look.theme import theme
from app.session.op_formula import forward_formula
from app.session.session import Session

_CALM_ITEMS = 40
"""As many items are shown at first, if modules can be left closed."""
_WATCHED = 400


class SessionStage(Stage):
    """Draws the session's graph with what is known of it, and opens and closes its modules."""

    _scene_made = Signal(object, object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setAccessibleName("Graph")
        self.index: SceneIndex | None = None
        self._outline: Outline | None = None
        self._opened: dict[str, frozenset[int]] = {}
        self._wish: Wish | None = None
        self._anchor: tuple[int, float, float] | None = None
        self._reveal = -1
        self._fit_next = True
        self._hz = 15.0
        self._reading_ms = 0.0
        self._refreshed_s = 0.0
        self.travel.ended.connect(self._travel_ended)
        self.opening.ended.connect(self._opening_ended)
        self.detail.detail_changed.connect(self.set_detail)
        self.detail.direction_changed.connect(self.set_downwards)
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.timeout.connect(self._refresh_now)
        self._planner = Planner(self._scene_made.emit)
        self._scene_made.connect(self._take_scene)
        session.graph_changed.connect(self._graph_changed)
        session.selection_changed.connect(self._selection_changed)
        session.cursor_changed.connect(self._cursor_changed)
        session.replaced.connect(self._replaced)
        self.destroyed.connect(self._planner.close)
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self._planner.close)
        self._graph_changed()

    # -- for the window and for tests -----------------------------------------------------------------------

    def set_motion(self, yes: bool) -> None:
        """Let gradients travel and modules open in 200 ms, or be there at once."""
        for motion in (self.travel, self.opening):
            motion.enabled = yes
            if not yes:
                motion.stop()

    def set_sampling(self, hz: float) -> None:
        """How often values of what is on the screen are sampled while the script runs."""
        self._hz = hz
        self._watch_visible()

    def set_overlay(self, overlay: str) -> None:
        """'gain' colours nodes by ‖gradients out‖ / ‖gradient in‖; '' shows states."""
        self.emphasis.overlay = overlay
        self.legend.overlay = overlay
        self.legend.update()
        if self.marks is not None and overlay == "gain":
            self.marks.refresh_gain()
        self._picture_changed()

    def zoom_to_selection(self) -> None:
        """Show what is selected, else where the walk stands, in its own size; else all of the graph."""
        rect = self._selected_rect()
        standing = self.standing_item()
        if rect is None and standing >= 0:
            rect = tuple(self.scene.item_rect[standing].tolist())
        if rect is None:
            self.zoom_to_fit()
            return
        x, y, width, height = rect
        room = (self.width() - 120) / max(1.0, width), (self.height() - 160) / max(1.0, height)
        self.view.scale = min(1.0, *room)
        self.view.centre_on(x + width / 2, y + height / 2, (self.width(), self.height()))
        self._user_moved = True
        self._view_changed(settled=True)

    def set_detail(self, detail: int) -> None:
        """Open this many levels of modules."""
        if self._outline is not None:
            self._fit_next = True
            self._open(modules_open_at(self._outline, detail))

    def set_downwards(self, downwards: bool) -> None:
        """Let data flow from top to bottom, or from left to right."""
        if downwards != self.downwards:
            self.downwards = downwards
            self._fit_next = True
            self._want()

    def toggle_module(self, module: int) -> None:
        """Open a closed module, close an open one; it stays where it is on the screen."""
        if self._outline is None or not 0 <= module < len(self._outline.parents):
            return
        rect = self._module_rect(module)
        if rect is not None:
            self._anchor = (module, *self.view.to_window(rect[0], rect[1]))
        opened = self.opened
        if module in opened and self.index is not None and module in self.index.group_of_module:
            inner = {m for m in opened if m == module or self._is_inside(m, module)}
            self._open(opened - inner)
        else:
            self._open(opened | {module})

    def reveal_node(self, node: int) -> None:
        """Open what hides a node and bring it to the middle."""
        if self._outline is None or not 0 <= node < len(self._outline.kinds):
            return
        around, module = set(), self._outline.node_modules[node]
        while module >= 0 and module not in around:
            around.add(module)
            module = self._outline.parents[module]
        if around - self.opened:
            self._reveal = node
            self._open(self.opened | around)
        else:
            self._bring_into_view(node, always=True)

    @property
    def opened(self) -> frozenset[int]:
        """The modules that are open in the graph that is shown."""
        return self._opened.get(self._outline.hash, frozenset()) if self._outline is not None else frozenset()

    def visible_nodes(self) -> list[int]:
        """Nodes with an item of their own in the window."""
        if self._painter is None:
            return []
        items, _, _ = self._painter.visible(self._window())
        items = items[self.scene.item_kind[items] != BOX]
        return list(dict.fromkeys(self.scene.item_ref[items].tolist()))

    # -- what the session tells -----------------------------------------------------------------------------

    def _replaced(self) -> None:
        self._fit_next = True
        self._user_moved = False
        self._graph_changed()

    def _graph_changed(self) -> None:
        graph = self.session.graph
        if not graph.nodes:
            self._outline = None
            self._wish = None
            self._take(Scene())
            return
        known = self._outline
        if known is None or graph.hash != known.hash or len(graph.nodes) != len(known.kinds):
            self._outline = outline_of(graph)
            if graph.hash not in self._opened:
                self._opened[graph.hash] = self._first_opened(self._outline)
                self._fit_next = self._fit_next or not self._user_moved
            self._want()
        elif self.scene.hash == graph.hash and len(self.scene.item_ref):
            self._take(self.scene, same=True)

    def _first_opened(self, outline: Outline) -> frozenset[int]:
        """Everything if it is little; else as many levels as leave a calm picture."""
        opened = frozenset[int]()
        if len(outline.kinds) > 20_000:
            return opened
        for detail in range(deepest_detail(outline) + 1):
            wider = modules_open_at(outline, detail)
            if len(fold(outline, wider).items) > _CALM_ITEMS and detail > 0:
                break
            opened = wider
        return opened

    def _open(self, opened: frozenset[int]) -> None:
        if self._outline is not None:
            self._opened[self._outline.hash] = opened
            self._want()

    def _want(self) -> None:
        if self._outline is None:
            return
        wish = Wish(self._outline.hash, self.opened, self.downwards)
        self._wish = wish
        known = self._planner.known(wish)
        if known is not None:
            self._take(known)
        else:
            self._planner.want(wish, self._outline)
        self._show_detail()

    def _take_scene(self, wish: Wish, scene: Scene) -> None:
        if wish == self._wish:
            self._take(scene)

    def _take(self, scene: Scene, same: bool = False) -> None:
        graph = self.session.graph
        if scene.hash != graph.hash and len(scene.item_ref):
            return
        old = self.scene
        self.scene = scene
        if not same or self._painter is None:
            self._painter = ScenePainter(scene, theme())
            self.minimap.set_scene(scene)
        self.index = SceneIndex(scene, graph)
        self.marks = Marks(scene, graph)
        if self.emphasis.overlay == "gain":
            self.marks.refresh_gain()
        self.emphasis.hovered = -1
        self.emphasis.path_items, self.emphasis.path_wires = set(), set()
        self.travel.stop()
        if not same:
            self._stand_after(old)
        self.emphasis.calm = self.session.state == "running"
        self._tell_more()
        if self._reveal >= 0:
            node, self._reveal = self._reveal, -1
            self._bring_into_view(node, always=True)
        self._selection_changed()
        self._say_accessibly()
        self._place_cards()
        self._picture_changed()
        self._watch_visible()

    def _stand_after(self, old: Scene) -> None:
        """Where to look at a new scene from: the opened module stays, else all is shown."""
        if self._fit_next or self._anchor is None:
            if self._fit_next or not self._user_moved:
                self._first_view()
            self._fit_next = False
        else:
            module, x, y = self._anchor
            rect = self._module_rect(module)
            if rect is not None:
                self.view.x = x - rect[0] * self.view.scale
                self.view.y = y - rect[1] * self.view.scale
                self._keep_near()
        if self._painter is not None and not any(map(len, self._painter.visible(self._window()))):
            self._first_view()
        self._anchor = None
        self.minimap.set_window(self._window())
        few = max(len(old.item_ref), len(self.scene.item_ref)) <= MOST_ITEMS
        if old.hash == self.scene.hash and old.opened != self.scene.opened and few and len(old.item_ref):
            self._morph = old
            if not self.opening.start():
                self._morph = None

    def _cursor_changed(self) -> None:
        if not self._refresh.isActive():
            apart_ms = max(16.0, 3 * (self._picture.cost_ms + self._reading_ms))
            since_ms = (perf_counter() - self._refreshed_s) * 1e3
            self._refresh.start(max(0, round(apart_ms - since_ms)))

    def _refresh_now(self) -> None:
        marks = self.marks
        if marks is None or self.session.graph is not marks.graph:
            if self.session.graph.hash == self.scene.hash and self.session.graph.nodes:
                self._take(self.scene, same=True)
            return
        before = marks.gradient.copy()
        was = set(np.flatnonzero(marks.state == HERE).tolist())
        self.travel.stop()
        began = perf_counter()
        marks.refresh()
        if self.emphasis.overlay == "gain":
            marks.refresh_gain()
        self._refreshed_s = perf_counter()
        self._reading_ms = (self._refreshed_s - began) * 1e3
        self.emphasis.calm = self.session.state == "running"
        fresh = np.flatnonzero((marks.gradient == ARRIVED) & (before != ARRIVED))
        if len(fresh) and len(fresh) <= 40 and not self.emphasis.calm and self._look_near():
            self._travelling = fresh.tolist()
            if self.travel.start():
                marks.gradient[fresh] = ON_ITS_WAY
        self._tell_more()
        here = np.flatnonzero(marks.state == HERE)
        if len(here) and not was & set(here.tolist()) and self.session.here is not None:
            self._bring_into_view(self.session.here.id)
        self._say_accessibly()
        self._picture_changed()

    def _tell_more(self) -> None:
        """The loss under the root's name, the formula where the walk stands, and where it will stop."""
        index, session, lines = self.index, self.session, {}
        if index is None:
            return
        current = session.timeline.current
        if current is not None and current.value is not None and current.root == session.graph.root:
            name = current.variable or "loss"
            lines[index.item_of_node(session.graph.root)] = f"{name} {figure(current.value, 4)}"
        here = session.here
        if here is not None and here.id != session.graph.root and here.kind == "op":
            entry = session.op_entry(here.op) or session.op_entry(here.name)
            item = index.item_of_node(here.id)
            if entry is not None and item >= 0 and self.scene.item_kind[item] != BOX:
                lines[item] = plain_formula(forward_formula(entry, here))
        self.emphasis.lines = {item: text for item, text in lines.items()
                               if item >= 0 and self.scene.item_kind[item] != BOX}
        self.emphasis.stops = self._stops()
        self.emphasis.findings = self._findings()

    def _findings(self) -> dict[int, str]:
        """What was found in the backward that is shown; the gravest of what a closed module hides."""
        assert self.index is not None
        shown: dict[int, str] = {}
        findings = self.session.findings
        there = [*findings.compared(self.session.graph.hash).items()]
        there += findings.at(self.session.timeline.backward).items()
        for node, kind in there:
            item = self.index.item_of_node(node)
            if item >= 0 and not (kind == "agrees" and self.scene.item_kind[item] == BOX):
                shown[item] = graver(kind, shown.get(item, kind))
        return shown

    def _stops(self) -> set[int]:
        assert self.index is not None
        stops: set[int] = set()
        for stop in self.session.breakpoints:
            if not stop.enabled:
                continue
            if stop.kind == "node" and stop.place.isdigit():
                stops.add(self.index.item_of_node(int(stop.place)))
            elif stop.kind == "module":
                stops |= {item for module, item in self.index.box_of_module.items()
                          if self.session.graph.modules[module].path == stop.place}
            elif stop.kind in ("op", "parameter"):
                stops |= {self.index.item_of_node(n.id) for n in self.session.graph.nodes
                          if stop.place == n.name or (stop.kind == "op" and stop.place == n.op)}
        return stops - {-1}

    def _look_near(self) -> bool:
        return self.view.scale > 0.3

    def _travel_ended(self) -> None:
        if self.marks is not None and self._travelling:
            wires = np.array([w for w in self._travelling if w < len(self.marks.gradient)], np.int64)
            self.marks.gradient[wires] = ARRIVED
        self._travelling = []
        self._picture_changed()

    def _opening_ended(self) -> None:
        self._morph = None
        self._picture_changed()

    def _selection_changed(self) -> None:
        selection, index = self.session.selection, self.index
        self.emphasis.selected_item = self.emphasis.selected_group = self.emphasis.selected_wire = -1
        if index is not None:
            if selection.kind == "node":
                self.emphasis.selected_item = index.item_of_node(selection.id)
            elif selection.kind == "module":
                self.emphasis.selected_item = index.box_of_module.get(selection.id, -1)
                self.emphasis.selected_group = index.group_of_module.get(selection.id, -1)
            elif selection.kind == "edge":
                self.emphasis.selected_wire = index.wire_of_edge(selection.id)
            self._bring_selection_back()
        self._say_accessibly()
        self._picture_changed()

    def _bring_selection_back(self) -> None:
        """What was selected elsewhere is shown, if it is wholly out of the window."""
        item = self.emphasis.selected_item
        if item < 0 or self.view.scale < 0.02:
            return
        x, y, width, height = self.scene.item_rect[item].tolist()
        window = self._window()
        if not window.intersects(QRectF(x, y, width, height)):
            self.centre_on(x + width / 2, y + height / 2)

    def _bring_into_view(self, node: int, always: bool = False) -> None:
        item = self.index.item_of_node(node) if self.index is not None else -1
        if item < 0:
            return
        x, y, width, height = self.scene.item_rect[item].tolist()
        left, top = self.view.to_window(x, y)
        right, bottom = self.view.to_window(x + width, y + height)
        if always or left < 24 or top < 64 or right > self.width() - 24 or bottom > self.height() - 44:
            self.view.centre_on(x + width / 2, y + height / 2, (self.width(), self.height()))
            self._view_changed(settled=True)

    def _watch_visible(self) -> None:
        if self._hz > 0 and self._outline is not None:
            nodes = self.visible_nodes()[:_WATCHED]
            chosen = self.session.selected_node
            if chosen is not None and chosen.id not in nodes:
                nodes.append(chosen.id)
            self.session.watch(nodes, self._hz)

    def _say_accessibly(self) -> None:
        graph = self.session.graph
        words = f"{len(graph.nodes)} nodes and {len(graph.edges)} edges"
        if self.session.here is not None:
            words += f"; before {self.session.here.name}"
        chosen = self.session.selected_node
        if chosen is not None:
            words += f"; {chosen.name} is selected"
        if words != self.accessibleDescription():
            self.setAccessibleDescription(words if graph.nodes else "No graph yet")

    # -- view -----------------------------------------------------------------------------------------------

    def standing_item(self) -> int:
        """The item of the node that the walk stands before."""
        here = self.session.here
        return self.index.item_of_node(here.id) if here is not None and self.index is not None else -1

    def empty_text(self) -> str:
        """What to do, as long as there is no graph."""
        if self._outline is not None:
            return "Laying out the graph…"
        key = {"ready": "canvas.ready", "running": "canvas.running", "paused": "canvas.running",
               "empty": "empty.canvas"}.get(self.session.state, "canvas.ended")
        return sentence(key)

    def _rested(self) -> None:
        super()._rested()
        self._watch_visible()

    def _module_rect(self, module: int) -> tuple[float, float, float, float] | None:
        if self.index is None:
            return None
        if module in self.index.group_of_module:
            return tuple(self.scene.group_rect[self.index.group_of_module[module]].tolist())
        if module in self.index.box_of_module:
            return tuple(self.scene.item_rect[self.index.box_of_module[module]].tolist())
        return None

    def _selected_rect(self) -> tuple[float, float, float, float] | None:
        if self.emphasis.selected_item >= 0:
            return tuple(self.scene.item_rect[self.emphasis.selected_item].tolist())
        if self.emphasis.selected_group >= 0:
            return tuple(self.scene.group_rect[self.emphasis.selected_group].tolist())
        if self.emphasis.selected_wire >= 0:
            left, top, right, bottom = self.scene.wire_box[self.emphasis.selected_wire].tolist()
            return left, top, right - left, bottom - top
        return None

    def _is_inside(self, module: int, outer: int) -> bool:
        assert self._outline is not None
        seen = 0
        while module >= 0 and seen <= len(self._outline.parents):
            module, seen = self._outline.parents[module], seen + 1
            if module == outer:
                return True
        return False

    def _show_detail(self) -> None:
        if self._outline is None:
            return
        depths = depth_of_modules(self._outline)
        opened = self.opened
        closed = [depth for module, depth in enumerate(depths) if module not in opened]
        deepest = deepest_detail(self._outline)
        self.detail.set_levels(deepest, min(closed, default=deepest))

    def closeEvent(self, event: QCloseEvent) -> None:
        """End the layout's thread."""
        self._planner.close()
        super().closeEvent(event)
