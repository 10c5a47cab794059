"""Parts of the page that says why: a verdict's chip, bars, and one kind of row for each topic."""

from __future__ import annotations

import html
import math
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.look import font
from app.look.number import figure
from app.look.theme import theme
from app.session.explanation import Row
from engine.protocol.event import Digest

from .digest_text import digest_line
from .inspector_part import caption, muted
from .picture import HeatMap

TONES = {
    "good": ("ok_text", "ok"),
    "warn": ("warn_text", "warn"),
    "bad": ("grad_text", "grad"),
    "here": ("accent", "accent"),
    "quiet": ("quiet", "faint"),
}
"""tone -> the token of words, the token of marks and grounds"""
ULP_MAX = 1e5
"""An error of more units in the last place is no matter of rounding, and is not told in them."""


class Chip(QWidget):
    """A verdict in a word or two on a soft ground of its colour."""

    def __init__(self, text: str = "", tone: str = "quiet") -> None:
        super().__init__()
        self.text, self.tone = text, tone
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFont(font.medium(12))
        self.say(text, tone)

    def say(self, text: str, tone: str) -> None:
        """Another verdict; nothing is shown where it is empty."""
        self.text, self.tone = text, tone
        # A widget without a parent that is shown is a window of its own.
        if self.parentWidget() is not None or not text:
            self.setVisible(bool(text))
        self.setAccessibleName(text)
        self.setFixedSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as its words."""
        room = 32 if self.tone == "good" else 20
        return QSize(self.fontMetrics().horizontalAdvance(self.text) + room, 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, a check where it is good, words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = theme()
        words, ground = TONES[self.tone]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.with_alpha(ground, 0.14))
        painter.drawRoundedRect(QRectF(self.rect()), 11, 11)
        painter.setPen(look[words])
        left = 10.0
        if self.tone == "good":
            pen = QPen(look[words], 1.6)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.drawPolyline([QPointF(10, 11.5), QPointF(12.5, 14), QPointF(17, 8.5)])
            left = 22.0
        painter.setFont(self.font())
        box = QRectF(left, 0, self.width() - left, self.height() - 1)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, self.text)


class Bar(QWidget):
    """A share of 1 as a thin bar on a quiet ground."""

    def __init__(self, share: float, token: str, alpha: float = 1.0) -> None:
        super().__init__()
        self.share, self.token, self.alpha = max(0.0, min(1.0, share)), token, alpha
        self.setFixedHeight(6)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground and bar; what is little but not nothing is still seen."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme()["group"])
        painter.drawRoundedRect(QRectF(0, 0, self.width(), 6), 3, 3)
        if self.share > 0:
            painter.setBrush(theme().with_alpha(self.token, self.alpha))
            painter.drawRoundedRect(QRectF(0, 0, max(6.0, self.width() * self.share), 6), 3, 3)


def share_text(share: float) -> str:
    """'93 %', '0.4 %', '<0.1 %'."""
    percent = 100 * share
    if 0 < percent < 0.1:
        return "<0.1 %"
    return f"{figure(percent, 2)} %"


def value_text(row: Row) -> str:
    """The number beside a row's bar, in words."""
    if row.value is None:
        return ""
    if row.unit == "share":
        return share_text(row.value)
    return f"× {figure(row.value)}" if row.unit == "factor" else figure(row.value)


def size_text(digest: Digest | None) -> str:
    """A tensor's norm; of a single number the number itself, with its sign."""
    if digest is None:
        return ""
    return figure(digest.mean if math.prod(digest.shape) == 1 else digest.norm)


