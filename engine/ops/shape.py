"""Views under another shape: the same memory, every element once (or repeated by expand)."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.core.shape import broadcast_shapes, infer_size, sizes_of, window, wrap_dim, wrap_dims
from engine.core.shape import expand as expand_array
from engine.ops.formula import OPS
from engine.ops.record import View, composite, kernel, place, view

CANNOT_VIEW = ("view size is not compatible with input tensor's size and stride (at least one dimension "
               "spans across two "
               "contiguous subspaces). Use .reshape(...) instead.")


def viewed(a: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray | None:
    """`a` under another shape without copying, or None where its strides do not allow that."""
    if a.flags.c_contiguous:
        return a.reshape(sizes)
    try:
        return np.reshape(a, sizes, copy=False)
    except ValueError:
        return None


def _view(self: Any, *size: Any) -> Any:
    if self.flags.c_contiguous:
        sizes = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
        try:
            if not sizes or min(sizes) >= -1:
                return self.reshape(sizes)
        except (ValueError, TypeError):
            pass  # said in PyTorch's words below
    got = viewed(self, infer_size(sizes_of(size), self.size))
    if got is None:
        raise RuntimeError(CANNOT_VIEW)
    return got


_viewing: Any = View(
    name="view", inputs=("self",), grad_fn="ViewBackward0", on=(), out=False,
    formula=r"y = x", text="The same numbers under another shape; the gradient goes back to the old one.",
    forward=_view,
    grads={"self": lambda grad, self_shape: grad.reshape(self_shape)},
)

_reshape_alias: Any = View(
    name="_reshape_alias", inputs=("self",), grad_fn="ReshapeAliasBackward0", on=(), out=False,
    formula=r"y = x", text="A view under another shape of memory that does not lie row by row.",
                      forward=_view,
    grads={"self": lambda grad, self_shape: grad.reshape(self_shape)},
)


def _view_dtype(self: Any, dtype: Any) -> Any:
    if dtype.numpy.itemsize != self.dtype.itemsize:
        if not self.ndim:
            raise RuntimeError("self.dim() cannot be 0 to view "
                               f"{np.dtype(self.dtype).name} as {dtype.name} (different element sizes)")
        if self.strides[-1] != self.dtype.itemsize and self.shape[-1] > 1:
            raise RuntimeError("self.stride(-1) must be 1 to view "
                               f"{self.dtype.name} as {dtype.name} (different element sizes), but got "
                               f"{self.strides[-1] // self.dtype.itemsize}")
    return self.view(dtype.numpy)


_view_as_type: Any = view(
    name="view.dtype", inputs=("self",), on=(),
    text="The same bytes read as another type; no gradient passes.", forward=_view_dtype,
)


def _view_method(self: Any, *size: Any, dtype: Any = None) -> Any:
    """The same memory under another size, or read as another type.

    Raises: RuntimeError where the strides do not allow it."""
    if dtype is not None or len(size) == 1 and hasattr(size[0], "is_floating_point") and not hasattr(size[0],
                                                                                                     "_a"):
        kind = dtype if dtype is not None else size[0]
        return _view_as_type(self, kind) if kind is not self.dtype else _viewing.call(self,
                                                                                      (tuple(self._a.shape),))
    return _viewing.call(self, size)


_view_method.__name__ = "view"
OPS["view"] = _view_method
place(_view_method, "view", ("Tensor",))
view_as = composite("view_as", on=("Tensor",))(lambda self,
                                               other: _viewing.call(self, (tuple(other._a.shape),)))

unsafe_view: Any = kernel(
    name="_unsafe_view", inputs=("self",), grad_fn="UnsafeViewBackward0", out=False, on=("torch", "Tensor"),
    text="A fresh copy under another shape.", forward=lambda self,
                     size: self.reshape(infer_size(size, self.size)),
    grads={"self": lambda grad, self_shape: grad.reshape(self_shape)},
)


@composite("reshape", out=False)
def reshape(self: Any, *shape: Any) -> Any:
    """Another shape: a view where the strides allow it, else a copy."""
    a = self._array()
    if a.flags.c_contiguous:
        return _viewing.call(self, shape)
    sizes = infer_size(sizes_of(shape), a.size)
    if viewed(a, sizes) is not None:
        return _reshape_alias.call(self, (sizes,))
    return unsafe_view(self.clone(memory_format=_contiguous()), sizes)


def _contiguous() -> Any:
    from engine.core.layout import contiguous_format

    return contiguous_format


reshape_as = composite("reshape_as", on=("Tensor",))(lambda self, other: self.reshape(tuple(other._a.shape)))


@composite("flatten", out=False)
def flatten(self: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """These dimensions run together into one."""
    ndim = self._a.ndim
    start, end = wrap_dim(start_dim, ndim), wrap_dim(end_dim, ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not ndim:
        return self.reshape(1)
    if start == end:
        return self
    shape = self._a.shape
    return self.reshape((*shape[:start], prod(shape[start:end + 1]), *shape[end + 1:]))


@composite("unflatten", out=False)
def unflatten(self: Any, dim: int, sizes: Any) -> Any:
    """One dimension split into several."""
    dim = wrap_dim(dim, self._a.ndim)
    shape = self._a.shape
    sizes = tuple(sizes)
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    try:
        filled = infer_size(sizes, shape[dim])
    except RuntimeError as e:
        if "only one" in str(e) or "invalid shape dimension" in str(e):
            raise
        raise RuntimeError(f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim "
                           f"{dim} ({shape[dim]}) in "
                           "the input tensor") from None
    return self.view((*shape[:dim], *filled, *shape[dim + 1:]))


@composite("ravel", out=False)
def ravel(self: Any) -> Any:
    """All elements in one row."""
    return self.contiguous().view(-1)


# -- squeeze and unsqueeze -----------------------------------------------------------------------------------


def _without(a: np.ndarray, dims: tuple[int, ...]) -> np.ndarray:
    drop = tuple(d for d in dims if a.ndim and a.shape[d] == 1)
    return a.squeeze(drop) if drop else a.view()


def _squeeze_all_gradient(grad: Any, self_shape: tuple[int, ...]) -> Any:
    for d, n in enumerate(self_shape):
        if n == 1:
            grad = grad.unsqueeze(d)
    return grad


def _squeeze_gradient(grad: Any, self_shape: tuple[int, ...], dim: Any) -> Any:
    for d in sorted(wrap_dims(dim, len(self_shape))) if self_shape else ():
        if self_shape[d] == 1:
            grad = grad.unsqueeze(d)
    return grad


_SQUEEZE = "Drops dimensions of size 1; the gradient gets them back."
squeeze_all: Any = view(
    name="squeeze.all", inputs=("self",), grad_fn="SqueezeBackward0", on=(), formula=r"y = x", text=_SQUEEZE,
    forward=lambda self: self.squeeze(), grads={"self": _squeeze_all_gradient},
)
squeeze_dim: Any = view(
    name="squeeze.dim", inputs=("self",), grad_fn="SqueezeBackward1", on=(), formula=r"y = x", text=_SQUEEZE,
    forward=lambda self, dim: _without(self, (wrap_dim(dim, self.ndim),)), grads={"self": _squeeze_gradient},
)
squeeze_dims: Any = view(
    name="squeeze.dims", inputs=("self",), grad_fn="SqueezeBackward2", on=(), formula=r"y = x", text=_SQUEEZE,
    forward=lambda self, dim: _without(self, wrap_dims(dim, self.ndim)) if dim else self.view(),
    grads={"self": lambda grad, self_shape, dim: _squeeze_gradient(grad, self_shape, dim) if dim else grad},
)


@composite("squeeze", out=False)
def squeeze(self: Any, dim: Any = None) -> Any:
    """Without the dimensions of size 1, or without the given ones where their size is 1."""
    if dim is None:
        return squeeze_all(self)
    return squeeze_dims(self, tuple(dim)) if isinstance(dim, (tuple, list)) else squeeze_dim(self, dim)


def _unsqueeze(self: Any, dim: int) -> Any:
    dim = wrap_dim(dim, self.ndim + 1)
    step = self.strides[dim] * self.shape[dim] if dim < self.ndim else self.dtype.itemsize
    if self.flags.c_contiguous:
        return window(self, (*self.shape[:dim], 1, *self.shape[dim:]),
                      (*self.strides[:dim], step, *self.strides[dim:]))
    return np.expand_dims(self, dim)


unsqueeze: Any = view(
    name="unsqueeze", inputs=("self",), grad_fn="UnsqueezeBackward0",
    formula=r"y = x", text="Adds a dimension of size 1; the gradient loses it again.",
    forward=_unsqueeze,
    grads={"self": lambda grad, dim: grad.squeeze(dim)},
)


# -- the order of dimensions ---------------------------------------------------------------------------------


def _t(self: Any) -> Any:
    if self.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {self.ndim}D")
    return self.T


def turned(t: Any) -> Any:
    """The transpose of a gradient; in an ordinary backward nobody can change it in place as a view."""
    return t.t() if modes.grad_enabled else nodes.Tensor._of(t._a.T)


t: Any = view(
    name="t", inputs=("self",), grad_fn="TBackward0",
    formula=r"Y = X^{T}", text="Turns rows into columns; the gradient is turned back.",
    forward=_t,
    grads={"self": lambda grad: turned(grad)},
)


def _transpose(self: Any, dim0: int, dim1: int) -> Any:
    first, second = wrap_dim(dim0, self.ndim), wrap_dim(dim1, self.ndim)
    return self.swapaxes(first, second) if self.ndim else self.view()


transpose: Any = view(
    name="transpose", inputs=("self",), grad_fn="TransposeBackward0", aliases=("swapaxes", "swapdims"),
    formula=r"Y = X^{T}", text="Swaps two dimensions; the gradient is swapped back.",
    forward=_transpose,
    grads={"self": lambda grad, dim0, dim1: grad.transpose(dim0, dim1)},
)


def _order(dims: tuple, ndim: int) -> tuple[int, ...]:
    dims = sizes_of(dims)
    if len(dims) != ndim:
        raise RuntimeError("permute(sparse_coo): number of dimensions in the tensor input does not match the "
                           "length of the "
                           f"desired ordering of dimensions i.e. input.dim() = {ndim} is not equal to "
                           "len(dims) = "
                           f"{len(dims)}")
    found = tuple(wrap_dim(d, ndim) for d in dims)
    if len(set(found)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return found


def _inverse(dims: tuple, ndim: int) -> list[int]:
    order = _order(dims, ndim)
    back = [0] * ndim
    for i, d in enumerate(order):
        back[d] = i
    return back


permute: Any = view(
    name="permute", inputs=("self",), grad_fn="PermuteBackward0",
    formula=r"y = x", text="Puts the dimensions in another order; the gradient's are put back.",
    forward=lambda self, *dims: self.transpose(_order(dims, self.ndim)),
    grads={"self": lambda grad, dims, self_shape: grad.permute(_inverse(dims, len(self_shape)))},
)


@composite("movedim", aliases=("moveaxis",), out=False)
def movedim(self: Any, source: Any, destination: Any) -> Any:
    """Dimensions moved to other places; the rest keeps its order."""
    ndim = self._a.ndim
    if isinstance(source, int):
        source, destination = (source,), (destination,)
    if len(source) != len(destination):
        raise RuntimeError(f"movedim: Invalid source or destination dims: source ({list(source)} dims) "
                           "should contain the "
                           f"same number of dims as destination ({list(destination)} dims)")
    start, end = [wrap_dim(d, ndim) for d in source], [wrap_dim(d, ndim) for d in destination]
    if len(set(start)) != len(start):
        raise RuntimeError(f"movedim: repeated dim in `source` ({list(source)})")
    if len(set(end)) != len(end):
        raise RuntimeError(f"movedim: repeated dim in `destination` ({list(destination)})")
    if not ndim:
        return OPS["alias"](self)
    order = [-1] * ndim
    for s, e in zip(start, end):
        order[e] = s
    rest = iter([d for d in range(ndim) if d not in start])
    return self.permute([next(rest) if d < 0 else d for d in order])


@composite("adjoint", out=False)
def adjoint(self: Any) -> Any:
    """The matrices transposed and conjugated."""
    return _matrix_turned(self, "adjoint()")


def _matrix_turned(self: Any, name: str, conj: bool = True) -> Any:
    if self._a.ndim < 2:
        raise RuntimeError(f"tensor.{name} is only supported on matrices or batches of matrices. Got "
                           f"{self._a.ndim}-D "
                           "tensor.")
    turned = self.transpose(-2, -1)
    return turned.conj() if conj and self._a.dtype.kind == "c" else turned


def _numpy_t(self: Any) -> Any:
    """The dimensions in reverse order."""
    if self._a.ndim not in (0, 2):
        import warnings

        warnings.warn("The use of `x.T` on tensors of dimension other than 2 to reverse their shape is "
                      "deprecated and it "
                      "will throw an error in a future release. Consider `x.mT` to transpose batches of "
                      "matrices or "
                      "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.",
                      stacklevel=2)
    return self.permute(tuple(range(self._a.ndim - 1, -1, -1)))


def _matrix_h(self: Any) -> Any:
    """A matrix transposed and conjugated."""
    if self._a.ndim not in (0, 2):
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self._a.ndim}-D "
                           "tensor.")
    if not self._a.ndim:
        return self.conj() if self._a.dtype.kind == "c" else self
    return _matrix_turned(self, "H")


place(property(_numpy_t), "T", ("Tensor",))  # type: ignore[arg-type]
place(property(lambda self: _matrix_turned(self, "mT", False)), "mT", ("Tensor",))  # type: ignore[arg-type]
place(property(lambda self: _matrix_turned(self, "mH")), "mH", ("Tensor",))  # type: ignore[arg-type]
place(property(_matrix_h), "H", ("Tensor",))  # type: ignore[arg-type]


# -- expand and its sum --------------------------------------------------------------------------------------


def _expand(self: Any, *size: Any, implicit: bool = False) -> Any:
    sizes = list(sizes_of(size))
    lead = len(sizes) - self.ndim
    if lead < 0:
        raise RuntimeError(f"expand({{{list(self.shape)}}}, size={sizes}): the number of sizes provided "
                           f"({len(sizes)}) must "
                           f"be greater or equal to the number of dimensions in the tensor ({self.ndim})")
    for i, n in enumerate(sizes):
        have = self.shape[i - lead] if i >= lead else None
        if n == -1:
            if have is None:
                raise RuntimeError(f"expand({{{list(self.shape)}}}, size={sizes}): the expanded size of the "
                                   f"tensor ({n}) "
                                   f"isn't allowed in a leading, non-existing dimension {i}")
            sizes[i] = have
        elif have is not None and have not in (1, n):
            raise RuntimeError(f"The expanded size of the tensor ({n}) must match the existing size ({have}) "
                               "at "
                               f"non-singleton dimension {i}.  Target sizes: {list(sizes)}.  Tensor sizes: "
                               f"{list(self.shape)}")
    return expand_array(self, tuple(sizes))


expand: Any = view(
    name="expand", inputs=("self",), grad_fn="ExpandBackward0", on=("Tensor",),
    formula=r"y = x", text="Repeats without copying; the gradients of all repetitions are summed.",
    forward=_expand,
    grads={"self": lambda grad, self_shape: grad.sum_to_size(self_shape)},
)
expand_as = composite("expand_as", on=("Tensor",))(lambda self, other: self.expand(tuple(other._a.shape)))
broadcast_to = composite("broadcast_to", out=False)(lambda self, *size: self.expand(sizes_of(size)))


@composite("broadcast_tensors", on=("torch",), out=False)
def broadcast_tensors(*tensors: Any) -> tuple:
    """All of them expanded to their common shape."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    shape = broadcast_shapes(*[t._a.shape for t in tensors])
    return tuple(t if t._a.shape == shape else t.expand(shape) for t in tensors)


