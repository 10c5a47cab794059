"""Changing type or place: to, float, double, type, cpu, cuda, contiguous, clone; and real, imag, conj."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import device as devices
from engine.core import dtype as dt
from engine.ops.formula import OPS
from engine.ops.record import composite, kernel, place, pointwise, view


def as_dtype(given: Any) -> dt.dtype:
    """A dtype from torch.float32, 'torch.FloatTensor', torch.FloatTensor, float, int or bool."""
    if isinstance(given, dt.dtype):
        return given
    if given in (float, int, bool, complex):
        return {float: dt.float64, int: dt.int64, bool: dt.bool_, complex: dt.complex128}[given]
    name = given if isinstance(given, str) else getattr(given, "__name__", str(given))
    if "cuda" in name or "cuda" in getattr(given, "__module__", ""):
        devices.check("cuda")
    name = name.rsplit(".", 1)[-1]
    if name == "Tensor":
        return dt.default.dtype
    for d in dt.ALL.values():
        if d._tensor_name == name:
            return d
    raise ValueError(f"invalid type: '{given}'")


_to_copy: Any = kernel(
    name="_to_copy", inputs=("self",), grad_fn="ToCopyBackward0", on=("Tensor",), out=False,
    formula=r"y = x", text="The same numbers in another type; the gradient is cast back.",
    forward=lambda self, dtype: cast(self, dtype),
    grads={"self": lambda grad: grad},
)


def _clone(self: Any, *, memory_format: Any = None) -> Any:
    if memory_format is None or memory_format.name == "preserve_format":
        return np.array(self, order="C" if 0 in getattr(self, "strides", ()) else "K")
    from engine.ops.creation import ordered

    copy = ordered(self, memory_format)
    return np.array(self, order="C") if copy is self or np.may_share_memory(copy, self) \
        and memory_format.name == "contiguous_format" else np.array(copy, order="K")


clone: Any = kernel(
    name="clone", inputs=("self",), grad_fn="CloneBackward0", out=False,
    formula=r"y = x", text="A copy; the gradient passes.", forward=_clone,
    grads={"self": lambda grad: grad},
)


def cast(a: Any, d: dt.dtype) -> Any:
    """An array in another type, with PyTorch's rules for complex to real."""
    if a.dtype.kind == "c" and d.category < dt.COMPLEX and d is not dt.bool_:
        import warnings

        warnings.warn("Casting complex values to real discards the imaginary part", UserWarning, stacklevel=6)
        a = a.real
    kind = d.numpy
    if a.dtype.kind == "f" and kind.kind == "u":
        wide = a.astype(np.int64)
        return wide.astype(kind)
    return a.astype(kind)


def is_contiguous_as(a: np.ndarray, memory_format: Any) -> bool:
    """True when an array already lies in the order that a memory format asks for."""
    name = getattr(memory_format, "name", "contiguous_format")
    if name == "channels_last":
        return a.ndim == 4 and a.transpose(0, 2, 3, 1).flags.c_contiguous
    if name == "channels_last_3d":
        return a.ndim == 5 and a.transpose(0, 2, 3, 4, 1).flags.c_contiguous
    return a.flags.c_contiguous


@composite("contiguous", on=("Tensor",), out=False)
def contiguous(self: Any, memory_format: Any = None) -> Any:
    """This tensor if its elements lie row by row, else a copy that does."""
    if is_contiguous_as(self._array(), memory_format):
        return self
    from engine.core.layout import contiguous_format

    return clone(self, memory_format=memory_format or contiguous_format)


@composite("to", on=("Tensor",), out=False)
def to(self: Any, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False,
       non_blocking: bool = False,
       memory_format: Any = None, other: Any = None) -> Any:
    """This tensor in another type or place; itself where nothing changes."""
    flags = []
    for a in (*args, *(() if other is None else (other,))):
        if isinstance(a, bool):
            flags.append(a)
        elif isinstance(a, (dt.dtype, type)):
            dtype = a
        elif isinstance(a, (str, devices.device, int)):
            device = a
        elif hasattr(a, "_a"):
            dtype, device = a.dtype, a.device
        elif a is not None:
            raise TypeError(f"to() received an invalid combination of arguments - got ({type(a).__name__}), "
                            "but expected "
                            "one of:\n * (torch.device device = None, torch.dtype dtype = None, bool "
                            "non_blocking = False, "
                            "bool copy = False, *, torch.memory_format memory_format = None)\n * "
                            "(torch.dtype dtype, bool "
                            "non_blocking = False, bool copy = False, *, torch.memory_format memory_format = "
                            "None)\n * "
                            "(Tensor tensor, bool non_blocking = False, bool copy = False, *, "
                            "torch.memory_format "
                            "memory_format = None)\n")
    copy = copy or len(flags) > 1 and flags[1]
    if device is not None:
        devices.check(device)
    if dtype is None or (wanted := as_dtype(dtype)) is self.dtype:
        if memory_format is not None and not is_contiguous_as(self._array(), memory_format) \
                and memory_format.name != "preserve_format":
            return clone(self, memory_format=memory_format)
        return clone(self) if copy else self
    found = _to_copy(self, wanted)
    return found if memory_format is None else found.contiguous(memory_format=memory_format) \
        if memory_format.name != "preserve_format" else found


