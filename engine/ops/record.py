"""Records: one definition of an op yields its function, method, in-place and out= forms, node, and
catalogue row.

Families: `pointwise` (a formula), `kernel` (array code: reductions, matmul, convolution ...), `view`
(shares memory),
`composite` (written in other ops). A gradient is a lambda whose parameter names say what it needs:

    grad            the incoming gradient (of the first output); grads: of all outputs
    result          the forward's output (result0, result1 ... where there are several)
    any input       the op's own parameters by name; tensors among these are saved for backward
    self_shape      the shape of the input of that name, without saving it (a list of shapes for a list of
                    tensors)
    self_columns    whether that matrix lies in memory column by column, as a turned one does
    needs           the tuple of names whose gradients are wanted

Pointwise gradients are evaluated on arrays, or on Tensors when somebody differentiates again; all others
on Tensors.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.autograd.node import Node, SavedTensor, _sequence, edge, new, node_class
from engine.core import dtype as dt
from engine.core.shape import broadcast_shapes
from engine.ops.calling import (
    argument_error, binder, checked, dressed, in_place, into, named_tuple, positional, respelled,
)
from engine.kernels import pointwise as fused
from engine.ops.evaluation import OpNode, PointwiseNode
from engine.ops.formula import OPS
from engine.ops.operands import strict

NAMESPACES: dict[str, dict[str, Callable]] = {}
"""'torch', 'Tensor', 'nn.functional', 'linalg', 'special', 'fft' -> name -> function. The faces read
these."""

PLACED = ("grad", "grads", "result", "needs", "node")
PLACED_AT = {"grad": 0, "grads": 1, "needs": 2, "node": 3}


def place(fn: Callable, name: str, on: tuple[str, ...]) -> None:
    """Make `fn` known as `name` in these namespaces."""
    for where in on:
        NAMESPACES.setdefault(where, {})[name] = strict(name, fn) if where in ("torch", "special") else fn


def _is_of_form(name: str, inputs: tuple[str, ...]) -> bool:
    """Whether a gradient's parameter asks for an input's shape or layout, which saves nothing."""
    return (name.endswith("_shape") and name[:-6] in inputs
            or name.endswith("_columns") and name[:-8] in inputs)


def _lies_in_columns(a: Any) -> bool:
    return a.ndim == 2 and a.strides == (a.itemsize, a.itemsize * a.shape[0])


class Op:
    """One op. `forward` takes arrays (for Tensors) and plain values, and returns an array or a tuple of
    arrays."""

    family = "kernel"

    def __init__(
        self,
        name: str,
        *,
        forward: Callable,
        inputs: tuple[str, ...] = (),
        grads: dict | None = None,
        grad_fn: str = "",
        formula: str = "",
        text: str = "",
        domain: tuple[float, float] | None = None,
        on: tuple[str, ...] = ("torch", "Tensor"),
        inplace: bool = False,
        out: bool = True,
        promote: str | None = None,
        returns: tuple[str, ...] = (),
        nondiff: tuple[int, ...] = (),
        visible: int | None = None,
        materialize: bool = True,
        aliases: tuple[str, ...] = (),
        named: Callable | None = None,
        tensors_only: bool = False,
        inplace_grad_fn: str = "",
        gradients: dict[str, str] | None = None,
    ) -> None:
        self.name, self.forward, self.inputs, self.grads = name, forward, inputs, grads or {}
        self.formula, self.text, self.domain, self.on = formula, text, domain, on
        self.promote, self.nondiff, self.visible, self.materialize = promote, nondiff, visible, materialize
        self.takes_out, self.is_inplace, self.aliases = out, inplace, aliases
        # PyTorch numbers overloads: `named` chooses among their node names by the arguments; with
        # tensors_only a
        # plain number has no edge (pow(x, 2) has one edge, pow(x, y) two, mul(x, 2) two of which one leads
        # nowhere).
        self.named, self.tensors_only = named, tensors_only
        self.grad_fn = grad_fn or "".join(p.capitalize() for p in name.split("_")) + "Backward0"
        signature = inspect.signature(forward)
        self.parameters = tuple(signature.parameters)
        self.signature = signature
        self.forward = positional(forward, signature)
        self.returns = named_tuple(name.split(".")[0], returns) if returns else None
        self.bind = binder(signature)
        self.input_at = tuple(self.parameters.index(i) for i in inputs)
        self._plan_gradients()
        self.node_type = node_class(self.grad_fn, self.node_base)
        self.inplace_node_type = node_class(inplace_grad_fn, self.node_base) if inplace_grad_fn else None
        self.gradients = gradients or {}
        self.again: dict[str, Callable] = {}  # what PyTorch evaluates instead where it differentiates again
        self.function = self._make_function()
        for key in (name, *aliases):
            OPS.setdefault(key, self.function)
            place(self.function, key, on)
            if inplace:
                self.inplace_function = self._make_inplace(key + "_")
                place(
                    self.inplace_function,
                    key + "_",
                    tuple(w for w in on if w in ("torch", "Tensor", "nn.functional")),
                )
                OPS.setdefault(key + "_", self.inplace_function)
        RECORDS[name] = self

    @property
    def node_base(self) -> type[Node]:
        """The class of nodes that evaluate this family's gradients."""
        return OpNode

    # -- gradients ------------------------------------------------------------------------------------------

    def _plan_gradients(self) -> None:
        """Read from each gradient's parameter names what it needs, and which inputs it covers."""
        self.plan: list[tuple[tuple[str, ...], Callable, tuple[str, ...]]] = []
        for covers, fn in self.grads.items():
            names = tuple(inspect.signature(fn).parameters)
            for n in names:
                if _is_of_form(n, self.inputs):
                    continue
                if n not in PLACED and n not in self.parameters and not n.startswith("result"):
                    raise TypeError(f"{self.name}: the gradient of {covers} asks for {n}, which the op has "
                                    f"not")
            self.plan.append((covers if isinstance(covers, tuple) else (covers,), fn, names))
        self._wants_layout = any(n.endswith("_columns") for _, _, names in self.plan for n in names)
        self._saving: dict[tuple[bool, ...], tuple[str, ...]] = {}
        self._places: dict[tuple[bool, ...], tuple[tuple[str, int], ...]] = {}
        self.sources = [tuple(self._source(n) for n in names) for _, _, names in self.plan]
        # PyTorch evaluates them in the order of their names; second derivatives show it.
        self.turns = sorted(range(len(self.plan)), key=lambda k: ", ".join(self.plan[k][0]))
        self.running = [(self.plan[k], self.sources[k]) for k in self.turns]

    def _source(self, name: str) -> tuple[int, Any]:
        """Where a gradient's parameter comes from, looked up once: (kind, its name or its input's number)."""
        if name in PLACED_AT:
            return PLACED_AT[name], name
        if name.endswith("_shape") and name[:-6] in self.inputs:
            return 4, self.inputs.index(name[:-6])
        if name.endswith("_columns") and name[:-8] in self.inputs:
            return 6, self.inputs.index(name[:-8])
        return 5, name

    def places_to_save(self, needs: tuple[bool, ...]) -> tuple[tuple[str, int], ...]:
        """to_save with where each is found: a position among the arguments, or -1 - n for output n."""
        found = self._places.get(needs)
        if found is None:
            found = self._places[needs] = tuple(
                (n, -1 - int(n[6:] or 0) if n.startswith("result") else self.parameters.index(n))
                for n in self.to_save(needs))
        return found

    def to_save(self, needs: tuple[bool, ...]) -> tuple[str, ...]:
        """Names to save when these inputs need a gradient."""
        found = self._saving.get(needs)
        if found is None:
            wanted = [n for n, need in zip(self.inputs, needs) if need]
            names: dict[str, None] = {}
            for covers, _, params in self.plan:
                if any(c in wanted for c in covers):
                    names.update(
                        dict.fromkeys(
                            p
                            for p in params
                            if p not in ("grad", "grads", "needs", "node")
                            and not _is_of_form(p, self.inputs)
                        )
                    )
            found = self._saving[needs] = tuple(names)
        return found

    # -- calling --------------------------------------------------------------------------------------------

    def arrays(self, bound: tuple) -> list:
        """The bound arguments with Tensors replaced by their arrays, promoted as the op says."""
        T = nodes.Tensor
        vals = [
            v._a
            if isinstance(v, T)
            else [x._a if isinstance(x, T) else x for x in v]
            if type(v) in (list, tuple) and v and type(v[0]) is not int and any(isinstance(x, T) for x in v)
            else v
            for v in bound
        ]
        if self.promote is not None:
            at = self.input_at
            kind = dt.result_type([vals[i] for i in at])
            if self.promote == "float" and kind.category < dt.FLOAT:
                kind = dt.default.dtype
            target = kind.numpy
            for i in at:
                v = vals[i]
                if v is not None and (not hasattr(v, "dtype") or v.dtype != target):
                    vals[i] = v.astype(target) if hasattr(v, "astype") else target.type(v)
        return vals

    def compute(self, bound: tuple) -> Any:
        """Run the forward on the bound arguments' arrays."""
        return self.forward(*self.arrays(bound))

    def call(self, *bound: Any) -> Any:
        """Run the op on its parameters in order, recording a node where a gradient will be wanted."""
        result = self.compute(bound)
        T = nodes.Tensor
        if type(result) is tuple:
            outs = tuple(T._of(r) if isinstance(r, (np.ndarray, np.generic)) else r for r in result)
        else:
            outs = T._of(result)
        if modes.grad_enabled and self.grads:
            self.record(bound, outs)
        if type(outs) is tuple:
            if self.visible is not None:
                outs = outs[:self.visible] if self.visible > 1 else outs[0]
            if self.returns is not None:
                outs = self.returns(outs)
        if modes.observer is not None:
            modes.observer.op_ran(self, bound, outs)
        return outs

    def needs(self, bound: tuple) -> tuple[bool, ...]:
        """For each differentiable input, whether its gradient will be wanted."""
        T = nodes.Tensor
        found = []
        for i in self.input_at:
            v = bound[i]
            if isinstance(v, T):
                # A view asks its base: that may have been given history since.
                found.append(v._rg or v._view is not None and v.requires_grad)
            elif type(v) in (list, tuple):
                found.append(any(isinstance(x, T) and x._rg for x in v))
            else:
                found.append(False)
        return tuple(found)

    def record(self, bound: tuple, outs: Any, node_type: type[Node] | None = None) -> Node | None:
        """Make the node, hang the outputs on it."""
        needs = self.needs(bound)
        if True not in needs:
            return None
        T = nodes.Tensor
        many = type(outs) is tuple
        first = outs[0] if many else outs
        if not many and first._a.dtype.kind not in "fcV":
            return None
        edges: list = []
        inputs: list = []
        for i in self.input_at:
            v = bound[i]
            if isinstance(v, T):
                a = v._a
                inputs.append((a.shape, a.dtype))
                fn = v._fn
                edges.append((fn, v._nr) if fn is not None and v._rg and v._view is None else edge(v))
            elif type(v) in (list, tuple):
                inputs.append(([x._a.shape for x in v], None) if v and isinstance(v[0], T) else None)
                edges.extend(edge(x) if isinstance(x, T) else (None, 0) for x in v)
            else:
                inputs.append(None)
                if not self.tensors_only:
                    edges.append((None, 0))
        kind = node_type or (
            self.node_type if self.named is None else node_class(self.named(*bound), self.node_base)
        )
        # What Node.__init__ does, without its call: every differentiable op comes by here.
        node = new(kind)
        node.next_functions = tuple(edges)
        node.sequence = next(_sequence)
        node.metas = None
        node.op = self
        node.saved = saved = {}
        if modes.anomaly:
            node.remember_line()
        for name, at in self.places_to_save(needs):
            if at < 0:
                v = outs[-1 - at] if many else outs
                saved[name] = SavedTensor(v, -1 - at) if isinstance(v, T) else v
                continue
            v = bound[at]
            if isinstance(v, T):
                v = SavedTensor(v)
            elif (
                type(v) in (list, tuple) and v and type(v[0]) is not int and any(isinstance(x, T) for x in v)
            ):
                v = [SavedTensor(x) if isinstance(x, T) else x for x in v]
            saved[name] = v
        node._needs = needs
        node._inputs = tuple(inputs)
        if self._wants_layout:
            node._columns = tuple([isinstance(bound[i], T) and _lies_in_columns(bound[i]._a)
                                   for i in self.input_at])
        if many:
            node.shape, node.np_dtype = (), None
            metas: Any = tuple((o._a.shape, o._a.dtype) if isinstance(o, T) else ((), None) for o in outs)
            node.metas = metas
            for nr, o in enumerate(outs):
                if isinstance(o, T) and nr not in self.nondiff and o._a.dtype.kind in "fcV":
                    o._rg, o._fn, o._nr = True, node, nr
        else:
            node.shape, node.np_dtype = first._a.shape, first._a.dtype
            first._rg, first._fn = True, node
        return node

    def _make_function(self) -> Callable:
        bind, call, takes_out, me = self.bind, self.call, self.takes_out, self

        def function(*args: Any, **kwargs: Any) -> Any:
            if kwargs:
                kwargs = respelled(kwargs, me.parameters)
                out = kwargs.pop("out", None) if takes_out and "out" not in me.parameters else None
                if out is not None:
                    return into(out, call(*checked(bind, me, args, kwargs)), me.name.partition(".")[0],
                                (*args, *kwargs.values()), bool(me.grads))
            try:
                bound = bind(*args, **kwargs)
            except TypeError as e:
                if takes_out and len(args) > 1 and not kwargs and isinstance(args[-1], nodes.Tensor):
                    # torch.add(x, y, result): tutorials of 2018 pass out by position.
                    return into(args[-1], call(*checked(bind, me, args[:-1], {})), me.name, args[:-1])
                raise argument_error(me, e) from None
            return call(*bound)

        return dressed(function, self)

    def _make_inplace(self, name: str) -> Callable:
        bind, me = self.bind, self

        def function(*args: Any, **kwargs: Any) -> Any:
            if kwargs:
                kwargs = respelled(kwargs, me.parameters)
            return in_place(me, checked(bind, me, args, kwargs))

        function.__name__ = function.__qualname__ = name
        function.__doc__ = f"In-place form of {self.name}. {self.text}"
        return function

    def __repr__(self) -> str:
        return f"<op {self.name}>"


