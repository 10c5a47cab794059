"""Two sides of a comparison: the real PyTorch and the engine, and how values pass from one to the other."""

from __future__ import annotations

import functools
import importlib
import types
from typing import Any

import numpy as np
import torch

import engine

TOLERANCE = {
    "float32": (1e-4, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1e-4, 1e-5),
    "complex128": (1e-7, 1e-7),
}
UP_TO_SIGN = {"svd", "linalg.svd", "linalg.eigh", "linalg.eig", "qr", "linalg.qr"}
"""Vectors that are determined up to their sign: sizes are compared."""


class Apart(Exception):
    """A sample that cannot be put to the engine at all (sparse, quantised ...): not counted."""


def resolve(path: str) -> Any:
    """The engine's object at a dotted path below torch."""
    found: Any = engine
    for i, part in enumerate(path.split(".")):
        try:
            found = getattr(found, part)
        except AttributeError:
            if not isinstance(found, types.ModuleType):
                raise
            try:
                found = importlib.import_module(".".join(["engine", *path.split(".")[:i + 1]]))
            except ImportError:
                raise AttributeError(f"torch.{path}") from None
    return found


def array(t: torch.Tensor) -> np.ndarray:
    """A copy of a tensor of PyTorch's as an array."""
    if t.layout != torch.strided or t.is_quantized or t.dtype in (torch.bfloat16, torch.complex32):
        raise Apart(str(t.layout))
    return t.detach().resolve_conj().resolve_neg().numpy(force=True).copy()


def window(t: torch.Tensor, memory: dict) -> Any:
    """A tensor of PyTorch's as a window on the engine's copy of its memory, one copy for each memory."""
    array(t)
    if not t.numel() or t.is_conj() or t.is_neg():
        return engine.tensor(array(t))
    key = (t.untyped_storage().data_ptr(), t.dtype)
    if key not in memory:
        size = t.untyped_storage().nbytes() // t.element_size()
        memory[key] = engine.tensor(t.detach().as_strided((size,), (1,), 0).numpy().copy())
    return memory[key].as_strided(tuple(t.shape), tuple(t.stride()), t.storage_offset())


def to_engine(x: Any, leaves: list | None = None, memory: dict | None = None) -> Any:
    """Arguments of PyTorch's as the engine's; pairs of (PyTorch's, the engine's) leaves are put into
    `leaves`. With `memory` (an empty dict), what shares memory there shares it here."""
    if isinstance(x, torch.Tensor) and memory is not None and not x.requires_grad:
        return window(x, memory)
    if isinstance(x, torch.nn.Module):
        ours = getattr(engine.nn, type(x).__name__)()
        for name in getattr(x, "__constants__", ()):
            setattr(ours, name, getattr(x, name))
        return ours
    if isinstance(x, torch.Tensor):
        wanted = leaves is not None and x.requires_grad
        made = engine.tensor(array(x), requires_grad=wanted)
        if wanted:
            leaves.append((x, made))
        return made
    if isinstance(x, (torch.dtype, torch.memory_format)):
        return getattr(engine, str(x).split(".")[-1])
    if isinstance(x, torch.layout):
        if x != torch.strided:
            raise Apart(str(x))
        return engine.strided
    if isinstance(x, torch.device):
        return engine.device(str(x))
    if isinstance(x, torch.Generator):
        raise Apart("a generator")
    if isinstance(x, torch.Size):
        return tuple(x)
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*(to_engine(v, leaves, memory) for v in x))
    if isinstance(x, (list, tuple)):
        return type(x)(to_engine(v, leaves, memory) for v in x)
    if isinstance(x, dict):
        return {k: to_engine(v, leaves, memory) for k, v in x.items()}
    if isinstance(x, slice) or x is Ellipsis or x is None or isinstance(x, (int, float, complex, bool, str)):
        return x
    if callable(x) and not isinstance(x, type):
        return rebound(x)
    return x


def path_of(fn: Any) -> str | None:
    """Where below torch a function stands, by its name."""
    for where in ("", "nn.functional.", "linalg.", "fft.", "special.", "Tensor.", "masked."):
        name = getattr(fn, "__name__", "")
        try:
            found: Any = torch
            for part in (where + name).split("."):
                found = getattr(found, part)
        except AttributeError:
            continue
        if found is fn:
            return where + name
    return None


