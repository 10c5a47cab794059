"""torch.utils.dlpack: tensors to and from other libraries without a copy."""

from __future__ import annotations

from typing import Any

import numpy as np

import engine

torch: Any = engine


def to_dlpack(tensor: Any) -> Any:
    """A capsule of the tensor's memory, for another library."""
    return tensor.detach().numpy().__dlpack__()


def from_dlpack(ext_tensor: Any) -> Any:
    """A tensor on the memory that another library's array lends."""
    return torch.from_numpy(np.from_dlpack(ext_tensor))
