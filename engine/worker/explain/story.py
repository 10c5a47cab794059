"""The story of a NaN or Inf: which values of the forward, the backward and the optimizer made it, passed it
on or masked it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.autograd.node import AccumulateGrad, Node
from engine.protocol.event import CausePart
from engine.recorders.digest import digest_of
from engine.recorders.structure import OVERWRITTEN, made
from engine.recorders.walk import BackwardWalk, Flow
from engine.worker.explain.repetition import CannotRepeat, Repetition, inputs_of, parameter_names
from engine.worker.explain.wording import how_many, reason_of, shown_name, words_of
from engine.worker.producer import FINE, fault_in, fault_of, kept_arrays, makes

SHOWN_MAX, ENDS_MAX = 60, 8
"""Longer stories are told with their runs of 'passed on' drawn together."""


@dataclass(slots=True)
class Cause:
    """One value of the story; see `CausePart`. maker: the node that made it, or None."""

    verdict: str
    phase: str
    name: str
    text: str
    file: str = ""
    line: int = 0
    node: int = -1
    parents: list[int] = field(default_factory=list)
    array: Any = None
    maker: Node | None = None
    leaf: Any = None
    by_hand: bool = False
    short: str = ""
    """what was made and why, without what the inputs were"""


class Story:
    """All causes found so far; each one's parents come before it."""

    def __init__(self, numbers: dict[Node, int], name_of: Callable[[Any], str]) -> None:
        self.causes: list[Cause] = []
        self._numbers = numbers
        self._name_of = name_of
        self._values: dict[Node, int] = {}
        self._plain: dict[int, int] = {}
        self._gradients: dict[Node, int] = {}
        self.leaf_causes: Callable[[Any, int], Cause] = _leaf_cause
        self.earlier: dict[int, Any] = {}
        """By id of a leaf, its array before the optimizer's step after which the run stands."""
        self.earlier_memory: dict[int, Any] = {}
        """The same by id of the leaf's array."""

    def add(self, cause: Cause) -> int:
        """The cause's place in the story."""
        self.causes.append(cause)
        return len(self.causes) - 1

    # -- the forward -----------------------------------------------------------------------------------------

    def follow_forward(self, nodes: Iterable[Node]) -> None:
        """Tell of all values of these nodes, the oldest first."""
        listed = sorted(nodes, key=lambda n: n.sequence)
        ops = [n for n in listed if not isinstance(n, AccumulateGrad)]
        values = _Values(ops, self.earlier)
        for leaf in (n for n in listed if isinstance(n, AccumulateGrad)):
            if fault_of(values.of(leaf)) != FINE:
                self._values[leaf] = self.add(self.leaf_causes(leaf.variable, self._numbers.get(leaf, -1)))
        for node in ops:
            self._follow_op(node, values)

    def _follow_op(self, node: Node, values: _Values) -> None:
        result = values.of(node)
        if result is None:
            return
        parents: list[int] = []
        came: list[Any] = []
        by_hand = ""
        edges = {(e.place, e.item): node.next_functions[e.slot][0] for e in _inputs(node)}
        for place, argument in enumerate(made(node).arguments):
            many = isinstance(argument, list)
            for item, value in enumerate(argument if many else [argument]):
                fn = edges.get((place, item if many else -1))
                if value is OVERWRITTEN or fn is not None and values.is_stale(fn):
                    value = None if fn is None else values.of(fn)
                fault = fault_of(value)
                if fault == FINE:
                    continue
                came.append(value)
                if isinstance(value, float):
                    by_hand = f"{_parameter(node, place)} = {value:g}"
                elif fn is not None and fn in self._values:
                    parents.append(self._values[fn])
                else:
                    parents.append(self._of_input(_parameter(node, place), value, node))
        before, after = fault_in(came), fault_of(result)
        if after == FINE:
            if parents:
                text = f"what is not finite in its input does not reach its result ({words_of(result)})"
                self.add(self._cause("masked", "forward", node, text, result, parents))
            return
        made_here = makes(before, after)
        if by_hand and not parents:
            cause = self._cause("produced", "forward", node, f"was given {by_hand}", result, [])
            cause.by_hand = not made_here or made_here == "Inf"
        elif made_here:
            cause = self._produced("forward", node, result, before, parents, values)
        else:
            cause = self._cause("passed on", "forward", node, how_many(result), result, parents)
        self._values[node] = self.add(cause)

    def _of_input(self, name: str, array: Any, user: Node) -> int:
        found = self._plain.get(id(array))
        if found is None:
            shown = self._name_of(array) or name
            text = f"{how_many(array)} before the first op that is seen"
            note = made(user)
            cause = Cause("produced", "forward", shown, text, note.file, note.line, array=array)
            found = self._plain[id(array)] = self.add(cause)
        return found

    def reach(self, node: Node, name: str) -> None:
        """The value of this node is the end of the forward: a loss."""
        at = self._values.get(node)
        if at is not None:
            array = made(node).result
            self.add(self._cause("reached", "forward", node, how_many(array), array, [at], name))

    # -- a backward ------------------------------------------------------------------------------------------

    def follow_backward(self, walk: BackwardWalk) -> None:
        """Tell of all gradients that have flowed in this backward so far."""
        came: dict[Node, list[tuple[Node, Any]]] = {}
        for position in sorted(walk.flows):
            flow = walk.flows[position]
            self._follow_flow(walk, flow, came)
            for (fn, _), grad in zip(flow.node.next_functions, flow.out):
                if fn is not None and grad is not None:
                    came.setdefault(fn, []).append((flow.node, grad))
        done = {flow.node for flow in walk.flows.values()}
        for node, buffer in walk.run.buffers.items():
            if node not in done and fault_in(buffer) != FINE:
                array = next(g._a for g in buffer if fault_of(g) != FINE)
                parents = self._arrivals(node, buffer, came)
                text = f"{how_many(array)} has arrived here; it has not run yet"
                self.add(self._cause("reached", "backward", node, text, array, parents))

    def _follow_flow(self, walk: BackwardWalk, flow: Flow, came: dict[Node, list[tuple[Node, Any]]]) -> None:
        node = flow.node
        parents = self._arrivals(node, flow.grads, came) if fault_in(flow.grads) != FINE else []
        if isinstance(node, AccumulateGrad):
            self._follow_leaf(flow, parents)
            return
        after = fault_in(flow.out)
        incoming = fault_in(flow.grads)
        if after == FINE:
            if parents:
                text = "what is not finite in its gradient does not get through"
                self.add(self._cause("masked", "backward", node, text, flow.grads[0]._a, parents))
            return
        array = next(g._a for g in flow.out if fault_of(g) != FINE)
        kept = fault_in([self._then(a) for a in (*kept_arrays(node), *made(node).arguments)])
        before = incoming[0] or kept[0], incoming[1] or kept[1]
        for fn in (node, *(fn for fn, _ in node.next_functions)):
            if incoming == FINE and fn in self._values and (kept != FINE or fn is node):
                parents.append(self._values[fn])
        if makes(before, after):
            grads = [g._a for g in flow.grads if g is not None]
            cause = self._produced("backward", node, array, before, parents, None, grads)
        else:
            text = how_many(array)
            if incoming == FINE:
                text += ", from what it kept of the forward"
            cause = self._cause("passed on", "backward", node, text, array, parents)
        self._gradients[node] = self.add(cause)

    def _follow_leaf(self, flow: Flow, parents: list[int]) -> None:
        leaf = flow.node.variable  # type: ignore[attr-defined]
        total = flow.total if flow.total is not None else getattr(leaf.__dict__.get("grad"), "_a", None)
        if fault_of(total) == FINE:
            return
        name = f"{self._name_of(leaf) or 'leaf'}.grad"
        text = how_many(total)
        if not parents:
            text += ", which was there before this backward: nobody cleared it"
        cause = self._cause("reached", "backward", flow.node, text, total, parents, name)
        cause.leaf = leaf
        self.add(cause)

    def _arrivals(self, node: Node, grads: list[Any], came: dict[Node, list[tuple[Node, Any]]]) -> list[int]:
        """The causes of what is not finite in the gradient that came to this node."""
        arrived = came.get(node, [])
        array = next(g._a for g in grads if fault_of(g) != FINE)
        from_whom = [self._gradients[n] for n, g in arrived if fault_of(g) != FINE and n in self._gradients]
        if from_whom:
            return from_whom
        if not arrived:
            text = f"{how_many(array)} was given to backward()"
        elif len(arrived) > 1:
            text = f"the sum of {len(arrived)} gradients is too large for {array.dtype.name}"
        else:
            text = f"a hook put {how_many(array)} in place of what came"
        return [self.add(self._cause("produced", "backward", node, text, array, []))]

    def _then(self, value: Any) -> Any:
        """An array as it was before the optimizer's step after which the run stands."""
        if not self.earlier or not isinstance(value, np.ndarray):
            return value
        before = self.earlier_memory.get(id(value))
        return self.earlier_memory.get(id(value.base), value) if before is None else before

    # -- telling ---------------------------------------------------------------------------------------------

    def _cause(
        self, verdict: str, phase: str, node: Node, text: str, array: Any, parents: list[int], name: str = ""
    ) -> Cause:
        note = made(node)
        if not name:
            name = self._name_of(node.variable) if isinstance(node, AccumulateGrad) else node.name()
            if isinstance(node, AccumulateGrad) and phase == "backward":
                name += ".grad"
        number = self._numbers.get(node, -1)
        unique = list(dict.fromkeys(parents))
        return Cause(verdict, phase, name, text, note.file, note.line, number, unique, array)

    def _produced(
        self,
        phase: str,
        node: Node,
        result: Any,
        before: tuple[bool, bool],
        parents: list[int],
        values: _Values | None = None,
        grads: list[Any] | None = None,
    ) -> Cause:
        """What was made, why, and of what."""
        inputs: dict[str, Any] = {}
        for place, argument in enumerate(made(node).arguments):
            if argument is OVERWRITTEN and values is not None and node.next_functions[0][0] is not None:
                argument = values.of(node.next_functions[0][0])
            argument = self._then(argument)
            if isinstance(argument, (np.ndarray, np.generic)) and argument.dtype.kind in "fcV":
                inputs[shown_name(_parameter(node, place))] = argument
        if grads:
            inputs["the gradient"] = grads[0]
        short = f"made {how_many(result)}" + ("" if before == FINE else " out of Inf")
        short += reason_of(node, result, inputs, backward=grads is not None)
        said = "; ".join(f"{name}: {words_of(a)}" for name, a in inputs.items())
        cause = self._cause("produced", phase, node, short + (f" ({said})" if said else ""), result, parents)
        cause.maker, cause.short = node, short
        return cause

    def reproducible(self, first: Cause) -> Cause:
        """The cause to make again: `first`, or where it was masked in the forward, what came of it in the
        backward."""
        places = {at for at, c in enumerate(self.causes) if c is first}
        for at, cause in enumerate(self.causes):
            if places & set(cause.parents) and cause.verdict != "masked":
                places.add(at)
        came = [self.causes[at] for at in sorted(places)]
        if first.phase != "forward" or any(c.verdict == "reached" and c.phase == "forward" for c in came):
            return first
        later = (c for c in came if c.verdict == "produced" and c.phase == "backward" and c.maker is not None)
        return next(later, first)

    def first(self) -> Cause | None:
        """The oldest producer from which a way leads to an end; else the oldest of all."""
        alive = set()
        for at in range(len(self.causes) - 1, -1, -1):
            if self.causes[at].verdict == "reached" or at in alive:
                alive.add(at)
                alive.update(self.causes[at].parents)
        made_it = [at for at, c in enumerate(self.causes) if c.verdict == "produced"]
        if not made_it:
            return None
        best = min(made_it, key=lambda at: (at not in alive, self.causes[at].by_hand, at))
        return self.causes[best]

    def at(self, node: Node) -> int | None:
        """The place of what this node gave in the forward, if it is a part of the story."""
        return self._values.get(node)

    def only(self, wanted: set[int]) -> None:
        """Keep what leads to these places of the story. Raises: LookupError where there are none."""
        wanted = set(wanted)
        if not wanted:
            raise LookupError
        for at in range(len(self.causes) - 1, -1, -1):
            if at in wanted:
                wanted.update(self.causes[at].parents)
        self._keep(sorted(wanted))

    def shorten(self) -> None:
        """Leave out those that only pass on what others passed on, where there is too much to read."""
        if len(self.causes) <= SHOWN_MAX:
            return
        kept: list[int] = []
        origins: list[set[int]] = []
        between: list[int] = []
        crossings = 0
        for at, cause in enumerate(self.causes):
            before = set().union(*(origins[p] for p in cause.parents)) if cause.parents else set()
            skipped = max((between[p] for p in cause.parents), default=0)
            parents = [self.causes[p] for p in cause.parents]
            begins = any(p.verdict == "produced" for p in parents)
            if not begins and any(p.phase != cause.phase for p in parents):
                crossings += 1
                begins = crossings <= ENDS_MAX
            if cause.verdict == "passed on" and before and not begins:
                origins.append(before)
                between.append(skipped + 1)
                continue
            if skipped:
                cause.text += f", through {skipped} more"
            cause.parents = sorted(before)
            kept.append(at)
            origins.append({at})
            between.append(0)
        self._keep(kept)
        ends = [at for at, c in enumerate(self.causes) if (c.verdict, c.phase) == ("reached", "backward")]
        if len(ends) > ENDS_MAX:
            rest = set(ends[ENDS_MAX - 1 :])
            before = {p for at in rest for p in self.causes[at].parents}
            origins_of_rest = {id(self.causes[p]) for p in before}
            self._keep([at for at in range(len(self.causes)) if at not in rest])
            parents_of_rest = [at for at, c in enumerate(self.causes) if id(c) in origins_of_rest]
            others = Cause("reached", "backward", f"{len(rest)} more gradients", "are not finite either")
            others.parents = parents_of_rest
            self.add(others)

    def _keep(self, places: list[int]) -> None:
        new = {old: at for at, old in enumerate(places)}
        kept = [self.causes[at] for at in places]
        for cause in kept:
            cause.parents = [new[p] for p in cause.parents if p in new]
        self.causes = kept

    def parts(self) -> tuple[CausePart, ...]:
        """The story as it is told."""
        return tuple(
            CausePart(
                c.verdict,
                c.phase,
                c.name,
                c.text,
                c.file,
                c.line,
                c.node,
                tuple(c.parents),
                digest_of(c.array),
            )
            for c in self.causes
        )


