"""One backward that can be stepped, both ways, with what flowed kept for those who ask."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.autograd.backward import BackwardRun
from engine.autograd.node import AccumulateGrad, Node
from engine.recorders.structure import Structure

RECALLED_MAX = 8
"""So many flows that were worked out again are kept, until one goes back or edits."""
BUDGET_BYTES = 1 << 30
"""Gradients kept for going back and for looking at, per backward; beyond it, going back repeats the walk."""


@dataclass(slots=True)
class Flow:
    """What one node did: the gradients that came in and went out, and its leaf's .grad before and after."""

    node: Node
    grads: list[Any]
    out: Any
    first: bool = True
    total: Any = None
    duration_ns: int = 0


class _Held:
    """A tensor's .grad as it was: the object and its numbers, so that both can be put back."""

    __slots__ = ("_copy", "_grad", "_tensor")

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor
        self._grad = tensor.__dict__.get("grad")
        self._copy = None if self._grad is None else np.array(self._grad._a)

    def put_back(self) -> None:
        tensor, grad, copy = self._tensor, self._grad, self._copy
        tensor.grad = grad
        if grad is None or copy is None:
            return
        if isinstance(grad._a, np.ndarray):
            np.copyto(grad._a, copy)
        else:
            grad._a = copy.dtype.type(copy[()])


class _Before:
    """What one step changes in a run, as it was before: only what belongs to the node and its next
    functions."""

    __slots__ = ("_buffers", "_captured", "_done", "_ready", "_tie", "_waiting")

    def __init__(self, run: BackwardRun, node: Node) -> None:
        self._ready = list(run.ready)
        self._tie = run._tie
        self._done = len(run.done)
        self._captured = dict(run.captured)
        touched = [node, *(fn for fn, _ in node.next_functions if fn is not None)]
        self._buffers = {n: list(run.buffers[n]) if n in run.buffers else None for n in touched}
        self._waiting = {n: run.waiting.get(n) for n in touched}

    def put_back(self, run: BackwardRun) -> None:
        run.ready = list(self._ready)
        run._tie = self._tie
        run.captured = dict(self._captured)
        del run.done[self._done :]
        for node, buffer in self._buffers.items():
            if buffer is None:
                run.buffers.pop(node, None)
            else:
                run.buffers[node] = list(buffer)
        for node, waiting in self._waiting.items():
            if waiting is not None:
                run.waiting[node] = waiting


