"""`GraphCanvas`: the graph of the backward that is shown, to be looked at and walked through."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
)
from PySide6.QtWidgets import QMenu, QToolTip, QWidget

from app.canvases.hint import item_hint, module_hint, wire_hint
from app.canvases.session_stage import SessionStage
from app.layout.fold import BOX
from app.session.session import Session


QUESTIONS = (
    ("Why is this gradient so?", "gradient"),
    ("What is added up here?", "accumulation"),
    ("Show this tensor's life", "versions"),
    ("Check this gradient", "trust"),
)


class GraphCanvas(SessionStage):
    """Draws the session's graph; clicks select, double clicks open and close modules.

    Keys: arrows walk along edges, Return opens or closes, F fits, + and - zoom, Home goes to where the walk
    stands, Escape selects nothing."""

    asked = Signal(str, int)
    """Why: the topic, and of which node."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._press: QPointF | None = None
        self._dragged = False

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

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with what is under the mouse."""
        if self.index is None or not self.session.graph.nodes:
            return
        x, y = self.view.to_scene(event.pos().x(), event.pos().y())
        item, group = self.index.item_at(x, y), self.index.group_at(x, y)
        menu = QMenu(self)
        session = self.session
        if item >= 0 and self.scene.item_kind[item] != BOX:
            self._select_item(item)
            node = session.graph.nodes[int(self.scene.item_ref[item])]
            to_here = menu.addAction("Run to here", lambda: session.run_to(node=node.id))
            to_here.setEnabled(session.can_step and node.kind != "input")
            has = any((b.kind, b.place) == ("node", str(node.id)) for b in session.breakpoints)
            stop = menu.addAction("Do not stop here" if has else "Stop here",
                                  lambda: session.toggle_breakpoint("node", str(node.id)))
            stop.setEnabled(node.kind != "input")
            menu.addSeparator()
            for words, topic in QUESTIONS:
                menu.addAction(words, partial(self.asked.emit, topic, node.id))
            menu.addSeparator()
            menu.addAction("Copy name", lambda: QGuiApplication.clipboard().setText(node.name))
        elif item >= 0 or group >= 0:
            module = int(self.scene.item_ref[item]) if item >= 0 else int(self.scene.group_ref[group])
            session.select_module(module)
            menu.addAction("Open" if item >= 0 else "Close", lambda: self.toggle_module(module))
            path = session.graph.modules[module].path
            has = any((b.kind, b.place) == ("module", path) for b in session.breakpoints)
            menu.addAction("Do not stop here" if has else "Stop here",
                           lambda: session.toggle_breakpoint("module", path))
            menu.addSeparator()
            menu.addAction("Copy name", lambda: QGuiApplication.clipboard().setText(path))
        if item >= 0 or group >= 0:
            menu.addAction("Zoom to this", self.zoom_to_selection)
        other = "" if self.emphasis.overlay else "gain"
        gain = menu.addAction("Colour by gain", lambda: self.set_overlay(other))
        gain.setCheckable(True)
        gain.setChecked(self.emphasis.overlay == "gain")
        menu.addAction("Zoom to fit", self.zoom_to_fit)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, True)
        menu.popup(event.globalPos())

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
