"""Why a tensor has no path to the loss: the lines at which its history was left behind."""

from __future__ import annotations

from engine.autograd import node as nodes
from engine.autograd.node import AccumulateGrad
from engine.protocol.event import ReasonPart
from engine.recorders.digest import dtype_name
from engine.recorders.name import variables
from engine.recorders.origin import Cut, cuts_after, origin_of, plain_inputs
from engine.recorders.structure import made, walk_from
from engine.recorders.walk import BackwardWalk
from engine.worker.explain import Place
from engine.worker.explain.subject import Subject, at_line

_DEEDS = {
    "detach": "{op}(){where} gives the value without its history",
    "data": ".data{where} gives the value without its history",
    "no_grad": "{op}{where} ran under no_grad{entered}: no graph is recorded there",
    "inference": "{op}{where} ran in inference mode{entered}: no graph is recorded there",
    "not differentiable": "{op}{where} is not differentiable: its result is made of steps or positions",
    "integer": "{op}{where} makes integers, which have no gradient",
    "copied": "{op}(...){where} copies the numbers into a new leaf, without their history",
    "number": "{op}(){where} reads it as a plain Python number, which has no history",
    "numpy": "{op}(){where} reads it as a NumPy array, which has no history",
}
_ADVICE = {
    "detach": "Take detach() out if the gradient is meant to flow here.",
    "data": "Use the tensor itself instead of .data.",
    "no_grad": "Move this line out of the no_grad block if it is part of what is trained.",
    "inference": "Move this line out of inference mode if it is part of what is trained.",
    "not differentiable": "Use a smooth form: softmax for argmax, sigmoid for a comparison.",
    "integer": "Keep the value in floating point up to the loss.",
    "copied": "Use the tensor itself, or torch.stack for a list of tensors.",
    "number": "Keep computing with the tensor; read numbers only to print them.",
    "numpy": "Keep computing with torch; NumPy keeps no graph.",
}


def reason_of_cut(cut: Cut, before: str, place: Place, node: int = -1) -> ReasonPart:
    """The reason in words. before: how the sentence begins ('The path from w to the loss ends here')."""
    entered = f" (entered{at_line(cut.file, cut.entered, place)})" if cut.entered else ""
    where = at_line(cut.file, cut.line, place)
    op = "a cast" if cut.op == "_to_copy" else cut.op
    deed = _DEEDS[cut.kind].format(op=op, where=where, entered=entered)
    return ReasonPart(cut.kind, f"{before}: {deed}.", cut.file, cut.line, node, advice=_ADVICE[cut.kind])


def reasons_without_grad(subject: Subject, place: Place) -> list[ReasonPart]:
    """Why a tensor does not require a gradient."""
    array, origin = subject.array, subject.origin
    file, line = ("", 0) if origin is None else (origin.file, origin.line)
    found: list[ReasonPart] = []
    if origin is not None:
        found += [reason_of_cut(c, "Its history is cut", place, subject.number) for c in origin.cuts]
    if array is not None and array.dtype.kind not in "fcV":
        if not found:
            text = f"It holds {dtype_name(array.dtype)}{at_line(file, line, place)}: only floating point and "
            text += "complex tensors can have a gradient."
            advice = "Make it of floats: write 1.0 instead of 1, or give dtype=torch.float32."
            found.append(ReasonPart("integer", text, file, line, subject.number, advice=advice))
    elif subject.is_param or subject.tensor is not None and subject.tensor._is_param:
        text = "This parameter is frozen: its requires_grad is False."
        advice = "Call requires_grad_(True) on it if it is meant to be trained."
        found.append(ReasonPart("frozen", text, file, line, subject.number, advice=advice))
    elif not found:
        text = f"Its requires_grad is False: it was made{at_line(file, line, place)} as plain data."
        advice = "Make it with requires_grad=True, or call requires_grad_() before it is used."
        found.append(ReasonPart("requires_grad False", text, file, line, subject.number, advice=advice))
    return found


def reasons_without_path(subject: Subject, walk: BackwardWalk, place: Place) -> list[ReasonPart]:
    """Why a tensor that requires a gradient is not in this backward's graph."""
    found: list[ReasonPart] = []
    for node in walk.structure.nodes:
        if isinstance(node, AccumulateGrad):
            origins = [(origin_of(node.variable), walk.structure.index[node])]
        else:
            origins = [(p.origin, _input_number(walk, p.array)) for p in plain_inputs(node)]
        for origin, number in origins:
            if origin is None:
                continue
            for cut in origin.cuts:
                if _is_before(subject, cut) and all((r.kind, r.line) != (cut.kind, cut.line) for r in found):
                    words = f"The path from {subject.name} to the loss is cut"
                    found.append(reason_of_cut(cut, words, place, number))
    if found:
        return found
    elsewhere = [
        cut
        for cut in place.recorder.origins.sites.values()
        if cut.kind not in ("number", "numpy") and _is_before(subject, cut)
    ]
    text = f"No op of this loss's graph uses {subject.name}"
    leads = _leads_to(subject, place)
    if leads:
        text += f"; it leads to {leads}, and the loss does not use that"
    elif subject.tensor is not None and subject.tensor._is_param:
        text += ": its module did not take part in this forward, or its result was not used"
    advice = "See that what is computed from it goes into the loss."
    found.append(ReasonPart("not used", f"{text}.", advice=advice))
    cell = None if subject.tensor is None else subject.tensor._cell
    if cell is not None and len(cell) > 2 and not subject.tensor.is_leaf:
        _, op, file, line = cell[2][-1]
        text = f"It was changed in place by {op}{at_line(file, line, place)}; the loss may use it as before."
        advice = "See the versions of its memory."
        found.append(ReasonPart("changed in place", text, file, line, advice=advice))
    for cut in elsewhere[-3:]:
        found.append(reason_of_cut(cut, "What was computed from it went on without history elsewhere", place))
    return found


def _leads_to(subject: Subject, place: Place) -> str:
    """The names of the script's variables that are computed from it: 'aux', or 'h and aux'."""
    node = subject.node
    found: list[str] = []
    for name, value in variables(place.frame):
        if node is None or len(found) == 2:
            break
        if not isinstance(value, nodes.Tensor) or value._fn is None or value is subject.tensor:
            continue
        if not name.startswith("_") and name not in found and node in walk_from([value._fn])[1]:
            found.append(name)
    return " and ".join(found)


def _is_before(subject: Subject, cut: Cut) -> bool:
    """Whether the subject's path led to this cut."""
    node = subject.node
    if node is None or isinstance(node, AccumulateGrad):
        return subject.tensor is not None and cut.is_after(subject.tensor)
    if cut in cuts_after(node):
        return True
    # The nodes between may be gone; then the leaves before it tell: all of them lie before the cut.
    inside, _ = walk_from([node])
    leaves = [n.variable for n in inside if isinstance(n, AccumulateGrad)]
    line = made(node).line
    return bool(leaves) and cut.line >= line > 0 and all(cut.is_after(leaf) for leaf in leaves)


def _input_number(walk: BackwardWalk, array: object) -> int:
    for place, known in enumerate(walk.structure.inputs):
        if known is array:
            return len(walk.structure.nodes) + place
    return -1
