"""Tensors by rule: ranges, grids, identity, index pairs, and complex numbers from parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import device as devices
from engine.core import dtype as dt
from engine.core.shape import broadcast_shapes
from engine.ops.formula import OPS
from engine.ops.record import composite, kernel, place, pointwise


def _leaf(a: Any, requires_grad: bool = False, out: Any = None) -> Any:
    from engine.ops.creation import made, written

    return written(out, a) if out is not None else made(a, requires_grad)


def _kind(dtype: Any, out: Any = None, otherwise: dt.dtype | None = None) -> dt.dtype:
    if dtype is None:
        return out.dtype if out is not None else otherwise or dt.default.dtype
    from engine.ops.cast import as_dtype

    return as_dtype(dtype)


def _number(x: Any) -> Any:
    return x.item() if isinstance(x, (nodes.Tensor, np.generic)) else x


def fused(step: Any, at: np.ndarray, start: Any) -> np.ndarray:
    """step * at + start in double precision with one rounding, as fused multiply-add gives it."""
    with np.errstate(all="ignore"):
        product = step * at
        split = 134217729.0
        high_a, high_b = split * step - (split * step - step), split * at - (split * at - at)
        low_a, low_b = step - high_a, at - high_b
        lost = ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b
        total = product + start
        back = total - product
        rest = (product - (total - back)) + (start - back)
        exact = total + (rest + lost)
    return np.where(np.isfinite(exact), exact, product + start)


BLOCKS = {"float32": 8, "float64": 4}
"""PyTorch's vector loop takes two blocks of this many numbers at a time and counts from each block's first,
rounded."""


def _steps(start: Any, step: Any, n: int, kind: np.dtype) -> np.ndarray:
    at = np.arange(n, dtype=np.float64)
    block = BLOCKS.get(kind.name)
    if block is None:
        return fused(float(step), at, float(start))
    full = n - n % (2 * block)
    first = fused(float(step), at[:full:block], float(start)).astype(kind).astype(np.float64)
    whole = fused(float(step), np.arange(block, dtype=np.float64), first[:, None]).reshape(-1)
    return np.concatenate([whole, fused(float(step), at[full:], float(start))])


def _in_range(start: Any, end: Any, step: Any) -> None:
    if not all(math.isfinite(x) for x in (start, end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def arange(start: Any, end: Any = None, step: Any = 1, *, out: Any = None, dtype: Any = None,
           layout: Any = None,
           device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Any:
    """Numbers from start up to, not including, end."""
    devices.check(device)
    if end is None:
        start, end = 0, start
    start, end, step = _number(start), _number(end), _number(step)
    floating = any(isinstance(x, float) for x in (start, end, step))
    kind = _kind(dtype, out, dt.default.dtype if floating else dt.int64)
    _in_range(start, end, step)
    if kind is dt.int64:
        start, end, step = int(start), int(end), int(step)
        if not step:
            raise ValueError("step must be nonzero")
        floating = False
    if floating:
        n = math.ceil((float(end) - float(start)) / float(step))
        values = _steps(start, step, n, kind.numpy)
    else:
        n = -((start - end) // step)
        if kind.category <= dt.INTEGER:
            return _leaf(np.arange(start, start + n * step, step, dtype=kind.numpy) if n
                         else np.empty(0, kind.numpy),
                         requires_grad, out)
        values = _steps(start, step, n, kind.numpy)
    return _leaf(values.astype(kind.numpy), requires_grad, out)


def range_(start: Any, end: Any = None, step: Any = 1, *, out: Any = None, dtype: Any = None,
           layout: Any = None,
           device: Any = None, requires_grad: bool = False) -> Any:
    """Numbers from start to end, the end included; arange is the one to use."""
    import warnings

    warnings.warn("torch.range is deprecated and will be removed in a future release because its behavior is "
                  "inconsistent "
                  "with Python's range builtin. Instead, use torch.arange, which produces values in [start, "
                  "end).",
                  UserWarning, stacklevel=2)
    if end is None:
        start, end = 0, start
    start, end, step = _number(start), _number(end), _number(step)
    _in_range(start, end, step)
    kind = _kind(dtype, out)
    n = math.floor((end - start) / step) + 1
    values = fused(float(step), np.arange(n, dtype=np.float64), float(start))
    return _leaf(values.astype(kind.numpy), requires_grad, out)


def _even(start: Any, end: Any, steps: int, kind: np.dtype) -> np.ndarray:
    """`steps` numbers from start to end, rounded as PyTorch does: each half counts from its own end."""
    if steps == 1:
        return np.array([start], kind)
    if kind.kind in "iu":
        start, end = int(start), int(end)
        step = (float(end) - float(start)) / (steps - 1)
        at = np.arange(steps)
        return np.where(at < steps // 2, np.trunc(start + step * at),
                        np.trunc(end - step * (steps - at - 1))).astype(kind)
    working = kind if kind.kind == "c" else np.dtype(np.float64 if kind == np.float64 else np.float32)
    first, last = working.type(start), working.type(end)
    step = (last - first) / working.type(steps - 1)
    at = np.arange(steps)
    if working.kind == "c":
        up, down = first + at * step, last - (steps - at - 1) * step
    else:
        up = fused(float(step), at.astype(np.float64), float(first))
        down = fused(-float(step), (steps - at - 1).astype(np.float64), float(last))
    return np.where(at < steps // 2, up, down).astype(kind)


def _steps_wanted(name: str, steps: Any) -> int:
    steps = _number(steps)
    if isinstance(steps, float):
        raise TypeError(f"{name}() received an invalid combination of arguments - got (int, int, float), but "
                        "expected one of:\n * (Tensor start, Tensor end, int steps, ...)\n * (Number start, "
                        "Number "
                        "end, int steps, ...)\n")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return int(steps)


def _ends(start: Any, end: Any, dtype: Any, out: Any) -> tuple:
    start, end = _number(start), _number(end)
    for t in (start, end):
        if isinstance(t, complex):
            return start, end, _kind(dtype, out, dt.default.dtype.to_complex())
    return start, end, _kind(dtype, out)


def _checked_ends(name: str, start: Any, end: Any) -> None:
    ends = [(word, t._a.ndim) for word, t in (("start", start), ("end", end)) if isinstance(t, nodes.Tensor)]
    if any(n for _, n in ends):
        got = " and ".join(f"{word} with {n} dimension(s)" for word, n in ends)
        raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors, but got {got}.")


def linspace(start: Any, end: Any, steps: Any, *, out: Any = None, dtype: Any = None, layout: Any = None,
             device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Any:
    """`steps` evenly spaced numbers from start to end, both included."""
    devices.check(device)
    _checked_ends("linspace", start, end)
    start, end, kind = _ends(start, end, dtype, out)
    return _leaf(_even(start, end, _steps_wanted("linspace", steps), kind.numpy), requires_grad, out)


def logspace(start: Any, end: Any, steps: Any, base: float = 10.0, *, out: Any = None, dtype: Any = None,
             layout: Any = None, device: Any = None, requires_grad: bool = False,
             pin_memory: bool = False) -> Any:
    """base to the power of evenly spaced numbers."""
    devices.check(device)
    _checked_ends("logspace", start, end)
    start, end, kind = _ends(start, end, dtype, out)
    n = _steps_wanted("logspace", steps)
    exact = np.complex128 if kind.category == dt.COMPLEX else np.float64
    if kind.category <= dt.FLOAT and kind is not dt.float64:
        at = np.arange(n)
        step = (end - start) / (n - 1) if n > 1 else 0.0
        exponents = np.where(at < n // 2, start + step * at,
                             end - step * (n - at - 1)) if n > 1 else np.array([start] * n)
    else:
        exponents = _even(start, end, n, kind.numpy)
    return _leaf(np.power(exact(base), exponents.astype(exact)).astype(kind.numpy), requires_grad, out)


def eye(n: int, m: int | None = None, *, out: Any = None, dtype: Any = None, layout: Any = None,
        device: Any = None,
        requires_grad: bool = False, pin_memory: bool = False) -> Any:
    """Ones on the diagonal, zeros elsewhere."""
    devices.check(device)
    for name, k in (("n", n), ("m", m)):
        if k is not None and k < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {k}")
    return _leaf(np.eye(n, m, dtype=_kind(dtype, out).numpy), requires_grad, out)


def _triangle(name: str, pairs: Any) -> Any:
    def function(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None,
                 layout: Any = None,
                 pin_memory: bool = False) -> Any:
        devices.check(device)
        for word, n in (("row", row), ("col", col)):
            if n < 0:
                raise RuntimeError(f"{word} must be non-negative, got{n}")
        return _leaf(np.stack(pairs(row, offset, col)).astype(_kind(dtype, None, dt.int64).numpy))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Row and column numbers of a triangle ({name[:4]})."
    return function


@composite("meshgrid", on=("torch",), out=False)
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple:
    """Grids of coordinates from one vector for each dimension."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing is None:
        import warnings

        warnings.warn("torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
                      "argument.",
                      UserWarning, stacklevel=3)
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError('torch.meshgrid: indexing must be one of "xy" or "ij", but received: '
                           + str(indexing))
    for t in tensors:
        if t._a.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {t}")
        if t._a.dtype != tensors[0]._a.dtype:
            raise RuntimeError("torch.meshgrid expects all tensors to have the same dtype")
    swap = indexing == "xy" and len(tensors) >= 2
    if swap:
        tensors = (tensors[1], tensors[0], *tensors[2:])
    shape = tuple(t._a.size for t in tensors)
    grids = [t.view([-1 if j == i else 1 for j in range(len(tensors))]).expand(shape) for i,
             t in enumerate(tensors)]
    if swap:
        grids[:2] = grids[1], grids[0]
    return tuple(grids)


