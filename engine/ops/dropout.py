"""Dropout in its forms, randomised leaky ReLU, and the Gumbel softmax: layers that draw while training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.autograd import node as nodes
from engine.core import draw
from engine.core.generator import default_generator
from engine.ops.formula import OPS
from engine.ops.calling import in_place
from engine.ops.record import Op, composite, kernel, place

_SELU_SHIFT = 1.7580993408473766
"""Minus alpha' of SELU: the value that alpha dropout puts in place of what it drops."""


def checked_chance(p: float) -> None:
    """Raises: ValueError for a probability outside [0, 1]."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _mask(like: Any, keep: float, by_channel: bool) -> np.ndarray:
    """Ones with probability `keep`, in order of memory, one for each element or each channel."""
    a = like._array()
    if by_channel:
        if a.ndim < 2:
            raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
        shell = np.empty(a.shape[:2] + (1,) * (a.ndim - 2), dtype=a.dtype)
    else:
        shell = np.empty_like(a)
    draw.store(shell, draw.bernoulli(default_generator, shell.size, keep))
    return shell


def _dropped(input: Any, p: float, training: bool, by_channel: bool, inplace: bool) -> Any:
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
    if p == 0 or not training or input._a.size == 0:
        return input
    if p == 1:
        noise = np.zeros((), input._a.dtype)
    else:
        noise = _mask(input, 1 - p, by_channel)
        if noise.dtype.kind not in "fcV":
            raise RuntimeError("result type Float can't be cast to the desired output type Long")
        noise *= _reciprocal(1 - p, noise.dtype)
    return OPS["mul_" if inplace else "mul"](input, nodes.Tensor._of(noise))


def _reciprocal(value: float, kind: np.dtype) -> Any:
    single = np.float64 if kind in (np.float64, np.complex128) else np.float32
    return kind.type(single(1) / single(value))


def _alpha_dropped(input: Any, p: float, training: bool, by_channel: bool, inplace: bool) -> Any:
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
    if p == 0 or not training or input._a.size == 0:
        return input
    times, plus = OPS["mul_" if inplace else "mul"], OPS["add_" if inplace else "add"]
    if p == 1:
        return times(input, nodes.Tensor._of(np.zeros((), input._a.dtype)))
    noise = _mask(input, 1 - p, by_channel)
    kind = noise.dtype.type
    scale = 1.0 / math.sqrt((_SELU_SHIFT * _SELU_SHIFT * p + 1) * (1 - p))
    shift = noise + kind(-1)
    shift *= kind(_SELU_SHIFT * scale)
    shift += kind(_SELU_SHIFT * scale * p)
    noise *= kind(scale)
    return plus(times(input, nodes.Tensor._of(noise)), nodes.Tensor._of(shift))


@composite(
    "dropout",
    on=("nn.functional",),
    out=False,
    formula=r"y = x \cdot m / (1 - p)",
    text="While training, zeroes elements with probability p and scales up the rest.",
)
def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """While training, elements zeroed with probability p and the rest scaled up by 1 / (1 - p)."""
    checked_chance(p)
    return _dropped(input, p, training, False, inplace)


@composite(
    "alpha_dropout",
    on=("nn.functional",),
    out=False,
    formula=r"y = a (x \cdot m + \alpha' (1 - m)) + b",
    text="Dropout that keeps the mean and variance of what a SELU gives.",
)
def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout that puts SELU's lower limit in place of elements, keeping mean and variance."""
    checked_chance(p)
    return _alpha_dropped(input, p, training, False, inplace)


