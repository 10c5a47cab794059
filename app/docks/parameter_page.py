"""What an optimizer's step did to one parameter, as a page of the inspector."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QVBoxLayout

from app.look import font
from app.look.number import figure
from app.session.optimizer_walk import OptimizerWalk

from .digest_text import digest_line
from .inspector_part import caption, muted

_WORDS = {"before": "Old value", "grad": "Gradient", "change": "Change", "after": "New value"}


def build_parameter_page(walk: OptimizerWalk, column: QVBoxLayout) -> None:
    """Add what is known of the parameter under the playhead, in the order in which a step uses it: old value,
    gradient, the optimizer's state, change, new value; then all parameters of the step."""
    change = walk.current
    if change is None:
        column.addWidget(muted("This step changed no parameter."))
        return
    told = {part: digest for part, _, digest in walk.parts()}
    state = [part for part in told if part not in _WORDS]
    for part in ("before", "grad", *state, "change", "after"):
        digest = told[part]
        column.addWidget(caption(_WORDS.get(part, part.replace("_", " ").capitalize())))
        if digest is None:
            column.addWidget(muted("None: nothing flowed back to it."))
            continue
        column.addWidget(muted(digest_line(digest)))
    if walk.ratio is not None:
        column.addWidget(muted(f"The change is {figure(walk.ratio, 2)} of the old value's norm."))
    column.addWidget(caption("Parameters"))
    column.addWidget(_list_of(walk))


def _list_of(walk: OptimizerWalk) -> QLabel:
    marks = ("▸ " if place == walk.position else "  " for place in range(len(walk)))
    label = muted("\n".join(mark + change.name for mark, change in zip(marks, walk.changes)), wrap=False)
    label.setFont(font.mono(12))
    return label
