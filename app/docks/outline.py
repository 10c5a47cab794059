"""Classes and functions of the script; a click goes to their line."""

from __future__ import annotations

import ast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem

from app.session.session import Session

from .blank import BlankOr
from .dock import Dock


class OutlineDock(Dock):
    """Outline: what the script defines, by name and line."""

    key = "outline"
    title = "Outline"
    line_chosen = Signal(int)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setIndentation(16)
        self.tree.itemClicked.connect(self._chosen)
        self.tree.itemActivated.connect(self._chosen)
        self.body = BlankOr("empty.outline", self.tree)
        self.setWidget(self.body)
        self._source: str | None = None

    def look(self, changes: frozenset[str]) -> None:
        """List the script anew when it changed."""
        if self.session.source == self._source:
            return
        self._source = self.session.source
        self.tree.clear()
        try:
            tree = ast.parse(self._source or "")
        except SyntaxError:
            tree = ast.Module([], [])
        for node in tree.body:
            self._add(self.tree.invisibleRootItem(), node)
        self.tree.expandAll()
        self.body.show_widget(self.tree.topLevelItemCount() > 0)

    def _add(self, parent: QTreeWidgetItem, node: ast.stmt) -> None:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            name = node.name if isinstance(node, ast.ClassDef) else f"{node.name}()"
            item = QTreeWidgetItem(parent, [name])
            item.setData(0, Qt.ItemDataRole.UserRole, node.lineno)
            for inner in node.body:
                self._add(item, inner)
        elif isinstance(node, (ast.Assign, ast.For)) and parent is self.tree.invisibleRootItem():
            if isinstance(node, ast.For):
                name = f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}"
            elif isinstance(node.value, ast.Call):
                name = ", ".join(ast.unparse(target) for target in node.targets)
            else:
                return
            item = QTreeWidgetItem(parent, [name])
            item.setData(0, Qt.ItemDataRole.UserRole, node.lineno)

    def _chosen(self, item: QTreeWidgetItem, column: int = 0) -> None:
        self.line_chosen.emit(int(item.data(0, Qt.ItemDataRole.UserRole)))
