"""A script of a few lines that makes a NaN or Inf again, from the inputs of the op that made it.

It runs under PyTorch and under `python -m engine`. Small inputs stand in it as numbers; larger ones are kept
beside it in inputs.pt. Of an op that goes element by element only the elements that went wrong are taken.
"""

from __future__ import annotations

import inspect
import io
import keyword
import os
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.autograd.node import Node
from engine.core import dtype as dt
from engine.ops.record import NAMESPACES, Pointwise
from engine.recorders.digest import dtype_name
from engine.recorders.structure import OVERWRITTEN
from engine.worker.explain.repetition import CannotRepeat, Input, Repetition, unseen
from engine.worker.explain.wording import shown_name

LITERAL_MAX = 32
"""A tensor with no more elements than these is written out."""
ELEMENTS_MAX = 4
"""So many elements that went wrong are taken from a larger tensor."""
SCRIPT, INPUTS = "reproduction.py", "inputs.pt"
Files = dict[str, bytes]

CALLS = {
    "_plus_number": "{self} + {other}",
    "_minus_number": "{self} - {other}",
    "_times_number": "{self} * {other}",
    "_over_number": "{self} / {other}",
    "div": "{self} / {other}",
    "div.mode": "torch.div({self}, {other}, rounding_mode={rounding_mode})",
    "pow.scalar": "{self} ** {exponent}",
    "pow.tensor": "{self} ** {exponent}",
    "clamp.scalar": "torch.clamp({self}, {min}, {max})",
    "clamp.tensor": "torch.clamp({self}, {min}, {max})",
    "where.three": "torch.where({condition}, {self}, {other})",
    "masked_fill.number": "{self}.masked_fill({mask}, {value})",
    "masked_fill.tensor": "{self}.masked_fill({mask}, {value})",
    "_softmax": "torch.softmax({self}, {dim})",
    "_safe_softmax": "torch.softmax({self}, {dim})",
    "_log_softmax": "torch.log_softmax({self}, {dim})",
    "std.correction": "torch.std({self}, dim={dim}, correction={correction}, keepdim={keepdim})",
    "var.correction": "torch.var({self}, dim={dim}, correction={correction}, keepdim={keepdim})",
    "linalg_vector_norm": "torch.linalg.vector_norm({self}, {ord}, {dim}, {keepdim})",
    "linalg_det": "torch.linalg.det({A})",
    "linalg_inv_ex": "torch.linalg.inv({A})",
    "max.all": "torch.max({self})",
    "min.all": "torch.min({self})",
    "max.dim": "torch.max({self}, {dim}, {keepdim})",
    "min.dim": "torch.min({self}, {dim}, {keepdim})",
    "median.all": "torch.median({self})",
    "median.dim": "torch.median({self}, {dim}, {keepdim})",
    "index": "{self}[tuple({indices})]",
    "view": "{self}.reshape({size})",
    "_to_copy": "{self}.to({dtype})",
    "polygamma.n": "torch.polygamma({n}, {self})",
}
"""How ops are called whose own name is not a public one."""
LOSSES = (0, "none"), (1, "mean"), (2, "sum")


@dataclass(slots=True)
class _Script:
    """A script under construction: lines, and the tensors that lie beside it."""

    title: str
    lines: list[str]
    kept: dict[str, Any]
    odd: bool = False
    functional: bool = False

    def files(self) -> Files:
        """The finished files."""
        head = [f'"""{self.title}"""', ""]
        if self.kept:
            head += ["from pathlib import Path", ""]
        head.append("import torch")
        if self.functional:
            head.append("import torch.nn.functional as F")
        head.append("")
        if self.odd:
            head.append('nan, inf = float("nan"), float("inf")')
        if self.kept:
            head.append(f'inputs = torch.load(Path(__file__).with_name("{INPUTS}"))')
        text = "\n".join([*head, *self.lines]) + "\n"
        found = {SCRIPT: text.encode()}
        if self.kept:
            found[INPUTS] = _saved(self.kept)
        return found

    def value(self, name: str, value: Any, *, wants_gradient: bool = False) -> str:
        """How this value is written."""
        if isinstance(value, (np.ndarray, np.generic)):
            return self._tensor(name, np.asarray(value), wants_gradient)
        if type(value) in (list, tuple) and any(isinstance(v, (np.ndarray, np.generic)) for v in value):
            inside = ", ".join(self.value(f"{name}_{i}", v) for i, v in enumerate(value))
            return f"[{inside}]"
        if isinstance(value, dt.dtype):
            return f"torch.{value.name}"
        if isinstance(value, np.dtype):
            return f"torch.{dtype_name(value)}"
        if isinstance(value, float):
            return self._number(value)
        if isinstance(value, (int, bool, str, type(None), list, tuple)):
            return repr(value)
        raise CannotRepeat(f"{name} cannot be written down.")

    def _tensor(self, name: str, array: np.ndarray, wants_gradient: bool) -> str:
        grad = ", requires_grad=True" if wants_gradient else ""
        if array.size > LITERAL_MAX or array.size == 0:
            self.kept[name] = array
            return f'inputs["{name}"]' + (".requires_grad_()" if wants_gradient else "")
        kind = dtype_name(array.dtype)
        usual = kind == "float32" or kind == "int64" or kind == "bool"
        return f"torch.tensor({self._nested(array)}{'' if usual else f', dtype=torch.{kind}'}{grad})"

    def _nested(self, array: np.ndarray) -> str:
        if array.ndim:
            return "[" + ", ".join(self._nested(part) for part in array) + "]"
        value: Any = array[()]
        if array.dtype.kind == "V":
            value = np.float32(value)
        if isinstance(value, np.floating):
            return self._number(float(value), str(value))
        return repr(value.item())

    def _number(self, value: float, text: str = "") -> str:
        if not np.isfinite(value):
            self.odd = True
        return text or repr(value)


