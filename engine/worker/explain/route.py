"""The way of a gradient from the loss to a node: where it became zero, and which nodes shrank it most."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd.node import AccumulateGrad, Node
from engine.protocol.event import ReasonPart
from engine.recorders.structure import made
from engine.worker.explain import Place
from engine.worker.explain.damping import (
    GROWING_FACTOR,
    TELLING_FACTOR,
    TELLING_SHARE,
    damping,
    norm,
    plain,
)
from engine.worker.explain.subject import Arrival, Flows, at_line

WORST = 3
"""So many of the nodes that shrink a gradient most are told."""
KILLERS_MAX = 4
UNDERFLOW = 1e-18
"""A gradient below this that becomes zero has been rounded to it: float32 ends at 1e-45."""
_GROWN = "Start with smaller weights, normalize what goes in, or clip the gradient."


def zero_reasons(node: Node, flows: Flows, place: Place) -> list[ReasonPart]:
    """Where on each path from the loss the gradient became zero in every element."""
    found: list[ReasonPart] = []
    stack, seen = [node], {node}
    while stack and len(found) < KILLERS_MAX:
        here = stack.pop(0)
        arrivals = [a for a in flows.arrivals(here) if a.array is not None]
        if not arrivals:
            if _is_root(here, flows):
                text = "The gradient that backward() started from is zero."
                found.append(
                    ReasonPart("zero root", text, node=flows.number(here), advice="Pass another gradient.")
                )
            continue
        alive = [a for a in arrivals if _is_alive(a.array)]
        if alive:
            found.append(_lost_in_sum(here, alive, flows))
            continue
        for arrival in arrivals:
            source = arrival.source
            if source in seen:
                continue
            seen.add(source)
            came = flows.incoming(source) or []
            if any(_is_alive(c) for c in came):
                found.append(_stopped(arrival, flows, place))
                if found[-1].kind == "underflow":
                    found += [r for r in route_reasons(source, flows, place) if r.kind == "shrunk"]
            else:
                stack.append(source)
    return found


def route_reasons(node: Node, flows: Flows, place: Place) -> list[ReasonPart]:
    """What the way from the loss does to the gradient: shares that get nothing, and the worst factors. Those
    of a kind 'shrunk' matter only where it is small, those of 'grown' only where it is large."""
    told: list[tuple[float, ReasonPart]] = []
    for arrival, factor in route(node, flows):
        source = arrival.source
        note = made(source)
        came = flows.incoming(source) or [None]
        judged = damping(source, arrival.slot, came[0], arrival.array)
        where = f"{source.name()}{at_line(note.file, note.line, place)}"
        number = flows.number(source)
        if judged is not None and judged.share >= TELLING_SHARE:
            told.append(
                (
                    -1.0 - judged.share,
                    ReasonPart(
                        judged.kind,
                        f"{where}: {judged.text}",
                        note.file,
                        note.line,
                        number,
                        judged.share,
                        judged.advice,
                    ),
                )
            )
        elif factor < TELLING_FACTOR:
            text = f"{where} lets {factor:.2g} of the norm pass."
            if judged is not None and (judged.share < 0 or judged.share > 0.05):
                text += f" {judged.text}"
            advice = judged.advice if judged is not None else _advice(source)
            told.append((factor, ReasonPart("shrunk", text, note.file, note.line, number, factor, advice)))
        elif factor > GROWING_FACTOR:
            text = f"{where} makes the norm {factor:.3g} times as large."
            if judged is not None and judged.share < 0:
                text += f" {judged.text}"
            told.append((-factor, ReasonPart("grown", text, note.file, note.line, number, factor, _GROWN)))
    told.sort(key=lambda pair: pair[0])
    found = [r for _, r in told if r.kind not in ("shrunk", "grown")][:KILLERS_MAX]
    for kind in ("shrunk", "grown"):
        found += [r for _, r in told if r.kind == kind][:WORST]
    return found


def route(node: Node, flows: Flows) -> list[tuple[Arrival, float]]:
    """The way by which most of the gradient came, from the node up to the loss: each edge, and the norm that
    left along it over the norm that came into its source."""
    found: list[tuple[Arrival, float]] = []
    seen = {node}
    while True:
        arrivals = [a for a in flows.arrivals(node) if a.array is not None and a.source not in seen]
        if not arrivals:
            return found
        best = max(arrivals, key=lambda a: _finite(norm(a.array)))
        came = sum(norm(c) ** 2 for c in flows.incoming(best.source) or [] if c is not None) ** 0.5
        if came > 0 and np.isfinite(came):
            found.append((best, norm(best.array) / came))
        node = best.source
        seen.add(node)


def _stopped(arrival: Arrival, flows: Flows, place: Place) -> ReasonPart:
    source = arrival.source
    note = made(source)
    came = flows.incoming(source) or [None]
    judged = damping(source, arrival.slot, came[0], arrival.array)
    where = f"{source.name()}{at_line(note.file, note.line, place)}"
    number = flows.number(source)
    largest = max((_largest(c) for c in came if c is not None), default=0.0)
    if largest < UNDERFLOW and (judged is None or judged.share < 1):
        text = f"{where}: what came was at most {largest:.1e}, and what left is rounded to 0."
        advice = "It has been shrunk all along the path: see the factors."
        return ReasonPart("underflow", text, note.file, note.line, number, advice=advice)
    if judged is None:
        text = f"A gradient came to {where}, and zeros left it."
        advice = "Look at what it keeps for backward."
        return ReasonPart("zero factor", text, note.file, note.line, number, 1.0, advice)
    value = judged.share if judged.share >= 0 else None
    return ReasonPart(
        judged.kind, f"{where}: {judged.text}", note.file, note.line, number, value, judged.advice
    )


def _lost_in_sum(node: Node, alive: list[Arrival], flows: Flows) -> ReasonPart:
    """Contributions that are not zero, and zero in their sum: they cancel, or a hook changed it."""
    number = flows.number(node)
    arrays = [a for a in (plain(x.array) for x in alive) if a is not None]
    total = arrays[0].astype(np.float64)
    for more in arrays[1:]:
        total = total + more
    if np.any(total):
        text = "A gradient came here, and a hook of the script's made zeros of it."
        return ReasonPart("hook", text, node=number, advice="See what register_hook was given.")
    names = " and ".join(flows.title(a.source) for a in alive[:3])
    return ReasonPart("cancelled", f"The contributions of {names} cancel each other.", node=number)


def _largest(array: Any) -> float:
    a = plain(array)
    return 0.0 if a is None or not a.size else float(np.max(np.abs(a)))


def _is_alive(array: Any) -> bool:
    a = plain(array)
    return a is not None and bool(a.any())


def _is_root(node: Node, flows: Flows) -> bool:
    return any(fn is node for fn, _ in flows.walk.run.roots)


def _advice(node: Node) -> str:
    name = node.name()
    if any(word in name for word in ("Mm", "Addmm", "Linear", "Convolution", "Bmm")):
        return "Start with larger weights (Kaiming or Xavier), or put a normalization before it."
    if isinstance(node, AccumulateGrad):
        return ""
    return "A residual connection around it lets the gradient pass."


def _finite(value: float) -> float:
    return value if np.isfinite(value) else np.inf
