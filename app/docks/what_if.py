"""What if: the run is forked where it stands, with one edit; both futures side by side."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.look import font
from app.look.number import figure
from app.look.sentence import sentence
from app.session.difference import Difference
from app.session.fork import Edit, ForkError
from app.session.graph import Node
from app.session.knob import knobs_of
from app.session.session import Session
from app.session.what_if import WhatIf

from .blank import BlankOr, ElidedLabel
from .change_list import ChangeList
from .change_text import share_text
from .dock import Dock
from .future_plot import FuturePlot
from .tensor import slots_of

ITERATIONS = 20
_HINTS = {"lr": "lr / 10", "value": "x * 0", "grad": "grad * 0.1"}


class WhatIfDock(Dock):
    """What if: a form for the edit, both loss curves, and the nodes that differ where both stand."""

    key = "what_if"
    title = "What if"
    started = Signal()

    def __init__(self, session: Session) -> None:
        self.plot = FuturePlot()
        super().__init__(session)
        self.what_if: WhatIf | None = None
        self.what = QComboBox()
        self.what.setToolTip("What is changed in the edited future")
        self.what.currentIndexChanged.connect(lambda _: self._hint())
        self.expression = QLineEdit()
        self.expression.setFont(font.mono())
        self.expression.setToolTip("What it is to be: a number, or an expression of what it was.")
        self.expression.returnPressed.connect(self.fork)
        self.iterations = QSpinBox()
        self.iterations.setRange(0, 1_000_000)
        self.iterations.setValue(ITERATIONS)
        self.iterations.setSpecialValueText("this iteration only")
        self.iterations.setToolTip("How many iterations both futures run on")
        self.iterations.setSuffix(" more iterations")
        self.iterations.lineEdit().setTextMargins(5, 0, 0, 0)
        self.button = QPushButton("Fork here")
        self.button.setObjectName("Primary")
        self.button.clicked.connect(self.press)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(3)
        self.bar.setRange(0, 1000)
        self.words = QLabel()
        self.words.setObjectName("Small")
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.list = ChangeList(short=True)
        self.list.chosen.connect(self._select)
        self.told = ElidedLabel()
        self.on_button = QToolButton()
        self.on_button.setObjectName("Quiet")
        self.on_button.setText("run on")
        self.on_button.setToolTip("Run both futures on for as many iterations again")
        self.on_button.clicked.connect(self.go_on)
        self.news = QLabel()
        self.news.setObjectName("Muted")
        self.news.setWordWrap(True)
        self.news.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.body = BlankOr("empty.what_if", self._page())
        self.setWidget(self.body)
        self._slots: object = None
        self._said = ""
        self._shown: Difference | None = None
        self._is_seen = False
        self.visibilityChanged.connect(self._seen_or_not)
        self._retheme()

    def _page(self) -> QWidget:
        """The form on the left; beside it what is to be said, or curves and nodes."""
        form = QVBoxLayout()
        form.setContentsMargins(16, 8, 8, 4)
        form.setSpacing(5)
        form.addWidget(self.what)
        form.addWidget(self.expression)
        last = QHBoxLayout()
        last.setSpacing(6)
        last.addWidget(self.iterations, 1)
        last.addWidget(self.button)
        form.addLayout(last)
        form.addWidget(self.bar)
        form.addWidget(self.words, 1)
        left = QWidget()
        left.setLayout(form)
        left.setFixedWidth(264)
        right = QVBoxLayout()
        right.setContentsMargins(0, 2, 0, 0)
        right.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(12, 4, 8, 0)
        head.addWidget(self.told, 1)
        head.addWidget(self.on_button)
        right.addLayout(head)
        right.addWidget(self.list, 1)
        self.side = QWidget()
        self.side.setLayout(right)
        saying = QVBoxLayout()
        saying.setContentsMargins(12, 12, 24, 8)
        saying.addWidget(self.news, 1)
        self.saying = QWidget()
        self.saying.setLayout(saying)
        page = QWidget()
        page.setObjectName("DockBody")
        layout = QHBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(left)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.side, 1)
        layout.addWidget(self.saying, 1)
        return page

    def use(self, what_if: WhatIf) -> None:
        """Take the futures from here."""
        self.what_if = what_if
        what_if.changed.connect(self._changed)

    # -- the form --------------------------------------------------------------------------------------------

    def offer(self, what: str = "") -> None:
        """Fill the form for the node that is selected, or where the walk stands, and put the cursor in it."""
        self._fill()
        place = self.what.findData(what) if what else -1
        if place < 0 and self.what.count() > 1 and self.session.selected_node is not None:
            place = 1
        self.what.setCurrentIndex(max(0, place))
        self.expression.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.expression.selectAll()

    def fork(self) -> None:
        """Fork the run with the edit of the form."""
        choice = self.what.currentData()
        if self.what_if is None or choice is None or self.session.state == "empty":
            return
        number, what = choice
        self._said = ""
        count = self.iterations.value()
        try:
            self.what_if.start(Edit(number, what, self.expression.text().strip() or self._example()), count)
        except ForkError as error:
            self._said = str(error)
        self.started.emit()
        self.look(frozenset())

    def press(self) -> None:
        """The button: fork, or end the fork that is on its way."""
        if self.what_if is not None and self.what_if.is_busy:
            self.what_if.cancel()
        else:
            self.fork()

    def go_on(self) -> None:
        """Run both futures on for as many iterations again."""
        if self.what_if is not None and self.what_if.can_go_on:
            self.what_if.more(max(1, self.iterations.value()))

    def _example(self) -> str:
        choice = self.what.currentData()
        what = choice[1] if choice is not None else "lr"
        kind = what.partition(":")[0]
        if what in knobs_of(self.session.source):
            return f"{what} / 10"
        return _HINTS.get("grad" if kind in ("incoming", "leaf_grad", "grad") else kind, _HINTS["value"])

    def _hint(self) -> None:
        self.expression.setPlaceholderText(self._example())

    def _fill(self) -> None:
        session = self.session
        node = session.selected_node or session.here
        standing = session.standing if session.timeline.following else None
        phase = standing.phase if standing is not None else "backward"
        slots = (phase, node.id if node is not None else -1, session.graph.hash, len(session.changes))
        if slots == self._slots:
            return
        self._slots = slots
        keep = self.what.currentData()
        self.what.blockSignals(True)
        self.what.clear()
        self.what.addItem("learning rate", (-1, "lr"))
        if phase == "forward":
            self.what.addItem(f"result of {standing.text if standing else 'the op'}", (-1, "result"))
        elif phase == "optimizer":
            for name in session.changes:
                self.what.addItem(name, (-1, name))
        elif node is not None:
            self._add_slots(node)
        for name in knobs_of(session.source):
            self.what.addItem(name, (-1, name))
        self.what.setCurrentIndex(max(0, self.what.findData(keep)))
        self.what.blockSignals(False)
        self._hint()

    def _add_slots(self, node: Node) -> None:
        inputs = len(self.session.graph.edges_into(node.id))
        slots = slots_of(node, inputs, max(1, len(node.incoming)))
        gradients = [slot for slot in slots if slot[0].startswith("incoming")]
        gradients += [slot for slot in slots if slot[0] == "leaf_grad"]
        others = [slot for slot in slots if slot not in gradients and not slot[0].startswith("outgoing")]
        for what, words in [*gradients, *others]:
            self.what.addItem(f"{node.name}  {words}", (node.id, what))

    # -- what there is to see --------------------------------------------------------------------------------

    def _changed(self) -> None:
        self.tell(frozenset({"cursor"}))

    def look(self, changes: frozenset[str]) -> None:
        """Form, curves and nodes as they are now."""
        self._fill()
        what_if = self.what_if
        stands = len(self.session.timeline) > 0 or self.session.state == "paused"
        self.body.show_widget(stands or (what_if is not None and bool(what_if.forks)))
        busy = what_if is not None and what_if.is_busy
        text = "Cancel" if busy else "Fork here"
        if self.button.text() != text:
            self.button.setText(text)
            self.button.setObjectName("" if busy else "Primary")
            self.button.style().polish(self.button)
        self.button.setEnabled(busy or (not self.session.is_recording and self.session.state != "running"))
        self.bar.setVisible(busy)
        if what_if is None:
            return
        self.bar.setValue(round(1000 * what_if.progress))
        comparison = what_if.comparison
        name = self._curve_name(what_if)
        place = None if what_if.place is None else float(what_if.place.backward)
        self.plot.setVisible(comparison is not None)
        self.plot.show_futures(comparison, name, place)
        good = not busy and what_if.state in ("there", "over")
        found = comparison.difference if comparison is not None and good else None
        if found is not self._shown:
            self._shown = found
            self.list.show_difference(found)
        if found is not None:
            self.told.setText(f"{len(found.nodes)} nodes differ")
            self.told.setToolTip(f"In iteration {found.after.backward + 1}, where both futures stand")
        news = self._news(what_if)
        self.news.setText(news)
        self.saying.setVisible(bool(news))
        self.side.setVisible(not news)
        self.told.setVisible(found is not None)
        self.on_button.setVisible(what_if.can_go_on)
        self._mark()
        words = "" if news else self._distance() or self._sentence(what_if)
        self.words.setText(words)
        self.words.setToolTip(words)

    def _seen_or_not(self, yes: bool) -> None:
        # A panel behind another tab counts as visible to Qt; this signal knows better.
        self._is_seen = yes
        self._mark()

    def _mark(self) -> None:
        """The canvas marks the nodes that differ most, as long as this panel is seen."""
        found = self._shown if self._is_seen else None
        marks = {} if found is None else found.marks()
        if self.session.findings.compare(self.key, "" if found is None else found.after.hash, marks):
            self.session.cursor_changed.emit()

    def _curve_name(self, what_if: WhatIf) -> str:
        if what_if.comparison is None:
            return ""
        names = what_if.comparison.names()
        here = what_if.origin.timeline.get(what_if.place.backward) if what_if.place is not None else None
        if here is not None and here.variable in names:
            return here.variable
        return names[0] if names else ""

    def _news(self, what_if: WhatIf) -> str:
        """What is to be said instead of the nodes: what a fork is, or why there is none."""
        if self._said:
            return self._said
        if self.session.is_recording:
            return sentence("what_if.recorded")
        if what_if.comparison is None:
            return sentence("what_if.about")
        if what_if.state in ("parted", "failed", "cancelled"):
            return what_if.message
        return ""

    def _sentence(self, what_if: WhatIf) -> str:
        """How the two futures stand to each other, below the form."""
        comparison = what_if.comparison
        if comparison is None or what_if.state in ("repeating", "editing"):
            return what_if.message
        parting, common = comparison.parting, comparison.common
        words = [what_if.message] if "future:" in what_if.message else []
        if parting is None:
            words.append("The losses are the same so far." if what_if.is_busy else "The losses are the same.")
        else:
            words.append(f"The losses part at iteration {parting.backward + 1}.")
            if common is not None and common.plain is not None and common.edited is not None:
                words.append(_both(common.backward, common.plain, common.edited))
        return " ".join(words)

    def _distance(self) -> str:
        """How far the tensors of the chosen node lie apart, once both have come."""
        comparison = self.what_if.comparison if self.what_if is not None else None
        apart = comparison.distance if comparison is not None else None
        if apart is None:
            return ""
        if apart.elements == 1:
            return f"{apart.name}, {apart.what}: {figure(apart.most, 3)} apart."
        of = f"{apart.differing} of {apart.elements}" if apart.differing < apart.elements else "all"
        return (
            f"{apart.name}, {apart.what}: {of} elements differ, by {share_text(apart.share)} of its norm, "
            f"at most {figure(apart.most, 3)}."
        )

    def _select(self, number: int) -> None:
        what_if = self.what_if
        row = next((row for row in self.list.rows if row.after == number), None)
        if what_if is not None and what_if.comparison is not None and row is not None:
            what_if.comparison.ask_distance(row)
        found = what_if.comparison.difference if what_if is not None and what_if.comparison else None
        if found is not None and found.after.hash == self.session.graph.hash:
            self.session.select_node(number)

    def retheme(self) -> None:
        """Colours anew."""
        self.plot.retheme()


def _both(backward: int, plain: float, edited: float) -> str:
    text = f"At {backward + 1}: {figure(plain, 4)}, edited {figure(edited, 4)}"
    if plain and plain == plain and edited == edited:
        change = (edited - plain) / abs(plain)
        text += f" ({'+' if change > 0 else '−'}{share_text(abs(change))})"
    return text + "."