class AnswerRow(QFrame):
    """A row that leads somewhere: its line in the source, its node in the graph."""

    line_chosen = Signal(str, int)
    node_chosen = Signal(int)
    slot_opened = Signal(int, str)

    def __init__(self, row: Row, node_name: str = "") -> None:
        super().__init__()
        self.setObjectName("Answer")
        self.row = row
        self.node_name = node_name
        self.links = QLabel(self)
        self.links.setObjectName("Muted")
        self.links.setTextFormat(Qt.TextFormat.RichText)
        self.links.setFont(font.body(12))
        self.links.setWordWrap(True)
        self.links.linkActivated.connect(self._link)
        self.links.setText(self._links())
        if not self.links.text():
            self.links.hide()
        if row.line or row.node >= 0:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
            self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.setToolTip("Click to see its line and its node")

    def _links(self) -> str:
        accent = theme().hex("accent")
        style = f'style="color:{accent};text-decoration:none"'
        parts = []
        if self.row.line:
            place = html.escape(f"{Path(self.row.file).name}:{self.row.line}".lstrip(":"))
            parts.append(f'<a href="line" {style}>{place}</a>')
        if self.row.node >= 0 and self.node_name:
            parts.append(f'<a href="node" {style}>{html.escape(self.node_name)}</a>')
        return " &nbsp;·&nbsp; ".join(parts)

    def _link(self, what: str) -> None:
        if what == "line":
            self.line_chosen.emit(self.row.file, self.row.line)
        else:
            self.node_chosen.emit(self.row.node)

    def take(self) -> None:
        """Go to its node and its line."""
        if self.row.node >= 0:
            self.node_chosen.emit(self.row.node)
        if self.row.line:
            self.line_chosen.emit(self.row.file, self.row.line)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The whole row can be clicked."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.take()

    def keyPressEvent(self, event) -> None:
        """Return does what a click does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.take()
        else:
            super().keyPressEvent(event)


def _bar_line(share: float, token: str, text: str, alpha: float = 1.0) -> QHBoxLayout:
    line = QHBoxLayout()
    line.setSpacing(12)
    line.addWidget(Bar(share, token, alpha), 1)
    number = QLabel(text)
    number.setFont(font.body(12))
    number.setObjectName("Muted")
    number.setMinimumWidth(52)
    number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    line.addWidget(number)
    return line


class ReasonRow(AnswerRow):
    """Why a gradient is as it is: the kind, the words, a bar where it is a share, and what to try."""

    def __init__(self, row: Row, node_name: str = "") -> None:
        super().__init__(row, node_name)
        self.setObjectName("Reason")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 12)
        layout.setSpacing(6)
        head = QHBoxLayout()
        head.addWidget(caption(row.title))
        head.addStretch(1)
        if row.value is not None and row.share is None:
            number = QLabel(value_text(row))
            number.setFont(font.mono(12))
            head.addWidget(number)
        layout.addLayout(head)
        words = QLabel(row.text)
        words.setWordWrap(True)
        layout.addWidget(words)
        if row.share is not None:
            layout.addLayout(_bar_line(row.share, TONES[row.tone][1], value_text(row)))
        layout.addWidget(self.links)
        if row.advice:
            layout.addWidget(muted(row.advice))


class ContributionRow(AnswerRow):
    """One gradient that is added: from where, how large, and the sum after it."""

    def _words(self) -> str:
        """The row's sentence, in which the node's name leads to it."""
        words, name, link = html.escape(self.row.text), html.escape(self.node_name), self._links()
        if link and name and words.count(name) == 1 and not self.row.line:
            return words.replace(name, link)
        return " ".join(part for part in (words, link) if part)

    def __init__(self, row: Row, node_name: str = "") -> None:
        super().__init__(row, node_name)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        head = QHBoxLayout()
        head.setSpacing(8)
        number = muted(row.title, wrap=False)
        number.setFont(font.mono(12))
        head.addWidget(number)
        self.links.setFont(font.body())
        self.links.setText(self._words())
        self.links.setVisible(bool(self.links.text()))
        head.addWidget(self.links, 1)
        layout.addLayout(head)
        if row.share is not None:
            layout.addLayout(_bar_line(row.share, "grad", size_text(row.digest)))
        elif row.digest is None and not row.text:
            layout.addWidget(muted("no gradient came along this edge"))
        if row.total is not None and row.total_share is not None:
            layout.addLayout(_bar_line(row.total_share, "grad", f"Σ {size_text(row.total)}", 0.4))
        odd = [d for d in (row.digest, row.total) if d is not None and d.nans + d.infs]
        if odd:
            layout.addWidget(muted(digest_line(odd[0])))
        if row.digest is not None:
            self.setToolTip(digest_line(row.digest))


class VersionRow(AnswerRow):
    """One moment in a tensor's life, hung on a vertical line."""

    GUTTER = 24

    def __init__(self, row: Row, node_name: str = "", first: bool = False, last: bool = False) -> None:
        super().__init__(row, node_name)
        self.first, self.last = first, last
        layout = QVBoxLayout(self)
        layout.setContentsMargins(self.GUTTER, 6, 0, 6)
        layout.setSpacing(2)
        head = QHBoxLayout()
        head.setSpacing(8)
        words = QLabel(f"{row.title} by {row.mark}" if row.mark and not row.text else row.title)
        words.setFont(font.medium())
        head.addWidget(words)
        head.addStretch(1)
        if row.version >= 0:
            number = QLabel(f"version {row.version}")
            number.setObjectName("Muted")
            number.setFont(font.body(12))
            head.addWidget(number)
        layout.addLayout(head)
        if row.text:
            layout.addWidget(muted(row.text))
        layout.addWidget(self.links)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The line, and this moment on it."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = theme()
        middle, y = 7.5, 15.0
        painter.setPen(QPen(look["line"], 2))
        top, bottom = (y if self.first else 0.0), (y if self.last else float(self.height()))
        if bottom > top:
            painter.drawLine(QPointF(middle, top), QPointF(middle, bottom))
        token = TONES[self.row.tone][1]
        painter.setPen(QPen(look[token], 2))
        painter.setBrush(look["panel"] if self.row.tone == "quiet" else look[token])
        painter.drawEllipse(QPointF(middle, y), 4.5, 4.5)


