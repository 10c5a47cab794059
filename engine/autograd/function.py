"""The user's own differentiable functions: torch.autograd.Function and its ctx.

Source: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function
"""

from __future__ import annotations

import functools
import inspect
import warnings
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.autograd.node import SECOND_TIME, Node, SavedTensor, edge


class FunctionCtx:
    """What forward and backward share: saved tensors, marks, and whatever else is set on it."""

    __module__ = "torch.autograd.function"

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for backward, watched for changes in place."""
        for t in tensors:
            if t is not None and not isinstance(t, nodes.Tensor):
                raise TypeError(f"save_for_backward can only save variables, but argument {tensors.index(t)} "
                                "is of type "
                                f"{type(t).__name__}")
        self.to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep tensors for jvp."""
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: Any) -> None:
        """Say which inputs forward changed in place."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Any) -> None:
        """Say which outputs have no gradient."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a missing gradient comes to backward as zeros (the default) or as None."""
        self.materialize_grads = value

    def mark_shared_storage(self, *pairs: Any) -> None:
        """Removed from PyTorch: nothing to do."""


class BackwardCFunction(FunctionCtx, Node):
    """The node of a Function, which is also the ctx that its forward and backward get."""

    __module__ = "torch.autograd.function"
    _forward_cls: Any = None
    to_save: tuple = ()
    saved_for_forward: tuple = ()
    dirty_tensors: tuple = ()
    non_differentiable: tuple = ()
    materialize_grads = True
    needs_input_grad: tuple = ()
    _kept: Any = None
    _positions: tuple = ()
    _targets: tuple = ()

    @property
    def saved_tensors(self) -> tuple:
        """What save_for_backward kept.

        Raises: RuntimeError after backward let it go, or when one was changed in place."""
        kept = self._kept
        if kept is None:
            return self.to_save
        if kept is nodes.FREED:
            raise RuntimeError(SECOND_TIME)
        return tuple(k.unpack(self) if type(k) is SavedTensor else k for k in kept)

    @property
    def _raw_saved_tensors(self) -> tuple:
        return tuple(self._kept or ())

    def release(self) -> None:
        if self._kept:
            self._kept = nodes.FREED

    def value_of(self, name: str) -> Any:
        """A saved tensor by its number as text, for whoever shows the node."""
        return self.saved_tensors[int(name)] if name.isdigit() else super().value_of(name)

    def apply(self, grads: Any, *more: Any) -> Any:
        """The gradients of the tensors among forward's arguments."""
        grads = [*grads] if isinstance(grads, (list, tuple)) else [grads, *more]
        forward_cls = self._forward_cls
        backward, vjp = forward_cls.backward, forward_cls.vjp
        if vjp is not Function.vjp and backward is not Function.backward:
            raise RuntimeError("Implementing both 'backward' and 'vjp' for a custom Function is not allowed. "
                               "You should "
                               "only implement one of them.")
        run = vjp if vjp is not Function.vjp else backward
        if self.materialize_grads:
            metas: Any = self.metas
            grads = [g if g is not None or m[1] is None else nodes.Tensor._of(np.zeros(*m))
                     for g, m in zip(grads, metas)]
        out = run(self, *grads)
        out = out if isinstance(out, tuple) else tuple(out) if isinstance(out, list) else (out,)
        expected, name = len(self.needs_input_grad), type(self).__name__
        if len(out) > expected and all(g is None for g in out[expected:]):
            out = out[:expected]
        if len(out) != expected:
            raise RuntimeError(f"function {name} returned an incorrect number of gradients (expected "
                               f"{expected}, got "
                               f"{len(out)})")
        found: list = []
        tensors = iter(self._targets)
        for i, g in enumerate(out):
            if g is not None and not isinstance(g, nodes.Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(g).__name__})")
            if i not in self._positions:
                if g is not None:
                    raise RuntimeError(f"function {name} returned a gradient different from None at position "
                                       f"{i + 1}, but "
                                       "the corresponding forward input was not a Variable")
                continue
            found.append(self._fitted(g, next(tensors), len(found)))
        return found

    def _fitted(self, g: Any, target: tuple, at: int) -> Any:
        if g is None:
            return None
        shape, kind = target
        if g._a.shape != shape:
            lead = g._a.ndim - len(shape)
            if lead < 0 or any(n != m and n != 1 for n, m in zip(shape, g._a.shape[lead:])):
                raise RuntimeError(f"Function {type(self).__name__} returned an invalid gradient at index "
                                   f"{at} - got "
                                   f"{list(g._a.shape)} but expected shape compatible with {list(shape)}")
            g = g.sum_to_size(shape)
        if g._a.dtype != kind and kind.kind in "fcV":
            from engine.core.dtype import FROM_NUMPY

            g = g.to(FROM_NUMPY[kind])
        return g


