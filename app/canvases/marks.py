"""What is known of each item and wire of a scene at the cursor, as columns. No Qt."""

from __future__ import annotations

import math

import numpy as np

from app.layout.fold import BOX, INPUT
from app.layout.scene import Scene
from app.session.gain import Gains
from app.session.graph import Graph, NodeState
from engine.protocol.event import Digest

TO_COME, HERE, DONE = 0, 1, 2
NO_GRADIENT, ON_ITS_WAY, ARRIVED = 0, 1, 2
_NUMBERS = {NodeState.TO_COME: TO_COME, NodeState.HERE: HERE, NodeState.DONE: DONE}


class Marks:
    """Columns beside those of a scene.

    state: of each item. gradient: of each wire, with its norm where it arrived. gain: of each item,
    log10 of ‖gradients out‖ / ‖gradient in‖, NaN where unknown."""

    def __init__(self, scene: Scene, graph: Graph) -> None:
        self.scene = scene
        self.graph = graph
        self.state = np.zeros(len(scene.item_ref), np.uint8)
        self.gain = np.full(len(scene.item_ref), np.nan)
        self.gradient = np.zeros(len(scene.wire_source), np.uint8)
        self.norm = np.full(len(scene.wire_source), np.nan)
        self.walking = False
        self._members = _members(scene, graph)
        self.refresh()

    def refresh(self) -> None:
        """Read the graph's states and gradients anew."""
        scene, nodes, edges = self.scene, self.graph.nodes, self.graph.edges
        states = np.fromiter((_NUMBERS[n.state] for n in nodes), np.uint8, len(nodes))
        self.walking = bool((states == HERE).any())
        own = scene.item_kind != BOX
        refs = scene.item_ref
        self.state[own] = states[refs[own]] if len(nodes) else 0
        self.state[scene.item_kind == INPUT] = TO_COME
        for item, members in self._members.items():
            inside = states[members]
            self.state[item] = HERE if (inside == HERE).any() else DONE if len(inside) and (
                inside == DONE).all() else TO_COME
        self.gradient[:] = NO_GRADIENT
        self.norm[:] = np.nan
        norms = np.fromiter((math.nan if e.grad is None else _norm(e.grad) for e in edges), float, len(edges))
        if len(scene.edges):
            each = norms[scene.edges]
            known = ~np.isnan(each)
            squares = np.add.reduceat(np.where(known, each, 0.0) ** 2, scene.edge_at[:-1])
            has = np.array([e.grad is not None for e in edges])[scene.edges]
            arrived = np.add.reduceat(has, scene.edge_at[:-1]) > 0
            self.gradient[arrived] = ARRIVED
            self.norm[arrived] = np.sqrt(squares[arrived])
            spoilt = np.array([e.grad is not None and e.grad.nans > 0 for e in edges])[scene.edges]
            self.norm[np.add.reduceat(spoilt, scene.edge_at[:-1]) > 0] = np.nan
            if self.walking:
                targets = np.fromiter((e.target for e in edges), np.int32, len(edges))
                sources = np.fromiter((e.source for e in edges), np.int32, len(edges))
                plain = np.fromiter((n.kind == "input" for n in nodes), bool, len(nodes))
                leaving = (states[targets] == HERE) & ~plain[sources]
                waits = np.add.reduceat(leaving[scene.edges], scene.edge_at[:-1]) > 0
                self.gradient[waits & ~arrived] = ON_ITS_WAY

    def refresh_gain(self) -> None:
        """Read the gain of every node; only done while somebody looks at it."""
        self.gain[:] = np.nan
        gains = Gains(self.graph)
        powers = gains.powers()
        for item in np.flatnonzero((self.scene.item_kind != BOX) & (self.scene.item_kind != INPUT)).tolist():
            self.gain[item] = powers.get(int(self.scene.item_ref[item]), math.nan)
        for item, members in self._members.items():
            if len(members):
                inside = sorted(members.tolist(), key=gains.place)
                power = gains.of_module(int(self.scene.item_ref[item]), inside).power
                if power is not None and math.isfinite(power):
                    self.gain[item] = power

    @property
    def largest(self) -> float:
        """The largest gradient's norm, 0 where there is none."""
        known = self.norm[np.isfinite(self.norm)]
        return float(known.max()) if len(known) else 0.0


def _norm(grad: Digest) -> float:
    """The norm of the finite elements, or ∞ where one is infinite."""
    return math.inf if grad.infs else grad.norm


def _members(scene: Scene, graph: Graph) -> dict[int, np.ndarray]:
    """The nodes inside each closed box, inputs left out."""
    boxes = {int(scene.item_ref[i]): int(i) for i in np.flatnonzero(scene.item_kind == BOX)}
    if not boxes:
        return {}
    box_of = [-1] * len(graph.modules)
    for module in range(len(graph.modules)):
        trail = module
        seen = 0
        while trail >= 0 and seen <= len(box_of):
            if trail in boxes:
                box_of[module] = boxes[trail]
                break
            trail, seen = graph.modules[trail].parent, seen + 1
    inside: dict[int, list[int]] = {item: [] for item in boxes.values()}
    for node in graph.nodes:
        if 0 <= node.module < len(box_of) and box_of[node.module] >= 0 and node.kind != "input":
            inside[box_of[node.module]].append(node.id)
    return {item: np.array(members, np.int32) for item, members in inside.items()}
