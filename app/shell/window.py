"""`MainWindow`: bars, pages, and what actions ask of a window."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QThreadPool, QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QStackedWidget, QVBoxLayout, QWidget

from app.actions.catalogue import BY_ID
from app.look.theme import on_theme_changed, set_theme, theme, theme_choice
from app.session.breakpoint import Breakpoint
from app.session.playback import Playback
from app.session.session import Session

from . import setting
from .asking import Asking
from .clock import QtClock
from .futures import Futures
from .notice import Notice
from .opening import Opening
from .pulse import Pulse
from .shortcut import Shortcuts
from .status_bar import StatusBar
from .timeline import TimelineBar
from .top_bar import TopBar
from .welcome import WelcomePage

if TYPE_CHECKING:
    from app.dialogs.palette import CommandPalette
    from app.link.bridge import LinkBridge

    from .workbench import Workbench

FIRST_SIZE = (1600, 1000)
PLOT_AFTER_MS = 150


class MainWindow(QWidget):
    """The window. It shows the first page; panels, canvas and link are made after its first paint."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setObjectName("Stage")
        self.setWindowTitle("Gradwalk")
        self.setAcceptDrops(True)
        self.setMinimumSize(900, 560)
        self.shortcuts = Shortcuts(self, self)
        self.top = TopBar(session, self.shortcuts)
        self.playback = Playback(session, QtClock(self))
        self.playback.changed.connect(self._play_changed)
        self.timeline = TimelineBar(session, self.playback)
        self.notice = Notice()
        self.status = StatusBar(session)
        self.welcome = WelcomePage()
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget in (self.top, self.timeline, self.notice):
            layout.addWidget(widget)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.status)
        self.bench: Workbench | None = None
        self.bridge: LinkBridge | None = None
        self.recent_menu = QMenu(self)
        self.palette_view: CommandPalette | None = None
        self.opening = Opening(session, self.notice, self._opened, self)
        self.pulse = Pulse(session, self)
        self.pulse.add(self._tell)
        self.welcome.chosen.connect(self.open_path)
        self.welcome.open_asked.connect(self.ask_open_script)
        self.top.search_asked.connect(self.show_palette)
        self.asking = Asking(self, self.notice)
        self.futures = Futures(self)
        self._forget_theme = on_theme_changed(self._retheme)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._focus_changed)
        self._wanted: Path | None = None
        self._told: object = None
        self._closing = False
        self._painted = False
        self._kept_size = setting.arrangement("window")
        if self._kept_size is None or not self.restoreGeometry(self._kept_size):
            self._first_size()
        self._retheme()
        self._tell(frozenset({"replaced"}))

    def _first_size(self) -> None:
        screen = QGuiApplication.primaryScreen()
        room = screen.availableGeometry() if screen is not None else None
        width, height = FIRST_SIZE
        if room is not None:
            width, height = min(width, room.width()), min(height, room.height())
        self.resize(max(900, width), max(560, height))

    # -- start -----------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Where no paint comes (a window that starts minimised), the rest is made all the same."""
        super().showEvent(event)
        if self.bench is None:
            QTimer.singleShot(500, self.finish)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The rest of the window is made after it is first seen."""
        super().paintEvent(event)
        if self.bench is None and not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.finish)

    def finish(self) -> None:
        """Make panels, canvas and link; then open what was asked for."""
        if self.bench is not None or self._closing:
            return
        from app.canvases.graph_canvas import GraphCanvas
        from app.docks.code_view import warm_up_lexer
        from app.look.formula import warm_up

        from .workbench import Workbench

        self.bench = Workbench(self.session)
        self.pages.addWidget(self.bench)
        canvas = GraphCanvas(self.session)
        canvas.asked.connect(self.asking.ask)
        self.bench.set_canvas(canvas)
        self.asking.listen(self.bench.why)
        self.futures.serve(self.bench)
        extra = [self.shortcuts.actions["view.reset_panels"]]
        menus = self.shortcuts.all_menus(self)
        self.recent_menu.setTitle("Open recent")
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        menus[0].insertMenu(self.shortcuts.actions["file.save_recording"], self.recent_menu)
        self.top.set_menus(menus, self.bench.panels_menu(self, extra))
        self._link()
        self.set_motion(setting.motion())
        self.set_sampling(setting.sampling_hz())
        QThreadPool.globalInstance().start(warm_up)
        QThreadPool.globalInstance().start(warm_up_lexer)
        QTimer.singleShot(PLOT_AFTER_MS, self._load_plot)
        self._tell(frozenset({"replaced", "graph"}))
        if self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            self.open_path(wanted)

    def _load_plot(self) -> None:
        """Load the plot library while nothing runs yet: it takes a quarter of a second."""
        if not self._closing and self.session.state != "running":
            import pyqtgraph  # noqa: F401

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        for path in setting.recent_files():
            self.recent_menu.addAction(path, partial(self.open_path, path))
        if self.recent_menu.isEmpty():
            self.recent_menu.addAction("Nothing yet").setEnabled(False)

    def _link(self) -> None:
        from app.link.bridge import LinkBridge

        self.bridge = LinkBridge(self.session, self)

    # -- what changed ----------------------------------------------------------------------------------------

    def _tell(self, changes: frozenset[str]) -> None:
        session = self.session
        empty = session.state == "empty"
        if self.bench is not None:
            page: QWidget = self.welcome if empty else self.bench
            if self.pages.currentWidget() is not page:
                self.pages.setCurrentWidget(page)
                if empty:
                    self.welcome.fill_recent()
        self.shortcuts.refresh()
        self.top.look(changes)
        self.timeline.look(changes)
        self.status.look(changes)
        if self.bench is not None:
            self.bench.tell(changes)
        self._notify()
        self.asking.look()

    def _notify(self) -> None:
        """Say once what went wrong with the run, and offer to run again."""
        session = self.session
        key = (session.state, id(session.failure), session.message, session.started is not None)
        if key == self._told:
            return
        before, self._told = self._told, key
        failure = session.failure
        again = (("Run again", self.restart),) if not session.is_recording else ()
        if session.state == "lost" and failure is not None:
            self.notice.say("error", f"{failure.message} All that was received is kept.", again)
        elif session.state == "failed" and failure is not None:
            place = f" ({Path(failure.file).name}:{failure.line})" if failure.line else ""
            text = f"{failure.type}: {failure.message}{place}" if failure.type else failure.message
            offers = self.asking.offers(failure.message)
            self.notice.say("error", text, (("Show traceback", self._show_console), *offers, *again))
            if failure.traceback and failure.traceback not in session.console.text():
                session.console.add("stderr", failure.traceback.rstrip("\n") + "\n")
        elif session.state in ("running", "paused") and before is not None and self.notice.kind:
            self.notice.clear()

    def _show_console(self) -> None:
        if self.bench is not None:
            self.bench.console.show()
            self.bench.console.raise_()

    def _retheme(self) -> None:
        self.shortcuts.retheme()
        self.top.retheme()
        self.timeline.retheme()
        self.status.retheme()
        self.notice.retheme()
        self.welcome.retheme()
        if self.palette_view is not None:
            self.palette_view.retheme()
        if self.bench is not None and self.bench.canvas is not None:
            self.bench.canvas.update()

    def _focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        if not self._closing:
            self.shortcuts.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """An open palette is closed, since it would stand askew."""
        super().resizeEvent(event)
        if self.palette_view is not None and self.palette_view.isVisible():
            self.palette_view.dismiss()

    # -- files -----------------------------------------------------------------------------------------------

    def open_path(self, path: str | Path) -> None:
        """Open a script or a recorded run; before the window is complete, right after."""
        if self.bench is None:
            self._wanted = Path(path)
            return
        self._keep_script_state()
        self.opening.open(path)

    def _opened(self, path: Path) -> None:
        setting.keep_recent_file(str(path.resolve()))
        self._told = None
        points, watches = setting.script_state(str(path.resolve()))
        if not self.session.is_recording:
            kept = (Breakpoint.read(text) for text in points)
            self.session.set_breakpoints(point for point in kept if point is not None)
            self.session.watches = list(watches)
            self.session.undo.forget()
            if self.bench is not None:
                self.bench.restore_for(str(path.resolve()))
        self.setWindowTitle(f"{path.name} – Gradwalk")

    def _keep_script_state(self) -> None:
        session = self.session
        if session.path is not None and not session.is_recording:
            points = [point.kept() for point in session.breakpoints]
            setting.keep_script_state(str(session.path.resolve()), points, session.watches)
            if self.bench is not None:
                self.bench.keep_for(str(session.path.resolve()))

    def _ask_file(self, title: str, kinds: str, save: str = "") -> str:
        start = str(self.session.path.parent) if self.session.path is not None else ""
        if save:
            return QFileDialog.getSaveFileName(self, title, str(Path(start) / save), kinds)[0]
        return QFileDialog.getOpenFileName(self, title, start, kinds)[0]

    def ask_open_script(self) -> None:
        """Choose a script and open it."""
        path = self._ask_file("Open script", "Python scripts (*.py);;All files (*)")
        if path:
            self.open_path(path)

    def ask_open_recording(self) -> None:
        """Choose a recorded run and open it."""
        path = self._ask_file("Open recorded run", "Recorded runs (*.gradwalk *.run);;All files (*)")
        if path:
            self.open_path(path)

    def ask_save_recording(self) -> None:
        """Choose a file and keep the run in it."""
        stem = self.session.path.stem if self.session.path is not None else "run"
        path = self._ask_file("Save run", "Recorded runs (*.gradwalk)", f"{stem}.gradwalk")
        if path:
            self.save_recording(path)

    def save_recording(self, path: str | Path) -> None:
        """Keep what was received of the run in a file, away from this thread."""
        from app.docks.file_reader import in_background

        from .saving import events_of, write_run

        events = list(events_of(self.session))

        def done(count: object, error: Exception | None) -> None:
            if error is not None:
                self.notice.say("error", f"The run could not be kept in {path}: {error}")
            else:
                self.status.say(f"kept in {Path(path).name}")

        in_background(lambda: write_run(Path(path), events), done)

    def ask_export_picture(self) -> None:
        """Choose a file and draw the graph in it."""
        stem = self.session.path.stem if self.session.path is not None else "graph"
        path = self._ask_file(
            "Export picture", "SVG (*.svg);;PNG (*.png);;PDF (*.pdf);;DOT (*.dot)", f"{stem}.svg"
        )
        if path:
            self.export_picture(path)

    def export_picture(self, path: str | Path) -> None:
        """Draw the graph that is shown in a file; its ending says how."""
        from app.canvases.export import render_graph

        try:
            render_graph(self.session.graph, path)
        except (OSError, ValueError, RuntimeError) as error:
            self.notice.say("error", f"The picture could not be drawn: {error}")
        else:
            self.status.say(f"drawn in {Path(path).name}")

    def close_run(self) -> None:
        """End the run and go back to the first page."""
        self._keep_script_state()
        self.opening.cancel()
        self.notice.clear()
        self.session.close()
        self.setWindowTitle("Gradwalk")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """One file is welcome."""
        if event.mimeData().hasUrls() and event.mimeData().urls()[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the file that was dropped."""
        self.open_path(event.mimeData().urls()[0].toLocalFile())

    # -- run -------------------------------------------------------------------------------------------------

    def _play_changed(self) -> None:
        """Say why the playing came to rest."""
        if self.playback.reason and not self.playback.is_playing:
            self.status.say(self.playback.reason)

    def restart(self) -> None:
        """End the run and start the script anew, from its file as it is now."""
        session = self.session
        if session.is_recording or session.path is None:
            return
        self.notice.clear()
        if session.is_live:
            session.abandon()
            session.state = "ended"
        session.run()

    def watch_selected(self) -> None:
        """Keep the selected node's value in view."""
        node = self.session.selected_node
        if node is not None and node.kind != "op" and node.name not in self.session.watches:
            self.session.set_watches([*self.session.watches, node.name])
        elif node is not None:
            self.status.say(f"{node.name} has no name in the script to be watched by")

    def break_at_selected(self) -> None:
        """Set a breakpoint on the selected node, or take it away."""
        node = self.session.selected_node
        if node is not None:
            self.session.toggle_breakpoint("node", str(node.id))

    def edit_value(self) -> None:
        """Put the cursor where a value is written."""
        if self.bench is None:
            return
        node = self.session.selected_node or self.session.here
        if node is not None:
            tensor = self.bench.tensor
            tensor.show()
            tensor.raise_()
            tensor.show_slot(node.id, "incoming:0" if node.kind == "op" else "value")
            QTimer.singleShot(0, tensor.edit)

    # -- view ------------------------------------------------------------------------------------------------

    def choose_theme(self, choice: str) -> None:
        """Put a theme in force and remember it."""
        set_theme(choice)
        setting.keep_theme_choice(theme_choice())

    def toggle_theme(self) -> None:
        """Light to dark and back."""
        self.choose_theme("light" if theme().is_dark else "dark")

    def reset_panels(self) -> None:
        """The arrangement of the first start."""
        if self.bench is not None:
            self.bench.reset()

    def zoom(self, how: str) -> None:
        """'fit', 'selection', 'in' or 'out'."""
        canvas = self.bench.canvas if self.bench is not None else None
        if canvas is None:
            return
        if how == "fit":
            canvas.zoom_to_fit()
        elif how == "selection":
            canvas.zoom_to_selection()
        else:
            canvas.zoom_by(1.25 if how == "in" else 0.8)

    def colour_by_gain(self) -> None:
        """Colour the graph by gain, or by states again."""
        canvas = self.bench.canvas if self.bench is not None else None
        if canvas is not None:
            canvas.set_overlay("" if canvas.emphasis.overlay == "gain" else "gain")

    def walk_edge(self, way: str) -> None:
        """Select the neighbour along an edge."""
        from .neighbour import neighbour

        session = self.session
        here = session.selected_node or session.here
        found = neighbour(session.graph, here.id if here is not None else session.graph.root, way)
        if found >= 0:
            session.select_node(found)

    def set_motion(self, yes: bool) -> None:
        """Let things move, or not."""
        setting.keep_motion(yes)
        canvas = self.bench.canvas if self.bench is not None else None
        if canvas is not None:
            canvas.set_motion(yes)

    def set_sampling(self, hz: float) -> None:
        """How often values on the screen are refreshed while a script runs."""
        setting.keep_sampling_hz(hz)
        canvas = self.bench.canvas if self.bench is not None else None
        if canvas is not None:
            canvas.set_sampling(hz)

    def show_palette(self) -> None:
        """Open the command palette."""
        if self.bench is None:
            return
        if self.palette_view is None:
            from app.dialogs.palette import CommandPalette

            self.palette_view = CommandPalette(
                self, self.session, lambda name: self.shortcuts.trigger(BY_ID[name]), self.bench.show_line
            )
        self.palette_view.open()

    def _show_dialog(self, dialog: QWidget) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def show_keys(self) -> None:
        """All keys on one page."""
        from app.dialogs.keys import KeysDialog

        self._show_dialog(KeysDialog(self))

    def show_about(self) -> None:
        """What this is."""
        from app.dialogs.about import AboutDialog

        self._show_dialog(AboutDialog(self))

    def show_preferences(self) -> None:
        """Theme, motion, sampling."""
        from app.dialogs.preference import PreferenceDialog

        self._show_dialog(
            PreferenceDialog(
                self,
                theme_choice(),
                setting.motion(),
                setting.sampling_hz(),
                self.choose_theme,
                self.set_motion,
                self.set_sampling,
            )
        )

    # -- end -------------------------------------------------------------------------------------------------

    def quit(self) -> None:
        """Close the window."""
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the arrangement; end the child."""
        if not self._closing:
            self._closing = True
            self._keep_script_state()
            setting.keep_arrangement("window", self.saveGeometry())
            if self.bench is not None:
                self.bench.keep()
                if self.bench.canvas is not None:
                    self.bench.canvas.close()
            self.pulse.stop()
            self._forget_theme()
            self.playback.pause()
            self.futures.close()
            if self.bridge is not None:
                self.bridge.close()
        super().closeEvent(event)