@composite("vander", on=("torch",), out=False)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Powers of a vector's elements, as columns."""
    if x._a.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    n = x._a.size if N is None else N
    if n < 0:
        raise RuntimeError("N must be non-negative.")
    kind = x.dtype if x.dtype.category >= dt.FLOAT else dt.int64
    result = OPS["empty"](x._a.size, n, dtype=kind)
    if n > 0:
        result.select(1, 0).fill_(1)
    if n > 1:
        result[:, 1:].copy_(x.unsqueeze(1))
        result[:, 1:].copy_(OPS["cumprod"](result[:, 1:], 1))
    return result if increasing else result.flip(1)


# -- complex numbers from parts ------------------------------------------------------------------------------


def _same_real(name: str, a: Any, b: Any, first: str, second: str) -> np.dtype:
    for x in (a, b):
        if x.dtype.kind != "f":
            raise RuntimeError("Expected both inputs to be Half, Float or Double tensors but got "
                               f"{dt.scalar_type_name(dt.of(a))} and {dt.scalar_type_name(dt.of(b))}")
    if a.dtype != b.dtype:
        raise RuntimeError(f"Expected object of scalar type {dt.scalar_type_name(dt.of(a))} but got scalar "
                           "type "
                           f"{dt.scalar_type_name(dt.of(b))} for second argument")
    return np.dtype(np.complex128 if a.dtype == np.float64 else np.complex64)


