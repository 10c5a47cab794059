"""The docks around the canvas, and their arrangement."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, Qt, QTimer
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QTabBar, QTabWidget, QVBoxLayout, QWidget

from app.canvases.graph_canvas import GraphCanvas
from app.docks.blank import BlankOr
from app.docks.breakpoints import BreakpointsDock
from app.docks.console import ConsoleDock
from app.docks.curves import CurvesDock
from app.docks.dock import Dock
from app.docks.findings import FindingsDock
from app.docks.gradient_flow import GradientFlowDock
from app.docks.inspector import InspectorDock
from app.docks.modules import ModulesDock
from app.docks.outline import OutlineDock
from app.docks.source import SourceDock
from app.docks.tensor import TensorDock
from app.docks.watch import WatchDock
from app.docks.what_changed import WhatChangedDock
from app.docks.what_if import WhatIfDock
from app.docks.why import WhyDock
from app.look.sentence import sentence
from app.session.session import Session

from . import setting

VERSION = 3
_Area = Qt.DockWidgetArea


class Workbench(QMainWindow):
    """Canvas in the middle, panels around it: they can be moved, closed, brought back."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setWindowFlags(Qt.WindowType.Widget)
        self.session = session
        self.setDockOptions(
            QMainWindow.DockOption.AllowNestedDocks
            | QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.GroupedDragging
        )
        self.setTabPosition(_Area.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.setDocumentMode(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        for corner, area in (
            (Qt.Corner.BottomLeftCorner, _Area.LeftDockWidgetArea),
            (Qt.Corner.TopLeftCorner, _Area.LeftDockWidgetArea),
            (Qt.Corner.BottomRightCorner, _Area.RightDockWidgetArea),
            (Qt.Corner.TopRightCorner, _Area.RightDockWidgetArea),
        ):
            self.setCorner(corner, area)
        self.place = QWidget()
        self.place.setObjectName("Stage")
        self._place_layout = QVBoxLayout(self.place)
        self._place_layout.setContentsMargins(0, 0, 0, 0)
        self.setCentralWidget(self.place)
        self.canvas: GraphCanvas | None = None
        self.canvas_page: BlankOr | None = None
        self.source = SourceDock(session)
        self.outline = OutlineDock(session)
        self.modules = ModulesDock(session)
        self.breakpoints = BreakpointsDock(session)
        self.watch = WatchDock(session)
        self.inspector = InspectorDock(session)
        self.why = WhyDock(session)
        self.curves = CurvesDock(session)
        self.gradient_flow = GradientFlowDock(session)
        session.rules.restore(setting.kept_rules())
        self.findings = FindingsDock(session)
        self.console = ConsoleDock(session)
        self.tensor = TensorDock(session)
        self.what_changed = WhatChangedDock(session)
        self.what_if = WhatIfDock(session)
        self.docks: tuple[Dock, ...] = (
            self.source,
            self.outline,
            self.modules,
            self.breakpoints,
            self.watch,
            self.inspector,
            self.why,
            self.curves,
            self.gradient_flow,
            self.findings,
            self.console,
            self.tensor,
            self.what_changed,
            self.what_if,
        )
        self._heads = QTimer(self)
        self._heads.setSingleShot(True)
        self._heads.timeout.connect(self._set_heads)
        for dock in self.docks:
            dock.visibilityChanged.connect(lambda _: self._heads.start(0))
            dock.topLevelChanged.connect(lambda _: self._heads.start(0))
            dock.dockLocationChanged.connect(lambda _: self._heads.start(0))
        self._unsized = True
        self._first_arrangement()
        self._first: QByteArray = self.saveState(VERSION)
        self.inspector.slot_opened.connect(self._open_slot)
        self.inspector.line_chosen.connect(lambda file, line: self.show_line(file, line))
        self.why.slot_opened.connect(self._open_slot)
        self.findings.rules_changed.connect(lambda: setting.keep_rules(session.rules.kept()))
        self.outline.line_chosen.connect(lambda line: self.show_line("", line))

    # -- canvas ----------------------------------------------------------------------------------------------

    def set_canvas(self, canvas: GraphCanvas) -> None:
        """Put the canvas in the middle; a sentence stands there while there is no graph."""
        self.canvas = canvas
        self.canvas_page = BlankOr("empty.canvas", canvas, middle=True)
        self.canvas_page.setObjectName("CanvasPage")
        self._place_layout.addWidget(self.canvas_page)
        self.look(frozenset())

    def look(self, changes: frozenset[str]) -> None:
        """Show the canvas once there is a graph."""
        if self.canvas_page is not None:
            self.canvas_page.show_widget(bool(self.session.graph.nodes))
            self.canvas_page.blank.say(self._canvas_words())

    def _canvas_words(self) -> str:
        session = self.session
        if session.work is not None:
            return f"{session.work.what}: {session.work.done} of {session.work.total}"
        key = {
            "ready": "canvas.ready",
            "running": "canvas.running",
            "ended": "canvas.ended",
            "failed": "canvas.ended",
            "lost": "canvas.ended",
            "paused": "canvas.running",
        }.get(session.state)
        return sentence(key or "empty.canvas")

    def tell(self, changes: frozenset[str]) -> None:
        """Pass a change on to the panels."""
        self.look(changes)
        for dock in self.docks:
            dock.tell(changes)

    # -- arrangement -----------------------------------------------------------------------------------------

    def _first_arrangement(self) -> None:
        left, right, bottom = _Area.LeftDockWidgetArea, _Area.RightDockWidgetArea, _Area.BottomDockWidgetArea
        self.addDockWidget(left, self.source)
        self.addDockWidget(left, self.modules)
        self.splitDockWidget(self.source, self.modules, Qt.Orientation.Vertical)
        self.tabifyDockWidget(self.source, self.outline)
        self.tabifyDockWidget(self.modules, self.breakpoints)
        self.tabifyDockWidget(self.breakpoints, self.watch)
        self.addDockWidget(right, self.inspector)
        self.tabifyDockWidget(self.inspector, self.why)
        self.addDockWidget(bottom, self.curves)
        self.tabifyDockWidget(self.curves, self.gradient_flow)
        self.tabifyDockWidget(self.gradient_flow, self.findings)
        self.tabifyDockWidget(self.findings, self.console)
        self.tabifyDockWidget(self.console, self.tensor)
        self.tabifyDockWidget(self.tensor, self.what_changed)
        self.tabifyDockWidget(self.what_changed, self.what_if)
        for dock in self.docks:
            dock.setFloating(False)
            dock.show()
        for dock in (self.source, self.modules, self.inspector, self.curves):
            dock.raise_()
        self.resizeDocks([self.source, self.inspector], [332, 372], Qt.Orientation.Horizontal)
        self.resizeDocks([self.source, self.modules], [440, 400], Qt.Orientation.Vertical)
        self.resizeDocks([self.curves], [232], Qt.Orientation.Vertical)
        self._heads.start(0)

    def showEvent(self, event: QShowEvent) -> None:
        """The arrangement is restored, or the first one sized, once the room is known."""
        super().showEvent(event)
        if self._unsized:
            self._unsized = False
            QTimer.singleShot(0, self.restore)

    def _sizes(self) -> tuple[int, int, int]:
        """Widths of the left and right panels, and the height of those below, for a window of this size."""
        width, height = self.width(), self.height()
        side, page = (332, 372) if width >= 1500 else (288, 340)
        below = 232 if height >= 820 else 196
        dock: Dock
        for dock in (self.source, self.outline):
            dock.wish(side, round(height * 0.52))
        for dock in (self.modules, self.breakpoints, self.watch):
            dock.wish(side, round(height * 0.48))
        for dock in (self.inspector, self.why):
            dock.wish(page, height)
        for dock in (
            self.curves,
            self.gradient_flow,
            self.findings,
            self.console,
            self.tensor,
            self.what_changed,
            self.what_if,
        ):
            dock.wish(width - side - page, below)
        return side, page, below

    def fit_first(self) -> None:
        """Sizes of the first arrangement."""
        side, page, below = self._sizes()
        height = self.height()
        self.resizeDocks([self.source, self.inspector], [side, page], Qt.Orientation.Horizontal)
        self.resizeDocks(
            [self.source, self.modules], [round(height * 0.52), round(height * 0.48)], Qt.Orientation.Vertical
        )
        self.resizeDocks([self.curves], [below], Qt.Orientation.Vertical)

    def reset(self) -> None:
        """Back to the arrangement of the first start."""
        self.restoreState(self._first, VERSION)
        for dock in self.docks:
            dock.show()
        for dock in (self.source, self.modules, self.inspector, self.curves):
            dock.raise_()
        self.fit_first()
        self._heads.start(0)

    def restore(self) -> None:
        """The arrangement of last time, or the first one where none was kept."""
        kept = setting.arrangement("panels")
        self._sizes()
        if kept is None or not self.restoreState(kept, VERSION):
            self.fit_first()
        self._heads.start(0)

    def keep(self) -> None:
        """Remember the arrangement, if it was ever seen."""
        if self._unsized:
            return
        setting.keep_arrangement("panels", self.saveState(VERSION))

    def keep_for(self, script: str) -> None:
        """Remember the arrangement for this script, if it was ever seen."""
        if not self._unsized:
            setting.keep_script_arrangement(script, self.saveState(VERSION))

    def restore_for(self, script: str) -> None:
        """The arrangement of the last time with this script; as it is where none was kept."""
        kept = setting.script_arrangement(script)
        if kept is not None and kept != self.saveState(VERSION) and self.restoreState(kept, VERSION):
            self._heads.start(0)

    def _set_heads(self) -> None:
        """Panels that stand alone get a head of their own; tabs are named by their tab."""
        for bar in self.findChildren(QTabBar):
            bar.setDrawBase(False)
            bar.setExpanding(False)
            bar.setUsesScrollButtons(True)
            bar.setElideMode(Qt.TextElideMode.ElideNone)
        for dock in self.docks:
            tabbed = [d for d in self.tabifiedDockWidgets(dock) if d.isVisible() or not d.isHidden()]
            dock.head.set_alone(dock.isFloating() or not tabbed)

    def panels_menu(self, parent: QWidget, extra: list[QAction]) -> QMenu:
        """Each panel with a tick, then `extra`."""
        menu = QMenu("Panels", parent)
        for dock in self.docks:
            menu.addAction(dock.toggleViewAction())
        menu.addSeparator()
        for action in extra:
            menu.addAction(action)
        return menu

    # -- going somewhere -------------------------------------------------------------------------------------

    def show_line(self, file: str, line: int) -> None:
        """Bring a line of the source into view."""
        self.source.show()
        self.source.raise_()
        self.source.reveal(file, line)

    def _open_slot(self, node: int, what: str) -> None:
        self.tensor.show()
        self.tensor.raise_()
        self.tensor.show_slot(node, what)