def of_forward(cause: Any) -> Files:
    """The op of this cause's node on its inputs. Raises: LookupError where it cannot be written."""
    node = cause.maker
    try:
        again = Repetition(node)
        values = _few_elements(again, again.values, None)[0]
        script = _begin(cause)
        call = _arguments(script, node, again, values, ())
        script.lines += [f"result = {call}", "print(result)"]
        script.lines.append('print("finite:", bool(torch.isfinite(result).all()))')
        return script.files()
    except CannotRepeat as why:
        raise LookupError(str(why)) from None


def of_backward(cause: Any, grads: list[Any]) -> Files:
    """The op of this cause's node and its backward. Raises: LookupError where it cannot be written."""
    node = cause.maker
    try:
        again = Repetition(node)
        values, grads = _few_elements(again, again.values, grads)
        edges = [e for e in again.inputs if node.next_functions[e.slot][0] is not None]
        script = _begin(cause)
        call = _arguments(script, node, again, values, tuple(edges))
        nr = next(i for i, g in enumerate(grads) if g is not None)
        script.lines.append(f"result = {call}")
        result = "result" if node.outputs == 1 or len(grads) == 1 else f"result[{nr}]"
        given = script.value("gradient", grads[nr])
        script.lines.append(f"{result}.backward({given})  # the gradient that came in")
        for edge in edges:
            name = _variable(edge, again)
            script.lines.append(f'print("gradient of {name}:", {name}.grad)')
        return script.files()
    except CannotRepeat as why:
        raise LookupError(str(why)) from None


def of_operation(cause: Any, op: Any, bound: tuple) -> Files:
    """An op that is no node, on its inputs. Raises: LookupError where it cannot be written."""
    from engine.tensor import Tensor

    try:
        script = _begin(cause)
        values = [v._a if isinstance(v, Tensor) else v for v in bound]
        names = {}
        for name, value in zip(op.parameters, values):
            if isinstance(value, (np.ndarray, np.generic)):
                names[name] = _plain_name(name)
                script.lines.append(f"{names[name]} = {script.value(names[name], value)}")
            else:
                names[name] = script.value(name, value)
        call = _call(script, op, names, dict(zip(op.parameters, values)))
        script.lines += [f"result = {call}", "print(result)"]
        return script.files()
    except CannotRepeat as why:
        raise LookupError(str(why)) from None


def of_step(step: Any) -> Files:
    """One parameter's step of an optimizer. Raises: LookupError where it cannot be written."""
    if step.before is None or step.grad is None:
        raise LookupError("what the step began with is not known")
    kind = type(step.optimizer).__name__
    script = _Script(f"{kind} makes NaN or Inf of a parameter here.", [], {})
    try:
        script.lines.append(f"parameter = torch.nn.Parameter({script.value('parameter', step.before)})")
        script.lines.append(f"parameter.grad = {script.value('gradient', step.grad)}")
        options = ", ".join(
            f"{k}={script.value(k, v)}"
            for k, v in step.group.items()
            if k in step.optimizer.defaults and step.optimizer.defaults[k] != v or k == "lr"
        )
    except CannotRepeat as why:
        raise LookupError(str(why)) from None
    script.lines += [f"optimizer = torch.optim.{kind}([parameter], {options})", "optimizer.step()"]
    script.lines.append("print(parameter)")
    return script.files()


def _begin(cause: Any) -> _Script:
    where = f" As in {os.path.basename(cause.file)}, line {cause.line}." if cause.line else ""
    what = "in the forward" if cause.phase == "forward" else "in its backward"
    return _Script(f"{cause.name} makes NaN or Inf {what} here.{where}", [], {})


