"""The chain rule card of one input of a node: its derivative, the same with the numbers of this moment, the
algebra of shapes, and one sentence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.autograd.node import AccumulateGrad, Node
from engine.ops.record import Pointwise
from engine.ops.typeset import Unspeakable, gradient_formulas, symbols
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.recorders.walk import BackwardWalk
from engine.worker.explain.algebra import PICKING, PRODUCTS, lines_of, plain, size, spoken, spread_axes
from engine.worker.explain.numeral import (
    TERMS_MAX,
    factor,
    is_small,
    matrix,
    numeral,
    place,
    product,
    total,
    with_numbers,
)
from engine.worker.explain.repetition import CannotRepeat, Input, Repetition, inputs_of, unseen
from engine.worker.slot import SlotError, incoming_of

STEP = 1e-5
Index = tuple[int, ...]


def answer(request: ask.Explain, place: Any) -> happened.RuleTold:
    """The card of input `slot` of a node. Raises: SlotError where there is no such node or input."""
    walk = place.walk
    if walk is None:
        raise SlotError("The rule of a node is told where the run stands in a backward.")
    number = request.node if request.node >= 0 else walk.index
    if not 0 <= number < len(walk.structure.nodes):
        raise SlotError(f"There is no node {number} with gradients in this graph.")
    node = walk.structure.nodes[number]
    if isinstance(node, AccumulateGrad):
        return _leaf_card(walk, number, request)
    card = Card(walk, node, request.slot)
    numbers = card.numbers(tuple(request.index))
    return happened.RuleTold(
        request.tag, number, request.slot, card.formula(), numbers, tuple(card.shapes()), card.sentence()
    )


class Card:
    """What can be told of the derivative of one input of a node. Raises: SlotError for one it has not."""

    def __init__(self, walk: BackwardWalk, node: Node, slot: int) -> None:
        self._walk, self._node, self._op = walk, node, node.op
        edges = _edges(node)
        self._edge = next((e for e in edges if e.slot == slot), None) or _missing(node, slot)
        self._base = self._edge.name.partition("[")[0]
        self._again, self._why = _again(node)
        self._signs = symbols(self._op) if self._op is not None else {"result": "y", self._base: "x"}
        self._out = tuple(node.meta(0)[0])
        self._gradient = self._of_edge()
        self._said = ""
        self._terms = 1

    # -- the formula -----------------------------------------------------------------------------------------

    def formula(self) -> str:
        """The derivative as the op's record has it."""
        if self._op is None:
            name = self._node.name().removesuffix("Backward").rpartition("::")[2].replace("_", r"\_")
            sign = self._sign()
            return rf"\partial L/\partial {sign} = \mathrm{{{name}.backward}}(\partial L/\partial y)"
        found = gradient_formulas(self._op).get(self._base)
        y = self._signs.get("result", "y")
        return found or (
            rf"\partial L/\partial {self._sign()} = \textstyle\sum_j (\partial L/\partial {y}_j)\,"
            rf"\partial {y}_j/\partial {self._sign()}"
        )

    def _sign(self) -> str:
        sign = self._signs.get(self._base)
        return sign if sign is not None else rf"\mathrm{{{self._base}}}".replace("_", r"\_")

    # -- the numbers -----------------------------------------------------------------------------------------

    def numbers(self, index: Index) -> str:
        """The same with the numbers that flow, for one element or as small matrices; '' where none do yet.

        Raises: SlotError for an element that there is not."""
        gradient = self._gradient
        if gradient is None or gradient.size == 0:
            return ""
        if not index:
            matrices = self._matrices()
            if matrices:
                return matrices
        index = self._element(index)
        value = gradient[index]
        left = rf"\partial L/\partial {place(self._sign(), index)}"
        right = ""
        if self._again is not None and np.isfinite(value):
            with unseen(users_own=self._again.is_function):
                right = self._by_formula(index) or self._by_mean(index) or self._by_terms(index)
        if index:
            more = f", out of {self._terms} results" if self._terms > 1 else ""
            self._said = f"at {list(index)} it is {float(np.real(value)):.4g}{more}"
        shown = numeral(value)
        return f"{left} = {shown}" if right in ("", shown, factor(value)) else f"{left} = {right} = {shown}"

    def _element(self, index: Index) -> Index:
        gradient = self._gradient
        if index:
            if len(index) != gradient.ndim or any(not 0 <= i < n for i, n in zip(index, gradient.shape)):
                raise SlotError(f"{list(index)} is no element of a gradient of shape {list(gradient.shape)}.")
            return index
        size_of = np.nan_to_num(np.abs(gradient), nan=-1.0, posinf=np.inf)
        return tuple(int(i) for i in np.unravel_index(int(np.argmax(size_of)), gradient.shape))

    def _matrices(self) -> str:
        """gradient = product of two small matrices, where that is what the op's backward is."""
        pair = PRODUCTS.get("" if self._op is None else self._op.name)
        again = self._again
        if pair is None or self._base not in pair or again is None or self._op.name not in (
            "mm", "addmm", "mv", "addmv",
        ):  # fmt: skip
            return ""
        incoming = self._incoming()
        values = dict(zip(again.names, again.values))
        left, right = np.asarray(values[pair[0]]), np.asarray(values[pair[1]])
        if incoming is None or not is_small(left, right, incoming):
            return ""
        if self._base == pair[0]:
            other = right.T if right.ndim == 2 else right.reshape(1, -1)
            factors = matrix(incoming) + r"\," + matrix(other)
        else:
            factors = matrix(left.T) + r"\," + matrix(incoming)
        alpha = values.get("alpha", 1)
        scale = "" if alpha == 1 else factor(alpha) + r"\,"
        return rf"\partial L/\partial {self._bracketed()} = {scale}{factors} = {matrix(self._gradient)}"

    def _bracketed(self) -> str:
        sign = self._sign()
        return f"({sign})" if "^" in sign else sign

    def _by_formula(self, index: Index) -> str:
        """The record's own expression, where it is one of elements."""
        op, again, incoming = self._op, self._again, self._incoming()
        if not isinstance(op, Pointwise) or incoming is None or again is None:
            return ""
        places = _places(index, self._gradient.shape, self._out)
        if len(places) > TERMS_MAX:
            largest = sorted(places, key=lambda p: -abs(float(np.real(incoming[p]))))
            shown = sorted(largest[:TERMS_MAX])
        else:
            shown = places
        try:
            terms = [self._with_numbers(p, incoming) for p in shown]
        except (Unspeakable, KeyError, AttributeError):
            return ""
        if len(terms) > 1:
            terms = [t if t.startswith(r"\left(") or not _is_sum(t) else rf"\left({t}\right)" for t in terms]
        return total(terms, len(places) > len(shown))

    def _with_numbers(self, at: Index, incoming: np.ndarray) -> str:
        again = self._again
        assert again is not None
        values: dict[str, Any] = {}
        for name, value in zip(again.names, again.values):
            if isinstance(value, (np.ndarray, np.generic)):
                values[name] = np.broadcast_to(value, self._out)[at]
            elif isinstance(value, (int, float)):
                values[name] = value
        result = self._result()
        if result is not None:
            values["result"] = result[at]
        return with_numbers(self._op, self._base, values, incoming[at])

    def _result(self) -> Any:
        assert self._again is not None
        result = self._again.outputs(self._again.values)[0]
        return result if result is not None and result.shape == self._out else None

    def _by_mean(self, index: Index) -> str:
        """The formula of a mean, or of a mean squared error, with its numbers."""
        again, incoming = self._again, self._incoming()
        assert again is not None
        if self._op is None or self._op.name not in ("mean", "mse_loss") or incoming is None:
            return ""
        value, own = float(np.real(self._gradient[index])), self._gradient
        if self._op.name == "mean":
            share = own.size // max(1, incoming.size)
            g = value * share
            return rf"\frac{{1}}{{{share}}} \cdot {factor(g)}"
        values = dict(zip(again.names, again.values))
        if np.shape(values["self"]) != np.shape(values["target"]):
            return ""
        x, t = float(values["self"][index]), float(values["target"][index])
        g = float(incoming) if incoming.ndim == 0 else float(incoming[index])
        sign = 1 if self._base == "self" else -1
        for front, share in ((rf"\frac{{2}}{{{own.size}}}", own.size), ("2", 1)):
            if abs(sign * 2 / share * (x - t) * g - value) <= 1e-5 * abs(value):
                inside = rf"\left({numeral(x)} - {factor(t)}\right)"
                front = front if sign > 0 else "-" + front
                return rf"{front} \cdot {inside}" + ("" if g == 1 else rf" \cdot {factor(g)}")
        return ""

    def _by_terms(self, index: Index) -> str:
        """The sum over the results that this element moves: what arrives there, times how much it moves."""
        again = self._again
        assert again is not None
        x = np.asarray(again.at(again.values, self._edge))
        if x.dtype.kind not in "fV" or x.shape != self._gradient.shape:
            return ""
        values = again.widened()
        x = np.asarray(again.at(values, self._edge))
        h = STEP * max(abs(float(x[index])), 0.1 * float(np.sqrt(np.mean(x * x))), 1e-12)
        ends = []
        for sign in (1.0, -1.0):
            moved = x.copy()
            moved[index] += sign * h
            ends.append((moved[index], again.outputs(again.replaced(values, self._edge, moved))))
        width = float(ends[0][0] - ends[1][0])
        grads = [None if g is None else np.asarray(g._a) for g in incoming_of(self._walk, self._node)]
        terms: list[tuple[float, float]] = []
        for g, up, down in zip(grads, ends[0][1], ends[1][1]):
            if g is None or up is None or down is None or g.shape != up.shape:
                continue
            with np.errstate(all="ignore"):
                slope = (up - down) / width
            size_of = float(np.max(np.abs(slope), initial=0.0))
            for at in np.argwhere(np.abs(slope) > 1e-7 * size_of):
                where = tuple(int(i) for i in at)
                terms.append((float(np.real(g[where])), float(_tidy(np.real(slope[where])))))
        return self._sum_of(terms, index)

    def _sum_of(self, terms: list[tuple[float, float]], index: Index) -> str:
        value = float(np.real(self._gradient[index]))
        added = sum(g * s for g, s in terms)
        scale = sum(abs(g * s) for g, s in terms)
        if abs(added - value) > 1e-4 * max(scale, abs(value)):
            return ""
        shown = terms
        if len(terms) > TERMS_MAX:
            largest = sorted(range(len(terms)), key=lambda i: -abs(terms[i][0] * terms[i][1]))
            shown = [terms[i] for i in sorted(largest[:TERMS_MAX])]
        self._terms = len(terms)
        return total((product(g, s) for g, s in shown), len(shown) < len(terms))

    def _incoming(self) -> Any:
        grads = incoming_of(self._walk, self._node)
        return None if not grads or grads[0] is None else np.asarray(grads[0]._a)

    def _of_edge(self) -> Any:
        """The gradient of this input: as it flowed, or as the node makes it of what stands before it."""
        walk, node, slot = self._walk, self._node, self._edge.slot
        flow = next((f for f in walk.flows.values() if f.node is node), None)
        if flow is not None:
            out = list(flow.out)
            found = out[slot] if slot < len(out) else None
            return None if found is None else np.asarray(found._a)
        grads = incoming_of(walk, node)
        if node is not walk.node or self._again is None or all(g is None for g in grads):
            return None
        try:
            out = self._again.own_gradients([None if g is None else g._a for g in grads])
        except (CannotRepeat, RuntimeError):
            return None
        return out[slot] if slot < len(out) else None

    # -- shapes and words ------------------------------------------------------------------------------------

    def shapes(self) -> list[tuple[str, str]]:
        """The algebra of shapes, line by line."""
        shapes = _shapes_of(self._node, self._again, self._edge)
        if self._base not in shapes:
            return []
        lines = lines_of(self._op, self._base, self._signs, shapes, self._out)
        kinds = _types_of(self._node, self._edge)
        if kinds[0] != kinds[1] and kinds[0]:
            lines.append(
                (
                    rf"\mathrm{{{kinds[1]}}} \to \mathrm{{{kinds[0]}}}",
                    f"The op ran in {kinds[1]}; the gradient is rounded to the input's {kinds[0]}.",
                )
            )
        return lines

    def sentence(self) -> str:
        """The rule in one sentence, of this moment where there are numbers."""
        said = self._rule_in_words()
        if self._gradient is None:
            if self._node.next_functions[self._edge.slot][0] is None:
                return said
            why = self._why or "No gradient has arrived here yet."
            return f"{said} {why}"
        return f"{said[:-1]}; {self._said}." if self._said else said

    def _rule_in_words(self) -> str:
        op, name = self._op, self._label()
        if self._node.next_functions[self._edge.slot][0] is None:
            return f"{name} wants no gradient, so that nothing is sent there."
        if op is None:
            return f"{name} gets what its Function's own backward makes of the gradient that arrives."
        pair = PRODUCTS.get(op.name)
        shapes = _shapes_of(self._node, self._again, self._edge)
        own = shapes.get(self._base, ())
        axes = (
            spread_axes(own, self._out) if isinstance(op, Pointwise) or op.name in ("addmm", "expand") else []
        )
        if pair is not None and self._base == pair[0]:
            many = self._out[-1] if len(self._out) > 1 else 1
            if many == 1:
                return f"Each number in {name} gets the gradient of its output, times what it met there."
            return (
                f"Each number in {name} gets the gradients of the {many} outputs that it went into, each "
                "times the weight between them."
            )
        if pair is not None and self._base == pair[1]:
            rows = shapes.get(pair[0], (1, 1))[-2]
            return (
                f"Each number in {name} gets, summed over {rows} rows, the gradient of its output times the "
                "input that it was multiplied with."
            )
        if axes:
            copies = math.prod(self._out[i] for i in axes)
            return f"{name} was used {copies} times over: it gets the sum of what all {copies} send back."
        if isinstance(op, Pointwise):
            return (
                f"Each number in {name} gets the gradient that arrives at its place, times the slope there."
            )
        if op.name in PICKING:
            return f"The numbers of {name} that were taken get their gradient back; all others get 0."
        if op.family == "view":
            return f"No number was changed, so that {name} gets the gradient that arrives, in its own shape."
        if op.name == "mse_loss":
            return f"Each number in {name} gets twice its error, as its share of the mean or sum of squares."
        if op.name == "sum":
            return f"Every number in {name} counted once in the sum, so that each gets the whole gradient."
        if op.name == "mean":
            many = math.prod(own) // max(1, math.prod(self._out))
            return f"Every number in {name} counted 1/{many} in the mean: each gets 1/{many} of the gradient."
        return (
            f"Each number in {name} gets the gradients of all results that depend on it, each times how much "
            "the result moves with it."
        )

    def _label(self) -> str:
        fn = self._node.next_functions[self._edge.slot][0]
        structure = self._walk.structure
        if isinstance(fn, AccumulateGrad):
            return structure.definition.nodes[structure.index[fn]].name
        return plain(self._sign())


