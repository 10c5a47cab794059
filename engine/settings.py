"""Settings of torch.*: threads, determinism, precision, default device and tensor type, and compile."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

from engine.core import device as devices
from engine.core import dtype as dt

_threads = [max(1, (os.cpu_count() or 2) // 2), os.cpu_count() or 1]
_deterministic = [False, False]
_precision = ["highest"]


def get_num_threads() -> int:
    """The number of threads that kernels may use."""
    return _threads[0]


def set_num_threads(num: int) -> None:
    """Set the number of threads that kernels may use."""
    if not isinstance(num, int) or isinstance(num, bool):
        raise TypeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    _threads[0] = num


def get_num_interop_threads() -> int:
    """The number of threads between ops."""
    return _threads[1]


def set_num_interop_threads(num: int) -> None:
    """Set the number of threads between ops."""
    _threads[1] = num


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for repeatable results: the engine's always are."""
    _deterministic[:] = [bool(mode), warn_only]


def are_deterministic_algorithms_enabled() -> bool:
    """True when repeatable results were asked for."""
    return _deterministic[0]


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """True when only a warning was asked for."""
    return _deterministic[1]


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Ask for repeatable results by level: 0 or default, 1 or warn, 2 or error."""
    level = {"default": 0, "warn": 1, "error": 2}[debug_mode] if isinstance(debug_mode, str) else debug_mode
    _deterministic[:] = [level != 0, level == 1]


def get_deterministic_debug_mode() -> int:
    """The level of set_deterministic_debug_mode."""
    return 0 if not _deterministic[0] else 1 if _deterministic[1] else 2


def set_float32_matmul_precision(precision: str) -> None:
    """Accepts highest, high or medium; products are always of full precision."""
    if precision not in ("highest", "high", "medium"):
        warnings.warn(f"{precision} is not one of 'highest', 'high', or 'medium'; the current "
                      "setFloat32MatmulPrecision call "
                      "has no effect.", stacklevel=2)
        return
    _precision[0] = precision


def get_float32_matmul_precision() -> str:
    """What set_float32_matmul_precision was given."""
    return _precision[0]


def set_flush_denormal(mode: bool) -> bool:
    """False: tiny numbers are kept as they are."""
    return False


def set_warn_always(b: bool) -> None:
    """Accepted: Python's own warning filters decide."""


def is_warn_always_enabled() -> bool:
    """False: Python's own warning filters decide."""
    return False


def set_default_device(device: Any) -> None:
    """Set where new tensors live."""
    devices.choose(device)


def get_default_device() -> devices.device:
    """Where new tensors live."""
    return devices.get_default_device()


def set_default_tensor_type(t: Any) -> None:
    """Set the default floating type by an old type name: torch.DoubleTensor."""
    from engine.ops.cast import as_dtype

    kind = as_dtype(t)
    if not kind.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    dt.set_default_dtype(kind)


def compile(model: Callable | None = None, *, fullgraph: bool = False, dynamic: bool | None = None,
            backend: Any = "inductor", mode: str | None = None, options: dict | None = None,
            disable: bool = False) -> Any:
    """The model or function itself: the engine runs it as it is."""
    return (lambda m: m) if model is None else model


def get_file_path(*parts: str) -> str:
    """A path inside the engine's folder."""
    return os.path.join(os.path.dirname(__file__), *parts[1:])
