"""PyTorch's table of ops: forward, gradients and errors of the engine beside the real ones."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch

import engine
from tests.conformance.side import (
    UP_TO_SIGN, Apart, array, difference, leaves_of, path_of, rebound, resolve, to_engine,
)

UNDEFINED = {
    "empty",
    "empty_like",
    "empty_strided",
    "empty_permuted",
    "new_empty",
    "new_empty_strided",
    "resize_",
    "resize_as_",
}
DTYPES = (torch.float32, torch.float64, torch.int64, torch.bool)
SAMPLES, LARGE = 8, 400_000


def public(info: Any) -> bool:
    """False for what PyTorch keeps to itself: overloads of aten, jiterator, private names."""
    return not (info.name.startswith(("jiterator", "ops.", "torch.ops")) or "aten" in info.name
                or info.name.startswith("_") and not info.name.startswith("__")
                or type(info.op).__name__ in ("OpOverload", "OpOverloadPacket", "_JittedFunction"))


def entry_name(info: Any) -> str:
    """A row's name: the op, and the variant where there are several."""
    return f"{info.name}:{info.variant_test_name}" if info.variant_test_name else info.name


def function_of(info: Any) -> Any:
    """The engine's counterpart of a row's function."""
    fn = info.op
    if type(fn).__name__ in ("method_descriptor", "wrapper_descriptor") or info.name.startswith("__"):
        return getattr(engine.Tensor, getattr(fn, "__name__", info.name))
    if (getattr(fn, "__module__", "") or "").startswith("torch.testing"):
        return rebound(fn)
    try:
        return resolve(info.name)
    except AttributeError:
        path = path_of(fn)
        return resolve(path or info.name)


def fresh(x: Any, wanted: bool) -> Any:
    """A copy of a sample's arguments with leaves of its own."""
    if isinstance(x, torch.Tensor):
        y = x.detach().clone()
        return y.requires_grad_() if wanted and x.requires_grad and y.is_floating_point() else y
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*(fresh(v, wanted) for v in x))
    if isinstance(x, (list, tuple)) and not isinstance(x, torch.Size):
        return type(x)(fresh(v, wanted) for v in x)
    if isinstance(x, dict):
        return {k: fresh(v, wanted) for k, v in x.items()}
    return x


def run_sample(info: Any, fn: Any, sample: Any, wanted: bool) -> str | None:
    """What differs first on one sample, or None.

    Raises: Apart for a sample that cannot be compared."""
    theirs = fresh((sample.input, tuple(sample.args), dict(sample.kwargs)), wanted)
    if any(isinstance(v, torch.Tensor) and v.numel() > LARGE for v in leaves_of(theirs)):
        raise Apart("large")
    leaves: list = []
    ours = to_engine(theirs, leaves)
    torch.manual_seed(1)
    try:
        want = info.op(theirs[0], *theirs[1], **theirs[2])
    except Exception as e:
        raise Apart(f"PyTorch itself: {e}") from None
    engine.manual_seed(1)
    got = fn(ours[0], *ours[1], **ours[2])
    sizes = info.name in UP_TO_SIGN
    found = difference(want, got, sizes_only=sizes, undefined=info.name in UNDEFINED)
    if found or not leaves:
        return found
    post = sample.output_process_fn_grad
    want, got = leaves_of(post(want)), leaves_of(rebound(post)(got))
    pairs = [(w, g) for w, g in zip(want, got) if isinstance(w, torch.Tensor) and w.requires_grad]
    for w, g in zip(want, got):
        if isinstance(w, torch.Tensor) and bool(w.requires_grad) != bool(g.requires_grad):
            return f"requires_grad is {g.requires_grad}"
    if not pairs:
        return None
    rng = np.random.RandomState(0)
    seeds = [
        np.asarray(rng.standard_normal(tuple(w.shape))).astype(str(w.dtype).split(".")[-1]) for w, _ in pairs
    ]
    try:
        torch.autograd.backward([w for w, _ in pairs], [torch.from_numpy(s).reshape(w.shape)
                                                        for s, (w, _) in zip(seeds, pairs)])
    except Exception:
        return None
    engine.autograd.backward([g for _, g in pairs], [engine.tensor(s) for s in seeds])
    for i, (t, e) in enumerate(leaves):
        if t.grad is None or e.grad is None and not bool((t.grad != 0).any()):
            continue
        if e.grad is None:
            return f"gradient {i}: None"
        if t.grad.layout == torch.strided:
            found = difference(t.grad, e.grad, factor=10)
            if found:
                return f"gradient {i}: {found}"
    return None


def check(info: Any) -> dict:
    """One row of the report: passed, total, the first difference, and the errors of error inputs."""
    row = {"name": entry_name(info), "passed": 0, "total": 0, "first": "", "errors": [0, 0]}
    try:
        fn = function_of(info)
    except AttributeError as e:
        row["first"] = f"missing: {e}"
        row["total"] = 1
        return row
    for dtype in DTYPES:
        if dtype not in info.supported_dtypes("cpu"):
            continue
        wanted = dtype.is_floating_point and info.supports_autograd
        torch.manual_seed(0)
        np.random.seed(0)
        try:
            samples = list(
                itertools.islice(info.sample_inputs("cpu", dtype, requires_grad=wanted), 4 * SAMPLES)
            )
        except Exception:
            continue
        for sample in samples[::max(1, len(samples) // SAMPLES)]:
            try:
                found = run_sample(info, fn, sample, wanted)
            except Apart:
                continue
            except Exception as e:
                found = f"{type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}"
            row["total"] += 1
            row["passed"] += found is None
            if found and not row["first"]:
                row["first"] = f"{str(dtype).split('.')[-1]}: {found}"
    check_errors(info, fn, row)
    return row


def check_errors(info: Any, fn: Any, row: dict) -> None:
    """Count PyTorch's error inputs, and on how many the engine raises the same type."""
    if info.error_inputs_func is None:
        return
    try:
        cases = list(itertools.islice(info.error_inputs("cpu"), 12))
    except Exception:
        return
    for case in cases:
        s = case.sample_input
        try:
            ours = to_engine((s.input, tuple(s.args), dict(s.kwargs)), memory={})
            array(s.input) if isinstance(s.input, torch.Tensor) else None
        except Exception:
            continue
        try:
            info.op(s.input, *s.args, **s.kwargs)
            continue
        except Exception as e:
            theirs = type(e).__name__
        row["errors"][1] += 1
        try:
            fn(ours[0], *ours[1], **ours[2])
        except Exception as e:
            row["errors"][0] += type(e).__name__ == theirs
