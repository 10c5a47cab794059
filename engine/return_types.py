"""torch.return_types: the classes of results with named parts (max, sort, topk ...)."""

from __future__ import annotations

from engine.ops.calling import RETURN_TYPES


def __getattr__(name: str) -> type:
    """The class of results of this name. Raises: AttributeError where no op has one."""
    if name in RETURN_TYPES:
        return RETURN_TYPES[name]
    raise AttributeError(f"module 'torch.return_types' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(RETURN_TYPES)
