"""Nodes of the graph: what a grad_fn is, and what it keeps for backward."""

from __future__ import annotations

import itertools
import traceback
import weakref
from sys import getrefcount
from typing import Any

import numpy as np

from engine.autograd import modes

new = object.__new__
_sequence = itertools.count()
LAST = 1 << 62
"""Sequence number of AccumulateGrad: it runs as soon as it is ready."""

FREED: dict = {}
"""Stands in `Node.saved` after backward has let the saved tensors go."""

SECOND_TIME = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have "
    "already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved tensors "
    "after calling backward.")

Tensor: Any = None
"""The Tensor class; engine.tensor sets it when it loads (a node makes tensors, yet sits below them)."""


class SavedTensor:
    """A tensor kept for backward, with the version it had, so that a later in-place change is noticed."""

    # Class-level values, shadowed only where they differ: one of these is made for every saved tensor.
    version = 0
    output = -1
    packed: Any = None
    unpack_hook: Any = None

    def __init__(self, tensor: Any, output: int = -1) -> None:
        cell = tensor._cell
        if cell is not None:
            self.version = cell[0]
        if output >= 0:  # a node that kept its own output as such would keep itself alive
            self.output = output
            kept = new(Tensor)
            kept._a = tensor._a
            kept._cell = tensor._version_cell() if cell is None else cell
            tensor = kept
        if modes.saved_hooks:
            pack, self.unpack_hook = modes.saved_hooks[-1]
            with modes.no_grad():
                self.packed = pack(tensor)
            self.tensor = None
        else:
            self.tensor = tensor

    def unpack(self, node: Node) -> Any:
        """The tensor, if it is still what it was.

        Raises: RuntimeError when it was changed in place since."""
        if self.unpack_hook is not None:
            with modes.no_grad():
                found = self.unpack_hook(self.packed)
        else:
            found = self.tensor
            cell = found._cell  # type: ignore[union-attr]
            if cell is not None and cell[0] != self.version:
                raise RuntimeError(changed_in_place(found, self.version, node, self.output))
        if self.output >= 0 and modes.grad_enabled:
            shown = Tensor.__new__(Tensor)
            shown._a, shown._cell = found._a, found._cell
            shown._rg, shown._fn, shown._nr = True, node, self.output
            return shown
        return found


def plain_name(node: Node) -> str:
    """A node's name as PyTorch's messages say it: Mul for MulBackward0."""
    name = node.name()
    return name.rstrip("0123456789").removesuffix("Backward") if "Backward" in name else name


def changed_in_place(tensor: Any, version: int, node: Node, output: int) -> str:
    """PyTorch's message for a saved tensor that was changed, and the line that changed it where it is
    known."""
    kind = tensor.type()
    of = (
        f", which is output {max(output, tensor._nr)} of "
          f"{plain_name(node if output >= 0 else tensor.grad_fn)},"
        if output >= 0 or tensor._fn is not None
        else ""
    )
    message = (f"one of the variables needed for gradient computation has been modified by an inplace "
               f"operation: "
               f"[{kind} {list(tensor.shape)}]{of} is at version {tensor._version}; expected version "
               f"{version} instead.")
    where = tensor._cell[1] if len(tensor._cell) > 1 else None
    if where:
        note = node.__dict__.get("made")  # an observer's
        at = "" if note is None or not note.line else f"{note.file}:{note.line}"
        saved = f" {node.name()} saved it at {at}." if at else ""
        return f"{message}{saved} It was changed in place at {where}."
    return message + (" Hint: enable anomaly detection to find the operation that failed to compute its "
                      "gradient, "
                      "with torch.autograd.set_detect_anomaly(True, check_nan=False).")


class Node:
    """One step of the graph. `next_functions` are the edges to the producers of its inputs.

    A node of an op evaluates the op's gradient formulas; see engine.ops.record. `shape` and `np_dtype` are
    those of its output; `metas` has them for each output where there are several."""

    __slots__ = (
        "next_functions",
        "sequence",
        "saved",
        "op",
        "shape",
        "np_dtype",
        "metas",
        "__dict__",
        "__weakref__",
    )

    # Hooks are rare: the instance dictionary shadows these only when one is registered.
    pre_hooks: Any = None
    post_hooks: Any = None
    tensor_hooks: Any = None
    retained: Any = None
    made_at: Any = None

    def __init__(self, next_functions: tuple = ()) -> None:
        self.next_functions = next_functions
        self.sequence = next(_sequence)
        self.saved: dict = {}
        self.metas = None
        self.op: Any = None
        self.shape: tuple = ()
        self.np_dtype: Any = None
        if modes.anomaly:
            self.remember_line()

    def remember_line(self) -> None:
        """Keep where the forward stands, for anomaly mode's message."""
        self.made_at = traceback.extract_stack()[:-4]

    def name(self) -> str:
        """PyTorch's name of this node."""
        return type(self).__name__

    @property
    def outputs(self) -> int:
        """How many outputs the forward had, so how many gradients come in."""
        return 1 if self.metas is None else len(self.metas)

    def meta(self, nr: int) -> tuple[tuple[int, ...], Any]:
        """(shape, NumPy dtype) of output `nr`."""
        return (self.shape, self.np_dtype) if self.metas is None else self.metas[nr]

    def apply(self, grads: list) -> Any:
        """The gradients of the inputs, one for each edge, from those of the outputs."""
        raise RuntimeError(f"{self.name()} has no derivative")

    def __call__(self, *grads: Any) -> Any:
        """Run this node by hand, as PyTorch allows."""
        out = list(self.apply(list(grads)))
        return out[0] if len(out) == 1 else tuple(out)

    def release(self) -> None:
        """Let the saved tensors go."""
        if self.saved:
            self.saved = FREED

    def value_of(self, name: str) -> Any:
        """A saved value by name, unpacked.

        Raises: RuntimeError after they were freed, or when one was changed in place."""
        if self.saved is FREED:
            raise RuntimeError(SECOND_TIME)
        v = self.saved.get(name)
        if type(v) is SavedTensor:
            return v.unpack(self)
        if type(v) is list:
            return [x.unpack(self) if type(x) is SavedTensor else x for x in v]
        return v

    @property
    def saved_names(self) -> list[str]:
        """Names of what is kept: self, other, result ..."""
        return list(self.saved)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_saved_"):
            return self.value_of(name[7:])
        if name.startswith("_raw_saved_") and name[11:] in self.saved:
            return self.saved[name[11:]]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(f"_saved_{n}" for n in self.saved)]

    @property
    def metadata(self) -> dict:
        """A dictionary for the user's own notes."""
        return self.__dict__.setdefault("_metadata", {})

    def _sequence_nr(self) -> int:
        return self.sequence

    def register_hook(self, fn: Any) -> RemovableHandle:
        """Call fn(grad_inputs, grad_outputs) after this node ran; what it returns replaces grad_inputs."""
        if self.post_hooks is None:
            self.post_hooks = {}
        return RemovableHandle(self.post_hooks, fn)

    def register_prehook(self, fn: Any) -> RemovableHandle:
        """Call fn(grad_outputs) before this node runs; what it returns replaces them."""
        if self.pre_hooks is None:
            self.pre_hooks = {}
        return RemovableHandle(self.pre_hooks, fn)


