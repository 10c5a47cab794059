"""How the gradient shrinks and grows from the loss down: a waterfall, and the worst factors by name."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.look import font
from app.look.number import figure
from app.look.sentence import sentence
from app.session.gain import Gain, Gains, reach, worst
from app.session.session import Session

from .blank import BlankOr, ElidedLabel
from .dock import Dock
from .inspector_part import caption
from .right_column import FIGURE_ROLE, REMARK_ROLE, dress
from .waterfall import Waterfall, factor_text

GROUPED_FROM = 400
"""With more nodes than this the steps are modules at first."""
_HARMLESS = 0.301
"""log10 of a factor of two: less is not worth a word."""
_PLACE_ROLE = Qt.ItemDataRole.UserRole


class GradientFlowDock(Dock):
    """Gradient flow: from the loss on the left to the leaves, each step by how it changes the norm."""

    key = "gradient_flow"
    title = "Gradient flow"

    def __init__(self, session: Session) -> None:
        self.plot = Waterfall()
        self.steps: list[Gain] = []
        self._by_hand: bool | None = None
        super().__init__(session)
        self.summary = ElidedLabel()
        self.grouped = QToolButton()
        self.grouped.setObjectName("Quiet")
        self.grouped.setText("By module")
        self.grouped.setCheckable(True)
        self.grouped.setToolTip(sentence("gain.by_module"))
        self.grouped.clicked.connect(self._group)
        self.list = QTreeWidget()
        dress(self.list)
        self.list.setRootIsDecorated(False)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setAccessibleName("Largest factors")
        self.list.itemClicked.connect(lambda item: self._choose(item.data(0, _PLACE_ROLE)))
        self.list.itemActivated.connect(lambda item: self._choose(item.data(0, _PLACE_ROLE)))
        self.none = QLabel(sentence("gain.harmless"))
        self.none.setObjectName("Muted")
        self.none.setWordWrap(True)
        self.none.setContentsMargins(16, 4, 16, 4)
        self.none.setFont(font.body(12))
        self.body = BlankOr("empty.gradient_flow", self._page())
        self.setWidget(self.body)
        self.plot.chosen.connect(self._choose)
        self.visibilityChanged.connect(lambda yes: session.watch_whole(self.key, yes))

    def _page(self) -> QWidget:
        head = QHBoxLayout()
        head.setContentsMargins(16, 4, 8, 0)
        head.addWidget(self.summary, 1)
        head.addWidget(self.grouped)
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addLayout(head)
        left.addWidget(self.plot, 1)
        heading = caption("Largest factors")
        heading.setContentsMargins(16, 10, 0, 2)
        side = QWidget()
        side.setFixedWidth(232)
        right = QVBoxLayout(side)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(heading)
        right.addWidget(self.none)
        right.addWidget(self.list, 1)
        page = QWidget()
        page.setObjectName("DockBody")
        both = QHBoxLayout(page)
        both.setContentsMargins(0, 0, 0, 0)
        both.setSpacing(0)
        both.addLayout(left, 1)
        both.addWidget(side)
        return page

    def _group(self, yes: bool) -> None:
        self._by_hand = yes
        self.look(frozenset({"graph"}))

    def _choose(self, place: object) -> None:
        if isinstance(place, int) and 0 <= place < len(self.steps):
            step = self.steps[place]
            if step.kind == "module":
                self.session.select_module(step.id)
            else:
                self.session.select_node(step.id)

    def look(self, changes: frozenset[str]) -> None:
        """Read the gains of the graph that is shown."""
        session, graph = self.session, self.session.graph
        if changes & {"replaced"}:
            self._by_hand = None
        many = len(graph.order) > GROUPED_FROM and len(graph.modules) > 1
        grouped = many if self._by_hand is None else self._by_hand
        self.grouped.setChecked(grouped)
        self.grouped.setEnabled(bool(graph.modules))
        gains = Gains(graph)
        self.steps = gains.modules() if grouped and graph.modules else gains.way_down()
        self.body.show_widget(bool(self.steps))
        here = session.here
        selection = session.selection
        self.plot.show_steps(
            self.steps,
            self._place_of("node", here.id) if here is not None else -1,
            self._place_of(selection.kind, selection.id) if selection.kind in ("node", "module") else -1,
        )
        self._say()
        self._list_worst()

    def _place_of(self, kind: str, id: int) -> int:
        graph = self.session.graph
        module = graph.nodes[id].module if kind == "node" and id < len(graph.nodes) else id
        for place, step in enumerate(self.steps):
            if step.kind == "module":
                if step.id == module:
                    return place
            elif kind == "node" and step.id == id:
                return place
        return -1

    def _say(self) -> None:
        ends = reach(self.steps)
        if ends is None:
            words = sentence("gain.unknown")
        elif ends[0] < -_HARMLESS:
            words = sentence("gain.shrinks").format(figure(10 ** -ends[0], 2))
        elif ends[1] > _HARMLESS:
            words = sentence("gain.grows").format(figure(10 ** ends[1], 2))
        else:
            words = sentence("gain.keeps")
        self.summary.setText(words)

    def _list_worst(self) -> None:
        named = worst(self.steps)
        places = {id(step): place for place, step in enumerate(self.steps)}
        rows = [(*self._named(step), factor_text(step), places[id(step)]) for step in named]
        known = any(step.factor is not None for step in self.steps)
        self.none.setVisible(known and not rows)
        shown = [
            (
                item.text(0),
                item.data(0, REMARK_ROLE),
                item.data(0, FIGURE_ROLE),
                item.data(0, _PLACE_ROLE),
            )
            for item in (self.list.topLevelItem(i) for i in range(self.list.topLevelItemCount()))
            if item is not None
        ]
        if rows == shown:
            return
        self.list.clear()
        for name, remark, factor, place in rows:
            item = QTreeWidgetItem([name])
            item.setData(0, REMARK_ROLE, remark)
            item.setData(0, FIGURE_ROLE, factor)
            item.setData(0, _PLACE_ROLE, place)
            item.setToolTip(0, self.plot.words_of(place))
            self.list.addTopLevelItem(item)

    def _named(self, step: Gain) -> tuple[str, str]:
        """A node by its module and name, what stands alone by its name."""
        graph = self.session.graph
        module = graph.nodes[step.id].module if step.kind == "node" else -1
        path = graph.modules[module].path if 0 <= module < len(graph.modules) else ""
        return (path, step.name.partition("Backward")[0]) if path else (step.name, "")

    def retheme(self) -> None:
        """Draw again."""
        self.plot.viewport().update()