def rebound(fn: Any) -> Any:
    """A function written against PyTorch, moved over: the same code with `torch` meaning the engine."""
    if isinstance(fn, functools.partial):
        return functools.partial(rebound(fn.func), *to_engine(fn.args), **to_engine(fn.keywords))
    if not isinstance(fn, types.FunctionType) or (fn.__module__ or "").startswith("torch") and \
            not fn.__module__.startswith("torch.testing"):
        path = path_of(fn)
        return resolve(path) if path else fn
    if fn.__name__ == "wrapper_set_seed":
        def seeded(op: Any, *args: Any, **kwargs: Any) -> Any:
            engine.manual_seed(42)
            return op(*args, **kwargs)

        return seeded
    scope = {k: moved(v) if k in names_in(fn.__code__) else v for k, v in fn.__globals__.items()}
    cells = tuple(types.CellType(moved(c.cell_contents)) for c in fn.__closure__ or ())
    made = types.FunctionType(fn.__code__, scope, fn.__name__, fn.__defaults__, cells or None)
    made.__kwdefaults__ = fn.__kwdefaults__
    return made


def names_in(code: types.CodeType) -> set[str]:
    """All names that a piece of code looks up."""
    found = set(code.co_names)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            found |= names_in(const)
    return found


def moved(v: Any) -> Any:
    """A global of PyTorch's test code, as the engine's."""
    if isinstance(v, types.ModuleType):
        if v.__name__ == "torch":
            return engine
        if v.__name__.startswith("torch.") and not v.__name__.startswith("torch.testing"):
            try:
                return resolve(v.__name__[6:])
            except AttributeError:
                return v
        return v
    if isinstance(v, (torch.Tensor, torch.dtype)) or callable(v) and not isinstance(v, type):
        return to_engine(v)
    return v


def leaves_of(x: Any) -> list:
    """The values in a nested result, in order."""
    if isinstance(x, (list, tuple)) and not isinstance(x, (torch.Size, engine.Size)):
        return [leaf for v in x for leaf in leaves_of(v)]
    if isinstance(x, dict):
        return [leaf for k in sorted(x, key=str) for leaf in leaves_of(x[k])]
    return [x]


def difference(
    want: Any, got: Any, *, sizes_only: bool = False, undefined: bool = False, factor: float = 1
) -> str | None:
    """What differs first between PyTorch's result and the engine's, or None."""
    ws, gs = leaves_of(want), leaves_of(got)
    if len(ws) != len(gs):
        return f"{len(gs)} values instead of {len(ws)}"
    for i, (w, g) in enumerate(zip(ws, gs)):
        at = "" if len(ws) == 1 else f"[{i}]: "
        if isinstance(w, (torch.Size, bool, int)) and (type(w).__name__ != type(g).__name__ or w != g):
            return f"{at}{g!r} instead of {w!r}"
        if not isinstance(w, torch.Tensor):
            continue
        if not isinstance(g, engine.Tensor):
            return f"{at}{type(g).__name__} instead of a tensor"
        a, b = array(w), np.asarray(g.detach().numpy())
        if str(w.dtype) != str(g.dtype):
            return f"{at}{g.dtype} instead of {w.dtype}"
        if a.shape != b.shape:
            return f"{at}shape {b.shape} instead of {a.shape}"
        if undefined:
            continue
        if a.dtype.kind not in "fc":
            if not np.array_equal(a, b):
                return f"{at}{int((a != b).sum())} of {a.size} elements differ"
            continue
        if sizes_only:
            a, b = np.abs(a), np.abs(b)
        rtol, atol = TOLERANCE.get(str(w.dtype).split(".")[-1], (1e-2, 1e-3))
        near = np.isclose(b, a, rtol=rtol * factor, atol=atol * factor, equal_nan=True)
        if not near.all():
            k = tuple(np.argwhere(~near)[0])
            return f"{at}{int((~near).sum())} of {a.size} out of tolerance, first {b[k]} instead of {a[k]}"
    return None
