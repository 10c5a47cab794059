"""Whether a node's gradients can be trusted: held against finite differences, and against float64."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from engine.autograd.node import AccumulateGrad
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.recorders.digest import is_finite
from engine.recorders.walk import BackwardWalk
from engine.worker.explain.repetition import CannotRepeat, Input, Repetition, unseen, wide
from engine.worker.explain.slope import Findings, Slopes
from engine.worker.slot import SlotError, incoming_of

PATIENCE_S = 0.3
"""Time for the finite differences of one node; what is not checked by then is not checked."""
SLOW_S = 0.15
"""An op that takes longer than this is not run again and again."""
MAP_ELEMENTS_MAX = 1 << 20
PRECISE = 1e-3
"""A float32 gradient may be this far from the float64 one, relative to the gradient's typical size."""

FINITE = "finite difference"
WIDER = "float32 against float64"
DEVICES = "CPU against CUDA"
WORST_FIRST = ("differs", "not differentiable", "agrees", "not checked")


def answer(request: ask.Explain, place: Any) -> happened.TrustChecked:
    """The node's gradients, checked on the live inputs. Raises: SlotError where that is no node of a
    backward."""
    walk = place.walk
    if walk is None:
        raise SlotError("A node can be checked where the run stands in a backward.")
    number = request.node if request.node >= 0 else walk.index
    if not 0 <= number < len(walk.structure.nodes):
        raise SlotError(f"There is no node {number} with gradients in this graph.")
    node = walk.structure.nodes[number]
    if isinstance(node, AccumulateGrad):
        raise SlotError("A leaf computes nothing; its gradient is what arrives.")
    for key in [k for k in walk.errors if k[0] == number]:
        del walk.errors[key]
    check = Check(walk, number)
    parts = check.parts()
    verdict = min((p.verdict for p in parts), key=WORST_FIRST.index, default="not checked")
    return happened.TrustChecked(
        request.tag, number, verdict, _sentence(check.name, verdict, parts, check.remark), tuple(parts)
    )


