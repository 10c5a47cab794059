"""The op records as rows for readers that have no engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.ops.formula_words import formula_of
from engine.ops.record import COMPOSITES, RECORDS
from engine.protocol.event import CatalogueSent, OpEntry


def catalogue() -> CatalogueSent:
    """One row for each record. The LaTeX of gradients is left to `rows_of`: typesetting all would take a
    while."""
    return CatalogueSent(tuple(_row(op, {}) for table in (RECORDS, COMPOSITES) for op in table.values()))


def rows_of(names: Iterable[str]) -> CatalogueSent:
    """Whole rows, gradients typeset, for the ops with these names."""
    found = (RECORDS.get(name) for name in names)
    return CatalogueSent(tuple(_row(op, _gradients(op)) for op in found if op is not None))


def _row(op: Any, gradients: dict[str, str]) -> OpEntry:
    grad_fn = op.grad_fn if op.grads else ""
    return OpEntry(op.name, grad_fn, tuple(op.inputs), formula_of(op), gradients, op.text or "", op.family)


def _gradients(op: Any) -> dict[str, str]:
    try:
        from engine.ops.typeset import gradient_formulas

        return gradient_formulas(op)
    except Exception:
        return dict(getattr(op, "gradients", None) or {})
