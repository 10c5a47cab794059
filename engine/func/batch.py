"""vmap, by running the function on each entry; and modules called with other parameters."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from engine.func.tree import leaves, rebuilt
from engine.tensor import Tensor


def _spread(dims: Any, tree: Any) -> list:
    """A batch dimension for every end of a structure, from one for all or a structure of the same form."""
    if dims is None or isinstance(dims, int):
        return [dims] * len(leaves(tree))
    if isinstance(tree, dict):
        return [d for k in tree for d in _spread(dims[k], tree[k])]
    if isinstance(tree, (tuple, list)) and len(dims) == len(tree):
        return [d for part, t in zip(dims, tree) for d in _spread(part, t)]
    raise ValueError(f"vmap(f, in_dims={dims}, ...)(<inputs>): in_dims is not compatible with the structure "
                     "of `inputs`. "
                     f"in_dims has structure {type(dims)} but inputs has structure {type(tree)}.")


def vmap(func: Callable, in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *,
         chunk_size: int | None = None) -> Callable:
    """A function that does for a whole batch what func does for one entry."""

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        from engine import stack

        ends = leaves(args)
        dims = _spread(in_dims, args)
        sizes = set()
        for t, d in zip(ends, dims):
            if d is None:
                continue
            if not isinstance(t, Tensor):
                raise ValueError(f"vmap({getattr(func, '__name__', func)}, in_dims={in_dims}, "
                                 f"...)(<inputs>): Got in_dim={d} "
                                 f"for an input but the input is of type {type(t)}. We cannot vmap over "
                                 "non-Tensor "
                                 "arguments, please use None as the respective in_dim")
            if not -t.dim() <= d < t.dim():
                raise ValueError(f"vmap({getattr(func, '__name__', func)}, in_dims={in_dims}, "
                                 f"...)(<inputs>): Got in_dim={d} "
                                 f"for some input, but that input is a Tensor of dimensionality {t.dim()} so "
                                 "expected "
                                 f"in_dim to satisfy -{t.dim()} <= in_dim < {t.dim()}.")
            sizes.add(t.shape[d])
        if not sizes:
            raise ValueError(f"vmap({getattr(func, '__name__', func)}, in_dims={in_dims}, ...)(<inputs>): "
                             "got no inputs to "
                             "vmap over; expected at least one Tensor to map over.")
        if len(sizes) > 1:
            found = [t.shape[d] for t, d in zip(ends, dims) if d is not None]
            raise ValueError("vmap: Expected all tensors to have the same size in the mapped dimension, got "
                             "sizes "
                             f"{found} for the mapped dimension")
        n = sizes.pop()
        columns = [[t] * n if d is None else t.unbind(d) for t, d in zip(ends, dims)]
        results = [func(*rebuilt(args, iter([c[i] for c in columns])), **kwargs) for i in range(n)]
        if not results:
            raise ValueError("vmap over a dimension of size 0")
        flat = [leaves(r) for r in results]
        outs = _spread(out_dims, results[0]) if not isinstance(out_dims, tuple) or isinstance(results[0],
                                                                                              tuple) \
            else list(out_dims)
        for r in flat[0]:
            if not isinstance(r, Tensor):
                raise ValueError(f"vmap({getattr(func, '__name__', func)}, ...): "
                                 f"`{getattr(func, '__name__', func)}` must "
                                 f"only return Tensors, got type {type(r)} as a return.")
        joined = [flat[0][k] if d is None else stack([f[k] for f in flat], d) for k, d in enumerate(outs)]
        return rebuilt(results[0], iter(joined))

    return wrapper


@contextlib.contextmanager
def _replaced(module: Any, tensors: dict[str, Any], tie_weights: bool) -> Iterator[None]:
    """The module with these tensors in the place of its parameters and buffers."""
    owners = dict(module.named_modules(remove_duplicate=False))
    shared: dict[int, list[str]] = {}
    if tie_weights:
        for name, t in [*module.named_parameters(remove_duplicate=False),
                        *module.named_buffers(remove_duplicate=False)]:
            shared.setdefault(id(t), []).append(name)
    every = dict(tensors)
    for names in shared.values():
        given = [n for n in names if n in tensors]
        for n in names if given else ():
            every.setdefault(n, tensors[given[0]])
    before = []
    for name, t in every.items():
        path, _, last = name.rpartition(".")
        owner = owners.get(path)
        kept = None if owner is None else next((d for d in (owner._parameters, owner._buffers) if last in d),
                                               None)
        if kept is None:
            continue
        before.append((kept, last, kept[last]))
        kept[last] = t
    try:
        yield
    finally:
        for kept, last, t in reversed(before):
            kept[last] = t


def functional_call(module: Any, parameter_and_buffer_dicts: Any, args: Any = None,
                    kwargs: dict | None = None, *,
                    tie_weights: bool = True, strict: bool = False) -> Any:
    """The module's result with other parameters and buffers, by name."""
    given = parameter_and_buffer_dicts
    if isinstance(given, (list, tuple)):
        merged: dict[str, Any] = {}
        for d in given:
            twice = set(merged) & set(d)
            if twice:
                raise ValueError(f"{sorted(twice)} appeared in multiple dictionaries; behavior of functional "
                                 "call is ambiguous")
            merged.update(d)
        given = merged
    if strict:
        known = {n for n, _ in [*module.named_parameters(remove_duplicate=False),
                                *module.named_buffers(remove_duplicate=False)]}
        missing, unexpected = known - set(given), set(given) - known
        if missing or unexpected:
            raise RuntimeError(f"Error(s) in loading state_dict: missing {sorted(missing)}, unexpected "
                               f"{sorted(unexpected)}")
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, given, tie_weights):
        return module(*args, **(kwargs or {}))


def stack_module_state(models: Any) -> tuple[dict, dict]:
    """(parameters, buffers) of several modules of one kind, stacked."""
    from engine import stack

    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    rows = [(dict(m.named_parameters()), dict(m.named_buffers())) for m in models]
    params = {k: stack([r[0][k].detach() for r in rows]).requires_grad_(rows[0][0][k].requires_grad)
              for k in rows[0][0]}
    buffers = {k: stack([r[1][k].detach() for r in rows]) for k in rows[0][1]}
    return params, buffers

