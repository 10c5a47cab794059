"""How arguments reach an op and results reach the caller: binding, second spellings, out=, in-place, named
tuples."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.autograd.node import SavedTensor
from engine.ops.written import check_castable, into  # noqa: F401 (record.py takes both from here)

SAME_AS = {"input": "self", "axis": "dim", "keepdims": "keepdim", "x": "self", "x1": "self", "x2": "other"}
"""Second spellings of parameters that PyTorch accepts."""


def binder(signature: inspect.Signature) -> Callable:
    """A compiled function with this signature that returns its arguments as a tuple, in order."""
    defaults: dict[str, Any] = {}
    parts: list[str] = []
    star = False
    for p in signature.parameters.values():
        if p.kind is p.VAR_POSITIONAL:
            parts.append("*" + p.name)
            star = True
            continue
        if p.kind is p.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        if p.default is p.empty:
            parts.append(p.name)
        else:
            defaults["_" + p.name] = p.default
            parts.append(f"{p.name}=_{p.name}")
    names = ", ".join(signature.parameters)
    bind = eval(f"lambda {', '.join(parts)}: ({names},)", defaults)
    many = next((p.name for p in signature.parameters.values() if p.kind is p.VAR_POSITIONAL), None)
    if many is None:
        return bind

    def binder(*args: Any, **kwargs: Any) -> tuple:
        if many in kwargs:  # x.permute(dims=(1, 0))
            args = (*args, kwargs.pop(many))
        return bind(*args, **kwargs)

    return binder


def positional(forward: Callable, signature: inspect.Signature) -> Callable:
    """`forward` with its keyword-only parameters made positional: the bound arguments come as one tuple."""
    kinds = [(p.name, p.kind) for p in signature.parameters.values()]
    if all(kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for _, kind in kinds):
        return forward
    how = {inspect.Parameter.VAR_POSITIONAL: "*{0}", inspect.Parameter.KEYWORD_ONLY: "{0}={0}"}
    passed = ", ".join(how.get(kind, "{0}").format(name) for name, kind in kinds)
    return eval(f"lambda {', '.join(n for n, _ in kinds)}: "
                f"forward({passed})", {"forward": forward})


def respelled(kwargs: dict, parameters: tuple[str, ...]) -> dict:
    """kwargs with PyTorch's second spellings (input, axis, keepdims) put into the op's own."""
    for k in kwargs:
        if k not in parameters and k in SAME_AS and SAME_AS[k] in parameters:
            return {SAME_AS[k] if k not in parameters and SAME_AS.get(k) in parameters else k: v
                    for k, v in kwargs.items()}
        if k not in parameters and k == "self" and "input" in parameters:
            return {"input" if k == "self" else k: v for k, v in kwargs.items()}
    return kwargs


def checked(bind: Callable, op: Any, args: tuple, kwargs: dict) -> tuple:
    """Bound arguments.

    Raises: TypeError in PyTorch's words."""
    try:
        return bind(*args, **kwargs)
    except TypeError as e:
        raise argument_error(op, e) from None


def argument_error(op: Any, e: TypeError) -> TypeError:
    """PyTorch's way to say that arguments do not fit."""
    said = str(e).replace("<lambda>", op.name)
    return TypeError(said)


def in_place(op: Any, bound: tuple) -> Any:
    """Run `op` on bound and put the result into its first argument, with its history."""
    target = bound[0]
    target._check_in_place()
    a = target._a
    if not a.flags.c_contiguous and any(s == 0 and n > 1 for s, n in zip(a.strides, a.shape)):
        raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to "
                           "a single "
                           "memory location. Please clone() the tensor before performing the operation.")
    recording = modes.grad_enabled and bool(op.grads) and True in op.needs(bound)
    if recording and op.inputs and op.inputs[0] in op.to_save(op.needs(bound)):
        # The formula needs the value from before the change.
        kept = nodes.Tensor._of(np.array(target._a))
        kept._rg, kept._fn, kept._nr, kept._view = target._rg, target._fn, target._nr, target._view
        kept._accumulator = target._accumulator
        if target._rg and target._fn is None and target._view is None:
            kept._rg = False
    else:
        kept = None
    result = op.compute(bound)
    if type(result) is tuple:
        result = result[0]
    check_castable(result, target._a)
    if result.shape != target._a.shape:
        raise RuntimeError(f"output with shape {list(target._a.shape)} doesn't match the broadcast shape "
                           f"{list(result.shape)}")
    if not recording:
        target._array()[...] = result
        target._bump()
        if modes.observer is not None:
            modes.observer.op_ran(op, bound, target)
        return target
    shown = nodes.Tensor._of(result)
    node = op.record(bound, shown, op.inplace_node_type)
    if node is None:
        target._array()[...] = result
        target._bump()
        return target
    if kept is not None:
        for name, v in node.saved.items():
            if type(v) is SavedTensor and v.tensor is target:
                node.saved[name] = SavedTensor(kept)
    target._array()[...] = result
    target._bump()
    for name, v in list(node.saved.items()):
        if type(v) is SavedTensor and v.output >= 0 and v.tensor is not None:
            node.saved[name] = SavedTensor(target, v.output)
    target._rebase(node)
    if modes.observer is not None:
        modes.observer.op_ran(op, bound, target)
    return target


RETURN_TYPES: dict[str, type] = {}
"""The classes of results with named parts, by name: torch.return_types."""


def named_tuple(name: str, fields: tuple[str, ...]) -> Callable:
    """torch.return_types.NAME: a named tuple that prints like PyTorch's."""

    def __repr__(self: Any) -> str:
        inside = ",\n".join(f"{k}={v!r}" for k, v in zip(fields, self))
        return f"torch.return_types.{name}(\n{inside})"

    def __new__(cls: type, values: Any) -> Any:
        return tuple.__new__(cls, values)

    body = {"__repr__": __repr__, "__new__": __new__, "__module__": "torch.return_types", "_fields": fields,
            "n_fields": len(fields), "__slots__": ()}
    for i, k in enumerate(fields):
        body[k] = property(lambda self, i=i: tuple.__getitem__(self, i))  # type: ignore[misc]
    made = RETURN_TYPES[name] = type(name, (tuple,), body)
    return made


def dressed(function: Callable, op: Any) -> Callable:
    """`function` under the op's name, with its text and signature."""
    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = op.text or op.name
    function.__signature__ = op.signature  # type: ignore[attr-defined]
    function.op = op  # type: ignore[attr-defined]
    return function
