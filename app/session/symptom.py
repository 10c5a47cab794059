"""What can be wrong with a run, found in what the session knows: one function for each rule. No Qt.

Each takes the session and a threshold, changes nothing, and gives its findings, the worst first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.session.gain import Gains
from app.session.graph import Graph, Node
from engine.protocol.event import Digest

if TYPE_CHECKING:
    from app.session.session import Session

_RECTIFIERS = ("Relu", "Threshold", "Hardtanh")
_SLOPES = {"Sigmoid": 0.25, "Tanh": 1.0}
"""The largest slope that each of these can have."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is broken. node: -1 for the run as a whole; value: what was held against the
    threshold; about: the value is an estimate."""

    rule: str
    node: int
    name: str
    value: float
    threshold: float
    about: bool = False


def loss_not_finite(session: Session, threshold: float = 0.0) -> list[Finding]:
    """The loss under the playhead is NaN or Inf."""
    now = session.timeline.current
    if now is None or now.value is None or math.isfinite(now.value):
        return []
    root = now.root if now.graph == session.graph.hash else -1
    return [Finding("loss_not_finite", root, now.variable or "loss", now.value, threshold)]


def not_finite(session: Session, threshold: float = 0.0) -> list[Finding]:
    """Nodes whose value or gradient holds NaN or Inf, with how many: values in the order of the forward, then
    gradients in that of backward."""
    graph = session.graph
    found = []
    seen = set()
    order = [*sorted((n for n in graph.nodes if n.kind == "input"), key=lambda n: n.id)]
    order += [graph.nodes[i] for i in reversed(graph.order)]
    for node in order:
        count = _strange(node.value)
        if count:
            seen.add(node.id)
            found.append(Finding("not_finite", node.id, node.name, count, threshold))
    for i in graph.order:
        node = graph.nodes[i]
        count = max([_strange(node.grad), *map(_strange, node.incoming), *map(_strange, node.outgoing)])
        if count and i not in seen:
            found.append(Finding("not_finite", i, node.name, count, threshold))
    return found


def no_gradient(session: Session, threshold: float = 0.0) -> list[Finding]:
    """Parameters of an optimizer that no backward of this run has reached."""
    reached = {n.name for n in session.graph.nodes if n.kind == "leaf"} | session.leaves
    missing = [name for name in session.trained if name not in reached]
    return [Finding("no_gradient", -1, name, 0.0, threshold) for name in missing] if reached else []


def vanishing(session: Session, threshold: float) -> list[Finding]:
    """Leaves whose gradient is, element by element, this much smaller than that of the largest. Biases are
    let be: one before a normalization has none by nature."""
    sizes = {n.id: _typical(n.grad) for n in session.graph.nodes if n.kind == "leaf" and n.grad is not None}
    largest = max(sizes.values(), default=0.0)
    if not largest > 0:
        return []
    nodes = session.graph.nodes
    found = [
        Finding("vanishing", i, nodes[i].name, size / largest, threshold)
        for i, size in sizes.items()
        if size / largest < threshold and not _is_bias(nodes[i].name)
    ]
    return sorted(found, key=lambda f: f.value)


def exploding(session: Session, threshold: float) -> list[Finding]:
    """Leaves whose gradient has a norm above this."""
    found = [
        Finding("exploding", n.id, n.name, n.grad.norm, threshold)
        for n in session.graph.nodes
        if n.kind == "leaf" and n.grad is not None and n.grad.norm > threshold
    ]
    return sorted(found, key=lambda f: -f.value)


def steep(session: Session, threshold: float) -> list[Finding]:
    """Nodes that make the gradient this much larger, or as much smaller. What spreads a single number, such
    as a mean, is let be."""
    graph = session.graph
    if threshold <= 0:
        return []
    reach = abs(math.log10(threshold))
    found = []
    for gain in Gains(graph).nodes():
        power = gain.power
        if gain.kind == "node" and power is not None and abs(power) > reach:
            if math.prod(graph.nodes[gain.id].shape) > 1:
                finding = Finding("steep", gain.id, gain.name, gain.factor or 0.0, threshold)
                found.append((abs(power), finding))
    return [finding for _, finding in sorted(found, key=lambda pair: -pair[0])]


def dead(session: Session, threshold: float) -> list[Finding]:
    """Rectifiers of whose results at least this share is zero."""
    found = []
    for node in session.graph.nodes:
        share = dead_share(node) if node.kind == "op" and node.name.startswith(_RECTIFIERS) else None
        if share is not None and share >= threshold:
            found.append(Finding("dead", node.id, node.name, share, threshold))
    return sorted(found, key=lambda f: -f.value)


def dead_share(node: Node) -> float | None:
    """The share of zeros in a node's result; where that is not known, in the gradient that it lets through,
    if all that arrived was non-zero."""
    if node.value is not None:
        return node.value.zeros / max(1, _size(node.value))
    came = next((d for d in node.incoming if d is not None), None)
    went = next((d for d in node.outgoing if d is not None), None)
    if came is None or went is None or came.zeros or _size(came) != _size(went):
        return None
    return went.zeros / max(1, _size(went))


def saturated(session: Session, threshold: float) -> list[Finding]:
    """Sigmoids and tanhs whose mean slope is below this share of the largest one."""
    found = []
    for node in session.graph.nodes:
        share = slope_share(node)
        if share is not None and share < threshold:
            found.append(Finding("saturated", node.id, node.name, share, threshold))
    return sorted(found, key=lambda f: f.value)


def slope_share(node: Node) -> float | None:
    """The mean slope of a sigmoid or tanh over its largest, from mean and norm of its result alone.

    y (1 - y) of a sigmoid and 1 - y² of a tanh need no more than the means of y and y²."""
    kind = node.name.partition("Backward")[0]
    value = node.value
    if kind not in _SLOPES or value is None or value.nans or value.infs or not _size(value):
        return None
    squares = value.norm**2 / _size(value)
    mean = value.mean - squares if kind == "Sigmoid" else 1.0 - squares
    return max(0.0, mean) / _SLOPES[kind]


def update_large(session: Session, threshold: float) -> list[Finding]:
    """Parameters of which one step of the optimizer changes more than this share."""
    found = [f for f in _updates(session, "update_large", threshold) if f.value > threshold]
    return sorted(found, key=lambda f: -f.value)


def update_small(session: Session, threshold: float) -> list[Finding]:
    """Parameters of which one step of the optimizer changes less than this share."""
    found = [f for f in _updates(session, "update_small", threshold) if f.value < threshold]
    return sorted(found, key=lambda f: f.value)


def piled_up(session: Session, threshold: float = 0.0) -> list[Finding]:
    """Leaves whose .grad is not what this backward brought: something was there before. The value: the norm
    of .grad over that of what was brought."""
    found = []
    for node in session.graph.nodes:
        brought = node.incoming[0] if node.kind == "leaf" and node.incoming else None
        if brought is None or node.grad is None or not brought.norm > 0:
            continue
        now, then = node.grad, brought
        if any(abs(a - b) > 1e-6 * then.norm for a, b in ((now.norm, then.norm), (now.mean, then.mean))):
            found.append(Finding("piled_up", node.id, node.name, now.norm / then.norm, threshold))
    return sorted(found, key=lambda f: -f.value)


def loss_stuck(session: Session, threshold: float) -> list[Finding]:
    """The loss has not been lower than before for this many backwards."""
    now = session.timeline.current
    curve = session.curves.get(now.variable or f"line {now.line}") if now is not None else None
    if now is None or curve is None or len(curve) <= max(1.0, threshold):
        return []
    values = np.where(np.isfinite(curve.values), curve.values, np.inf)
    since = len(values) - 1 - int(np.argmin(values))
    if since < threshold or not np.isfinite(values).any():
        return []
    return [Finding("loss_stuck", -1, curve.name, since, threshold)]


def _updates(session: Session, rule: str, threshold: float) -> list[Finding]:
    """‖change‖ / ‖value‖ of each parameter: as it was in the step where one stood; else, for plain SGD, the
    learning rate times ‖gradient‖ / ‖value‖. Biases begin at or near zero, so they are let be."""
    leaves = {n.name: n for n in session.graph.nodes if n.kind == "leaf"}
    if session.changes:
        return [
            Finding(rule, _id(leaves, name), name, change.change.norm / change.before.norm, threshold)
            for name, change in session.changes.items()
            if not _is_bias(name)
            if change.change is not None and change.before is not None and change.before.norm > 0
            if not _strange(change.change) and not _strange(change.before)
        ]
    step = session.optimizer
    if step is None or step.optimizer != "SGD" or len(set(step.lr)) != 1:
        return []
    found = []
    for name, node in leaves.items():
        if name not in session.trained or _is_bias(name):
            continue
        if node.grad is not None and node.value is not None:
            if node.value.norm > 0 and not _strange(node.grad) and not _strange(node.value):
                share = step.lr[0] * node.grad.norm / node.value.norm
                found.append(Finding(rule, node.id, name, share, threshold, about=True))
    return found


def _is_bias(name: str) -> bool:
    return name.rpartition(".")[2].startswith("bias")


def _id(leaves: dict[str, Node], name: str) -> int:
    return leaves[name].id if name in leaves else -1


def _size(digest: Digest) -> int:
    return math.prod(digest.shape)


def _typical(digest: Digest) -> float:
    """The root of the mean square of the elements."""
    return digest.norm / math.sqrt(max(1, _size(digest)))


def _strange(digest: Digest | None) -> int:
    return 0 if digest is None else digest.nans + digest.infs


def nodes_of(findings: list[Finding], graph: Graph) -> dict[int, list[Finding]]:
    """The findings by node, those about the run as a whole left out."""
    found: dict[int, list[Finding]] = {}
    for finding in findings:
        if 0 <= finding.node < len(graph.nodes):
            found.setdefault(finding.node, []).append(finding)
    return found