@composite(
    "feature_alpha_dropout",
    on=("nn.functional",),
    out=False,
    formula=r"y = a (x \cdot m + \alpha' (1 - m)) + b",
    text="Alpha dropout of whole channels.",
)
def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Alpha dropout of whole channels."""
    checked_chance(p)
    return _alpha_dropped(input, p, training, True, inplace)


@composite(
    "dropout1d",
    on=("nn.functional",),
    out=False,
    formula=r"y = x \cdot m / (1 - p)",
    text="Dropout of whole channels of a sequence.",
)
def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Dropout of whole channels. Shapes: (C, L) or (N, C, L)."""
    checked_chance(p)
    ndim = input._a.ndim
    if ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input. Note that dropout1d exists "
            "to provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and "
            "an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    return _unbatched(input, p, training, inplace, ndim == 3)


@composite(
    "dropout2d",
    on=("nn.functional",),
    out=False,
    formula=r"y = x \cdot m / (1 - p)",
    text="Dropout of whole channels of a picture.",
)
def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Dropout of whole channels. Shapes: (N, C, H, W)."""
    checked_chance(p)
    ndim = input._a.ndim
    if ndim not in (3, 4):
        import warnings

        warnings.warn(
            f"dropout2d: Received a {ndim}-D input to dropout2d, which is deprecated and will result in an "
            "error in a future release. To retain the behavior and silence this warning, please use dropout "
            "instead. Note that dropout2d exists to provide channel-wise dropout on inputs with 2 spatial "
            "dimensions, a channel dimension, and an optional batch dimension (i.e. 3D or 4D inputs).",
            stacklevel=3,
        )
    if ndim == 3:
        import warnings

        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior "
            "is desired - input is interpreted as shape (N, C, L), where C is the channel dim. This "
            "behavior will change in a future release to interpret the input as one without a batch "
            "dimension, i.e. shape "
            "(C, H, W). To maintain the 1D channel-wise dropout behavior, please switch to using dropout1d "
            "instead.",
            stacklevel=3,
        )
    return _dropped(input, p, training, True, inplace)


@composite(
    "dropout3d",
    on=("nn.functional",),
    out=False,
    formula=r"y = x \cdot m / (1 - p)",
    text="Dropout of whole channels of a volume.",
)
def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Dropout of whole channels. Shapes: (C, D, H, W) or (N, C, D, H, W)."""
    checked_chance(p)
    ndim = input._a.ndim
    if ndim not in (4, 5):
        import warnings

        warnings.warn(
            f"dropout3d: Received a {ndim}-D input to dropout3d, which is deprecated and will result in an "
            "error in a future release. To retain the behavior and silence this warning, please use dropout "
            "instead. Note that dropout3d exists to provide channel-wise dropout on inputs with 3 spatial "
            "dimensions, a channel dimension, and an optional batch dimension (i.e. 4D or 5D inputs).",
            stacklevel=3,
        )
    return _unbatched(input, p, training, inplace, ndim == 5)


def _unbatched(input: Any, p: float, training: bool, inplace: bool, batched: bool) -> Any:
    if not batched:
        input = OPS["unsqueeze_"](input, 0) if inplace else input.unsqueeze(0)
    result = _dropped(input, p, training, True, inplace)
    if not batched:
        result = OPS["squeeze_"](result, 0) if inplace else result.squeeze(0)
    return result


def _place_torch_forms() -> None:
    """torch.dropout(input, p, train) and its kin, with their in-place forms."""
    for name, function, by_channel in (
        ("dropout", _dropped, False),
        ("feature_dropout", _dropped, True),
        ("alpha_dropout", _alpha_dropped, False),
        ("feature_alpha_dropout", _alpha_dropped, True),
    ):
        for inplace in (False, True):

            def form(
                input: Any,
                p: float,
                train: bool,
                *,
                _f: Any = function,
                _c: bool = by_channel,
                _i: bool = inplace,
            ) -> Any:
                return _f(input, p, train, _c, _i)

            form.__name__ = form.__qualname__ = name + "_" * inplace
            form.__doc__ = f"torch.nn.functional.{name} with all arguments in a row."
            place(form, form.__name__, ("torch",))


_place_torch_forms()


