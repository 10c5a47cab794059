"""Where tensors without a gradient come from, and where a path to a gradient was cut.

Noted only while somebody watches. A note hangs on its tensor and ends with it; a place in the script at which
paths are cut is kept once, however often it is passed.
"""

from __future__ import annotations

import sys
import weakref
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.autograd.node import AccumulateGrad, Node
from engine.recorders.place import Places

CUTS_MAX = 8
"""So many cuts are remembered of one tensor."""
SITES_MAX = 1000
NODES_MAX = 4096
"""So many nodes are looked at, at one cut, to see which leaves lie before it."""
LEAVES_MAX = 4096
NUMBERS_MAX = 64
LOG_MAX = 64
"""So many changes of one tensor's memory are remembered; the first and the latest."""

_SPOKEN = {"__init__": "initialization", "set_item": "x[...] = ...", "_wrote": "initialization"}


class Cut:
    """A place in the script at which a value goes on without its history.

    kind: 'detach', 'no_grad', 'inference', 'not differentiable', 'integer', 'data', 'copied', 'number',
    'numpy'. op: what did it; entered: the line of the `with no_grad()`. leaves: those that lie before it."""

    __slots__ = ("alone", "entered", "file", "kind", "leaves", "line", "op")

    def __init__(self, kind: str, op: str, file: str, line: int, entered: int) -> None:
        self.kind, self.op, self.file, self.line, self.entered = kind, op, file, line, entered
        self.leaves: dict[int, weakref.ref[Any]] = {}
        self.alone: tuple = (op, file, line, (self,))
        """The origin of what this cut alone lies before."""

    def is_after(self, leaf: Any) -> bool:
        """Whether this leaf's path led here."""
        ref = self.leaves.get(id(leaf))
        return ref is not None and ref() is leaf


class Origin(NamedTuple):
    """Where a tensor without a node was made, and the cuts between it and what could have had a gradient.

    On the tensor it is a bare tuple, which is made several times faster."""

    op: str
    file: str
    line: int
    cuts: tuple[Cut, ...] = ()


class Plain(NamedTuple):
    """A tensor without gradient that entered a node: its array, where it was made, if it is a parameter."""

    array: Any
    origin: Origin | None
    is_param: bool


class Cleared:
    """A call of zero_grad: where, whether it set to None, and whose parameters."""

    __slots__ = ("backward", "file", "line", "owner", "to_none")

    def __init__(self, file: str, line: int, owner: Any, to_none: bool, backward: int) -> None:
        self.file, self.line, self.to_none, self.backward = file, line, to_none, backward
        self.owner = weakref.ref(owner)

    def covers(self, leaf: Any) -> bool:
        """Whether this leaf is among the parameters."""
        owner = self.owner()
        groups = getattr(owner, "param_groups", None)
        if groups is not None:
            return any(p is leaf for g in groups for p in g["params"])
        return owner is not None and any(p is leaf for p in owner.parameters())


