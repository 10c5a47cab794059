"""Draws a tree's rows: the name on the left, a quiet figure at the right edge."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTreeWidget

from app.look import font
from app.look.theme import theme

TOKEN_ROLE = Qt.ItemDataRole.UserRole + 1
FIGURE_ROLE = Qt.ItemDataRole.UserRole + 2
STRONG_ROLE = Qt.ItemDataRole.UserRole + 3
REMARK_ROLE = Qt.ItemDataRole.UserRole + 5
FIGURE_TOKEN_ROLE = Qt.ItemDataRole.UserRole + 6


class RightColumn(QStyledItemDelegate):
    """One column of names and figures. Roles: colour's token, figure, quiet remark, whether it stands out."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Rows of 25 px, as in the look."""
        return QSize(80, 25)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Ground, name, figure."""
        look = theme()
        painter.save()
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(option.rect, look["accent_soft"])
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(option.rect, look["bg"])
        figure = index.data(FIGURE_ROLE) or ""
        right = option.rect.adjusted(0, 0, -16, 0)
        width = 0
        if figure:
            painter.setFont(font.body(12))
            metrics = painter.fontMetrics()
            figure = metrics.elidedText(figure, Qt.TextElideMode.ElideRight, round(right.width() * 0.58))
            width = metrics.horizontalAdvance(figure) + 12
            painter.setPen(look[index.data(FIGURE_TOKEN_ROLE) or "quiet"])
            painter.drawText(right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, figure)
        strong = bool(index.data(STRONG_ROLE))
        painter.setFont(font.medium() if strong else font.body())
        token = "accent" if strong or chosen else index.data(TOKEN_ROLE) or "text"
        painter.setPen(look[token])
        left = option.rect.adjusted(4, 0, -16 - width, 0)
        text = painter.fontMetrics().elidedText(
            str(index.data() or ""), Qt.TextElideMode.ElideRight, left.width()
        )
        painter.drawText(left, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        remark = index.data(REMARK_ROLE)
        if remark:
            rest = left.adjusted(painter.fontMetrics().horizontalAdvance(text) + 8, 0, 0, 0)
            painter.setFont(font.body())
            painter.setPen(look["accent" if strong else "quiet"])
            painter.drawText(
                rest,
                Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
                painter.fontMetrics().elidedText(remark, Qt.TextElideMode.ElideRight, rest.width()),
            )
        painter.restore()


def dress(tree: QTreeWidget) -> None:
    """Give a tree this look: no header, one column, the figures on the right."""
    tree.setHeaderHidden(True)
    tree.setIndentation(16)
    tree.setMouseTracking(True)
    tree.setRootIsDecorated(True)
    tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    tree.setItemDelegate(RightColumn(tree))
    tree.setUniformRowHeights(True)
