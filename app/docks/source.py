"""The script: numbers, colours, the current line, breakpoints, the failed line in red."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu

from app.look.sentence import sentence
from app.session.session import Session

from .blank import BlankOr
from .code_view import CodeView
from .dock import Dock
from .file_reader import read_text


def line_places(session: Session, name: str) -> dict[int, bool]:
    """Lines of the file `name` with a breakpoint -> whether it is enabled."""
    lines: dict[int, bool] = {}
    for point in session.breakpoints:
        if point.kind != "line":
            continue
        file, _, number = point.place.rpartition(":")
        if number.isdigit() and (not file or Path(file).name == name):
            lines[int(number)] = point.enabled
    return lines


class SourceDock(Dock):
    """Source: follows the walk; a click beside a line sets or removes a breakpoint."""

    key = "source"
    title = "Source"

    def __init__(self, session: Session) -> None:
        self.view = CodeView()
        super().__init__(session)
        self.body = BlankOr("empty.source", self.view)
        self.setWidget(self.body)
        self.view.gutter_clicked.connect(self.toggle_line)
        self.view.setContextMenuPolicy(self.view.contextMenuPolicy().CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._menu)
        self._shown: tuple[str, str] = ("", "")
        self._others: dict[str, str] = {}
        self._revealed: tuple[str, int] = ("", 0)
        self._place: object = None

    @property
    def file(self) -> str:
        """The name of the file that is shown."""
        return Path(self._shown[0]).name

    def toggle_line(self, line: int) -> None:
        """Set a breakpoint on this line, or take it away."""
        place = str(line) if self._is_script(self._shown[0]) else f"{self._shown[0]}:{line}"
        for point in self.session.breakpoints:
            if point.kind == "line" and point.place in (place, f"{self.file}:{line}"):
                place = point.place
        self.session.toggle_breakpoint("line", place)

    def _menu(self, at: QPoint) -> None:
        line = self.view.line_at(at.y())
        menu = QMenu(self)
        menu.addAction("Run to this line", lambda: self.session.run_to(line=line, file=self._shown[0]))
        menu.addAction("Stop at this line, or no longer", lambda: self.toggle_line(line))
        menu.addSeparator()
        copy = menu.addAction("Copy", self.view.copy)
        copy.setEnabled(self.view.textCursor().hasSelection())
        menu.exec(self.view.mapToGlobal(at))
        menu.deleteLater()

    def _is_script(self, file: str) -> bool:
        session = self.session
        script = str(session.path or "") if not session.is_recording else ""
        if session.started is not None:
            script = session.started.script
        return not file or not script or Path(file).name == Path(script).name

    def _show(self, file: str, source: str) -> None:
        if (file, source) != self._shown:
            self._shown = (file, source)
            self.view.set_source(source)

    def look(self, changes: frozenset[str]) -> None:
        """Show the file of the place where the run stands, failed, or what is selected."""
        session = self.session
        script = str(session.path or "")
        here, chosen, pause = session.here, session.selected_node, session.standing
        place = (here, pause, session.timeline.backward, session.timeline.position)
        if changes & {"selection", "replaced"} or place != self._place:
            self._revealed = ("", 0)
        self._place = place
        failure = session.failure
        file, current, selected, failed = "", 0, 0, 0
        if failure is not None and failure.line:
            file, failed = failure.file, failure.line
        elif here is not None and here.line:
            file, current = here.file, here.line
        elif pause is not None and pause.line:
            file, current = pause.file, pause.line
        if chosen is not None and chosen.line and (not file or Path(chosen.file).name == Path(file).name):
            file, selected = chosen.file, chosen.line
        if self._revealed[1]:
            shown, selected = self._revealed
            if Path(shown).name != Path(file).name:
                file, current, failed = shown, 0, 0
        if self._is_script(file):
            self._show(script, session.source)
        elif file in self._others:
            self._show(file, self._others[file])
        else:
            self._fetch(file)
        self.body.show_widget(bool(session.source))
        self.view.mark(current, selected, failed, line_places(session, Path(file or script).name))

    def reveal(self, file: str, line: int) -> None:
        """Bring a line of this file ('': the script) into view; it stays marked until something else is
        selected or the run goes on."""
        self.look(frozenset())
        self._revealed = (file or str(self.session.path or ""), line)
        self.look(frozenset())
        self.view.reveal(line)

    def _fetch(self, file: str) -> None:
        self._others[file] = ""

        def arrived(text: str | None, error: Exception | None) -> None:
            self._others[file] = text if text is not None else f"# {sentence('source.unreadable')}: {error}"
            self.tell(frozenset({"cursor"}))

        read_text(file, arrived)

    def retheme(self) -> None:
        """Colour the text again."""
        self.view.retheme()
