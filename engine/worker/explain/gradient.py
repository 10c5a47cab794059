"""Why a gradient is None, zero, or so small: the path that was cut, the nodes that stopped or shrank it."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd.node import AccumulateGrad, Node
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.protocol.event import ReasonPart
from engine.recorders.structure import made
from engine.recorders.walk import BackwardWalk
from engine.worker.explain import Place
from engine.worker.explain.accumulation import calls_in
from engine.worker.explain.cut import reasons_without_grad, reasons_without_path
from engine.worker.explain.damping import SELECTIONS, TELLING_SHARE, norm, percent, plain, share_of
from engine.worker.explain.route import route_reasons, zero_reasons
from engine.worker.explain.subject import Flows, Subject, at_line, subject_of, walk_at

SMALL_RMS = 1e-6
"""A gradient whose root mean square is below this is called small, whatever the others are."""
SMALL_SHARE = 1e-3
"""So is one whose root mean square is below this share of the largest of the leaves in the same backward."""
LARGE_RMS = 1e3
Reasons = list[ReasonPart]


def answer(request: ask.Explain, place: Place) -> happened.GradientExplained:
    """Why the gradient of a node or variable is as it is. Raises: SlotError where there is no such thing."""
    subject = subject_of(request, place)
    return Explanation(subject, place).event(request.tag)


class Explanation:
    """One question about one gradient, where the run stands."""

    def __init__(self, subject: Subject, place: Place) -> None:
        self.subject = subject
        self.place = place
        self.walk = walk_at(place)
        self.flows = Flows(self.walk) if self.walk is not None else None
        self.verdict, self.sentence = "none", ""
        self.reasons: Reasons = []

    def event(self, tag: str) -> happened.GradientExplained:
        """The answer."""
        self._judge()
        subject = self.subject
        return happened.GradientExplained(
            tag, subject.number, subject.name, self.verdict, self.sentence, tuple(self.reasons)
        )

    def _judge(self) -> None:
        subject, walk = self.subject, self.walk
        tensor = subject.tensor
        is_input = walk is not None and subject.number >= len(walk.structure.nodes)
        if is_input or tensor is not None and not tensor.requires_grad:
            self._none("has no gradient, and none will come: it does not require one")
            self.reasons = reasons_without_grad(subject, self.place)
        elif walk is None:
            self._without_walk(tensor)
        elif subject.node is None or subject.number < 0:
            self._not_in_graph(tensor)
        elif isinstance(subject.node, AccumulateGrad):
            self._leaf(walk, subject.node)
        else:
            self._inner(walk, subject.node)

    # -- no backward, no place in it -------------------------------------------------------------------------

    def _without_walk(self, tensor: Any) -> None:
        grad = None if tensor is None else tensor.__dict__.get("grad")
        if grad is not None:
            self._classify(grad._a, [])
            return
        if self.place.recorder.backward:
            self._none("has no gradient")
            self._cleared_since(tensor)
            if not self.reasons:
                text = (
                    "The graph of the last backward is no longer held. Stop inside the next backward and ask "
                    "again, to see the path from the loss."
                )
                self.reasons.append(ReasonPart("not known", text))
            return
        self._none("has no gradient yet")
        self.reasons.append(
            ReasonPart("not yet", "No backward has run so far.", advice="Call backward() on the loss.")
        )
        self._not_kept(tensor)

    def _not_in_graph(self, tensor: Any) -> None:
        assert self.walk is not None
        grad = None if tensor is None else tensor.__dict__.get("grad")
        reasons = reasons_without_path(self.subject, self.walk, self.place)
        if grad is not None:
            self._classify(grad._a, [])
            text = "It comes from an earlier backward; nothing was added by the one that is shown. "
            self.reasons = [ReasonPart("earlier backward", text + reasons[0].text, reasons[0].file)]
            return
        self._none(f"has no gradient: it is not on a path to the loss of iteration {self.walk.number + 1}")
        self.reasons = reasons
        self._not_kept(tensor)

    def _not_kept(self, tensor: Any) -> None:
        """Say of a tensor that an op made that its .grad stays None anyway."""
        if tensor is None or tensor.is_leaf or tensor.retains_grad:
            return
        fn = tensor.grad_fn
        note = made(fn)
        self.reasons.append(
            ReasonPart(
                "not a leaf",
                f"It was made by {fn.name()}{at_line(note.file, note.line, self.place)}: its gradient passes "
                "through in backward and is not kept in .grad.",
                note.file,
                note.line,
                self.subject.number,
                advice=f"Call {self.subject.name}.retain_grad() before backward, or look at the node itself.",
            )
        )

    # -- nodes -----------------------------------------------------------------------------------------------

    def _leaf(self, walk: BackwardWalk, node: AccumulateGrad) -> None:
        flows = self.flows
        assert flows is not None
        leaf = node.variable
        held = leaf.__dict__.get("grad")
        if self._is_skipped(walk, node) or not flows.has_run(node) and self._is_ahead(walk, node, held):
            return
        came = flows.incoming(node)
        brought = came[0] if came else None
        if held is None:
            if came is None or brought is not None:
                self._none("has no gradient any more")
                self._cleared_since(leaf)
                if not self.reasons:
                    text = f"Iteration {walk.number + 1} brought one; since then .grad was set to None."
                    self.reasons.append(ReasonPart("set to None", text))
            else:
                self._none("has no gradient: nothing arrived")
                self.reasons = self._nothing_arrived(node)
            return
        self._classify(plain(held._a), self._why(node, brought))
        calls = calls_in(leaf, walk.number, self.place)
        if calls:
            text = f"{self.subject.name}.grad held {_times(calls)} before this one was added."
            advice = "Call zero_grad() before each backward, unless the sum is meant."
            self.reasons.append(ReasonPart("accumulated", text, node=self.subject.number, advice=advice))

    def _inner(self, walk: BackwardWalk, node: Node) -> None:
        flows = self.flows
        assert flows is not None
        if self._is_skipped(walk, node):
            self._not_kept(self.subject.tensor)
            return
        if not flows.has_run(node) and node is not walk.node and self._is_ahead(walk, node, None):
            self._not_kept(self.subject.tensor)
            return
        came = flows.incoming(node)
        output = self.subject.tensor._nr if self.subject.tensor is not None else 0
        here = None if came is None or output >= len(came) else came[output]
        if came is None:
            self._none("has run, and what came to it was not kept")
            self.reasons.append(
                ReasonPart("not known", "Stop at the beginning of the backward and step, to keep what flows.")
            )
        elif here is None:
            self._none("has no gradient: nothing arrived")
            self.reasons = self._nothing_arrived(node)
        else:
            self._classify(plain(here), self._why(node, here))
        self._not_kept(self.subject.tensor)

    def _is_skipped(self, walk: BackwardWalk, node: Node) -> bool:
        if walk.run.needed is None or node in walk.run.needed:
            return False
        self._none(f"gets no gradient in iteration {walk.number + 1}")
        self.reasons.append(
            ReasonPart(
                "not asked for",
                "This backward computes only what leads to the tensors it was given (inputs=..., or "
                "autograd.grad), and this is not on the way to them.",
                node=self.subject.number,
                advice="Add it to the inputs, or call backward() without them.",
            )
        )
        return True

    def _is_ahead(self, walk: BackwardWalk, node: Node, held: Any) -> bool:
        """Whether backward has not got there; says so."""
        flows = self.flows
        assert flows is not None
        at = flows.place(node)
        if at < walk.position:
            return False
        here = walk.node
        stands = "at its end" if here is None else f"before {flows.title(here)}"
        text = (
            f"The backward of iteration {walk.number + 1} stands {stands} ({walk.position} of {walk.count} "
            f"nodes done); this is number {at + 1}."
        )
        reason = ReasonPart("not yet", text, node=self.subject.number, advice="Step on, or run to this node.")
        if held is not None:
            self._classify(plain(held._a), [])
            text = f"It comes from an earlier backward. {text}"
            reason = ReasonPart("not yet", text, node=self.subject.number, advice=reason.advice)
            self.reasons.insert(0, reason)
            return True
        self._none("has no gradient yet")
        self.reasons.append(reason)
        return True

    def _nothing_arrived(self, node: Node) -> Reasons:
        """Which node gave None instead of a gradient."""
        flows = self.flows
        assert flows is not None
        found: Reasons = []
        stack, seen = [node], {node}
        while stack and len(found) < 4:
            for arrival in flows.arrivals(stack.pop()):
                source = arrival.source
                if arrival.array is not None or not arrival.ran or source in seen:
                    continue
                seen.add(source)
                came = flows.incoming(source)
                if came is not None and all(c is None for c in came):
                    stack.append(source)
                    continue
                note = made(source)
                own = type(source).__module__ != "builtins"
                text = f"{source.name()}{at_line(note.file, note.line, self.place)} gave None"
                text += " in its own backward for this input." if own else ": it has no slope for this input."
                advice = "Return a gradient for every input that needs one." if own else ""
                found.append(
                    ReasonPart(
                        "none returned", text, note.file, note.line, flows.number(source), advice=advice
                    )
                )
        return found or [ReasonPart("not used", "No gradient came along any of its paths.")]

    def _cleared_since(self, tensor: Any) -> None:
        """Say which zero_grad took the gradient away."""
        if tensor is None:
            return
        walk = self.walk
        for cleared in reversed(self.place.recorder.origins.cleared):
            if cleared.to_none and cleared.covers(tensor):
                if walk is not None and cleared.backward <= walk.number:
                    continue
                self.reasons.append(
                    ReasonPart(
                        "set to None",
                        f"zero_grad(){at_line(cleared.file, cleared.line, self.place)} set it to None after "
                        f"iteration {cleared.backward}.",
                        cleared.file,
                        cleared.line,
                        self.subject.number,
                        advice="Look at it between backward() and zero_grad().",
                    )
                )
                return

    # -- how large it is -------------------------------------------------------------------------------------

    def _why(self, node: Node, array: Any) -> Reasons:
        flows = self.flows
        if flows is None or array is None:
            return []
        a = plain(array)
        if a is not None and a.size and not a.any():
            return zero_reasons(node, flows, self.place)
        return route_reasons(node, flows, self.place)

    def _classify(self, array: Any, reasons: Reasons) -> None:
        a = plain(array)
        assert a is not None
        name, size = self.subject.name, norm(a)
        rms = size / a.size**0.5 if a.size else 0.0
        zeros = share_of(a == 0)
        largest = self._largest()
        told = [r for r in reasons if r.kind not in ("shrunk", "grown")]
        if not a.size:
            self.verdict, self.sentence = "present", f"{name}: the tensor has no elements."
        elif not np.isfinite(a).all():
            self.verdict = "large"
            self.sentence = f"The gradient of {name} has NaN or Inf in it."
            text = f"{percent(share_of(~np.isfinite(a)))} of its elements are NaN or Inf."
            advice = "Ask where the NaN came from."
            self.reasons = [
                ReasonPart("not finite", text, node=self.subject.number, advice=advice),
                *told,
            ]
            return
        elif not a.any():
            self.verdict, self.sentence = "zero", f"The gradient of {name} is zero in every element."
            told = reasons
        elif rms < SMALL_RMS or rms < SMALL_SHARE * largest:
            self.verdict = "small"
            than = f"below {SMALL_RMS:g}"
            if rms >= SMALL_RMS:
                than = f"{rms / largest:.1e} of the largest among the leaves of this backward"
            self.sentence = f"The gradient of {name} is small: {rms:.2e} (root mean square), {than}."
            told = [r for r in reasons if r.kind != "grown"]
        elif rms > LARGE_RMS:
            self.verdict = "large"
            self.sentence = f"The gradient of {name} is large: {rms:.2e} (root mean square)."
            told = [r for r in reasons if r.kind != "shrunk"]
        else:
            self.verdict = "present"
            part = f"; {percent(zeros)} of its elements are zero" if zeros >= 0.005 else ""
            if zeros < TELLING_SHARE:
                told = [r for r in told if r.kind not in SELECTIONS]
            self.sentence = f"The gradient of {name} is there: norm {size:.3g}{part}."
        self.reasons = told

    def _largest(self) -> float:
        """The largest root mean square of what the leaves of this backward were brought."""
        found = 0.0
        if self.flows is not None:
            for node, flow in self.flows.flow.items():
                if isinstance(node, AccumulateGrad) and flow.grads and flow.grads[0] is not None:
                    a = flow.grads[0]._a
                    if a.size:
                        found = max(found, norm(a) / a.size**0.5)
        return found if np.isfinite(found) else 0.0

    def _none(self, words: str) -> None:
        self.verdict, self.sentence = "none", f"{self.subject.name} {words}."


def _times(calls: int) -> str:
    return (
        "the gradient of an earlier backward" if calls == 1 else f"the gradients of {calls} earlier backwards"
    )
