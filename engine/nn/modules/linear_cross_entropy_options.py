"""LinearCrossEntropyOptions: how a linear cross entropy may be cut into pieces.

Source: torch.nn.modules.linear_cross_entropy_options.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class LinearCrossEntropyOptions:
    """Wishes about chunking; the engine computes the same loss in one piece."""

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None
