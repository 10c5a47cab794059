"""What a recording keeps of each backward besides its events: small tensors, up to a budget."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd.node import FREED, AccumulateGrad, SavedTensor
from engine.protocol.event import TensorKept, ValuesSampled
from engine.recorders.digest import digest_of
from engine.recorders.recorder import value_of
from engine.recorders.walk import BackwardWalk, Flow
from engine.worker.outbox import Outbox
from engine.worker.slot import window

ELEMENTS_MAX = 1024
BYTES_MAX = 64 << 20
NODE_EVENTS_MAX = 1_000_000


class Keeper:
    """Keeps tensors of up to `ELEMENTS_MAX` elements until `BYTES_MAX` are reached."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._bytes_left = BYTES_MAX
        self._events_left = NODE_EVENTS_MAX

    @property
    def wants_details(self) -> bool:
        """Whether every node of a backward is still told of; later ones have their structure and loss
        alone."""
        return self._events_left > 0

    def begin(self, walk: BackwardWalk) -> None:
        """Keep values and saved tensors, before the walk; of every value its digest is told."""
        self._events_left -= walk.count
        if self._events_left > 0:
            self._tell_values(walk)
        if self._bytes_left <= 0:
            return
        for number in range(len(walk.structure.definition.nodes)):
            self._keep(walk, number, "value", value_of(walk, number))
        for number, node in enumerate(walk.structure.nodes):
            if node.saved is FREED:
                continue
            for name, value in node.saved.items():
                if isinstance(value, SavedTensor) and value.tensor is not None:
                    self._keep(walk, number, "saved:" + name, value.tensor._a)

    def _tell_values(self, walk: BackwardWalk) -> None:
        values = {}
        for number in range(len(walk.structure.definition.nodes)):
            digest = digest_of(value_of(walk, number))
            if digest is not None:
                values[number] = digest
        if values:
            self._outbox.put(ValuesSampled(walk.number, values))

    def keep_flow(self, walk: BackwardWalk, flow: Flow) -> None:
        """Keep the gradients that came into a node and left it."""
        if self._bytes_left <= 0:
            return
        number = walk.structure.index[flow.node]
        for slot, grad in enumerate(flow.grads):
            self._keep(walk, number, f"incoming:{slot}", getattr(grad, "_a", None))
        if isinstance(flow.node, AccumulateGrad):
            self._keep(walk, number, "leaf_grad", flow.total)
            return
        for slot, grad in enumerate(flow.out):
            self._keep(walk, number, f"outgoing:{slot}", getattr(grad, "_a", None))

    def _keep(self, walk: BackwardWalk, number: int, what: str, array: Any) -> None:
        if array is None or np.size(array) > ELEMENTS_MAX or self._bytes_left <= 0:
            return
        got = window("", what, array, (), ELEMENTS_MAX)
        self._bytes_left -= len(got.data)
        self._outbox.put(TensorKept(walk.number, number, what, got.shape, got.dtype, got.data))
