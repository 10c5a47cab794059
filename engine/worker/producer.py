"""Which op or node made a NaN or Inf, and which only pass it on.

A NaN is made where none came in; an Inf where everything that came in was finite.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable
from typing import Any

import numpy as np

from engine.autograd.node import FREED, Node
from engine.recorders.walk import BackwardWalk, Flow

Fault = tuple[bool, bool]
"""(NaN, Inf): whether there is any."""
FINE: Fault = (False, False)


def fault_of(value: Any) -> Fault:
    """Whether NaN and whether Inf is in a Tensor, array or number; neither in all else."""
    a = getattr(value, "_a", value)
    if isinstance(a, float):
        return math.isnan(a), math.isinf(a)
    if not isinstance(a, (np.ndarray, np.generic)) or a.dtype.kind not in "fcV":
        return FINE
    if a.dtype.kind == "V":
        a = a.astype(np.float32)
    if np.isfinite(a).all():
        return FINE
    return bool(np.isnan(a).any()), bool(np.isinf(a).any())


def fault_in(values: Iterable[Any]) -> Fault:
    """The same of all of these together; lists are looked into."""
    nan = inf = False
    for value in values:
        each = fault_in(value) if type(value) in (list, tuple) else fault_of(value)
        nan, inf = nan or each[0], inf or each[1]
    return nan, inf


def makes(before: Fault, after: Fault) -> str:
    """What was made between these: 'NaN', 'Inf' or ''."""
    if after[0] and not before[0]:
        return "NaN"
    return "Inf" if after[1] and before == FINE else ""


def _said(before: Fault, after: Fault, what: str) -> str:
    made = makes(before, after)
    if not made:
        return ""
    return f"made NaN or Inf from finite {what}" if before == FINE else "made NaN out of Inf"


class Producers:
    """Judges ops as they run and nodes as they are walked."""

    def __init__(self) -> None:
        self._spoilt: dict[int, tuple[weakref.ref[Any], Fault]] = {}

    def of_op(self, bound: tuple, result: Any) -> str:
        """What to say of an op that made a NaN or Inf, '' for others. A tensor that was changed in place is
        judged by what was known of it before."""
        results = result if isinstance(result, tuple) else (result,)
        after = fault_in(results)
        if after == FINE:
            return ""
        own = {id(r) for r in results}
        before = fault_in(v for v in bound if id(v) not in own)
        for value in bound:
            if id(value) in own:
                ref, known = self._spoilt.get(id(value), (None, FINE))
                if ref is not None and ref() is value:
                    before = before[0] or known[0], before[1] or known[1]
        for each in results:
            if hasattr(each, "_a"):
                if len(self._spoilt) > 4096:
                    self._spoilt = {k: v for k, v in self._spoilt.items() if v[0]() is not None}
                self._spoilt[id(each)] = weakref.ref(each), fault_of(each)
        return _said(before, after, "inputs")

    def of_node(self, came: Fault, kept: Fault, flow: Flow) -> str:
        """The same of a node of a backward. came: what was in its gradients before its hooks; kept: in what
        it has saved."""
        if came == FINE and fault_in(flow.grads) != FINE:
            return "got NaN or Inf from a hook"
        before = came[0] or kept[0], came[1] or kept[1]
        return _said(before, fault_in(flow.out), "gradients")


def faults_before(walk: BackwardWalk, node: Node) -> tuple[Fault, Fault]:
    """Whether NaN or Inf is in what the walk's next node gets, and in what it has kept."""
    return fault_in(walk.run.incoming()), fault_in(kept_arrays(node))


def sums_that_overflow(walk: BackwardWalk, flow: Flow) -> list[Node]:
    """The nodes whose gradient is not finite though all that was added to it last was."""
    found = []
    for (fn, nr), grad in zip(flow.node.next_functions, flow.out):
        buffer = walk.run.buffers.get(fn) if fn is not None else None
        if buffer is not None and nr < len(buffer) and grad is not None and fault_of(grad) == FINE:
            if fault_of(buffer[nr]) != FINE:
                found.append(fn)
    return found


def kept_arrays(node: Node) -> list[Any]:
    """The arrays that a node keeps for backward, as they are."""
    if node.saved is FREED:
        return []
    found = []
    for value in [*node.saved.values(), *(getattr(node, "_kept", None) or ())]:
        for part in value if isinstance(value, list) else (value,):
            array = getattr(getattr(part, "tensor", None), "_a", None)
            if array is not None:
                found.append(array)
    return found
