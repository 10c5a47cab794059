"""torch.utils.benchmark: how long a statement takes.

Timer and Measurement; may import the engine's tensors.
"""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable
from typing import Any

__all__ = ["Measurement", "Timer", "timer"]

_UNITS = ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s"))
timer = timeit.default_timer


class Measurement:
    """Times of one statement. Units: seconds for one run."""

    def __init__(self, number_per_run: int, raw_times: list[float], task: Timer) -> None:
        self.number_per_run = number_per_run
        self.raw_times = raw_times
        self.task_spec = task
        self.metadata: dict[Any, Any] = {}

    @property
    def times(self) -> list[float]:
        """The time of one run, for each measurement."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def median(self) -> float:
        """The median of the times."""
        return statistics.median(self.times)

    @property
    def mean(self) -> float:
        """The mean of the times."""
        return statistics.fmean(self.times)

    @property
    def iqr(self) -> float:
        """The width of the middle half of the times."""
        low, high = self._quartiles()
        return high - low

    def _quartiles(self) -> tuple[float, float]:
        times = sorted(self.times)

        def at(share: float) -> float:
            place = share * (len(times) - 1)
            below = int(place)
            above = min(below + 1, len(times) - 1)
            return times[below] + (times[above] - times[below]) * (place - below)

        return at(0.25), at(0.75)

    @property
    def title(self) -> str:
        """The label and what goes with it, or the statement."""
        task = self.task_spec
        text = task.label or task.stmt
        return f"{text}: {task.sub_label}" if task.label and task.sub_label else text

    def __repr__(self) -> str:
        task = self.task_spec
        scale, unit = next(((s, u) for s, u in reversed(_UNITS) if self.median >= s), _UNITS[0])
        lines = [f"<{type(self).__module__}.{type(self).__name__} object at {id(self):#x}>", self.title]
        lines += [task.description] if task.description else []
        lines += [f"setup: {task.setup}"] if task.setup not in ("", "pass") else []
        count, runs = len(self.raw_times), self.number_per_run
        if count > 1:
            low, high = self._quartiles()
            lines.append(f"  Median: {self.median / scale:.2f} {unit}")
            lines.append(
                f"  IQR:    {self.iqr / scale:.2f} {unit} ({low / scale:.2f} to {high / scale:.2f})"
            )
            lines.append(
                f"  {count} measurements, {runs} runs per measurement, {task.num_threads} thread"
                + "s" * (task.num_threads > 1)
            )
        else:
            lines.append(f"  {self.median / scale:.2f} {unit}")
            lines.append(
                f"  1 measurement, {runs} runs , {task.num_threads} thread" + "s" * (task.num_threads > 1)
            )
        return "\n".join(lines)


class Timer:
    """Measures a statement. Source: torch.utils.benchmark.Timer."""

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Any = "python",
    ) -> None:
        import engine

        if str(language).lower() not in ("python", "py", "language.python"):
            raise ValueError("benchmark.Timer measures Python statements only")
        self.stmt, self.setup, self.label, self.sub_label = stmt, setup, label, sub_label
        self.description, self.env, self.num_threads = description, env, num_threads
        names = {**(globals or {})}
        names.setdefault("torch", engine)
        self._timer = timeit.Timer(stmt, setup, timer, names)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """One measurement of `number` runs, after a short warm-up."""
        self._timer.timeit(max(number // 100, 2))
        return Measurement(number, [self._timer.timeit(number)], self)

    def blocked_autorange(self, callback: Callable | None = None, min_run_time: float = 0.2) -> Measurement:
        """Blocks of runs, as many as fill the time, each long enough for the clock."""
        number = 1
        while (spent := self._timer.timeit(number)) < min_run_time / 1000 and number < 10**9:
            number *= 10
        times = [spent]
        while sum(times) < min_run_time:
            times.append(self._timer.timeit(number))
            if callback is not None:
                callback(number, times[-1])
        return Measurement(number, times, self)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Any = None,
    ) -> Measurement:
        """Blocks of runs until the middle half of the times is narrower than `threshold` of the median."""
        found = self.blocked_autorange(callback, min_run_time)
        while sum(found.raw_times) < max_run_time and (
            len(found.raw_times) < 4 or found.iqr > threshold * found.median
        ):
            found.raw_times.append(self._timer.timeit(found.number_per_run))
        return found
