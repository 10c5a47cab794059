"""Sampling at places that a grid names: grid_sample and affine_grid."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.ops.formula import OPS
from engine.ops.record import composite, kernel

MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
PADDINGS = {"zeros": 0, "border": 1, "reflection": 2}


def _unnormalized(g: Any, n: int, align: bool) -> Any:
    """From [-1, 1] to positions, and the slope of that."""
    return ((g + 1) / 2 * (n - 1), (n - 1) / 2) if align else (((g + 1) * n - 1) / 2, n / 2)


def _inside(x: Any, n: int, padding: int, align: bool) -> tuple[Any, Any]:
    """Positions moved inside by border or reflection, and the slope of that."""
    if padding == 1:
        return np.clip(x, 0, n - 1), ((x > 0) & (x < n - 1)).astype(x.dtype)
    if padding == 2:
        low, high = (0, 2 * (n - 1)) if align else (-1, 2 * n - 1)
        if low == high:
            return np.zeros_like(x), np.zeros_like(x)
        start, span = low / 2, (high - low) / 2
        d = x - start
        slope = np.where(d < 0, -1.0, 1.0).astype(x.dtype)
        d = np.abs(d)
        extra, flips = np.fmod(d, span), np.floor(d / span)
        even = np.fmod(flips, 2) == 0
        y = np.where(even, extra + start, span - extra + start).astype(x.dtype)
        slope = slope * np.where(even, 1, -1)
        return np.clip(y, 0, n - 1), slope * ((y > 0) & (y < n - 1))
    return x, np.ones_like(x)


def _cubic(t: Any) -> tuple[list, list, list]:
    """The four weights of cubic interpolation at t, their slopes and their bends."""
    a = -0.75
    far = [t + 1, 2 - t]
    near = [t, 1 - t]
    w_far = [((a * x - 5 * a) * x + 8 * a) * x - 4 * a for x in far]
    w_near = [((a + 2) * x - (a + 3)) * x * x + 1 for x in near]
    s_far = [(3 * a * x - 10 * a) * x + 8 * a for x in far]
    s_near = [(3 * (a + 2) * x - 2 * (a + 3)) * x for x in near]
    b_far, b_near = [6 * a * x - 10 * a for x in far], [6 * (a + 2) * x - 2 * (a + 3) for x in near]
    return ([w_far[0], w_near[0], w_near[1], w_far[1]], [s_far[0], s_near[0], -s_near[1], -s_far[1]],
            [b_far[0], b_near[0], b_near[1], b_far[1]])


def _taps(grid: Any, size: tuple, mode: int, padding: int, align: bool) -> list:
    """For each dimension of the image, a list of (place, weight, slope of the weight, inside, bend of the
    weight) along the grid."""
    k = len(size)
    axes = []
    for axis in range(k):
        n = size[axis]
        x, scale = _unnormalized(grid[..., k - 1 - axis], n, align)
        if mode != 2:
            x, slope = _inside(x, n, padding, align)
            slope = slope * scale
        else:
            slope = np.full_like(x, scale)
        x = np.where(np.isfinite(x), x, x.dtype.type(-100))
        taps, flat = [], np.zeros_like(x)
        if mode == 1:
            found = [(np.rint(x), np.ones_like(x), np.zeros_like(x), flat)]
        elif mode == 0:
            low = np.floor(x)
            t = x - low
            found = [(low, 1 - t, -slope, flat), (low + 1, t, slope, flat)]
        else:
            low = np.floor(x)
            w, s, b = _cubic(x - low)
            found = [(low + d, w[d + 1], s[d + 1] * slope, b[d + 1] * slope * slope) for d in range(-1, 3)]
        for at, w, s, b in found:
            if mode == 2 and padding:
                at = _inside(at, n, padding, align)[0]
            inside = (at >= 0) & (at <= n - 1)
            taps.append((np.clip(at, 0, n - 1).astype(np.int64), w, s, inside, b))
        axes.append(taps)
    return axes


def _combinations(axes: list, size: tuple) -> Any:
    from itertools import product

    for chosen in product(*axes):
        flat: Any = 0
        inside: Any = True
        for (at, _, _, within, _), n in zip(chosen, size):
            flat = flat * n + at
            inside = inside & within
        yield flat, inside, [c[1] for c in chosen], [c[2] for c in chosen]


def _check(input: Any, grid: Any, k: int) -> None:
    name = "grid_sampler(): "
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            f"{name}expected grid and input to have same batch size, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if grid.shape[-1] != k:
        raise RuntimeError(
            f"{name}expected grid to have size {k} in last dimension, but got grid with sizes "
            f"{list(grid.shape)}"
        )
    for i in range(2, input.ndim):
        if input.shape[i] <= 0:
            raise RuntimeError(
                f"{name}expected input to have non-empty spatial dimensions, but input has sizes "
                f"{list(input.shape)} with dimension {i} being empty"
            )


def _sample(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    k = input.ndim - 2
    _check(input, grid, k)
    n, c, size = input.shape[0], input.shape[1], input.shape[2:]
    places = grid.shape[1:-1]
    flat = input.reshape(n, c, -1)
    out = np.zeros((n, c, *places), input.dtype)
    for at, inside, weights, _ in _combinations(
        _taps(grid, size, interpolation_mode, padding_mode, align_corners), size
    ):
        w = np.prod(weights, axis=0) * inside
        picked = np.take_along_axis(flat, np.broadcast_to(at.reshape(n, 1, -1), (n, c, at[0].size)), 2)
        out += picked.reshape(n, c, *places) * w[:, None].astype(input.dtype)
    return out


def _sample_back(
    grad_output: Any,
    input: Any,
    grid: Any,
    interpolation_mode: int,
    padding_mode: int,
    align_corners: bool,
    output_mask: tuple,
) -> tuple:
    k = input.ndim - 2
    n, c, size = input.shape[0], input.shape[1], input.shape[2:]
    flat = input.reshape(n, c, -1)
    count = flat.shape[2]
    gi = np.zeros((n * c * count,), input.dtype) if output_mask[0] else None
    gg = np.zeros_like(grid) if output_mask[1] else None
    rows = (np.arange(n)[:, None, None] * c + np.arange(c)[None, :, None]) * count
    g = grad_output.reshape(n, c, -1)
    for at, inside, weights, slopes in _combinations(
        _taps(grid, size, interpolation_mode, padding_mode, align_corners), size
    ):
        at = at.reshape(n, 1, -1)
        if gi is not None:
            w = (np.prod(weights, axis=0) * inside).reshape(n, 1, -1).astype(input.dtype)
            np.add.at(gi, (rows + at).reshape(-1), (g * w).reshape(-1))
        if gg is not None:
            picked = np.take_along_axis(flat, np.broadcast_to(at, (n, c, at.shape[2])), 2)
            s = np.add.reduce(picked * g, axis=1).reshape(inside.shape) * inside
            for axis in range(k):
                part = [slopes[j] if j == axis else weights[j] for j in range(k)]
                gg[..., k - 1 - axis] += (s * np.prod(part, axis=0)).astype(grid.dtype)
    return None if gi is None else gi.reshape(input.shape), gg


def _gradients(grad: Any, input: Any, grid: Any, mode: int, padding: int, align: bool, needs: tuple) -> tuple:
    if modes.grad_enabled:
        return _gradients_again(grad, input, grid, mode, padding, align, needs)
    return _sampler_backward(grad, input, grid, mode, padding, align, ("input" in needs, "grid" in needs))


def _gradients_again(
    grad: Any, input: Any, grid: Any, mode: int, padding: int, align: bool, needs: tuple
) -> tuple:
    """_sample_back on Tensors, with the weights' dependence on the grid: somebody differentiates again."""
    from itertools import product

    from engine import stack, zeros

    T, k = type(grad), input.ndim - 2
    n, c, size = input.shape[0], input.shape[1], tuple(input.shape[2:])
    moved = grid - grid.detach()
    axes = []
    for axis, taps in enumerate(_taps(grid._array(), size, mode, padding, align)):
        way = moved.select(-1, k - 1 - axis)
        axes.append([(at, inside, T._of(w) + T._of(s) * way, T._of(s) + T._of(b) * way)
                     for at, w, s, inside, b in taps])
    flat, g = input.reshape(n, c, -1), grad.reshape(n, c, -1)
    gi = zeros(n, c, flat.shape[2], dtype=input.dtype)
    parts: list = [0] * k
    for chosen in product(*axes):
        place: Any = 0
        within: Any = True
        for (at, inside, _, _), length in zip(chosen, size):
            place, within = place * length + at, within & inside
        index = T._of(np.ascontiguousarray(np.broadcast_to(place.reshape(n, 1, -1), (n, c, place[0].size))))
        held = T._of(within.astype(input._a.dtype))
        if "input" in needs:
            weight = held
            for tap in chosen:
                weight = weight * tap[2]
            gi = gi.scatter_add(2, index, g * weight.reshape(n, 1, -1))
        if "grid" in needs:
            share = (flat.gather(2, index) * g).sum(1).reshape(within.shape) * held
            for axis in range(k):
                part = share
                for j, tap in enumerate(chosen):
                    part = part * tap[3 if j == axis else 2]
                parts[axis] = parts[axis] + part
    return (gi.reshape(input.shape) if "input" in needs else None,
            stack(parts[::-1], -1) if "grid" in needs else None)


