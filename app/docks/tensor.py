"""A tensor as numbers, heat map and histogram; slices choose what of it is shown; edits at a stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QSpinBox,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.look import font
from app.look.number import shape_text
from app.session.graph import Node
from app.session.session import Session

from .blank import BlankOr, ElidedLabel
from .digest_text import digest_line, digest_of
from .dock import Dock
from .picture import HeatMap, Histogram
from .tensor_table import TensorTable, array_of

if TYPE_CHECKING:
    import numpy as np

TAG = "tensor"
LIMIT = 1 << 20


def slots_of(node: Node, inputs: int, outputs: int = 1) -> list[tuple[str, str]]:
    """What can be asked of a node: (what, words), in the order of reading."""
    if node.kind == "input":
        return [("value", "value")]
    if node.kind == "leaf":
        return [("value", "value"), ("leaf_grad", ".grad"), ("incoming:0", "gradient in")]
    slots = [("value", "value"), ("incoming:0", "gradient in")]
    slots += [(f"incoming:{k}", f"gradient in {k}") for k in range(1, outputs)]
    slots += [(f"saved:{s.name}", f"saved {s.name}") for s in node.saved if not s.text]
    slots += [(f"outgoing:{k}", f"gradient out {k}") for k in range(inputs)]
    return slots


class TensorDock(Dock):
    """Tensor: any shape can be scrolled through; leading dimensions are chosen by number."""

    key = "tensor"
    title = "Tensor"

    def __init__(self, session: Session) -> None:
        self.heat = HeatMap(220, 120, fixed=False)
        self.histogram = Histogram()
        super().__init__(session)
        self.what = QComboBox()
        self.what.setMinimumWidth(128)
        self.what.activated.connect(lambda _: self._ask())
        self.name = QLabel()
        self.name.setFont(font.mono())
        self.line = ElidedLabel()
        self.slices = QHBoxLayout()
        self.slices.setSpacing(4)
        self.expression = QLineEdit()
        self.expression.setFont(font.mono())
        self.expression.setPlaceholderText("Set to: grad * 0.1")
        self.expression.setToolTip("Put the value of an expression in place. Works where the run stands.")
        self.expression.setFixedWidth(160)
        self.expression.returnPressed.connect(self._set)
        self.model = TensorTable()
        self.model.edited.connect(self._set_cell)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setShowGrid(False)
        self.table.setFrameShape(QTableView.Shape.NoFrame)
        for header in (self.table.horizontalHeader(), self.table.verticalHeader()):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setHighlightSections(False)
            header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.table.horizontalHeader().setDefaultSectionSize(76)
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.verticalHeader().setMinimumWidth(44)
        head = QHBoxLayout()
        head.setContentsMargins(16, 8, 16, 8)
        head.setSpacing(12)
        head.addWidget(self.what)
        head.addWidget(self.name)
        head.addWidget(self.line, 1)
        head.addLayout(self.slices)
        head.addWidget(self.expression)
        side = QVBoxLayout()
        side.setContentsMargins(16, 0, 16, 8)
        side.setSpacing(8)
        side.addWidget(self.heat, 3)
        side.addWidget(self.histogram, 2)
        self.heat.setFixedWidth(240)
        split = QHBoxLayout()
        split.setContentsMargins(0, 0, 0, 0)
        split.setSpacing(0)
        split.addWidget(self.table, 1)
        split.addLayout(side)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addLayout(split, 1)
        self.body = BlankOr("empty.tensor", page)
        self.setWidget(self.body)
        self._node = -1
        self._graph = ""
        self._array: np.ndarray | None = None
        self._answer: object = None
        self._spins: list[QSpinBox] = []
        self._moment: object = None
        self._full: tuple[int, ...] = ()
        self._taken: tuple[int, ...] = ()

    def show_slot(self, node: int, what: str) -> None:
        """Show this slot of this node."""
        self._node = node
        self._graph = self.session.graph.hash
        self._fill(what)
        self._ask()

    def _fill(self, what: str = "") -> None:
        node = self.session.node(self._node)
        keep = what or self.what.currentData() or "value"
        self.what.clear()
        if node is None:
            return
        inputs = len(self.session.graph.edges_into(node.id))
        for key, words in slots_of(node, inputs, max(1, len(node.incoming))):
            self.what.addItem(words, key)
        if what and self.what.findData(what) < 0:
            # A slot that is not of the node itself: the error that a check of its gradient found.
            self.what.addItem("error of gradient", what)
        self.what.setCurrentIndex(max(0, self.what.findData(keep)))

    def _ask(self) -> None:
        what = self.what.currentData()
        if what is not None and self._node >= 0:
            self._taken = tuple(spin.value() for spin in self._spins) if self._is_big() else ()
            self.session.fetch(TAG, self._node, what, self._taken, LIMIT)

    def _is_big(self) -> bool:
        size = 1
        for n in self._full:
            size *= n
        return size > LIMIT

    def look(self, changes: frozenset[str]) -> None:
        """Follow the selection; ask again when the walk moved; show what arrived."""
        session = self.session
        chosen = session.selected_node
        if (
            chosen is not None
            and "selection" in changes
            and (chosen.id != self._node or session.graph.hash != self._graph)
        ):
            self.show_slot(chosen.id, "")
        if self._node >= 0 and session.graph.hash != self._graph:
            self._node, self._array, self._full = -1, None, ()
        timeline = session.timeline
        moment = (timeline.backward, timeline.position, session.state, len(session.edits))
        if self._node >= 0 and moment != self._moment and session.state != "running":
            self._moment = moment
            self._ask()
        answer = session.fetched.get(TAG)
        wrong = session.fetch_errors.get(TAG)
        self.body.show_widget(self._node >= 0)
        told = str(self.what.currentData() or "").startswith(("trust", "error"))
        self.model.editable = session.state == "paused" and timeline.following and not told
        self.expression.setVisible(self.model.editable)
        node = session.node(self._node)
        if node is None:
            return
        self.name.setText(node.name)
        if wrong is not None and answer is None:
            self.line.setText(wrong)
            self._array = None
            self._put()
        elif answer is not None and answer is not self._answer:
            self._array = array_of(answer.data, answer.dtype, tuple(answer.shape))
            self._full = tuple(answer.whole.shape) if answer.whole is not None else tuple(answer.shape)
            self.name.setText(f"{node.name}  {shape_text(self._full)} {answer.dtype.removeprefix('torch.')}")
            self.line.setText(digest_line(answer.whole or digest_of(self._array, answer.dtype)))
            self._put()
        self._answer = answer

    def _put(self) -> None:
        """Slices for the leading dimensions, then the table and the pictures."""
        wanted = max(0, len(self._full) - 2) if self._array is not None else 0
        if len(self._spins) != wanted or any(
            spin.maximum() != n - 1 for spin, n in zip(self._spins, self._full, strict=False)
        ):
            for spin in self._spins:
                self.slices.removeWidget(spin)
                spin.deleteLater()
            self._spins = []
            for dimension in range(wanted):
                spin = QSpinBox()
                spin.setRange(0, max(0, self._full[dimension] - 1))
                spin.setToolTip(f"Index along dimension {dimension}, of {self._full[dimension]}")
                spin.setPrefix(f"dim {dimension}: ")
                spin.valueChanged.connect(self._sliced)
                self.slices.addWidget(spin)
                self._spins.append(spin)
        self._cut()

    def _sliced(self) -> None:
        if self._is_big():
            self._ask()
        else:
            self._cut()

    def _cut(self) -> None:
        array = self._array
        if array is None or array.size == 0:
            self.model.set_values(None)
            self.heat.set_values(None)
            self.histogram.set_values(None)
            return
        self.histogram.set_values(array)
        while array.ndim > 2:
            at = self._spins[len(self._full) - array.ndim].value()
            array = array[min(at, array.shape[0] - 1)]
        if array.ndim < 2:
            array = array.reshape(1, -1)
        low = self._array is not None and self._array.dtype.kind in "fi" and bool((self._array < 0).any())
        self.heat.set_values(array, low)
        self.model.set_values(array)

    def _set(self) -> None:
        text = self.expression.text().strip()
        what = self.what.currentData()
        if text and what:
            self.session.set_value(TAG, self._node, what, text)
            self.expression.clear()
            self._moment = None

    def _set_cell(self, row: int, column: int, text: str) -> None:
        index = tuple(spin.value() for spin in self._spins)
        index += (row, column) if len(self._full) >= 2 else (column,) if len(self._full) == 1 else ()
        self.session.set_value(TAG, self._node, self.what.currentData(), text, index)
        self._moment = None

    def retheme(self) -> None:
        """Draw again."""
        self.heat.update()
        self.histogram.update()

    def edit(self) -> None:
        """Put the cursor where a new value is written."""
        if self.model.editable and self._node >= 0:
            self.raise_()
            self.expression.setFocus(Qt.FocusReason.ShortcutFocusReason)
