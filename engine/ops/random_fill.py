"""Filling a tensor with samples in place: normal_, uniform_, random_ and the others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import draw
from engine.core import dtype as dt
from engine.core.shape import broadcast_shapes
from engine.ops.formula import OPS
from engine.ops.random import (
    checked_chances,
    checked_range,
    is_real,
    no_gradient,
    refuse,
    stream,
)
from engine.ops.calling import in_place
from engine.ops.record import Op, place

_MANTISSA = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


def _laid_out(like: Any, values: np.ndarray) -> np.ndarray:
    """Flat values as an array of the shape and strides of another, written in order of memory."""
    shell = np.empty_like(like)
    draw.store(shell, values)
    return shell


def _own_memory(target: Any) -> None:
    a = target._array()
    if any(stride == 0 and size > 1 for stride, size in zip(a.strides, a.shape)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single "
            "memory location. Please clone() the tensor before performing the operation."
        )


def _record(name: str, forward: Callable, text: str, grad_fn: str = "", formula: str = "") -> Op:
    return Op(
        name,
        forward=forward,
        inputs=("self",),
        grad_fn=grad_fn,
        on=(),
        out=False,
        formula=formula,
        text=text,
        grads={"self": lambda grad: no_gradient(grad)},
    )


def _method(op: Op, name: str) -> Callable:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        _own_memory(self)
        return in_place(op, op.bind(self, *args, **kwargs))

    return _placed(method, name, op.text)


def _placed(method: Callable, name: str, text: str) -> Callable:
    method.__name__ = method.__qualname__ = name
    method.__doc__ = text
    place(method, name, ("Tensor",))
    OPS[name] = method
    return method


# -- normal and uniform -------------------------------------------------------------


def _normal(self: Any, mean: float = 0, std: float = 1, *, generator: Any = None) -> np.ndarray:
    self = np.asarray(self)
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    if self.dtype.kind == "c":
        part = np.dtype(f"f{self.dtype.itemsize // 2}")
        flat = draw.normal(stream(generator), 2 * self.size, part, mean, std / math.sqrt(2))
        return _laid_out(self, flat.view(self.dtype))
    if not is_real(self.dtype):
        raise refuse("normal_kernel_cpu", self.dtype)
    return _laid_out(
        self, draw.normal(stream(generator), self.size, self.dtype, mean, std, self.flags.c_contiguous)
    )


def _uniform(self: Any, low: float = 0, high: float = 1, *, generator: Any = None) -> np.ndarray:
    self = np.asarray(self)
    if not is_real(self.dtype):
        raise refuse("check_uniform_bounds", self.dtype)
    most = float(dt.finfo(dt.of(self)).max)
    for name, value in (("from", low), ("to", high)):
        if not -most <= value <= most:
            kind = {
                "float16": "c10::Half",
                "bfloat16": "c10::BFloat16",
                "float32": "float",
                "float64": "double",
            }
            raise RuntimeError(f"{name} is out of bounds for {kind[self.dtype.name]}")
    if low > high:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}"
        )
    if high - low > most:
        raise RuntimeError(
            "uniform_ expects to-from <= std::numeric_limits<"
            f"{dt.scalar_type_name(dt.of(self))}>::max(), but found to={high:g} and from={low:g} which "
            "result in to-from to exceed the limit"
        )
    return _laid_out(self, draw.uniform(stream(generator), self.size, self.dtype, low, high))


_method(
    _record(
        "normal_",
        _normal,
        "Filled with samples of a normal distribution.",
        "NormalBackward0",
        r"y \sim \mathcal{N}(\mu, \sigma^2)",
    ),
    "normal_",
)
_UNIFORM = _record(
    "uniform_",
    _uniform,
    "Filled with samples of [from, to).",
    "UniformBackward0",
    r"y \sim \mathcal{U}(a, b)",
)


def uniform_(self: Any, *args: Any, generator: Any = None, **bounds: Any) -> Any:
    """Filled with samples of [from, to); from is 0 and to is 1 unless given."""
    low = args[0] if args else bounds.get("from", 0)
    high = args[1] if len(args) > 1 else bounds.get("to", 1)
    _own_memory(self)
    return in_place(_UNIFORM, (self, low, high, generator))


_placed(uniform_, "uniform_", uniform_.__doc__ or "")


# -- integers -----------------------------------------------------------------------


def _random(
    self: Any, low: int | None = None, high: int | None = None, *, generator: Any = None
) -> np.ndarray:
    self = np.asarray(self)
    kind = self.dtype
    source = stream(generator)
    if low is None and high is None:
        return _laid_out(self, draw.whole_range(source, self.size, kind))
    start = low or 0
    if high is None:
        # Up to and with the largest number of the type; the smallest int64 means all 64 bits.
        most = (
            (1 << _MANTISSA[kind.name])
            if is_real(kind)
            else 1
            if kind.kind == "b"
            else int(np.iinfo(kind).max)
        )
        high = most + 1
        if start == -(1 << 63) and kind == np.int64:
            return _laid_out(self, draw.integers(source, self.size, kind, start, 1 << 63))
    checked_range(kind, start, high)
    return _laid_out(self, draw.integers(source, self.size, kind, start, high))


_RANDOM = [
    _record(
        f"random_{i}" if i else "random_",
        _random,
        "Filled with random integers.",
        f"RandomBackward{2 - i}",
        r"y \in \{a, \dots, b - 1\}",
    )
    for i in range(3)
]


def random_(self: Any, *args: Any, generator: Any = None, **bounds: Any) -> Any:
    """Filled with integers: random_() over the type's range, random_(to), random_(from, to)."""
    low, high = bounds.get("from"), bounds.get("to")
    if len(args) == 1 and "to" not in bounds:
        high = args[0]
    elif args:
        low = args[0]
        high = args[1] if len(args) > 1 else high
    for bound in (low, high):
        if bound is not None and not -(1 << 63) <= bound < 1 << 63:
            raise ValueError("Overflow when unpacking long long")
    _own_memory(self)
    which = 0 if low is None and high is None else 1 if low is None else 2
    return in_place(_RANDOM[which], (self, low, high, generator))


