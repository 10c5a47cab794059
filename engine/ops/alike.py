"""Questions that compare whole tensors: equal, close, of one size; and what kind of thing an object is."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.ops.record import composite, kernel, place
from engine.tensor import Tensor


@composite("equal", out=False)
def equal(self: Any, other: Any) -> bool:
    """True when size and all elements are the same."""
    if not isinstance(other, Tensor):
        raise TypeError(f"equal(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}")
    return self._a.shape == other._a.shape and bool(np.array_equal(self._a, other._a))


def _isclose(self: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    if self.dtype != other.dtype:
        raise RuntimeError(f"{dt.scalar_type_name(dt.of(self))} did not match "
                           f"{dt.scalar_type_name(dt.of(other))}")
    if rtol < 0:
        raise RuntimeError(f"rtol must be greater than or equal to zero, but got {rtol:g}")
    if atol < 0:
        raise RuntimeError(f"atol must be greater than or equal to zero, but got {atol:g}")
    close = self == other
    if equal_nan and self.dtype.kind in "fcV":
        close = close | ((self != self) & (other != other))
    if rtol == 0 and atol == 0:
        return close
    if self.dtype.kind in "iub":
        self, other = self.astype(np.float64), other.astype(np.float64)
    allowed = atol + np.abs(rtol * other)
    actual = np.abs(self - other)
    return np.asarray(close | (np.isfinite(actual) & (actual <= allowed)))


isclose = kernel(name="isclose", forward=_isclose, out=False,
                 text="Where two tensors differ by no more than a tolerance.")


@composite("allclose", out=False)
def allclose(self: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08,
             equal_nan: bool = False) -> bool:
    """True when no elements differ by more than a tolerance."""
    return bool(isclose(self, other, rtol, atol, equal_nan)._a.all())


@composite("is_same_size", out=False)
def is_same_size(self: Any, other: Any) -> bool:
    """True when both have one shape."""
    return self._a.shape == other._a.shape


@composite("is_set_to", on=("Tensor",), out=False)
def is_set_to(self: Any, tensor: Any) -> bool:
    """True when both are the same window on the same memory."""
    return self._a.shape == tensor._a.shape and self.stride() == tensor.stride() \
        and self.data_ptr() == tensor.data_ptr()


@composite("is_nonzero", out=False)
def is_nonzero(self: Any) -> bool:
    """The truth of the one element."""
    return bool(self)


def is_tensor(obj: Any) -> bool:
    """True for a Tensor."""
    return isinstance(obj, Tensor)


def is_storage(obj: Any) -> bool:
    """True for a storage."""
    from engine.storage import TypedStorage, UntypedStorage

    return isinstance(obj, (TypedStorage, UntypedStorage))


def typename(obj: Any) -> str:
    """The type's name as PyTorch says it: torch.FloatTensor."""
    if isinstance(obj, Tensor):
        return obj.type()
    kind = type(obj)
    where = "" if kind.__module__ in ("builtins", "__builtin__", None) else kind.__module__ + "."
    return where + kind.__qualname__


def numel(input: Any) -> int:
    """The number of elements."""
    return input._a.size


for _name in ("is_floating_point", "is_complex", "is_signed"):
    place(lambda input, _name=_name: getattr(input, _name)(), _name, ("torch",))
for _fn in (is_tensor, is_storage, typename, numel):
    place(_fn, _fn.__name__, ("torch",))
place(lambda input: False, "is_inference", ("torch", "Tensor"))
place(lambda self, *rest: Tensor.detach(self), "detach", ("torch",))
place(lambda self: Tensor.detach_(self), "detach_", ("torch",))


def result_type(tensor1: Any, tensor2: Any) -> dt.dtype:
    """The type that an operation on both computes in."""
    return dt.result_type([x._a if isinstance(x, Tensor) else x for x in (tensor1, tensor2)])


def can_cast(from_: dt.dtype, to: dt.dtype) -> bool:
    """True when results of one type may be stored in the other."""
    return not (from_.category > to.category
                or from_.is_signed and from_.category == dt.INTEGER and not to.is_signed
                and to.category == dt.INTEGER)


place(result_type, "result_type", ("torch",))
place(can_cast, "can_cast", ("torch",))
