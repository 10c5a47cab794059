"""`GraphCanvas`: the graph of the backward that is shown, to be looked at and walked through."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QNativeGestureEvent
from PySide6.QtWidgets import QToolTip, QWidget

from app.canvases.hint import item_hint, module_hint, wire_hint
from app.canvases.marks import ARRIVED, HERE, ON_ITS_WAY, Marks
from app.canvases.motion import MOST_ITEMS
from app.canvases.scene_index import SceneIndex
from app.canvases.scene_painter import ScenePainter
from app.canvases.stage import Stage
from app.layout.fold import BOX, fold
from app.layout.outline import Outline, deepest_detail, depth_of_modules, modules_open_at, outline_of
from app.layout.planner import Planner, Wish
from app.layout.scene import Scene
from app.look.sentence import sentence
from app.look.theme import theme
from app.session.session import Session

_CALM_ITEMS = 40
"""As many items are shown at first, if modules can be left closed."""
_WATCHED = 400


class GraphCanvas(Stage):
    """Draws the session's graph; clicks select, double clicks open and close modules.

    Keys: arrows walk along edges, Return opens or closes, F fits, + and - zoom, Home goes to where the walk
    stands, Escape selects nothing."""

    _scene_made = Signal(object, object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Graph")
        self.index: SceneIndex | None = None
        self._outline: Outline | None = None
        self._opened: dict[str, frozenset[int]] = {}
        self._wish: Wish | None = None
        self._anchor: tuple[int, float, float] | None = None
        self._reveal = -1
        self._fit_next = True
        self._press: QPointF | None = None
        self._dragged = False
        self._hz = 15.0
        self._reading_ms = 0.0
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
        """Show what is selected in its own size; all of the graph if nothing is."""
        rect = self._selected_rect()
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
            self._refresh.start(max(16, round(3 * (self._picture.cost_ms + self._reading_ms))))

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
        self._reading_ms = (perf_counter() - began) * 1e3
        if self.emphasis.overlay == "gain":
            marks.refresh_gain()
        self.emphasis.calm = self.session.state == "running"
        fresh = np.flatnonzero((marks.gradient == ARRIVED) & (before != ARRIVED))
        if len(fresh) and len(fresh) <= 40 and not self.emphasis.calm and self._look_near():
            self._travelling = fresh.tolist()
            if self.travel.start():
                marks.gradient[fresh] = ON_ITS_WAY
        here = np.flatnonzero(marks.state == HERE)
        if len(here) and not was & set(here.tolist()) and self.session.here is not None:
            self._bring_into_view(self.session.here.id)
        self._say_accessibly()
        self._picture_changed()

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
        self._say_accessibly()
        self._picture_changed()

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

    # -- hand -----------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Tooltips and pinches."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            self._show_hint(event)
            return True
        if isinstance(event, QNativeGestureEvent) and (
                event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture):
            self._zoom(1 + event.value(), event.position().x(), event.position().y())
            return True
        return super().event(event)

    def _show_hint(self, event: QHelpEvent) -> None:
        index, graph = self.index, self.session.graph
        if index is None or not graph.nodes or self.scene.hash != graph.hash:
            return
        x, y = self.view.to_scene(event.pos().x(), event.pos().y())
        item = index.item_at(x, y)
        if item >= 0:
            QToolTip.showText(event.globalPos(), item_hint(self.scene, graph, item), self)
            return
        wire = index.wire_at(x, y, 8 / self.view.scale)
        group = index.group_at(x, y)
        if wire >= 0:
            QToolTip.showText(event.globalPos(), wire_hint(self.scene, graph, wire), self)
        elif group >= 0 and y < self.scene.group_rect[group, 1] + 36:
            text = module_hint(graph, int(self.scene.group_ref[group]), "Double-click closes it")
            QToolTip.showText(event.globalPos(), text, self)
        else:
            QToolTip.hideText()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag or a click."""
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._press = event.position()
            self._dragged = False
        self._focus_by_key = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the scene, or light up what is under the mouse."""
        if self._press is not None and event.buttons() != Qt.MouseButton.NoButton:
            step = event.position() - self._press
            if self._dragged or step.manhattanLength() > 4:
                self._dragged = True
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
                self.view.pan(step.x(), step.y())
                self._keep_near()
                self._press = event.position()
                self._user_moved = True
                self._view_changed()
            return
        if self.index is None or len(self.scene.item_ref) > 20_000 and self.view.scale < 0.05:
            return
        item = self.index.item_at(*self.view.to_scene(event.position().x(), event.position().y()))
        if item != self.emphasis.hovered:
            self.emphasis.hovered = item
            self.setCursor(Qt.CursorShape.PointingHandCursor if item >= 0 else Qt.CursorShape.ArrowCursor)
            if self._picture.cost_ms < 30:
                self._picture_changed()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag, or click."""
        pressed, self._press = self._press, None
        if pressed is None:
            return
        if self._dragged:
            self._dragged = False
            self.setCursor(Qt.CursorShape.ArrowCursor)
            return
        if event.button() == Qt.MouseButton.LeftButton:
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._click(*self.view.to_scene(event.position().x(), event.position().y()), shift)

    def _click(self, x: float, y: float, shift: bool) -> None:
        if self.index is None or not self.session.graph.nodes or self.scene.hash != self.session.graph.hash:
            return
        item = self.index.item_at(x, y)
        if shift and item >= 0 and self.emphasis.selected_item >= 0:
            way = self.index.path(self.emphasis.selected_item, item)
            self.emphasis.path_items, self.emphasis.path_wires = way
            self._picture_changed()
            return
        self.emphasis.path_items, self.emphasis.path_wires = set(), set()
        if item >= 0:
            self._select_item(item)
            return
        wire = self.index.wire_at(x, y, 7 / self.view.scale)
        group = self.index.group_at(x, y)
        if wire >= 0:
            self.session.select_edge(int(self.scene.wire_edges(wire)[0]))
        elif group >= 0:
            self.session.select_module(int(self.scene.group_ref[group]))
        else:
            self.session.select_node(-1)
        self._picture_changed()

    def _select_item(self, item: int) -> None:
        ref = int(self.scene.item_ref[item])
        if self.scene.item_kind[item] == BOX:
            self.session.select_module(ref)
        else:
            self.session.select_node(ref)
        self.emphasis.selected_item = item
        self._picture_changed()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open or close a module."""
        if self.index is None or event.button() != Qt.MouseButton.LeftButton:
            return
        x, y = self.view.to_scene(event.position().x(), event.position().y())
        item = self.index.item_at(x, y)
        if item >= 0:
            if self.scene.item_kind[item] == BOX:
                self.toggle_module(int(self.scene.item_ref[item]))
            return
        group = self.index.group_at(x, y)
        if group >= 0:
            self.toggle_module(int(self.scene.group_ref[group]))

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse."""
        if self.emphasis.hovered >= 0:
            self.emphasis.hovered = -1
            self._picture_changed()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show a frame when the keyboard brought the focus."""
        reasons = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self._focus_by_key = event.reason() in reasons
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the frame away."""
        self.update()

    # -- keys -----------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk, zoom, open; other keys go on to the window."""
        arrows = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1),
                  Qt.Key.Key_Down: (0, 1)}
        key = Qt.Key(event.key())
        harmless = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        plain = not event.modifiers() & ~harmless
        if self.index is None or not len(self.scene.item_ref) or not plain:
            super().keyPressEvent(event)
        elif key in arrows:
            self._walk(*arrows[key])
        elif key == Qt.Key.Key_F:
            self.zoom_to_fit()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(1.25)
        elif key == Qt.Key.Key_Minus:
            self.zoom_by(0.8)
        elif key == Qt.Key.Key_Home:
            here = self.session.here
            self._bring_into_view(here.id if here is not None else self.session.graph.root, always=True)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.session.selection.kind == "module":
            self.toggle_module(self.session.selection.id)
        elif key == Qt.Key.Key_Escape and (self.session.selection.kind or self.emphasis.path_items):
            self.emphasis.path_items, self.emphasis.path_wires = set(), set()
            self.session.select_node(-1)
            self._picture_changed()
        else:
            super().keyPressEvent(event)

    def _walk(self, dx: int, dy: int) -> None:
        assert self.index is not None
        item = self.emphasis.selected_item
        if item < 0:
            here = self.session.here
            item = self.index.item_of_node(here.id if here is not None else self.session.graph.root)
            item = max(0, item)
        else:
            item = self.index.step(item, dx, dy)
        self._select_item(item)
        x, y, width, height = self.scene.item_rect[item].tolist()
        left, top = self.view.to_window(x, y)
        if not (0 <= left and left + width * self.view.scale <= self.width() and 0 <= top
                and top + height * self.view.scale <= self.height()):
            self.centre_on(x + width / 2, y + height / 2)

    def closeEvent(self, event: QCloseEvent) -> None:
        """End the layout's thread."""
        self._planner.close()
        super().closeEvent(event)