_sampler_backward = kernel(
    name="grid_sampler_backward",
    inputs=("grad_output", "input", "grid"),
    on=("torch",),
    out=False,
    text="The gradients of sampling.",
    forward=_sample_back,
)


def _sampler(k: int) -> Any:
    return kernel(
        name=f"grid_sampler_{k}d",
        inputs=("input", "grid"),
        grad_fn=f"GridSampler{k}DBackward0",
        on=("torch",),
        out=False,
        formula=r"y_p = x(\text{grid}_p)",
        text="Reads the input at the places that the grid names, between its elements.",
        forward=lambda input, grid, interpolation_mode, padding_mode, align_corners: _sample(
            input, grid, interpolation_mode, padding_mode, align_corners
        ),
        grads={
            (
                "input",
                "grid",
            ): lambda grad, input, grid, interpolation_mode, padding_mode, align_corners, needs: _gradients(
                grad, input, grid, interpolation_mode, padding_mode, align_corners, needs
            )
        },
    )


_samplers = {2: _sampler(2), 3: _sampler(3)}


@composite("grid_sampler", on=("torch",), out=False)
def grid_sampler(
    input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Any:
    """Reads the input at the places that the grid names."""
    k = input._a.ndim - 2
    if k not in (2, 3) or input._a.ndim != grid._a.ndim:
        raise RuntimeError(
            f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input "
            f"with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if k == 3 and interpolation_mode == 2:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    return _samplers[k](input, grid, interpolation_mode, padding_mode, align_corners)


@composite("grid_sample", on=("nn.functional",), out=False)
def grid_sample(
    input: Any,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Any:
    """Reads the input at the places that the grid names.

    Raises: ValueError for an unknown mode."""
    if mode not in MODES:
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: "
            f"'{mode}'"
        )
    if padding_mode not in PADDINGS:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            "'reflection', but "
            f"got: '{padding_mode}'"
        )
    _announce(align_corners)
    return grid_sampler(input, grid, MODES[mode], PADDINGS[padding_mode], bool(align_corners))


def _announce(align_corners: bool | None) -> None:
    if align_corners is None:
        warnings.warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since "
            "1.3.0. Please "
            "specify align_corners=True if the old behavior is desired. See the documentation of "
            "grid_sample for "
            "details.",
            stacklevel=4,
        )


