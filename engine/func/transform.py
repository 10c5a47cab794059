"""Derivatives of functions, as functions: grad, vjp, jvp, jacrev, jacfwd, hessian."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from engine.autograd import modes
from engine.autograd.backward import grad as reverse
from engine.autograd.node import AccumulateGrad
from engine.func.tree import leaves, mapped, rebuilt
from engine.ops.formula import OPS
from engine.tensor import Tensor


def _entered(tree: Any) -> tuple[Any, list]:
    """The structure with every tensor made an entry into the graph, and these tensors."""
    entries: list = []

    def enter(t: Any) -> Any:
        if not isinstance(t, Tensor):
            return t
        t = OPS["view_as"](t, t) if t.requires_grad else t.detach().requires_grad_()
        entries.append(t)
        return t

    return mapped(enter, tree), entries


def _left(tree: Any, entries: list) -> Any:
    """The structure with tensors cut off, where nothing outside the transform can be reached through their
    graph."""
    own = {id(e) for e in entries if e._fn is None}
    return mapped(lambda t: t.detach() if isinstance(t, Tensor) and t.requires_grad
                  and not _reaches_out(t, own) else t, tree)


def _reaches_out(t: Any, own: set) -> bool:
    if t._fn is None:
        return id(t) not in own
    seen, stack = {t.grad_fn}, [t.grad_fn]
    while stack:
        node = stack.pop()
        if isinstance(node, AccumulateGrad) and id(node.variable) not in own:
            return True
        for fn, _ in node.next_functions:
            if fn is not None and fn not in seen:
                seen.add(fn)
                stack.append(fn)
    return False


def _grads(outputs: list, entries: list, by: list | None = None) -> list:
    live = [(o, None if by is None else b) for o, b in zip(outputs, by or outputs) if o.requires_grad]
    if not live or not entries:
        return [e.new_zeros(e.shape) for e in entries]
    found = reverse([o for o, _ in live], entries, [b for _, b in live], create_graph=True, allow_unused=True)
    return [e.new_zeros(e.shape) if g is None else g for e, g in zip(entries, found)]


def _chosen(args: tuple, argnums: int | tuple) -> Any:
    n = len(args)
    for i in (argnums,) if isinstance(argnums, int) else argnums:
        if not -n <= i < n:
            raise RuntimeError(f"Got argnum={i}, but only {n} positional inputs")
    return args[argnums] if isinstance(argnums, int) else tuple(args[i] for i in argnums)


def _with(args: tuple, argnums: int | tuple, chosen: Any) -> tuple:
    out = list(args)
    if isinstance(argnums, int):
        out[argnums] = chosen
    else:
        for i, c in zip(argnums, chosen):
            out[i] = c
    return tuple(out)


def grad_and_value(func: Callable, argnums: int | tuple = 0, has_aux: bool = False) -> Callable:
    """A function that gives func's gradient and its value."""

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with modes.enable_grad():
            chosen, entries = _entered(_chosen(args, argnums))
            out = func(*_with(args, argnums, chosen), **kwargs)
            aux = None
            if has_aux:
                if not (isinstance(out, tuple) and len(out) == 2):
                    raise RuntimeError("grad_and_value(f)(*args): output of function f should be a tuple: "
                                       "(output, aux) if "
                                       "has_aux is True")
                out, aux = out
            if not isinstance(out, Tensor):
                raise RuntimeError("grad_and_value(f)(*args): Expected f(*args) to return tensor, got "
                                   f"{type(out)}")
            if out.dim() != 0:
                raise RuntimeError("grad_and_value(f)(*args): Expected f(*args) to return a scalar tensor, "
                                   "got tensor with "
                                   f"{out.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs "
                                   "instead?")
            found = rebuilt(chosen, iter(_paired(chosen, _grads([out], entries))))
            found, out, aux = _left(found, entries), _left(out, entries), _left(aux, entries)
        return (found, (out, aux)) if has_aux else (found, out)

    return wrapper


def _paired(tree: Any, grads: list) -> list:
    """Gradients for the tensors of a structure, None for what is no tensor."""
    given = iter(grads)
    return [next(given) if isinstance(t, Tensor) else None for t in leaves(tree)]


def grad(func: Callable, argnums: int | tuple = 0, has_aux: bool = False) -> Callable:
    """A function that gives func's gradient."""
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return wrapper


