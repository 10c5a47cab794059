"""Why a gradient is so, what is added up, a tensor's life, whether to trust it, where a NaN came from."""

from __future__ import annotations

import html
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.look import font
from app.look.number import shape_text
from app.look.sentence import sentence
from app.look.theme import theme
from app.session.explanation import Page, Row
from app.session.inquiry import ON_VARIABLES, PATIENCE_S, REST_S, Inquiry
from app.session.session import Session

from .blank import BlankOr
from .cause_tree import CauseTree
from .digest_text import digest_line
from .dock import Dock
from .inspector_part import caption, muted
from .tensor_table import array_of
from .why_part import AnswerRow, CheckRow, Chip, ContributionRow, ReasonRow, VersionRow

WORDS = {
    "gradient": "Gradient",
    "accumulation": "Sum",
    "versions": "Versions",
    "trust": "Trust",
    "nan": "NaN",
}
PICTURE_LIMIT = 1 << 14
BREAK = "\u200b"
"""A place where a line may break, which is not seen."""
ROWS_MAX = 40
"""More rows are shown only when asked for: a weight may be used at hundreds of places."""


class WhyDock(Dock):
    """Why: asks the run, where it stands, of the selected node or of a variable; only while it is seen."""

    key = "why"
    title = "Why"
    line_chosen = Signal(str, int)
    slot_opened = Signal(int, str)
    errand_asked = Signal(str)
    """The answer needs the run to stand somewhere: go there first ('again', 'pause' or 'first')."""
    save_asked = Signal(object)
    """The files of this page's story are to be saved."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.inquiry = Inquiry(session)
        self.headline = QLabel()
        self.headline.setFont(font.title())
        self.headline.setObjectName("Title")
        self.headline.setWordWrap(True)
        self.chip = Chip()
        self.subtitle = muted()
        self.subtitle.setTextFormat(Qt.TextFormat.RichText)
        self.subtitle.linkActivated.connect(self._subtitle_link)
        self._name = ""
        self.topics: dict[str, QToolButton] = {}
        self.rows: list[AnswerRow] = []
        self.tree: CauseTree | None = None
        self.buttons: dict[str, QPushButton] = {}
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.field = QLineEdit()
        self.field.setPlaceholderText(sentence("why.field"))
        self.field.setToolTip(sentence("why.field_tip"))
        self.field.returnPressed.connect(self._typed)
        page = QWidget()
        page.setObjectName("DockBody")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 12)
        layout.setSpacing(0)
        layout.addLayout(self._head())
        self.body = BlankOr("empty.why", self.area)
        layout.addWidget(self.body, 1)
        below = QVBoxLayout()
        below.setContentsMargins(16, 8, 16, 0)
        below.addWidget(self.field)
        layout.addLayout(below)
        self.setWidget(page)
        self.errand_words = ""
        """What the window is doing so that an answer can be given."""
        self._drawn: object = None
        self._all_rows = False
        self._pictured: dict[str, str] = {}
        self._serial = 0
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(round(REST_S * 1000) + 10)
        self._rest.timeout.connect(lambda: self.tell(frozenset({"cursor"})))
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(round(PATIENCE_S * 1000) + 10)
        self._patience.timeout.connect(self._draw)

    def _head(self) -> QVBoxLayout:
        whole = QVBoxLayout()
        whole.setContentsMargins(0, 16, 0, 8)
        whole.setSpacing(8)
        head = QVBoxLayout()
        head.setContentsMargins(16, 0, 16, 0)
        head.setSpacing(4)
        self._beside, self._below = QHBoxLayout(), QHBoxLayout()
        self._beside.setSpacing(8)
        self._beside.addWidget(self.headline, 1)
        self._beside.addWidget(self.chip, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(self._beside)
        head.addWidget(self.subtitle)
        head.addLayout(self._below)
        whole.addLayout(head)
        row = QHBoxLayout()
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(2)
        group = QButtonGroup(self)
        for topic, words in WORDS.items():
            button = QToolButton()
            button.setObjectName("Quiet")
            button.setCheckable(True)
            button.setText(words)
            button.setToolTip(sentence(f"why.{topic}"))
            button.clicked.connect(lambda _=False, t=topic: self.show_topic(t))
            group.addButton(button)
            row.addWidget(button)
            self.topics[topic] = button
        row.addStretch(1)
        whole.addLayout(row)
        return whole

    # -- what is asked ---------------------------------------------------------------------------------------

    def show_topic(self, topic: str) -> None:
        """Turn to a topic."""
        self.inquiry.turn_to(topic)
        self.tell(frozenset({"cursor"}))

    def ask_of(self, variable: str) -> None:
        """Ask of a variable of the script."""
        self.inquiry.ask_of(variable)
        self.tell(frozenset({"cursor"}))

    def say_errand(self, words: str) -> None:
        """Tell what the window is doing so that an answer can be given; '' once it is done."""
        if words != self.errand_words:
            self.errand_words = words
            self.tell(frozenset({"cursor"}))

    def _typed(self) -> None:
        text = self.field.text().strip()
        if text:
            self.ask_of(text)
            self.field.clear()

    def look(self, changes: frozenset[str]) -> None:
        """Choose the subject, ask if there is something new to ask, and draw what is known."""
        self.inquiry.follow("selection" in changes)
        if "replaced" in changes and self.inquiry.subject.variable and self.session.started is None:
            self.inquiry.ask_of("")
        if not self.errand_words:
            self.inquiry.look()
        if self.inquiry.waits:
            self._rest.start()
        if self.inquiry.status == "asking" and not self.inquiry.is_slow:
            self._patience.start()
            if self._drawn is not None and self.inquiry.page is None:
                self._draw_head()
                return
        self._draw()
        self._show_pictures()

    # -- the page --------------------------------------------------------------------------------------------

    def _draw_head(self) -> None:
        inquiry = self.inquiry
        for topic, button in self.topics.items():
            button.setChecked(topic == inquiry.topic)
            button.setEnabled(not inquiry.subject.variable or topic in ON_VARIABLES)
        page = inquiry.page
        if inquiry.is_about_all:
            self._name = page.name if page is not None and page.name else "NaN and Inf"
            self.subtitle.setText("" if page is not None and page.name else sentence("why.nan"))
        else:
            self._name = inquiry.name
            self.subtitle.setText(self._subtitle())
        self.headline.setVisible(bool(self._name))
        self.subtitle.setVisible(bool(self.subtitle.text()))
        self._place_head()

    def _place_head(self) -> None:
        """The verdict stands beside the name, or below it where both have no room in one line; a name that
        has none by itself may be broken after its dots and underscores."""
        name = self._name
        wide = QFontMetrics(font.title()).horizontalAdvance(name)
        if wide + 32 > self.width():
            name = name.replace(".", "." + BREAK).replace("_", "_" + BREAK)
        if name != self.headline.text():
            self.headline.setText(name)
        fits = wide + self.chip.width() + 48 <= self.width()
        to, other = (self._beside, self._below) if fits else (self._below, self._beside)
        if to.indexOf(self.chip) < 0:
            other.removeWidget(self.chip)
            to.addWidget(self.chip, 0, Qt.AlignmentFlag.AlignTop)
            if not fits:
                to.setAlignment(self.chip, Qt.AlignmentFlag.AlignLeft)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place name and verdict anew."""
        super().resizeEvent(event)
        self._place_head()

    def _subtitle(self) -> str:
        node = self.session.node(self.inquiry.subject.node)
        if self.inquiry.subject.variable:
            return "a variable of the script"
        if node is None:
            return ""
        kind = {"leaf": "leaf", "input": "a tensor without gradient"}.get(node.kind, "")
        words = [html.escape(w) for w in (kind, shape_text(node.shape)) if w]
        if node.line:
            accent = theme().hex("accent")
            place = html.escape(f"{Path(node.file).name}:{node.line}")
            words.append(f'<a href="line" style="color:{accent};text-decoration:none">{place}</a>')
        return " &nbsp;·&nbsp; ".join(words)

    def _subtitle_link(self, _: str) -> None:
        node = self.session.node(self.inquiry.subject.node)
        if node is not None:
            self.line_chosen.emit(node.file, node.line)

    def _draw(self) -> None:
        """Build the page anew if it says something else than before."""
        self._draw_head()
        inquiry = self.inquiry
        status = inquiry.status
        slow = status == "asking" and inquiry.is_slow
        live = (self.session.is_live, self.session.state, len(self.session.timeline) > 0)
        known = (inquiry.page, inquiry.error, self.errand_words)
        key = (status, slow, inquiry.topic, inquiry.subject, *known, live, theme().name)
        if key == self._drawn:
            return
        old = self._drawn
        self._drawn = key
        if isinstance(old, tuple) and old[2:4] != key[2:4]:
            self._all_rows = False
        page = inquiry.page
        self.body.show_widget(status != "nothing")
        self.chip.say(*((page.verdict, page.tone) if page is not None else ("", "quiet")))
        self._place_head()
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(16, 8, 16, 8)
        column.setSpacing(12)
        self.rows, self.tree, self.buttons, self._pictured = [], None, {}, {}
        self._say_status(column, status, slow)
        if page is not None:
            self._build(column, page)
        column.addStretch(1)
        same = isinstance(old, tuple) and old[2:4] == key[2:4]
        at = self.area.verticalScrollBar().value() if same else 0
        before = self.area.takeWidget()
        self.area.setWidget(made)
        self.area.verticalScrollBar().setValue(at)
        if before is not None:
            before.deleteLater()

    def _say_status(self, column: QVBoxLayout, status: str, slow: bool) -> None:
        session = self.session
        if self.errand_words:
            column.addWidget(muted(self.errand_words))
            return
        if status == "asking":
            if slow:
                column.addWidget(muted(sentence("why.asking")))
        elif status == "refused":
            column.addWidget(muted(self.inquiry.error))
        elif status == "recorded":
            column.addWidget(muted(sentence("why.recorded")))
        elif status == "unasked":
            column.addWidget(muted(sentence(f"why.{self.inquiry.topic}_unasked")))
            self._button(column, "check", "Check this gradient", self._demand, primary=True)
        elif status == "stale":
            column.addWidget(muted(f"As it was at {self.inquiry.page_place}."))
            if self.inquiry.stands:
                self._button(column, "check", "Check again", self._demand)
            elif session.state != "running":
                self._go_buttons(column)
        elif status == "running":
            column.addWidget(muted(sentence("why.running")))
            self._button(column, "pause", "Pause and ask", lambda: self.errand_asked.emit("pause"))
        elif status == "elsewhere":
            column.addWidget(muted(sentence("why.elsewhere" if len(session.timeline) else "why.ready")))
            self._go_buttons(column)

    def _go_buttons(self, column: QVBoxLayout) -> None:
        session = self.session
        if not len(session.timeline):
            self._button(
                column, "first", "Run to the first backward", lambda: self.errand_asked.emit("first")
            )
            return
        self._button(
            column,
            "again",
            "Run again to this iteration and ask",
            lambda: self.errand_asked.emit("again"),
            primary=True,
        )
        if session.is_live:
            self._button(column, "follow", "Back to the live run", session.follow)

    def _button(self, column: QVBoxLayout, key: str, words: str, run, primary: bool = False) -> None:
        button = QPushButton(words)
        if primary:
            button.setObjectName("Primary")
        button.clicked.connect(lambda _=False: run())
        self.buttons[key] = button
        row = QHBoxLayout()
        row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)

    def _demand(self) -> None:
        self.inquiry.demand()
        self.tell(frozenset({"cursor"}))

    def _build(self, column: QVBoxLayout, page: Page) -> None:
        if page.sentence:
            words = QLabel(page.sentence)
            words.setWordWrap(True)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(words)
        if page.topic == "nan":
            self._build_story(column, page)
        else:
            self._build_rows(column, page)
            if page.topic == "gradient" and any(row.title == "not finite" for row in page.rows):
                self._button(column, "nan", "Where did it come from?", lambda: self.show_topic("nan"))
        for note in page.notes:
            column.addWidget(muted(note))

    def _build_rows(self, column: QVBoxLayout, page: Page) -> None:
        box = QVBoxLayout()
        box.setSpacing({"versions": 0, "accumulation": 16, "trust": 16}.get(page.topic, 12))
        group = ""
        shown = page.rows if self._all_rows else page.rows[:ROWS_MAX]
        for number, row in enumerate(shown):
            if row.group and row.group != group:
                group = row.group
                box.addWidget(self._group(group) if page.topic == "trust" else caption(group))
            box.addWidget(self._row(page, row, number))
        column.addLayout(box)
        if len(shown) < len(page.rows):
            self._button(column, "all", f"Show all {len(page.rows)}", self._show_all)

    def _show_all(self) -> None:
        self._all_rows = True
        self._drawn = None
        self._draw()

    @staticmethod
    def _group(name: str) -> QLabel:
        label = QLabel(f"gradient of {name}")
        label.setFont(font.medium())
        return label

    def _row(self, page: Page, row: Row, number: int) -> AnswerRow:
        node = self.session.node(row.node)
        name = node.name if node is not None else ""
        made: AnswerRow
        if page.topic == "accumulation":
            made = ContributionRow(row, name)
        elif page.topic == "versions":
            made = VersionRow(row, name, number == 0, number == len(page.rows) - 1)
        elif page.topic == "trust":
            made = CheckRow(row)
        else:
            made = ReasonRow(row, name)
        made.line_chosen.connect(self.line_chosen)
        made.node_chosen.connect(self.session.select_node)
        made.slot_opened.connect(self.slot_opened)
        self.rows.append(made)
        return made

    def _build_story(self, column: QVBoxLayout, page: Page) -> None:
        if page.rows:
            self.tree = CauseTree(page.rows)
            self.tree.cause_chosen.connect(self._cause_chosen)
            column.addWidget(self.tree)
            self._cause = QLabel()
            self._cause.setWordWrap(True)
            self._cause.setTextFormat(Qt.TextFormat.RichText)
            self._cause.linkActivated.connect(self._cause_link)
            column.addWidget(self._cause)
            first = next((r for r in page.rows if r.mark == "produced"), page.rows[0])
            self._tell_cause(first)
        standing = self.session.standing
        if page.rows and standing is not None and standing.phase == "forward" and self.inquiry.stands:
            self._button(column, "follow", "Follow it to the loss", lambda: self.session.step("iteration"))
        if page.files:
            self._button(
                column, "save", "Save a reproduction…", lambda: self.save_asked.emit(self.inquiry.page)
            )
            column.addWidget(muted(", ".join(sorted(page.files))))

    def _tell_cause(self, row: Row) -> None:
        self._told_cause = row
        look = theme()
        quiet, accent = look.hex("quiet"), look.hex("accent")
        parts = [f"<b>{html.escape(row.title)}</b>"]
        place = f"{Path(row.file).name}:{row.line}" if row.line else ""
        link = f'<a href="line" style="color:{accent};text-decoration:none">{html.escape(place)}</a>'
        facts = [html.escape(f"{row.mark} in {row.phase}" if row.phase else row.mark)]
        facts += [link] if place else []
        parts.append(f'<span style="color:{quiet}">{" &nbsp;·&nbsp; ".join(facts)}</span>')
        if row.text:
            parts.append(html.escape(row.text))
        if row.digest is not None:
            line = f"{shape_text(row.digest.shape)} · {digest_line(row.digest)}"
            parts.append(f'<span style="color:{quiet}">{html.escape(line)}</span>')
        self._cause.setText("<br>".join(parts))

    def _cause_chosen(self, row: Row) -> None:
        self._tell_cause(row)
        if row.node >= 0:
            self.session.select_node(row.node)
        if row.line:
            self.line_chosen.emit(row.file, row.line)

    def _cause_link(self, _: str) -> None:
        self.line_chosen.emit(self._told_cause.file, self._told_cause.line)

    # -- pictures --------------------------------------------------------------------------------------------

    def _show_pictures(self) -> None:
        """Ask for the pictures of errors once, and show them when they have come."""
        session = self.session
        for row in self.rows:
            if not isinstance(row, CheckRow) or row.heat is None:
                continue
            what = row.row.what
            if what not in self._pictured:
                if not self.inquiry.stands:
                    continue
                self._serial += 1
                self._pictured[what] = f"why:{what}:{self._serial}"
                session.fetch(self._pictured[what], row.row.node, what, (), PICTURE_LIMIT)
            tag = self._pictured[what]
            answer = session.fetched.pop(tag, None)
            if answer is not None:
                values = array_of(answer.data, answer.dtype, tuple(answer.shape))
                row.heat.set_values(values, None)
                row.heat_line.setText(f"the error of each element, {shape_text(answer.shape)}")
            elif tag in session.fetch_errors:
                row.heat.hide()
                row.heat_line.setText(session.fetch_errors.pop(tag))

    def retheme(self) -> None:
        """Build the page anew in the colours of the theme."""
        if getattr(self, "_drawn", None) is not None:
            self._drawn = None
            self.tell(frozenset({"cursor"}))