class RemovableHandle:
    """Takes a hook off again: handle.remove(), or as a context manager."""

    __module__ = "torch.utils.hooks"
    _ids = itertools.count()

    def __init__(self, hooks: dict, fn: Any = None, *, prepend: bool = False) -> None:
        self.id = next(RemovableHandle._ids)
        self._hooks = hooks if not isinstance(hooks, dict) or type(hooks) is dict else weakref.ref(hooks)
        if fn is not None:
            hooks[self.id] = fn
            if prepend:
                for key in [k for k in hooks if k != self.id]:
                    hooks[key] = hooks.pop(key)

    def remove(self) -> None:
        """Take the hook off; a second call does nothing."""
        hooks = self._hooks() if isinstance(self._hooks, weakref.ref) else self._hooks
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class AccumulateGrad(Node):
    """The end of a path: adds what arrives to its leaf's .grad."""

    __module__ = "builtins"
    __slots__ = ("variable",)

    # What is the same for all of them stands here once: each forward makes one for every leaf it meets.
    next_functions = ()
    sequence = LAST
    saved: dict = {}
    op = None
    metas = None

    def __init__(self, variable: Any) -> None:
        self.variable = variable

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """The leaf's shape."""
        return self.variable._a.shape

    @property
    def np_dtype(self) -> Any:  # type: ignore[override]
        """The leaf's NumPy type."""
        return self.variable._a.dtype

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    def apply(self, grads: list) -> tuple:
        more = grads[0]
        if more is None:
            return ()
        variable = self.variable
        known = variable.__dict__
        have = known.get("grad")
        if have is None:
            a = more._a
            if type(a) is not np.ndarray and not more._rg and not more.is_sparse:
                known["grad"] = own = new(Tensor)  # a NumPy scalar cannot be changed by others
                own._a = a
            elif more.is_sparse:
                known["grad"] = more
                return ()
            elif modes.grad_enabled and more._rg:
                known["grad"] = more
            elif (type(a) is np.ndarray and modes.observer is None and getrefcount(a) == 3
                  and getrefcount(more) == 3 and a.flags.c_contiguous
                  and (a.base is None or type(a.base) is np.ndarray and getrefcount(a.base) == 2
                       and a.base.base is None and a.base.size == a.size)):
                known["grad"] = more  # nobody else holds it or its array: they become the leaf's own
            else:
                # Others may hold this very array (a sum hands one gradient to both of its inputs): a copy
                # of our own.
                known["grad"] = Tensor._of(a if isinstance(a, np.generic) else a.copy())
        elif modes.grad_enabled and (have._rg or more._rg):
            known["grad"] = have + more
        elif have.is_sparse:
            known["grad"] = have + more
        else:
            have._accumulate(more._a)
        hooks = known.get("_post_accumulate_hooks")
        if hooks:
            for hook in list(hooks.values()):
                hook(variable)
        return ()


_QUALIFIED = frozenset({"CopyBackwards", "NotImplemented"})
"""Nodes that PyTorch names with their C++ namespace."""

_classes: dict[str, type[Node]] = {}


def node_class(name: str, base: type[Node] = Node) -> type[Node]:
    """The class of nodes of this name: one for each name of PyTorch's, made when first asked for."""
    found = _classes.get(name)
    if found is None or not issubclass(found, base):
        found = _classes[name] = type(name, (base,), {"__slots__": (), "__module__": "builtins"})
        if name in _QUALIFIED:
            found.name = lambda self: f"torch::autograd::{name}"  # type: ignore[method-assign]
    return found


def accumulator(leaf: Any) -> AccumulateGrad:
    """The one AccumulateGrad of a leaf, for as long as a graph holds it."""
    ref = leaf._accumulator
    found = ref() if ref is not None else None
    if found is None:
        found = new(AccumulateGrad)
        found.variable = leaf
        leaf._accumulator = weakref.ref(found)
    return found


def edge(t: Any) -> tuple[Node | None, int]:
    """Where the gradient of `t` goes: (node, which of its outputs), or (None, 0)."""
    if not t._rg:
        return (None, 0)
    fn = t._fn if t._view is None else t.grad_fn
    if fn is None:
        return (accumulator(t), 0)
    return (fn, t._nr)