class Check:
    """All checks of one node."""

    def __init__(self, walk: BackwardWalk, number: int) -> None:
        self._walk, self._number = walk, number
        self._node = walk.structure.nodes[number]
        self.name = self._node.name()
        self.remark = ""

    def parts(self) -> list[happened.TrustPart]:
        """Two for each input that has a gradient, and one for the devices."""
        try:
            again = Repetition(self._node)
            with unseen(users_own=again.is_function):
                return [*self._of(again), _devices()]
        except CannotRepeat as why:
            return [happened.TrustPart("", FINITE, "not checked", text=str(why)), _devices()]

    def _of(self, again: Repetition) -> list[happened.TrustPart]:
        wanted = [e for e in again.inputs if self._wants(again, e)]
        if not wanted:
            raise CannotRepeat("None of its inputs wants a gradient.")
        why = self._unfit(again)
        if why:
            raise CannotRepeat(why)
        grads = self._grads()
        own = again.own_gradients(grads)
        values = again.widened()
        began = time.perf_counter()
        base = again.outputs(values)
        cost_s = time.perf_counter() - began + 1e-6
        wide_grads = [_fit(g, y) for g, y in zip(grads, base)]
        failure = ""
        try:
            wider = again.gradients(values, wide_grads, base)
        except Exception as error:
            wider, failure = [None] * len(own), f"{type(error).__name__}: {error}"
        sizes = self._sizes(again, values, wide_grads, base, own)
        parts = []
        began = time.perf_counter()
        for done, edge in enumerate(wanted):
            mine, better = _at(own, edge.slot), _at(wider, edge.slot)
            now = time.perf_counter()
            until = now + max(0.02, (began + PATIENCE_S - now) / (len(wanted) - done))
            size = sizes[edge.slot]
            slopes = Slopes(again, edge, values, wide_grads, base, size)
            slopes.directions = min(slopes.directions, int(PATIENCE_S / 6 / cost_s))
            parts.append(self._finite(edge, slopes, mine, better, until))
            parts.append(_precision(edge, mine, better, failure, size))
        return parts

    def _wants(self, again: Repetition, edge: Input) -> bool:
        fn = self._node.next_functions[edge.slot][0] if edge.slot < len(self._node.next_functions) else None
        value = again.at(again.values, edge)
        return fn is not None and isinstance(value, (np.ndarray, np.generic))

    def _unfit(self, again: Repetition) -> str:
        """Why its inputs cannot be used, or ''."""
        for edge in again.inputs:
            value = again.at(again.values, edge)
            if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "c":
                return "Complex numbers are not checked by finite differences."
        if again.is_freed:
            return "What it kept for backward has been freed."
        began = time.thread_time()  # what others do to a busy machine is not this op's cost
        same, drew = again.replay()
        took_s = time.thread_time() - began
        if drew:
            return "It draws random numbers, and drew others in the forward."
        if took_s > SLOW_S:
            return f"One run of it takes {took_s:.1f} s, too long to run it often."
        if not same and not again.keeps_its_inputs():
            return "Its inputs or its result were changed since the forward (in place, or by an edit)."
        return ""

    def _grads(self) -> list[Any]:
        """The gradients that come in; made up where none has arrived or they say nothing."""
        node = self._node
        have = [None if g is None else g._a for g in incoming_of(self._walk, node)]
        have += [None] * (node.outputs - len(have))
        known = [g for g in have if g is not None]
        if known and all(is_finite(g) for g in known) and any(np.any(g) for g in known):
            return have
        why = (
            "no gradient has arrived yet"
            if not known
            else "what arrives is zero"
            if all(is_finite(g) for g in known)
            else "what arrives is not finite"
        )
        self.remark = f"Checked with a gradient of random numbers: {why}."
        chance = np.random.RandomState(1)
        made: list[Any] = []
        for nr in range(node.outputs):
            shape, kind = node.meta(nr)
            whole = kind is None or np.dtype(kind).kind not in "fV" or nr in getattr(node.op, "nondiff", ())
            made.append(None if whole else np.asarray(chance.uniform(0.5, 1.5, shape)).astype(kind))
        return made

    def _sizes(
        self, again: Repetition, values: list[Any], grads: list[Any], base: list[Any], own: list[Any]
    ) -> list[float]:
        """How large each edge's gradient is for gradients of this size: what cancels out is no smaller than
        that in its rounding."""
        chance = np.random.RandomState(3)
        turned = [None if g is None else g * chance.choice([-1.0, 1.0], np.shape(g)) for g in grads]
        try:
            probed = again.gradients(values, turned, base)
        except Exception:
            probed = own
        return [_largest(g) for g in probed] + [0.0] * (len(own) - len(probed))

    def _finite(
        self, edge: Input, slopes: Slopes, mine: Any, better: Any, until: float
    ) -> happened.TrustPart:
        gradient = better if better is not None else mine
        if gradient is None:
            return happened.TrustPart(
                edge.name, FINITE, "not checked", text="The node gives no gradient here."
            )
        x = slopes.x
        if gradient.shape != np.shape(x):
            text = f"The gradient has shape {list(gradient.shape)}, the input {list(np.shape(x))}."
            return happened.TrustPart(edge.name, FINITE, "differs", 1.0, text=text)
        if better is None:
            gradient = wide(gradient)
        found = slopes.hold_against(gradient, until)
        if better is None:
            found.wrong &= found.error > PRECISE
        what = ""
        if found.checked and np.size(x) <= MAP_ELEMENTS_MAX:
            what = f"trust:{edge.slot}"
            self._walk.errors[self._number, edge.slot] = found.error.reshape(np.shape(x)).astype(np.float32)
        return _finite_part(edge, found, gradient, what)


def _finite_part(edge: Input, found: Findings, gradient: Any, what: str) -> happened.TrustPart:
    n, checked = found.error.size, found.checked
    seen = "all" if checked == n else f"{checked} of {n}"
    compared, off = found.directions
    if compared:
        seen += f" and {compared} random directions"
    error = float(np.nanmax(found.error)) if np.isfinite(found.error).any() else 0.0
    wrong, kinked = int(found.wrong.sum()), int(found.kinked.sum())
    at = ""
    if wrong:
        worst = int(np.argmax(np.where(found.wrong, np.nan_to_num(found.error), -1.0)))
        place = [int(i) for i in np.unravel_index(worst, np.shape(gradient))]
        mine, slope = np.asarray(gradient).reshape(-1)[worst], found.slope[worst]
        at = f", most at {place}: the slope is {slope:.4g}, the node gives {mine:.4g}"
    if checked == 0:
        text = "No element could be compared: the values are not finite." if n else "It has no elements."
        return happened.TrustPart(edge.name, FINITE, "not checked", text=text)
    if wrong:
        verdict, text = "differs", f"{wrong} of {checked} elements differ{at}."
    elif off:
        verdict, text = (
            "differs",
            f"{checked} elements agree, but {off} of {compared} random directions differ.",
        )
        error = max(error, 1e-4)
    elif kinked:
        verdict = "not differentiable"
        text = f"{kinked} of {checked} elements stand at a kink or jump; the others agree ({seen} checked)."
    else:
        verdict, text = "agrees", f"{seen} checked."
    return happened.TrustPart(edge.name, FINITE, verdict, error, error / 2.0**-23, checked, text, what)


