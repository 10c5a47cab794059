"""torch.cpu: the one device there is."""

from __future__ import annotations

from typing import Any


def is_available() -> bool:
    """True."""
    return True


def device_count() -> int:
    """1."""
    return 1


def current_device() -> str:
    """cpu."""
    return "cpu"


def synchronize(device: Any = None) -> None:
    """Everything has run already."""
