"""Convolution layers.

Source: torch.nn.modules.conv. Transposed and lazy ones are in conv_transpose.py and conv_lazy.py.
"""

from __future__ import annotations

import math
from typing import Any

import engine
from engine.nn import functional as F
from engine.nn import init
from engine.nn.modules.module import Module
from engine.nn.modules.size import reversed_doubled, tupled
from engine.nn.parameter import Parameter

_STRINGS = {"same", "valid"}


class _ConvNd(Module):
    """What all convolutions keep: sizes, weight and bias."""

    bias: Any

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: str | tuple[int, ...],
        dilation: tuple[int, ...],
        transposed: bool,
        output_padding: tuple[int, ...],
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        factory = {"device": device, "dtype": dtype}
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str):
            if padding not in _STRINGS:
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {_STRINGS}")
            if padding == "same" and any(s != 1 for s in stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        modes = ("zeros", "reflect", "replicate", "circular")
        if padding_mode not in modes:
            raise ValueError(
                f"padding_mode must be one of {set(modes)}, but got padding_mode='{padding_mode}'"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.transposed = transposed
        self.output_padding = output_padding
        self.groups = groups
        self.padding_mode = padding_mode
        self._reversed_padding_repeated_twice = self._edges()
        channels = (
            (in_channels, out_channels // groups) if transposed else (out_channels, in_channels // groups)
        )
        self.weight = Parameter(engine.empty((*channels, *kernel_size), **factory))
        if bias:
            self.bias = Parameter(engine.empty(out_channels, **factory))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _edges(self) -> list[int]:
        """The padding as F.pad takes it."""
        if not isinstance(self.padding, str):
            return list(reversed_doubled(self.padding))
        edges = [0, 0] * len(self.kernel_size)
        if self.padding == "same":
            for i, (d, k) in enumerate(zip(reversed(self.dilation), reversed(self.kernel_size))):
                total = d * (k - 1)
                edges[2 * i] = total // 2
                edges[2 * i + 1] = total - total // 2
        return edges

    def reset_parameters(self) -> None:
        """Draws weight and bias anew, uniform within ±1/sqrt(fan_in)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """The sizes, and what differs from the defaults."""
        n = len(self.kernel_size)
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )
        if self.padding != (0,) * len(self.padding):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * len(self.dilation):
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * n:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text

    def __setstate__(self, state: dict) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("padding_mode", "zeros")


class _PlainConv(_ConvNd):
    """The constructor and forward that Conv1d, Conv2d and Conv3d share."""

    _dims: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        n = self._dims
        super().__init__(
            in_channels,
            out_channels,
            tupled(kernel_size, n),
            tupled(stride, n),
            padding if isinstance(padding, str) else tupled(padding, n),
            tupled(dilation, n),
            False,
            (0,) * n,
            groups,
            bias,
            padding_mode,
            device=device,
            dtype=dtype,
        )

    def _run(self, conv: Any, input: Any, weight: Any, bias: Any) -> Any:
        if self.padding_mode == "zeros":
            return conv(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)
        padded = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
        return conv(padded, weight, bias, self.stride, (0,) * self._dims, self.dilation, self.groups)


class Conv1d(_PlainConv):
    """Slides kernels along one dimension."""

    _dims = 1

    def _conv_forward(self, input: Any, weight: Any, bias: Any) -> Any:
        return self._run(F.conv1d, input, weight, bias)

    def forward(self, input: Any) -> Any:
        """Shapes: (N, in, L) → (N, out, L')."""
        return self._conv_forward(input, self.weight, self.bias)


class Conv2d(_PlainConv):
    """Slides kernels over two dimensions."""

    _dims = 2

    def _conv_forward(self, input: Any, weight: Any, bias: Any) -> Any:
        return self._run(F.conv2d, input, weight, bias)

    def forward(self, input: Any) -> Any:
        """Shapes: (N, in, H, W) → (N, out, H', W')."""
        return self._conv_forward(input, self.weight, self.bias)


class Conv3d(_PlainConv):
    """Slides kernels through three dimensions."""

    _dims = 3

    def _conv_forward(self, input: Any, weight: Any, bias: Any) -> Any:
        return self._run(F.conv3d, input, weight, bias)

    def forward(self, input: Any) -> Any:
        """Shapes: (N, in, D, H, W) → (N, out, D', H', W')."""
        return self._conv_forward(input, self.weight, self.bias)