class FunctionMeta(type):
    """Makes the class of nodes, NAMEBackward, beside each Function."""

    __module__ = "torch.autograd.function"

    def __init__(cls, name: str, bases: tuple, attrs: dict) -> None:
        cls._backward_cls = type(name + "Backward", (BackwardCFunction,),
                                 {"_forward_cls": cls, "__module__": "torch.autograd.function"})
        super().__init__(name, bases, attrs)


class Function(metaclass=FunctionMeta):
    """Base of the user's own differentiable functions: static forward and backward, called by apply."""

    __module__ = "torch.autograd.function"
    generate_vmap_rule = False
    _backward_cls: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(f"{type(self)} should not be instantiated. Methods on autograd functions are all "
                      "static, so you "
                      "should invoke them on the class itself. Instantiating an autograd function will raise "
                      "an error in "
                      "a future version of PyTorch.", DeprecationWarning, stacklevel=2)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("Legacy autograd function with non-static forward method is deprecated. Please "
                           "use new-style "
                           "autograd function with static forward method. (Example: "
                           "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)")

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """The function itself; first argument ctx, unless setup_context is defined."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Any) -> Any:
        """Put what backward needs on ctx, where forward does not take it."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of forward's arguments, None for those that have none."""
        raise NotImplementedError("You must implement either the backward or vjp method for your custom "
                                  "autograd.Function "
                                  "to use it with backward mode AD.")

    @staticmethod
    def vjp(ctx: Any, *grad_outputs: Any) -> Any:
        """Another name for backward."""
        raise NotImplementedError("You must implement either the backward or vjp method for your custom "
                                  "autograd.Function "
                                  "to use it with backward mode AD.")

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """The tangents of the outputs from those of the inputs, for forward-mode differentiation."""
        raise NotImplementedError("You must implement the jvp function for custom autograd.Function to use "
                                  "it with forward "
                                  "mode AD.")

    @staticmethod
    def vmap(info: Any, in_dims: tuple, *args: Any) -> Any:
        """The function on a batch, for torch.func.vmap."""
        raise NotImplementedError("To use autograd.Function with vmap, you must either override the vmap "
                                  "staticmethod or "
                                  "set generate_vmap_rule=True.")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward and put its node into the graph."""
        own_context = cls.setup_context is not Function.setup_context
        if kwargs:
            signature = inspect.signature(cls.forward)
            bound = signature.bind(*(args if own_context else (None, *args)), **kwargs)
            bound.apply_defaults()
            args = bound.args if own_context else bound.args[1:]
        Tensor = nodes.Tensor
        at = tuple(i for i, a in enumerate(args) if isinstance(a, Tensor))
        ctx = cls._backward_cls(tuple(edge(args[i]) for i in at))
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        ctx._positions = at
        ctx._targets = tuple((args[i]._a.shape, args[i]._a.dtype) for i in at)
        recording = modes.grad_enabled and True in ctx.needs_input_grad
        observer = modes.observer
        if observer is not None:
            observer.composite_entered(cls.__name__)
        result: Any = None
        try:
            with modes.no_grad():
                if own_context:
                    output = cls.forward(*args)
                    cls.setup_context(ctx, args, output)
                else:
                    output = cls.forward(ctx, *args)
            many = isinstance(output, tuple)
            outs = list(output) if many else [output]
            outs = _wrapped(ctx, args, outs, recording)
            _keep(ctx, outs, recording)
            result = tuple(outs) if many else outs[0]
            if observer is not None and recording:
                observer.op_ran(_Applied(cls), args, result)
            return result
        finally:
            if observer is not None:
                observer.composite_left(cls.__name__, (), args, {}, result)


class _Applied:
    """What an observer is told of a Function's run: it has a name and no record."""

    family = "function"
    inputs: tuple = ()
    parameters: tuple = ()
    formula = ""

    def __init__(self, cls: type) -> None:
        self.name, self.text = cls.__name__, (cls.__doc__ or "").partition("\n")[0]
        self.grad_fn = cls.__name__ + "Backward"


