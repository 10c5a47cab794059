"""Keeping freed blocks for the next array: first touch of fresh memory costs far more than arithmetic."""

from __future__ import annotations

import ctypes
import sys

_THRESHOLD, _TRIM, _TOP_PAD = -3, -1, -2


def keep_blocks() -> bool:
    """Ask glibc to reuse blocks up to 32 MiB instead of returning them to the system; False where there
    is no glibc."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_THRESHOLD, 32 << 20) and mallopt(_TRIM, 1 << 30) and mallopt(_TOP_PAD, 16 << 20))