def vjp(func: Callable, *primals: Any, has_aux: bool = False) -> Any:
    """(func's value, a function that multiplies a vector with its Jacobian)."""
    with modes.enable_grad():
        chosen, entries = _entered(primals)
        out = func(*chosen)
        aux = None
        if has_aux:
            out, aux = out

        def pull(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
            outs, by = leaves(out), leaves(cotangents)
            if len(outs) != len(by):
                raise RuntimeError("Expected pytree structure of cotangents to be the same as pytree "
                                   "structure of outputs to "
                                   "the function.")
            with modes.enable_grad():
                found = rebuilt(chosen, iter(_paired(chosen, _grads(outs, entries, by))))
                found = _left(found, entries)
            return found

    result = _left(out, entries)
    return (result, pull, _left(aux, entries)) if has_aux else (result, pull)


def _pushed(outs: list, entries: list, tangents: list) -> list:
    """The Jacobian times a vector: the vector-Jacobian product differentiated by its vector."""
    weights = [o.detach().new_zeros(o.shape).requires_grad_() for o in outs]
    back = _grads(outs, entries, weights)
    live = [(b, t) for b, t in zip(back, tangents) if b.requires_grad]
    if not live:
        return [o.new_zeros(o.shape) for o in outs]
    found = reverse([b for b, _ in live], weights, [t for _, t in live], create_graph=True, allow_unused=True)
    return [o.new_zeros(o.shape) if g is None else g for o, g in zip(outs, found)]


def jvp(func: Callable, primals: tuple, tangents: tuple, *, strict: bool = False,
        has_aux: bool = False) -> Any:
    """(func's value, its Jacobian times a vector)."""
    if not isinstance(primals, tuple):
        raise RuntimeError("jvp(f, primals, tangents): Expected primals to be a tuple. E.g. it should be "
                           "valid to call "
                           "f(*primals).")
    if len(leaves(primals)) != len(leaves(tangents)):
        raise RuntimeError("jvp(f, primals, tangents): Expected primals and tangents to have the same python "
                           "structure. For "
                           "example, if primals is a tuple of 3 tensors, tangents also must be. Got primals "
                           "with structure "
                           f"{type(primals)} and tangents with structure {type(tangents)}")
    with modes.enable_grad():
        chosen, entries = _entered(primals)
        out = func(*chosen)
        aux = None
        if has_aux:
            out, aux = out
        outs = leaves(out)
        found = rebuilt(out,
                        iter(_pushed(outs, entries, [t for t in leaves(tangents) if isinstance(t, Tensor)])))
        found, out, aux = _left(found, entries), _left(out, entries), _left(aux, entries)
    return (out, found, aux) if has_aux else (out, found)


def linearize(func: Callable, *primals: Any) -> tuple:
    """(func's value, a function that multiplies its Jacobian with a vector)."""
    with modes.enable_grad():
        chosen, entries = _entered(primals)
        out = func(*chosen)

    def push(*tangents: Any) -> Any:
        with modes.enable_grad():
            found = _pushed(leaves(out), entries, leaves(tangents))
            return _left(rebuilt(out, iter(found)), entries)

    return _left(out, entries), push


def _jacobian(func: Callable, argnums: int | tuple, has_aux: bool, forward: bool) -> Callable:
    from engine import stack

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with modes.enable_grad():
            chosen, entries = _entered(_chosen(args, argnums))
            out = func(*_with(args, argnums, chosen), **kwargs)
            aux = None
            if has_aux:
                out, aux = out
            outs = leaves(out)
            table = _columns(outs, entries, stack) if forward else _rows(outs, entries, stack)
            found = rebuilt(out, iter([rebuilt(chosen, iter(_paired(chosen, row))) for row in table]))
            found, aux = _left(found, entries), _left(aux, entries)
        return (found, aux) if has_aux else found

    return wrapper


def _rows(outs: list, entries: list, stack: Callable) -> list:
    """For each output and entry the Jacobian, one walk for each element of the output."""
    table = []
    for o in outs:
        rows = [_grads([e], entries) for e in o.reshape(-1)]
        table.append([stack([r[k] for r in rows]).view((*o.shape, *e.shape)) if rows
                      else e.new_zeros((*o.shape, *e.shape)) for k, e in enumerate(entries)])
    return table


def _columns(outs: list, entries: list, stack: Callable) -> list:
    """The same by directions: one product for each element of the entries."""
    table: list[list] = [[] for _ in outs]
    for k, e in enumerate(entries):
        columns = []
        for i in range(e.numel()):
            tangents = [x.detach().new_zeros(x.shape) for x in entries]
            tangents[k].view(-1)[i] = 1
            columns.append(_pushed(outs, entries, tangents))
        for j, o in enumerate(outs):
            shape = (*o.shape, *e.shape)
            table[j].append(stack([c[j] for c in columns]).movedim(0, -1).reshape(shape) if columns
                            else o.new_zeros(shape))
    return table


def jacrev(func: Callable, argnums: int | tuple = 0, *, has_aux: bool = False, chunk_size: int | None = None,
           _preallocate_and_copy: bool = False) -> Callable:
    """A function that gives func's Jacobian, by reverse mode."""
    return _jacobian(func, argnums, has_aux, False)


def jacfwd(func: Callable, argnums: int | tuple = 0, has_aux: bool = False, *,
           randomness: str = "error") -> Callable:
    """A function that gives func's Jacobian, by forward mode."""
    return _jacobian(func, argnums, has_aux, True)


def hessian(func: Callable, argnums: int | tuple = 0) -> Callable:
    """A function that gives func's Hessian."""
    return jacfwd(jacrev(func, argnums), argnums)


def functionalize(func: Callable, *, remove: str = "mutations") -> Callable:
    """The function itself: the engine needs no rewriting."""
    return func
