"""Interpolation: making images and volumes larger or smaller."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from engine.kernels import resampling
from engine.ops.formula import OPS
from engine.ops.record import composite, kernel

LETTERS = {1: "w", 2: "hw", 3: "dhw"}


def _tables(
    mode: str, given: tuple, wanted: tuple, align: bool, scales: Any, antialias: bool, kind: Any
) -> list:
    made: list = []
    for i, (n, m) in enumerate(zip(given, wanted)):
        scale = scales[i] if scales is not None else None
        if antialias:
            made.append(resampling.antialiased(mode, n, m, align, scale))
        elif n == m and mode != "nearest" or n == m and (scale is None or scale == 1):
            made.append(None)
        else:
            made.append(resampling.table(mode, n, m, align, scale, kind.itemsize < 8))
    return made


def _upsample(op: str, upper: str, n: int, mode: str, antialias: bool = False) -> Any:
    def forward(input: Any, output_size: Any, align_corners: bool = False, scales: Any = None) -> Any:
        _check(input.shape, output_size, n)
        return resampling.applied(
            input,
            _tables(mode, input.shape[2:], tuple(output_size), align_corners, scales, antialias, input.dtype),
        )

    def back(grad_output: Any, size: Any, align_corners: bool, scales: Any) -> Any:
        tables = _tables(
            mode, tuple(size[2:]), grad_output.shape[2:], align_corners, scales, antialias, grad_output.dtype
        )
        return resampling.applied(grad_output, [None if t is None else t.T for t in tables])

    backward = kernel(
        name=f"{op}_backward",
        inputs=("grad_output",),
        grad_fn=upper + "BackwardBackward0",
        on=("torch._nn",),
        out=False,
        text="The gradient of interpolation: each output's share goes back to what it was mixed from.",
        forward=back,
        grads={
            "grad_output": lambda grad, grad_output_shape, align_corners, scales: made(
                grad, grad_output_shape[2:], align_corners, scales
            )
        },
    )
    made = kernel(
        name=op,
        inputs=("input",),
        grad_fn=upper + "Backward0",
        on=("torch._nn",),
        out=False,
        formula=r"y_i = \sum_j w_{ij}\,x_j",
        text="Each output is a mixture of the inputs near it.",
        forward=forward,
        grads={
            "input": lambda grad, input_shape, align_corners, scales: backward(
                grad, input_shape, align_corners, scales
            )
        },
        gradients={"input": r"\textstyle\sum_i w_{ij}\,g_i"},
    )
    return made


def _check(shape: tuple, wanted: Any, n: int) -> None:
    if len(shape) != n + 2:
        raise RuntimeError(f"It is expected input_size equals to {n + 2}, but got size {len(shape)}")
    if any(m <= 0 for m in wanted) or any(k <= 0 for k in shape[2:]):
        names = {1: "W", 2: "HW", 3: "DHW"}[n]
        inside = ", ".join(f"{c}: {k}" for c, k in zip(names, shape[2:]))
        outside = ", ".join(f"{c}: {k}" for c, k in zip(names, wanted))
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({inside}) output ({outside})"
        )
    if any(k == 0 for k in shape[1:]):
        raise RuntimeError(
            f"Non-empty {n + 2}D data tensor expected but got a tensor with sizes {list(shape)}"
        )


FORMS = {
    ("nearest", 1): _upsample("upsample_nearest1d", "UpsampleNearest1D", 1, "nearest"),
    ("nearest", 2): _upsample("upsample_nearest2d", "UpsampleNearest2D", 2, "nearest"),
    ("nearest", 3): _upsample("upsample_nearest3d", "UpsampleNearest3D", 3, "nearest"),
    ("nearest-exact", 1): _upsample(
        "_upsample_nearest_exact1d", "UpsampleNearestExact1D", 1, "nearest-exact"
    ),
    ("nearest-exact", 2): _upsample(
        "_upsample_nearest_exact2d", "UpsampleNearestExact2D", 2, "nearest-exact"
    ),
    ("nearest-exact", 3): _upsample(
        "_upsample_nearest_exact3d", "UpsampleNearestExact3D", 3, "nearest-exact"
    ),
    ("linear", 1): _upsample("upsample_linear1d", "UpsampleLinear1D", 1, "linear"),
    ("bilinear", 2): _upsample("upsample_bilinear2d", "UpsampleBilinear2D", 2, "linear"),
    ("trilinear", 3): _upsample("upsample_trilinear3d", "UpsampleTrilinear3D", 3, "linear"),
    ("bicubic", 2): _upsample("upsample_bicubic2d", "UpsampleBicubic2D", 2, "cubic"),
}
ANTIALIASED = {
    "bilinear": _upsample("_upsample_bilinear2d_aa", "UpsampleBilinear2DAa", 2, "linear", True),
    "bicubic": _upsample("_upsample_bicubic2d_aa", "UpsampleBicubic2DAa", 2, "cubic", True),
}
KNOWN = ("nearest", "nearest-exact", "area", "linear", "bilinear", "bicubic", "trilinear")


def _sizes(input: Any, size: Any, scale_factor: Any, recompute: Any) -> tuple[list[int], Any]:
    """The output size, and the scales where they decide.

    Raises: ValueError where neither or both are given."""
    shape, n = input._a.shape, input._a.ndim - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        if isinstance(size, (list, tuple)):
            if len(size) != n:
                raise ValueError(
                    f"Input and output must have the same number of spatial dimensions, but got input with "
                    f"spatial dimensions of {list(shape[2:])} and output size of {size}. Please provide "
                    f"input "
                    "tensor in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
                )
            return [int(k) for k in size], None
        return [int(size)] * n, None
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if isinstance(scale_factor, (list, tuple)):
        if len(scale_factor) != n:
            raise ValueError(
                f"Input and scale_factor must have the same number of spatial dimensions, but got input with "
                f"spatial dimensions of {list(shape[2:])} and scale_factor of shape {scale_factor}. Please "
                "provide input tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) "
                "format."
            )
        factors = [float(s) for s in scale_factor]
    else:
        factors = [float(scale_factor)] * n
    wanted = [int(np.floor(k * s)) for k, s in zip(shape[2:], factors)]
    return wanted, None if recompute else tuple(factors)


@composite("interpolate", on=("nn.functional",), out=False, formula=r"y_i = \sum_j w_{ij}\,x_j")
def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """Makes the last dimensions larger or smaller.

    Raises: ValueError, NotImplementedError in PyTorch's words."""
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | "
                "bicubic "
                "| trilinear"
            )
    elif align_corners is None:
        align_corners = False
    if recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful when size is explicitly specified.")
    n = input._a.ndim - 2
    wanted, scales = _sizes(input, size, scale_factor, recompute_scale_factor)
    if antialias and not (mode in ("bilinear", "bicubic") and n == 2):
        raise ValueError(
            "Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor as input"
        )
    if mode == "area" and n in (1, 2, 3):
        return OPS[f"adaptive_avg_pool{n}d"](input, wanted)
    if antialias:
        return ANTIALIASED[mode](input, tuple(wanted), align_corners, scales)
    form = FORMS.get((mode, n))
    if form is not None:
        return form(input, tuple(wanted), bool(align_corners), scales)
    if n in (1, 2, 3) and mode in KNOWN:
        needs = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}.get(mode)
        if needs is not None:
            raise NotImplementedError(f"Got {n + 2}D input, but {mode} mode needs {needs}D input")
    raise NotImplementedError(
        "Input Error: Only 3D, 4D and 5D input Tensors supported "
        f"(got {n + 2}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | area | "
        f"nearest-exact (got {mode})"
    )


def _old(name: str, chosen: Any) -> None:
    def function(input: Any, size: Any = None, scale_factor: Any = None, **more: Any) -> Any:
        warnings.warn(
            f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=3
        )
        if chosen:
            more = {**chosen, **more}
        return interpolate(input, size, scale_factor, **more)

    function.__doc__ = "The old name of interpolate."
    composite(name, on=("nn.functional",), out=False)(function)


@composite("upsample", on=("nn.functional",), out=False)
def upsample(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Any:
    """The old name of interpolate."""
    warnings.warn(
        "`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=3
    )
    return interpolate(input, size, scale_factor, mode, align_corners)


_old("upsample_nearest", {"mode": "nearest"})
_old("upsample_bilinear", {"mode": "bilinear", "align_corners": True})
