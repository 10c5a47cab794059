"""The formula of an op as it was called: only a loss that is a mean divides by n. No Qt."""

from __future__ import annotations

import re

from app.session.graph import Node
from engine.protocol.event import OpEntry

_NONE, _SUM = "0", "2"
"""PyTorch's numbers for reduction='none' and 'sum'; 1 is the mean, which the records show."""


def forward_formula(op: OpEntry, node: Node | None = None) -> str:
    """LaTeX of what the op computes at this node."""
    return as_called(op.formula, node)


def gradient_formula(op: OpEntry, name: str, node: Node | None = None) -> str:
    """LaTeX of the derivative for this input at this node; '' where none is known."""
    return as_called(op.gradients.get(name, ""), node)


def as_called(latex: str, node: Node | None) -> str:
    """A formula of an op with the reduction that this node was called with."""
    reduction = next((s.text for s in node.saved if s.name == "reduction"), "") if node is not None else ""
    if reduction not in (_NONE, _SUM) or "{n}" not in latex:
        return latex
    latex = re.sub(r"\\frac\{1\}\{n\}\s*(\\,)?\s*", "", latex)
    latex = re.sub(r"\\frac\{(\d+)\}\{n\}", r"\1", latex)
    if reduction == _NONE and r"\sum_i" in latex:
        latex = re.sub(r"\\sum_i\s*", "", latex, count=1)
        latex = re.sub(r"^y\s*=", "y_i =", latex)
    return latex
