"""torch.accelerator: there is none but the CPU."""

from __future__ import annotations

from typing import Any

from engine.core import device as devices


def is_available() -> bool:
    """False: no accelerator."""
    return False


def current_accelerator(check_available: bool = False) -> devices.device | None:
    """None: no accelerator."""
    return None


def device_count() -> int:
    """0."""
    return 0


def _none(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("Cannot access accelerator device when none is available.")


current_device_index = current_device_idx = set_device_index = set_device_idx = _none
current_stream = set_stream = synchronize = _none


def empty_cache() -> None:
    """Nothing is cached on a device."""


def memory_allocated(device: Any = None) -> int:
    """0."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing is counted."""
