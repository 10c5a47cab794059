"""torch.xpu: Intel's GPUs, which this engine has not."""

from __future__ import annotations

from typing import Any


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """No stream to seed."""


def seed() -> None:
    """No stream to seed."""


def empty_cache() -> None:
    """Nothing is cached."""


def synchronize() -> Any:
    """Raises: RuntimeError, for there is no such device."""
    raise RuntimeError("PyTorch is not linked with support for xpu devices")


def current_allocated_memory() -> int:
    """0."""
    return 0


driver_allocated_memory = current_allocated_memory
