"""torch.autograd.profiler: accepted, measures the time inside and nothing more."""

from __future__ import annotations

import time
from typing import Any


class profile:
    """Times what runs inside; has no table of single ops."""

    __module__ = "torch.autograd.profiler"

    def __init__(self, enabled: bool = True, **kwargs: Any) -> None:
        self.enabled, self.self_cpu_time_total = enabled, 0.0

    def __enter__(self) -> profile:
        self._start = time.perf_counter()
        return self

    def __exit__(self, *exc: object) -> None:
        self.self_cpu_time_total = (time.perf_counter() - self._start) * 1e6

    start = __enter__

    def stop(self) -> None:
        """End of the measurement."""
        self.__exit__()

    def step(self) -> None:
        """Mark a step: nothing to do."""

    def key_averages(self, *args: Any, **kwargs: Any) -> profile:
        """Itself: there are no single ops to average."""
        return self

    def table(self, *args: Any, **kwargs: Any) -> str:
        """The time as text. Units: milliseconds."""
        return f"Self CPU time total: {self.self_cpu_time_total / 1e3:.3f}ms"

    def export_chrome_trace(self, path: str) -> None:
        """Write a trace file without events."""
        with open(path, "w", encoding="utf-8") as f:
            f.write("[]")

    def __str__(self) -> str:
        return self.table()


class record_function:
    """Names a stretch of code: nothing to do."""

    __module__ = "torch.autograd.profiler"

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name

    def __enter__(self) -> record_function:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


class emit_nvtx(profile):
    """Marks for NVIDIA's profiler: nothing to do."""