def _base(size: tuple, align: bool, kind: Any) -> np.ndarray:
    k = len(size) - 2
    axes = []
    for n in size[2:]:
        line = np.linspace(-1, 1, n, dtype=kind) if n > 1 else np.zeros(1, kind)
        axes.append(line if align else line * kind.type((n - 1) / n))
    mesh = np.meshgrid(*axes, indexing="ij")
    return np.stack([*reversed(mesh), np.ones(size[2:], kind)], axis=-1).reshape(1, -1, k + 1)


def _affine(theta: Any, size: Any, align_corners: bool) -> Any:
    k = len(size) - 2
    base = _base(tuple(size), align_corners, theta.dtype)
    return np.matmul(base, theta.swapaxes(1, 2)).reshape(size[0], *size[2:], k)


def _affine_gradient(grad: Any, size: Any, align_corners: bool) -> Any:
    k = len(size) - 2
    base = type(grad)._of(_base(tuple(size), align_corners, grad._a.dtype))
    return OPS["matmul"](grad.reshape(size[0], -1, k).transpose(1, 2), base.expand(size[0], -1, -1))


affine_grid_generator = kernel(
    name="affine_grid_generator",
    inputs=("theta",),
    grad_fn="AffineGridGeneratorBackward0",
    on=("torch",),
    out=False,
    formula=r"\text{grid} = \theta\,(x, y, 1)^{T}",
    text="The places that an affine map sends a regular grid to.",
    forward=_affine,
    grads={"theta": lambda grad, size, align_corners: _affine_gradient(grad, size, align_corners)},
)


@composite("affine_grid", on=("nn.functional",), out=False)
def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Any:
    """The places that an affine map sends a regular grid to.

    Raises: ValueError where theta and size do not fit."""
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    size = tuple(int(k) for k in size)
    if len(size) not in (4, 5):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {size}."
        )
    k = len(size) - 2
    if theta._a.ndim != 3 or theta._a.shape[-2] != k or theta._a.shape[-1] != k + 1:
        raise ValueError(
            f"Expected a batch of {k}D affine matrices of shape Nx{k}x{k + 1} for size {size}. Got "
            f"{theta.shape}."
        )
    _announce(align_corners)
    if any(n <= 0 for n in size):
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    return affine_grid_generator(theta, size, bool(align_corners))
