"""Flatten and Unflatten.

Source: torch.nn.modules.flatten.
"""

from __future__ import annotations

from typing import Any

import engine
from engine.nn.modules.module import Module


class Flatten(Module):
    """Makes one dimension of several."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Any) -> Any:
        """Shapes: (N, *) → (N, product of *)."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The dimensions."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Makes several dimensions of one."""

    def __init__(self, dim: int | str, unflattened_size: Any) -> None:
        super().__init__()
        self._check(dim, unflattened_size)
        self.dim = dim
        self.unflattened_size = unflattened_size

    @staticmethod
    def _check(dim: Any, size: Any) -> None:
        if isinstance(dim, str):
            if not isinstance(size, (tuple, list)):
                raise TypeError(
                    f"unflattened_size must be tuple of tuples, but found type {type(size).__name__}"
                )
            for i, pair in enumerate(size):
                if not isinstance(pair, tuple):
                    raise TypeError(
                        "unflattened_size must be tuple of tuples, "
                        f"but found element of type {type(pair).__name__} at pos {i}"
                    )
            return
        if not isinstance(size, (tuple, list, engine.Size)):
            raise TypeError(
                f"unflattened_size must be a tuple of ints, but found type {type(size).__name__}"
            )
        for i, n in enumerate(size):
            if not isinstance(n, int):
                raise TypeError(
                    "unflattened_size must be tuple of ints, but found element of type "
                    f"{type(n).__name__} at pos {i}"
                )

    def forward(self, input: Any) -> Any:
        """The dimension dim is replaced by unflattened_size."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """The dimension and its sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
