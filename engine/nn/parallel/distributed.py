"""DistributedDataParallel of one process.

Source: torch.nn.parallel.distributed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.nn.modules.module import Module


class DistributedDataParallel(Module):
    """Holds a module as `.module` and calls it; there is no other process to agree with."""

    __module__ = "torch.nn.parallel.distributed"

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, **settings: Any
    ) -> None:
        super().__init__()
        self.module = module
        self.device_ids = device_ids
        self.output_device = output_device

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module returns."""
        return self.module(*inputs, **kwargs)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Nothing is exchanged anyway."""
        yield
