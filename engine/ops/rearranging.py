"""Moving elements between channels and places: pixel_shuffle, channel_shuffle, unfold and fold."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from engine.kernels import convolution as arrays
from engine.ops.record import kernel, place


def _check_shuffle(a: Any, factor: int, name: str) -> None:
    if a.ndim < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with {a.ndim} dimension(s)"
        )
    if factor <= 0:
        what = "an upscale_factor" if name == "pixel_shuffle" else "a downscale_factor"
        raise RuntimeError(f"{name} expects a positive {what.split(' ')[1]}, but got {factor}")


def _pixel_shuffle(self: Any, upscale_factor: int) -> Any:
    r = upscale_factor
    _check_shuffle(self, r, "pixel_shuffle")
    *lead, c, h, w = self.shape
    if c % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
            f"upscale_factor, but input.size(-3)={c} is not divisible by {r * r}"
        )
    x = self.reshape(prod(lead), c // (r * r), r, r, h, w).transpose(0, 1, 4, 2, 5, 3)
    return np.ascontiguousarray(x).reshape(*lead, c // (r * r), h * r, w * r)


def _pixel_unshuffle(self: Any, downscale_factor: int) -> Any:
    r = downscale_factor
    _check_shuffle(self, r, "pixel_unshuffle")
    *lead, c, h, w = self.shape
    for name, k in (("height", h), ("width", w)):
        if k % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but "
                f"input.size({-2 if name == 'height' else -1})={k} is not divisible by {r}"
            )
    x = self.reshape(prod(lead), c, h // r, r, w // r, r).transpose(0, 1, 3, 5, 2, 4)
    return np.ascontiguousarray(x).reshape(*lead, c * r * r, h // r, w // r)


pixel_shuffle = kernel(
    name="pixel_shuffle",
    inputs=("self",),
    grad_fn="PixelShuffleBackward0",
    on=("torch", "nn.functional"),
    out=False,
    formula=r"y = x",
    text="Turns channels into finer places.",
    forward=_pixel_shuffle,
    grads={"self": lambda grad, upscale_factor: pixel_unshuffle(grad, upscale_factor)},
)
pixel_unshuffle = kernel(
    name="pixel_unshuffle",
    inputs=("self",),
    grad_fn="PixelUnshuffleBackward0",
    on=("torch", "nn.functional"),
    out=False,
    formula=r"y = x",
    text="Turns fine places into channels.",
    forward=_pixel_unshuffle,
    grads={"self": lambda grad, downscale_factor: pixel_shuffle(grad, downscale_factor)},
)


def _channel_shuffle(self: Any, groups: int) -> Any:
    if self.ndim < 3:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(self.shape)}"
        )
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    n, c = self.shape[:2]
    if c % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups."
        )
    x = self.reshape(n, groups, c // groups, prod(self.shape[2:])).swapaxes(1, 2)
    return np.ascontiguousarray(x).reshape(self.shape)


channel_shuffle = kernel(
    name="channel_shuffle",
    inputs=("self",),
    grad_fn="ChannelShuffleBackward0",
    on=("torch", "nn.functional"),
    out=False,
    formula=r"y = x",
    text="Deals the channels of each group out in turn.",
    forward=_channel_shuffle,
    grads={"self": lambda grad, self_shape, groups: channel_shuffle(grad, self_shape[1] // groups)},
)


def pair(value: Any, name: str) -> tuple[int, int]:
    """Two numbers from one or two."""
    if isinstance(value, (tuple, list)):
        if len(value) not in (1, 2):
            raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(value)}")
        return (int(value[0]), int(value[-1]))
    return (int(value), int(value))


def _settings(kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> tuple:
    k, d = pair(kernel_size, "kernel_size"), pair(dilation, "dilation")
    p, s = pair(padding, "padding"), pair(stride, "stride")
    for name, v in (("kernel size", k), ("dilation", d), ("stride", s)):
        if min(v) <= 0:
            raise RuntimeError(
                f"{name} should be greater than zero, but got "
                f"{name.replace(' ', '_')}_height: {v[0]} {name.replace(' ', '_')}_width: {v[1]}"
            )
    if min(p) < 0:
        raise RuntimeError(f"padding should be non-negative, but got pad_height: {p[0]} pad_width: {p[1]}")
    return k, d, p, s


def _im2col(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    k, d, p, s = _settings(kernel_size, dilation, padding, stride)
    if input.ndim not in (3, 4) or any(n == 0 for n in input.shape[-3:]):
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            "dimensions for "
            f"input, but got: {list(input.shape)}"
        )
    x = input[None] if input.ndim == 3 else input
    out = arrays.places(x.shape[2:], k, s, p, d)
    if min(out) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(x.shape[2:])}, kernel_size={k}, dilation={d}, "
            f"padding={p}, "
            f"stride={s}, calculated shape of the array of sliding blocks as {out}, but its components must "
            "be at least one."
        )
    cols = arrays.windows(np.ascontiguousarray(arrays.padded(x, p)), k, s, d, out)
    y = np.ascontiguousarray(cols).reshape(x.shape[0], x.shape[1] * prod(k), prod(out))
    return y[0] if input.ndim == 3 else y


def _col2im(
    input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Any:
    size = pair(output_size, "output_size")
    k, d, p, s = _settings(kernel_size, dilation, padding, stride)
    if input.ndim not in (2, 3) or any(n == 0 for n in input.shape[-2:]):
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
            "dimensions "
            f"for input, but got: {list(input.shape)}"
        )
    x = input[None] if input.ndim == 2 else input
    if x.shape[1] % prod(k):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={x.shape[1]} and kernel_size={k}."
        )
    out = arrays.places(size, k, s, p, d)
    if min(out) < 1:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={k}, dilation={d}, padding={p}, stride={s}, calculated "
            f"shape of the array of sliding blocks as {out}, which is too small (non-positive)"
        )
    if x.shape[2] != prod(out):
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={k}, dilation={d}, padding={p}, stride={s}, "
            f"expected size "
            f"of input's dimension 2 to match the calculated number of sliding blocks {out[0]} * {out[1]} = "
            f"{prod(out)}, but got input.size(2)={x.shape[2]}."
        )
    c = x.shape[1] // prod(k)
    shares = x.reshape(x.shape[0], c, *k, *out)
    whole = np.zeros((x.shape[0], c, size[0] + 2 * p[0], size[1] + 2 * p[1]), x.dtype)
    for i in range(k[0]):
        for j in range(k[1]):
            rows = slice(i * d[0], i * d[0] + s[0] * (out[0] - 1) + 1, s[0])
            cols = slice(j * d[1], j * d[1] + s[1] * (out[1] - 1) + 1, s[1])
            whole[:, :, rows, cols] += shares[:, :, i, j]
    y = np.ascontiguousarray(whole[:, :, p[0] : p[0] + size[0], p[1] : p[1] + size[1]])
    return y[0] if input.ndim == 2 else y


unfold = kernel(
    name="im2col",
    inputs=("input",),
    grad_fn="Im2ColBackward0",
    on=("torch._nn",),
    out=False,
    formula=r"y_{(c,i,j),p} = x_{c,\,p + (i,j)}",
    text="Lays each window out as a column.",
    forward=_im2col,
    grads={
        "input": lambda grad, input_shape, kernel_size, dilation, padding, stride: fold(
            grad, input_shape[-2:], kernel_size, dilation, padding, stride
        )
    },
)
fold = kernel(
    name="col2im",
    inputs=("input",),
    grad_fn="Col2ImBackward0",
    on=("torch._nn",),
    out=False,
    formula=r"y_q = \sum_{p + (i,j) = q} x_{(c,i,j),p}",
    text="Adds columns back to the places of their windows.",
    forward=_col2im,
    grads={
        "input": lambda grad, kernel_size, dilation, padding, stride: unfold(
            grad, kernel_size, dilation, padding, stride
        )
    },
)

place(unfold, "unfold", ("nn.functional",))
place(fold, "fold", ("nn.functional",))
