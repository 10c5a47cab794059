"""Padding: constants, reflections, repetitions and wrapping round."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.ops.formula import OPS
from engine.ops.record import composite, kernel


def _constant(self: Any, pad: Any, value: Any = 0) -> Any:
    n = len(pad) // 2
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if n > self.ndim:
        raise RuntimeError(
            f"Length of pad should be no more than twice the number of dimensions of the input. Pad "
            f"length is "
            f"{len(pad)}while the input has {self.ndim}dimensions."
        )
    sizes, inner, outer = list(self.shape), [slice(None)] * self.ndim, [slice(None)] * self.ndim
    for i in range(n):
        axis = self.ndim - 1 - i
        low, high = int(pad[2 * i]), int(pad[2 * i + 1])
        size = self.shape[axis] + low + high
        if size < 0:
            raise RuntimeError(
                f"The input size {self.shape[axis]}, plus negative padding {low} and {high} resulted in a "
                f"negative output size, which is invalid. Check dimension {axis} of your input."
            )
        sizes[axis] = size
        inner[axis] = slice(max(0, -low), self.shape[axis] - max(0, -high))
        outer[axis] = slice(
            max(0, low), max(0, low) + max(0, self.shape[axis] - max(0, -low) - max(0, -high))
        )
    out = np.empty(sizes, self.dtype)
    out[...] = value
    part = self[tuple(inner)]
    if part.size:
        out[tuple(outer)] = part
    return out


constant_pad_nd = kernel(
    name="constant_pad_nd",
    inputs=("self",),
    grad_fn="ConstantPadNdBackward0",
    on=("torch",),
    out=False,
    formula=r"y = x \text{ with } v \text{ around}",
    text="Puts a margin of one value around; the gradient loses the margin.",
    forward=_constant,
    grads={"self": lambda grad, pad: constant_pad_nd(grad, [-p for p in pad], 0)},
)


def _sources(n: int, low: int, high: int, mode: str) -> np.ndarray:
    """For each place of the padded dimension, the place it is copied from."""
    at = np.arange(-low, n + high)
    if mode == "replicate":
        return np.clip(at, 0, n - 1)
    at = np.abs(at)
    return (n - 1) - np.abs((n - 1) - at)


def _indices(shape: tuple, pad: tuple, mode: str) -> list[np.ndarray]:
    n = len(pad) // 2
    return [_sources(shape[len(shape) - 1 - i], pad[2 * i], pad[2 * i + 1], mode) for i in reversed(range(n))]


def _picking(n: int, mode: str, name: str, upper: str) -> None:
    def forward(self: Any, padding: Any) -> Any:
        pad = tuple(int(p) for p in padding)
        _check(self.shape, pad, n, mode, name)
        for i, at in enumerate(_indices(self.shape, pad, mode)):
            self = np.take(self, at, axis=self.ndim - n + i)
        return np.ascontiguousarray(self)

    def back(grad_output: Any, size: Any, padding: Any) -> Any:
        g = grad_output
        for i, at in enumerate(_indices(tuple(size), tuple(int(p) for p in padding), mode)):
            axis = g.ndim - n + i
            out = np.zeros((*g.shape[:axis], size[axis], *g.shape[axis + 1 :]), g.dtype)
            np.add.at(np.moveaxis(out, axis, 0), at, np.moveaxis(g, axis, 0))
            g = out
        return g

    backward = kernel(
        name=f"{name}_backward",
        inputs=("grad_output",),
        grad_fn=upper + "BackwardBackward0",
        on=("torch._nn",),
        out=False,
        text="The gradient of padding: copies are added to what they were copied from.",
        forward=back,
        grads={"grad_output": lambda grad, padding: made(grad, padding)},
    )
    made = kernel(
        name=name,
        inputs=("self",),
        grad_fn=upper + "Backward0",
        on=("torch._nn",),
        out=False,
        formula=r"y = x \text{ with a mirrored margin}"
        if mode == "reflect"
        else r"y = x \text{ with its edge repeated}",
        text="Puts a margin around that is copied from the inside.",
        forward=forward,
        grads={"self": lambda grad, self_shape, padding: backward(grad, self_shape, padding)},
    )


def _check(shape: tuple, pad: tuple, n: int, mode: str, name: str) -> None:
    if len(shape) not in (n + 1, n + 2) or any(k == 0 for k in shape[-n - 1 :]):
        raise RuntimeError(
            f"Expected {n + 1}D or {n + 2}D (batch mode) tensor with possibly 0 batch size and other "
            f"non-zero "
            f"dimensions for input, but got: {list(shape)}"
        )
    for i in range(n):
        size, low, high = shape[len(shape) - 1 - i], pad[2 * i], pad[2 * i + 1]
        if mode == "reflect" and (low >= size or high >= size):
            raise RuntimeError(
                f"Argument #{4 + 2 * i}: Padding size should be less than the corresponding input dimension, "
                f"but got: padding ({low}, {high}) at dimension {len(shape) - 1 - i} of input {list(shape)}"
            )
        if size + low + high < 1:
            axes = {1: "W", 2: "W" if i == 0 else "H", 3: "WHT"[i]}[n]
            raise RuntimeError(
                f"input ({axes}: {size}) is too small. Calculated output {axes}: {size + low + high}"
            )


for _n in (1, 2, 3):
    _picking(_n, "reflect", f"reflection_pad{_n}d", f"ReflectionPad{_n}D")
    _picking(_n, "replicate", f"replication_pad{_n}d", f"ReplicationPad{_n}D")


def _circular(input: Any, pad: Any) -> Any:
    """Wrapping round, written as PyTorch does: slices copied into a new tensor, so the graph is
    CopySlices."""
    shape = input._a.shape
    n = len(pad) // 2
    size = list(shape)
    for i in range(n):
        axis = len(shape) - 1 - i
        low, high = pad[2 * i], pad[2 * i + 1]
        size[axis] += low + high
        if low > shape[axis] or high > shape[axis]:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if size[axis] < 0:
            raise RuntimeError("Negative padding value is resulting in an empty dimension")
    from engine import empty

    out = empty(size, dtype=input.dtype)
    inner, source = out, input
    for i in range(n):
        axis = len(shape) - 1 - i
        low, high = pad[2 * i], pad[2 * i + 1]
        inner = inner.narrow(axis, max(low, 0), size[axis] - max(high, 0) - max(low, 0))
        source = source.narrow(axis, max(-low, 0), shape[axis] - max(-high, 0) - max(-low, 0))
    inner.copy_(source)
    for i in range(n):
        axis = len(shape) - 1 - i
        low, high = pad[2 * i], pad[2 * i + 1]
        if low > 0:
            out.narrow(axis, 0, low).copy_(out.narrow(axis, size[axis] - low - max(high, 0), low))
        if high > 0:
            out.narrow(axis, size[axis] - high, high).copy_(out.narrow(axis, max(low, 0), high))
    return out


@composite("pad", on=("nn.functional",), out=False, formula=r"y = x \text{ with a margin}")
def pad(input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    """Puts a margin around the last dimensions: constant, reflect, replicate or circular.

    Raises: RuntimeError and NotImplementedError in PyTorch's words."""
    pad = [int(p) for p in pad]
    ndim = input._a.ndim
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * ndim:
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding "
            f"length {len(pad)} and input of dimension {ndim}"
        )
    if mode == "constant":
        return constant_pad_nd(input, pad, 0 if value is None else value)
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    n = len(pad) // 2
    if ndim in (n + 1, n + 2) and n in (1, 2, 3):
        if mode == "reflect":
            return OPS[f"reflection_pad{n}d"](input, pad)
        if mode == "replicate":
            return OPS[f"replication_pad{n}d"](input, pad)
        if mode == "circular":
            return _circular(input, pad)
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    raise NotImplementedError("Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now")
