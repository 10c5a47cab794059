"""Convolutions in one to three dimensions, plain and transposed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.kernels import convolution as arrays
from engine.ops.formula import OPS
from engine.ops.record import composite, kernel
from engine.ops.written import C_NAMES


def _convolution(
    input: Any,
    weight: Any,
    bias: Any,
    stride: tuple,
    padding: tuple,
    dilation: tuple,
    transposed: bool,
    output_padding: tuple,
    groups: int,
) -> Any:
    key = (
        input.shape, weight.shape, None if bias is None else bias.shape, input.dtype, weight.dtype,
        None if bias is None else bias.dtype, stride, padding, dilation, transposed, output_padding, groups,
    )
    if key not in _sound:
        _check(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)
        if len(_sound) > 4096:
            _sound.clear()
        _sound.add(key)
    if transposed:
        sizes = tuple(
            (input.shape[i + 2] - 1) * stride[i]
            - 2 * padding[i]
            + dilation[i] * (weight.shape[i + 2] - 1)
            + output_padding[i]
            + 1
            for i in range(len(stride))
        )
        y = arrays.input_gradient(input, weight, sizes, stride, padding, dilation, groups)
        if bias is not None:
            y += bias.reshape(-1, *(1,) * len(stride))
        return y
    return arrays.forward(input, weight, bias, stride, padding, dilation, groups)


_sound: set[tuple] = set()
"""Shapes and settings that have been checked: a network calls with the same ones again and again."""


def _check(
    x: Any,
    w: Any,
    b: Any,
    stride: tuple,
    padding: tuple,
    dilation: tuple,
    transposed: bool,
    output_padding: tuple,
    groups: int,
) -> None:
    """Raises: RuntimeError in PyTorch's words where the arguments do not fit together."""
    k = w.ndim
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if any(p < 0 for p in padding):
        raise RuntimeError("negative padding is not supported")
    if any(p < 0 for p in output_padding):
        raise RuntimeError("negative output_padding is not supported")
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(d <= 0 for d in dilation):
        raise RuntimeError("dilation should be greater than zero")
    if x.ndim != k:
        raise RuntimeError(
            f"Expected {k}-dimensional input for {k}-dimensional weight{list(w.shape)}, but got "
            f"{x.ndim}-dimensional input of size {list(x.shape)} instead"
        )
    if x.dtype != w.dtype or b is not None and b.dtype != x.dtype:
        word, other = ("weight", w) if x.dtype != w.dtype else ("bias", b)
        mine, theirs = (C_NAMES.get(name, name) for name in (dt.of(x).name, dt.of(other).name))
        raise RuntimeError(f"Input type ({mine}) and {word} type ({theirs}) should be the same")
    what = f"Given groups={groups}, weight of size {list(w.shape)}, expected "
    if not transposed:
        if w.shape[0] < groups:
            raise RuntimeError(
                f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got "
                f"weight of size {list(w.shape)} instead"
            )
        if w.shape[0] % groups:
            raise RuntimeError(
                f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got "
                f"weight of size {list(w.shape)} instead"
            )
        if x.shape[1] != w.shape[1] * groups:
            raise RuntimeError(
                f"{what}input{list(x.shape)} to have {w.shape[1] * groups} channels, but got {x.shape[1]} "
                "channels instead"
            )
        if b is not None and (b.ndim != 1 or b.shape[0] != w.shape[0]):
            raise RuntimeError(
                f"Given weight of size {list(w.shape)}, expected bias to be 1-dimensional with {w.shape[0]} "
                f"elements, but got bias of size {list(b.shape)} instead"
            )
        padded = [n + 2 * p for n, p in zip(x.shape[2:], padding)]
        reach = [d * (n - 1) + 1 for n, d in zip(w.shape[2:], dilation)]
        if any(n < r for n, r in zip(padded, reach)):
            inside, outside = " x ".join(map(str, padded)), " x ".join(map(str, reach))
            raise RuntimeError(
                f"Calculated padded input size per channel: ({inside}). Kernel size: ({outside}). "
                f"Kernel size "
                "can't be greater than actual input size"
            )
    else:
        if x.shape[1] != w.shape[0]:
            raise RuntimeError(
                f"Given transposed=1, weight of size {list(w.shape)}, expected input{list(x.shape)} to have "
                f"{w.shape[0]} channels, but got {x.shape[1]} channels instead"
            )
        if b is not None and (b.ndim != 1 or b.shape[0] != w.shape[1] * groups):
            raise RuntimeError(
                f"Given transposed=1, weight of size {list(w.shape)}, expected bias to be 1-dimensional with "
                f"{w.shape[1] * groups} elements, but got bias of size {list(b.shape)} instead"
            )
        for o, s, d in zip(output_padding, stride, dilation):
            if o >= s and o >= d:
                raise RuntimeError(
                    f"output padding must be smaller than either stride or dilation, but got "
                    f"output_padding_height: {output_padding[0]} output_padding_width: "
                    f"{output_padding[-1]} stride_height: {stride[0]} stride_width: {stride[-1]} "
                    f"dilation_height: {dilation[0]} dilation_width: {dilation[-1]}"
                )


