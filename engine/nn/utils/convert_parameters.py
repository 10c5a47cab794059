"""Parameters as one vector, and back.

Source: torch.nn.utils.convert_parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import engine


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """All parameters one after the other in one vector."""
    return engine.cat([param.view(-1) for param in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Makes the parameters slices of a vector.

    Raises: TypeError when vec is no tensor."""
    if not isinstance(vec, engine.Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {engine.typename(vec)}")
    start = 0
    for param in parameters:
        size = param.numel()
        param.data = vec[start : start + size].view_as(param).data  # type: ignore[index]
        start += size
