"""Looks at watched nodes now and then while the script runs at full speed."""

from __future__ import annotations

import time
from typing import Any

from engine.autograd.node import AccumulateGrad
from engine.protocol.event import Digest, ValuesSampled
from engine.protocol.request import Fetch
from engine.recorders.digest import digest_of
from engine.recorders.recorder import value_of
from engine.recorders.walk import BackwardWalk
from engine.worker.outbox import Outbox

UNASKED_NODES_MAX = 256
"""A graph of up to this many nodes is watched whole until a Watch says what is on the screen."""
SHARE = 0.1
"""Sampling takes at most this share of the time."""


class Sampler:
    """Digests of what is watched, `hz` times a second at most; and answers to fetches that came under way."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._nodes: tuple[int, ...] | None = None
        self._hz = 15.0
        self._next = 0.0
        self.pending: dict[str, Fetch] = {}
        self._next_optimizer = 0.0
        self._began_optimizer = 0.0

    def watch(self, nodes: tuple[int, ...], hz: float) -> None:
        """Sample these nodes from now on; hz 0 samples nothing."""
        self._nodes, self._hz = nodes, hz

    def ask(self, request: Fetch) -> None:
        """Answer this at the next backward."""
        self.pending[request.tag] = request

    def is_due(self) -> bool:
        """Whether the next backward should be looked at."""
        return bool(self.pending) or self._hz > 0 and time.monotonic() >= self._next

    def is_due_for_optimizer(self) -> bool:
        """Whether the next step of an optimizer should be told of, parameter by parameter."""
        return self._hz > 0 and time.monotonic() >= self._next_optimizer

    def begin_optimizer(self) -> None:
        """A step is about to be told of."""
        self._began_optimizer = time.monotonic()

    def end_optimizer(self) -> None:
        """It has been told of."""
        now = time.monotonic()
        self._next_optimizer = now + max(1 / self._hz, (now - self._began_optimizer) / SHARE)

    def sample(self, walk: BackwardWalk, stand: Any, cost_s: float) -> None:
        """Tell of the watched nodes of this backward, which has just come to its end."""
        began = time.monotonic()
        pending, self.pending = self.pending, {}
        for request in pending.values():
            stand.fetch(request, walk)
        if self._hz <= 0:
            return
        nodes = self._looked_at(walk)
        values = _values(walk, nodes)
        wanted = set(nodes)
        grads = {}
        for flow in walk.flows.values():
            number = walk.structure.index[flow.node]
            if number in wanted:
                leaf = isinstance(flow.node, AccumulateGrad)
                array = flow.total if leaf else getattr(flow.grads[0], "_a", None) if flow.grads else None
                digest = digest_of(array)
                if digest is not None:
                    grads[number] = digest
        if values or grads:
            self._outbox.put(ValuesSampled(walk.number, values, grads))
        now = time.monotonic()
        self._next = now + max(1 / self._hz, (cost_s + now - began) / SHARE)

    def tell_values(self, walk: BackwardWalk) -> None:
        """Tell of the watched nodes' values where the walk stands."""
        values = _values(walk, self._looked_at(walk))
        if values:
            self._outbox.put(ValuesSampled(walk.number, values))

    def _looked_at(self, walk: BackwardWalk) -> tuple[int, ...]:
        if self._nodes:
            return self._nodes
        count = len(walk.structure.definition.nodes)
        return tuple(range(count)) if count <= UNASKED_NODES_MAX else ()


def _values(walk: BackwardWalk, nodes: tuple[int, ...]) -> dict[int, Digest]:
    return {n: d for n in nodes if (d := digest_of(value_of(walk, n))) is not None}