@composite("sum_to_size", on=("Tensor",), out=False)
def sum_to_size(self: Any, *size: Any) -> Any:
    """Summed down to a shape that expands to this one."""
    sizes, have = sizes_of(size), self._a.shape
    lead = len(have) - len(sizes)
    if lead < 0 or any(n not in (1, m) for n, m in zip(sizes, have[lead:])):
        raise RuntimeError(f"size {{{list(sizes)}}} is not expandable to size {{{list(have)}}}.")
    if not sizes:
        return OPS["sum"](self)
    dims = [*range(lead), *(i + lead for i, n in enumerate(sizes) if n == 1 and have[i + lead] != 1)]
    out = self if not dims else OPS["sum"](self, dims, True)
    return out.view(sizes) if lead else out


alias: Any = view(
    name="alias", inputs=("self",), grad_fn="AliasBackward0", on=(), formula=r"y = x",
             text="The same tensor once more.",
    forward=lambda self: self.view(), grads={"self": lambda grad: grad},
)


@composite("atleast_1d", on=("torch",), out=False)
def atleast_1d(*tensors: Any) -> Any:
    """Tensors with at least one dimension."""
    return _each(tensors, lambda t: t.reshape(1) if not t._a.ndim else t)


@composite("atleast_2d", on=("torch",), out=False)
def atleast_2d(*tensors: Any) -> Any:
    """Tensors with at least two dimensions."""
    return _each(tensors,
                 lambda t: t.reshape(1, 1) if not t._a.ndim else t.unsqueeze(0) if t._a.ndim == 1 else t)


