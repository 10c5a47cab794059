"""Where a NaN or Inf came from: its story, and files that make it again in a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.autograd.node import Node
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.recorders.name import name_where, variables
from engine.recorders.recorder import variable_of
from engine.recorders.structure import made, walk_from
from engine.recorders.walk import BackwardWalk
from engine.worker.explain.reproduction import (
    of_backward,
    of_forward,
    of_operation,
    of_step,
)
from engine.worker.explain.story import Cause, Story
from engine.worker.explain.wording import how_many, words_of
from engine.worker.producer import FINE, fault_in, fault_of, makes
from engine.worker.slot import SlotError

NOTHING = "No NaN or Inf is in sight: the forward's values and all gradients so far are finite."


def answer(request: ask.Explain, place: Any) -> happened.NanTraced:
    """The story as far as it is known where the run stands. Raises: SlotError where all is finite."""
    trace = _Trace(place)
    trace.follow()
    story = trace.story
    if not story.causes:
        raise SlotError(NOTHING)
    if request.node >= 0:
        try:
            story.only({at for at, c in enumerate(story.causes) if c.node == request.node})
        except LookupError:
            raise SlotError("Nothing is NaN or Inf at this node, and none came to it.") from None
    first = story.first()
    files = {} if first is None else trace.files_of(story.reproducible(first))
    sentence = trace.sentence(first)
    story.shorten()
    return happened.NanTraced(request.tag, sentence, story.parts(), files)


class _Trace:
    """Follows all values that can be seen from a stop."""

    def __init__(self, place: Any) -> None:
        self._place = place
        self._recorder = place.recorder
        self._walk: BackwardWalk | None = place.walk
        self._last: BackwardWalk | None = place.walk or place.last
        self._numbers: dict[Node, int] = dict(self._last.structure.index) if self._last is not None else {}
        self.story = Story(self._numbers, self._name_of)
        self.story.leaf_causes = self._leaf_cause
        self._steps: dict[int, _Step] = {}

    # -- following -------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Forward, backward and optimizer, as far as the run has come."""
        place = self._place
        stepped = _steps_of(place.names, self._recorder) if place.walk is None else []
        self.story.earlier = {id(s.tensor): s.before for s in stepped}
        self.story.earlier_memory = {id(s.tensor._a): s.before for s in stepped}
        if place.walk is not None:
            self._follow_walk(place.walk)
            return
        if stepped and self._last is not None:
            self._follow_walk(self._last)
        self._follow_steps(stepped)
        if not stepped:
            self._follow_forward()

    def _follow_walk(self, walk: BackwardWalk) -> None:
        self.story.follow_forward(walk.structure.nodes)
        for fn, nr in walk.run.roots:
            self.story.reach(fn, variable_of(self._place.frame, fn, nr) or "the loss")
        self.story.follow_backward(walk)

    def _follow_forward(self) -> None:
        ran = self._place.ran
        last = None if ran is None else _first(ran[2])
        if last is not None and fault_of(last) != FINE:
            self._follow_result(ran, last)
            return
        roots = list(dict.fromkeys(self._roots()))
        self.story.follow_forward(walk_from(roots)[0])
        used = {fn for n in walk_from(roots)[0] for fn, _ in n.next_functions}
        for root in roots:
            if root not in used:
                self.story.reach(root, self._variable_of(root))

    def _follow_result(self, ran: tuple[Any, tuple, Any], last: Any) -> None:
        """What led to the result of the op after which the run stands."""
        fn = last.grad_fn if last._rg else None
        if fn is None or not made(fn).line:
            self._follow_operation(*ran)
            return
        self.story.follow_forward(walk_from([fn])[0])
        self.story.reach(fn, self._variable_of(fn))
        at = self.story.at(fn)
        if at is not None:
            self.story.only({at, len(self.story.causes) - 1})

    def _follow_operation(self, op: Any, bound: tuple, result: Any) -> None:
        """An op without a node, after which the run stands: only it is known, not what was before."""
        results = result if isinstance(result, tuple) else (result,)
        after = fault_in(results)
        if after == FINE:
            return
        before = fault_in(v for v in bound if all(v is not r for r in results))
        verdict = "produced" if makes(before, after) else "passed on"
        array = next(r._a for r in results if fault_of(r) != FINE)
        names = dict(zip(op.parameters, bound))
        said = "; ".join(f"{k}: {words_of(v._a)}" for k, v in names.items() if isinstance(v, nodes.Tensor))
        file, line = self._recorder.places.here()
        text = f"made {how_many(array)}" if verdict == "produced" else how_many(array)
        text += f" ({said}); it has no gradient, so that it is no node"
        self.story.add(Cause(verdict, "forward", op.name, text, file, line, array=array))

    def _follow_steps(self, steps: list[_Step]) -> None:
        for step in steps:
            if fault_of(step.after) == FINE:
                continue
            self._steps[len(self.story.causes)] = step
            if step.name.startswith("parameter "):
                step.name = self._name_of(step.tensor)
            parents = [at for at, c in enumerate(self.story.causes) if c.leaf is step.tensor]
            before = fault_in([step.before, step.grad, *step.state.values()])
            verdict = "produced" if makes(before, fault_of(step.after)) or step.odd_rate else "passed on"
            if step.before is not None and fault_of(step.before) != FINE:
                verdict = "passed on"
            file, line = self._recorder.places.here()
            cause = Cause(verdict, "optimizer", step.name, step.text(), file, line, array=step.after)
            cause.parents, cause.short = parents, step.short()
            at = self.story.add(cause)
            self.story.add(
                Cause("reached", "optimizer", step.name, how_many(step.after), file, line, parents=[at],
                      array=step.after)
            )  # fmt: skip

    def _roots(self) -> Iterator[Node]:
        """Nodes of what the script holds: the last result, and its variables."""
        values = [self._place.names.get("result"), *(v for _, v in variables(self._place.frame))]
        for value in values:
            if isinstance(value, nodes.Tensor) and value._rg:
                fn = value.grad_fn
                if fn is not None and made(fn).line:
                    yield fn

    # -- names -----------------------------------------------------------------------------------------------

    def _name_of(self, thing: Any) -> str:
        if isinstance(thing, nodes.Tensor):
            known = self._recorder.names.parameter(thing)
            return known or name_where(self._place.frame, lambda v: v is thing) or thing.name or "leaf"
        return name_where(self._place.frame, lambda v: getattr(v, "_a", None) is thing)

    def _variable_of(self, node: Node) -> str:
        return variable_of(self._place.frame, node, 0) or f"the result of {node.name()}"

    def _leaf_cause(self, leaf: Any, number: int) -> Cause:
        """A leaf that was not finite when the forward began: an optimizer's doing, or from outside."""
        name, text = self._name_of(leaf), how_many(leaf._a)
        for optimizer in self._recorder.optimizers:
            for group in optimizer.param_groups:
                if any(p is leaf for p in group["params"]):
                    kind = type(optimizer).__name__
                    rate = group.get("lr")
                    odd = isinstance(rate, float) and not np.isfinite(rate)
                    state = optimizer.state.get(leaf, {})
                    kept = [k for k, v in state.items() if fault_of(v) != FINE]
                    text += f" since a step of {kind} before this forward"
                    if odd:
                        text += f", which stepped with lr = {rate:g}"
                    elif kept:
                        text += f": its {kept[0]} is not finite, so that an earlier gradient was not"
                    since = self._recorder.not_finite
                    if since >= 0:
                        text += f"; the loss is not finite since iteration {since}"
                    verdict = "produced" if odd else "passed on"
                    return Cause(verdict, "optimizer", name, text, node=number, array=leaf._a)
        text += " before the first op: it came from the script itself"
        return Cause("produced", "forward", name, text, node=number, array=leaf._a)

    # -- telling ---------------------------------------------------------------------------------------------

    def sentence(self, first: Cause | None) -> str:
        """The story in one or two sentences."""
        causes = self.story.causes
        ends = [c for c in causes if c.verdict == "reached"]
        if first is None:
            begin = causes[0]
            said = f"{begin.name} held {begin.text}."
        else:
            where = f" (line {first.line})" if first.line else ""
            said = f"In the {first.phase}, {first.name}{where} {_verb(first)}."
            if first.text.startswith(("the sum", "a hook")):
                said = f"In the {first.phase}, at {first.name}{where}, {first.text}."
            if first.phase == "optimizer":
                said = said.replace(" made ", " was made ", 1)
        masked = [c for c in causes if c.verdict == "masked"]
        if ends:
            names = list(dict.fromkeys(c.name for c in ends))
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            said += f" It reaches {shown}."
            quiet = [c for c in masked if c.phase == "forward"]
            if quiet and all(c.phase != "forward" for c in ends):
                said += f" {quiet[0].name} keeps it from the loss, not from the gradients."
        elif masked:
            said += f" {masked[-1].name} masks it: it reaches neither the loss nor a gradient."
        return said

    def files_of(self, first: Cause) -> dict[str, bytes]:
        """A script that makes the first one again, and its inputs; none where that cannot be done."""
        try:
            if first.phase == "optimizer":
                step = self._steps.get(next(at for at, c in enumerate(self.story.causes) if c is first))
                return {} if step is None else of_step(step)
            if first.maker is not None and first.phase == "forward":
                return of_forward(first)
            if first.maker is not None and self._last is not None:
                flow = next(f for f in self._last.flows.values() if f.node is first.maker)
                return of_backward(first, [None if g is None else g._a for g in flow.grads])
            ran = self._place.ran
            if ran is not None and first.node < 0 and first.name == ran[0].name:
                return of_operation(first, ran[0], ran[1])
        except (LookupError, StopIteration):
            pass
        return {}