def _backward(
    grad_output: Any,
    input: Any,
    weight: Any,
    bias_sizes: Any,
    stride: tuple,
    padding: tuple,
    dilation: tuple,
    transposed: bool,
    output_padding: tuple,
    groups: int,
    output_mask: tuple,
) -> tuple:
    gi = gw = gb = None
    if output_mask[0]:
        if transposed:
            gi = arrays.forward(grad_output, weight, None, stride, padding, dilation, groups)
            if gi.shape != input.shape:  # output padding as wide as a stride leaves a window too many
                gi = np.ascontiguousarray(gi[tuple(slice(0, k) for k in input.shape)])
        else:
            gi = arrays.input_gradient(
                grad_output, weight, input.shape[2:], stride, padding, dilation, groups
            )
    if output_mask[1]:
        if transposed:
            gw = arrays.weight_gradient(
                input, grad_output, weight.shape[2:], stride, padding, dilation, groups
            )
        else:
            gw = arrays.weight_gradient(
                grad_output, input, weight.shape[2:], stride, padding, dilation, groups
            )
    if output_mask[2]:
        gb = np.add.reduce(grad_output, axis=(0, *range(2, grad_output.ndim)))
    return gi, gw, gb


def _gradients(
    grad: Any,
    input: Any,
    weight: Any,
    stride: tuple,
    padding: tuple,
    dilation: tuple,
    transposed: bool,
    output_padding: tuple,
    groups: int,
    needs: tuple,
) -> tuple:
    return convolution_backward(
        grad,
        input,
        weight,
        None,
        stride,
        padding,
        dilation,
        transposed,
        output_padding,
        groups,
        ("input" in needs, "weight" in needs, "bias" in needs),
    )


def _second(
    grads: tuple,
    grad_output: Any,
    input: Any,
    weight: Any,
    stride: tuple,
    padding: tuple,
    dilation: tuple,
    transposed: bool,
    output_padding: tuple,
    groups: int,
    needs: tuple,
) -> tuple:
    """The gradient of the gradient: a convolution is linear in each of its inputs, so it is made of
    convolutions."""
    settings = (stride, padding, dilation, transposed, output_padding, groups)
    gi, gw, gb = grads
    back_out = back_in = back_w = None
    if "grad_output" in needs:
        if gi is not None:
            back_out = convolution(gi, weight, None, *settings)
        if gw is not None:
            more = convolution(input, gw, None, *settings)
            back_out = more if back_out is None else back_out + more
        if gb is not None:
            more = gb.reshape(1, -1, *(1,) * len(stride)).expand(grad_output.shape)
            back_out = more if back_out is None else back_out + more
    if "input" in needs and gw is not None:
        back_in = convolution_backward(grad_output, input, gw, None, *settings, (True, False, False))[0]
    if "weight" in needs and gi is not None:
        back_w = convolution_backward(grad_output, gi, weight, None, *settings, (False, True, False))[1]
    return back_out, back_in, back_w


convolution_backward = kernel(
    name="convolution_backward",
    inputs=("grad_output", "input", "weight"),
    grad_fn="ConvolutionBackwardBackward0",
    on=("torch",),
    out=False,
    materialize=False,
    text="The gradients of a convolution: convolutions again.",
    forward=_backward,
    grads={("grad_output", "input", "weight"): _second},
)
convolution = kernel(
    name="convolution",
    inputs=("input", "weight", "bias"),
    grad_fn="ConvolutionBackward0",
    on=("torch",),
    out=False,
    formula=r"Y_{o} = \sum_{c} X_{c} \star W_{oc} + b_{o}",
    text="Slides a small window of weights over the input: every place is judged by the same weights.",
    forward=_convolution,
    grads={("input", "weight", "bias"): _gradients},
    gradients={"input": r"g \star W^{T}", "weight": r"g \star X", "bias": r"\textstyle\sum g"},
)


