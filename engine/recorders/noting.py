"""What the engine tells an observer beside ops: values leaving the graph, tensors made, gradients cleared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.recorders.ledger import Ledger
from engine.recorders.origin import Origins


class Noting:
    """The part of a recorder that only takes notes; an error of its own never reaches the script."""

    origins: Origins
    ledger: Ledger
    backward: int
    on_error: Callable[[BaseException], None]

    def is_elsewhere(self) -> bool:
        """Whether this call is none of the script's own thread, or from within a backward."""
        raise NotImplementedError

    def left_graph(self, kind: str, op: str, source: Any, result: Any) -> None:
        """A value left the graph through `op`."""
        if self.origins.stepping or self.is_elsewhere():
            return
        try:
            self.origins.left_graph(kind, op, source, result)
        except Exception as error:
            self.on_error(error)

    def tensor_made(self, op: str, tensor: Any, data: Any = None) -> None:
        """A tensor was made from numbers or from nothing."""
        if self.origins.stepping or self.is_elsewhere():
            return
        try:
            self.origins.tensor_made(op, tensor, data)
        except Exception as error:
            self.on_error(error)

    def grad_switched(self, entered: bool) -> None:
        """no_grad, or a switch like it, was entered or left."""
        if not self.is_elsewhere():
            self.origins.grad_switched(entered)

    def grads_cleared(self, owner: Any, to_none: bool) -> None:
        """zero_grad of an optimizer or module was called."""
        if self.is_elsewhere():
            return
        try:
            self.origins.grads_cleared(owner, to_none, self.backward)
        except Exception as error:
            self.on_error(error)

    def version_raised(self, cell: list, function: str, file: str, line: int) -> None:
        """A tensor's memory was changed in place."""
        if not self.is_elsewhere():
            self.origins.version_raised(cell, function, file, line)
