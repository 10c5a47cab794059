"""torch.distributed: one process, so the questions are answered and the rest says why it cannot be."""

from __future__ import annotations

from engine.absent import absent


def is_available() -> bool:
    """False: one process only."""
    return False


def is_initialized() -> bool:
    """False: one process only."""
    return False


def get_rank(group: object = None) -> int:
    """Raises: ValueError, for there is no process group."""
    raise ValueError("Default process group has not been initialized, please make sure to call "
                     "init_process_group.")


get_world_size = get_rank
__getattr__ = absent("torch.distributed", "it runs one process on one machine")
