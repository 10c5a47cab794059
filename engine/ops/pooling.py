"""Pooling: the largest or the mean of each window."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.kernels import pooling as arrays
from engine.ops.formula import OPS
from engine.ops.record import composite, kernel


def sizes(value: Any, n: int, name: str, of: str) -> tuple[int, ...]:
    """`value` for each of n dimensions.

    Raises: RuntimeError where it has another number of elements."""
    if isinstance(value, (tuple, list)):
        if len(value) == n:
            return tuple(int(v) for v in value)
        if len(value) == 1:
            return (int(value[0]),) * n
        words = {1: "one int", 2: "two ints", 3: "three ints"}[n]
        raise RuntimeError(f"{of}: {name} must either be a single int, or a tuple of {words}")
    return (int(value),) * n


def _checked(
    self: Any, n: int, of: str, reach: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple:
    """_settled, looked up where the same shape and settings came before."""
    key = (self.shape, n, reach, stride, padding, dilation, ceil_mode)
    try:
        found = _sound.get(key)
    except TypeError:  # a list among the settings
        return _settled(self, n, of, reach, stride, padding, dilation, ceil_mode)
    if found is None:
        if len(_sound) > 4096:
            _sound.clear()
        found = _sound[key] = _settled(self, n, of, reach, stride, padding, dilation, ceil_mode)
    return found


_sound: dict[tuple, tuple] = {}


def _settled(
    self: Any, n: int, of: str, reach: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple:
    """The window's settings as tuples.

    Raises: RuntimeError in PyTorch's words where they do not fit."""
    reach = sizes(reach, n, "kernel_size", of)
    stride = (
        reach
        if stride is None or isinstance(stride, (tuple, list)) and not stride
        else sizes(stride, n, "stride", of)
    )
    padding, dilation = sizes(padding, n, "padding", of), sizes(dilation, n, "dilation", of)
    if any(k <= 0 for k in reach):
        raise RuntimeError("kernel size should be greater than zero, but got " + _named(reach, "k"))
    if any(s <= 0 for s in stride):
        raise RuntimeError("stride should be greater than zero, but got " + _named(stride, "d"))
    if any(d <= 0 for d in dilation):
        raise RuntimeError("dilation should be greater than zero, but got " + _named(dilation, "dilation"))
    for k, p, d in zip(reach, padding, dilation):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > (d * (k - 1) + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and "
                f"dilation={d}"
            )
    shape = self.shape
    if self.ndim not in (n + 1, n + 2) or any(k == 0 for k in shape[1 if self.ndim > n + 1 else 0 :]):
        raise RuntimeError(
            f"Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch size for "
            f"input, but got:{list(shape)}"
            if n == 2
            else f"{of}: Expected input's non-batch dimensions to have positive length, but input "
            f"has a shape of {list(shape)}"
            if self.ndim in (n + 1, n + 2)
            else f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input"
        )
    out = arrays.places(shape[-n:], reach, stride, padding, dilation, ceil_mode)
    if any(m < 1 for m in out):
        lead = [shape[-n - 1]]
        given = "x".join(map(str, [*lead, *shape[-n:]]))
        found = "x".join(map(str, [*lead, *out]))
        raise RuntimeError(
            f"Given input size: ({given}). Calculated output size: ({found}). Output size is too small"
        )
    return reach, stride, padding, dilation


def _named(values: tuple, letter: str) -> str:
    axes = {1: "W", 2: "HW", 3: "THW"}[len(values)]
    return " ".join(f"{letter}{axes[i]}: {v}" for i, v in enumerate(values))


def refuse_integers(a: Any, of: str) -> None:
    """Raises: NotImplementedError for integers, in PyTorch's words."""
    if a.dtype.kind in "biu":
        raise NotImplementedError(f"\"{of}\" not implemented for '{dt.scalar_type_name(dt.of(a))}'")


