"""What is added where gradients meet: at a node that is used several times, and in a leaf's .grad."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd.node import AccumulateGrad, Node
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.protocol.event import ContributionPart
from engine.recorders.digest import digest_of
from engine.recorders.ledger import Entry
from engine.recorders.structure import made
from engine.recorders.walk import BackwardWalk
from engine.worker.explain import Place
from engine.worker.explain.subject import Arrival, Flows, Subject, at_line, subject_of, walk_at
from engine.worker.slot import SlotError

Parts = list[ContributionPart]


def answer(request: ask.Explain, place: Place) -> happened.AccumulationTold:
    """The contributions to the gradient of a node (of its output `slot`) or a leaf, in their order, each with
    the sum after it; these sums are those of the engine, bit for bit.

    Raises: SlotError where nothing can meet."""
    subject = subject_of(request, place)
    walk = walk_at(place)
    if subject.tensor is not None and not subject.tensor.requires_grad or subject.node is None:
        raise SlotError(f"{subject.name} does not require a gradient, so nothing is added there.")
    if walk is not None and subject.number < 0:
        walk = None
    node = subject.node
    flows = None if walk is None else Flows(walk)
    if isinstance(node, AccumulateGrad):
        parts, sentence = _leaf(subject, node, walk, flows, place)
    elif walk is None or flows is None:
        raise SlotError(f"{subject.name} is not in the graph of the backward that is shown.")
    else:
        output = subject.tensor._nr if subject.tensor is not None else request.slot
        meeting = _meeting(node, output, flows, walk, place)
        parts, sentence = meeting.parts, _meeting_sentence(subject.name, node, output, meeting, flows)
    return happened.AccumulationTold(request.tag, subject.number, subject.name, sentence, tuple(parts))


class _Meeting:
    """What came into one output of a node in one backward, added up as the engine adds."""

    def __init__(self) -> None:
        self.parts: Parts = []
        self.total: Any = None
        self.due = 0
        self.unknown = 0

    @property
    def came(self) -> int:
        """How many contributions have come."""
        return sum(p.grad is not None for p in self.parts)

    def add(self, array: Any) -> None:
        """One more contribution."""
        self.total = array if self.total is None else self.total + array


def _meeting(node: Node, output: int, flows: Flows, walk: BackwardWalk, place: Place) -> _Meeting:
    found = _Meeting()
    if any(fn is node and nr == output for fn, nr in walk.run.roots):
        _start(found, node, output, flows, walk)
    for arrival in flows.arrivals(node):
        if arrival.output == output and arrival.position >= 0:
            _arrive(found, arrival, flows, walk, place)
    return found


def _start(found: _Meeting, node: Node, output: int, flows: Flows, walk: BackwardWalk) -> None:
    """The gradient from which backward starts: 1, or what it was given."""
    number = flows.number(node)
    rest = [a for a in flows.arrivals(node) if a.output == output and a.position >= 0]
    came = flows.incoming(node)
    given = None if came is None or output >= len(came) or rest else came[output]
    if given is None and came is not None:
        size, kind = node.meta(output)
        given = np.ones(size, kind) if int(np.prod(size)) == 1 else None
    if given is None:
        found.unknown += 1
        text = "What backward() was given to start from; it is not kept."
        found.parts.append(ContributionPart(number, -1, walk.number, -1, text=text))
        return
    found.add(given)
    text = "What backward() starts from."
    digest = digest_of(given)
    found.parts.append(ContributionPart(number, -1, walk.number, -1, digest, digest, text))


def _arrive(found: _Meeting, arrival: Arrival, flows: Flows, walk: BackwardWalk, place: Place) -> None:
    source = arrival.source
    note = made(source)
    where = f"{source.name()}{at_line(note.file, note.line, place)}"
    number = flows.number(source)
    if arrival.ran and arrival.array is None:
        text = f"{where} gave None: nothing to add."
        found.parts.append(ContributionPart(number, arrival.slot, walk.number, arrival.position, text=text))
    elif arrival.ran:
        found.add(arrival.array)
        total = None if found.unknown else digest_of(found.total)
        found.parts.append(
            ContributionPart(
                number,
                arrival.slot,
                walk.number,
                arrival.position,
                digest_of(arrival.array),
                total,
                f"From {where}.",
            )
        )
    elif flows.has_run(source):
        found.unknown += 1
        text = f"{where} has run; what it sent is not kept."
        found.parts.append(ContributionPart(number, arrival.slot, walk.number, arrival.position, text=text))
    else:
        found.due += 1
        text = f"{where} has not run yet."
        found.parts.append(ContributionPart(number, arrival.slot, walk.number, arrival.position, text=text))


def _meeting_sentence(name: str, node: Node, output: int, meeting: _Meeting, flows: Flows) -> str:
    n = len(meeting.parts)
    if n == 0:
        return f"Nothing flows into {name} in this backward."
    if n == 1:
        sentence = f"One gradient comes to {name}: it is used once."
    else:
        sentence = f"{n} gradients meet at {name}, since its value is used {n} times: they are added."
    if meeting.due:
        return f"{sentence} {meeting.came} of them have come."
    came = flows.incoming(node)
    real = came[output] if came is not None and output < len(came) else None
    if not meeting.unknown and meeting.total is not None and real is not None:
        if not _same(meeting.total, real):
            sentence += " A hook of the script's changed the sum."
    return sentence


# -- a leaf --------------------------------------------------------------------------------------------------


def _leaf(
    subject: Subject, node: AccumulateGrad, walk: BackwardWalk | None, flows: Flows | None, place: Place
) -> tuple[Parts, str]:
    leaf = node.variable
    held = leaf.__dict__.get("grad")
    entries = place.recorder.ledger.of(leaf)
    number = -1 if walk is None else walk.number
    earlier = [e for e in entries if e.backward != number]
    if held is None and (walk is None or flows is None or not _is_under_way(node, walk, flows)):
        earlier = []
    past = _Past(earlier, entries, subject.name)
    parts = past.parts
    meeting = None
    if walk is not None and flows is not None and subject.number >= 0:
        meeting = _meeting(node, 0, flows, walk, place)
        parts = parts + meeting.parts
        if flows.has_run(node) and held is not None:
            parts.append(_added(node, held, meeting, past, flows, walk, subject))
    return parts, _leaf_sentence(subject.name, past, meeting, held, flows, node, place)


def _is_under_way(node: AccumulateGrad, walk: BackwardWalk, flows: Flows) -> bool:
    return not flows.has_run(node) and walk.run.next_node is not None


def calls_in(leaf: Any, number: int, place: Place) -> int:
    """How many calls of backward before this one are in a leaf's .grad."""
    entries = place.recorder.ledger.of(leaf)
    return _Past([e for e in entries if e.backward != number], entries, "").calls


