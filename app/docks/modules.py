"""Modules and parameters of the model, with sizes and the norms of their gradients."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem

from app.look.number import count_text, figure, shape_text
from app.session.graph import Graph, Node
from app.session.session import Session

from .blank import BlankOr
from .dock import Dock
from .right_column import FIGURE_ROLE, REMARK_ROLE, STRONG_ROLE, TOKEN_ROLE, dress

NODE_ROLE = Qt.ItemDataRole.UserRole
MODULE_ROLE = Qt.ItemDataRole.UserRole + 4


class ModulesDock(Dock):
    """Modules: a tree by path; a click selects on the canvas."""

    key = "modules"
    title = "Modules"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.tree = QTreeWidget()
        dress(self.tree)
        self.tree.itemClicked.connect(self._chosen)
        self.tree.itemActivated.connect(self._chosen)
        self.body = BlankOr("empty.modules", self.tree)
        self.setWidget(self.body)
        self._graph: Graph | None = None
        self._items: dict[str, QTreeWidgetItem] = {}
        self._leaves: dict[int, QTreeWidgetItem] = {}
        self._top = QTreeWidgetItem()
        self._under: dict[str, list[int]] = {}
        self._owners: dict[int, list[str]] = {}
        self._counts: dict[str, int] = {}
        self._told: dict[str, tuple[str, bool]] = {}

    def look(self, changes: frozenset[str]) -> None:
        """Rebuild for another structure; else write the norms and mark where we stand."""
        if self.session.graph is not self._graph:
            self._graph = self.session.graph
            self._rebuild(self._graph)
        self._figures()

    def _rebuild(self, graph: Graph) -> None:
        self.tree.clear()
        self._items.clear()
        self._leaves.clear()
        self._under.clear()
        self._owners.clear()
        self._told.clear()
        # Built beside the tree and put in at once: one by one each row would be announced to the view.
        self._top = QTreeWidgetItem()
        # Backward meets the last module first; a reader wants them as forward calls them.
        for call in reversed(graph.modules):
            self._make(call.id, graph)
        parameters = [node for node in graph.nodes if node.kind == "leaf"]
        for node in sorted(parameters, key=lambda n: not n.name.endswith("weight")):
            self._leaf(node)
        self.tree.addTopLevelItems(self._top.takeChildren())
        self._counts = {
            path: sum(math.prod(graph.nodes[i].shape) for i in leaves) for path, leaves in self._under.items()
        }
        for path, item in self._items.items():
            count = self._counts[path]
            item.setToolTip(0, f"{count_text(count)} parameters" if count else "")
        self.tree.expandToDepth(1 if len(graph.modules) < 40 else 0)
        self.body.show_widget(self.tree.topLevelItemCount() > 0)

    def _parent(self, path: str) -> QTreeWidgetItem:
        """The item of the longest path that this one stands under."""
        while path:
            path = path.rpartition(".")[0]
            if path in self._items:
                return self._items[path]
        return self._items.get("", self._top)

    def _make(self, number: int, graph: Graph) -> None:
        call = graph.modules[number]
        if 0 <= call.parent < len(graph.modules):
            self._make(call.parent, graph)
        if call.path not in self._items:
            self._module(call.path, call.type, number, graph)

    def _module(self, path: str, kind: str, number: int, graph: Graph) -> None:
        call = graph.modules[number]
        parent = self._top
        if 0 <= call.parent < len(graph.modules):
            parent = self._items.get(graph.modules[call.parent].path) or self._parent(path)
        elif path:
            parent = self._parent(path)
        name = path.rpartition(".")[2]
        item = QTreeWidgetItem(parent, [name or kind])
        item.setData(0, REMARK_ROLE, kind if name else "")
        item.setData(0, MODULE_ROLE, number)
        self._items[path] = item
        self._under[path] = []

    def _leaf(self, node: Node) -> None:
        path, _, short = node.name.rpartition(".")
        parent = self._items.get(path) or self._parent(node.name)
        item = QTreeWidgetItem(parent, [short or node.name])
        item.setData(0, NODE_ROLE, node.id)
        item.setData(0, TOKEN_ROLE, "leaf_text")
        item.setData(0, FIGURE_ROLE, shape_text(node.shape))
        self._leaves[node.id] = item
        owner = node.name
        self._owners[node.id] = owners = [""] if "" in self._under else []
        while owner:
            if owner in self._under:
                owners.append(owner)
            owner = owner.rpartition(".")[0]
        for known in owners:
            self._under[known].append(node.id)

    def _figures(self) -> None:
        graph = self.session.graph
        here = self.session.here
        home = graph.modules[here.module].path if here and 0 <= here.module < len(graph.modules) else None
        squares: dict[str, float] = {}
        for number, item in self._leaves.items():
            grad = graph.nodes[number].grad
            if grad is not None:
                for path in self._owners[number]:
                    squares[path] = squares.get(path, 0.0) + grad.norm * grad.norm
            shape = shape_text(graph.nodes[number].shape)
            tip = f"{shape}, norm of its gradient {figure(grad.norm)}" if grad is not None else shape
            if item.toolTip(0) != tip:
                item.setToolTip(0, tip)
        for path, item in self._items.items():
            square = squares.get(path)
            if square is not None:
                text = f"‖g‖ {figure(math.sqrt(square), 2)}"
            elif item.parent() is None and self._counts[path]:
                text = f"{count_text(self._counts[path])} params"
            else:
                text = "‖g‖ –" if self._under[path] else ""
            strong = path == home and home is not None
            if self._told.get(path) != (text, strong):
                self._told[path] = (text, strong)
                item.setData(0, FIGURE_ROLE, text)
                item.setData(0, STRONG_ROLE, strong)

    def _chosen(self, item: QTreeWidgetItem, column: int = 0) -> None:
        node = item.data(0, NODE_ROLE)
        module = item.data(0, MODULE_ROLE)
        if node is not None:
            self.session.select_node(int(node))
        elif module is not None:
            self.session.select_module(int(module))
