"""Convolutions of images by compiled kernels.

Direct for few channels, Winograd for 3 x 3, else columns and a product.

Used once a program has done enough convolving that compiling pays; see `worth`. Shapes: as in
kernels.convolution.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from engine.kernels import compiler, convolution_source, winograd_source

ENOUGH = 50_000_000
"""Multiplications after which compiling is worth its second."""
FEW = 20
"""Up to this many input channels, running along rows beats laying out columns."""
_done = 0


def worth(x: np.ndarray, w: np.ndarray, places: tuple, stride: tuple, dilation: tuple, groups: int) -> bool:
    """True when compiled kernels do this convolution, now that this much has been done."""
    global _done
    if x.ndim != 4 or x.dtype.char not in "fd" or groups != 1 or not x.size or not w.size or compiler.paused:
        return False
    if _done < ENOUGH:
        _done += x.shape[0] * places[0] * places[1] * w.size
    return _done >= ENOUGH


@cache
def _plain() -> Any:
    return compiler.load(convolution_source.PLAIN)


@cache
def _direct(taps: int) -> Any:
    return compiler.load(convolution_source.direct(taps))


@cache
def _winograd() -> Any:
    return compiler.load(winograd_source.source())


def _is_direct(channels: int, w: np.ndarray, stride: tuple, dilation: tuple) -> bool:
    return channels <= FEW and 2 <= w.shape[3] <= 7 and stride == (1, 1) and dilation == (1, 1)


def _padded(x: np.ndarray, padding: tuple) -> np.ndarray:
    ph, pw = padding
    if not ph and not pw:
        return np.ascontiguousarray(x)
    n, c, h, w = x.shape
    out = np.zeros((n, c, h + 2 * ph, w + 2 * pw), x.dtype)
    out[:, :, ph : ph + h, pw : pw + w] = x
    return out


def forward(
    x: np.ndarray, w: np.ndarray, b: Any, places: tuple, stride: tuple, padding: tuple, dilation: tuple
) -> np.ndarray:
    """y = w * x + b."""
    n, c = x.shape[:2]
    o, _, kh, kw = w.shape
    if b is None:
        b = np.zeros(o, x.dtype)
    if _is_direct(c, w, stride, dilation):
        x = _padded(x, padding)
        y = np.empty((n, o, *places), x.dtype)
        height, width = x.shape[2:]
        _direct(kw).forward(x.reshape(n, -1), np.ascontiguousarray(w), b, y, height, width, *places)
        return y
    if (
        (kh, kw) == (3, 3)
        and stride == (1, 1)
        and dilation == (1, 1)
        and c % 16 == 0
        and o % 16 == 0
        and c * o >= 1024
        and min(places) >= 4
    ):
        return _forward_by_tiles(x, w, b, places, padding)
    y = np.empty((n, o, *places), x.dtype)
    flat = np.ascontiguousarray(w).reshape(o, -1)
    x = np.ascontiguousarray(x)
    if kh == kw == 1 and stride == (1, 1) and not any(padding):
        np.matmul(flat, x.reshape(n, c, -1), out=y.reshape(n, o, -1))
    else:
        cols = np.empty((c * kh * kw, *places), x.dtype)
        long, columns = cols.reshape(len(cols), -1), _plain().columns
        for i in range(n):
            columns(x[i], cols, kh, kw, *stride, *padding, *dilation)
            np.matmul(flat, long, out=y[i].reshape(o, -1))
    if b.any():
        y += b.reshape(-1, 1, 1)
    return y


def _forward_by_tiles(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, places: tuple, padding: tuple
) -> np.ndarray:
    n, c = x.shape[:2]
    o = w.shape[0]
    down, across = -(-places[0] // 4), -(-places[1] // 4)
    kernels = _winograd()
    wide = np.zeros((n, 4 * down + 2, 4 * across + 2, c), x.dtype)
    kernels.channels_last(np.ascontiguousarray(x)[:, :, :, :], wide, *padding)
    v = np.empty((36, n * down * across, c), x.dtype)
    kernels.input_tiles(wide, v, down, across)
    u = np.matmul(winograd_source.weight_table(x.dtype), np.ascontiguousarray(w).reshape(o * c, 9).T).reshape(
        36, o, c
    )
    p = np.matmul(v, u.swapaxes(1, 2))
    y = np.empty((n, o, *places), x.dtype)
    kernels.output_tiles(p, b, y, down, across)
    return y


def input_gradient(
    g: np.ndarray, w: np.ndarray, size: tuple, stride: tuple, padding: tuple, dilation: tuple
) -> np.ndarray:
    """The gradient of x from that of y."""
    n, o = g.shape[:2]
    _, c, kh, kw = w.shape
    back = tuple(d * (k - 1) - p for d, k, p in zip(dilation, (kh, kw), padding))
    if (
        stride == (1, 1)
        and dilation == (1, 1)
        and min(back) >= 0
        and (_is_direct(o, w, stride, dilation) or (kh, kw) == (3, 3))
    ):
        turned = np.ascontiguousarray(w[:, :, ::-1, ::-1].swapaxes(0, 1))
        return forward(g, turned, None, size, stride, back, dilation)
    gx = np.zeros((n, c, *size), g.dtype)
    turned = np.ascontiguousarray(w.reshape(o, -1).T)
    g = np.ascontiguousarray(g)
    if kh == kw == 1 and stride == (1, 1) and not any(padding):
        np.matmul(turned, g.reshape(n, o, -1), out=gx.reshape(n, c, -1))
        return gx
    shares, add_back = np.empty((c * kh * kw, *g.shape[2:]), g.dtype), _plain().add_back
    for i in range(n):
        np.matmul(turned, g[i].reshape(o, -1), out=shares.reshape(len(shares), -1))
        add_back(shares, gx[i], kh, kw, *stride, *padding, *dilation)
    return gx


def weight_gradient(
    g: np.ndarray, x: np.ndarray, reach: tuple, stride: tuple, padding: tuple, dilation: tuple
) -> np.ndarray:
    """The gradient of w from that of y and from x."""
    n, o = g.shape[:2]
    c, (kh, kw) = x.shape[1], reach
    gw = np.zeros((o, c, kh, kw), g.dtype)
    if _is_direct(c, gw, stride, dilation):
        x = _padded(x, padding)
        height, width = x.shape[2:]
        _direct(kw).weight_gradient(np.ascontiguousarray(g), x.reshape(n, -1), gw, height, width)
        return gw
    g, x = np.ascontiguousarray(g), np.ascontiguousarray(x)
    flat = gw.reshape(o, -1)
    cols, columns = np.empty((c * kh * kw, *g.shape[2:]), x.dtype), _plain().columns
    for i in range(n):
        columns(x[i], cols, kh, kw, *stride, *padding, *dilation)
        flat += np.matmul(g[i].reshape(o, -1), cols.reshape(len(cols), -1).T)
    return gw
