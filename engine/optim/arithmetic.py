"""The few in-place operations that the optimizers are written in, on bare arrays and on tensors.

ArrayMath changes the numpy arrays of the parameters directly: no graph, no new tensors, and the roundings
of PyTorch's CPU kernels (a multiply followed by an add rounds once). TensorMath says the same in tensor
methods, for updates that are themselves differentiated and for tensors on a device.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

import engine
from engine.core.fused import fused_multiply_add

torch: Any = engine

# Below this many elements numpy's own calls are as quick as waking the compiler on the first step.
_WORTH_COMPILING = 4096
_COMPILED = (np.dtype(np.float32), np.dtype(np.float64))
_kernel: Any = None


def array_of(t: Any) -> np.ndarray:
    """The array that tensor `t` wraps; real and imaginary parts as a last axis of two if it is complex."""
    a = t._array()
    if a.dtype.kind == "c":
        return a.view(a.real.dtype).reshape(a.shape + (2,))
    return a


def touch(t: Any) -> None:
    """Note in the version counter of `t` that its values were changed in place."""
    t._bump()


def is_on_cpu(t: Any) -> bool:
    """Whether the values of `t` are in an array of this process."""
    return not t.is_cuda


def _compiled(a: np.ndarray, *others: np.ndarray) -> Any:
    """The module of compiled loops, if it fits these arrays and is worth its start; else None."""
    global _kernel
    if a.dtype not in _COMPILED or not a.flags.c_contiguous:
        return None
    if a.size < _WORTH_COMPILING and _kernel is None and "numba" not in sys.modules:
        return None
    for b in others:
        if b.dtype != a.dtype or b.shape != a.shape or not b.flags.c_contiguous:
            return None
    if _kernel is None:
        from engine.optim import kernel as _kernel_module

        _kernel = _kernel_module
    return _kernel


def _multiply_add(out: np.ndarray, a: Any, b: Any, c: np.ndarray) -> np.ndarray:
    """`out` filled with a * b + c, rounded once."""
    if out.dtype == np.float32:
        wide = np.multiply(a, b, dtype=np.float64)
        wide += c
        out[...] = wide
    elif out.dtype == np.float64:
        out[...] = fused_multiply_add(np.asarray(a), b, c)
    else:
        out[...] = (np.multiply(a, b, dtype=np.float32) + c.astype(np.float32)).astype(out.dtype)
    return out


def _rate(a: np.ndarray, value: float) -> Any:
    """`value` rounded to the precision in which `a` is computed."""
    return (np.float64 if a.dtype == np.float64 else np.float32)(value)


class ArrayMath:
    """The operations on numpy arrays. A trailing underscore changes the first argument and gives it back."""

    of = staticmethod(array_of)

    @staticmethod
    def add_(a: np.ndarray, b: Any, alpha: float = 1) -> np.ndarray:
        """a += alpha * b."""
        if alpha == 1 or not isinstance(b, np.ndarray):
            a += b
            return a
        alpha = _rate(a, alpha)
        fast = _compiled(a, b)
        if fast is not None:
            fast.add(a.reshape(-1), b.reshape(-1), alpha)
            return a
        return _multiply_add(a, b, alpha, a)

    @staticmethod
    def add(a: np.ndarray, b: Any, alpha: float = 1) -> np.ndarray:
        """A new array a + alpha * b."""
        return ArrayMath.add_(a.copy(), b, alpha)

    @staticmethod
    def sub(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """A new array a - b."""
        return a - b

    @staticmethod
    def mul_(a: np.ndarray, b: Any) -> np.ndarray:
        """a *= b, a number or an array."""
        a *= b
        return a

    @staticmethod
    def mul(a: np.ndarray, b: Any) -> np.ndarray:
        """A new array a * b."""
        return a * b

    @staticmethod
    def div_(a: np.ndarray, b: Any) -> np.ndarray:
        """a /= b, a number or an array."""
        a /= b
        return a

    @staticmethod
    def rdiv(number: float, a: np.ndarray) -> np.ndarray:
        """A new array number * (1 / a), as PyTorch divides a number by a tensor."""
        out = np.reciprocal(a)
        out *= number
        return out

    @staticmethod
    def neg(a: np.ndarray) -> np.ndarray:
        """A new array -a."""
        return -a

    @staticmethod
    def abs(a: np.ndarray) -> np.ndarray:
        """A new array |a|."""
        return np.abs(a)

    @staticmethod
    def sign(a: np.ndarray) -> np.ndarray:
        """A new array of -1, 0 and 1."""
        return np.sign(a)

    @staticmethod
    def sqrt(a: np.ndarray) -> np.ndarray:
        """A new array of roots."""
        return np.sqrt(a)

    @staticmethod
    def sqrt_(a: np.ndarray) -> np.ndarray:
        """The roots, in place."""
        return np.sqrt(a, out=a)

    @staticmethod
    def lerp_(a: np.ndarray, b: np.ndarray, weight: float) -> np.ndarray:
        """a moved towards b by the share `weight`."""
        weight = _rate(a, weight)
        fast = _compiled(a, b)
        if fast is not None:
            fast.lerp(a.reshape(-1), b.reshape(-1), weight)
            return a
        way = np.subtract(b, a)
        if abs(weight) < 0.5:
            return _multiply_add(a, way, weight, a)
        return _multiply_add(a, way, weight - type(weight)(1), b)

    @staticmethod
    def addcmul_(a: np.ndarray, b: np.ndarray, c: np.ndarray, value: float = 1) -> np.ndarray:
        """a += value * b * c."""
        value = _rate(a, value)
        fast = _compiled(a, b, c)
        if fast is not None:
            fast.addcmul(a.reshape(-1), b.reshape(-1), c.reshape(-1), value)
            return a
        return _multiply_add(a, b if value == 1 else b * value, c, a)

    @staticmethod
    def addcdiv_(a: np.ndarray, b: np.ndarray, c: np.ndarray, value: float = 1) -> np.ndarray:
        """a += value * b / c."""
        value = _rate(a, value)
        fast = _compiled(a, b, c)
        if fast is not None:
            fast.addcdiv(a.reshape(-1), b.reshape(-1), c.reshape(-1), value)
            return a
        share = b * value
        share /= c
        a += share
        return a

    @staticmethod
    def momentum_(
        p: np.ndarray, g: np.ndarray, buffer: np.ndarray, keep: float, take: float, rate: float
    ) -> bool:
        """Whether a compiled loop has done a step with momentum: the same bits in one pass."""
        fast = _compiled(p, g, buffer)
        if fast is None:
            return False
        fast.momentum(
            p.reshape(-1), g.reshape(-1), buffer.reshape(-1), _rate(p, keep), _rate(p, take), _rate(p, rate)
        )
        return True

    @staticmethod
    def adam_(
        p: np.ndarray,
        g: np.ndarray,
        average: np.ndarray,
        square: np.ndarray,
        beta1: float,
        beta2: float,
        root: float,
        eps: float,
        step_size: float,
    ) -> bool:
        """Whether a compiled loop has done the whole of Adam's update: the same bits in one pass."""
        fast = _compiled(p, g, average, square) if beta1 > 0.5 else None
        if fast is None:
            return False
        rates = (1 - beta1, beta2, 1 - beta2, root, eps, -step_size)
        fast.adam(
            p.reshape(-1),
            g.reshape(-1),
            average.reshape(-1),
            square.reshape(-1),
            *(_rate(p, rate) for rate in rates),
        )
        return True

    @staticmethod
    def maximum_(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """a, where it is not below b, else b."""
        return np.maximum(a, b, out=a)

    @staticmethod
    def clamp_(a: np.ndarray, low: float, high: float) -> np.ndarray:
        """a kept between two bounds."""
        return np.clip(a, low, high, out=a)

    @staticmethod
    def where(condition: np.ndarray, a: Any, b: Any) -> np.ndarray:
        """a where the condition holds, else b, in the dtype of the array among them."""
        like = a if isinstance(a, np.ndarray) else b
        return np.where(condition, a, b).astype(like.dtype, copy=False)

    @staticmethod
    def copy_(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """a with the values of b."""
        a[...] = b
        return a

    @staticmethod
    def clone(a: np.ndarray) -> np.ndarray:
        """A copy."""
        return a.copy()


class TensorMath:
    """The same operations on tensors; what a graph still needs is copied before it is written over."""

    @staticmethod
    def of(t: Any) -> Any:
        """The tensor itself; real and imaginary parts as a last axis of two if it is complex."""
        return torch.view_as_real(t) if t.is_complex() else t

    @staticmethod
    def add_(a: Any, b: Any, alpha: Any = 1) -> Any:
        """a += alpha * b; a new tensor if b is a number."""
        if isinstance(alpha, torch.Tensor):
            return a.add_(b * alpha)
        # a number is added to a root, whose own result the graph still needs
        return a.add_(b, alpha=alpha) if isinstance(b, torch.Tensor) else a + b * alpha

    @staticmethod
    def add(a: Any, b: Any, alpha: Any = 1) -> Any:
        """A new tensor a + alpha * b."""
        return a + b if alpha == 1 else a + b * alpha

    @staticmethod
    def sub(a: Any, b: Any) -> Any:
        """A new tensor a - b."""
        return a - b

    @staticmethod
    def mul_(a: Any, b: Any) -> Any:
        """a *= b, a number or a tensor."""
        return a.mul_(b)

    @staticmethod
    def mul(a: Any, b: Any) -> Any:
        """A new tensor a * b."""
        return a * b

    @staticmethod
    def div_(a: Any, b: Any) -> Any:
        """a / b; a new tensor, since the root that comes before needs its own result."""
        return a / b

    @staticmethod
    def rdiv(number: Any, a: Any) -> Any:
        """A new tensor number / a."""
        return number / a

    @staticmethod
    def neg(a: Any) -> Any:
        """A new tensor -a."""
        return -a

    @staticmethod
    def abs(a: Any) -> Any:
        """A new tensor |a|."""
        return a.abs()

    @staticmethod
    def sign(a: Any) -> Any:
        """A new tensor of -1, 0 and 1."""
        return a.sign()

    @staticmethod
    def sqrt(a: Any) -> Any:
        """A new tensor of roots, of a copy that nobody writes over."""
        return a.clone().sqrt()

    @staticmethod
    def sqrt_(a: Any) -> Any:
        """The roots, in a new tensor."""
        return a.sqrt()

    @staticmethod
    def lerp_(a: Any, b: Any, weight: float) -> Any:
        """a moved towards b by the share `weight`."""
        return a.lerp_(b, weight)

    @staticmethod
    def addcmul_(a: Any, b: Any, c: Any, value: Any = 1) -> Any:
        """a += value * b * c."""
        b = b.clone()
        c = c.clone()
        return a.add_(b * c * value) if isinstance(value, torch.Tensor) else a.addcmul_(b, c, value=value)

    @staticmethod
    def addcdiv_(a: Any, b: Any, c: Any, value: Any = 1) -> Any:
        """a += value * b / c."""
        b = b.clone()
        c = c.clone()
        return a.add_(b * value / c) if isinstance(value, torch.Tensor) else a.addcdiv_(b, c, value=value)

    @staticmethod
    def maximum_(a: Any, b: Any) -> Any:
        """a, where it is not below b, else b."""
        return a.copy_(torch.maximum(a.clone(), b.clone()))

    @staticmethod
    def clamp_(a: Any, low: float, high: float) -> Any:
        """a kept between two bounds."""
        return a.clamp_(low, high)

    @staticmethod
    def where(condition: Any, a: Any, b: Any) -> Any:
        """a where the condition holds, else b."""
        return torch.where(condition, a, b)

    @staticmethod
    def copy_(a: Any, b: Any) -> Any:
        """a with the values of b."""
        return a.copy_(b)

    @staticmethod
    def clone(a: Any) -> Any:
        """A copy."""
        return a.clone()


def advance(step: Any) -> float:
    """The number that the counter `step` has after one more."""
    if is_on_cpu(step):
        a = step._array()
        a += 1
        return a.item()
    step += 1
    return step.item()
