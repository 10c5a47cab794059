"""The nodes that changed, the most remarkable first; a click selects the node."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem

from app.session.difference import Difference, NodeChange

from .change_text import row_text, row_tip
from .right_column import FIGURE_ROLE, FIGURE_TOKEN_ROLE, REMARK_ROLE, TOKEN_ROLE, dress

ROWS_MAX = 400


class ChangeList(QTreeWidget):
    """One row for each node of a difference. short: the share alone, where there is little room; the whole is
    the row's tip."""

    chosen = Signal(int)
    """The index, in the later graph, of the node in the row that was chosen."""

    def __init__(self, short: bool = False) -> None:
        super().__init__()
        self._short = short
        dress(self)
        self.setRootIsDecorated(False)
        self.setAccessibleName("Nodes that changed")
        self.rows: list[NodeChange] = []
        self._filling = False
        self.currentItemChanged.connect(lambda *_: self._choose())
        self.itemClicked.connect(lambda *_: self._choose())

    def show_difference(self, found: Difference | None) -> None:
        """List what changed; nothing where nothing is known."""
        self._filling = True
        self.clear()
        self.rows = [] if found is None else found.nodes[:ROWS_MAX]
        for row in self.rows:
            assert found is not None
            remark, figure = row_text(row, found, self._short)
            item = QTreeWidgetItem(self, [row.name])
            item.setData(0, REMARK_ROLE, remark)
            item.setData(0, FIGURE_ROLE, figure)
            item.setData(0, FIGURE_TOKEN_ROLE, _token(row))
            side, number = (found.after, row.after) if row.after >= 0 else (found.before, row.before)
            if side.node(number).kind == "leaf":
                item.setData(0, TOKEN_ROLE, "leaf_text")
            item.setToolTip(0, row_tip(row))
        left = 0 if found is None else len(found.nodes) - len(self.rows)
        if left:
            more = QTreeWidgetItem(self, [f"and {left} more"])
            more.setFlags(Qt.ItemFlag.NoItemFlags)
        self._filling = False

    def _choose(self) -> None:
        item = self.currentItem()
        number = self.indexOfTopLevelItem(item) if item is not None else -1
        if not self._filling and 0 <= number < len(self.rows) and self.rows[number].after >= 0:
            self.chosen.emit(self.rows[number].after)


def _token(row: NodeChange) -> str:
    if row.kind == "spoiled":
        return "warn_text"
    if row.kind in ("added", "removed", "reshaped"):
        return "accent"
    return "grad_text" if row.which == "gradient" else "quiet"
