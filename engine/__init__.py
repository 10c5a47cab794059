"""Gradwalk's engine: PyTorch's API and names on NumPy and numba. `import engine as torch` works.

core/       types, shapes, devices, the random stream
autograd/   nodes and the backward walk
ops/        the records: one definition of each op
kernels/    numba kernels, CPU and CUDA
tensor.py   Tensor;  faces.py fills it and torch.* from the records;  display.py prints it
nn/ optim/ data/ vision/ utils/   PyTorch's packages of these names
serialization.py  checkpoint files
protocol/ recorders/ worker/  what the app sees; torch_alias.py makes `import torch` mean this package
"""

from __future__ import annotations

from engine.core.dtype import SHORT_NAMES as _SHORT_NAMES
from engine.core import dtype as _dtypes
from engine.core.device import device
from engine.core.dtype import dtype, finfo, get_default_dtype, iinfo, promote_types, set_default_dtype
from engine.core.shape import Size, broadcast_shapes as _broadcast
from engine.tensor import Parameter, Tensor
from engine import faces as _faces
from engine.kernels import memory as _memory

_memory.keep_blocks()
_faces.load_records()
_faces.fill_tensor()
_faces.fill(globals(), "torch")
for _d in _dtypes.ALL.values():
    globals()[_d.name] = _d
for _name, _d in _SHORT_NAMES.items():
    globals()[_name] = _d

from engine.core.layout import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    sparse_coo,
    sparse_csr,
    strided,
)
from engine.autograd.modes import (
    enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled,
)

__version__ = "2.13.0"


def broadcast_shapes(*shapes) -> Size:
    """The shape that these broadcast to."""
    return Size(_broadcast(*[(s,) if hasattr(s, "__index__") else tuple(s) for s in shapes]))


_LATE = {
    **dict.fromkeys(
        (
            "compile",
            "are_deterministic_algorithms_enabled",
            "get_default_device",
            "get_deterministic_debug_mode",
            "get_float32_matmul_precision",
            "get_num_interop_threads",
            "get_num_threads",
            "is_warn_always_enabled",
            "is_deterministic_algorithms_warn_only_enabled",
            "set_default_device",
            "set_default_tensor_type",
            "set_deterministic_debug_mode",
            "set_float32_matmul_precision",
            "set_flush_denormal",
            "set_num_interop_threads",
            "set_num_threads",
            "set_warn_always",
            "use_deterministic_algorithms",
            "get_file_path",
        ),
        "engine.settings",
    ),
    **dict.fromkeys(
        (
            "BFloat16Tensor",
            "BoolTensor",
            "ByteTensor",
            "CharTensor",
            "DoubleTensor",
            "FloatTensor",
            "HalfTensor",
            "IntTensor",
            "LongTensor",
            "ShortTensor",
        ),
        "engine.legacy",
    ),
    **dict.fromkeys(("TypedStorage", "UntypedStorage"), "engine.storage"),
    **dict.fromkeys(("get_printoptions", "set_printoptions"), "engine.display"),
    "autocast": "engine.amp",
    "is_autocast_enabled": "engine.amp",
    "vmap": "engine.func",
    "OutOfMemoryError": "engine.cuda",
    "save": "engine.serialization",
    "load": "engine.serialization",
    "sparse_coo_tensor": "engine.sparse", "spmm": "engine.sparse",
}
"""Functions of torch.* whose file is loaded when they are first asked for."""


def __getattr__(name: str):
    """Load torch.nn, torch.optim ... when first asked for: they cost time that a small script need not
    pay."""
    import importlib

    if name in _LATE:
        return getattr(importlib.import_module(_LATE[name]), name)
    if not name.startswith("_"):
        try:
            return importlib.import_module(f"engine.{name}")
        except ModuleNotFoundError as e:
            if e.name != f"engine.{name}":
                raise
    raise AttributeError(f"module 'torch' has no attribute '{name}'")
