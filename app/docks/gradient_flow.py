"""The norm of the gradient at each node, in the order in which backward runs them."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget

from app.look import font
from app.look.number import figure
from app.look.theme import theme
from app.session.graph import Node, NodeState
from app.session.session import Session

from .blank import BlankOr
from .dock import Dock

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 24, 16, 36


class FlowBars(QWidget):
    """One bar per node on a logarithmic scale; the one where we stand in the accent, leaves in teal."""

    clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.norms: list[float | None] = []
        self.setMouseTracking(True)

    def show_nodes(self, nodes: list[Node], norms: list[float | None]) -> None:
        """Draw these nodes with these norms."""
        self.nodes, self.norms = nodes, norms
        self.update()

    def _reach(self) -> tuple[int, int]:
        known = [math.log10(n) for n in self.norms if n is not None and n > 0 and math.isfinite(n)]
        if not known:
            return -3, 1
        low, high = math.floor(min(known) - 0.2), math.ceil(max(known) + 0.05)
        return (low, max(high, low + 1))

    def _slot(self) -> float:
        return max(1.0, (self.width() - _LEFT - _RIGHT) / max(1, len(self.nodes)))

    def _at(self, x: float) -> int:
        number = int((x - _LEFT) / self._slot())
        return number if x >= _LEFT and 0 <= number < len(self.nodes) else -1

    def paintEvent(self, event: QPaintEvent) -> None:
        """Grid, bars, names where there is room."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = theme()
        low, high = self._reach()
        height = self.height() - _TOP - _BOTTOM
        painter.setFont(font.body(11))
        stride = max(1, math.ceil((high - low) / max(1, height // 28)))
        for power in range(high, low - 1, -stride):
            y = _TOP + height * (high - power) / (high - low)
            painter.setPen(look["line"])
            painter.drawLine(QPointF(_LEFT, y), QPointF(self.width() - _RIGHT, y))
            painter.setPen(look["quiet"])
            painter.drawText(
                QRectF(0, y - 8, _LEFT - 8, 16),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                f"1e{power}".replace("-", "−"),
            )
        slot = self._slot()
        bar = min(48.0, max(1.0, slot * 0.6))
        names = slot >= 56
        for number, (node, norm) in enumerate(zip(self.nodes, self.norms, strict=True)):
            middle = _LEFT + slot * (number + 0.5)
            here = node.state is NodeState.HERE
            if norm is not None:
                bad = not math.isfinite(norm)
                share = 1.0 if bad else 0.0 if norm <= 0 else (math.log10(norm) - low) / (high - low)
                top = _TOP + height * (1 - max(0.0, share))
                token = "warn" if bad else "accent" if here else "leaf" if node.kind == "leaf" else "grad"
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(look.with_alpha(token, 0.85))
                painter.drawRoundedRect(
                    QRectF(middle - bar / 2, top, bar, _TOP + height - top), min(3, bar / 4), min(3, bar / 4)
                )
                if slot >= 40:
                    painter.setPen(look["quiet"])
                    painter.drawText(
                        QRectF(middle - slot / 2, top - 16, slot, 14),
                        Qt.AlignmentFlag.AlignCenter,
                        figure(norm, 2),
                    )
            if names:
                painter.setPen(look["accent"] if here else look["quiet"])
                text = painter.fontMetrics().elidedText(
                    node.name, Qt.TextElideMode.ElideMiddle, int(slot) - 8
                )
                painter.drawText(
                    QRectF(middle - slot / 2, _TOP + height + 8, slot, 16), Qt.AlignmentFlag.AlignCenter, text
                )

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say which node is under the mouse."""
        number = self._at(event.position().x())
        if number >= 0:
            norm = self.norms[number]
            words = f"norm {figure(norm)}" if norm is not None else "not reached yet"
            QToolTip.showText(event.globalPosition().toPoint(), f"{self.nodes[number].name} · {words}", self)
        else:
            QToolTip.hideText()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the node under the mouse."""
        number = self._at(event.position().x())
        if number >= 0:
            self.clicked.emit(self.nodes[number].id)


class GradientFlowDock(Dock):
    """Gradient flow: from the loss on the left to the leaves on the right."""

    key = "gradient_flow"
    title = "Gradient flow"

    def __init__(self, session: Session) -> None:
        self.bars = FlowBars()
        super().__init__(session)
        self.body = BlankOr("empty.gradient_flow", self.bars)
        self.setWidget(self.body)
        self.bars.clicked.connect(session.select_node)

    def look(self, changes: frozenset[str]) -> None:
        """Take the norms from the graph that is shown."""
        graph = self.session.graph
        order = graph.order or [n.id for n in reversed(graph.nodes) if n.kind != "input"]
        nodes = [graph.nodes[i] for i in order if i < len(graph.nodes)]
        norms = [node.grad.norm if node.grad is not None else None for node in nodes]
        self.body.show_widget(bool(nodes))
        self.bars.show_nodes(nodes, norms)

    def retheme(self) -> None:
        """Draw again."""
        self.bars.update()
