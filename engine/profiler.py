"""torch.profiler: accepted, measures the time inside and nothing more."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from engine.autograd.profiler import profile as _profile
from engine.autograd.profiler import record_function

__all__ = ["ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule",
           "tensorboard_trace_handler"]


class ProfilerActivity(enum.Enum):
    """What could be watched."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3


class ProfilerAction(enum.Enum):
    """What a schedule asks for at a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


class profile(_profile):
    """Times what runs inside; has no table of single ops."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()


def schedule(*, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0) -> Callable:
    """A schedule of steps: accepted."""
    return lambda step: ProfilerAction.NONE


def tensorboard_trace_handler(dir_name: str, worker_name: str | None = None,
                              use_gzip: bool = False) -> Callable:
    """A writer of traces: writes none."""
    return lambda prof: None
