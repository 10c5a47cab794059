"""torch.FloatTensor and its kin: the old names of tensor types, as constructors and in isinstance."""

from __future__ import annotations

from typing import Any

from engine.core import dtype as dt
from engine.ops.creation import legacy_array, made
from engine.tensor import Tensor


class TensorTypeName(type):
    """The type of torch.FloatTensor: calling it makes a tensor, isinstance asks for the element type."""

    kind: dt.dtype

    def __instancecheck__(cls, other: Any) -> bool:
        return isinstance(other, Tensor) and other.dtype is cls.kind and cls.__module__ == "torch"

    def __call__(cls, *args: Any, device: Any = None) -> Any:
        if cls.__module__ != "torch":
            raise TypeError(f"type {cls.__module__}.{cls.__name__} not available. Torch not compiled with "
                            "CUDA enabled.")
        return made(legacy_array(args, cls.kind))

    @property
    def dtype(cls) -> dt.dtype:
        """The element type."""
        return cls.kind

    is_cuda = property(lambda cls: cls.__module__ != "torch")
    is_sparse = False


def _named(name: str, kind: dt.dtype, module: str) -> TensorTypeName:
    return TensorTypeName(name, (), {"kind": kind, "__module__": module,
                                     "__doc__": f"Tensors of {kind}; the old way to make them."})


NAMES = {d._tensor_name: d for d in dt.ALL.values() if "Complex" not in d._tensor_name
         and "UInt" not in d._tensor_name}
TYPES = {name: _named(name, d, "torch") for name, d in NAMES.items()}
CUDA_TYPES = {name: _named(name, d, "torch.cuda") for name, d in NAMES.items()}
globals().update(TYPES)