def _leaf_card(walk: BackwardWalk, number: int, request: ask.Explain) -> happened.RuleTold:
    """A leaf's rule: what arrives is added to what is there."""
    node: Any = walk.structure.nodes[number]
    name = walk.structure.definition.nodes[number].name
    shown = rf"\mathrm{{{name}}}".replace("_", r"\_")
    formula = rf"{shown}.\mathrm{{grad}} \leftarrow {shown}.\mathrm{{grad}} + \partial L/\partial {shown}"
    numbers = ""
    flow = next((f for f in walk.flows.values() if f.node is node), None)
    if flow is not None and flow.grads and flow.grads[0] is not None and flow.total is not None:
        came, after = np.asarray(flow.grads[0]._a), np.asarray(flow.total)
        if came.size:
            index = tuple(request.index) or _largest(came)
            before = 0.0 if flow.first else float(after[index]) - float(came[index])
            numbers = rf"{numeral(before)} + {factor(came[index])} = {numeral(after[index])}"
            numbers = rf"{place(shown, index)} : \; {numbers}" if index else numbers
    shape = tuple(node.shape)
    lines = ((size(shape), f"The gradient has the shape of {name}: {spoken(shape)}."),)
    added = (
        "it was empty before"
        if flow is None or flow.first
        else "it held an earlier gradient, which stays in it"
    )
    sentence = f"What arrives is added to {name}.grad" + (f"; {added}." if flow is not None else ".")
    return happened.RuleTold(request.tag, number, request.slot, formula, numbers, lines, sentence)


