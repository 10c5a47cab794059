"""Adaptive pooling, whose windows follow from the size that is wanted; and pooling over random windows."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from engine.kernels import pooling as arrays
from engine.kernels import resampling
from engine.ops.formula import OPS
from engine.ops.pooling import _scatter, refuse_integers, sizes
from engine.ops.record import composite, kernel


def _wanted(shape: tuple, output_size: Any, n: int, of: str) -> tuple[int, ...]:
    if isinstance(output_size, (tuple, list)):
        if len(output_size) > len(shape):
            raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
        if len(output_size) != n and len(output_size) != 1:
            raise RuntimeError(f"{of}: internal error: output_size.size() must be {n}")
        if n > 1 and len(shape) <= n:
            raise ValueError(f"Input dimension should be at least {n + 1}")
        given = tuple(output_size) * (n if len(output_size) == 1 else 1)
    else:
        given = (output_size,) * n
    return tuple(int(shape[len(shape) - n + i]) if m is None else int(m) for i, m in enumerate(given))


def _check(a: Any, out: tuple, n: int, of: str) -> None:
    if a.ndim not in (n + 1, n + 2):
        raise RuntimeError(f"{of}(): Expected {n + 1}D or {n + 2}D tensor, but got {list(a.shape)}")
    if any(m < 0 for m in out):
        raise RuntimeError(
            f"{of}: elements of output_size must be greater than or equal to 0 but received "
            f"{{{', '.join(map(str, out))}}}"
        )
    for axis, k in list(enumerate(a.shape))[-n:]:
        if k == 0:
            raise RuntimeError(
                f"{of}(): Expected input to have non-zero size for non-batch dimensions, but input has "
                f"sizes {list(a.shape)} with dimension {axis} being empty"
            )


def _average(n: int) -> Any:
    of = f"adaptive_avg_pool{n}d"

    def forward(self: Any, output_size: Any) -> Any:
        _check(self, output_size, n, of)
        refuse_integers(self, f"{of}_cpu" if n == 3 else "adaptive_avg_pool2d")
        return resampling.applied(
            self, [resampling.spans(k, m, self.dtype) for k, m in zip(self.shape[-n:], output_size)]
        )

    def back(grad_output: Any, self: Any) -> Any:
        tables = [
            resampling.spans(k, m, grad_output.dtype).T
            for k, m in zip(self.shape[-n:], grad_output.shape[-n:])
        ]
        return resampling.applied(grad_output, tables)

    backward = kernel(
        name=f"_adaptive_avg_pool{n}d_backward",
        inputs=("grad_output", "self"),
        grad_fn=f"AdaptiveAvgPool{n}DBackwardBackward0",
        on=("torch",),
        out=False,
        text="The gradient of adaptive average pooling.",
        forward=back,
        grads={
            "grad_output": lambda grad, grad_output_shape: average(grad, grad_output_shape[-n:]),
            "self": lambda grad, self: OPS["zeros_like"](self),
        },
    )
    average = kernel(
        name=f"_adaptive_avg_pool{n}d",
        inputs=("self",),
        grad_fn=f"AdaptiveAvgPool{n}DBackward0",
        on=("torch",),
        out=False,
        formula=r"y = \frac{1}{k} \sum_{i \in \text{span}} x_i",
        text="Averages spans so that the wanted size comes out.",
        forward=forward,
        grads={"self": lambda grad, self: backward(grad, self)},
    )
    return average


_averages = {2: _average(2), 3: _average(3)}


def _adaptive_average(n: int) -> None:
    of = f"adaptive_avg_pool{n}d"

    def function(input: Any, output_size: Any) -> Any:
        shape = input._a.shape
        out = _wanted(shape, output_size, n, of)
        if n == 1:
            _check(input._a, out, 1, of)
            m = out[0]
            return OPS["adaptive_avg_pool2d"](input.unsqueeze(-2), (1, m)).squeeze(-2)
        if all(m == 1 for m in out) and len(shape) in (n + 1, n + 2) and input._a.dtype.kind not in "biu":
            _check(input._a, out, n, of)
            return input.mean(tuple(range(-1, -n - 1, -1)) if n == 2 else tuple(range(-n, 0)), True)
        return _averages[n](input, out)

    function.__doc__ = "Averages spans so that the wanted size comes out."
    composite(of, on=("torch", "nn.functional") if n == 1 else ("torch._nn", "nn.functional"), out=False)(
        function
    )


def _maximum(n: int) -> Any:
    of = f"adaptive_max_pool{n}d"

    def forward(self: Any, output_size: Any) -> tuple:
        _check(self, output_size, n, of)
        refuse_integers(self, f"{of}_cpu" if n == 3 else "adaptive_max_pool2d")
        return arrays.adaptive_maximum(self, tuple(output_size))

    return kernel(
        name=of,
        inputs=("self",),
        grad_fn=f"AdaptiveMaxPool{n}DBackward0",
        on=("torch._nn",),
        out=False,
        nondiff=(1,),
        formula=r"y = \max_{i \in \text{span}} x_i",
        text="The largest of spans so that the wanted size comes out.",
        forward=forward,
        grads={"self": lambda grad, self_shape, result1: _scatter(grad, result1, self_shape, n)},
    )


_maxima = {2: _maximum(2), 3: _maximum(3)}


def _adaptive_maximum(n: int) -> None:
    of = f"adaptive_max_pool{n}d"

    def both(input: Any, output_size: Any) -> tuple:
        out = _wanted(input._a.shape, output_size, n, of)
        if n == 1:
            _check(input._a, out, 1, of)
            y, where = _maxima[2](input.unsqueeze(-2), (1, out[0]))
            return y.squeeze(-2), where.squeeze(-2)
        return _maxima[n](input, out)

    def choose(input: Any, output_size: Any, return_indices: bool = False) -> Any:
        y = both(input, output_size)
        return y if return_indices else y[0]

    def indexed(input: Any, output_size: Any, return_indices: bool = False) -> Any:
        return both(input, output_size)

    choose.__doc__ = "The largest of spans so that the wanted size comes out."
    indexed.__doc__ = "The largest of spans, and where it lies."
    composite(of, on=("nn.functional",), out=False)(choose)
    composite(of + "_with_indices", on=("nn.functional",), out=False)(indexed)
    if n == 1:
        composite(of, on=("torch",), out=False)(both)


for _n in (2, 1, 3):
    _adaptive_average(_n)
    _adaptive_maximum(_n)


def _starts(sample: float, n: int, m: int, k: int, kind: Any) -> list[int]:
    """Where the m random windows of width k begin, by PyTorch's sequence."""
    if m == 1:
        return [n - k]
    one = kind.type
    alpha = one(n - k) / one(m - 1)
    s = one(sample)
    first = [int(one(i + s) * alpha) - int(s * alpha) for i in range(m - 1)]
    return [*first, n - k]


