"""Sizes given as one number or as one per dimension."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def tupled(value: Any, n: int) -> tuple:
    """value as a tuple of n, a single number repeated.

    Source: torch.nn.modules.utils, which keeps an iterable as long as it comes."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * n


def reversed_doubled(values: Iterable) -> tuple:
    """(a, b) → (b, b, a, a): the order in which F.pad takes symmetric paddings."""
    return tuple(v for value in reversed(list(values)) for v in (value, value))