RECORDS: dict[str, Op] = {}
"""Every record by name, in the order of definition."""


# -- pointwise ----------------------------------------------------------------------------------------------


class Pointwise(Op):
    """An op that is a formula of its inputs, element by element, with broadcasting and promotion."""

    family = "pointwise"

    @property
    def node_base(self) -> type[Node]:
        return PointwiseNode

    def _plan_gradients(self) -> None:
        # One formula for each input, in the inputs' order, so that the node can walk them side by side.
        self.grads = {i: self.grads[i] for i in self.inputs if i in self.grads}
        self.inputs = tuple(self.grads) if self.grads else self.inputs
        super()._plan_gradients()

    def compute(self, bound: tuple) -> Any:
        T = nodes.Tensor
        forward = self.forward
        vals = [v._a if isinstance(v, T) else v for v in bound]
        try:
            if self.promote is None:
                return forward(*vals)
            kind = None
            same = True
            for i in self.tensor_at:
                v = vals[i]
                own = getattr(v, "dtype", None)
                if own is not None:
                    if kind is None:
                        kind = own
                    elif own is not kind:
                        same = False
                elif type(v) is not float and v is not None:
                    same = same and type(v) is int
            if not same or kind is None or kind.kind not in "f" and self.promote != "keep":
                vals = self._promoted(vals)
            first = vals[0]
            if type(first) is np.ndarray and first.size >= fused.LARGE:
                done = fused.forward(self, vals)
                if done is not None:
                    return done
            return forward(*vals)
        except ValueError:
            broadcast_shapes(*[v._a.shape for v in bound if isinstance(v, T)])
            raise

    def _promoted(self, vals: list) -> list:
        at = [
            i for i in self.tensor_at if isinstance(vals[i], (np.ndarray, np.generic, int, float, complex))
        ]
        kind = dt.result_type([vals[i] for i in at])
        if self.promote == "float" and kind.category < dt.FLOAT:
            kind = dt.default.dtype
        target = kind.numpy
        for i in at:
            v = vals[i]
            if not hasattr(v, "dtype"):
                vals[i] = target.type(v) if kind.category != dt.BOOL else np.bool_(v)
            elif v.dtype != target:
                vals[i] = v.astype(target)
        return vals

    def __init__(self, name: str, **kwargs: Any) -> None:
        kwargs.setdefault("promote", "default")
        forward, operands = kwargs["forward"], kwargs.pop("operands", None)
        parameters = tuple(inspect.signature(forward).parameters)
        self.tensor_at = tuple(
            parameters.index(p) for p in operands or kwargs.get("inputs") or parameters[:1]
        )
        super().__init__(name, **kwargs)


