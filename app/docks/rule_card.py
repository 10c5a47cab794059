"""The chain rule as a card: each derivative with its numbers, its shapes and the reason, as in a textbook."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.look import font
from app.look.sentence import sentence

from .chain_rule import Rule, broken, legend
from .formula_view import FormulaView
from .inspector_part import caption, muted

_FORMULA_PX, _NUMBERS_PX, _SHAPES_PX = 16, 13, 13


class RuleBlock(QWidget):
    """One derivative: formula, the numbers of this moment, the algebra of shapes, one sentence.

    unfolded: the algebra step by step; else the shapes in one line."""

    def __init__(self, rule: Rule, unfolded: bool) -> None:
        super().__init__()
        self.rule = rule
        self.unfolded = unfolded
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._fill()

    def show_rule(self, rule: Rule) -> None:
        """Show another state of it; what stays the same is left standing."""
        if rule != self.rule:
            self._show(rule, rule.latex == self.rule.latex)

    def unfold(self, yes: bool) -> None:
        """Show the algebra of shapes step by step, or in one line."""
        if yes != self.unfolded:
            self.unfolded = yes
            self._show(self.rule, True)

    def _show(self, rule: Rule, same: bool) -> None:
        self.rule = rule
        while self._layout.count() > int(same and bool(rule.latex)):
            item = self._layout.takeAt(self._layout.count() - 1)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._fill(same)

    def _fill(self, formula_stands: bool = False) -> None:
        rule, layout = self.rule, self._layout
        if rule.latex and not formula_stands:
            layout.addWidget(FormulaView(rule.latex, _FORMULA_PX))
        for line in broken(rule.numbers) if rule.numbers else ():
            layout.addWidget(FormulaView(line, _NUMBERS_PX))
        for latex, words in rule.lines if self.unfolded else ():
            if latex:
                layout.addWidget(FormulaView(latex, _SHAPES_PX, "quiet"))
            if words:
                layout.addWidget(_small(words))
        if not (rule.lines and self.unfolded) and (rule.shapes or rule.words):
            words = "" if rule.sentence and rule.shapes else rule.words
            both = rule.shapes and words
            layout.addWidget(_small(f"{rule.shapes}  — {words}" if both else rule.shapes or words))
        if rule.sentence:
            said = QLabel(rule.sentence)
            said.setWordWrap(True)
            said.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            said.setFont(font.body(12))
            layout.addWidget(said)


class RuleCard(QFrame):
    """The chain rule: a block for each gradient that goes out, by slot. Its button unfolds the shapes; a card
    of one block begins unfolded, every other as the one before was left."""

    _unfolded = False

    def __init__(self, heading: str, rules: list[Rule]) -> None:
        super().__init__()
        self.setObjectName("Card")
        self.rules = rules
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(12)
        unfolded = RuleCard._unfolded or len(rules) == 1
        self.shapes_button = QToolButton()
        self.shapes_button.setObjectName("Quiet")
        self.shapes_button.setText(sentence("chain_rule.shapes"))
        self.shapes_button.setToolTip(sentence("chain_rule.shapes.tip"))
        self.shapes_button.setFont(font.body(11))
        self.shapes_button.setCheckable(True)
        self.shapes_button.setChecked(unfolded)
        self.shapes_button.toggled.connect(self._unfold)
        head = QHBoxLayout()
        head.addWidget(caption(heading), 1)
        head.addWidget(self.shapes_button)
        layout.addLayout(head)
        self.blocks = [RuleBlock(rule, unfolded) for rule in rules]
        for block in self.blocks:
            layout.addWidget(block)
        self._note = _small("")
        layout.addWidget(self._note)
        self._say_legend()

    def show_rule(self, rule: Rule) -> None:
        """Show what is known now of the rule of this slot."""
        for block in self.blocks:
            if block.rule.slot == rule.slot:
                block.show_rule(rule)
        self._say_legend()

    def _unfold(self, yes: bool) -> None:
        RuleCard._unfolded = yes
        for block in self.blocks:
            block.unfold(yes)

    def _say_legend(self) -> None:
        self.shapes_button.setVisible(any(block.rule.lines for block in self.blocks))
        words = legend([block.rule for block in self.blocks])
        self._note.setText(words)
        self._note.setVisible(bool(words))


def _small(text: str) -> QLabel:
    label = muted(text)
    label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    label.setFont(font.body(12))
    return label
