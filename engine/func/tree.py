"""Nested tuples, lists and dictionaries of tensors, taken apart and put together again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any


def leaves(tree: Any) -> list:
    """What stands at the ends, from left to right."""
    if isinstance(tree, (tuple, list)):
        return [x for t in tree for x in leaves(t)]
    if isinstance(tree, dict):
        return [x for t in tree.values() for x in leaves(t)]
    return [tree]


def rebuilt(tree: Any, new: Any) -> Any:
    """The same structure around new ends, taken in order from an iterator."""
    if isinstance(tree, tuple):
        parts = [rebuilt(t, new) for t in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    if isinstance(tree, list):
        return [rebuilt(t, new) for t in tree]
    if isinstance(tree, dict):
        made = {k: rebuilt(t, new) for k, t in tree.items()}
        return OrderedDict(made) if isinstance(tree, OrderedDict) else made
    return next(new)


def mapped(fn: Callable, tree: Any) -> Any:
    """fn of every end, in the same structure."""
    return rebuilt(tree, iter([fn(x) for x in leaves(tree)]))