def _arguments(
    script: _Script, node: Node, again: Repetition, values: list[Any], edges: tuple[Input, ...]
) -> str:
    """Write the inputs as variables; the call."""
    wanted = {(e.place, e.item) for e in edges}
    names: dict[str, str] = {}
    for place, (name, value) in enumerate(zip(again.names, values)):
        if isinstance(value, (np.ndarray, np.generic)):
            names[name] = _plain_name(name)
            text = script.value(names[name], value, wants_gradient=(place, -1) in wanted)
            script.lines.append(f"{names[name]} = {text}")
        elif isinstance(value, list) and any(isinstance(v, (np.ndarray, np.generic)) for v in value):
            inside = []
            for item, part in enumerate(value):
                inside.append(f"{_plain_name(name)}_{item}")
                text = script.value(inside[-1], part, wants_gradient=(place, item) in wanted)
                script.lines.append(f"{inside[-1]} = {text}")
            names[name] = f"[{', '.join(inside)}]"
        else:
            names[name] = script.value(name, value)
    if not again.is_function:
        return _call(script, node.op, names, dict(zip(again.names, values)))
    cls = node._forward_cls  # type: ignore[attr-defined]
    try:
        source = textwrap.dedent(inspect.getsource(cls))
    except (OSError, TypeError):
        raise CannotRepeat(f"The source of {cls.__name__} is not at hand.") from None
    script.functional = "F." in source
    script.lines[:0] = ["", *source.rstrip().splitlines(), "", ""]
    return f"{cls.__name__}.apply({', '.join(names.values())})"


def _call(script: _Script, op: Any, names: dict[str, str], values: dict[str, Any]) -> str:
    """The op as one calls it. Raises: CannotRepeat for one that has no public name."""
    known = CALLS.get(op.name)
    if known is not None:
        return known.format(**names)
    base = op.name.partition(".")[0].removesuffix("_")
    args = dict(names)
    if "reduction" in args and isinstance(values["reduction"], int):
        args["reduction"] = repr(dict(LOSSES)[values["reduction"]])
    if _is_public("torch", base, op):
        where = "torch"
    elif _is_public("nn.functional", base, op) or _is_public("torch._nn", base, op):
        where, script.functional = "F", True
    elif _is_public("Tensor", base, op):
        first, *rest = _spelled(op, args, values)
        return f"{first}.{base}({', '.join(rest)})"
    else:
        raise CannotRepeat(f"{op.name} has no public name.")
    return f"{where}.{base}({', '.join(_spelled(op, args, values))})"


def _is_public(space: str, name: str, op: Any) -> bool:
    if name.startswith("_"):
        return False
    found = NAMESPACES.get(space, {}).get(name)
    return found is not None and (getattr(found, "op", None) is op or space != "Tensor")


def _spelled(op: Any, names: dict[str, str], values: dict[str, Any]) -> list[str]:
    """The arguments: those without a default by position, others by name where they differ from it."""
    found = []
    by_name = False
    for name, parameter in op.signature.parameters.items():
        default = parameter.default
        if default is inspect.Parameter.empty and not by_name:
            found.append(names[name])
        elif not _is_same(values[name], default):
            by_name = True
            found.append(f"{name}={names[name]}")
        else:
            by_name = True
    return found


def _is_same(value: Any, default: Any) -> bool:
    if isinstance(value, (np.ndarray, np.generic, list)):
        return False
    return type(value) is type(default) and bool(value == default)


def _variable(edge: Input, again: Repetition) -> str:
    name = _plain_name(again.names[edge.place])
    return name if edge.item < 0 else f"{name}_{edge.item}"


def _plain_name(name: str) -> str:
    """A variable's name for a parameter: x for self, y for other."""
    plain = shown_name(name).replace(" ", "_").replace(".", "_")
    return f"{plain}_" if keyword.iskeyword(plain) or plain in ("inputs", "result", "gradient") else plain


def _few_elements(
    again: Repetition, values: list[Any], grads: list[Any] | None
) -> tuple[list[Any], list[Any]]:
    """Of a large pointwise op only elements that go wrong, if they still do by themselves."""
    node = again.node
    given = grads or []
    arrays = [v for v in values if isinstance(v, (np.ndarray, np.generic))]
    if any(v is OVERWRITTEN for v in values):
        raise CannotRepeat("An input was overwritten in place.")
    if not isinstance(node.op, Pointwise) or all(a.size <= LITERAL_MAX for a in arrays):
        return values, given
    with unseen():
        out = again.outputs(values)[0]
        if grads is None:
            bad = ~np.isfinite(_plain(out))
        else:
            bad = np.zeros(out.shape, bool)
            for edge, grad in zip(again.inputs, again.own_gradients(grads)):
                if grad is not None and np.shape(grad) == out.shape:
                    bad |= ~np.isfinite(_plain(grad))
        places = np.flatnonzero(bad)[:ELEMENTS_MAX]
        if not len(places):
            return values, given
        few = [_taken(v, out.shape, places) for v in values]
        few_grads = [None if g is None else _taken(g, out.shape, places) for g in given]
        if grads is None and np.isfinite(_plain(again.outputs(few)[0])).all():
            return values, given
    return few, few_grads


def _taken(value: Any, shape: tuple[int, ...], places: np.ndarray) -> Any:
    if not isinstance(value, (np.ndarray, np.generic)) or value.ndim == 0:
        return value
    return np.broadcast_to(value, shape).reshape(-1)[places]


def _plain(array: Any) -> np.ndarray:
    a = np.asarray(array)
    return a.astype(np.float32) if a.dtype.kind == "V" else a


def _saved(kept: dict[str, Any]) -> bytes:
    from engine.serialization import save
    from engine.tensor import Tensor

    memory = io.BytesIO()
    save({k: Tensor._of(np.ascontiguousarray(v)) for k, v in kept.items()}, memory)
    return memory.getvalue()
