"""`Asking`: brings “why” to the panel that answers, and goes first where the answer can be given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QMessageBox

from app.session.errand import Errand, bad_loss_text
from app.session.explanation import Page
from app.session.refusal import Refusal
from app.session.reproduction import taken_names, write_files

from .notice import Notice

if TYPE_CHECKING:
    from app.docks.why import WhyDock

    from .window import MainWindow

INPLACE = "modified by an inplace operation"
Buttons = tuple[tuple[str, Callable[[], object]], ...]


class Asking:
    """What the window does with questions: shows the panel, runs errands, and says what was noticed."""

    def __init__(self, window: MainWindow, notice: Notice) -> None:
        self._window = window
        self._notice = notice
        self.session = window.session
        self.errand = Errand(window.session)
        self._offered: object = None
        self._silent = False
        self._refusal: Refusal | None = None
        notice.close_button.clicked.connect(self._dismissed)

    @property
    def dock(self) -> WhyDock | None:
        """The panel, once the window is complete."""
        return self._window.bench.why if self._window.bench is not None else None

    def listen(self, dock: WhyDock) -> None:
        """Do what the panel asks for."""
        dock.errand_asked.connect(self._go_and_ask)
        dock.line_chosen.connect(self._show_line)
        dock.save_asked.connect(self.ask_save_reproduction)

    def _show_line(self, file: str, line: int) -> None:
        """A node that was selected at the same time has its say first: the line is to stay."""
        self._window.pulse.flush()
        if self._window.bench is not None:
            self._window.bench.show_line(file, line)

    # -- asking ----------------------------------------------------------------------------------------------

    def ask(self, topic: str, node: int = -1) -> None:
        """Show the panel on this topic, of this node or of what is selected, and ask."""
        dock = self.dock
        if dock is None:
            return
        if node >= 0:
            self.session.select_node(node)
        if dock.inquiry.subject.variable and node >= 0:
            dock.inquiry.ask_of("")
        dock.inquiry.turn_to(topic)
        dock.inquiry.demand()
        dock.show()
        dock.raise_()
        dock.tell(frozenset({"cursor"}))

    def go_and_ask(self) -> None:
        """Ask what the panel is turned to; where the run does not stand, go to this iteration first."""
        dock = self.dock
        if dock is None:
            return
        if dock.inquiry.stands:
            self.ask(dock.inquiry.topic)
        else:
            self._go_and_ask("again")

    def _go_and_ask(self, how: str) -> None:
        session, dock = self.session, self.dock
        if dock is None:
            return
        if how == "pause":
            dock.inquiry.demand()
            session.pause()
        elif how == "first":
            dock.inquiry.demand()
            session.step("iteration")
        else:
            topic, subject, graph = dock.inquiry.topic, dock.inquiry.subject, session.graph.hash
            current = session.timeline.current or session.timeline.last

            def arrived() -> None:
                if subject.node >= 0 and session.graph.hash == graph:
                    session.select_node(subject.node)
                elif subject.variable and self.dock is not None:
                    self.dock.inquiry.ask_of(subject.variable)
                self.ask(topic)

            if current is not None:
                self.errand.go(current.number, arrived)

    def find_nan(self) -> None:
        """Repeat the run, stop where a NaN or Inf is produced, and ask where it came from."""
        first = self.session.findings.first_bad_loss
        current = self.session.timeline.current or self.session.timeline.last
        backward = first if first is not None else current.number if current is not None else 0
        if self.errand.hunt_nan(backward, lambda: self.ask("nan")):
            self._silent = True
            self._notice.clear()
            if self.dock is not None:
                self.dock.inquiry.turn_to("nan")
                self.dock.show()
                self.dock.raise_()

    def show_life(self) -> None:
        """Repeat the run to the backward that was refused, and show the life of the tensor it needed."""
        last, failure = self.session.timeline.last, self.session.failure
        message = failure.message if failure is not None else ""

        def arrived() -> None:
            self._refusal = Refusal(self.session, message)
            self._look_for_refused()

        if last is not None:
            self.errand.go(last.number, arrived)

    def _look_for_refused(self) -> None:
        refusal = self._refusal
        if refusal is None:
            return
        refusal.look()
        if refusal.is_over or self.session.state != "paused":
            self._refusal = None
            if self.session.state == "paused":
                self.ask("versions", refusal.found)

    # -- noticing --------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Go on with an errand; say when the loss has become NaN or Inf."""
        self.errand.look()
        self._look_for_refused()
        if self.dock is not None:
            self.dock.say_errand(self.errand.words)
        session = self.session
        if self.errand.message:
            self._window.status.say(self.errand.message)
            self.errand.message = ""
        if session.started is not self._offered:
            self._offered, self._silent = session.started, self._silent and self.errand.is_under_way
        first = session.findings.first_bad_loss
        notice = self._notice
        if first is None or self._silent or notice.kind or self.errand.is_under_way:
            return
        word = bad_loss_text(session.findings.first_bad_value)
        can_run = not session.is_recording and session.path is not None
        buttons: Buttons = (("Find where it came from", self.find_nan),) if can_run else ()
        notice.say("warn", f"The loss became {word} at iteration {first + 1}.", buttons)

    def offers(self, message: str) -> Buttons:
        """What can be done about a run that failed with this message."""
        if INPLACE in message and not self.session.is_recording and len(self.session.timeline):
            return (("Show the tensor's life", self.show_life),)
        return ()

    def _dismissed(self) -> None:
        self._silent = True

    # -- saving ----------------------------------------------------------------------------------------------

    def ask_save_reproduction(self, page: Page) -> None:
        """Choose a folder and write the page's files there; what is there already is asked about."""
        start = str(self.session.path.parent) if self.session.path is not None else ""
        folder = QFileDialog.getExistingDirectory(self._window, "Save a reproduction in", start)
        if folder:
            self.save_reproduction(page, Path(folder))

    def save_reproduction(self, page: Page, folder: Path) -> bool:
        """Write the page's files into the folder; whether they were written."""
        taken = taken_names(folder, page.files)
        if taken and not self._may_replace(folder, taken):
            return False
        try:
            written = write_files(folder, page.files, replace=bool(taken))
        except OSError as error:
            self._notice.say("error", f"The reproduction could not be saved: {error}")
            return False
        self._window.status.say(f"{', '.join(p.name for p in written)} saved in {folder.name}")
        return True

    def _may_replace(self, folder: Path, taken: list[str]) -> bool:
        answer = QMessageBox.question(
            self._window,
            "Save a reproduction",
            f"{', '.join(taken)} is already in {folder.name}. Replace it?",
        )
        return answer == QMessageBox.StandardButton.Yes