class _Values:
    """The nodes' values as they were when each was made, though later ones may have changed them in place.

    earlier: by id of a leaf, its array before the optimizer's step after which the run stands."""

    def __init__(self, ops: list[Node], earlier: dict[int, Any]) -> None:
        self._earlier = earlier
        changed: dict[int, Node] = {}
        for node in ops:
            note = made(node)
            if any(a is OVERWRITTEN for a in note.arguments) and note.result is not None:
                changed[id(note.result)] = node
        self._last = changed
        self._again: dict[Node, Any] = {}

    def of(self, node: Node) -> Any:
        """The array of a node's first output, None where it is not known."""
        if isinstance(node, AccumulateGrad):
            return self._earlier.get(id(node.variable), node.variable._a)
        result = made(node).result
        if result is None:
            return None
        if self.is_stale(node):
            return self._of_stale_view(node)
        if self._last.get(id(result), node) is node:
            return result
        if node not in self._again:
            try:
                again = Repetition(node)
                self._again[node] = again.outputs(again.values)[0]
            except (CannotRepeat, RuntimeError, ValueError, TypeError):
                self._again[node] = result
        return self._again[node]

    def is_stale(self, node: Node) -> bool:
        """Whether what this node gave has changed since, as a leaf of which it is a view."""
        if isinstance(node, AccumulateGrad):
            return id(node.variable) in self._earlier
        first = node.next_functions[0][0] if node.next_functions else None
        is_view = node.op is not None and node.op.family == "view"
        return bool(self._earlier) and is_view and first is not None and self.is_stale(first)

    def _of_stale_view(self, node: Node) -> Any:
        again = Repetition(node)
        before = self.of(node.next_functions[0][0])
        return again.outputs(again.replaced(again.values, again.inputs[0], before))[0]


def _leaf_cause(leaf: Any, number: int) -> Cause:
    text = f"{how_many(leaf._a)} before the first op that is seen"
    return Cause("produced", "forward", leaf.name or "leaf", text, node=number, array=leaf._a)


def _inputs(node: Node) -> list[Any]:
    try:
        return inputs_of(node)
    except (AttributeError, TypeError):
        return []


def _parameter(node: Node, place: int) -> str:
    try:
        return parameter_names(node)[place]
    except (AttributeError, IndexError):
        return f"input {place}"
