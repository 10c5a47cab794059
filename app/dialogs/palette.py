"""The command palette: type a few letters, press Enter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.actions.catalogue import ACTIONS
from app.look import font
from app.look.formula import formula_words
from app.look.icon import icon_pixmap
from app.look.number import shape_text
from app.look.theme import theme
from app.session.session import Session

LIMIT = 60
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be found: its kind, its name, a quiet remark, its key, and what Enter does."""

    kind: str
    name: str
    remark: str
    key: str
    run: Callable[[], object]


def match(query: str, text: str) -> int:
    """How well the query fits: 0 not at all; higher is better. Letters in order suffice."""
    if not query:
        return 1
    low = text.lower()
    place = low.find(query)
    if place == 0:
        return 400 - len(text)
    if place > 0:
        return (300 if not low[place - 1].isalnum() else 200) - len(text) // 4
    at = -1
    for letter in query:
        at = low.find(letter, at + 1)
        if at < 0:
            return 0
    return 20


class _Entries(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []

    def set_entries(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.entries)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        return self.entries[index.row()].name if role == Qt.ItemDataRole.DisplayRole else None


ICONS = {"action": "command", "node": "node", "leaf": "leaf", "op": "info", "line": "script"}


class _Row(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(100, 32)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        model = index.model()
        assert isinstance(model, _Entries)
        entry = model.entries[index.row()]
        look = theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look["accent_soft"])
            painter.drawRoundedRect(option.rect.adjusted(0, 1, 0, -1), 6, 6)
        box: QRect = option.rect.adjusted(12, 0, -12, 0)
        picture = icon_pixmap(ICONS.get(entry.kind, "dot"), "accent" if chosen else "quiet", 14, 2.0)
        painter.drawPixmap(box.left(), box.center().y() - 6, 14, 14, picture)
        left = box.adjusted(26, 0, 0, 0)
        right = 0
        if entry.key:
            painter.setFont(font.body(11))
            right = painter.fontMetrics().horizontalAdvance(entry.key) + 10
            cap = QRect(box.right() - right, box.center().y() - 8, right, 18)
            painter.setPen(look["line"])
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(cap, 4, 4)
            painter.setPen(look["quiet"])
            painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, entry.key)
        painter.setFont(font.mono(12) if entry.kind == "line" else font.medium())
        painter.setPen(look["accent" if chosen else "text"])
        room = left.adjusted(0, 0, -right - 12, 0)
        name = painter.fontMetrics().elidedText(entry.name, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, name)
        wide = painter.fontMetrics().horizontalAdvance(name) + 12
        painter.setFont(font.body(12))
        painter.setPen(look["quiet"])
        rest = room.adjusted(wide, 0, 0, 0)
        painter.drawText(
            rest,
            Qt.AlignmentFlag.AlignVCenter,
            painter.fontMetrics().elidedText(entry.remark, Qt.TextElideMode.ElideRight, rest.width()),
        )
        painter.restore()


class CommandPalette(QFrame):
    """Lies over the upper middle of the window. Escape or a click beside it closes it."""

    def __init__(
        self,
        window: QWidget,
        session: Session,
        trigger: Callable[[str], object],
        show_line: Callable[[str, int], object],
    ) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("Palette")
        self._session = session
        self._trigger = trigger
        self._show_line = show_line
        self.field = QLineEdit()
        self.field.setPlaceholderText("Find actions, nodes, ops, source")
        self.lens = QLabel()
        self.lens.setPixmap(icon_pixmap("search", "quiet", 16, 2.0))
        self.model = _Entries()
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(_Row(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.clicked.connect(lambda _: self._take())
        row = QHBoxLayout()
        row.setContentsMargins(16, 4, 16, 4)
        row.setSpacing(8)
        row.addWidget(self.lens)
        row.addWidget(self.field, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self.list, 1)
        self.field.textChanged.connect(self.refill)
        self.field.installEventFilter(self)
        self._all: list[Entry] = []
        self.hide()

    def open(self) -> None:
        """Gather what can be found now, and take the keyboard."""
        self._all = self._gather()
        self.field.clear()
        self.refill()
        parent = self._window
        width = min(640, parent.width() - 80)
        self.setGeometry((parent.width() - width) // 2, 72, width, min(440, parent.height() - 140))
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _gather(self) -> list[Entry]:
        session = self._session
        entries = [
            Entry("action", a.title.rstrip("…"), a.text, a.shortcut, partial(self._trigger, a.id))
            for a in ACTIONS
            if a.id != "view.palette" and a.enabled(session)
        ]
        graph = session.graph
        for node in graph.nodes:
            place = graph.modules[node.module].path if 0 <= node.module < len(graph.modules) else ""
            remark = " · ".join(
                t for t in (shape_text(node.shape), place, f"line {node.line}" if node.line else "") if t
            )
            entries.append(
                Entry(
                    "leaf" if node.kind == "leaf" else "node",
                    node.name,
                    remark,
                    "",
                    partial(session.select_node, node.id),
                )
            )
        for number, line in enumerate(session.source.split("\n"), 1):
            if line.strip():
                entries.append(
                    Entry("line", line.strip(), f"line {number}", "", partial(self._show_line, "", number))
                )
        for name, op in session.catalogue.items():
            if name == op.name:
                entries.append(
                    Entry(
                        "op",
                        op.name,
                        op.text or formula_words(op.formula),
                        "",
                        partial(self._first_of, op.grad_fn),
                    )
                )
        return entries

    def _first_of(self, grad_fn: str) -> None:
        for node in self._session.graph.nodes:
            if node.name == grad_fn:
                self._session.select_node(node.id)
                return

    def refill(self) -> None:
        """Show what fits the letters typed; without letters, the actions."""
        query = self.field.text().strip().lower()
        if not query:
            found = [e for e in self._all if e.kind in ("action", "node", "leaf")][:LIMIT]
        else:
            bonus = {"action": 30, "node": 20, "leaf": 20, "line": 0, "op": 10}
            scored = [
                (match(query, e.name) or (match(query, e.remark) if len(query) > 2 else 0) // 8, e)
                for e in self._all
            ]
            ranked = sorted(
                ((s + bonus[e.kind], n, e) for n, (s, e) in enumerate(scored) if s > 0),
                key=lambda t: (-t[0], t[1]),
            )
            found = [e for _, _, e in ranked[:LIMIT]]
        self.model.set_entries(found)
        if found:
            self.list.setCurrentIndex(self.model.index(0))

    def _take(self) -> None:
        row = self.list.currentIndex().row()
        if 0 <= row < len(self.model.entries):
            entry = self.model.entries[row]
            self.dismiss()
            entry.run()

    def dismiss(self) -> None:
        """Close, and give the keyboard back."""
        self.hide()
        self._window.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows move, Enter takes, Escape closes."""
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            row, count = self.list.currentIndex().row(), len(self.model.entries)
            if key == Qt.Key.Key_Escape:
                self.dismiss()
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take()
                return True
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up) and count:
                step = 1 if key == Qt.Key.Key_Down else -1
                self.list.setCurrentIndex(self.model.index((row + step) % count))
                return True
        elif watched is self.field and event.type() == QEvent.Type.FocusOut and self.isVisible():
            self.hide()
        return super().eventFilter(watched, event)

    def retheme(self) -> None:
        """The lens in the colours of the theme."""
        self.lens.setPixmap(icon_pixmap("search", "quiet", 16, 2.0))
