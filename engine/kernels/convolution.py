"""The three products of a convolution: forward, and the gradients of its input and of its weight.

Shapes: x (n, groups * c, *size), w (groups * o, c, *window), y (n, groups * o, *places);
any number of dimensions.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from engine.core.shape import window
from engine.kernels import compiled_convolution as compiled


def places(size: tuple, reach: tuple, stride: tuple, padding: tuple, dilation: tuple) -> tuple[int, ...]:
    """How often a window fits into each dimension."""
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, reach, stride, padding, dilation)
    )


def padded(x: np.ndarray, padding: tuple) -> np.ndarray:
    """x with zeros around it."""
    if not any(padding):
        return x
    out = np.zeros((*x.shape[:2], *(n + 2 * p for n, p in zip(x.shape[2:], padding))), x.dtype)
    out[(slice(None), slice(None), *(slice(p, p + n) for n, p in zip(x.shape[2:], padding)))] = x
    return out


def windows(x: np.ndarray, reach: tuple, stride: tuple, dilation: tuple, out: tuple) -> np.ndarray:
    """A view of a padded x. Shapes: (n, c, *reach, *out)."""
    s = x.strides
    return window(
        x,
        (*x.shape[:2], *reach, *out),
        (*s[:2], *(t * d for t, d in zip(s[2:], dilation)), *(t * k for t, k in zip(s[2:], stride))),
    )


def forward(
    x: np.ndarray, w: np.ndarray, b: Any, stride: tuple, padding: tuple, dilation: tuple, groups: int
) -> np.ndarray:
    """y = w * x + b."""
    n, reach = x.shape[0], w.shape[2:]
    out = places(x.shape[2:], reach, stride, padding, dilation)
    o = w.shape[0] // groups
    if compiled.worth(x, w, out, stride, dilation, groups):
        return compiled.forward(x, w, b, out, stride, padding, dilation)
    if not x.size or not w.size:
        y = np.zeros((n, w.shape[0], *out), x.dtype)
    else:
        c = w.shape[1]
        if prod(reach) == 1 and not any(padding):
            cols = (
                x
                if all(k == 1 for k in stride)
                else x[(slice(None), slice(None), *(slice(None, None, k) for k in stride))]
            )
            cols = np.ascontiguousarray(cols)
        else:
            cols = windows(np.ascontiguousarray(padded(x, padding)), reach, stride, dilation, out)
        cols = cols.reshape(n, groups, c * prod(reach), prod(out))
        y = np.matmul(w.reshape(1, groups, o, -1), cols).reshape(n, groups * o, *out)
    if b is not None:
        y += b.reshape(-1, *(1,) * len(out))
    return y


def input_gradient(
    g: np.ndarray, w: np.ndarray, size: tuple, stride: tuple, padding: tuple, dilation: tuple, groups: int
) -> np.ndarray:
    """The gradient of x from that of y: each window's share is added back to where it was read."""
    n, reach, out = g.shape[0], w.shape[2:], g.shape[2:]
    o, c = w.shape[0] // groups, w.shape[1]
    if compiled.worth(g, w, out, stride, dilation, groups):
        return compiled.input_gradient(g, w, tuple(size), stride, padding, dilation)
    whole = np.zeros((n, groups * c, *(k + 2 * p for k, p in zip(size, padding))), g.dtype)
    if g.size and w.size:
        turned = np.ascontiguousarray(w.reshape(groups, o, -1).transpose(0, 2, 1))
        shares = np.matmul(turned, np.ascontiguousarray(g).reshape(n, groups, o, prod(out)))
        shares = shares.reshape(n, groups * c, *reach, *out)
        for at in np.ndindex(*reach):
            there = tuple(
                slice(i * d, i * d + s * (m - 1) + 1, s) for i, d, s, m in zip(at, dilation, stride, out)
            )
            whole[(slice(None), slice(None), *there)] += shares[(slice(None), slice(None), *at)]
    if any(padding):
        whole = np.ascontiguousarray(
            whole[(slice(None), slice(None), *(slice(p, p + k) for p, k in zip(padding, size)))]
        )
    return whole


def weight_gradient(
    g: np.ndarray, x: np.ndarray, reach: tuple, stride: tuple, padding: tuple, dilation: tuple, groups: int
) -> np.ndarray:
    """The gradient of w from that of y and from x."""
    n, out = g.shape[0], g.shape[2:]
    o, c = g.shape[1] // groups, x.shape[1] // groups
    if not g.size or not x.size:
        return np.zeros((groups * o, c, *reach), g.dtype)
    if compiled.worth(x, np.broadcast_to(g.dtype.type(0), (o, c, *reach)), out, stride, dilation, groups):
        return compiled.weight_gradient(g, x, tuple(reach), stride, padding, dilation)
    cols = windows(np.ascontiguousarray(padded(x, padding)), reach, stride, dilation, out)
    cols = cols.reshape(n, groups, c * prod(reach), prod(out))
    each = np.matmul(np.ascontiguousarray(g).reshape(n, groups, o, prod(out)), cols.swapaxes(2, 3))
    return np.add.reduce(each, axis=0).reshape(groups * o, c, *reach)
