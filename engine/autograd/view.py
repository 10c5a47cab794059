"""Views and in-place changes: how a base and its views agree about their history."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.autograd.node import Node, edge, plain_name
from engine.core.shape import address, window


class ViewOf:
    """What a view remembers: its root, the op and arguments that made it from its parent, and a version."""

    __slots__ = ("base", "parent", "op", "bound", "nr", "version", "no_grad")

    def __init__(
        self, base: Any, parent: Any, op: Any, bound: tuple, nr: int, version: int, no_grad: bool
    ) -> None:
        self.base, self.parent, self.op, self.bound, self.nr = base, parent, op, bound, nr
        self.version, self.no_grad = version, no_grad


def geometry(view: Any, base: Any) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Where a view lies in its base. Units: elements."""
    v, b = view._array(), base._array()
    n = v.dtype.itemsize
    return v.shape, tuple(s // n for s in v.strides), (address(v) - address(b)) // n


class AsStridedBackward(Node):
    """The gradient of a window on the base: what comes in is added into a zero of the base's shape."""

    __slots__ = ("where", "of")

    def apply(self, grads: list) -> tuple:
        shape, kind = self.of
        out = np.zeros(shape, kind)
        size, strides, offset = self.where
        n = out.dtype.itemsize
        target = window(out, size, tuple(s * n for s in strides), offset * n)
        if 0 in [s for s, k in zip(strides, size) if k > 1]:
            np.add.at(out.reshape(-1), _positions(self.where), grads[0]._a)
        else:
            target += grads[0]._a
        return (nodes.Tensor._of(out),)


def _positions(where: tuple) -> np.ndarray:
    size, strides, offset = where
    at = np.full(size, offset, np.int64)
    for i, s in enumerate(strides):
        at += (np.arange(size[i]) * s).reshape([-1 if j == i else 1 for j in range(len(size))])
    return at


AsStridedBackward0 = type(
    "AsStridedBackward0", (AsStridedBackward,), {"__slots__": (), "__module__": "builtins"}
)


def refreshed(view: Any) -> Any:
    """The grad_fn of a view; made anew when base or a sibling was changed in place since."""
    info = view._view
    cell = view._version_cell()
    if cell[0] == info.version or not info.base._rg:
        return view._fn
    base = info.base
    if not (base._rg and (base._fn is not None or view._rg)):
        return view._fn
    node = AsStridedBackward0((edge(base),))
    node.where = geometry(view, base)
    node.of = (base._a.shape, base._a.dtype)
    node.shape, node.np_dtype = view._a.shape, view._a.dtype
    view._fn, view._rg, view._nr = node, True, 0
    info.version = cell[0]
    return node


class CopySlices(Node):
    """An in-place change of part of a base: the part's gradient goes through the op, the rest passes by."""

    __slots__ = ("where", "fn", "of")

    def name(self) -> str:
        return "torch::autograd::CopySlices"

    def release(self) -> None:
        self.fn.release()

    def apply(self, grads: list) -> list:
        g = grads[0]
        shape, strides, offset = self.where
        n = np.dtype(self.of[1]).itemsize
        whole = np.array(g._a)
        part = window(whole, shape, tuple(s * n for s in strides), offset * n)
        fn = self.fn
        inner = nodes.Tensor._of(part.copy())
        if modes.grad_enabled and g._rg:
            from engine import as_strided

            inner = as_strided(g, shape, strides, offset)
        res = fn.apply([inner])
        first = res[0] if res else None
        part[...] = 0 if first is None else first._a
        out = nodes.Tensor._of(whole)
        if modes.grad_enabled and g._rg:
            out = _slices_on_tensors(g, first, self.where)
        return [out, *res[1:]]


def _slices_on_tensors(g: Any, first: Any, where: tuple) -> Any:
    """The same on Tensors, when somebody differentiates again."""
    from engine import as_strided, zeros_like

    out = g.clone()
    part = as_strided(out, *where)
    part.copy_(zeros_like(part) if first is None else first)
    return out


def rebase(target: Any, node: Node) -> None:
    """Give `target`, just changed in place, the history `node`; for a view, its base too."""
    info = target._view
    if info is None or info.base is None:
        target._fn, target._nr, target._rg = node, 0, True
        return
    base = info.base
    edges = (edge(base) if base._rg else (None, 0), *node.next_functions[1:])
    slices = CopySlices(edges)
    slices.where = geometry(target, base)
    slices.fn = node
    slices.of = (base._a.shape, base._a.dtype)
    slices.shape, slices.np_dtype = base._a.shape, base._a.dtype
    base._fn, base._nr, base._rg = slices, 0, True
    target._rg = True
    info.version = -1  # made anew when asked for
    refreshed(target)


def check_in_place(t: Any) -> None:
    """Raises: RuntimeError where a change in place would break the graph."""
    if not modes.grad_enabled:
        return
    info = t._view
    if t._rg and t._fn is None and info is None:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    if info is None:
        return
    if info.no_grad and (info.base._rg or t._rg):
        raise RuntimeError(
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given "
                           "that "
            "this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by "
                           "moving both "
            "the view and the inplace either both inside the no_grad block (if you don't want the inplace to "
                           "be "
            "tracked) or both outside (if you want the inplace to be tracked).")
    if info.base._rg and info.base._fn is None and not (info.no_grad and not t._rg):
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place "
                           "operation.")
    if info.nr >= 0 and t._rg:
        raise RuntimeError(
            f"Output {info.nr} of {plain_name(t._fn)} is a view and is being modified inplace. This view is "
                           "the "
            f"output of a "
            "function that returns multiple views. Such functions do not allow the output views to be "
            "modified inplace. "
            "You should replace the inplace operation by an out-of-place one.")
