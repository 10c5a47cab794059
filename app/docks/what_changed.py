"""What changed since the stop before, or since a pinned moment."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.session.difference import Difference, difference
from app.session.moment import Moments
from app.session.session import Session

from .blank import BlankOr, ElidedLabel
from .change_list import ChangeList
from .change_text import place_text, summary_text
from .dock import Dock


class WhatChangedDock(Dock):
    """What changed: nodes of another structure, values and gradients by how much, new NaN and Inf."""

    key = "what_changed"
    title = "What changed"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.moments = Moments(session)
        self.difference: Difference | None = None
        self.span = QLabel()
        self.summary = ElidedLabel()
        self.pin = QToolButton()
        self.pin.setObjectName("Quiet")
        self.pin.setText("pin")
        self.pin.setCheckable(True)
        self.pin.setToolTip("Compare every later stop with this one  Shift+D")
        self.pin.clicked.connect(lambda yes: self.pin_moment() if yes else self.unpin_moment())
        self.list = ChangeList()
        self.list.chosen.connect(self._select)
        row = QHBoxLayout()
        row.setContentsMargins(16, 6, 16, 4)
        row.setSpacing(12)
        row.addWidget(self.span)
        row.addWidget(self.summary, 1)
        row.addWidget(self.pin)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self.list, 1)
        self.body = BlankOr("empty.what_changed", page)
        self.setWidget(self.body)
        self._seen = -1
        # Every stop is noted, seen or not: the panel may be opened one stop later.
        self._is_seen = False
        self.visibilityChanged.connect(self._seen_or_not)
        session.cursor_changed.connect(self.moments.look)
        session.replaced.connect(self.moments.forget)

    def pin_moment(self) -> None:
        """Compare every later stop with this one."""
        self.moments.pin()
        self.look(frozenset())

    def unpin_moment(self) -> None:
        """Compare with the stop before again."""
        self.moments.unpin()
        self.look(frozenset())

    def look(self, changes: frozenset[str]) -> None:
        """Compare anew when there is another moment."""
        moments = self.moments
        if self._seen == moments.revision:
            return
        self._seen = moments.revision
        self.pin.setChecked(moments.pinned is not None)
        now = moments.now
        before = moments.pinned or moments.before
        self.body.show_widget(now is not None)
        if now is None:
            self.difference = None
        elif before is None:
            self.difference = None
            self.span.setText(place_text(now).capitalize())
            self.summary.setText("This is the first stop; what changes is told at the next.")
        else:
            self.difference = difference(before, now)
            word = "Since the pinned" if moments.pinned is not None else "Since"
            self.span.setText(f"{word} {place_text(before)}")
            self.summary.setText(summary_text(self.difference))
        self.list.show_difference(self.difference)
        self._mark()

    def _seen_or_not(self, yes: bool) -> None:
        # A panel behind another tab counts as visible to Qt; this signal knows better.
        self._is_seen = yes
        self._mark()

    def _mark(self) -> None:
        """The canvas marks what changed most, as long as this panel is seen."""
        found = self.difference if self._is_seen else None
        marks = {} if found is None else found.marks()
        if self.session.findings.compare(self.key, "" if found is None else found.after.hash, marks):
            self.session.cursor_changed.emit()

    def _select(self, number: int) -> None:
        if self.difference is not None and self.difference.after.hash == self.session.graph.hash:
            self.session.select_node(number)