class Origins:
    """Notes on tensors that have no node, kept as cheap as can be."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.sites: dict[tuple[str, str, str, int], Cut] = {}
        self.cleared: deque[Cleared] = deque(maxlen=16)
        self.stepping = ""
        """The name of the optimizer that is changing its parameters: what it computes is its own affair."""
        self._known: dict[tuple[Any, int], Cut] = {}  # the sites under no_grad once more, found faster
        self._numbers: deque[tuple[float, tuple[Cut, ...]]] = deque(maxlen=NUMBERS_MAX)
        self._arrays: deque[tuple[weakref.ref[Any], tuple[Cut, ...]]] = deque(maxlen=16)
        self._off: list[tuple[str, int] | None] = []

    # -- ops -------------------------------------------------------------------------------------------------

    def note(self, op: Any, bound: tuple, result: Any, file: str, line: int) -> None:
        """An op ran: note the cuts of results without gradient, and what came into a node without one."""
        if type(result) is tuple:
            for each in result:
                if isinstance(each, nodes.Tensor) and not each._rg:
                    self._note_plain(op, bound, each, file, line)
            result = result[0] if result else None
            if not isinstance(result, nodes.Tensor):
                return
        elif not result._rg:
            self._note_plain(op, bound, result, file, line)
        if result._rg:
            node = result._fn
            if node is None or type(node) is AccumulateGrad:
                return
            plain: list[tuple] | None = None
            T = nodes.Tensor
            for v in bound:
                if isinstance(v, T):
                    if not v._rg and (v._origin is not None or v._is_param) and v is not result:
                        one = (v._a, v._origin, v._is_param)
                        if plain is None:
                            plain = [one]
                        else:
                            plain.append(one)
                elif type(v) is list or type(v) is tuple:
                    listed = [
                        (x._a, x._origin, x._is_param)
                        for x in v
                        if isinstance(x, T) and not x._rg and x._origin is not None
                    ]
                    if listed:
                        plain = listed if plain is None else plain + listed
            if plain is not None:
                node.__dict__["plain"] = plain
            if result._view is not None:
                node.__dict__["version_seen"] = result._cell[0]
        cell = result._cell
        if cell is not None and len(cell) > 2 and bound and result is bound[0]:
            last = cell[2][-1]
            if last[0] == cell[0] and last[1] in ("function", "method"):
                name = op.name.partition(".")[0].rstrip("_") + "_"
                cell[2][-1] = (last[0], name, last[2], last[3])

    def _note_plain(self, op: Any, bound: tuple, result: Any, file: str, line: int) -> None:
        cut: Cut | None = None
        asked = False
        cuts: tuple[Cut, ...] = ()
        T = nodes.Tensor
        for v in bound:
            if isinstance(v, T):
                if v._rg or v._view is not None and v.requires_grad:
                    if not asked:
                        cut, asked = self._cut_by(op, result, file, line), True
                    if cut is not None:
                        ref = cut.leaves.get(id(v))
                        if ref is None or ref() is not v:
                            self._mark(cut, v)
                else:
                    origin = v._origin
                    if origin is not None and origin[3]:
                        cuts = _joined(cuts, origin[3]) if cuts else origin[3]
            elif (type(v) is list or type(v) is tuple) and v and isinstance(v[0], T):
                others = [x for x in bound if x is not v]
                self._note_plain(op, (*others, *v), result, file, line)
                return
        known = result._origin
        if known is not None and (result._is_param or bound and result is bound[0]):
            more = cuts if cut is None else _joined(cuts, cut.alone[3])
            if more:
                result._origin = (*known[:3], _joined(known[3], more))
        elif cut is None:
            result._origin = (op.name, file, line, cuts)
        else:
            result._origin = cut.alone if not cuts else (op.name, file, line, _joined(cuts, cut.alone[3]))

    def _cut_by(self, op: Any, result: Any, file: str, line: int) -> Cut | None:
        """What keeps this op's result from having a node, though an input would have wanted one."""
        if self.stepping:
            return None
        if not modes.grad_enabled:
            if self._off and self._off[-1] is None:
                return None  # the engine's own no_grad, around what has its own gradient
            known = self._known.get((op, line))
            if known is not None and known.file is file and not modes.inference:
                return known
            entered = self._off[-1][1] if self._off and self._off[-1] is not None else 0
            kind = "inference" if modes.inference else "no_grad"
            cut = self.site(kind, op.name, file, line, entered)
            if not modes.inference and len(self._known) < SITES_MAX:
                self._known[op, line] = cut
            return cut
        kind = "not differentiable" if result._a.dtype.kind in "fcV" or not op.grads else "integer"
        return self.site(kind, op.name, file, line)

    # -- ways out of the graph -------------------------------------------------------------------------------

    def left_graph(self, kind: str, op: str, source: Any, result: Any) -> None:
        """A value left the graph through `op` ('detach', 'item' ...), called by the script itself."""
        wanted = source._rg or source._view is not None and source.requires_grad
        known = source._origin
        if not wanted and (known is None or not known[3]):
            return
        frame = self.places.frame(2)
        if frame is None:
            return
        if kind in ("detach", "data", "copied") and not self._is_direct(frame.f_code):
            return
        cuts: tuple[Cut, ...] = () if known is None else known[3]
        if wanted:
            cut = self.site(kind, op, frame.f_code.co_filename, frame.f_lineno)
            if kind not in ("number", "numpy") or not any(r() is not None for r in cut.leaves.values()):
                self._mark(cut, source)
            cuts = (cut,)
        if kind == "number":
            if isinstance(result, float):
                self._numbers.append((result, cuts))
        elif kind == "numpy":
            self._arrays.append((weakref.ref(_root(result)), cuts))
        else:
            result._origin = (op, frame.f_code.co_filename, frame.f_lineno, cuts)

    def tensor_made(self, op: str, tensor: Any, data: Any = None) -> None:
        """The script made a tensor from nothing, from numbers, or from other tensors' values."""
        file, line = self.places.here(2)
        if not line:
            return
        cuts: tuple[Cut, ...] = ()
        for value in data[:64] if type(data) in (list, tuple) else (data,):
            if not isinstance(value, nodes.Tensor):
                continue
            if value._rg:
                cut = self.site("copied", op, file, line)
                self._mark(cut, value)
                cuts = _joined(cuts, (cut,))
            elif value._origin is not None:
                cuts = _joined(cuts, value._origin[3])
        array = tensor._a
        if self._numbers and isinstance(data, float) and data not in (0.0, 1.0):
            for number, before in reversed(self._numbers):
                if number == data:
                    cuts = _joined(cuts, before)
                    break
        if self._arrays and isinstance(data, np.ndarray):
            root = _root(data)
            for ref, before in self._arrays:
                if ref() is root:
                    cuts = _joined(cuts, before)
        if isinstance(array, (np.ndarray, np.generic)):
            tensor._origin = (op, file, line, cuts)

    def grad_switched(self, off: bool) -> None:
        """A no_grad (or like it) was entered, by the script or by the engine itself; or left."""
        if not off:
            if self._off:
                self._off.pop()
            return
        frame = sys._getframe(3)
        while frame.f_code.co_filename == modes.__file__ and frame.f_back is not None:
            frame = frame.f_back
        if len(self._off) >= SITES_MAX:  # set_grad_enabled as a plain call is never left
            del self._off[: SITES_MAX // 2]
        users = self.places.is_users(frame.f_code)
        self._off.append((frame.f_code.co_filename, frame.f_lineno) if users else None)

    def grads_cleared(self, owner: Any, to_none: bool, backward: int) -> None:
        """zero_grad was called."""
        file, line = self.places.here(2)
        self.cleared.append(Cleared(file, line, owner, to_none, backward))

    def version_raised(self, cell: list, name: str, file: str, line: int) -> None:
        """A tensor's memory was changed in place by the engine's function `name`, called at this line."""
        if len(cell) < 3:
            cell.append([])
        log = cell[2]
        log.append(
            (cell[0], f"{self.stepping}.step" if self.stepping else _SPOKEN.get(name, name), file, line)
        )
        if len(log) > LOG_MAX:
            del log[1]

    # -- places ----------------------------------------------------------------------------------------------

    def site(self, kind: str, op: str, file: str, line: int, entered: int = 0) -> Cut:
        """The cut of this kind at this line."""
        key = (kind, op, file, line)
        cut = self.sites.get(key)
        if cut is None:
            if len(self.sites) >= SITES_MAX:
                self.sites.pop(next(iter(self.sites)))
            cut = self.sites[key] = Cut(kind, op, file, line, entered)
        return cut

    def _is_direct(self, code: Any) -> bool:
        """Whether the script itself called, and not a part of the engine on its behalf."""
        return sys._getframe(5).f_code is code

    def _mark(self, cut: Cut, source: Any) -> None:
        """Note on all that lies before this tensor that its path led to this cut."""
        fn = source._fn if source._view is None else source.grad_fn
        leaves = cut.leaves
        if fn is None:
            ref = leaves.get(id(source))
            if ref is None or ref() is not source:
                leaves[id(source)] = weakref.ref(source)
            return
        if len(leaves) > LEAVES_MAX:
            for key in [k for k, ref in leaves.items() if ref() is None]:
                del leaves[key]
        stack, left = [fn], NODES_MAX
        while stack and left:
            node = stack.pop()
            left -= 1
            if type(node) is AccumulateGrad:
                leaf = node.variable
                if id(leaf) not in leaves or leaves[id(leaf)]() is not leaf:
                    leaves[id(leaf)] = weakref.ref(leaf)
                continue
            known = node.__dict__
            passed = known.get("left", ())
            if cut in passed:
                continue
            known["left"] = (*passed, cut)
            stack.extend([f for f, _ in node.next_functions if f is not None])


def origin_of(tensor: Any) -> Origin | None:
    """Where a tensor without a node was made, as far as it was noted."""
    return None if tensor._origin is None else Origin(*tensor._origin)


def plain_inputs(node: Node) -> list[Plain]:
    """The tensors without gradient that entered this node, as far as they were noted."""
    noted = node.__dict__.get("plain", ())
    return [Plain(array, None if o is None else Origin(*o), is_param) for array, o, is_param in noted]


def cuts_after(node: Node) -> tuple[Cut, ...]:
    """The cuts to which this node's value led."""
    return node.__dict__.get("left", ())


def version_seen(node: Node) -> int:
    """The version of the memory at which the view that this node made was taken."""
    return node.__dict__.get("version_seen", 0)


def _joined(cuts: tuple[Cut, ...], more: Iterable[Cut]) -> tuple[Cut, ...]:
    for cut in more:
        if cut not in cuts:
            cuts = (*cuts, cut)
    return cuts[-CUTS_MAX:]


def _root(array: np.ndarray) -> np.ndarray:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
