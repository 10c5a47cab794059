"""The op records as rows for readers that have no engine."""

from __future__ import annotations

from typing import Any

from engine.ops.record import COMPOSITES, RECORDS
from engine.protocol.event import CatalogueSent, OpEntry


def catalogue() -> CatalogueSent:
    """One row for each record; a gradient's formula is typeset where a typesetter for formulas is there."""
    return CatalogueSent(tuple(_row(op) for table in (RECORDS, COMPOSITES) for op in table.values()))


def _row(op: Any) -> OpEntry:
    gradients: dict[str, str] = {}
    told = getattr(op, "gradient_formulas", None)
    try:
        found = told() if callable(told) else told
        if isinstance(found, dict):
            gradients = {str(k): str(v) for k, v in found.items()}
    except Exception:
        gradients = {}
    return OpEntry(
        op.name,
        op.grad_fn if op.grads else "",
        tuple(op.inputs),
        op.formula or "",
        gradients,
        op.text or "",
        op.family,
    )