def _wrapped(ctx: Any, args: tuple, outs: list, recording: bool) -> list:
    """The outputs with ctx as their grad_fn."""
    Tensor = nodes.Tensor
    dirty = {id(t) for t in ctx.dirty_tensors}
    without = {id(t) for t in ctx.non_differentiable}
    inputs = {id(a) for a in args if isinstance(a, Tensor)}
    for t in ctx.dirty_tensors:
        if recording:
            t._check_in_place()
        t._bump()
    ctx.metas = tuple((o._a.shape, o._a.dtype) if isinstance(o, Tensor) else ((), None) for o in outs)
    made = []
    for nr, o in enumerate(outs):
        if not isinstance(o, Tensor):
            made.append(o)
            continue
        differentiable = recording and id(o) not in without and o._a.dtype.kind in "fcV"
        if id(o) in dirty:
            if differentiable:
                o._rebase(ctx)
                if o._view is None:
                    o._nr = nr
        elif id(o) in inputs or o._view is not None:
            kind = o
            o = Tensor._of(kind._array())
            o._cell = kind._version_cell()
            if differentiable:
                o._rg, o._fn, o._nr = True, ctx, nr
            elif not recording and kind._view is not None:
                o = kind
        elif differentiable:
            o._rg, o._fn, o._nr = True, ctx, nr
        elif id(o) in without:
            o._rg, o._fn = False, None
        made.append(o)
    return made


def _keep(ctx: Any, outs: list, recording: bool) -> None:
    """Turn what save_for_backward was given into saved tensors; outputs so that no cycle arises."""
    if not recording:
        return
    places = {id(o): nr for nr, o in enumerate(outs) if isinstance(o, nodes.Tensor) and o._fn is ctx}
    ctx._kept = tuple(t if t is None else SavedTensor(t, places.get(id(t), -1)) for t in ctx.to_save)
    for name in ("to_save", "dirty_tensors", "non_differentiable"):  # they would keep the node itself alive
        ctx.__dict__.pop(name, None)


class DelayedError(Node):
    """A node that raises when somebody differentiates through it."""

    def __init__(self, message: str, next_functions: tuple) -> None:
        super().__init__(next_functions)
        self.message = message

    def apply(self, grads: list) -> Any:
        raise RuntimeError(self.message)


def once_differentiable(fn: Any) -> Any:
    """Decorator of backward: it computes without a graph, and differentiating its result is an error."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        with modes.no_grad():
            outputs = fn(ctx, *args)
        if not modes.grad_enabled:
            return outputs
        if not any(isinstance(a, nodes.Tensor) and a.requires_grad for a in args):
            return outputs
        many = isinstance(outputs, tuple)
        listed = outputs if many else (outputs,)
        edges = tuple(edge(a) for a in args if isinstance(a, nodes.Tensor))
        made = []
        for o in listed:
            if isinstance(o, nodes.Tensor):
                t = nodes.Tensor._of(o._a)
                t._fn = DelayedError("trying to differentiate twice a function that was marked with "
                                     "@once_differentiable",
                                     edges)
                t._fn.shape, t._fn.np_dtype = o._a.shape, o._a.dtype
                t._rg = True
                o = t
            made.append(o)
        return tuple(made) if many else made[0]

    return wrapper


class InplaceFunction(Function):
    """A Function with an in-place form."""

    __module__ = "torch.autograd.function"

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class NestedIOFunction(Function):
    """A Function whose inputs and outputs may be nested; kept for its name."""

    __module__ = "torch.autograd.function"
