"""torch.utils: what PyTorch keeps under this name.

data/         torch.utils.data: the names of engine.data
checkpoint.py activations computed again instead of kept
tensorboard/  SummaryWriter, which writes TensorBoard's event files
benchmark/    Timer
hooks.py      handles of hooks; dlpack.py, model_zoo.py, _pytree.py: small neighbours
May import: the engine's tensors, autograd and modules.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Load the packages when first asked for."""
    if name in ("data", "checkpoint", "tensorboard", "benchmark", "hooks", "dlpack", "model_zoo", "_pytree"):
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'torch.utils' has no attribute '{name}'")