@composite("atleast_3d", on=("torch",), out=False)
def atleast_3d(*tensors: Any) -> Any:
    """Tensors with at least three dimensions."""
    def three(t: Any) -> Any:
        if t._a.ndim == 0:
            return t.reshape(1, 1, 1)
        if t._a.ndim == 1:
            return t.unsqueeze(0).unsqueeze(-1)
        return t.unsqueeze(-1) if t._a.ndim == 2 else t

    return _each(tensors, three)


def _each(tensors: tuple, fn: Any) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        return tuple(fn(t) for t in tensors[0])
    return fn(tensors[0]) if len(tensors) == 1 else tuple(fn(t) for t in tensors)


# -- the same, changing the tensor itself --------------------------------------------------------------------


def _in_place(name: str, op: Any, grad_fn: str) -> None:
    """NAME_: the tensor itself under the other shape."""
    node_type = nodes.node_class(grad_fn, op.node_base)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._check_in_place()
        bound = op.bind(self, *args, **kwargs)
        result = op.compute(bound)
        if modes.grad_enabled and self._rg:
            was, op.node_type = op.node_type, node_type
            try:
                shown = nodes.Tensor._of(result)
                node = op.record(bound, shown)
            finally:
                op.node_type = was
            self._fn, self._nr, self._view = node, 0, None
        self._a = result
        self._bump()
        return self

    method.__name__, method.__doc__ = name, f"{op.name} of the tensor itself."
    place(method, name, ("Tensor",))
    OPS[name] = method


_in_place("t_", t.op, "TBackward1")
for _alias in ("transpose_", "swapaxes_", "swapdims_"):
    _in_place(_alias, transpose.op, "TransposeBackward1")
_in_place("unsqueeze_", unsqueeze.op, "UnsqueezeBackward1")
_in_place("_squeeze_all_", squeeze_all.op, "SqueezeBackward3")
_in_place("_squeeze_dim_", squeeze_dim.op, "SqueezeBackward4")
_in_place("_squeeze_dims_", squeeze_dims.op, "SqueezeBackward5")


@composite("squeeze_", on=("Tensor",), out=False)
def squeeze_(self: Any, dim: Any = None) -> Any:
    """squeeze of the tensor itself."""
    if dim is None:
        return self._squeeze_all_()
    return self._squeeze_dims_(tuple(dim)) if isinstance(dim, (tuple, list)) else self._squeeze_dim_(dim)