# -- views and composites -----------------------------------------------------------------------------------


class View(Op):
    """An op whose result shares its input's memory. The forward returns a NumPy view."""

    family = "view"

    def compute(self, bound: tuple) -> Any:
        return self.forward(bound[0]._array(), *bound[1:])

    def call(self, *bound: Any) -> Any:
        base = bound[0]
        result = self.compute(bound)
        T = nodes.Tensor
        if type(result) is tuple:
            outs = tuple(T._of(r) for r in result)
            for nr, o in enumerate(outs):
                o._view_of(base, self, bound, nr)
        else:
            outs = T._of(result)
            outs._view_of(base, self, bound, -1)
        if modes.grad_enabled and (base._rg or base._view is not None and base.requires_grad):
            self.record(bound, outs)
        if modes.observer is not None:
            modes.observer.op_ran(self, bound, outs)
        return outs


def pointwise(name: str, **kwargs: Any) -> Callable:
    """Define a pointwise op: see Op for the fields; promote is 'default', 'float' (integers become
    floats), 'keep' (no promotion of a lone integer), or None."""
    return Pointwise(name, **kwargs).function


def kernel(name: str, **kwargs: Any) -> Callable:
    """Define an op by array code."""
    return Op(name, **kwargs).function


def view(name: str, **kwargs: Any) -> Callable:
    """Define an op that shares memory."""
    kwargs.setdefault("out", False)
    return View(name, **kwargs).function