class _Past:
    """What earlier calls of backward added to a leaf's .grad, as far as it is still there."""

    def __init__(self, earlier: list[Entry], entries: list[Entry], name: str) -> None:
        self.parts: Parts = []
        self.calls = 0
        self.total: Any = None
        for entry in earlier:
            after = next((e for e in entries if e.backward > entry.backward), None)
            self._add(entry, after, name)

    def _add(self, entry: Entry, following: Entry | None, name: str) -> None:
        before = entry.before
        after = None if following is None else following.before
        if before is not None and self.total is not None and not _same(before, self.total):
            self._restart(before, entry.backward)
        elif before is not None and self.total is None and np.any(before):
            self._restart(before, entry.backward)
        contribution = entry.contribution
        if contribution is None and before is None and entry.kept and self.total is None:
            if after is not None and following is not None and following.touched and not np.any(after):
                return  # filled with zeros since: nothing of this call is left
            if following is None or not following.touched:
                contribution = after  # .grad was None: what it held afterwards is what was added
        if contribution is None:
            self.total = after
            text = "This call added to .grad; how much is not kept."
            if following is not None and following.touched:
                nth = following.backward + 1
                text = f"This call added to .grad; the script changed it before iteration {nth}."
            self.parts.append(ContributionPart(-1, 0, entry.backward, -1, None, digest_of(after), text))
            self.calls += 1
            return
        self.total = np.array(contribution) if self.total is None else self.total + contribution
        self.calls += 1
        self.parts.append(
            ContributionPart(
                -1,
                0,
                entry.backward,
                -1,
                digest_of(contribution),
                digest_of(self.total),
                f"The backward of iteration {entry.backward + 1} added this to {name}.grad.",
            )
        )

    def _restart(self, before: Any, backward: int) -> None:
        """Between two calls the script itself changed .grad."""
        if not np.any(before):
            self.parts, self.calls, self.total = [], 0, before
            return
        text = f"The script changed .grad before iteration {backward + 1} (clipping, for one): it holds this."
        self.total = before
        self.parts.append(ContributionPart(-1, 0, backward, -1, None, digest_of(before), text))


def _added(
    node: AccumulateGrad,
    held: Any,
    meeting: _Meeting,
    past: _Past,
    flows: Flows,
    walk: BackwardWalk,
    subject: Subject,
) -> ContributionPart:
    """The last line of a leaf: this backward's sum goes into .grad."""
    came = flows.incoming(node)
    brought = came[0] if came else None
    flow = flows.flow.get(node)
    total = held._a if flow is None or flow.total is None else flow.total
    if past.calls:
        text = f"Added to what {subject.name}.grad held of {past.calls} earlier call" + "s" * (past.calls > 1)
    else:
        text = f"{subject.name}.grad becomes this: it held nothing before"
    return ContributionPart(
        subject.number, 0, walk.number, flows.place(node), digest_of(brought), digest_of(total), text + "."
    )


def _leaf_sentence(
    name: str,
    past: _Past,
    meeting: _Meeting | None,
    held: Any,
    flows: Flows | None,
    node: AccumulateGrad,
    place: Place,
) -> str:
    now = 0
    if meeting is not None and flows is not None and flows.has_run(node) and meeting.came:
        now = 1
    calls = past.calls + (now if held is not None else 0)
    uses = 0 if meeting is None else len(meeting.parts)
    sentence = f"{name} is used {uses} times in this graph, and what comes from each is added. " * (uses > 1)
    if calls == 0:
        return f"{sentence}{name}.grad holds nothing yet."
    if calls == 1:
        return f"{sentence}{name}.grad holds the gradient of one backward."
    if not _is_cleared(node.variable, place):
        advice = " No zero_grad() was called on it: call it (or set .grad to None) before each backward."
    else:
        advice = " zero_grad() (or .grad = None) before a backward starts it anew."
    return f"{sentence}{name}.grad is the sum of {calls} calls of backward.{advice}"


def _is_cleared(leaf: Any, place: Place) -> bool:
    return any(c.covers(leaf) for c in place.recorder.origins.cleared)


def _same(a: Any, b: Any) -> bool:
    """Whether two arrays are the same, bit by bit."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
