"""A change in words: how much, of what, from what to what."""

from __future__ import annotations

import math

from app.look.number import figure, shape_text
from app.session.difference import Change, Difference, NodeChange
from app.session.moment import Moment
from engine.protocol.event import Digest


def share_text(relative: float) -> str:
    """'12 %', '0.03 %', '×13' from ten times on, 'from 0' where there was nothing."""
    if math.isinf(relative):
        return "from 0"
    if relative >= 9:
        return f"×{figure(relative + 1, 2)}"
    return f"{figure(relative * 100, 2)} %"


def level_text(digest: Digest | None) -> str:
    """The number itself where it is one, else the norm."""
    if digest is None:
        return "–"
    if digest.nans or digest.infs:
        return " ".join(f"{n} {word}" for n, word in ((digest.nans, "NaN"), (digest.infs, "Inf")) if n)
    return figure(digest.mean if math.prod(digest.shape) == 1 else digest.norm, 3)


def change_text(change: Change | None, short: bool = False) -> str:
    """'0.5 → 0.25 · −50 %'; short: '−50 %'."""
    if change is None or change.after is None:
        return ""
    if change.arrived:
        return f"now {level_text(change.after)}"
    if change.spoiled > 0 or change.before is None:
        text = level_text(change.after)
        return text if short else f"{level_text(change.before)} → {text}"
    if math.prod(change.after.shape) == 1:
        pair, word = (change.before.mean, change.after.mean), ""
    else:
        measure = change.measure or "norm"
        pair = (getattr(change.before, measure), getattr(change.after, measure))
        word = "" if measure == "norm" else f"{measure} "
    sign = ""
    if not math.isinf(change.relative) and change.relative < 9 and pair[0] != pair[1]:
        sign = "+" if pair[1] > pair[0] else "−"
    share = sign + share_text(change.relative)
    return share if short else f"{word}{figure(pair[0], 3)} → {figure(pair[1], 3)} · {share}"


def row_text(row: NodeChange, difference: Difference, short: bool = False) -> tuple[str, str]:
    """What stands beside a node's name: a remark, and the figure at the right edge."""
    if row.kind == "added":
        return "new node", shape_text(difference.after.node(row.after).shape)
    if row.kind == "removed":
        return "gone", shape_text(difference.before.node(row.before).shape)
    if row.kind == "reshaped":
        before, after = difference.before.node(row.before), difference.after.node(row.after)
        return "shape", f"{shape_text(before.shape)} → {shape_text(after.shape)}"
    return row.which, change_text(row.main, short)


def row_tip(row: NodeChange) -> str:
    """Both changes of a node, a line each."""
    lines = [row.name]
    for word, change in (("value", row.value), ("gradient", row.grad)):
        if change is not None and change.is_one:
            lines.append(f"{word}: {change_text(change)}")
    if row.kind == "changed":
        lines.append("The share is of the norm; of min, max and mean it is of the largest element.")
    return "\n".join(lines)


def place_text(moment: Moment) -> str:
    """'iteration 3, node 2', with the phase where it is not backward."""
    if moment.phase != "backward":
        return f"iteration {moment.backward + 1}, {moment.phase}"
    count = len(moment.definition.order)
    if moment.position >= count:
        return f"iteration {moment.backward + 1}, end"
    return f"iteration {moment.backward + 1}, node {moment.position + 1}"


def summary_text(difference: Difference) -> str:
    """How many nodes of each kind, the gravest first."""
    words = []
    for kind, one, many in (
        ("spoiled", "new NaN or Inf at 1 node", "new NaN or Inf at {} nodes"),
        ("added", "1 node is new", "{} nodes are new"),
        ("removed", "1 node is gone", "{} nodes are gone"),
        ("reshaped", "1 has another shape", "{} have another shape"),
        ("changed", "1 changed", "{} changed"),
        ("arrived", "1 is known now", "{} are known now"),
    ):
        count = len(difference.of_kind(kind))
        if count:
            words.append(one if count == 1 else many.format(count))
    if not words and difference.edges:
        words.append(
            f"no node changed, a gradient flowed along {difference.edges} "
            f"{'edge' if difference.edges == 1 else 'edges'}"
        )
    elif not words:
        words.append("nothing changed" if difference.same else "too little is known to compare")
    elif difference.same:
        words.append(f"{difference.same} the same")
    return " · ".join(words)