def without_derivative(name: str) -> Callable:
    """A gradient for an op that PyTorch gives a node but no derivative: it raises when backward reaches
    it."""

    def missing(grad: Any) -> Any:
        raise RuntimeError(f"derivative for aten::{name} is not implemented")

    return missing


class Composite:
    """The record of an op that is written in other ops: drawn as a group that opens."""

    family = "composite"

    def __init__(self, name: str, function: Callable, formula: str, text: str, on: tuple[str, ...]) -> None:
        self.name, self.function, self.formula, self.text, self.on = name, function, formula, text, on
        self.inputs: tuple[str, ...] = ()
        self.grads: dict = {}
        self.grad_fn = ""


COMPOSITES: dict[str, Composite] = {}


def composite(name: str = "", *, on: tuple[str, ...] = ("torch", "Tensor"), formula: str = "", text: str = "",
              aliases: tuple[str, ...] = (), out: bool = True) -> Callable:
    """Decorator: define an op by a Python function on Tensors. `out=` is added unless the function takes
    it."""

    def decorate(fn: Callable) -> Callable:
        own = name or fn.__name__
        parameters = tuple(inspect.signature(fn).parameters)
        open_ended = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(fn).parameters.values())

        def function(*args: Any, **kwargs: Any) -> Any:
            observer = modes.observer
            if observer is not None:
                observer.composite_entered(own)
            result = None
            try:
                target = None
                if kwargs:
                    if not open_ended:
                        kwargs = respelled(kwargs, parameters)
                    if out and "out" not in parameters:
                        target = kwargs.pop("out", None)
                result = fn(*args, **kwargs)
                if target is not None:
                    result = into(target, result, own, (*args, *kwargs.values()))
                return result
            finally:
                if observer is not None:
                    observer.composite_left(own, parameters, args, kwargs, result)

        function.__name__ = function.__qualname__ = own
        function.__doc__ = fn.__doc__ or text
        function.__signature__ = inspect.signature(fn)  # type: ignore[attr-defined]
        function.__wrapped__ = fn  # type: ignore[attr-defined]
        COMPOSITES[own] = Composite(own, function, formula, text or (fn.__doc__ or ""), on)
        for key in (own, *aliases):
            OPS.setdefault(key, function)
            place(function, key, on)
        return function

    return decorate
