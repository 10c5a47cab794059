"""Where the run will stop: a list that can be ticked, given a condition, and cleared."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.session.breakpoint import KINDS, Breakpoint
from app.session.session import Session

from .blank import BlankOr
from .dock import Dock

WORDS = {
    "node": "node",
    "op": "op",
    "module": "module",
    "parameter": "parameter",
    "line": "line",
    "iteration": "iteration",
    "nan": "next NaN or Inf",
}


def spoken_place(kind: str, place: str) -> str:
    """A place as it is spoken of: iterations count from 1 on the screen, from 0 in the engine."""
    return str(int(place) + 1) if kind == "iteration" and place.isdigit() else place


def kept_place(kind: str, place: str) -> str:
    """A place as the engine knows it."""
    return str(max(0, int(place) - 1)) if kind == "iteration" and place.isdigit() else place


class BreakpointsDock(Dock):
    """Breakpoints: one row each, with a tick and a condition; a row below adds one."""

    key = "breakpoints"
    title = "Breakpoints"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["Stop at", "When"])
        self.tree.setRootIsDecorated(False)
        self.tree.setIndentation(8)
        self.tree.header().setStretchLastSection(True)
        self.tree.itemChanged.connect(self._edited)
        self.body = BlankOr("empty.breakpoints", self.tree)
        self.kind = QComboBox()
        for kind in KINDS:
            self.kind.addItem(WORDS.get(kind, kind), kind)
        self.kind.setCurrentIndex(KINDS.index("iteration"))
        self.place = QLineEdit()
        self.place.setPlaceholderText("40, AddmmBackward0, linear.weight")
        self.place.returnPressed.connect(self._add)
        row = QHBoxLayout()
        row.setContentsMargins(12, 4, 12, 12)
        row.setSpacing(8)
        row.addWidget(self.kind)
        row.addWidget(self.place, 1)
        page = QWidget()
        page.setObjectName("DockBody")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.body, 1)
        layout.addLayout(row)
        self.setWidget(page)
        self._shown: list[Breakpoint] | None = None
        self._writing = False

    def look(self, changes: frozenset[str]) -> None:
        """List the breakpoints anew when they changed."""
        points = self.session.breakpoints
        if points == self._shown:
            return
        self._shown = [replace(point) for point in points]
        self._writing = True
        self.tree.clear()
        for point in points:
            item = QTreeWidgetItem(
                self.tree,
                [
                    f"{WORDS.get(point.kind, point.kind)} {spoken_place(point.kind, point.place)}".strip(),
                    point.condition,
                ],
            )
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEditable)
            item.setCheckState(0, Qt.CheckState.Checked if point.enabled else Qt.CheckState.Unchecked)
            item.setToolTip(1, "Double-click to write a condition: grad.norm() > 10")
        self.tree.resizeColumnToContents(0)
        self._writing = False
        self.body.show_widget(bool(points))

    def _add(self) -> None:
        kind, place = self.kind.currentData(), self.place.text().strip()
        if place or kind == "nan":
            self.session.set_breakpoints(
                [*self.session.breakpoints, Breakpoint(kind, kept_place(kind, place))]
            )
            self.place.clear()

    def _edited(self, item: QTreeWidgetItem, column: int) -> None:
        if self._writing:
            return
        row = self.tree.indexOfTopLevelItem(item)
        points = list(self.session.breakpoints)
        if 0 <= row < len(points):
            ticked = item.checkState(0) == Qt.CheckState.Checked
            points[row] = replace(points[row], enabled=ticked, condition=item.text(1).strip())
            self._shown = None
            self.session.set_breakpoints(points)

    def remove_chosen(self) -> None:
        """Take away the chosen rows."""
        rows = {self.tree.indexOfTopLevelItem(item) for item in self.tree.selectedItems()}
        if rows:
            self.session.set_breakpoints(p for i, p in enumerate(self.session.breakpoints) if i not in rows)

    def keyPressEvent(self, event) -> None:
        """Delete takes the chosen rows away."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove_chosen()
        else:
            super().keyPressEvent(event)
