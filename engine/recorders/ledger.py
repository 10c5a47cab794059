"""What each call of backward added to a leaf's .grad, since that was last None."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.autograd.node import AccumulateGrad
from engine.recorders.walk import BackwardWalk

ENTRIES_MAX = 64
"""So many calls of backward are remembered for one leaf."""
LEAVES_MAX = 4096
"""With more leaves than this, those that are gone are struck off first."""
BUDGET_BYTES = 32 << 20
"""Gradients kept for this; beyond it only that something was added is known."""


@dataclass(slots=True)
class Entry:
    """One call of backward that reached a leaf: .grad before it, and what it brought; None where not kept.

    touched: .grad had been changed in place before it by others than backward."""

    backward: int
    before: Any = None
    contribution: Any = None
    kept: bool = True
    touched: bool = False


class Ledger:
    """For each leaf whose .grad stands over several calls: what each of them added.

    A leaf whose .grad is None at every backward costs one number."""

    def __init__(self) -> None:
        self._since: dict[int, tuple[weakref.ref[Any], int]] = {}
        """The backward that found .grad None, by leaf."""
        self._entries: dict[int, tuple[weakref.ref[Any], list[Entry]]] = {}
        self._bytes = 0
        self._growing: list[tuple[Any, Entry]] = []

    def begin(self, walk: BackwardWalk) -> None:
        """A backward is about to run: note what its leaves hold."""
        self._growing = []
        if len(self._since) > LEAVES_MAX:
            self._since = {k: v for k, v in self._since.items() if v[0]() is not None}
            for dead in [k for k, (ref, _) in self._entries.items() if ref() is None]:
                self._forget(dead)
        run = walk.run
        if run.captures is not None:
            return
        for node in walk.structure.nodes:
            if type(node) is not AccumulateGrad or run.needed is not None and node not in run.needed:
                continue
            leaf = node.variable
            grad = leaf.__dict__.get("grad")
            known = self._entries.get(id(leaf)) if self._entries else None
            if grad is None:
                if known is not None:
                    self._forget(id(leaf))
                self._since[id(leaf)] = (weakref.ref(leaf), walk.number)
                continue
            if known is None or known[0]() is not leaf:
                self._forget(id(leaf))
                known = self._entries[id(leaf)] = (weakref.ref(leaf), self._first(leaf))
            entry = Entry(walk.number, self._copy(grad._a))
            entry.kept = entry.before is not None
            entry.touched = grad._version > 0
            known[1].append(entry)
            if len(known[1]) > ENTRIES_MAX:
                self._let_go([known[1].pop(0)])
            self._growing.append((leaf, entry))

    def end(self, walk: BackwardWalk) -> None:
        """A backward has run: note what it brought to the leaves that held something before."""
        if not self._growing:
            return
        entries = {id(leaf): entry for leaf, entry in self._growing}
        for flow in walk.flows.values():
            if type(flow.node) is AccumulateGrad and flow.grads and flow.grads[0] is not None:
                entry = entries.get(id(flow.node.variable))
                array = flow.grads[0]._a
                if entry is None or entry.backward != walk.number:
                    continue
                if self._bytes + array.nbytes <= BUDGET_BYTES:
                    self._bytes += array.nbytes
                    entry.contribution = array
                else:
                    entry.kept = False
        self._growing = []

    def of(self, leaf: Any) -> list[Entry]:
        """The calls of backward since .grad was last None, the oldest first."""
        known = self._entries.get(id(leaf))
        return self._first(leaf) if known is None or known[0]() is not leaf else list(known[1])

    def _first(self, leaf: Any) -> list[Entry]:
        since = self._since.get(id(leaf))
        return [Entry(since[1])] if since is not None and since[0]() is leaf else []

    def _copy(self, array: Any) -> Any:
        if not isinstance(array, (np.ndarray, np.generic)) or self._bytes + array.nbytes > BUDGET_BYTES:
            return None
        self._bytes += array.nbytes
        return np.array(array)

    def _let_go(self, entries: list[Entry]) -> None:
        for entry in entries:
            self._bytes -= sum(a.nbytes for a in (entry.before, entry.contribution) if a is not None)

    def _forget(self, key: int) -> None:
        known = self._entries.pop(key, None)
        if known is not None:
            self._let_go(known[1])
