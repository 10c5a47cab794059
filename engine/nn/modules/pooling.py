"""Average and maximum pooling, plain and adaptive.

Source: torch.nn.modules.pooling. The rarer ones are in pooling_special.py.
"""

from __future__ import annotations

from typing import Any

from engine.nn import functional as F
from engine.nn.modules.module import Module
from engine.nn.modules.size import tupled


class _MaxPoolNd(Module):
    """What maximum pooling layers keep."""

    return_indices: bool
    ceil_mode: bool

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _run(self, pool: Any, input: Any) -> Any:
        return pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
            f", dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPoolNd):
    """The largest of each window along one dimension."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, L) → (N, C, L')."""
        return self._run(F.max_pool1d, input)


class MaxPool2d(_MaxPoolNd):
    """The largest of each window over two dimensions."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, H, W) → (N, C, H', W')."""
        return self._run(F.max_pool2d, input)


class MaxPool3d(_MaxPoolNd):
    """The largest of each window through three dimensions."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, D, H, W) → (N, C, D', H', W')."""
        return self._run(F.max_pool3d, input)


class _AvgPoolNd(Module):
    """What average pooling layers keep."""

    def extra_repr(self) -> str:
        """The settings."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd):
    """The mean of each window along one dimension."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = tupled(kernel_size, 1)
        self.stride = tupled(stride if stride is not None else kernel_size, 1)
        self.padding = tupled(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, L) → (N, C, L')."""
        return F.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )


class _AvgPoolMany(_AvgPoolNd):
    """What AvgPool2d and AvgPool3d share."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def __setstate__(self, state: dict) -> None:
        super().__setstate__(state)
        for name, default in (("padding", 0), ("ceil_mode", False), ("count_include_pad", True)):
            self.__dict__.setdefault(name, default)

    def _run(self, pool: Any, input: Any) -> Any:
        return pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool2d(_AvgPoolMany):
    """The mean of each window over two dimensions."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, H, W) → (N, C, H', W')."""
        return self._run(F.avg_pool2d, input)


class AvgPool3d(_AvgPoolMany):
    """The mean of each window through three dimensions."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, D, H, W) → (N, C, D', H', W')."""
        return self._run(F.avg_pool3d, input)


class _AdaptiveMaxPoolNd(Module):
    """What adaptive maximum pooling layers keep."""

    return_indices: bool

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def extra_repr(self) -> str:
        """The output's size."""
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Maximum pooling to a given length."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, L) → (N, C, output_size)."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Maximum pooling to a given height and width."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, H, W) → (N, C, *output_size)."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """Maximum pooling to a given depth, height and width."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, D, H, W) → (N, C, *output_size)."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class _AdaptiveAvgPoolNd(Module):
    """What adaptive average pooling layers keep."""

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """The output's size."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Average pooling to a given length."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, L) → (N, C, output_size)."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Average pooling to a given height and width."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, H, W) → (N, C, *output_size)."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Average pooling to a given depth, height and width."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, D, H, W) → (N, C, *output_size)."""
        return F.adaptive_avg_pool3d(input, self.output_size)
