"""A node's op run again on what it was called with: in its own type or in float64, leaving no trace in the
run."""

from __future__ import annotations

import contextlib
import inspect
import io
import random
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd.function import BackwardCFunction, Function
from engine.autograd.node import FREED, AccumulateGrad, Node, SavedTensor
from engine.core import dtype as dt
from engine.core.generator import default_generator
from engine.kernels import compiler
from engine.recorders.structure import OVERWRITTEN, made


CHAIN_MAX = 8
"""So many ops that changed one another's results in place are gone back through."""


class CannotRepeat(Exception):
    """Why the op cannot be run again, in words."""


@dataclass(frozen=True, slots=True)
class Input:
    """One edge of a node: which of its op's arguments it is (and which of a list), and what it is called."""

    slot: int
    name: str
    place: int
    item: int = -1


_unseen_depth: list[bool] = []


@contextlib.contextmanager
def unseen(*, users_own: bool = False) -> Iterator[None]:
    """Inside, nobody watches, nothing is recorded and nothing compiled; when it ends, the random streams
    stand as before.

    users_own: code of the user's runs; what it prints is swallowed, and Python's and NumPy's streams are put
    back too."""
    if _unseen_depth and (_unseen_depth[-1] or not users_own):
        yield  # within another: that one puts everything back
        return
    kept = modes.observer, modes.grad_enabled, modes.anomaly, modes.saved_hooks
    stream = default_generator.state_bytes()
    own = (random.getstate(), np.random.get_state()) if users_own else None
    modes.observer, modes.grad_enabled, modes.anomaly, modes.saved_hooks = None, False, False, []
    compiled, compiler.paused = compiler.paused, True
    _unseen_depth.append(users_own)
    try:
        with contextlib.ExitStack() as stack, np.errstate(all="ignore"):
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            if users_own:
                stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
                stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
            yield
    finally:
        _unseen_depth.pop()
        compiler.paused = compiled
        modes.observer, modes.grad_enabled, modes.anomaly, modes.saved_hooks = kept
        default_generator.load_state_bytes(stream)
        if own is not None:
            random.setstate(own[0])
            np.random.set_state(own[1])


