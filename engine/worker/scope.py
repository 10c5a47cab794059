"""What an expression can name where the run stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import numpy as np

from engine.autograd.node import FREED, AccumulateGrad
from engine.recorders.name import ModuleNames, variables
from engine.recorders.recorder import value_of
from engine.recorders.walk import BackwardWalk
from engine.worker.slot import SlotError, read


class Scope(Mapping[str, Any]):
    """Names to numbers and arrays: those put in, those of the node, the leaves, the script's variables."""

    def __init__(
        self,
        own: dict[str, Any],
        walk: BackwardWalk | None = None,
        node: int = -1,
        frame: FrameType | None = None,
        names: ModuleNames | None = None,
    ) -> None:
        self._own = own
        self._walk = walk
        self._node = node
        self._frame = frame
        self._names = names

    def __getitem__(self, name: str) -> Any:
        if name in self._own:
            return _plain(self._own[name])
        for find in (self._of_node, self._of_leaf, self._of_script):
            found = find(name)
            if found is not None:
                return found
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        try:
            self[str(name)]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        walk = self._walk
        if walk is not None and 0 <= self._node < len(walk.structure.nodes):
            node = walk.structure.nodes[self._node]
            yield from ("grad", "result")
            if node.saved is not FREED:
                yield from node.saved

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _of_node(self, name: str) -> Any:
        walk, number = self._walk, self._node
        if walk is None or not 0 <= number < len(walk.structure.nodes):
            return None
        node = walk.structure.nodes[number]
        if isinstance(node, AccumulateGrad):
            # What arrives at a leaf is its gradient, until it is added to what the leaf has.
            arrived = "incoming:0" if node is walk.node else "leaf_grad"
            what = {"grad": arrived, "incoming": "incoming:0"}.get(name)
            what = "value" if name in ("self", "result", "value") else what
        else:
            what = {"result": "value", "value": "value", "grad": "grad", "incoming": "incoming:0"}.get(name)
            if what is None and node.saved is not FREED and name in node.saved:
                what = "saved:" + name
        if name == "self" and what is None:
            parts = walk.structure.definition.edges
            source = next((e.source for e in parts if e.target == number and e.slot == 0), None)
            return None if source is None else _plain(value_of(walk, source))
        if what is None:
            return None
        try:
            return _plain(read(walk, number, what))
        except SlotError:
            return None

    def _of_leaf(self, name: str) -> Any:
        walk = self._walk
        wanted, grad = (name[:-5], True) if name.endswith(".grad") else (name, False)
        if walk is None:
            tensor = None if self._names is None else self._names.tensor(wanted)
            return None if tensor is None else _plain(tensor.__dict__.get("grad") if grad else tensor)
        for number, part in enumerate(walk.structure.definition.nodes):
            if part.kind == "leaf" and part.name == wanted:
                tensor = walk.structure.nodes[number].variable  # type: ignore[attr-defined]
                return _plain(tensor.__dict__.get("grad") if grad else tensor)
        return None

    def _of_script(self, name: str) -> Any:
        for known, value in variables(self._frame):
            if known == name:
                return _plain(value)
        return None


def _plain(value: Any) -> Any:
    """A tensor's array, a number as it is; None for all else. Narrow floats are widened for arithmetic."""
    value = getattr(value, "_a", value)
    if isinstance(value, (np.ndarray, np.generic)):
        return (
            value.astype(np.float32)
            if value.dtype.kind == "V" or value.dtype.itemsize < 4 and value.dtype.kind == "f"
            else value
        )
    return value if isinstance(value, (int, float, bool)) else None
