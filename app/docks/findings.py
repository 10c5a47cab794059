"""Rules of thumb about the run, each with its threshold, and what they find."""

from __future__ import annotations

from itertools import groupby

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.look import font
from app.look.number import figure
from app.look.sentence import sentence
from app.session.rule import BY_KEY, RULES
from app.session.session import Session
from app.session.symptom import Finding

from .blank import BlankOr
from .dock import Dock
from .inspector_part import caption
from .right_column import FIGURE_ROLE, FIGURE_TOKEN_ROLE, TOKEN_ROLE, dress
from .threshold_box import ThresholdBox

STANDING_MS, RUNNING_MS = 60, 400
"""So long after a change the rules are looked at: a step is shown first."""
_NODE_ROLE = Qt.ItemDataRole.UserRole
_RULE_ROLE = Qt.ItemDataRole.UserRole + 10


def value_text(finding: Finding) -> str:
    """The value in the unit of its rule: '93 %', '2e−5', '120'."""
    unit = BY_KEY[finding.rule].unit
    if unit == "share":
        return f"{figure(100 * finding.value, 2)} %"
    if unit == "count" or finding.rule == "not_finite":
        return str(round(finding.value))
    return ("about " if finding.about else "") + figure(finding.value, 2)


def found_text(finding: Finding) -> str:
    """The finding as a sentence."""
    return sentence(f"rule.{finding.rule}.found").format(name=finding.name, value=value_text(finding))


