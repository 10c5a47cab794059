"""The life of a tensor's memory: made, viewed, saved by nodes, changed in place, and who else looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.autograd.node import FREED, AccumulateGrad, Node, SavedTensor
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.protocol.event import VersionPart
from engine.recorders.name import variables
from engine.recorders.origin import LOG_MAX, version_seen
from engine.recorders.structure import made, walk_from
from engine.worker.explain import Place
from engine.worker.explain.subject import Subject, at_line, subject_of, walk_at
from engine.worker.slot import SlotError

ORDER = ("made", "changed", "viewed", "saved", "refused")
NODES_MAX = 20_000
SHARING_MAX = 32


def answer(request: ask.Explain, place: Place) -> happened.VersionsTold:
    """What happened to the memory of a node's value or of a variable, and which tensors share it.

    Raises: SlotError where its value is not held."""
    return Life(subject_of(request, place), place).event(request.tag)


class Life:
    """One tensor's memory, as far as it can be known where the run stands."""

    def __init__(self, subject: Subject, place: Place) -> None:
        if not isinstance(subject.array, (np.ndarray, np.generic)):
            raise SlotError(f"The value of {subject.name} is not held here.")
        self.subject = subject
        self.place = place
        self.walk = walk_at(place)
        self.nodes = self._known_nodes()
        self.root = root_of(subject.array)
        self.cell = self._cell()

    @property
    def version(self) -> int:
        """How often the memory was changed in place."""
        return 0 if self.cell is None else self.cell[0]

    def event(self, tag: str) -> happened.VersionsTold:
        """The answer."""
        parts = [*self._made(), *self._viewed(), *self._changed(), *self._saved()]
        parts.sort(key=lambda p: (p.version, ORDER.index(p.what)))
        subject = self.subject
        number = subject.number
        return happened.VersionsTold(
            tag, number, subject.name, self._sentence(parts), tuple(parts), self._sharing()
        )

    # -- what is known ---------------------------------------------------------------------------------------

    def _known_nodes(self) -> list[Node]:
        """The nodes of the backward that is shown, and those behind the script's variables."""
        found: dict[Node, None] = {}
        if self.walk is not None:
            found.update(dict.fromkeys(self.walk.structure.nodes))
        roots = [
            value._fn
            for _, value in variables(self.place.frame)
            if isinstance(value, nodes.Tensor) and value._fn is not None and value._fn not in found
        ]
        roots += [v._fn for v in self.place.names.values() if isinstance(v, nodes.Tensor) and v._fn]
        for root in dict.fromkeys(roots):
            if root not in found and len(found) < NODES_MAX:
                found.update(dict.fromkeys(walk_from([root])[0]))
        return list(found)

    def _cell(self) -> list | None:
        """The version counter of this memory."""
        tensor = self.subject.tensor
        if tensor is not None and tensor._cell is not None:
            return tensor._cell
        for held in (*(held for _, held in self._named()), *self._nameless()):
            if held._cell is not None and self._shares(held._a):
                return held._cell
        return None

    def _named(self) -> Iterator[tuple[str, Any]]:
        """Tensors that have a name: the script's variables, and the parameters of its modules."""
        for name, value in (*self.place.names.items(), *variables(self.place.frame)):
            if isinstance(value, nodes.Tensor):
                yield name, value
            elif isinstance(getattr(value, "__dict__", {}).get("_modules"), dict):
                for inner, parameter in value.named_parameters():
                    yield f"{name}.{inner}", parameter
            elif type(value) in (list, tuple) and len(value) <= 64:
                yield from ((f"{name}[{i}]", v) for i, v in enumerate(value) if isinstance(v, nodes.Tensor))

    def _nameless(self) -> Iterator[Any]:
        """Leaves, and what nodes keep."""
        for node in self.nodes:
            if isinstance(node, AccumulateGrad):
                yield node.variable
            yield from (kept.tensor for _, kept in saved_by(node) if kept.tensor is not None)

    def _shares(self, array: Any) -> bool:
        if array is self.subject.array:
            return True
        return isinstance(array, np.ndarray) and self.root is not None and root_of(array) is self.root

    # -- moments ---------------------------------------------------------------------------------------------

    def _made(self) -> Iterator[VersionPart]:
        subject, place = self.subject, self.place
        node = self._maker()
        if node is not None:
            note = made(node)
            op = node.op.name if node.op is not None else node.name()
            text = f"Made by {op}{at_line(note.file, note.line, place)}."
            yield VersionPart(0, "made", op, text, note.file, note.line, self._number(node))
            return
        origin = subject.origin
        if origin is None or not origin.line:
            text = f"Made as {'a parameter' if subject.is_param else 'a tensor'}; by which line was not seen."
            yield VersionPart(0, "made", "", text, "", 0, subject.number)
            return
        text = f"Made{at_line(origin.file, origin.line, place)}."
        yield VersionPart(0, "made", origin.op, text, origin.file, origin.line, subject.number)

    def _maker(self) -> Node | None:
        """The node whose op first gave this memory: no view, and none that changed it in place."""
        for node in sorted(self.nodes, key=lambda n: n.sequence):
            if isinstance(node, AccumulateGrad):
                continue
            note = made(node)
            if note.result is not None and self._shares(note.result) and not _is_view(node):
                return None if self._is_leaf() else node
        return None

    def _is_leaf(self) -> bool:
        """Whether a leaf stands at the beginning of this memory."""
        return any(isinstance(node, AccumulateGrad) and self._shares(node.variable._a) for node in self.nodes)

    def _viewed(self) -> Iterator[VersionPart]:
        for node in sorted(self.nodes, key=lambda n: n.sequence):
            if isinstance(node, AccumulateGrad) or not _is_view(node):
                continue
            note = made(node)
            if note.result is None or note.result is self.subject.array or not self._shares(note.result):
                continue
            text = f"{node.op.name}{at_line(note.file, note.line, self.place)} looks at the same memory."
            yield VersionPart(
                version_seen(node),
                "viewed",
                node.op.name,
                text,
                note.file,
                note.line,
                self._number(node),
            )

    def _log(self) -> list[tuple[int, str, str, int]]:
        return self.cell[2] if self.cell is not None and len(self.cell) > 2 else []

    def _changed(self) -> Iterator[VersionPart]:
        log = self._log()
        for version, op, file, line in log:
            text = f"Changed in place by {op}{at_line(file, line, self.place)}: now version {version}."
            yield VersionPart(version, "changed", op, text, file, line)
        unseen = self.version - len(log)
        if unseen > 0 and len(log) < LOG_MAX:
            times = "Once" if unseen == 1 else f"{unseen} times"
            text = f"{times} more by what was not seen: backward adding to it, or another thread."
            yield VersionPart(self.version, "changed", "", text)
        if len(log) >= LOG_MAX:
            text = f"Only the first and the latest {LOG_MAX - 1} changes are remembered."
            yield VersionPart(log[1][0], "changed", "", text)

    def _saved(self) -> Iterator[VersionPart]:
        for node in self.nodes:
            for name, kept in saved_by(node):
                if not self._is_kept(kept):
                    continue
                note = made(node)
                where = f"{node.name()}{at_line(note.file, note.line, self.place)}"
                number = self._number(node)
                text = f"Saved for backward by {where} as “{name}”, at version {kept.version}."
                op = node.op.name if node.op is not None else node.name()
                yield VersionPart(kept.version, "saved", op, text, note.file, note.line, number)
                if kept.version != self.version:
                    text = (
                        f"{where} needs version {kept.version}, and the memory is at version {self.version}: "
                        "backward refuses there."
                    )
                    yield VersionPart(self.version, "refused", op, text, note.file, note.line, number)

    def _is_kept(self, kept: SavedTensor) -> bool:
        tensor = kept.tensor
        if tensor is None:
            return False
        if self.cell is not None and tensor._cell is self.cell:
            return True
        return self._shares(tensor._a)

    def _number(self, node: Node) -> int:
        return -1 if self.walk is None else self.walk.structure.index.get(node, -1)

    # -- in words --------------------------------------------------------------------------------------------

    def _sentence(self, parts: list[VersionPart]) -> str:
        name = self.subject.name
        refused = [p for p in parts if p.what == "refused"]
        changed = [p for p in parts if p.what == "changed" and p.line]
        saved = [p for p in parts if p.what == "saved"]
        if refused:
            first = refused[0]
            keeper = next(p for p in saved if p.node == first.node and p.line == first.line)
            later = [p for p in changed if p.version > keeper.version]
            by = "the script"
            if later:
                by = f"{later[0].op}{at_line(later[0].file, later[0].line, self.place)}"
            return (
                f"{name} was saved by {keeper.op}{at_line(keeper.file, keeper.line, self.place)} at version "
                f"{keeper.version} and then changed in place by {by}: backward cannot use it. Change a copy "
                f"instead ({name} = {name} + ...)."
            )
        if not self.version:
            kept = f"; {len(saved)} nodes keep it for backward" if len(saved) > 1 else ""
            kept = "; one node keeps it for backward" if len(saved) == 1 else kept
            return f"{name} was never changed in place: it is at version 0{kept}."
        times = "once" if self.version == 1 else f"{self.version} times"
        return f"{name} was changed in place {times}, and no node that is held needs an older version."

    def _sharing(self) -> tuple[str, ...]:
        """Names of other tensors on the same memory: variables, parameters, .grad, NumPy arrays, results."""
        own = self.subject
        found: dict[str, None] = {}
        for name, held in self._named():
            other = held is not own.tensor and name != own.name
            if other and self._is_on(held):
                found[name] = None
            grad = held.__dict__.get("grad")
            if grad is not None and grad is not own.tensor and self._shares(grad._a):
                found[f"{name}.grad"] = None
        for name, value in variables(self.place.frame):
            if type(value) is np.ndarray and self._shares(value) and not name.startswith("_"):
                found[f"{name} (NumPy)"] = None
        return tuple(n for n in found if not n.startswith("_"))[:SHARING_MAX]

    def _is_on(self, held: Any) -> bool:
        return self.cell is not None and held._cell is self.cell or self._shares(held._a)


def saved_by(node: Node) -> Iterator[tuple[str, SavedTensor]]:
    """What a node keeps for backward, by name; nothing once it was freed."""
    if node.saved is not FREED:
        for name, value in node.saved.items():
            for kept in value if isinstance(value, list) else (value,):
                if isinstance(kept, SavedTensor):
                    yield name, kept
    for place, kept in enumerate(node.__dict__.get("_kept") or ()):
        if isinstance(kept, SavedTensor):
            yield f"saved_tensors[{place}]", kept


def root_of(array: Any) -> np.ndarray | None:
    """The array that owns the memory; None for a NumPy scalar, which has none to share."""
    if not isinstance(array, np.ndarray):
        return None
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _is_view(node: Node) -> bool:
    return node.op is not None and node.op.family == "view"
