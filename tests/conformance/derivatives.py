"""PyTorch's table of ops: second derivatives and forward-mode tangents of the engine beside the real ones."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.autograd.forward_ad as their_forward

import engine
import engine.autograd.forward_ad as our_forward
from tests.conformance.ops import entry_name, fresh, function_of
from tests.conformance.side import Apart, difference, leaves_of, rebound, to_engine

SAMPLES, LARGE = 6, 5_000
APART = (torch.bfloat16, torch.complex32)


def seed(shape: Any, kind: Any, rng: np.random.RandomState) -> np.ndarray:
    """Random numbers of a shape and of one of PyTorch's types."""
    return np.asarray(rng.standard_normal(tuple(shape))).astype(str(kind).split(".")[-1])


def put(info: Any, fn: Any, sample: Any) -> tuple:
    """One sample on both sides: (PyTorch's arguments, ours, the pairs of leaves).

    Raises: Apart for a sample that cannot be compared."""
    theirs = fresh((sample.input, tuple(sample.args), dict(sample.kwargs)), True)
    if any(isinstance(v, torch.Tensor) and v.numel() > LARGE for v in leaves_of(theirs)):
        raise Apart("large")
    pairs: list = []
    ours = to_engine(theirs, pairs)
    if not pairs:
        raise Apart("no leaves")
    return theirs, ours, pairs


def outputs(info: Any, fn: Any, sample: Any, theirs: Any, ours: Any) -> tuple[list, list]:
    """What both sides make of the arguments, as lists of tensors that hang on them."""
    post = sample.output_process_fn_grad
    torch.manual_seed(1)
    try:
        want = leaves_of(post(info.op(theirs[0], *theirs[1], **theirs[2])))
    except Exception as e:
        raise Apart(f"PyTorch itself: {e}") from None
    if any(isinstance(w, torch.Tensor) and (w.layout != torch.strided or w.dtype in APART) for w in want):
        raise Apart("a type or layout that does not pass through NumPy")
    engine.manual_seed(1)
    got = leaves_of(rebound(post)(fn(ours[0], *ours[1], **ours[2])))
    return want, got


def second(info: Any, fn: Any, sample: Any) -> str | None:
    """What differs first among the second derivatives of one sample, or None."""
    theirs, ours, pairs = put(info, fn, sample)
    want, got = outputs(info, fn, sample, theirs, ours)
    live = [(w, g) for w, g in zip(want, got) if isinstance(w, torch.Tensor) and w.requires_grad]
    if not live:
        raise Apart("no output requires grad")
    rng = np.random.RandomState(0)
    seeds = [seed(w.shape, w.dtype, rng) for w, _ in live]
    v = [torch.from_numpy(s).reshape(w.shape).requires_grad_() for s, (w, _) in zip(seeds, live)]
    e = [engine.tensor(s, requires_grad=True) for s in seeds]
    try:
        first = torch.autograd.grad([w for w, _ in live], [t for t, _ in pairs], v, create_graph=True,
                                    allow_unused=True)
    except Exception as ex:
        raise Apart(f"PyTorch itself: {ex}") from None
    ours_first = engine.autograd.grad([g for _, g in live], [x for _, x in pairs], e, create_graph=True,
                                      allow_unused=True)
    by = [None if w is None else seed(w.shape, w.dtype, rng) for w in first]
    chosen = [i for i, w in enumerate(first) if w is not None and w.requires_grad]
    if not chosen:
        raise Apart("the gradient depends on nothing")
    try:
        back = torch.autograd.grad([first[i] for i in chosen], [*(t for t, _ in pairs), *v],
                                   [torch.from_numpy(by[i]).reshape(first[i].shape) for i in chosen],
                                   allow_unused=True)
    except Exception as ex:
        raise Apart(f"PyTorch itself: {ex}") from None
    for i in chosen:
        if ours_first[i] is None or not ours_first[i].requires_grad:
            return f"gradient {i} has no history"
    ours_back = engine.autograd.grad([ours_first[i] for i in chosen], [*(x for _, x in pairs), *e],
                                     [engine.tensor(by[i]) for i in chosen], allow_unused=True)
    for i, (w, g) in enumerate(zip(back, ours_back)):
        which = f"input {i}" if i < len(pairs) else f"incoming gradient {i - len(pairs)}"
        if w is None or g is None:
            there = w if g is None else g
            if there is not None and bool((there.abs() > 1e-9).any()):
                return f"second derivative by {which}: {'None' if g is None else 'not None'}"
            continue
        found = difference(w.detach(), g.detach(), factor=100)
        if found:
            return f"second derivative by {which}: {found}"
    return None