class Repetition:
    """A node's op with the values that it was called with. Raises: CannotRepeat."""

    def __init__(self, node: Node, depth: int = 0) -> None:
        self._depth = depth
        if isinstance(node, AccumulateGrad):
            raise CannotRepeat("A leaf computes nothing; its gradient is what arrives.")
        self.node = node
        self.is_function = isinstance(node, BackwardCFunction)
        if node.op is None and not self.is_function:
            raise CannotRepeat(f"{node.name()} has no op of its own that could be run again.")
        self.names = parameter_names(node)
        self.inputs = inputs_of(node)
        self.values = self._values()

    # -- running ---------------------------------------------------------------------------------------------

    def outputs(self, values: list[Any]) -> list[Any]:
        """What the op gives on these arguments, one array for each output (None for one that is no
        tensor)."""
        with unseen(users_own=self.is_function):
            return self._listed(self._forward(values)[0])

    def gradients(self, values: list[Any], grads: list[Any], outputs: list[Any]) -> list[Any]:
        """What the node's own formula gives on these values, one array (or None) for each edge."""
        with unseen(users_own=self.is_function):
            if self.is_function:
                ctx = self._forward(values)[1]
                ctx.metas = tuple(((), None) if o is None else (o.shape, o.dtype) for o in outputs)
                return _arrays(ctx.apply([_tensor(g) for g in grads]))
            if self.is_freed:
                raise CannotRepeat("What it kept for backward has been freed.")
            twin = _twin(self.node)
            twin.saved = self._saved(values, outputs)
            twin._inputs = tuple(_meta_of(m, values[i]) for m, i in zip(twin._inputs, self._places()))
            if twin.metas is not None:
                twin.metas = tuple(((), None) if o is None else (o.shape, o.dtype) for o in outputs)
            elif outputs[0] is not None:
                twin.np_dtype = outputs[0].dtype
            return _arrays(twin.apply([_tensor(g) for g in grads]))

    def own_gradients(self, grads: list[Any]) -> list[Any]:
        """What the node itself makes of these gradients, in its own type; its hooks do not fire."""
        if self.is_freed:
            raise CannotRepeat("What it kept for backward has been freed.")
        with unseen(users_own=self.is_function):
            twin = _twin(self.node)
            if self.is_function:
                twin._kept = tuple(
                    SavedTensor(_tensor(np.array(_unpacked(s)))) if isinstance(s, SavedTensor) else s
                    for s in self.node._kept or ()  # type: ignore[attr-defined]
                )
            return _arrays(twin.apply([None if g is None else _tensor(np.array(g)) for g in grads]))

    def widened(self) -> list[Any]:
        """The arguments with all narrow floats as float64."""
        return [wide(v) for v in self.values]

    def at(self, values: list[Any], edge: Input) -> Any:
        """The array of this edge's input among `values`."""
        found = values[edge.place]
        return found if edge.item < 0 else found[edge.item]

    def replaced(self, values: list[Any], edge: Input, array: Any) -> list[Any]:
        """`values` with another array for this edge's input."""
        new = list(values)
        if edge.item < 0:
            new[edge.place] = array
        else:
            new[edge.place] = list(new[edge.place])
            new[edge.place][edge.item] = array
        return new

    @property
    def is_freed(self) -> bool:
        """Whether what the node kept for backward is gone."""
        return self.node.saved is FREED or self.is_function and self.node._kept is FREED  # type: ignore[attr-defined]

    def keeps_its_inputs(self) -> bool:
        """Whether all inputs with a gradient are leaves or kept for backward, which notices when they are
        changed."""
        edges = zip(self.inputs, self.node.next_functions)
        return not self.is_function and all(
            e.name in self.node.saved or isinstance(fn, AccumulateGrad)
            for e, (fn, _) in edges
            if fn is not None
        )

    def replay(self) -> tuple[bool, bool]:
        """(whether running again gives what the node gave then, whether it takes numbers from the random
        stream). The first is false where something was changed since, too."""
        with unseen(users_own=self.is_function):
            before = default_generator.state_bytes().tobytes()
            outputs = self._listed(self._forward(self.values)[0])
            drew = default_generator.state_bytes().tobytes() != before
        return self._is_same(next((o for o in outputs if o is not None), None)), drew

    def _is_same(self, again: Any) -> bool:
        result = made(self.node).result
        if result is None:
            return True
        if again is None or again.shape != result.shape or again.dtype != result.dtype:
            return False
        a, b = wide(np.asarray(again)), wide(np.asarray(result))
        if a.dtype.kind not in "fc":
            return bool((a == b).all())
        scale = float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
        narrow = 1e-2 if result.dtype.itemsize < 4 else 1e-4
        return bool(np.allclose(a, b, rtol=narrow, atol=narrow * scale + 1e-30, equal_nan=True))

    # -- inside ----------------------------------------------------------------------------------------------

    def _forward(self, values: list[Any]) -> tuple[Any, Any]:
        node = self.node
        if not self.is_function:
            named = zip(self.names, values)
            return node.op.compute(tuple(_argument(_own(name, v)) for name, v in named)), None
        cls = node._forward_cls  # type: ignore[attr-defined]
        ctx = _twin(node, without=("to_save", "_kept"))
        ctx._kept = None
        args = [_argument(np.array(v) if isinstance(v, (np.ndarray, np.generic)) else v) for v in values]
        ctx._targets = tuple((args[i]._a.shape, args[i]._a.dtype) for i in ctx._positions)
        if cls.setup_context is not Function.setup_context:
            output = cls.forward(*args)
            cls.setup_context(ctx, tuple(args), output)
        else:
            output = cls.forward(ctx, *args)
        return output, ctx

    def _listed(self, output: Any) -> list[Any]:
        many = output if isinstance(output, (tuple, list)) else (output,)
        found = [getattr(o, "_a", o) for o in many]
        return [np.asarray(o) if isinstance(o, (np.ndarray, np.generic)) else None for o in found]

    def _places(self) -> tuple[int, ...]:
        return tuple(self.node.op.input_at)

    def _values(self) -> list[Any]:
        """Each argument: what is kept for backward where it is, else what was noted in the forward."""
        node = self.node
        noted = made(node).arguments
        if self.is_function:
            if not noted:
                raise CannotRepeat("Nobody watched when it ran, so its arguments are not known.")
            return list(noted)
        found = []
        for place, name in enumerate(self.names):
            value = _kept(node, name) if name in node.saved else OVERWRITTEN  # nothing is in FREED
            if value is OVERWRITTEN and place < len(noted):
                value = noted[place]
            if value is OVERWRITTEN:
                value = self._from_edges(place)
            found.append(value)
        return found

    def _from_edges(self, place: int) -> Any:
        noted = made(self.node).arguments
        if place < len(noted):
            return self._before_it_was_overwritten(place)
        for edge in self.inputs:
            fn = self.node.next_functions[edge.slot][0] if edge.place == place and edge.item < 0 else None
            if fn is not None:
                value = fn.variable._a if isinstance(fn, AccumulateGrad) else made(fn).result
                if value is not None:
                    return value
        default = self.node.op.signature.parameters[self.names[place]].default
        if default is inspect.Parameter.empty:
            raise CannotRepeat(f"Nobody noted what {self.names[place]} was.")
        return default

    def _before_it_was_overwritten(self, place: int) -> Any:
        """What the op that made this input gives again."""
        lost = CannotRepeat(f"Its input {self.names[place]} was overwritten in place.")
        edge = next((e for e in self.inputs if e.place == place and e.item < 0), None)
        fn, nr = self.node.next_functions[edge.slot] if edge is not None else (None, 0)
        if fn is None or isinstance(fn, AccumulateGrad) or self._depth >= CHAIN_MAX:
            raise lost
        again = Repetition(fn, self._depth + 1)
        found = again.outputs(again.values)
        if nr >= len(found) or found[nr] is None:
            raise lost
        return found[nr]

    def _saved(self, values: list[Any], outputs: list[Any]) -> dict[str, Any]:
        saved: dict[str, Any] = {}
        for name, value in self.node.saved.items():
            if name.startswith("result") and name not in self.names:
                array = outputs[int(name[6:] or 0)]
                saved[name] = value if array is None else SavedTensor(_tensor(array))
            elif isinstance(value, SavedTensor):
                saved[name] = SavedTensor(_tensor(values[self.names.index(name)]))
            elif isinstance(value, list):
                given = values[self.names.index(name)]
                saved[name] = [
                    SavedTensor(_tensor(v)) if isinstance(v, (np.ndarray, np.generic)) else v for v in given
                ]
            else:
                saved[name] = wide(value)
        return saved


