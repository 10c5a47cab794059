"""Padding layers.

Source: torch.nn.modules.padding.
"""

from __future__ import annotations

from typing import Any

from engine.nn import functional as F
from engine.nn.modules.module import Module
from engine.nn.modules.size import tupled


class _PadNd(Module):
    """What all padding layers keep: how much on each side, last dimension first."""

    _sides: int
    _mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = tupled(padding, self._sides)

    def forward(self, input: Any) -> Any:
        """The sizes of the last dimensions grow by the padding."""
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"


class _CircularPadNd(_PadNd):
    """Continues with the other end."""

    _mode = "circular"

    def _check_input_dim(self, input: Any) -> None:
        n = self._sides // 2
        if input.dim() not in (n + 1, n + 2):
            raise ValueError(f"expected {n + 1}D or {n + 2}D input (got {input.dim()}D input)")

    def forward(self, input: Any) -> Any:
        """The sizes of the last dimensions grow by the padding."""
        self._check_input_dim(input)
        return super().forward(input)


class _ReflectionPadNd(_PadNd):
    """Mirrors at the edge, without repeating it."""

    _mode = "reflect"


class _ReplicationPadNd(_PadNd):
    """Repeats the edge."""

    _mode = "replicate"


class _ConstantPadNd(_PadNd):
    """Fills with one value."""

    value: float

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Any) -> Any:
        """The sizes of the last dimensions grow by the padding."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """The padding and the value."""
        return f"padding={self.padding}, value={self.value}"


class CircularPad1d(_CircularPadNd):
    """Circular padding of the last dimension."""

    _sides = 2


class CircularPad2d(_CircularPadNd):
    """Circular padding of the last two dimensions."""

    _sides = 4


class CircularPad3d(_CircularPadNd):
    """Circular padding of the last three dimensions."""

    _sides = 6


class ConstantPad1d(_ConstantPadNd):
    """Constant padding of the last dimension."""

    _sides = 2


class ConstantPad2d(_ConstantPadNd):
    """Constant padding of the last two dimensions."""

    _sides = 4


class ConstantPad3d(_ConstantPadNd):
    """Constant padding of the last three dimensions."""

    _sides = 6


class ReflectionPad1d(_ReflectionPadNd):
    """Reflection padding of the last dimension."""

    _sides = 2


class ReflectionPad2d(_ReflectionPadNd):
    """Reflection padding of the last two dimensions."""

    _sides = 4


class ReflectionPad3d(_ReflectionPadNd):
    """Reflection padding of the last three dimensions."""

    _sides = 6


class ReplicationPad1d(_ReplicationPadNd):
    """Replication padding of the last dimension."""

    _sides = 2


class ReplicationPad2d(_ReplicationPadNd):
    """Replication padding of the last two dimensions."""

    _sides = 4


class ReplicationPad3d(_ReplicationPadNd):
    """Replication padding of the last three dimensions."""

    _sides = 6


class ZeroPad1d(ConstantPad1d):
    """Zero padding of the last dimension."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Zero padding of the last two dimensions."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Zero padding of the last three dimensions."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"