def _max_pool(n: int) -> Any:
    of = f"max_pool{n}d"

    def forward(
        self: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> tuple:
        settings = _checked(self, n, of, kernel_size, stride, padding, dilation, ceil_mode)
        return arrays.maximum(self, *settings, ceil_mode)  # type: ignore[call-arg]

    def back(grad_output: Any, self: Any, indices: Any, once: Any) -> Any:
        return arrays.scattered(grad_output, indices, self.shape[-n:], once)

    upper = f"MaxPool{n}DWithIndicesBackward"
    backward = kernel(
        name=f"max_pool{n}d_with_indices_backward",
        inputs=("grad_output", "self"),
        grad_fn=upper + "Backward0",
        on=("torch._nn",),
        out=False,
        text="The gradient of max pooling.",
        forward=back,
        grads={
            "grad_output": lambda grad, indices: _gather_places(grad, indices, n),
            "self": lambda grad, self: OPS["zeros_like"](self),
        },
    )

    def gradient(
        grad: Any, self: Any, kernel_size: Any, stride: Any, dilation: Any, result1: Any
    ) -> Any:
        reach = sizes(kernel_size, n, "kernel_size", of)
        steps = reach if stride is None or stride == [] or stride == () else sizes(stride, n, "stride", of)
        apart = all(s >= (k - 1) * d + 1 for k, s, d in zip(reach, steps, sizes(dilation, n, "dilation", of)))
        return backward(grad, self, result1, apart)

    return kernel(
        name=f"max_pool{n}d_with_indices",
        inputs=("self",),
        grad_fn=upper + "0",
        on=("torch._nn",),
        out=False,
        nondiff=(1,),
        formula=r"y = \max_{i \in \text{window}} x_i",
        text="Keeps the largest of each window; the gradient goes to where it was found.",
        forward=forward,
        grads={"self": gradient},
        gradients={"self": r"g \text{ where } x \text{ was largest, } 0 \text{ elsewhere}"},
    )


_gather = kernel(
    name="_gather_places",
    inputs=("self",),
    on=("torch",),
    out=False,
    text="Values at the places of their windows.",
    forward=lambda self, indices, k: arrays.gathered(self, indices, k),
    grads={"self": lambda grad, self_shape, indices, k: _scatter(grad, indices, self_shape, k)},
)
_scatter = kernel(
    name="_scatter_places",
    inputs=("self",),
    on=("torch",),
    out=False,
    text="Values put back at their places.",
    forward=lambda self, indices, size, k: arrays.scattered(self, indices, size[-k:], False),
    grads={"self": lambda grad, indices, k: _gather(grad, indices, k)},
)


def _gather_places(grad: Any, indices: Any, n: int) -> Any:
    return _gather(grad, indices, n)


max_pool2d_with_indices, max_pool3d_with_indices = _max_pool(2), _max_pool(3)


def _with_choice(n: int, both: Any) -> None:
    """max_poolNd, and the form that also gives the indices."""
    of = f"max_pool{n}d"

    def plain(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> Any:
        return both(input, kernel_size, stride, padding, dilation, ceil_mode)[0]

    def choose(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        y = both(input, kernel_size, stride, padding, dilation, ceil_mode)
        return y if return_indices else y[0]

    def indexed(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        return both(input, kernel_size, stride, padding, dilation, ceil_mode)

    plain.__doc__ = choose.__doc__ = "The largest of each window."
    indexed.__doc__ = "The largest of each window, and where it lies."
    composite(of, on=("torch",), out=False)(plain)
    composite(of, on=("nn.functional",), out=False)(choose)
    composite(of + "_with_indices", on=("nn.functional",), out=False)(indexed)


def _max_pool1d_both(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> tuple:
    shape = input._a.shape
    if len(shape) not in (2, 3):
        raise RuntimeError("max_pool1d() Expected 2D or 3D input tensor, but got " + str(list(shape)))
    k = sizes(kernel_size, 1, "kernel_size", "max_pool1d")[0]
    s = k if stride is None or stride == [] or stride == () else sizes(stride, 1, "stride", "max_pool1d")[0]
    p, d = sizes(padding, 1, "padding", "max_pool1d")[0], sizes(dilation, 1, "dilation", "max_pool1d")[0]
    if k <= 0:
        raise RuntimeError(f"max_pool1d() kernel_size must be greater than zero, but got {k}")
    if s <= 0:
        raise RuntimeError(f"max_pool1d() stride must be greater than zero, but got {s}")
    if p < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {p}")
    if p > k // 2:
        raise RuntimeError(
            f"max_pool1d() padding should be at most half of kernel size, but got padding={p} and "
            f"kernel_size={k}"
        )
    if d <= 0:
        raise RuntimeError(f"max_pool1d() dilation must be greater than zero, but got {d}")
    if arrays.places(shape[-1:], (k,), (s,), (p,), (d,), ceil_mode)[0] <= 0:
        raise RuntimeError(
            f"max_pool1d() Invalid computed output size: "
            f"{arrays.places(shape[-1:], (k,), (s,), (p,), (d,), ceil_mode)[0]}"
        )
    y, where = max_pool2d_with_indices(input.unsqueeze(-2), (1, k), (1, s), (0, p), (1, d), ceil_mode)
    return y.squeeze(-2), where.squeeze(-2)


_with_choice(1, _max_pool1d_both)
_with_choice(2, max_pool2d_with_indices)
_with_choice(3, max_pool3d_with_indices)


def _avg_pool(n: int) -> Any:
    of = f"avg_pool{n}d"

    def forward(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Any:
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        reach, step, pad, _ = _checked(input, n, of, kernel_size, stride, padding, 1, ceil_mode)
        if input.dtype.kind != "i" or input.dtype.itemsize != 8:
            refuse_integers(input, f"{of}_out_frame")
        return arrays.mean(input, reach, step, pad, ceil_mode, count_include_pad, divisor_override)

    def back(
        grad_output: Any,
        self: Any,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        ceil_mode: Any,
        count_include_pad: Any,
        divisor_override: Any,
    ) -> Any:
        reach = sizes(kernel_size, n, "kernel_size", of)
        step = reach if stride is None or stride == [] or stride == () else sizes(stride, n, "stride", of)
        return arrays.mean_gradient(
            grad_output,
            self.shape[-n:],
            reach,
            step,
            sizes(padding, n, "padding", of),
            count_include_pad,
            divisor_override,
        )

    def again(
        grad: Any,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        ceil_mode: Any,
        count_include_pad: Any,
        divisor_override: Any,
    ) -> Any:
        return OPS[of](grad, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)

    def gradient(
        grad: Any,
        input: Any,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        ceil_mode: Any,
        count_include_pad: Any,
        divisor_override: Any,
    ) -> Any:
        return backward(
            grad, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        )

    backward = kernel(
        name=f"avg_pool{n}d_backward",
        inputs=("grad_output", "self"),
        grad_fn=f"AvgPool{n}DBackwardBackward0",
        on=("torch._nn",),
        out=False,
        text="The gradient of average pooling.",
        forward=back,
        grads={"grad_output": again, "self": lambda grad, self: OPS["zeros_like"](self)},
    )
    return kernel(
        name=of,
        inputs=("input",),
        grad_fn=f"AvgPool{n}DBackward0",
        on=("torch._nn", "nn.functional"),
        out=False,
        formula=r"y = \frac{1}{k} \sum_{i \in \text{window}} x_i",
        text="Averages each window; every element gets its share of the gradient back.",
        forward=forward,
        grads={"input": gradient},
        gradients={"input": r"\frac{1}{k} \sum_{\text{windows with } x} g"},
    )


avg_pool2d, avg_pool3d = _avg_pool(2), _avg_pool(3)


@composite("avg_pool1d", on=("torch", "nn.functional"), out=False)
def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window along the last dimension."""
    if input._a.ndim not in (2, 3):
        raise RuntimeError(
            f"Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got: "
            f"{list(input.shape)}"
        )
    k = sizes(kernel_size, 1, "kernel_size", "avg_pool1d")[0]
    s = k if stride is None or stride == [] or stride == () else sizes(stride, 1, "stride", "avg_pool1d")[0]
    p = sizes(padding, 1, "padding", "avg_pool1d")[0]
    return avg_pool2d(input.unsqueeze(-2), (1, k), (1, s), (0, p), ceil_mode, count_include_pad).squeeze(-2)


def _lp(n: int, average: Any) -> None:
    def function(
        input: Any, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> Any:
        if norm_type == 0:
            raise RuntimeError("lp_pool: norm_type must be non-zero")
        reach = sizes(kernel_size, n, "kernel_size", f"lp_pool{n}d")
        count = 1
        for k in reach:
            count *= k
        y = average(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
        return (y.sign() * y.abs().relu() * count).pow(1.0 / norm_type)

    function.__doc__ = "The p-norm of each window."
    composite(
        f"lp_pool{n}d",
        on=("nn.functional",),
        out=False,
        formula=r"y = \left(\sum_{i \in \text{window}} x_i^{p}\right)^{1/p}",
    )(function)


_lp(1, avg_pool1d)
_lp(2, avg_pool2d)
_lp(3, avg_pool3d)


def _max_unpool(n: int) -> Any:
    def forward(self: Any, indices: Any, output_size: Any) -> Any:
        if indices.dtype != np.int64:
            raise RuntimeError(
                f"elements in indices should be type int64 but got: {dt.scalar_type_name(dt.of(indices))}"
            )
        if self.shape != indices.shape:
            raise RuntimeError(
                "Expected shape of indices to be same as that of the input tensor "
                f"({list(self.shape)}) but got indices tensor with shape: {list(indices.shape)}"
            )
        size = tuple(output_size)
        total = 1
        for k in size:
            total *= k
        if indices.size and (indices.min() < 0 or indices.max() >= total):
            bad = indices[(indices < 0) | (indices >= total)].flat[0]
            raise RuntimeError(
                f"Found an invalid max index: {bad} (output volumes are of size {'x'.join(map(str, size))}"
            )
        return arrays.scattered(self, indices, size, True)

    return kernel(
        name=f"max_unpool{n}d",
        inputs=("self",),
        grad_fn=f"MaxUnpool{n}DBackward0",
        on=("torch._nn",),
        out=False,
        formula=r"y_{i} = x",
        text="Puts each value back where max pooling found it, with zeros around.",
        forward=forward,
        grads={"self": lambda grad, indices: _gather(grad, indices, n)},
    )


max_unpool2d, max_unpool3d = _max_unpool(2), _max_unpool(3)


def _unpool_face(n: int) -> None:
    def function(
        input: Any,
        indices: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        output_size: Any = None,
    ) -> Any:
        reach = sizes(kernel_size, n, "kernel_size", f"max_unpool{n}d")
        step = reach if stride is None else sizes(stride, n, "stride", f"max_unpool{n}d")
        pad = sizes(padding, n, "padding", f"max_unpool{n}d")
        given = input._a.shape[-n:]
        usual = [(m - 1) * s + k - 2 * p for m, s, k, p in zip(given, step, reach, pad)]
        size = usual
        if output_size is not None:
            size = list(output_size)[-n:]
            if len(output_size) not in (n, n + 2):
                raise ValueError(
                    f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a "
                    f"length "
                    f"of '{len(output_size)}'"
                )
            for i, (m, u, s) in enumerate(zip(size, usual, step)):
                if not u - s < m < u + s:
                    raise ValueError(
                        f'invalid output_size "{list(size)}" (dim {i} must be between {u - s} and {u + s})'
                    )
        if n == 1:
            return max_unpool2d(input.unsqueeze(-1), indices.unsqueeze(-1), (*size, 1)).squeeze(-1)
        return OPS[f"max_unpool{n}d"](input, indices, tuple(size))

    function.__doc__ = "The partial inverse of max pooling."
    composite(f"max_unpool{n}d", on=("nn.functional",), out=False)(function)


for _n in (1, 2, 3):
    _unpool_face(_n)
