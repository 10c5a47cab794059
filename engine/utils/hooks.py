"""Handles that take a registered hook away again (torch.utils.hooks)."""

from __future__ import annotations

from typing import Any

from engine.autograd.node import RemovableHandle

__all__ = ["RemovableHandle", "unserializable_hook"]


def unserializable_hook(f: Any) -> Any:
    """The hook `f`, marked so that saving a tensor which carries it gives no warning."""
    f.__torch_unserializable__ = True
    return f
