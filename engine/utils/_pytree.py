"""Nested containers, taken apart into leaves and put together again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = [
    "TreeSpec",
    "tree_any",
    "tree_flatten",
    "tree_leaves",
    "tree_map",
    "tree_map_only",
    "tree_unflatten",
]


class TreeSpec(NamedTuple):
    """How leaves are put together: a kind of container, its keys, a spec for each part; a leaf has none."""

    kind: Any
    keys: Any
    parts: list

    @property
    def num_leaves(self) -> int:
        """How many leaves it takes."""
        return 1 if self.kind is None else sum(part.num_leaves for part in self.parts)


def tree_flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list, TreeSpec]:
    """The leaves of lists, tuples and dicts, and how to put them together again."""
    leaves: list[Any] = []

    def walk(node: Any) -> TreeSpec:
        kind: Any = type(node)
        if is_leaf is not None and is_leaf(node):
            kind = None
        if kind in (dict, OrderedDict):
            return TreeSpec(kind, list(node), [walk(part) for part in node.values()])
        if (
            kind in (list, tuple)
            or isinstance(node, tuple)
            and hasattr(node, "_fields")
            and kind is not None
        ):
            return TreeSpec(kind, None, [walk(part) for part in node])
        leaves.append(node)
        return TreeSpec(None, None, [])

    return leaves, walk(tree)


def tree_unflatten(leaves: Any, treespec: TreeSpec) -> Any:
    """The tree that `treespec` makes of the leaves.

    Raises: ValueError where their number does not fit."""
    given = list(leaves)
    if len(given) != treespec.num_leaves:
        raise ValueError(
            f"tree_unflatten(leaves, treespec): `leaves` has length {len(given)} but the spec refers to a "
            f"pytree that holds {treespec.num_leaves} items."
        )
    rest = iter(given)

    def build(spec: TreeSpec) -> Any:
        if spec.kind is None:
            return next(rest)
        parts = [build(part) for part in spec.parts]
        if spec.keys is not None:
            return spec.kind(zip(spec.keys, parts))
        return spec.kind(*parts) if hasattr(spec.kind, "_fields") else spec.kind(parts)

    return build(treespec)


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list:
    """The leaves."""
    return tree_flatten(tree, is_leaf)[0]


def tree_map(func: Callable, tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """The same tree with `func` of each leaf."""
    leaves, spec = tree_flatten(tree, is_leaf)
    others = [tree_flatten(rest, is_leaf)[0] for rest in rests]
    return tree_unflatten([func(*row) for row in zip(leaves, *others)], spec)


def tree_map_only(kind: Any, func: Callable, tree: Any) -> Any:
    """The same tree with `func` of each leaf of this kind."""
    return tree_map(lambda leaf: func(leaf) if isinstance(leaf, kind) else leaf, tree)


def tree_any(pred: Callable[[Any], bool], tree: Any) -> bool:
    """Whether `pred` holds for a leaf."""
    return any(map(pred, tree_leaves(tree)))