def _fractional(n: int) -> Any:
    def forward(self: Any, kernel_size: Any, output_size: Any, random_samples: Any) -> tuple:
        size, lead = self.shape[-n:], self.shape[:-n]
        flat = self.reshape(prod(lead), *size)
        samples = random_samples.reshape(random_samples.size // n, n)
        for k, m, s in zip(kernel_size, output_size, size):
            if m + k - 1 > s:
                raise RuntimeError(
                    f"fractional_max_pool{n}d(): pool size {k} too large relative to input size {s}"
                )
        best = np.empty((len(flat), *output_size), self.dtype)
        where = np.empty(best.shape, np.int64)
        places = np.arange(int(np.prod(size))).reshape(size)
        for row, image in enumerate(flat):
            # The last sample belongs to the first dimension: PyTorch draws them as width, height, depth.
            marks = [
                _starts(samples[row % len(samples)][n - 1 - i if n == 2 else i], s, m, k, self.dtype)
                for i, (s, m, k) in enumerate(zip(size, output_size, kernel_size))
            ]
            for at in np.ndindex(*output_size):
                part = tuple(slice(marks[i][j], marks[i][j] + kernel_size[i]) for i, j in enumerate(at))
                v = image[part].reshape(-1)
                j = int(np.argmax(v))
                best[(row, *at)], where[(row, *at)] = v[j], places[part].reshape(-1)[j]
        return best.reshape(*lead, *output_size), where.reshape(*lead, *output_size)

    return kernel(
        name=f"fractional_max_pool{n}d",
        inputs=("self",),
        grad_fn=f"FractionalMaxPool{n}DBackward0",
        on=("torch._nn",),
        out=False,
        nondiff=(1,),
        formula=r"y = \max_{i \in \text{window}} x_i",
        text="Max pooling over windows placed at random, so that any ratio of sizes is possible.",
        forward=forward,
        grads={"self": lambda grad, self_shape, result1: _scatter(grad, result1, self_shape, n)},
    )


_fractionals = {2: _fractional(2), 3: _fractional(3)}


def _fractional_face(n: int) -> None:
    of = f"fractional_max_pool{n}d"

    def both(
        input: Any,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> Any:
        if output_size is None and output_ratio is None:
            raise ValueError(f"{of} requires specifying either an output_size or an output_ratio")
        shape = input._a.shape
        if output_size is None:
            ratio = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * n
            if len(ratio) > len(shape) - 1:
                raise ValueError(f"Input dimension should be at least {len(ratio) + 1}")
            output_size = [int(s * r) for s, r in zip(shape[-n:], ratio)]
        if len(shape) not in (n + 1, n + 2) or any(k == 0 for k in shape[-n - 1 :]):
            raise RuntimeError(
                f"{of}(): Expected input to have non-zero  size for non-batch dimensions, but got "
                f"{list(shape)}"
                if len(shape) in (n + 1, n + 2)
                else f"{of}(): Expected {n + 1}D or {n + 2}D tensor, but got: {list(shape)}"
            )
        reach, out = sizes(kernel_size, n, "kernel_size", of), sizes(output_size, n, "output_size", of)
        if _random_samples is None:
            from engine import rand

            _random_samples = rand(
                1 if len(shape) == n + 1 else shape[0], shape[-n - 1], n, dtype=input.dtype
            )
        return _fractionals[n](input, reach, out, _random_samples)

    def choose(
        input: Any,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> Any:
        y = both(input, kernel_size, output_size, output_ratio, return_indices, _random_samples)
        return y if return_indices else y[0]

    choose.__doc__ = "Max pooling over windows placed at random."
    both.__doc__ = "Max pooling over windows placed at random, with indices."
    composite(of, on=("nn.functional",), out=False)(choose)
    composite(of + "_with_indices", on=("nn.functional",), out=False)(both)


_fractional_face(2)
_fractional_face(3)