def like(t: torch.Tensor, way: np.ndarray) -> np.ndarray:
    """A way for `t` to move: a symmetric matrix stays symmetric and a triangle a triangle, for what the other
    elements do then is anybody's choice."""
    if t.ndim < 2 or t.shape[-1] != t.shape[-2]:
        return way
    if torch.allclose(t, t.mH):
        return way + np.conj(np.swapaxes(way, -1, -2))
    if torch.equal(t, t.tril()):
        return np.tril(way)
    return np.triu(way) if torch.equal(t, t.triu()) else way


def forward(info: Any, fn: Any, sample: Any) -> str | None:
    """What differs first among the tangents of one sample's outputs, or None."""
    theirs, ours, pairs = put(info, fn, sample)
    rng = np.random.RandomState(0)
    ways = [seed(t.shape, t.dtype, rng) for t, _ in pairs]
    ways = [like(t, w) for (t, _), w in zip(pairs, ways)]

    def dual(side: Any, x: Any, made: dict) -> Any:
        if id(x) in made:
            return made[id(x)]
        if isinstance(x, tuple) and hasattr(x, "_fields"):
            return type(x)(*(dual(side, v, made) for v in x))
        if isinstance(x, (list, tuple)) and type(x) in (list, tuple):
            return type(x)(dual(side, v, made) for v in x)
        return {k: dual(side, v, made) for k, v in x.items()} if isinstance(x, dict) else x

    with their_forward.dual_level(), our_forward.dual_level():
        t = {id(a): their_forward.make_dual(a.detach(), torch.from_numpy(w).reshape(a.shape))
             for (a, _), w in zip(pairs, ways)}
        o = {id(b): our_forward.make_dual(b.detach(), engine.tensor(w)) for (_, b), w in zip(pairs, ways)}
        want, got = outputs(info, fn, sample, dual(torch, theirs, t), dual(engine, ours, o))
        for i, (w, g) in enumerate(zip(want, got)):
            if not isinstance(w, torch.Tensor) or not (w.is_floating_point() or w.is_complex()):
                continue
            way, our_way = their_forward.unpack_dual(w).tangent, our_forward.unpack_dual(g).tangent
            if way is None or our_way is None:
                there = way if our_way is None else our_way
                if there is not None and bool((there != 0).any()):
                    return f"tangent {i}: {'None' if our_way is None else 'not None'}"
                continue
            found = difference(way.detach(), our_way.detach(), factor=100)
            if found:
                return f"tangent {i}: {found}"
    return None


def check(info: Any, run: Callable) -> dict | None:
    """One row: the samples of float64 for which `run` finds no difference; None where none can be put."""
    row = {"name": entry_name(info), "passed": 0, "total": 0, "first": ""}
    if torch.float64 not in info.supported_dtypes("cpu"):
        return None
    try:
        fn = function_of(info)
    except AttributeError as e:
        return {**row, "total": 1, "first": f"missing: {e}"}
    torch.manual_seed(0)
    np.random.seed(0)
    try:
        samples = list(itertools.islice(info.sample_inputs("cpu", torch.float64, requires_grad=True),
                                        4 * SAMPLES))
    except Exception:
        return None
    for sample in samples[::max(1, len(samples) // SAMPLES)]:
        try:
            found = run(info, fn, sample)
        except Apart:
            continue
        except Exception as e:
            found = f"{type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}"
        row["total"] += 1
        row["passed"] += found is None
        row["first"] = row["first"] or found or ""
    return row if row["total"] else None
