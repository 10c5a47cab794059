"""Overwriting: copy_, fill_, zero_ and the masked and indexed fills."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.core import dtype as dt
from engine.ops.calling import in_place
from engine.ops.formula import OPS
from engine.ops.record import Op, composite, kernel, place


def cast_array(a: Any, kind: Any) -> Any:
    """An array in a NumPy type, complex to real by its real part."""
    if a.dtype == kind:
        return a
    if a.dtype.kind == "c" and kind.kind not in "cb":
        a = a.real
    return a.astype(kind)


def _unwatched(t: Any) -> bool:
    """True where a change in place has no history to write, nobody to tell and no memory of many places."""
    return modes.observer is None and t._view is None and not (t._rg and modes.grad_enabled) \
        and t._a.flags.c_contiguous


def _copied(self: Any, src: Any, non_blocking: bool = False) -> Any:
    src = cast_array(src, self.dtype)
    if src.shape != self.shape:
        from engine.ops.shape import _expand

        src = _expand(src, *self.shape) if src.ndim else np.broadcast_to(src, self.shape)
    return src


_copy: Any = Op(
    name="copy", inputs=("self", "src"), grad_fn="CopyBackwards", on=("torch",), out=False,
           formula=r"x \leftarrow y",
    text="Overwrites a tensor with another; the gradient goes to that one.", forward=_copied,
    grads={"self": lambda grad: grad.new_zeros(grad.shape), "src": lambda grad: grad},
)


def copy_(self: Any, src: Any, non_blocking: bool = False) -> Any:
    """Overwrite this tensor with `src`, cast and broadcast."""
    if not isinstance(src, nodes.Tensor):
        raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not {type(src).__name__}")
    if src._a.shape == self._a.shape and src._a.dtype == self._a.dtype and _unwatched(self) \
            and not (src._rg and modes.grad_enabled):
        self._array()[...] = src._a
        self._bump()
        return self
    return in_place(_copy, (self, src, non_blocking))


place(copy_, "copy_", ("Tensor",))


def _number(value: Any, kind: Any) -> Any:
    """A fill value in the tensor's type.

    Raises: RuntimeError when a complex number would go into a real tensor."""
    if isinstance(value, complex) and kind.kind != "c":
        raise RuntimeError("value cannot be converted to type float without overflow")
    if hasattr(value, "dtype"):
        return cast_array(value, kind)
    try:
        return kind.type(value)
    except (OverflowError, ValueError):
        name = {"u": "uint", "i": "int"}.get(kind.kind, "") + f"{kind.itemsize * 8}_t"
        raise RuntimeError(f"value cannot be converted to type {name} without overflow") from None


def _filled(self: Any, value: Any) -> Any:
    if getattr(value, "ndim", 0):
        raise RuntimeError("fill_ only supports 0-dimension value tensor but got tensor with "
                           f"{value.ndim} dimensions.")
    return np.full_like(self, _number(value, self.dtype), subok=False)


_FILL = "Sets every element to one value; nothing of the old ones is left to differentiate."
_zero_grad = lambda grad: grad.new_zeros(grad.shape)


def _fill(name: str, grad_fn: str, inputs: tuple[str, ...], inplace: bool) -> Op:
    return Op(name=name, inputs=inputs, grad_fn=grad_fn, on=(), out=False, formula=r"x \leftarrow c",
              text=_FILL,
              forward=lambda self, value: _filled(self, value),
              grads={"self": _zero_grad, "value": lambda grad: grad.sum()} if "value" in inputs
              else {"self": _zero_grad})


_fill_number, _fill_tensor = _fill("fill.number", "FillBackward0", ("self",), False), _fill(
    "fill.tensor", "FillBackward1", ("self", "value"), False)
_fill_number_, _fill_tensor_ = _fill("fill_.number", "FillBackward2", ("self",), True), _fill(
    "fill_.tensor", "FillBackward3", ("self", "value"), True)


@composite("fill", on=("torch",), out=False)
def fill(self: Any, value: Any) -> Any:
    """A tensor like this one with every element set to `value`."""
    return (_fill_tensor if isinstance(value, nodes.Tensor) else _fill_number).call(self, value)


@composite("fill_", out=False)
def fill_(self: Any, value: Any) -> Any:
    """Set every element to `value`, in place."""
    if type(value) in (int, float) and self._a.dtype.kind == "f" and _unwatched(self):
        self._array().fill(value)
        self._bump()
        return self
    return in_place(_fill_tensor_ if isinstance(value, nodes.Tensor) else _fill_number_, (self, value))


_zero = Op(name="zero", inputs=("self",), grad_fn="ZeroBackward0", on=("torch",), out=False,
           formula=r"x \leftarrow 0",
           text="Sets every element to zero.", forward=lambda self: np.zeros_like(self, subok=False),
           grads={"self": _zero_grad})


@composite("zero_", out=False)
def zero_(self: Any) -> Any:
    """Set every element to zero, in place."""
    if _unwatched(self):
        self._array().fill(0)
        self._bump()
        return self
    return in_place(_zero, (self,))


# -- by a mask -----------------------------------------------------------------------------------------------


def _mask_filled(self: Any, mask: Any, value: Any) -> Any:
    if mask.dtype != np.bool_:
        raise RuntimeError("masked_fill only supports boolean masks, but got mask with dtype "
                           f"{dt.scalar_type_name(dt.of(mask)).lower()}" if mask.dtype != np.uint8 else
                           "masked_fill_ only supports boolean masks, but got mask with dtype unsigned char")
    if getattr(value, "ndim", 0):
        raise RuntimeError("masked_fill only supports a 0-dimensional value tensor, but got tensor with "
                           f"{value.ndim} dimension(s).")
    if hasattr(value, "dtype"):
        own, given = dt.of(self), dt.of(value)
        if given.category > own.category:
            raise RuntimeError(f"value cannot be converted to type {own.name} without overflow")
    return np.where(mask, _number(value, self.dtype), self)


_masked_number: Any = Op(
    name="masked_fill.number", inputs=("self",), grad_fn="MaskedFillBackward0", on=(), out=False,
    formula=r"y = m \, c + (1 - m) \, x", text="Overwrites where the mask is true; no gradient goes there.",
    forward=_mask_filled, grads={"self": lambda grad, mask: OPS["masked_fill"](grad, mask, 0)},
)
_masked_tensor: Any = Op(
    name="masked_fill.tensor", inputs=("self", "value"), grad_fn="MaskedFillBackward1", on=(), out=False,
    formula=r"y = m \, c + (1 - m) \, x", text="Overwrites where the mask is true; that gradient goes to the "
                    "value.",
    forward=_mask_filled,
    grads={"self": lambda grad, mask: OPS["masked_fill"](grad, mask, 0),
           "value": lambda grad, mask: OPS["masked_fill"](grad, mask.logical_not(), 0).sum()},
)


@composite("masked_fill")
def masked_fill(self: Any, mask: Any, value: Any) -> Any:
    """A copy with `value` where the mask is true."""
    return (_masked_tensor if isinstance(value, nodes.Tensor) else _masked_number).call(self, mask, value)


@composite("masked_fill_", on=("Tensor",), out=False)
def masked_fill_(self: Any, mask: Any, value: Any) -> Any:
    """Put `value` where the mask is true, in place."""
    if self._a.shape != np.broadcast_shapes(self._a.shape, mask._a.shape):
        raise RuntimeError(f"output with shape {list(self._a.shape)} doesn't match the broadcast shape "
                           f"{list(np.broadcast_shapes(self._a.shape, mask._a.shape))}")
    return in_place(_masked_tensor if isinstance(value, nodes.Tensor) else _masked_number,
                    (self, mask, value))


def _masked_select(self: Any, mask: Any) -> Any:
    if mask.dtype not in (np.bool_, np.uint8):
        raise RuntimeError("masked_select: expected BoolTensor or ByteTensor for mask")
    mask = mask.astype(bool, copy=False)
    if mask.shape != self.shape:
        self, mask = np.broadcast_arrays(self, mask)
    return np.asarray(self)[np.asarray(mask)].reshape(-1)


masked_select: Any = kernel(
    name="masked_select", inputs=("self",), formula=r"y = x_{m}",
    text="The elements where the mask is true, in a row.", forward=_masked_select,
    grads={"self": lambda grad, self_shape, mask: masked_scatter(
        grad.new_zeros(np.broadcast_shapes(tuple(self_shape), mask._a.shape)),
        mask.expand(np.broadcast_shapes(tuple(self_shape), mask._a.shape)), grad)},
)


def _masked_scatter(self: Any, mask: Any, source: Any) -> Any:
    if self.dtype != source.dtype:
        raise RuntimeError("masked_scatter: expected self and source to have same dtypes but got "
                           f"{dt.scalar_type_name(dt.of(self))} and {dt.scalar_type_name(dt.of(source))}")
    if mask.dtype != np.bool_:
        raise RuntimeError("masked_scatter_ only supports boolean masks, but got mask with dtype "
                           f"{dt.scalar_type_name(dt.of(mask))}")
    a, m = np.broadcast_arrays(self, mask)
    out = np.array(a, order="C")
    count = int(np.count_nonzero(m))
    if source.size < count:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    out[m] = source.reshape(-1)[:count]
    return out


def _masked_scatter_source(grad: Any, mask: Any, source_shape: tuple[int, ...]) -> Any:
    taken = masked_select(grad, mask.expand(grad.shape) if mask._a.shape != grad._a.shape else mask)
    total = int(np.prod(source_shape))
    if taken._a.size < total:
        from engine.ops.joining import cat

        taken = cat([taken, grad.new_zeros(total - taken._a.size)])
    return taken.view(source_shape)


masked_scatter: Any = kernel(
    name="masked_scatter", inputs=("self", "source"), inplace=True, out=False,
    text="Puts the source's elements, in their order, where the mask is true.", forward=_masked_scatter,
    grads={"self": lambda grad, mask: OPS["masked_fill"](grad, mask, 0), "source": _masked_scatter_source},
)


# -- where ---------------------------------------------------------------------------------------------------


def _where(condition: Any, self: Any, other: Any) -> Any:
    if condition.dtype != np.bool_:
        if condition.dtype != np.uint8:
            raise RuntimeError("where expected condition to be a boolean tensor, but got a tensor with dtype "
                               f"{dt.scalar_type_name(dt.of(condition))}")
        condition = condition.astype(bool)
    kind = dt.result_type([self, other]).numpy
    a, b = (x.astype(kind, copy=False) if hasattr(x, "astype") else kind.type(x) for x in (self, other))
    try:
        got = np.where(condition, a, b)
    except ValueError:
        from engine.core.shape import broadcast_shapes

        broadcast_shapes(np.shape(condition), np.shape(a), np.shape(b))
        raise
    return got if got.dtype == kind else got.astype(kind)


_where_three: Any = kernel(
    name="where.three", inputs=("self", "other"), grad_fn="WhereBackward0", on=(), out=False,
    formula=r"y = c \, a + (1 - c) \, b", text="Takes from one where the condition holds and from the other "
                      "elsewhere.",
    forward=_where,
    grads={"self": lambda grad, condition: _where_three(condition, grad, 0),
           "other": lambda grad, condition: _where_three(condition, 0, grad)},
)


@composite("where", on=("torch",))
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """`input` where the condition holds, `other` elsewhere; with one argument, the places where it holds."""
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    return _where_three(condition, input, other)


@composite("where", on=("Tensor",), out=False)
def _where_method(self: Any, condition: Any, other: Any) -> Any:
    """This tensor where the condition holds, `other` elsewhere."""
    return _where_three(condition, self, other)
