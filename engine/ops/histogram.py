"""Counts in bins: torch.histogram and torch.histogramdd."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import dtype as dt
from engine.ops.calling import named_tuple
from engine.ops.record import composite

_ONE = named_tuple("histogram", ("hist", "bin_edges"))
_MANY = named_tuple("histogramdd", ("hist", "bin_edges"))
_NAME = "torch.histogramdd"


def _plain(kind: Any) -> str:
    return {"float32": "float", "float64": "double"}.get(str(kind).removeprefix("torch."), str(kind))


def _reach(points: Any, d: int, span: Any) -> tuple[float, float]:
    """The first and last edge of dimension d."""
    if span is not None:
        low, high = float(span[2 * d]), float(span[2 * d + 1])
    elif points.size:
        low, high = points[:, d].min(), points[:, d].max()
    else:
        low, high = 0.0, 1.0
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"{_NAME}: dimension {d}'s range [{low:g}, {high:g}] is not finite")
    if low > high:
        raise RuntimeError(f"{_NAME}: min should not exceed max, but got min {low:g} max {high:g} for "
                           f"dimension {d}")
    return (low - 0.5, high + 0.5) if low == high else (low, high)


def _edges_of(points: Any, bins: list, span: Any, face: str) -> list:
    """The edges of each dimension's bins, as Tensors."""
    from engine import linspace

    kind = dt.of(points)
    found = []
    for d, b in enumerate(bins):
        if isinstance(b, nodes.Tensor):
            if b.dtype is not kind:
                raise RuntimeError(f"{_NAME}: input tensor and bins tensors should have the same dtype, but "
                                   f"got input with dtype {_plain(kind)} and bins for dimension {d} with "
                                   f"dtype {_plain(b.dtype)}")
            if b.ndim != 1:
                raise RuntimeError(f"{_NAME}: bins tensor should have one dimension, but got {b.ndim} "
                                   f"dimensions in the bins tensor for dimension {d}")
            if not b.numel():
                raise RuntimeError(f"{_NAME}: bins tensor should have at least 1 element, but got 0 elements "
                                   f"in the bins tensor for dimension {d}")
            found.append(b.detach().clone())
            continue
        if b <= 0:
            raise RuntimeError(f"{face}: bins must be > 0, but got {b} for dimension {d}")
        found.append(linspace(*_reach(points, d, span), b + 1, dtype=kind))
    return found


def _counted(points: Any, edges: list, weight: Any, density: bool) -> Any:
    """How many of the points (rows), or how much of their weight, falls into each bin."""
    sizes = [len(e) - 1 for e in edges]
    hist = np.zeros(sizes, points.dtype)
    inside = np.ones(len(points), bool)
    places = []
    for d, e in enumerate(edges):
        x = points[:, d]
        inside &= (x >= e[0]) & (x <= e[-1])
        places.append(np.where(x == e[-1], len(e) - 2, np.searchsorted(e, x, "right") - 1))
    if all(sizes):
        at = tuple(p[inside] for p in places)
        np.add.at(hist, at, 1 if weight is None else weight[inside])
    if density:
        hist = hist / hist.sum()
        for d, e in enumerate(edges):
            hist = hist / np.diff(e).reshape([-1 if i == d else 1 for i in range(len(edges))])
    return nodes.Tensor._of(hist.astype(points.dtype, copy=False))


def _spread(input: Any, points: Any, bins: list, span: Any, weight: Any, density: bool, face: str) -> tuple:
    if points.dtype.kind != "f":
        raise NotImplementedError(f"\"histogramdd\" not implemented for "
                                  f"'{dt.scalar_type_name(dt.of(points))}'")
    if span is not None and len(span) != 2 * len(bins):
        raise RuntimeError(f"{_NAME}: for a {len(bins)}-dimensional histogram range should have "
                           f"{2 * len(bins)} elements, but got {len(span)}")
    if weight is not None:
        if tuple(weight.shape) != tuple(input.shape[:-1]):
            raise RuntimeError(f"{_NAME}: if weight tensor is provided it should have the same shape as the "
                               f"input tensor excluding its innermost dimension, but got input with shape "
                               f"{list(input.shape)} and weight with shape {list(weight.shape)}")
        if weight.dtype is not input.dtype:
            raise RuntimeError(f"{_NAME}: if weight tensor is provided, input tensor and weight tensor "
                               f"should have the same dtype, but got input({_plain(input.dtype)}), and "
                               f"weight({_plain(weight.dtype)})")
    edges = _edges_of(points, bins, span, face)
    w = None if weight is None else weight._array().reshape(-1)
    return _counted(points, [e._a for e in edges], w, density), edges


@composite("histogram")
def histogram(
    input: Any, bins: Any = 100, *, range: Any = None, weight: Any = None, density: bool = False
) -> Any:
    """Counts (or weights; with density, shares for each unit of width) by bins, and the bins' edges."""
    if isinstance(bins, nodes.Tensor) and range is not None:
        raise TypeError("histogram() received an invalid combination of arguments - got (Tensor, Tensor, "
                        f"range={type(range).__name__}), but expected one of:\n"
                        " * (Tensor input, Tensor bins, *, Tensor weight = None, bool density = False, tuple "
                        "of Tensors out = None)\n"
                        " * (Tensor input, int bins = 100, *, tuple of floats range = None, Tensor weight = "
                        "None, bool density = False, tuple of Tensors out = None)\n")
    column = input.detach().reshape(-1, 1)
    w = None if weight is None else weight.reshape(-1)
    hist, edges = _spread(column, column._array(), [bins], range, w, density, "torch.histogram()")
    return _ONE((hist, edges[0]))


@composite("histogramdd", on=("torch",), out=False)
def histogramdd(
    input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False
) -> Any:
    """Counts of points by bins in each of their dimensions, and the bins' edges. Shapes: input (..., N)."""
    if input.ndim < 2:
        raise RuntimeError(f"{_NAME}: input tensor should have at least 2 dimensions")
    n = input.shape[-1]
    bins = [bins] * n if isinstance(bins, int) else list(bins)
    if len(bins) != n:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the "
                           "input.")
    points = input._array().reshape(-1, n)
    hist, edges = _spread(input, points, bins, range, weight, density, "torch.histogramdd()")
    return _MANY((hist, tuple(edges)))
