"""DataParallel: with one device, the module itself.

Source: torch.nn.parallel.data_parallel, whose behaviour without a GPU this is.
"""

from __future__ import annotations

from typing import Any

from engine.nn.modules.module import Module


class DataParallel(Module):
    """Holds a module as `.module` and calls it."""

    __module__ = "torch.nn.parallel.data_parallel"

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        self.dim = dim
        self.module = module
        self.device_ids: list = []
        self.output_device = output_device

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module returns."""
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Any = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict | None = None,
) -> Any:
    """What the module returns for these inputs."""
    inputs = () if inputs is None else inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*inputs, **(module_kwargs or {}))