class BackwardWalk:
    """A backward with a position: that many nodes are done. Going back leads to the same bits, always."""

    def __init__(
        self, run: BackwardRun, number: int, structure: Structure, budget_bytes: int = BUDGET_BYTES
    ) -> None:
        self.run = run
        self.number = number
        self.structure = structure
        self.position = 0
        self.first = 0
        """The earliest position to which one can go back."""
        self.count = len(structure.definition.order)
        self._flows: dict[int, Flow] = {}
        self._trace: list[tuple] = []  # of a rush: most backwards are never looked at
        self._trace_from = 0
        self.errors: dict[tuple[int, int], np.ndarray] = {}
        """(node, slot) -> how far each element of that gradient was off when it was last checked"""
        self.budget_bytes = budget_bytes
        self.saved_bytes = 0
        self._bytes = 0
        self._before: dict[int, Any] = {}
        self._held: dict[int, list[_Held]] = {}
        self._base: tuple | None = None
        self._edits: list[tuple[int, Callable[[], object]]] = []
        self._recalled: dict[int, Flow] = {}
        self.on_letting_go: Callable[[int, Flow], None] = lambda position, flow: None
        """Told of what flowed at a position before it is let go of, since the budget is spent."""
        self._partial = run.needed is not None

    @property
    def node(self) -> Node | None:
        """The node that the walk stands before, or None at the end."""
        return self.run.next_node

    @property
    def index(self) -> int:
        """The number in the graph of the node that the walk stands before, -1 at the end."""
        node = self.run.next_node
        return -1 if node is None else self.structure.index[node]

    def keep(self) -> None:
        """From here on, keep what is needed to come back to this position."""
        if self._base is None:
            self.run.keep_saved = True
            self.first = self.position
            self._base = self.run.state()

    def skip(self) -> tuple[Node, list[Any], Any]:
        """Run one node without keeping anything of it."""
        self.position += 1
        return self.run.step()

    def rush(self, waiting: Collection, keep: bool) -> None:
        """Run to the end, or until something is waiting; keep: remember what flowed, not how to come back."""
        if not keep:
            self.position += self.run.finish(None, waiting)
            return
        if not self._trace:
            self._trace_from = self.position
        self.position += self.run.finish(self._trace, waiting)

    @property
    def flows(self) -> dict[int, Flow]:
        """What flowed, by position."""
        if self._trace:
            for place, (node, grads, out) in enumerate(self._trace, self._trace_from):
                self._flows[place] = Flow(node, grads, out)
            self._trace = []
        return self._flows

    def step(self) -> Flow:
        """Run one node and keep what flowed."""
        run = self.run
        node = run.next_node
        assert node is not None
        position = self.position
        self._before[position] = run.state() if self._partial else _Before(run, node)
        held = self._held[position] = []
        if isinstance(node, AccumulateGrad):
            held.append(_Held(node.variable))
        if node.retained is not None:
            held += [_Held(t) for t in (ref() for ref in node.retained.values()) if t is not None]
        flow = self._run_one(node)
        self.flows[position] = flow
        self.position = position + 1
        self._within_budget(position)
        return flow

    def back_to(self, position: int) -> bool:
        """Return to an earlier position: graph, gradients under way and leaves' .grad are as they were.

        What a hook or Function of the user's own did elsewhere is not undone; it runs again with its node."""
        if not self.first <= position < self.position or self._base is None:
            return False
        self._edits = [edit for edit in self._edits if edit[0] <= position]
        self._recalled.clear()
        if all(place in self._before for place in range(position, self.position)):
            while self.position > position:
                self._undo_last()
        if self.position > position:
            self._from_start(position)
        return True

    def note_edit(self, redo: Callable[[], object]) -> Callable[[], None]:
        """A gradient was changed by hand here: change it again whenever the walk is repeated; what is given
        back forgets that."""
        edit = (self.position, redo)
        self._edits.append(edit)
        self._recalled.clear()
        return lambda: self._edits.remove(edit) if edit in self._edits else None

    def recall(self, position: int) -> Flow | None:
        """What flowed at a position that is done: kept, or worked out again by repeating the walk."""
        flow = self.flows.get(position) or self._recalled.get(position)
        if flow is not None or self._base is None or not self.first <= position < self.position:
            return flow
        there, edits = self.position, self._edits
        self.back_to(position)
        self._edits = edits
        self._again(position + 1)
        flow = self.flows[position]
        self._again(there)
        while len(self._recalled) >= RECALLED_MAX:
            del self._recalled[next(iter(self._recalled))]
        self._recalled[position] = flow
        return flow

    def _again(self, position: int) -> None:
        """Walk to this position, with the edits that were made on the way."""
        while True:
            for place, redo in self._edits:
                if place == self.position:
                    redo()
            if self.position >= position:
                return
            self.step()

    def _run_one(self, node: Node) -> Flow:
        if not isinstance(node, AccumulateGrad):
            _, grads, out = self.run.step()
            return Flow(node, list(grads), out)
        before = node.variable.__dict__.get("grad")
        _, grads, out = self.run.step()
        after = node.variable.__dict__.get("grad")
        total = None if after is None else np.array(after._a)
        return Flow(node, list(grads), out, before is None, total)

    def _undo_last(self) -> None:
        self.position -= 1
        before = self._before.pop(self.position)
        if isinstance(before, tuple):
            self.run.restore(before)
        else:
            before.put_back(self.run)
        for held in self._held.pop(self.position, ()):
            held.put_back()
        self._bytes -= _bytes_of(self.flows.pop(self.position, None))

    def _from_start(self, position: int) -> None:
        assert self._base is not None
        for place in sorted(self._held, reverse=True):
            for held in self._held.pop(place):
                held.put_back()
        self.run.restore(self._base)
        self._before.clear()
        self.flows.clear()
        self._bytes = 0
        self.position = self.first
        self._again(position)

    def _within_budget(self, position: int) -> None:
        self._bytes += _bytes_of(self.flows[position])
        if self._bytes <= self.budget_bytes:
            return
        for place in sorted(self.flows):
            if self._bytes <= self.budget_bytes or place == position:
                break
            flow = self.flows.pop(place)
            self.on_letting_go(place, flow)
            self._bytes -= _bytes_of(flow)
            self._before.pop(place, None)


def _bytes_of(flow: Flow | None) -> int:
    if flow is None:
        return 0
    return sum(t._a.nbytes for t in (*flow.grads, *flow.out) if t is not None)
