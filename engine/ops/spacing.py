"""Areas and slopes of samples: trapezoid, cumulative_trapezoid, gradient."""

from __future__ import annotations

from typing import Any

import engine.core.dtype as dt
from engine.autograd import node as nodes
from engine.core.shape import wrap_dim
from engine.ops.record import composite
from engine.ops.scalar import over, times


def _areas(name: str, y: Any, x: Any, dx: Any, dim: int) -> Any:
    """Twice the trapezoids between neighbours along `dim`, weighted by their widths."""
    dim = wrap_dim(dim, y.ndim)
    n = y.shape[dim]
    if x is None:
        return times(y.narrow(dim, 0, n - 1) + y.narrow(dim, 1, n - 1), dx)
    heights = y.narrow(dim, 0, n - 1) + y.narrow(dim, 1, n - 1)
    if y.dtype is dt.bool_ or x.dtype is dt.bool_:
        raise RuntimeError(f"{name}: received a bool input for `x` or `y`, but bool is not supported")
    if x.ndim == 1:
        if x.shape[0] != n:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        widths = (x[1:] - x[:-1]).reshape([-1 if d == dim else 1 for d in range(y.ndim)])
    else:
        along = dim - y.ndim + x.ndim
        if along < 0 or x.shape[along] == 1:
            return heights * 0.0
        widths = x.narrow(along, 1, x.shape[along] - 1) - x.narrow(along, 0, x.shape[along] - 1)
    return heights * widths


def _checked(name: str, y: Any, x: Any, dx: Any, dim: int) -> None:
    if x is not None and dx is not None:
        raise TypeError(f"{name}() takes the spacing as x or as dx, not both")
    if y.dtype is dt.bool_ and x is None:
        raise RuntimeError(f"{name}: received a bool input for `y`, but bool is not supported")
    if isinstance(dx, (bool, complex)):
        raise RuntimeError(f"{name}: Currently, we only support dx as a real number.")
    if x is not None and x.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    wrap_dim(dim, y.ndim)


@composite("trapezoid", on=("torch",), aliases=("trapz",), out=False)
def trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The area under y along dim by the trapezoidal rule."""
    _checked("trapezoid", y, x, dx, dim)
    if y.shape[dim] == 0:
        return y.sum(dim) * 0.0
    if x is None:
        ends = y.select(dim, 0) + y.select(dim, -1)
        return times(y.sum(dim) - times(ends, 0.5), 1 if dx is None else dx)
    return over(_areas("trapezoid", y, x, None, dim).sum(dim), 2.0)


@composite("cumulative_trapezoid", on=("torch",), out=False)
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The area under y up to each sample along dim by the trapezoidal rule."""
    _checked("cumulative_trapezoid", y, x, dx, dim)
    if y.shape[dim] == 0:
        return y * 0.0
    if x is None:
        return _areas("cumulative_trapezoid", y, x, (1 if dx is None else dx) / 2.0, dim).cumsum(dim)
    return over(_areas("cumulative_trapezoid", y, x, None, dim).cumsum(dim), 2.0)


def _slope(y: Any, dim: int, spacing: Any, edge_order: int) -> Any:
    """Second-order differences along one dimension, one-sided at its ends."""
    from engine import cat

    n = y.shape[dim]

    def at(i: int) -> Any:
        return y.narrow(dim, i, 1)

    before, middle, after = y.narrow(dim, 0, n - 2), y.narrow(dim, 1, n - 2), y.narrow(dim, 2, n - 2)
    if not isinstance(spacing, nodes.Tensor):
        inner = over(after - before, 2 * spacing)
        if edge_order == 1:
            first, last = over(at(1) - at(0), spacing), over(at(n - 1) - at(n - 2), spacing)
        else:
            first = (4.0 * at(1) - 3.0 * at(0) - at(2)) / (2 * spacing)
            last = (3.0 * at(n - 1) - 4.0 * at(n - 2) + at(n - 3)) / (2 * spacing)
        return cat((first, inner, last), dim)
    h = (spacing[1:] - spacing[:-1]).reshape([-1 if d == dim else 1 for d in range(y.ndim)])
    left, right = h.narrow(dim, 0, n - 2), h.narrow(dim, 1, n - 2)
    inner = (-right / (left * (left + right)) * before + (right - left) / (left * right) * middle
             + left / (right * (left + right)) * after)
    if edge_order == 1:
        first = (at(1) - at(0)) / h.narrow(dim, 0, 1)
        last = (at(n - 1) - at(n - 2)) / h.narrow(dim, n - 2, 1)
    else:
        a, b = h.narrow(dim, 0, 1), h.narrow(dim, 1, 1)
        first = -(2.0 * a + b) / a / (a + b) * at(0) + (a + b) / a / b * at(1) - a / b / (a + b) * at(2)
        a, b = h.narrow(dim, n - 3, 1), h.narrow(dim, n - 2, 1)
        last = (b / a / (a + b) * at(n - 3) - (a + b) / a / b * at(n - 2)
                + (2.0 * b + a) / b / (a + b) * at(n - 1))
    return cat((first, inner, last), dim)


@composite("gradient", on=("torch",), out=False)
def gradient(input: Any, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> Any:
    """The slope of samples along each dimension."""
    spacing = 1 if spacing is None else spacing
    if dim is None:
        many = isinstance(spacing, (list, tuple))
        dims = list(range(input.ndim if many or not isinstance(spacing, nodes.Tensor) else 1))
    else:
        dims = [dim] if isinstance(dim, int) else list(dim)
    spacings = list(spacing) if isinstance(spacing, (list, tuple)) else [spacing] * len(dims)
    if len(spacings) != len(dims):
        raise RuntimeError(f"torch.gradient expected spacing to be unspecified, a scalar, or a list of "
                           f"length equal to 'self.dim() = {input.ndim}', but got a list of "
                           f"length {len(spacings)}")
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    if input.dtype is dt.uint8:
        raise RuntimeError("torch.gradient does not support uint8 input.")
    dims = [wrap_dim(d, input.ndim) for d in dims]
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"dim {next(d for d in dims if dims.count(d) > 1)} appears multiple times in the "
                           f"list of dims")
    for d, s in zip(dims, spacings):
        if input.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
        if isinstance(s, nodes.Tensor) and s.ndim != 1:
            raise RuntimeError(f"torch.gradient expected each element of spacing to have one dimension, but "
                               f"got an element with {s.ndim} dimensions! ")
        if isinstance(s, nodes.Tensor) and s.shape[0] != input.shape[d]:
            raise RuntimeError(f"torch.gradient expected each element of spacing to have the same number of "
                               f"elements as the dimension it belongs to, but got {s.shape[0]}")
    return tuple(_slope(input, d, s, edge_order) for d, s in zip(dims, spacings))
