"""Transposed convolution layers.

Source: torch.nn.modules.conv.
"""

from __future__ import annotations

from typing import Any

from engine.nn import functional as F
from engine.nn.modules.conv import _ConvNd
from engine.nn.modules.size import tupled


class _ConvTransposeNd(_ConvNd):
    """The constructor and forward that the transposed convolutions share."""

    _dims: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        n = self._dims
        super().__init__(
            in_channels,
            out_channels,
            tupled(kernel_size, n),
            tupled(stride, n),
            tupled(padding, n),
            tupled(dilation, n),
            True,
            tupled(output_padding, n),
            groups,
            bias,
            padding_mode,
            device=device,
            dtype=dtype,
        )

    def _output_padding(
        self,
        input: Any,
        output_size: Any,
        stride: Any,
        padding: Any,
        kernel_size: Any,
        num_spatial_dims: int,
        dilation: Any = None,
    ) -> Any:
        """The padding that makes the output as large as asked."""
        if output_size is None:
            return tupled(self.output_padding, num_spatial_dims)
        n = num_spatial_dims
        extra = input.dim() - n
        output_size = list(output_size)
        if len(output_size) == n + extra:
            output_size = output_size[extra:]
        if len(output_size) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {input.dim()}D input, output_size must have {n} "
                f"or {n + extra} elements (got {len(output_size)})"
            )
        low = [
            (input.size(d + extra) - 1) * stride[d]
            - 2 * padding[d]
            + (dilation[d] if dilation is not None else 1) * (kernel_size[d] - 1)
            + 1
            for d in range(n)
        ]
        high = [low[d] + stride[d] - 1 for d in range(n)]
        for size, least, most in zip(output_size, low, high):
            if size < least or size > most:
                raise ValueError(
                    f"requested an output size of {output_size}, but valid sizes range "
                    f"from {low} to {high} (for an input of {input.size()[2:]})"
                )
        return [output_size[d] - low[d] for d in range(n)]

    def _run(self, conv: Any, input: Any, output_size: Any) -> Any:
        output_padding = self._output_padding(
            input, output_size, self.stride, self.padding, self.kernel_size, self._dims, self.dilation
        )
        return conv(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            output_padding,
            self.groups,
            self.dilation,
        )


class ConvTranspose1d(_ConvTransposeNd):
    """The gradient of Conv1d as a layer of its own."""

    _dims = 1

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """Shapes: (N, in, L) → (N, out, L')."""
        return self._run(F.conv_transpose1d, input, output_size)


class ConvTranspose2d(_ConvTransposeNd):
    """The gradient of Conv2d as a layer of its own."""

    _dims = 2

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """Shapes: (N, in, H, W) → (N, out, H', W')."""
        return self._run(F.conv_transpose2d, input, output_size)


class ConvTranspose3d(_ConvTransposeNd):
    """The gradient of Conv3d as a layer of its own."""

    _dims = 3

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """Shapes: (N, in, D, H, W) → (N, out, D', H', W')."""
        return self._run(F.conv_transpose3d, input, output_size)