def _largest(array: np.ndarray) -> Index:
    found = np.unravel_index(int(np.argmax(np.nan_to_num(np.abs(array)))), array.shape)
    return tuple(int(i) for i in found)


def _edges(node: Node) -> list[Input]:
    try:
        return inputs_of(node)
    except (AttributeError, TypeError):
        return [Input(slot, f"input {slot}", slot) for slot in range(len(node.next_functions))]


def _missing(node: Node, slot: int) -> Input:
    if 0 <= slot < len(node.next_functions):
        return Input(slot, f"input {slot}", slot)
    raise SlotError(f"{node.name()} has no input {slot}; it has {len(node.next_functions)}.")


def _again(node: Node) -> tuple[Repetition | None, str]:
    try:
        return Repetition(node), ""
    except CannotRepeat as why:
        return None, str(why)


def _places(index: Index, own: tuple[int, ...], out: tuple[int, ...]) -> list[Index]:
    """The elements of the result that the element `index` of a broadcast input stands in."""
    lead = len(out) - len(own)
    ranges = [
        range(n) if i < lead or own[i - lead] == 1 != n else (index[i - lead],) for i, n in enumerate(out)
    ]
    found: list[Index] = [()]
    for each in ranges:
        found = [(*f, i) for f in found for i in each]
    return found


def _tidy(slope: float) -> float:
    """The slope with the noise of its finite difference rounded away."""
    return float(f"{slope:.8g}")


def _is_sum(text: str) -> bool:
    return " + " in text or " - " in text or text.startswith("-")


def _shapes_of(node: Node, again: Repetition | None, edge: Input) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    if edge.item >= 0 and again is not None:
        found[edge.name.partition("[")[0]] = tuple(np.shape(again.at(again.values, edge)))
    if again is not None:
        for name, value in zip(again.names, again.values):
            if isinstance(value, (np.ndarray, np.generic)):
                found[name] = tuple(value.shape)
    if node.op is not None:
        for name, meta in zip(node.op.inputs, getattr(node, "_inputs", ())):
            if meta is not None and not isinstance(meta[0], list):
                found.setdefault(name, tuple(meta[0]))
    return found


def _types_of(node: Node, edge: Input) -> tuple[str, str]:
    """(the input's type, the result's type), '' where they are not known."""
    for name, meta in zip(node.op.inputs if node.op is not None else (), getattr(node, "_inputs", ())):
        if name == edge.name and meta is not None and meta[1] is not None and node.np_dtype is not None:
            return np.dtype(meta[1]).name, np.dtype(node.np_dtype).name
    return "", ""
