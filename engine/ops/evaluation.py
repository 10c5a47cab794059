"""How a record's gradients are evaluated: the nodes behind every grad_fn that a record makes."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.autograd.node import Node, SavedTensor, new
from engine.core import dtype as dt
from engine.core.shape import sum_to
from engine.kernels import pointwise as fused
from engine.ops.formula import OPS


class OpNode(Node):
    """A node whose gradients are the record's formulas, evaluated on Tensors."""

    __slots__ = ("_needs", "_inputs", "_columns")

    def apply(self, grads: list) -> list:
        op = self.op
        if self.metas is not None and op.materialize:
            grads = [g if g is not None else nodes.Tensor._of(np.zeros(*m)) if m[1] is not None else None
                     for g, m in zip(grads, self.metas)]
        wanted = tuple([n for n, need in zip(op.inputs, self._needs) if need])
        found: dict[str, Any] = {}
        for (covers, fn, _), sources in op.running:
            if covers[0] not in wanted and (len(covers) == 1 or not any(c in wanted for c in covers)):
                continue
            if op.again and modes.grad_enabled:
                fn = op.again.get(covers[0], fn)
            args: Any = []
            for kind, n in sources:
                if kind == 0:
                    args.append(grads[0])
                elif kind == 5:
                    args.append(self.value_of(n))
                elif kind == 4:
                    args.append(self._inputs[n][0])
                elif kind == 6:
                    args.append(self._columns[n])
                else:
                    args.append(tuple(grads) if kind == 1 else wanted if kind == 2 else self)
            got = fn(*args)
            if len(covers) == 1:
                found[covers[0]] = got
            else:
                found.update(zip(covers, got))
            got = args = None  # a leaf takes a gradient that nobody else holds as its own
        out: list = []
        for name, meta in zip(op.inputs, self._inputs):
            g = found.get(name)
            if type(g) in (list, tuple):
                out.extend(g)  # type: ignore[arg-type]
            else:
                if g is not None and meta is not None and meta[1] is not None:
                    g = fitted(g, meta)
                out.append(g)
        if len(out) < len(self.next_functions):
            # A list of tensors none of which wants a gradient still has an edge for each.
            out.extend([None] * (len(self.next_functions) - len(out)))
        return out


def fitted(g: Any, meta: tuple) -> Any:
    """A gradient in its input's type and shape: summed where the input was broadcast, cast where promoted."""
    shape, kind = meta
    if g._a.shape != shape:
        if g._a.ndim < len(shape):
            g = g.expand(shape)
        else:
            g = g.sum_to_size(shape) if modes.grad_enabled else nodes.Tensor._of(sum_to(g._a, shape))
    if g._a.dtype != kind:
        if g._a.dtype.kind == "c" and kind.kind != "c":
            g = OPS["real"](g)
        if g._a.dtype != kind:
            g = g.to(dt.FROM_NUMPY[kind])
    return g


class PointwiseNode(OpNode):
    """A node whose gradients are formulas: evaluated on arrays, on Tensors only under create_graph."""

    __slots__ = ()

    def apply(self, grads: list) -> list:
        op = self.op
        grad = grads[0]
        if modes.grad_enabled:
            return self._apply_again(grad)
        g = grad._a
        T = nodes.Tensor
        out = []  # type: ignore[var-annotated]
        saved = self.saved
        if saved is nodes.FREED:
            raise RuntimeError(nodes.SECOND_TIME)
        large = g.size >= fused.LARGE and type(g) is np.ndarray
        for (covers, fn, names), need, meta in zip(op.plan, self._needs, self._inputs):
            if not need:
                if meta is not None or not op.tensors_only:
                    out.append(None)
                continue
            args = []
            for n in names:
                if n == "grad":
                    args.append(g)
                    continue
                v = saved[n]
                if type(v) is SavedTensor:
                    t = v.tensor
                    if t is None or (cell := t._cell) is not None and cell[0] != v.version:
                        v = v.unpack(self)._a
                    else:
                        v = t._a
                args.append(v)
            r = fused.gradient(op, covers[0], names, args) if large else None
            if r is None:
                r = fn(*args)
            shape, kind = meta
            if r.shape != shape:
                r = sum_to(r, shape)
            if r.dtype is not kind and r.dtype != kind:
                if r.dtype.kind == "c" and kind.kind != "c":
                    r = r.real
                r = r.astype(kind)
            made = new(T)
            made._a = r
            out.append(made)
        return out

    def _apply_again(self, grad: Any) -> list:
        """The same on Tensors: what is computed here can be differentiated in turn."""
        op = self.op
        found: list = [None] * len(op.plan)
        for k in op.turns:
            if self._needs[k]:
                (name,), fn, names = op.plan[k]
                given = [grad if n == "grad" else self.value_of(n) for n in names]
                found[k] = fitted(op.again.get(name, fn)(*given), self._inputs[k])
        return [g for g, need, meta in zip(found, self._needs, self._inputs)
                if need or meta is not None or not op.tensors_only]
