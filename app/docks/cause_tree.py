"""The story of a NaN or Inf as a tree: where it was produced, what passed it on, where it ended."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QStyleOptionViewItem, QTreeWidget, QTreeWidgetItem

from app.look.theme import theme
from app.session.explanation import Row

from .right_column import FIGURE_ROLE, REMARK_ROLE, STRONG_ROLE, TOKEN_ROLE, RightColumn, dress
from .why_part import TONES

TONE_ROLE = Qt.ItemDataRole.UserRole + 20
PLACE_ROLE = Qt.ItemDataRole.UserRole + 21
ROW_HEIGHT_PX = 25
ROWS_MAX = 12


class CauseColumn(RightColumn):
    """A row with a mark before its name: filled where the value was produced, hollow where it passed."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Mark, then the row."""
        moved = QStyleOptionViewItem(option)
        moved.rect = option.rect.adjusted(16, 0, 12, 0)
        super().paint(painter, moved, index)
        tone = index.data(TONE_ROLE) or "quiet"
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        token = TONES[tone][1]
        painter.setPen(QPen(theme()[token], 1.6))
        hollow = tone in ("quiet", "good")
        painter.setBrush(Qt.BrushStyle.NoBrush if hollow else theme()[token])
        painter.drawEllipse(QPointF(option.rect.left() + 9.0, option.rect.center().y() + 0.5), 4.0, 4.0)
        painter.restore()


class CauseTree(QTreeWidget):
    """One row per value of the story; a lone way goes straight down, a fork goes to the right."""

    cause_chosen = Signal(object)

    def __init__(self, rows: tuple[Row, ...]) -> None:
        super().__init__()
        dress(self)
        self.setItemDelegate(CauseColumn(self))
        self.setIndentation(14)
        self.setAccessibleName("Where it came from, and where it ended")
        self.rows = rows
        self.items: list[QTreeWidgetItem] = []
        last_at: list[QTreeWidgetItem] = []
        first_phase = rows[0].phase if rows else ""
        for place, row in enumerate(rows):
            depth = min(row.depth, len(last_at))
            parent: QTreeWidget | QTreeWidgetItem = last_at[depth - 1] if depth else self
            item = QTreeWidgetItem(parent, [row.title or row.phase])
            item.setData(0, TONE_ROLE, row.tone)
            same = row.phase == first_phase
            item.setData(0, FIGURE_ROLE, row.mark if same else f"{row.phase}, {row.mark}")
            item.setData(0, REMARK_ROLE, f"line {row.line}" if row.line and same else "")
            item.setData(0, TOKEN_ROLE, "text" if row.mark == "produced" else "quiet")
            item.setData(0, STRONG_ROLE, False)
            item.setData(0, PLACE_ROLE, place)
            item.setToolTip(0, " · ".join(t for t in (row.text, _odd(row)) if t))
            del last_at[depth:]
            last_at.append(item)
            self.items.append(item)
        self.expandAll()
        shown = min(ROWS_MAX, max(2, len(rows)))
        self.setFixedHeight(shown * ROW_HEIGHT_PX + 18)
        self.currentItemChanged.connect(lambda now, _: self._chosen(now))
        self.itemClicked.connect(lambda now, _: self._chosen(now))

    def _chosen(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.cause_chosen.emit(self.rows[item.data(0, PLACE_ROLE)])


def _odd(row: Row) -> str:
    digest = row.digest
    if digest is None:
        return ""
    return " ".join(f"{n} {w}" for n, w in ((digest.nans, "NaN"), (digest.infs, "Inf")) if n)