class _Step:
    """What an optimizer's step did to one parameter."""

    def __init__(self, optimizer: Any, group: dict, tensor: Any, name: str, before: Any, grad: Any) -> None:
        self.optimizer, self.group, self.tensor, self.name = optimizer, group, tensor, name
        self.before, self.after = before, tensor._a
        self.grad = getattr(grad, "_a", grad)
        self.state = {
            k: v._a for k, v in optimizer.state.get(tensor, {}).items() if isinstance(v, nodes.Tensor)
        }
        rate = group.get("lr", 0.0)
        rate = float(getattr(rate, "_a", rate))
        self.odd_rate = not np.isfinite(rate)
        self.rate = rate

    def short(self) -> str:
        """What was made, and by whom."""
        return f"made {how_many(self.after)} by a step of {type(self.optimizer).__name__}, lr = {self.rate:g}"

    def text(self) -> str:
        """The step in words, with what it began with."""
        said = self.short()
        if self.before is not None:
            said += f"; before: {words_of(self.before)}"
        if self.grad is not None:
            said += f"; the gradient: {words_of(self.grad)}"
        spoilt = [k for k, a in self.state.items() if fault_of(a) != FINE]
        if spoilt:
            said += f"; its {spoilt[0]}: {words_of(self.state[spoilt[0]])}"
        return said


def _first(result: Any) -> Any:
    """The first tensor of a result, or None."""
    first = result[0] if isinstance(result, tuple) and result else result
    return first if isinstance(first, nodes.Tensor) else None


def _steps_of(names: dict[str, Any], recorder: Any) -> list[_Step]:
    """The steps of the optimizer after which the run stands; none elsewhere."""
    found = []
    for optimizer in recorder.optimizers:
        for group in optimizer.param_groups:
            for tensor in group["params"]:
                name = next((k for k, v in names.items() if v is tensor and f"{k}.before" in names), "")
                if name:
                    before, grad = names[f"{name}.before"], names.get(f"{name}.grad")
                    found.append(_Step(optimizer, group, tensor, name, before, grad))
    return found


def _verb(cause: Cause) -> str:
    text = cause.short or cause.text
    return text if text.startswith(("made", "was given")) else f"held {text}"
