"""Define-by-run differentiation; also torch.autograd.

modes.py     grad mode, anomaly mode, the observer
node.py      Node, SavedTensor, AccumulateGrad
backward.py  the walk
function.py  the user's own Function
view.py      views and in-place changes: CopySlices, rebased history
functional.py gradcheck.py forward_ad.py graph.py profiler.py variable.py  PyTorch's modules of these names
May import: engine.core; the modules of the last line, which are loaded when asked for, all of the engine.
"""

from __future__ import annotations

import importlib
from typing import Any

from engine.autograd.backward import backward, grad

__all__ = ["Function", "Variable", "backward", "detect_anomaly", "enable_grad", "grad", "gradcheck",
           "gradgradcheck",
           "inference_mode", "no_grad", "set_detect_anomaly", "set_grad_enabled"]

_FROM = {
    "Function": "function", "NestedIOFunction": "function", "Variable": "variable", "gradcheck": "gradcheck",
    "gradgradcheck": "gradcheck", "detect_anomaly": "modes", "no_grad": "modes", "enable_grad": "modes",
    "set_grad_enabled": "modes", "inference_mode": "modes", "is_grad_enabled": "modes",
}
_MODULES = ("anomaly_mode", "forward_ad", "function", "functional", "grad_mode", "graph", "profiler",
            "variable")


def set_detect_anomaly(mode: bool, check_nan: bool = True) -> Any:
    """Switch anomaly detection on or off; as a context manager, put it back at the end."""
    from engine.autograd.modes import set_anomaly_enabled

    return set_anomaly_enabled(mode, check_nan)


def set_multithreading_enabled(mode: bool) -> Any:
    """The backward walk has one thread: nothing to switch."""
    import contextlib

    return contextlib.nullcontext()


def __getattr__(name: str) -> Any:
    """Load the rest of torch.autograd when first asked for: the engine's own start need not pay for it."""
    if name in _FROM:
        found = getattr(importlib.import_module(f"engine.autograd.{_FROM[name]}"), name)
        globals()[name] = found  # the import has just put the module of this name here
        return found
    if name in _MODULES:
        return importlib.import_module(f"engine.autograd.{name}")
    raise AttributeError(f"module 'torch.autograd' has no attribute '{name}'")
