"""`python hooked.py SCRIPT OUT COUNT`: runs a script on the real PyTorch and writes down, as JSON, what
flowed through every node of its first COUNT backwards, told by hooks on each grad_fn."""

from __future__ import annotations

import json
import math
import os
import runpy
import sys
from typing import Any

import torch

SMALL = 64
"""Tensors of up to so many elements are written down whole."""


class Enough(BaseException):
    """So many backwards have been seen."""


def digest(t: Any) -> Any:
    """Shape, norm, extremes, mean and counts of a tensor as the debugger tells them; None of None."""
    if t is None:
        return None
    a = t.detach().double().reshape(-1)
    fine = a[torch.isfinite(a)]
    some = fine.numel() > 0
    return {
        "shape": list(t.shape),
        "dtype": str(t.dtype).removeprefix("torch."),
        "norm": math.sqrt((fine * fine).sum().item()),
        "min": fine.min().item() if some else 0.0,
        "max": fine.max().item() if some else 0.0,
        "mean": fine.mean().item() if some else 0.0,
        "zeros": int((fine == 0).sum()),
        "negatives": int((fine < 0).sum()),
        "nans": int(torch.isnan(a).sum()),
        "infs": int(torch.isinf(a).sum()),
        "values": a.tolist() if a.numel() <= SMALL and not len(a) == 0 else None,
    }


def nodes_of(roots: list[Any]) -> list[Any]:
    """Every node that can be reached from these tensors' grad_fn."""
    seen: list[Any] = []
    stack: list[Any] = [t.grad_fn for t in roots]
    while stack:
        fn = stack.pop()
        if fn is not None and all(fn is not other for other in seen):
            seen.append(fn)
            stack += [f for f, _ in fn.next_functions]
    return seen


class Hooks:
    """What flowed through the nodes of each backward, in the order in which they ran."""

    def __init__(self, count: int) -> None:
        self.backwards: list[list[dict[str, Any]]] = []
        self._count = count
        self._real = torch.autograd.backward

    def backward(self, tensors: Any, *args: Any, **kwargs: Any) -> None:
        """torch.autograd.backward with hooks on every node."""
        ran: list[dict[str, Any]] = []
        handles: list[Any] = []
        leaves: list[tuple[dict[str, Any], Any]] = []
        for fn in nodes_of([tensors] if isinstance(tensors, torch.Tensor) else list(tensors)):
            entry: dict[str, Any] = {}
            leaf = getattr(fn, "variable", None)

            def before(grads: Any, entry: Any = entry, fn: Any = fn, leaf: Any = leaf) -> None:
                entry["name"] = fn.name()
                entry["incoming"] = [digest(g) for g in grads]
                ran.append(entry)
                if leaf is not None:
                    leaves.append((entry, leaf))

            def after(out: Any, _: Any, entry: Any = entry) -> None:
                entry["outgoing"] = [digest(g) for g in out]

            handles.append(fn.register_prehook(before))
            if leaf is None:
                handles.append(fn.register_hook(after))
        self._real(tensors, *args, **kwargs)
        for handle in handles:
            handle.remove()
        for entry, leaf in leaves:
            entry["total"] = digest(leaf.grad)
        self.backwards.append(ran)
        if len(self.backwards) >= self._count:
            raise Enough


def main(script: str, out: str, count: int) -> None:
    """Run the script and write what flowed."""
    torch.set_num_threads(1)
    hooks = Hooks(count)
    torch.autograd.backward = hooks.backward  # type: ignore[assignment]
    sys.argv = [script]
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    try:
        runpy.run_path(script, run_name="__main__")
    except (Enough, SystemExit):
        pass
    finally:
        with open(out, "w", encoding="utf-8") as file:
            json.dump(hooks.backwards, file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
