"""The chain rule of a node in words: for each gradient that goes out its formula, shapes, and why. No Qt."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from app.look.formula import formula_words
from app.look.number import shape_text
from app.session.graph import Edge, Graph, Node
from app.session.op_formula import as_called, gradient_formula
from app.session.session import NodeInfo
from engine.protocol.event import OpEntry, RuleTold

_MATRIX = frozenset({"mm", "addmm", "matmul", "bmm", "linear", "addmv", "mv", "baddbmm", "addbmm"})
_TURNED = frozenset({"t", "transpose", "permute", "mT", "T"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One gradient that goes out: LaTeX ('' where none is known), the algebra of shapes, and why.

    What the engine tells where one stands: numbers (LaTeX), lines of (LaTeX, words) in place of shapes and
    words, and a sentence."""

    latex: str
    shapes: str
    words: str
    slot: int = -1
    numbers: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    sentence: str = ""


def told(rule: Rule, answer: RuleTold, node: Node | None = None) -> Rule:
    """The rule with what the engine told of it at this moment."""
    lines = tuple((latex, words) for latex, words in answer.shapes)
    formula = as_called(answer.formula, node)
    if r"\sum" in rule.latex and r"\sum" not in formula:
        formula = ""  # the record's formula is of one element; the card's has the sum over the copies, too
    return replace(
        rule,
        latex=formula or rule.latex,
        numbers=answer.numbers,
        lines=lines,
        sentence=answer.sentence,
    )


def symbol(name: str) -> str:
    """An input's name as LaTeX: 'self' is x, short names are letters, others upright words."""
    letters = {
        "self": "x",
        "input": "x",
        "weight": "W",
        "bias": "b",
        "other": "z",
        "target": "t",
        "mat1": "A",
        "mat2": "B",
    }
    if name in letters:
        return letters[name]
    if len(name) == 1:
        return name
    return r"\mathrm{" + name.replace("_", r"\_") + "}"


def input_name(op: OpEntry | None, slot: int) -> str:
    """The name of the op's input whose gradient leaves through this slot."""
    if op is None:
        return ""
    names = list(op.gradients) or list(op.inputs)
    if slot < len(names):
        return names[slot]
    return op.inputs[slot] if slot < len(op.inputs) else ""


def broken(latex: str, room: int = 42) -> list[str]:
    """A row of equals as several lines, each of about so many letters; what has no equals stays whole."""
    lines: list[str] = []
    for part in latex.split(" = "):
        text = f"= {part}" if lines else part
        if lines and len(formula_words(f"{lines[-1]} {text}")) <= room:
            lines[-1] = f"{lines[-1]} {text}"
        else:
            lines.append(text)
    return lines


def legend(rules: list[Rule]) -> str:
    """What g stands for, where a formula has it."""
    said = any(
        re.search(r"(?<![A-Za-z\\])[gG](?![A-Za-z])", re.sub(r"\\(text|mathrm)\{[^}]*\}", "", r.latex))
        for r in rules
    )
    return "g is the gradient that came in, ∂L/∂y" if said else ""


def rules_of(info: NodeInfo, graph: Graph) -> list[Rule]:
    """A rule for each slot through which a gradient leaves the node."""
    if info.node.kind == "leaf":
        return [
            Rule(
                r"w.\mathrm{grad} \leftarrow w.\mathrm{grad} + \frac{\partial L}{\partial w}",
                shape_text(info.node.shape),
                "A leaf keeps the sum of all gradients that reach it, until zero_grad() clears it.",
                slot=0,
            )
        ]
    if info.node.kind == "input":
        return []
    rules = []
    for edge in info.inputs:
        if graph.nodes[edge.source].kind == "input":
            continue
        name = input_name(info.op, edge.slot)
        latex = gradient_formula(info.op, name, info.node) if info.op is not None else ""
        if latex and "=" not in latex:
            latex = rf"\partial L/\partial {symbol(name)} = {latex}"
        shapes, words = algebra(info.node, edge, info.inputs, info.op)
        if latex and "sum over" in shapes and r"\sum" not in latex:
            left, _, right = latex.partition("=")
            latex = rf"{left.strip()} = \textstyle\sum_{{\mathrm{{batch}}}} {right.strip()}"
        rules.append(Rule(latex, shapes, words, edge.slot))
    return rules


def algebra(node: Node, edge: Edge, inputs: list[Edge], op: OpEntry | None) -> tuple[str, str]:
    """The shapes of one outgoing gradient, and why they are so."""
    to, of = tuple(edge.shape), tuple(node.shape)
    text = shape_text(to)
    name = op.name if op is not None else node.op
    if name in _MATRIX and len(to) >= 2 and len(of) >= 2:
        return _matrix(to, of, inputs, edge)
    if name.lower().rstrip("_") in {t.lower() for t in _TURNED} and len(to) == len(of):
        return f"{text}  =  ({shape_text(of)})ᵀ", "the same numbers, turned back"
    if to == of:
        return (text, "element by element") if to else ("scalar", "one number times one number")
    if math.prod(to) == math.prod(of):
        return f"{text}  ←  {shape_text(of)}", "the same numbers, in the shape they came in"
    if math.prod(to) < math.prod(of) and _spreads(to, of):
        return _gathered(to, of)
    if not of or math.prod(of) == 1:
        return f"{text}  ←  scalar", f"one number reaches each of the {math.prod(to)} elements"
    return f"{text}  ←  {shape_text(of)}", ""


def _spreads(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    padded = (1,) * (len(large) - len(small)) + small
    return len(small) <= len(large) and all(a in (1, b) for a, b in zip(padded, large, strict=True))


def _gathered(to: tuple[int, ...], of: tuple[int, ...]) -> tuple[str, str]:
    padded = (1,) * (len(of) - len(to)) + to
    summed = [b for a, b in zip(padded, of, strict=True) if a != b]
    rows = (
        f"the {summed[0]} rows"
        if len(of) == 2 and padded[0] == 1 and of[0] == summed[0]
        else ("dimensions of " + " and ".join(str(n) for n in summed))
    )
    return (
        f"{shape_text(to)}  =  sum over {rows}",
        "it was spread over them in forward, so its gradients are gathered",
    )


def _matrix(to: tuple[int, ...], of: tuple[int, ...], inputs: list[Edge], edge: Edge) -> tuple[str, str]:
    rows, columns = of[-2], of[-1]
    if to[-2] == rows and to[-1] != columns:
        return (
            f"{shape_text(to)}  =  {shape_text(of)} · {columns}×{to[-1]}",
            "each input's share in every output, weighted by that output's error",
        )
    if to[-1] == columns and to[-2] != rows:
        return (
            f"{shape_text(to)}  =  ({rows}×{to[-2]})ᵀ · {shape_text(of)}",
            f"each output's error times the input that fed it, summed over the batch of {rows}",
        )
    first = [e.slot for e in inputs if len(e.shape) >= 2]
    if first and edge.slot == max(first):
        return (
            f"{shape_text(to)}  =  ({rows}×{to[-2]})ᵀ · {shape_text(of)}",
            f"each output's error times the input that fed it, summed over the batch of {rows}",
        )
    return (
        f"{shape_text(to)}  =  {shape_text(of)} · {columns}×{to[-1]}",
        "each input's share in every output, weighted by that output's error",
    )
