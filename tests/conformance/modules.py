"""PyTorch's table of modules: repr, state, forward and gradients of the engine's beside the real ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import engine
from tests.conformance.ops import fresh
from tests.conformance.side import Apart, difference, leaves_of, to_engine


def run_input(info: Any, cls: Any, given: Any, dtype: Any, training: bool) -> str | None:
    """What differs first for one way to make and call the module, or None."""
    args, kwargs = given.constructor_input.args, given.constructor_input.kwargs
    torch.manual_seed(0)
    theirs = info.module_cls(*args, **kwargs).to(dtype)
    engine.manual_seed(0)
    plain = {k: v for k, v in kwargs.items() if k not in ("device", "dtype")}
    ours = cls(*to_engine(tuple(args)), **to_engine(plain))
    ours = ours.double() if dtype == torch.float64 else ours.float()
    theirs.train(training)
    ours.train(training)
    leaves: list = []
    call = fresh((tuple(given.forward_input.args), dict(given.forward_input.kwargs)), True)
    mine = to_engine(call, leaves)
    if info.is_lazy:
        theirs(*call[0], **call[1])
        ours(*mine[0], **mine[1])
        leaves = []
        call = fresh((tuple(given.forward_input.args), dict(given.forward_input.kwargs)), True)
        mine = to_engine(call, leaves)
    if repr(theirs) != repr(ours):
        return f"repr {ours!r}"
    if list(theirs.state_dict()) != list(ours.state_dict()):
        return f"state_dict has {list(ours.state_dict())}"
    rng = np.random.RandomState(1)
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(torch.from_numpy(np.asarray(rng.uniform(-0.5, 0.5, tuple(p.shape)))))
    ours.load_state_dict({k: to_engine(v) for k, v in theirs.state_dict().items()})
    torch.manual_seed(3)
    try:
        want = theirs(*call[0], **call[1])
    except Exception as e:
        raise Apart(str(e)) from None
    engine.manual_seed(3)
    got = ours(*mine[0], **mine[1])
    found = difference(want, got, factor=3)
    if found:
        return found
    pairs = [
        (w, g)
        for w, g in zip(leaves_of(want), leaves_of(got))
        if isinstance(w, torch.Tensor) and w.requires_grad
    ]
    if not pairs:
        return None
    seeds = [
        np.asarray(rng.standard_normal(tuple(w.shape))).astype(str(dtype).split(".")[-1]) for w, _ in pairs
    ]
    torch.autograd.backward([w for w, _ in pairs], [torch.from_numpy(s) for s in seeds])
    engine.autograd.backward([g for _, g in pairs], [engine.tensor(s) for s in seeds])
    parameters = dict(ours.named_parameters())
    named = [(f"input {i}", t, e) for i, (t, e) in enumerate(leaves)]
    named += [(k, t, parameters[k]) for k, t in theirs.named_parameters()]
    for name, t, e in named:
        if (
            t.grad is None
            or t.grad.layout != torch.strided
            or e.grad is None
            and not bool((t.grad != 0).any())
        ):
            continue
        found = "None" if e.grad is None else difference(t.grad, e.grad, factor=30)
        if found:
            return f"gradient of {name}: {found}"
    return None


def check(info: Any) -> dict:
    """One row of the report: passed, total, the first difference."""
    row = {"name": info.module_cls.__name__, "passed": 0, "total": 0, "first": ""}
    try:
        cls = getattr(engine.nn, info.module_cls.__name__)
    except AttributeError as e:
        return {**row, "total": 1, "first": f"missing: {e}"}
    for dtype in (torch.float32, torch.float64):
        if dtype not in info.dtypes:
            continue
        for training in (True, False) if info.train_and_eval_differ else (True,):
            torch.manual_seed(0)
            np.random.seed(0)
            inputs = info.module_inputs_func(
                info, device="cpu", dtype=dtype, requires_grad=True, training=training
            )
            for given in inputs[:6]:
                if given.forward_input is None:
                    continue
                try:
                    found = run_input(info, cls, given, dtype, training)
                except Apart:
                    continue
                except Exception as e:
                    found = f"{type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}"
                row["total"] += 1
                row["passed"] += found is None
                if found and not row["first"]:
                    row["first"] = f"{str(dtype).split('.')[-1]} {given.desc}: {found}"
    return row
