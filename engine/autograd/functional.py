"""Jacobians, Hessians and their products with vectors, of functions of tensors.

Source: https://pytorch.org/docs/stable/autograd.html#functional-higher-level-api
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.autograd.backward import grad


def _as_tuple(given: Any, name: str, by: str) -> tuple[bool, tuple]:
    if isinstance(given, nodes.Tensor):
        return False, (given,)
    if not isinstance(given, (tuple, list)):
        raise TypeError(f"The {name} given to {by} must be either a Tensor or a tuple of Tensors but the "
                        f"given {name} has "
                        f"type {type(given)}.")
    for i, t in enumerate(given):
        if not isinstance(t, nodes.Tensor):
            raise TypeError(f"The {name} given to {by} must be either a Tensor or a tuple of Tensors but the "
                            "value at index "
                            f"{i} of the given {name} has type {type(t)}.")
    return True, tuple(given)


def _prepared(inputs: tuple, create_graph: bool) -> tuple:
    """Inputs to differentiate by: views of the given ones where the graph must go on, else fresh leaves."""
    return tuple(t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_()
                 for t in inputs)


def _finished(ts: tuple, create_graph: bool) -> tuple:
    return ts if create_graph else tuple(t.detach() for t in ts)


def _zero_like(t: Any) -> Any:
    return t.new_zeros(t.shape)


def _grads(outputs: tuple, inputs: tuple, by: tuple | None, create_graph: bool,
           strict: bool = False) -> tuple:
    live = [(o, b) for o, b in zip(outputs, by or (None,) * len(outputs)) if o.requires_grad]
    if not live:
        if strict:
            raise RuntimeError("Output 0 of the user-provided function does not require gradients. The "
                               "outputs must be "
                               "computed in a differentiable manner from the input when running in strict "
                               "mode.")
        return tuple(_zero_like(i) for i in inputs)
    found = grad([o for o, _ in live], inputs, [b for _, b in live] if by else None,
                 create_graph=create_graph,
                 retain_graph=True, allow_unused=True)
    if strict and any(g is None for g in found):
        at = next(i for i, g in enumerate(found) if g is None)
        raise RuntimeError(f"Output 0 of the user-provided function is independent of input {at}. This is "
                           "not allowed in "
                           "strict mode.")
    return tuple(_zero_like(i) if g is None else g for i, g in zip(inputs, found))


def _checked_vector(v: Any, like: tuple, many: bool, what: str, by: str) -> tuple:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"The vector v can only be None if {what} is a single-element Tensor"
                               if what != "input" else
                               "The vector v can only be None if the input to the user-provided function is "
                               "a single "
                               "Tensor with a single element.")
        return (like[0].new_ones(like[0].shape),)
    _, vs = _as_tuple(v, "v", by)
    if len(vs) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vs)}.")
    for i, (a, b) in enumerate(zip(vs, like)):
        if a.shape != b.shape:
            prepend = f"Entry {i} in " if len(like) > 1 else ""
            raise RuntimeError(f"{prepend}v has invalid size: should be {b.shape} but got {a.shape}.")
    return vs


def vjp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple:
    """(outputs, the product of a vector with the Jacobian)."""
    with modes.enable_grad():
        many_in, ins = _as_tuple(inputs, "inputs", "vjp")
        ins = _prepared(ins, create_graph)
        many_out, outs = _as_tuple(func(*ins), "outputs of the user-provided function", "vjp")
        vs = _checked_vector(v, outs, many_out, "the output of the user-provided function", "vjp")
        found = _finished(_grads(outs, ins, vs, create_graph, strict), create_graph)
        outs = _finished(outs, create_graph)
    return outs if many_out else outs[0], found if many_in else found[0]


def _jvp(ins: tuple, outs: tuple, vs: tuple, create_graph: bool, strict: bool = False) -> tuple:
    """The product of the Jacobian with a vector, by differentiating the vector-Jacobian product by its
    vector."""
    dummies = tuple(_zero_like(o).requires_grad_() for o in outs)
    back = _grads(outs, ins, dummies, True, strict)
    return _grads(back, dummies, vs, create_graph)


def jvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple:
    """(outputs, the product of the Jacobian with a vector)."""
    with modes.enable_grad():
        _, ins = _as_tuple(inputs, "inputs", "jvp")
        ins = _prepared(ins, create_graph)
        vs = _checked_vector(v, ins, True, "input", "jvp")
        many_out, outs = _as_tuple(func(*ins), "outputs of the user-provided function", "jvp")
        found = _finished(_jvp(ins, outs, vs, create_graph, strict), create_graph)
        outs = _finished(outs, create_graph)
    return (outs, found) if many_out else (outs[0], found[0])


def jacobian(func: Callable, inputs: Any, create_graph: bool = False, strict: bool = False,
             vectorize: bool = False,
             strategy: str = "reverse-mode") -> Any:
    """The Jacobian: for each output and input a tensor of both shapes together."""
    from engine import stack

    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your '
                             'function has '
                             'more outputs than inputs, "forward-mode" tends to be more performant. '
                             'Otherwise, prefer to '
                             'use "reverse-mode".')
    with modes.enable_grad():
        many_in, ins = _as_tuple(inputs, "inputs", "jacobian")
        ins = _prepared(ins, create_graph)
        many_out, outs = _as_tuple(func(*ins), "outputs of the user-provided function", "jacobian")
        table = []
        for o in outs:
            rows = [_grads((e,), ins, None, create_graph, strict) for e in o.reshape(-1)]
            table.append(tuple(
                (stack([r[k] for r in rows]) if rows
                 else i.new_zeros((0, *i.shape))).view((*o.shape, *i.shape))
                for k, i in enumerate(ins)))
        table = [_finished(t, create_graph) for t in table]
    if many_in:
        return tuple(table) if many_out else table[0]
    return tuple(t[0] for t in table) if many_out else table[0][0]


def _one_number(outs: Any, by: str) -> Any:
    many, out = _as_tuple(outs, "outputs of the user-provided function", by)
    if many or out[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {by} should contain a single "
                           "element" if not many
                           else f"The function given to {by} should return a single Tensor")
    if out[0].dim():
        return out[0].squeeze()
    return out[0]


def hessian(func: Callable, inputs: Any, create_graph: bool = False, strict: bool = False,
            vectorize: bool = False,
            outer_jacobian_strategy: str = "reverse-mode") -> Any:
    """The Hessian of a function with one number as output."""
    many_in, ins = _as_tuple(inputs, "inputs", "hessian")

    def gradient(*xs: Any) -> Any:
        out = _one_number(func(*xs), "hessian")
        found = _grads((out,), xs, None, True, strict)
        return found

    with modes.enable_grad():
        found = jacobian(gradient, ins, create_graph=create_graph, strict=strict)
    return found if many_in else found[0][0]


def vhp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple:
    """(output, the product of a vector with the Hessian)."""
    with modes.enable_grad():
        many_in, ins = _as_tuple(inputs, "inputs", "vhp")
        ins = _prepared(ins, create_graph)
        vs = _checked_vector(v, ins, many_in, "input", "vhp")
        out = _one_number(func(*ins), "vhp")
        first = _grads((out,), ins, None, True, strict)
        found = _finished(_grads(first, ins, vs, create_graph, strict), create_graph)
        out, = _finished((out,), create_graph)
    return out, found if many_in else found[0]


def hvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple:
    """(output, the product of the Hessian with a vector)."""
    with modes.enable_grad():
        many_in, ins = _as_tuple(inputs, "inputs", "hvp")
        ins = _prepared(ins, create_graph)
        vs = _checked_vector(v, ins, many_in, "input", "hvp")
        out = _one_number(func(*ins), "hvp")
        first = _grads((out,), ins, None, True, strict)
        found = _finished(_jvp(ins, first, vs, create_graph), create_graph)
        out, = _finished((out,), create_graph)
    return out, found if many_in else found[0]