class CheckRow(AnswerRow):
    """One check of one gradient: the verdict, the error, and a picture of it where there is one."""

    def __init__(self, row: Row, node_name: str = "") -> None:
        super().__init__(row, "")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        head = QHBoxLayout()
        name = QLabel(row.title)
        name.setWordWrap(True)
        head.addWidget(name, 1)
        head.addWidget(Chip(row.mark, row.tone), 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(head)
        facts = self._facts()
        if facts:
            label = muted(facts)
            label.setFont(font.body(12))
            layout.addWidget(label)
        if row.text and row.mark != "agrees":
            layout.addWidget(muted(row.text))
        self.heat: HeatMap | None = None
        if row.what and row.mark != "agrees":
            # Where a check agrees there is only rounding to see, in colours that would alarm.
            self.heat = HeatMap(280, 84, fixed=False)
            self.heat.setFixedHeight(84)
            self.heat.setToolTip("The error of each element; click to read the numbers")
            self.heat.clicked.connect(lambda: self.slot_opened.emit(row.node, row.what))
            self.heat_line = muted("the error of each element")
            self.heat_line.setFont(font.body(12))
            layout.addSpacing(4)
            layout.addWidget(self.heat)
            layout.addWidget(self.heat_line)
        self.setToolTip(row.text)
        self.setCursor(Qt.CursorShape.ArrowCursor)

    def _facts(self) -> str:
        row = self.row
        if row.mark in ("not checked", "not differentiable") and not row.checked:
            return ""
        facts = [f"error {figure(row.value or 0.0, 2)}"]
        if 0 < row.ulp < ULP_MAX:
            facts.append(f"{figure(row.ulp, 2)} ulp")
        if row.checked:
            facts.append("1 element" if row.checked == 1 else f"{row.checked} elements")
        return " · ".join(facts)