def parameter_names(node: Node) -> tuple[str, ...]:
    """What the arguments of a node's op are called."""
    if node.op is not None:
        return tuple(node.op.parameters)
    cls = node._forward_cls  # type: ignore[attr-defined]
    names = list(inspect.signature(cls.forward).parameters)
    if cls.setup_context is Function.setup_context:
        names = names[1:]
    given = len(node.needs_input_grad)  # type: ignore[attr-defined]
    return tuple(names[i] if i < len(names) else f"input {i}" for i in range(given))


def inputs_of(node: Node) -> list[Input]:
    """The edges of a node in order, each with the argument that it stands for."""
    names = parameter_names(node)
    if isinstance(node, BackwardCFunction):
        return [Input(slot, names[place], place) for slot, place in enumerate(node._positions)]
    found: list[Input] = []
    metas = getattr(node, "_inputs", ())
    for place, meta in zip(node.op.input_at, metas):
        if meta is not None and isinstance(meta[0], list):
            found += [Input(len(found) + k, f"{names[place]}[{k}]", place, k) for k in range(len(meta[0]))]
        elif meta is not None or not node.op.tensors_only:
            found.append(Input(len(found), names[place], place))
    return found


def wide(value: Any) -> Any:
    """The same in float64 (complex128): arrays, lists of arrays, types; all else as it is."""
    if isinstance(value, (np.ndarray, np.generic)):
        kind = value.dtype
        if kind.kind == "c":
            return np.asarray(value, np.complex128)
        return np.asarray(value).astype(np.float64) if kind.kind in "fV" else np.asarray(value)
    if isinstance(value, dt.dtype):
        return dt.float64 if value.category == dt.FLOAT else value
    if type(value) in (list, tuple) and value and type(value[0]) is not int:
        return type(value)(wide(v) for v in value)
    return value


def _kept(node: Node, name: str) -> Any:
    value = node.saved[name]
    return [_unpacked(v) for v in value] if isinstance(value, list) else _unpacked(value)


def _unpacked(value: Any) -> Any:
    if not isinstance(value, SavedTensor):
        return value
    if value.unpack_hook is not None:
        raise CannotRepeat("What it kept is packed away by the script's own hooks.")
    tensor: Any = value.tensor
    cell = tensor._cell
    if cell is not None and cell[0] != value.version:
        raise CannotRepeat("What it kept was changed in place since; its backward would refuse too.")
    return tensor._a


def _twin(node: Node, without: tuple[str, ...] = ()) -> Any:
    """A node of the same kind that shares what this one keeps, and has no hooks."""
    kind: Any = type(node)
    twin = kind.__new__(kind)
    hooks = ("pre_hooks", "post_hooks", "tensor_hooks", "retained", "made", *without)
    twin.__dict__.update({k: v for k, v in node.__dict__.items() if k not in hooks})
    for slot in {s for base in kind.__mro__ for s in base.__dict__.get("__slots__", ())}:
        if not slot.startswith("__"):
            with contextlib.suppress(AttributeError):
                setattr(twin, slot, object.__getattribute__(node, slot))
    return twin


def _tensor(array: Any) -> Any:
    from engine.tensor import Tensor

    return None if array is None else Tensor._of(array)


def _argument(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return _tensor(value)
    if type(value) in (list, tuple) and value and any(isinstance(v, (np.ndarray, np.generic)) for v in value):
        return type(value)(_argument(v) for v in value)
    return value


def _own(name: str, value: Any) -> Any:
    """A copy of what the op itself may change: a layer's running statistics."""
    changes = name.startswith("running_") or name == "noise"
    return value.copy() if changes and isinstance(value, np.ndarray) else value


def _meta_of(meta: Any, value: Any) -> Any:
    if meta is None or meta[1] is None or not isinstance(value, (np.ndarray, np.generic)):
        return meta
    return (meta[0], value.dtype)


def _arrays(out: Any) -> list[Any]:
    return [None if g is None else np.asarray(g._a) for g in out]
