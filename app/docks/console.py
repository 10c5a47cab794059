"""What the script printed, what the app has to say about the run, and a line for input()."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.look import font
from app.session.session import Session

from .blank import BlankOr
from .console_view import ConsoleView
from .dock import Dock


class ConsoleDock(Dock):
    """Console: bounded and quick; when the script asks input() a field appears below."""

    key = "console"
    title = "Console"

    def __init__(self, session: Session) -> None:
        self.view = ConsoleView()
        super().__init__(session)
        self.body = BlankOr("empty.console", self.view)
        self.prompt = QLabel()
        self.prompt.setFont(font.mono())
        self.field = QLineEdit()
        self.field.setFont(font.mono())
        self.field.setPlaceholderText("The script waits for a line. Type it and press Enter")
        self.field.returnPressed.connect(self._say)
        self.asking = QWidget()
        row = QHBoxLayout(self.asking)
        row.setContentsMargins(16, 4, 16, 8)
        row.setSpacing(8)
        row.addWidget(self.prompt)
        row.addWidget(self.field, 1)
        page = QWidget()
        page.setObjectName("DockBody")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.body, 1)
        layout.addWidget(self.asking)
        self.asking.hide()
        self.setWidget(page)
        self._revision: tuple[int, int] = (0, -1)

    def look(self, changes: frozenset[str]) -> None:
        """Show new text; ask for a line when the script does."""
        text = self.session.console
        asked = self.session.input_asked
        if (id(text), text.revision) != self._revision:
            self._revision = (id(text), text.revision)
            self.body.show_widget(len(text) > 0 or bool(text.open_lines()) or asked is not None)
            self.view.show_text(text)
        if asked is not None and not self.asking.isVisibleTo(self):
            self.body.show_widget(True)
            self.prompt.setText(asked.prompt.strip() or "input")
            self.asking.show()
            self.field.setFocus()
        elif asked is None and self.asking.isVisibleTo(self):
            self.asking.hide()

    def _say(self) -> None:
        text = self.field.text()
        self.field.clear()
        self.asking.hide()
        self.session.say(text)

    def retheme(self) -> None:
        """Draw again."""
        self.view.viewport().update()