def spread_over(value: Any, n: int, name: str, of: str) -> tuple[int, ...]:
    """`value` for each of n dimensions.

    Raises: RuntimeError where it has another number of elements."""
    if isinstance(value, (tuple, list)):
        if len(value) == 1:
            return (int(value[0]),) * n
        if len(value) != n:
            raise RuntimeError(
                f"expected {name} to be a single integer value or a list of {n} values to match the "
                f"convolution dimensions, but got {name}={list(value)}"
            )
        return tuple(v if type(v) is int else v.__index__() for v in value)
    if isinstance(value, float):
        raise TypeError(f"{of}(): argument '{name}' must be tuple of ints, not float")
    return (value if type(value) is int else value.__index__(),) * n


def _batched(input: Any, weight: Any, n: int, of: str) -> tuple[Any, bool]:
    """The input with a batch dimension, and whether it had one.

    Raises: RuntimeError for another number of dimensions."""
    ndim = input._a.ndim
    if weight._a.ndim < 3:
        raise RuntimeError("weight should have at least three dimensions")
    if weight._a.ndim != n + 2 and ndim == n + 1:
        raise RuntimeError(
            f"Expected {weight._a.ndim}-dimensional input for {weight._a.ndim}-dimensional weight "
            f"{list(weight.shape)}, but got {ndim}-dimensional input of size {list(input.shape)} instead"
        )
    if ndim == n + 2:
        return input, False
    if ndim == n + 1:
        return input.unsqueeze(0), True
    raise RuntimeError(
        f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {of}, but got input of size: "
        f"{list(input.shape)}"
    )


def _conv(n: int) -> Any:
    of = f"conv{n}d"

    def function(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Any:
        input, single = _batched(input, weight, n, of)
        stride, dilation = spread_over(stride, n, "stride", of), spread_over(dilation, n, "dilation", of)
        if isinstance(padding, str):
            input, padding = _named_padding(input, weight, padding, stride, dilation)
        else:
            padding = spread_over(padding, n, "padding", of)
        y = convolution(input, weight, bias, stride, padding, dilation, False, (0,) * n, groups)
        return y.squeeze(0) if single else y

    function.__name__ = of
    function.__doc__ = f"A convolution over {n} dimension{'s' if n > 1 else ''}."
    return composite(
        of, on=("torch", "nn.functional"), out=False, formula=r"Y_{o} = \sum_{c} X_{c} \star W_{oc} + b_{o}"
    )(function)


def _named_padding(
    input: Any, weight: Any, padding: str, stride: tuple, dilation: tuple
) -> tuple[Any, tuple]:
    """padding='same' or 'valid' in numbers; what is not symmetric is padded beforehand.

    Raises: RuntimeError for another word, or 'same' with a stride."""
    n = len(stride)
    if padding == "valid":
        return input, (0,) * n
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    left, extra = [], []
    for d, k in zip(dilation, weight._a.shape[2:]):
        total = d * (k - 1)
        left.append(total // 2)
        extra.append(total % 2)
    if any(extra):
        warnings.warn(
            "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded "
            "copy of the "
            "input be created",
            stacklevel=4,
        )
        pads: list[int] = []
        for e in reversed(extra):
            pads += [0, e]
        input = OPS["constant_pad_nd"](input, pads)
    return input, tuple(left)


def _conv_transpose(n: int) -> Any:
    of = f"conv_transpose{n}d"

    def function(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Any:
        input, single = _batched(input, weight, n, of)
        y = convolution(
            input,
            weight,
            bias,
            spread_over(stride, n, "stride", of),
            spread_over(padding, n, "padding", of),
            spread_over(dilation, n, "dilation", of),
            True,
            spread_over(output_padding, n, "output_padding", of),
            groups,
        )
        return y.squeeze(0) if single else y

    function.__name__ = of
    function.__doc__ = (
        f"The transpose of a convolution over {n} dimension{'s' if n > 1 else ''}: it makes larger."
    )
    return composite(of, on=("torch", "nn.functional"), out=False)(function)


conv1d, conv2d, conv3d = _conv(1), _conv(2), _conv(3)
conv_transpose1d, conv_transpose2d, conv_transpose3d = (
    _conv_transpose(1),
    _conv_transpose(2),
    _conv_transpose(3),
)