class FindingsDock(Dock):
    """Findings: on the left what the rules find here, on the right the rules. Its tab tells how many."""

    key = "findings"
    title = "Findings"
    rules_changed = Signal()
    """A rule was switched or its threshold moved: worth remembering."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.found: list[Finding] = []
        self._shown: list[tuple[str, int, str]] | None = None
        self.tree = QTreeWidget()
        dress(self.tree)
        self.tree.setIndentation(12)
        self.tree.setAccessibleName("Findings")
        self.tree.currentItemChanged.connect(lambda item, _: self._advise(item))
        self.tree.itemClicked.connect(self._go)
        self.tree.itemActivated.connect(self._go)
        self.advice = QLabel()
        self.advice.setWordWrap(True)
        self.advice.setFont(font.body(12))
        self.advice.setObjectName("Muted")
        self.advice.setContentsMargins(16, 6, 16, 8)
        self.body = BlankOr("findings.unknown", self._list_page())
        self.switches: dict[str, QCheckBox] = {}
        self.boxes: dict[str, ThresholdBox] = {}
        whole = QWidget()
        whole.setObjectName("DockBody")
        layout = QHBoxLayout(whole)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.body, 1)
        line = QFrame()
        line.setObjectName("Hairline")
        line.setFixedWidth(1)
        layout.addWidget(line)
        layout.addWidget(self._rules_page())
        self.setWidget(whole)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._catch_up)
        self._is_seen = False
        self.visibilityChanged.connect(self._seen_or_not)

    def _list_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.advice)
        return page

    def _rules_page(self) -> QWidget:
        page = QWidget()
        page.setObjectName("DockBody")
        grid = QGridLayout(page)
        grid.setContentsMargins(16, 10, 12, 8)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.addWidget(caption("Rule"), 0, 0)
        grid.addWidget(caption("Threshold"), 0, 1)
        for row, rule in enumerate(RULES, 1):
            words = sentence(f"rule.{rule.key}.text")
            switch = QCheckBox(sentence(f"rule.{rule.key}.title"))
            switch.setToolTip(words)
            switch.toggled.connect(lambda yes, key=rule.key: self._switch(key, yes))
            self.switches[rule.key] = switch
            grid.addWidget(switch, row, 0)
            if rule.unit:
                box = ThresholdBox(rule.unit)
                box.setFixedWidth(76)
                box.setToolTip(f"{words} Usually {box.textFromValue(rule.threshold)}.")
                box.setAccessibleName(f"{switch.text()}, threshold")
                box.valueChanged.connect(lambda value, key=rule.key: self._move(key, value))
                self.boxes[rule.key] = box
                grid.addWidget(box, row, 1)
        grid.setColumnStretch(0, 1)
        grid.setRowStretch(len(RULES) + 1, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(page)
        self.show_rules()
        area.setFixedWidth(page.sizeHint().width() + 14)
        return area

    # -- rules -----------------------------------------------------------------------------------------------

    def show_rules(self) -> None:
        """Show switches and thresholds as they are in the session's rule book."""
        book = self.session.rules
        for key, switch in self.switches.items():
            switch.blockSignals(True)
            switch.setChecked(book.is_on(key))
            switch.blockSignals(False)
        for key, box in self.boxes.items():
            box.blockSignals(True)
            box.setValue(book.threshold(key))
            box.setEnabled(book.is_on(key))
            box.blockSignals(False)

    def _switch(self, key: str, yes: bool) -> None:
        self.session.rules.set_on(key, yes)
        if key in self.boxes:
            self.boxes[key].setEnabled(yes)
        self._rules_moved()

    def _move(self, key: str, value: float) -> None:
        self.session.rules.set_threshold(key, value)
        self._rules_moved()

    def _rules_moved(self) -> None:
        self.rules_changed.emit()
        self.look(frozenset())

    # -- findings --------------------------------------------------------------------------------------------

    def tell(self, changes: frozenset[str]) -> None:
        """Look a little later, seen or not: the tab tells how many there are."""
        self._missed |= changes
        if not self._later.isActive():
            self._later.start(RUNNING_MS if self.session.state == "running" else STANDING_MS)

    def _catch_up(self, *_: object) -> None:
        if self._missed:
            changes = frozenset(self._missed)
            self._missed.clear()
            self.look(changes)

    def look(self, changes: frozenset[str]) -> None:
        """Ask the rules, tell how many findings there are, and list them where they can be seen."""
        session = self.session
        self.found = session.rules.findings(session)
        count = len(self.found)
        title = f"{self.title} {count}" if count else self.title
        if self.windowTitle() != title:
            self.setWindowTitle(title)
        known = bool(session.graph.nodes) or bool(count)
        self.body.show_widget(bool(count))
        self.body.blank.say(sentence("findings.none" if known else "findings.unknown"))
        if self.isVisible():
            self._list()
        else:
            self._missed.add("cursor")
        self._mark()

    def _seen_or_not(self, yes: bool) -> None:
        self._is_seen = yes
        self.session.watch_whole(self.key, yes)
        self._mark()

    def _mark(self) -> None:
        """The canvas marks the nodes of which the list tells, as long as it is seen; by their first rule."""
        marks: dict[int, str] = {}
        for finding in self.found if self._is_seen else ():
            if finding.node >= 0:
                marks.setdefault(finding.node, finding.rule)
        if self.session.findings.compare(self.key, self.session.graph.hash, marks):
            self.session.cursor_changed.emit()

    def _list(self) -> None:
        keys = [(f.rule, f.node, f.name) for f in self.found]
        if keys == self._shown:
            self._refill()
            return
        chosen = self.tree.currentItem()
        kept = chosen.data(0, _RULE_ROLE) if chosen is not None else ""
        self._shown = keys
        self.tree.clear()
        for rule, group in groupby(self.found, key=lambda f: f.rule):
            findings = list(group)
            head = QTreeWidgetItem([sentence(f"rule.{rule}.title")])
            head.setData(0, FIGURE_ROLE, str(len(findings)))
            head.setData(0, FIGURE_TOKEN_ROLE, "warn_text")
            head.setData(0, _RULE_ROLE, rule)
            head.setData(0, _NODE_ROLE, -1)
            self.tree.addTopLevelItem(head)
            for finding in findings:
                item = QTreeWidgetItem(head)
                item.setData(0, _RULE_ROLE, rule)
                item.setData(0, _NODE_ROLE, finding.node)
                item.setData(0, TOKEN_ROLE, "quiet")
            head.setExpanded(len(findings) <= 4 or not self.tree.indexOfTopLevelItem(head))
            if rule == kept:
                self.tree.setCurrentItem(head)
        self._refill()
        if self.tree.currentItem() is None:
            self._advise(self.tree.topLevelItem(0))

    def _refill(self) -> None:
        place = 0
        for row in range(self.tree.topLevelItemCount()):
            head = self.tree.topLevelItem(row)
            for child in range(head.childCount() if head is not None else 0):
                words = found_text(self.found[place])
                item = head.child(child) if head is not None else None
                if item is not None and item.text(0) != words:
                    item.setText(0, words)
                    item.setToolTip(0, words)
                place += 1

    def _advise(self, item: QTreeWidgetItem | None) -> None:
        rule = item.data(0, _RULE_ROLE) if item is not None else ""
        self.advice.setText(sentence(f"rule.{rule}.advice") if rule else "")

    def _go(self, item: QTreeWidgetItem) -> None:
        node = item.data(0, _NODE_ROLE)
        if isinstance(node, int) and node >= 0:
            self.session.select_node(node)