def _complex(real: Any, imag: Any) -> Any:
    kind = _same_real("complex", real, imag, "real", "imag")
    out = np.empty(broadcast_shapes(real.shape, imag.shape), kind)
    out.real, out.imag = real, imag
    return out


complex_: Any = pointwise(
    name="complex", inputs=("real", "imag"), grad_fn="ComplexBackward0", on=("torch",), promote=None,
    formula=r"z = a + i b", text="Complex numbers from their parts.", forward=_complex,
    grads={"real": lambda grad: _part(grad, "real"), "imag": lambda grad: _part(grad, "imag")},
)


def _part(x: Any, name: str) -> Any:
    return getattr(x, name)


def _polar(abs: Any, angle: Any) -> Any:
    kind = _same_real("polar", abs, angle, "abs", "angle")
    out = np.empty(broadcast_shapes(abs.shape, angle.shape), kind)
    out.real, out.imag = abs * np.cos(angle), abs * np.sin(angle)
    return out


def _polar_gradient(grad: Any, abs: Any, angle: Any) -> tuple:
    c, s = angle.cos(), angle.sin()
    return (grad.real * c + grad.imag * s) * abs.sgn(), grad.imag * abs * c - grad.real * abs * s


polar: Any = kernel(
    name="polar", inputs=("abs", "angle"), grad_fn="PolarBackward0", on=("torch",),
               formula=r"z = r e^{i \varphi}",
    text="Complex numbers from length and angle.", forward=_polar, grads={("abs", "angle"): _polar_gradient},
)

for _name, _fn in {"arange": arange, "range": range_, "linspace": linspace, "logspace": logspace, "eye": eye,
                   "tril_indices": _triangle("tril_indices", np.tril_indices),
                   "triu_indices": _triangle("triu_indices", np.triu_indices)}.items():
    place(_fn, _name, ("torch",))
