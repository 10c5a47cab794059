"""Expressions kept in view: evaluated at every stop."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from app.session.session import Session

from .blank import BlankOr
from .dock import Dock
from .right_column import FIGURE_ROLE, FIGURE_TOKEN_ROLE, dress


class WatchDock(Dock):
    """Watch: an expression and its value per row; a field below adds one; Delete takes it away."""

    key = "watch"
    title = "Watch"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.tree = QTreeWidget()
        dress(self.tree)
        self.tree.setRootIsDecorated(False)
        self.body = BlankOr("empty.watch", self.tree)
        self.field = QLineEdit()
        self.field.setPlaceholderText("Watch: grad.norm()")
        self.field.returnPressed.connect(self._add)
        page = QWidget()
        page.setObjectName("DockBody")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 12)
        layout.addWidget(self.body, 1)
        inner = QVBoxLayout()
        inner.setContentsMargins(12, 0, 12, 0)
        inner.addWidget(self.field)
        layout.addLayout(inner)
        self.setWidget(page)
        self._shown: list[str] = []
        self._items: list[QTreeWidgetItem] = []

    def look(self, changes: frozenset[str]) -> None:
        """List the expressions with what is known of them."""
        session = self.session
        if self._shown != session.watches:
            self._shown = list(session.watches)
            self.tree.clear()
            self._items = [QTreeWidgetItem(self.tree, [expression]) for expression in self._shown]
        for item, expression in zip(self._items, self._shown, strict=True):
            known = session.evaluated.get("watch:" + expression)
            wrong = session.fetch_errors.get("watch:" + expression)
            item.setData(0, FIGURE_ROLE, wrong or (known.text.replace("\n", " ") if known else "–"))
            item.setData(0, FIGURE_TOKEN_ROLE, "grad_text" if wrong else "quiet")
            item.setToolTip(0, wrong or (known.text if known else "Its value appears at the next stop."))
        self.body.show_widget(bool(session.watches))

    def _add(self) -> None:
        text = self.field.text().strip()
        if text and text not in self.session.watches:
            self.session.set_watches([*self.session.watches, text])
        self.field.clear()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete takes the chosen expressions away."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            gone = {item.text(0) for item in self.tree.selectedItems()}
            self.session.set_watches(w for w in self.session.watches if w not in gone)
        else:
            super().keyPressEvent(event)
