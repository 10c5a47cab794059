"""Changing type or place: to, float, double, type, cpu, copy."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import device as devices
from engine.core import dtype as dt
from engine.ops.record import composite, kernel


def as_dtype(given: Any) -> dt.dtype:
    """A dtype from torch.float32, 'torch.FloatTensor', torch.FloatTensor, float, int or bool."""
    if isinstance(given, dt.dtype):
        return given
    if given in (float, int, bool, complex):
        return {float: dt.float64, int: dt.int64, bool: dt.bool_, complex: dt.complex128}[given]
    name = given if isinstance(given, str) else getattr(given, "__name__", str(given))
    name = name.rsplit(".", 1)[-1]
    for d in dt.ALL.values():
        if d._tensor_name == name:
            return d
    raise ValueError(f"invalid type: '{given}'")


_to_copy = kernel(
    name="_to_copy", inputs=("self",), grad_fn="ToCopyBackward0", on=("Tensor",), out=False,
    formula=r"y = x", text="The same numbers in another type; the gradient is cast back.",
    forward=lambda self, dtype: cast(self, dtype),
    grads={"self": lambda grad: grad},
)
clone = kernel(
    name="clone", inputs=("self",), grad_fn="CloneBackward0", out=False,
    formula=r"y = x", text="A copy; the gradient passes.",
    forward=lambda self, *, memory_format=None: np.array(self, order="K" if memory_format is None else "C"),
    grads={"self": lambda grad: grad},
)


def cast(a: Any, d: dt.dtype) -> Any:
    """An array in another type, with PyTorch's rules for complex to real."""
    if a.dtype.kind == "c" and d.category < dt.COMPLEX and d is not dt.bool_:
        a = a.real
    return a.astype(d.numpy)


@composite("to", on=("Tensor",), out=False)
def to(self: Any, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, non_blocking: bool = False,
       memory_format: Any = None) -> Any:
    """This tensor in another type or place; itself where nothing changes."""
    for a in args:
        if isinstance(a, (dt.dtype, type)):
            dtype = a
        elif isinstance(a, (str, devices.device)) or isinstance(a, int) and not isinstance(a, bool):
            device = a
        elif hasattr(a, "_a"):
            dtype, device = a.dtype, a.device
    devices.check(device)
    if dtype is None or as_dtype(dtype) is self.dtype:
        return self.clone() if copy else self
    return self._to_copy(as_dtype(dtype))


def _caster(name: str, d: dt.dtype) -> None:
    @composite(name, on=("Tensor",), out=False)
    def method(self: Any, memory_format: Any = None) -> Any:
        return self if self.dtype is d else self._to_copy(d)


for _name, _d in {**dt.SHORT_NAMES, "bool": dt.bool_, "byte": dt.uint8, "char": dt.int8,
                  "bfloat16": dt.bfloat16}.items():
    _caster(_name, _d)
