"""Fractional maximum pooling, power-average pooling, and the reverse of maximum pooling.

Source: torch.nn.modules.pooling.
"""

from __future__ import annotations

from typing import Any

from engine.nn import functional as F
from engine.nn.modules.module import Module
from engine.nn.modules.size import tupled


class _MaxUnpoolNd(Module):
    """What the unpooling layers keep."""

    _dims: int

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        n = self._dims
        self.kernel_size = tupled(kernel_size, n)
        self.stride = tupled(stride if stride is not None else kernel_size, n)
        self.padding = tupled(padding, n)

    def extra_repr(self) -> str:
        """The settings."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    """Puts values back where MaxPool1d took them from, zeros elsewhere."""

    _dims = 1

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """Shapes: (N, C, L) → (N, C, L')."""
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(_MaxUnpoolNd):
    """Puts values back where MaxPool2d took them from, zeros elsewhere."""

    _dims = 2

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """Shapes: (N, C, H, W) → (N, C, H', W')."""
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool3d(_MaxUnpoolNd):
    """Puts values back where MaxPool3d took them from, zeros elsewhere."""

    _dims = 3

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """Shapes: (N, C, D, H, W) → (N, C, D', H', W')."""
        return F.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class _FractionalMaxPoolNd(Module):
    """What the fractional pooling layers keep."""

    _dims: int

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> None:
        super().__init__()
        n = self._dims
        name = type(self).__name__
        self.kernel_size = tupled(kernel_size, n)
        if any(k <= 0 for k in self.kernel_size):
            raise ValueError(f"kernel_size must be greater than zero, but got {kernel_size}")
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = tupled(output_size, n) if output_size is not None else None
        self.output_ratio = tupled(output_ratio, n) if output_ratio is not None else None
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def _run(self, pool: Any, input: Any) -> Any:
        return pool(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """Maximum pooling over randomly placed windows."""

    _dims = 2

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, H, W) → (N, C, H', W')."""
        return self._run(F.fractional_max_pool2d, input)


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """Maximum pooling over randomly placed windows."""

    _dims = 3

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, D, H, W) → (N, C, D', H', W')."""
        return self._run(F.fractional_max_pool3d, input)


class _LPPoolNd(Module):
    """What the power-average layers keep."""

    norm_type: float
    ceil_mode: bool

    def __init__(
        self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def _run(self, pool: Any, input: Any) -> Any:
        return pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPoolNd):
    """The p-norm of each window along one dimension."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, L) → (N, C, L')."""
        return self._run(F.lp_pool1d, input)


class LPPool2d(_LPPoolNd):
    """The p-norm of each window over two dimensions."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, H, W) → (N, C, H', W')."""
        return self._run(F.lp_pool2d, input)


class LPPool3d(_LPPoolNd):
    """The p-norm of each window through three dimensions."""

    def forward(self, input: Any) -> Any:
        """Shapes: (N, C, D, H, W) → (N, C, D', H', W')."""
        return self._run(F.lp_pool3d, input)