def _caster(name: str, d: dt.dtype) -> None:
    @composite(name, on=("Tensor",), out=False)
    def method(self: Any, memory_format: Any = None) -> Any:
        return self if self.dtype is d else _to_copy(self, d)


for _name, _d in {**dt.SHORT_NAMES, "bool": dt.bool_, "byte": dt.uint8, "char": dt.int8,
                  "bfloat16": dt.bfloat16, "chalf": dt.complex64}.items():
    _caster(_name, _d)


@composite("type_as", on=("Tensor",), out=False)
def type_as(self: Any, other: Any) -> Any:
    """This tensor in another's type."""
    return self.to(other.dtype)


@composite("cpu", on=("Tensor",), out=False)
def cpu(self: Any, memory_format: Any = None) -> Any:
    """This tensor: it is on the CPU."""
    return self


@composite("cuda", on=("Tensor",), out=False)
def cuda(self: Any, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Any:
    """This tensor on a GPU.

    Raises: AssertionError where there is none."""
    devices.check("cuda" if device is None else device)
    return self


@composite("pin_memory", on=("Tensor",), out=False)
def pin_memory(self: Any, device: Any = None) -> Any:
    """This tensor: without a GPU no memory is pinned."""
    return self


@composite("share_memory_", on=("Tensor",), out=False)
def share_memory_(self: Any) -> Any:
    """This tensor, in memory that worker processes started from here can read."""
    return self


place(lambda self: False, "is_pinned", ("Tensor",))
place(lambda self: False, "is_shared", ("Tensor",))


# -- complex parts -------------------------------------------------------------------------------------------


def _view_as_real(self: Any) -> Any:
    if self.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    half = np.dtype(np.float64 if self.dtype == np.complex128 else np.float32)
    out = np.lib.stride_tricks.as_strided(self.reshape(1).view(half) if not self.ndim
                                          else _halves(self, half),
                                          (*self.shape, 2), (*self.strides, half.itemsize))
    return out


def _halves(a: np.ndarray, half: np.dtype) -> np.ndarray:
    return a.real


view_as_real: Any = view(
    name="view_as_real", inputs=("self",), grad_fn="ViewAsRealBackward0", on=("torch",),
    text="Complex numbers as pairs of real ones, on the same memory.", forward=_view_as_real,
    grads={"self": lambda grad: view_as_complex(grad.contiguous())},
)


def _view_as_complex(self: Any) -> Any:
    if self.dtype.kind != "f" or self.dtype.itemsize == 2:
        raise RuntimeError("view_as_complex is only supported for half, float and double tensors, but got a "
                           "tensor of "
                           f"scalar type: {dt.scalar_type_name(dt.of(self))}")
    if not self.ndim or self.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2" if self.ndim else
                           "Input tensor must have one or more dimensions")
    if not self.size:
        return np.empty(self.shape[:-1], np.complex128 if self.dtype == np.float64 else np.complex64)
    if self.strides[-1] != self.dtype.itemsize:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    return self.view(np.complex128 if self.dtype == np.float64 else np.complex64)[..., 0]


view_as_complex: Any = view(
    name="view_as_complex", inputs=("self",), grad_fn="ViewAsComplexBackward0", on=("torch",),
    text="Pairs of real numbers as complex ones, on the same memory.", forward=_view_as_complex,
    grads={"self": lambda grad: view_as_real(grad)},
)


@composite("real", on=("torch",), out=False)
def real(self: Any) -> Any:
    """The real part; a real tensor itself."""
    return view_as_real(self).select(-1, 0) if self._a.dtype.kind == "c" else self


@composite("imag", on=("torch",), out=False)
def imag(self: Any) -> Any:
    """The imaginary part of a complex tensor."""
    if self._a.dtype.kind != "c":
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return view_as_real(self).select(-1, 1)


def _set_part(name: str) -> Any:
    part = real if name == "real" else imag
    return property(lambda self: part(self), lambda self, value: part(self).copy_(OPS["as_tensor"](value)))


place(_set_part("real"), "real", ("Tensor",))
place(_set_part("imag"), "imag", ("Tensor",))

_conj: Any = pointwise(
    name="_conj", inputs=("self",), grad_fn="ConjBackward0", on=("torch",), promote=None,
                  formula=r"y = \bar z",
    text="Turns the sign of the imaginary part.", forward=lambda self: np.conj(self),
    grads={"self": lambda grad: grad.conj()},
)