def _native_dropout(input: Any, p: float, train: bool | None) -> tuple[Any, Any]:
    input = np.asarray(input)
    if p == 0 or train is False or input.size == 0:
        return np.array(input), np.ones(input.shape, np.bool_)
    chosen = np.empty_like(input, dtype=np.bool_)
    draw.store(chosen, draw.bernoulli(default_generator, input.size, 1 - p))
    scale = 0.0 if p == 1 else 1.0 / (1.0 - p)
    return input * chosen * input.dtype.type(scale), chosen


native_dropout = kernel(
    name="native_dropout",
    inputs=("input",),
    grad_fn="NativeDropoutBackward0",
    on=("torch",),
    out=False,
    nondiff=(1,),
    formula=r"y = x \cdot m / (1 - p)",
    text="Dropout that also gives its mask.",
    forward=_native_dropout,
    grads={
        "input": lambda grad, result1, p, train: (
            grad * result1 * (1.0 if train is False else 0.0 if p == 1 else 1.0 / (1.0 - p))
        )
    },
)


# -- rrelu --------------------------------------------------------------------------


def _slopes(input: Any, lower: float, upper: float, training: bool) -> Any:
    """The factor of each element: one, or for elements not above zero a leak, drawn while training."""
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    a = input._array()
    kind = a.dtype
    if not training:
        return nodes.Tensor._of(np.where(a <= 0, kind.type((lower + upper) / 2), kind.type(1)))
    slopes = np.ones(a.shape, dtype=kind)
    low = a <= 0
    uniforms = draw.uniform_doubles(default_generator, int(low.sum()))
    first, last = np.float64(kind.type(lower)), np.float64(kind.type(upper))
    slopes[low] = draw.narrow(uniforms * (last - first) + first, kind)
    return nodes.Tensor._of(slopes)


def _rrelu_record(name: str, grad_fn: str) -> Any:
    return Op(
        name,
        inputs=("self",),
        grad_fn=grad_fn,
        on=(),
        out=False,
        formula=r"y = x \text{ if } x > 0 \text{ else } a x, \; a \sim \mathcal{U}(l, u)",
        domain=(-4, 4),
        text="A leaky ReLU whose slope is drawn anew for each element while training.",
        forward=lambda self, noise: self * noise,
        grads={"self": lambda grad, noise: grad * noise},
    )


_RRELU = _rrelu_record("rrelu_with_noise", "RreluWithNoiseBackward0")
_RRELU_IN_PLACE = _rrelu_record("rrelu_with_noise_", "RreluWithNoiseBackward1")


def rrelu(
    input: Any,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Any:
    """A leaky ReLU with a slope drawn from [lower, upper) while training, and their mean otherwise."""
    if inplace:
        return rrelu_(input, lower, upper, training)
    return _RRELU.call(input, _slopes(input, lower, upper, training))


def rrelu_(input: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Any:
    """In-place form of rrelu."""
    return in_place(_RRELU_IN_PLACE, (input, _slopes(input, lower, upper, training)))


place(rrelu, "rrelu", ("torch", "nn.functional"))
place(rrelu_, "rrelu_", ("torch", "nn.functional"))


# -- gumbel softmax -----------------------------------------------------------------


@composite(
    "gumbel_softmax",
    on=("nn.functional",),
    out=False,
    formula=r"y = \mathrm{softmax}((x + g) / \tau)",
    text="A sample of categories that gradients can pass: soft, or one-hot with the soft one's gradient.",
)
def gumbel_softmax(
    logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Any:
    """Samples of the Gumbel-softmax distribution; one-hot ones where `hard`."""
    noise = nodes.Tensor._of(np.empty_like(logits._array()))
    gumbels = -noise.exponential_().log()
    soft = ((logits + gumbels) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    chosen = nodes.Tensor._of(np.zeros_like(logits._array())).scatter_(dim, index, 1.0)
    return chosen - soft.detach() + soft
