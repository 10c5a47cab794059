"""torch.multiprocessing: Python's own, with spawn() added; tensors travel as copies."""

from __future__ import annotations

import multiprocessing as _mp
from collections.abc import Callable
from multiprocessing import *  # noqa: F403
from typing import Any


def spawn(fn: Callable, args: tuple = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
          start_method: str = "spawn") -> Any:
    """Run fn(i, *args) in nprocs processes."""
    context: Any = _mp.get_context(start_method)
    processes = [context.Process(target=fn, args=(i, *args), daemon=daemon) for i in range(nprocs)]
    for p in processes:
        p.start()
    if not join:
        return processes
    for i, p in enumerate(processes):
        p.join()
        if p.exitcode:
            raise RuntimeError(f"process {i} terminated with exit code {p.exitcode}")
    return None


def get_sharing_strategy() -> str:
    """How tensors travel: as copies."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepted: tensors travel as copies."""


def get_all_sharing_strategies() -> set[str]:
    """The one way there is."""
    return {"file_system"}