_placed(random_, "random_", random_.__doc__ or "")


# -- one parameter or two -----------------------------------------------------------


def _exponential(self: Any, lambd: float = 1, *, generator: Any = None) -> np.ndarray:
    self = np.asarray(self)
    if not is_real(self.dtype):
        raise RuntimeError(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating "
            f"point but you specified {dt.scalar_type_name(dt.of(self))}"
        )
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    return _laid_out(self, draw.exponential(stream(generator), self.size, self.dtype, lambd))


def _geometric(self: Any, p: float, *, generator: Any = None) -> np.ndarray:
    self = np.asarray(self)
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    if self.dtype.kind in "bc":
        raise refuse("geometric_cpu", self.dtype)
    return _laid_out(self, draw.geometric(stream(generator), self.size, self.dtype, p))


def _cauchy(self: Any, median: float = 0, sigma: float = 1, *, generator: Any = None) -> np.ndarray:
    self = np.asarray(self)
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    if not is_real(self.dtype):
        kind = {
            "int64": "long int",
            "int32": "int",
            "int16": "short int",
            "int8": "signed char",
            "uint8": "unsigned char",
        }.get(self.dtype.name, self.dtype.name)
        raise RuntimeError(
            "Cauchy distribution is a continuous probability distribution. dtype must be a floating point "
            f"but you specified {kind}"
        )
    return _laid_out(self, draw.cauchy(stream(generator), self.size, self.dtype, median, sigma))


def _log_normal(self: Any, mean: float = 1, std: float = 2, *, generator: Any = None) -> np.ndarray:
    self = np.asarray(self)
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    if not is_real(self.dtype):
        raise refuse("log_normal_cpu", self.dtype)
    return _laid_out(self, draw.log_normal(stream(generator), self.size, self.dtype, mean, std))


_method(
    _record(
        "exponential_",
        _exponential,
        "Filled with exponential samples.",
        "ExponentialBackward0",
        r"y \sim \mathrm{Exp}(\lambda)",
    ),
    "exponential_",
)
_method(
    _record(
        "geometric_",
        _geometric,
        "Filled with numbers of trials up to the first success.",
        "GeometricBackward0",
        r"y \sim \mathrm{Geom}(p)",
    ),
    "geometric_",
)
_method(
    _record(
        "cauchy_",
        _cauchy,
        "Filled with Cauchy samples.",
        "CauchyBackward0",
        r"y \sim \mathrm{Cauchy}(m, \sigma)",
    ),
    "cauchy_",
)
_method(
    _record(
        "log_normal_",
        _log_normal,
        "Filled with samples whose logarithm is normal.",
        "LogNormalBackward0",
        r"\ln y \sim \mathcal{N}(\mu, \sigma^2)",
    ),
    "log_normal_",
)


# -- bernoulli ----------------------------------------------------------------------


def _bernoulli_by_number(self: Any, p: float = 0.5, *, generator: Any = None) -> np.ndarray:
    self = np.asarray(self)
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    if self.dtype.name in ("uint16", "uint32", "uint64") or self.dtype.kind == "c":
        raise refuse("bernoulli_scalar_cpu_", self.dtype)
    return _laid_out(self, draw.bernoulli(stream(generator), self.size, p).astype(self.dtype))


def _bernoulli_by_tensor(self: Any, p: Any, *, generator: Any = None) -> np.ndarray:
    self = np.asarray(self)
    if broadcast_shapes(self.shape, p.shape) != self.shape:
        raise RuntimeError(
            f"output with shape {list(self.shape)} doesn't match the broadcast shape "
            f"{list(broadcast_shapes(self.shape, p.shape))}"
        )
    chances = np.broadcast_to(checked_chances(np.asarray(p)), self.shape)
    axes = sorted(range(self.ndim), key=lambda axis: -abs(self.strides[axis]))
    ordered = chances.transpose(axes)
    return _laid_out(self, draw.bernoulli_of(stream(generator), ordered).astype(self.dtype))


_BY_NUMBER = _record(
    "bernoulli_",
    _bernoulli_by_number,
    "Filled with ones of one probability, zeros otherwise.",
    "BernoulliBackward2",
    r"y \sim \mathrm{Bernoulli}(p)",
)
_BY_TENSOR = _record(
    "bernoulli_by_tensor_",
    _bernoulli_by_tensor,
    "Filled with ones of the given probabilities.",
    "BernoulliBackward1",
    r"y \sim \mathrm{Bernoulli}(p)",
)


def bernoulli_(self: Any, p: Any = 0.5, *, generator: Any = None) -> Any:
    """Filled with ones of probability p (a number, or a tensor of probabilities), zeros otherwise."""
    _own_memory(self)
    return in_place(_BY_TENSOR if isinstance(p, nodes.Tensor) else _BY_NUMBER, (self, p, generator))


_placed(bernoulli_, "bernoulli_", bernoulli_.__doc__ or "")
