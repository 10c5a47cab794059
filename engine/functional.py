"""torch.functional: functions of torch.* under their older address."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    import engine

    if name.startswith("_"):
        raise AttributeError(f"module 'torch.functional' has no attribute '{name}'")
    return getattr(engine, name)