def _largest(array: Any) -> float:
    found = None if array is None else np.abs(np.asarray(array, np.float64))
    return 0.0 if found is None else float(found[np.isfinite(found)].max(initial=0.0))


def _precision(edge: Input, mine: Any, better: Any, failure: str, typical: float) -> happened.TrustPart:
    """The node's own gradient against the same formula in float64."""
    if mine is None:
        return happened.TrustPart(edge.name, WIDER, "not checked", text="The node gives no gradient here.")
    if better is None:
        text = f"The formula does not run in float64: {failure}" if failure else "No gradient in float64."
        return happened.TrustPart(edge.name, WIDER, "not checked", text=text)
    if mine.dtype == np.float64:
        return happened.TrustPart(edge.name, WIDER, "not checked", text="It computes in float64 already.")
    if mine.shape != better.shape:
        return happened.TrustPart(edge.name, WIDER, "differs", 1.0, text="The shapes differ.")
    a, b = np.asarray(mine, np.float64), np.asarray(better, np.float64)
    fine = np.isfinite(a) & np.isfinite(b)
    n = int(fine.sum())
    if not n:
        return happened.TrustPart(edge.name, WIDER, "not checked", text="No element is finite.")
    a, b = a[fine], b[fine]
    size = np.maximum(np.abs(b), max(0.3 * typical, float(np.sqrt(np.mean(b * b)))))
    off = np.abs(a - b)
    with np.errstate(all="ignore"):
        error = float(np.max(np.where(size > 0, off / size, np.where(off > 0, np.inf, 0.0))))
    unit = _unit(mine.dtype)
    ulp = error / unit
    good = error <= max(PRECISE, 16 * unit) or float(off.max()) < 1e-37
    text = f"{mine.dtype.name}: off by at most {ulp:.3g} ulp of its size."
    return happened.TrustPart(edge.name, WIDER, "agrees" if good else "differs", error, ulp, n, text)


def _devices() -> happened.TrustPart:
    return happened.TrustPart("", DEVICES, "not checked", text="no GPU")


def _unit(kind: np.dtype) -> float:
    """The distance of 1 to the next number."""
    if kind.kind == "f":
        return float(np.finfo(kind).eps)
    return 2.0**-7


def _fit(grad: Any, output: Any) -> Any:
    if grad is None or output is None:
        return None
    return np.asarray(grad).astype(output.dtype if output.dtype.kind in "fc" else np.float64)


def _at(listed: list[Any], slot: int) -> Any:
    return listed[slot] if slot < len(listed) else None


def _sentence(name: str, verdict: str, parts: list[happened.TrustPart], remark: str) -> str:
    finite = [p for p in parts if p.method == FINITE]
    if verdict == "differs":
        wrong = next(p for p in parts if p.verdict == "differs")
        how = "its slopes" if wrong.method == FINITE else "float64"
        said = f"{name} gives a gradient of {wrong.input} that is not that of {how}: {wrong.text}"
    elif verdict == "not differentiable":
        names = ", ".join(p.input for p in finite if p.verdict == verdict)
        said = f"{name} is right where it has a slope; {names} stands at points that have none."
    elif verdict == "agrees":
        ulp = max((p.ulp for p in parts if p.method == WIDER and p.verdict == "agrees"), default=0.0)
        count = sum(p.checked for p in finite)
        said = (
            f"{name} gives the slopes of its forward ({count} elements compared, {ulp:.2g} ulp off float64)."
        )
    else:
        said = f"{name} could not be checked: {parts[0].text}"
    return f"{said} {remark}".strip()
