"""torch.cuda on a machine without it: the questions are answered, the orders refused in PyTorch's words.

amp.py  torch.cuda.amp
"""

from __future__ import annotations

from typing import Any, NoReturn

from engine.core import device as devices
from engine.legacy import CUDA_TYPES as _TYPES

globals().update(_TYPES)


class OutOfMemoryError(RuntimeError):
    """CUDA ran out of memory."""

    __module__ = "torch"


def is_available() -> bool:
    """False: no CUDA."""
    return False


def is_initialized() -> bool:
    """False: no CUDA."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: no CUDA."""
    return False


def device_count() -> int:
    """0."""
    return 0


def _zero(*args: Any, **kwargs: Any) -> int:
    return 0


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise AssertionError("Torch not compiled with CUDA enabled")


memory_allocated = max_memory_allocated = memory_reserved = max_memory_reserved = _zero
memory_cached = max_memory_cached = _zero
empty_cache = manual_seed = manual_seed_all = seed = seed_all = ipc_collect = _nothing
reset_peak_memory_stats = reset_accumulated_memory_stats = _nothing
reset_max_memory_allocated = reset_max_memory_cached = _nothing
init = synchronize = current_device = set_device = get_device_name = get_device_properties = _refuse
get_device_capability = current_stream = default_stream = mem_get_info = initial_seed = _refuse
get_rng_state = set_rng_state = utilization = _refuse


def get_rng_state_all() -> list:
    """Empty: no devices."""
    return []


def set_rng_state_all(new_states: Any) -> None:
    """No devices to set."""


def get_arch_list() -> list:
    """Empty: no CUDA."""
    return []


def memory_stats(device: Any = None) -> dict:
    """Empty: nothing is counted."""
    return {}


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """Empty: nothing is counted."""
    return ""


class device:
    """Context manager that chooses a device; a negative one changes nothing."""

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device is None else device
        if isinstance(device, (str, devices.device)):
            devices.check(device)

    def __enter__(self) -> None:
        if isinstance(self.idx, int) and self.idx >= 0:
            _refuse()

    def __exit__(self, *exc: object) -> None:
        return None


class Event:
    """A mark on a CUDA stream; cannot be made here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("Tried to instantiate dummy base class Event")


class Stream:
    """A CUDA stream; cannot be made here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("Tried to instantiate dummy base class Stream")


def stream(stream: Any) -> Any:
    """Context manager that chooses a stream: there is none."""
    import contextlib

    return contextlib.nullcontext()


def __getattr__(name: str) -> Any:
    if name == "amp":
        import importlib

        return importlib.import_module("engine.cuda.amp")
    raise AttributeError(f"module 'torch.cuda' has no attribute '{name}'")
