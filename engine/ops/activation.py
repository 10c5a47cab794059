"""Activations: the nonlinear steps between layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.ops.formula import f
from engine.ops.record import composite, kernel, pointwise
from engine.ops.switchable import switchable

SQRT_HALF, SQRT_2_OVER_PI, CUBE = math.sqrt(0.5), math.sqrt(2 / math.pi), 0.044715
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def bound(x: Any, limit: float) -> Any:
    """A limit in the type of x: an integer stays one."""
    return int(limit) if getattr(getattr(x, "dtype", None), "kind", "f") in "iu" else limit


relu = pointwise(
    name="relu",
    inputs=("self",),
    grad_fn="ReluBackward0",
    inplace=True,
    on=("torch", "Tensor"),
    formula=r"y = \max(0, x)",
    domain=(-4, 4),
    promote="keep",
    text="Keeps what is positive; the gradient passes only where the output is above zero.",
    forward=lambda self: f.maximum(self, 0),
    grads={"self": lambda grad, result: f.where(result <= 0, 0, grad)},
)
sigmoid = pointwise(
    name="sigmoid",
    inputs=("self",),
    grad_fn="SigmoidBackward0",
    inplace=True,
    promote="float",
    on=("torch", "Tensor", "nn.functional", "special"),
    aliases=("expit",),
    formula=r"y = \frac{1}{1 + e^{-x}}",
    domain=(-6, 6),
    text="Squeezes any number into (0, 1); far from zero the slope fades.",
    forward=lambda self: f.sigmoid(self),
    grads={"self": lambda grad, result: grad * f.conj((1 - result) * result)},
)
tanh = pointwise(
    name="tanh",
    inputs=("self",),
    grad_fn="TanhBackward0",
    inplace=True,
    promote="float",
    on=("torch", "Tensor", "nn.functional"),
    formula=r"y = \tanh x",
    domain=(-4, 4),
    text="Squeezes any number into (-1, 1); the slope fades where the output saturates.",
    forward=lambda self: f.tanh(self),
    grads={"self": lambda grad, result: grad * f.conj(1 - result * result)},
)
threshold = pointwise(
    name="threshold",
    inputs=("self",),
    grad_fn="ThresholdBackward0",
    inplace=True,
    on=("torch",),
    promote="keep",
    formula=r"y = x \text{ if } x > \theta \text{ else } v",
    domain=(-4, 4),
    text="Keeps what is above the threshold and replaces the rest; the gradient passes where x was kept.",
    forward=lambda self, threshold, value: f.where(self <= threshold, value, self),
    grads={"self": lambda grad, self, threshold: f.where(self <= threshold, 0, grad)},
)


def _hardtanh(self: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return f.minimum(f.maximum(self, bound(self, min_val)), bound(self, max_val))


hardtanh = pointwise(
    name="hardtanh",
    inputs=("self",),
    grad_fn="HardtanhBackward0",
    inplace=True,
    on=("torch._nn",),
    promote="keep",
    formula=r"y = \min(\max(x, a), b)",
    domain=(-4, 4),
    text="Cuts off at both ends; the gradient passes strictly between them.",
    forward=_hardtanh,
    grads={
        "self": lambda grad, self, min_val, max_val: f.where((self <= min_val) | (self >= max_val), 0, grad)
    },
)
leaky_relu = pointwise(
    name="leaky_relu",
    inputs=("self",),
    grad_fn="LeakyReluBackward0",
    inplace=True,
    on=("torch._nn",),
    inplace_grad_fn="LeakyReluBackward1",
    formula=r"y = \max(0, x) + s\,\min(0, x)",
    domain=(-4, 4),
    text="Like ReLU, but what is negative leaks through, scaled by a small slope.",
    forward=lambda self, negative_slope=0.01: f.where(self > 0, self, self * negative_slope),
    grads={"self": lambda grad, self, negative_slope: f.where(self > 0, grad, grad * negative_slope)},
)
_elu = pointwise(
    name="elu",
    inputs=("self",),
    grad_fn="EluBackward0",
    inplace=True,
    on=("torch._nn",),
    inplace_grad_fn="EluBackward1",
    formula=r"y = x \text{ if } x > 0 \text{ else } \alpha\,(e^{x} - 1)",
    domain=(-4, 4),
    text="Keeps what is positive and bends the rest smoothly towards minus alpha.",
    forward=lambda self, alpha=1.0, scale=1.0, input_scale=1.0: f.where(
        self > 0, self * scale, f.expm1(f.minimum(self, 0) * input_scale) * (alpha * scale)
    ),
    grads={
        "self": lambda grad, self, alpha, scale, input_scale: f.where(
            self <= 0,
            grad * f.exp(f.minimum(self, 0) * input_scale) * (alpha * scale * input_scale),
            grad * scale,
        )
    },
)
_celu = pointwise(
    name="celu",
    inputs=("self",),
    grad_fn="CeluBackward0",
    inplace=True,
    on=("torch",),
    inplace_grad_fn="EluBackward1",
    formula=r"y = \max(0, x) + \min(0, \alpha\,(e^{x/\alpha} - 1))",
    domain=(-4, 4),
    text="ELU made smooth at zero for every alpha.",
    forward=lambda self, alpha=1.0: f.where(self > 0, self, f.expm1(f.minimum(self, 0) / alpha) * alpha),
    grads={
        "self": lambda grad, self, alpha: f.where(self <= 0, grad * f.exp(f.minimum(self, 0) / alpha), grad)
    },
)


@composite(
    "selu", on=("torch",), formula=r"y = \lambda\,(\max(0, x) + \min(0, \alpha\,(e^{x} - 1)))", out=False
)
def selu(input: Any) -> Any:
    """ELU with the two constants that keep mean and variance from layer to layer."""
    return _elu(input, SELU_ALPHA, SELU_SCALE)


@composite("selu_", on=("torch",), out=False)
def selu_(input: Any) -> Any:
    """In-place form of selu."""
    return _elu.op.inplace_function(input, SELU_ALPHA, SELU_SCALE)


silu = pointwise(
    name="silu",
    inputs=("self",),
    grad_fn="SiluBackward0",
    inplace=True,
    on=("torch._nn",),
    promote="float",
    formula=r"y = x\,\sigma(x)",
    domain=(-6, 6),
    text="The input times its own sigmoid: smooth, and slightly negative left of zero.",
    forward=lambda self: self * f.sigmoid(self),
    grads={"self": lambda grad, self: grad * f.sigmoid(self) * (1 + self * (1 - f.sigmoid(self)))},
)
mish = pointwise(
    name="mish",
    inputs=("self",),
    grad_fn="MishBackward0",
    inplace=True,
    on=("torch._nn",),
    promote="float",
    formula=r"y = x\,\tanh(\log(1 + e^{x}))",
    domain=(-6, 6),
    text="The input times the tanh of its softplus: smooth everywhere.",
    forward=lambda self: self * f.tanh(f.logaddexp(self, 0)),
    grads={
        "self": lambda grad, self: (
            grad
            * (
                f.tanh(f.logaddexp(self, 0))
                + self * f.sigmoid(self) * (1 - f.square(f.tanh(f.logaddexp(self, 0))))
            )
        )
    },
)
softplus = pointwise(
    name="softplus",
    inputs=("self",),
    grad_fn="SoftplusBackward0",
    on=("torch._nn", "nn.functional"),
    promote="float",
    formula=r"y = \frac{1}{\beta} \log(1 + e^{\beta x})",
    domain=(-6, 6),
    text="A smooth ReLU; its slope is the sigmoid.",
    forward=lambda self, beta=1.0, threshold=20.0: f.where(
        self * beta > threshold, self, f.log1p(f.exp(f.minimum(self * beta, threshold))) / beta
    ),
    grads={
        "self": lambda grad, self, beta, threshold: f.where(
            self * beta > threshold, grad, grad * f.sigmoid(self * beta)
        )
    },
)
hardshrink = pointwise(
    name="hardshrink",
    inputs=("self",),
    grad_fn="HardshrinkBackward0",
    on=("torch", "Tensor"),
    formula=r"y = x \text{ if } |x| > \lambda \text{ else } 0",
    domain=(-2, 2),
    text="Sets the small to zero and keeps the rest as it is.",
    forward=lambda self, lambd=0.5: f.where((self >= -lambd) & (self <= lambd), 0, self),
    grads={"self": lambda grad, self, lambd: f.where((self >= -lambd) & (self <= lambd), 0, grad)},
)
softshrink = pointwise(
    name="softshrink",
    inputs=("self",),
    grad_fn="SoftshrinkBackward0",
    on=("torch._nn",),
    formula=r"y = \operatorname{sign}(x)\,\max(|x| - \lambda, 0)",
    domain=(-2, 2),
    text="Moves everything towards zero by lambda; what is smaller becomes zero.",
    forward=lambda self, lambd=0.5: f.where(
        self > lambd, self - lambd, f.where(self < -lambd, self + lambd, self * 0)
    ),
    grads={"self": lambda grad, self, lambd: f.where((self >= -lambd) & (self <= lambd), 0, grad)},
)
hardsigmoid = pointwise(
    name="hardsigmoid",
    inputs=("self",),
    grad_fn="HardsigmoidBackward0",
    inplace=True,
    on=("torch._nn",),
    formula=r"y = \min(\max(x + 3, 0), 6) / 6",
    domain=(-4, 4),
    text="A sigmoid of three straight lines.",
    forward=lambda self: f.minimum(f.maximum(self + 3, 0), 6) / 6,
    grads={"self": lambda grad, self: f.where((self > -3) & (self < 3), grad / 6, 0)},
)
hardswish = pointwise(
    name="hardswish",
    inputs=("self",),
    grad_fn="HardswishBackward0",
    inplace=True,
    on=("torch._nn",),
    formula=r"y = x\,\min(\max(x + 3, 0), 6) / 6",
    domain=(-4, 4),
    text="SiLU of straight lines and a parabola.",
    forward=lambda self: self * f.minimum(f.maximum(self + 3, 0), 6) / 6,
    grads={
        "self": lambda grad, self: f.where(self <= -3, 0, f.where(self < 3, grad * (self / 3 + 0.5), grad))
    },
)
_gelu = pointwise(
    name="gelu",
    inputs=("self",),
    grad_fn="GeluBackward0",
    inplace=True,
    on=("torch._nn", "nn.functional"),
    formula=r"y = x\,\Phi(x)",
    domain=(-4, 4),
    text="The input times the share of a standard normal below it: a smooth ReLU.",
    forward=lambda self, *, approximate="none": _gelu_value(self, approximate),
    grads={"self": lambda grad, self, approximate: grad * _gelu_slope(self, approximate)},
)


def _gelu_value(x: Any, approximate: str) -> Any:
    if approximate == "tanh":
        return 0.5 * x * (1 + f.tanh(SQRT_2_OVER_PI * (x + CUBE * x * x * x)))
    if approximate != "none":
        raise RuntimeError("approximate argument must be either none or tanh.")
    return 0.5 * x * (1 + f.erf(x * SQRT_HALF))


def _gelu_slope(x: Any, approximate: str) -> Any:
    if approximate == "tanh":
        t = f.tanh(SQRT_2_OVER_PI * (x + CUBE * x * x * x))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * SQRT_2_OVER_PI * (1 + 3 * CUBE * x * x)
    return 0.5 * (1 + f.erf(x * SQRT_HALF)) + x * f.exp(-0.5 * x * x) * (0.5 * SQRT_2_OVER_PI)


log_sigmoid = pointwise(
    name="log_sigmoid",
    inputs=("self",),
    grad_fn="LogSigmoidBackward0",
    on=("torch._nn",),
    formula=r"y = -\log(1 + e^{-x})",
    domain=(-6, 6),
    text="The logarithm of the sigmoid, safe for large inputs.",
    forward=lambda self: f.minimum(self, 0) - f.log1p(f.exp(-f.abs(self))),
    grads={"self": lambda grad, self: grad * f.sigmoid(-self)},
)
_prelu_kernel = pointwise(
    name="_prelu_kernel",
    inputs=("self", "weight"),
    grad_fn="PreluKernelBackward0",
    on=("torch",),
    promote="keep",
    formula=r"y = \max(0, x) + w\,\min(0, x)",
    domain=(-4, 4),
    text="A leaky ReLU whose slope is learned.",
    forward=lambda self, weight: f.where(self > 0, self, self * weight),
    grads={
        "self": lambda grad, self, weight: f.where(self > 0, grad, grad * weight),
        "weight": lambda grad, self: f.where(self > 0, 0, grad * self),
    },
)


@composite(
    "prelu", on=("torch", "Tensor", "nn.functional"), out=False, formula=r"y = \max(0, x) + w\,\min(0, x)"
)
def prelu(input: Any, weight: Any) -> Any:
    """A leaky ReLU with a learned slope, one for all or one for each channel.

    Raises: RuntimeError where the number of slopes fits neither."""
    n, shape = weight._a.size, input._a.shape
    if input._a.dtype != weight._a.dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {input.dtype} and {weight.dtype}".replace(
                input.dtype.__repr__(), dt.scalar_type_name(input.dtype).lower()
            ).replace(weight.dtype.__repr__(), dt.scalar_type_name(weight.dtype).lower())
        )
    if n != 1:
        if not shape:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = shape[1] if len(shape) > 1 else 1
        if channels != n:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {n} and "
                f"channel size = {channels}."
            )
    if weight._a.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight._a.ndim}"
        )
    if len(shape) == 0:
        if weight._a.ndim == 1:
            weight = weight.squeeze(0)
    else:
        weight = (
            weight.view(*[n if i == 1 else 1 for i in range(len(shape))])
            if len(shape) > 1 or n == 1
            else weight
        )
    return _prelu_kernel(input, weight)


def _halves(self: Any, dim: int) -> tuple[Any, Any]:
    from engine.core.shape import wrap_dim

    if self.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    dim = wrap_dim(dim, self.ndim)
    n = self.shape[dim]
    if n % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {n}")
    a, b = np.split(self, 2, axis=dim)
    return a, b


def _glu(self: Any, dim: int = -1) -> Any:
    a, b = _halves(self, dim)
    return np.ascontiguousarray(a / (1 + np.exp(-b)))


def _glu_gradient(grad: Any, self: Any, dim: int) -> Any:
    from engine.ops.formula import OPS

    a, b = self.chunk(2, dim)
    s = b.sigmoid()
    return OPS["cat"]([grad * s, grad * a * s * (1 - s)], dim)


glu = kernel(
    name="glu",
    inputs=("self",),
    grad_fn="GluBackward0",
    on=("torch._nn", "nn.functional"),
    formula=r"y = a\,\sigma(b)",
    text="One half of the input decides how much of the other half passes.",
    forward=_glu,
    grads={"self": _glu_gradient},
)


@composite("softsign", on=("nn.functional",), formula=r"y = \frac{x}{1 + |x|}", out=False)
def softsign(input: Any) -> Any:
    """Squeezes any number into (-1, 1), more slowly than tanh."""
    return input / (input.abs() + 1)


@composite("tanhshrink", on=("nn.functional",), formula=r"y = x - \tanh x", out=False)
def tanhshrink(input: Any) -> Any:
    """What tanh takes away from its input."""
    return input - input.tanh()


@composite("relu6", on=("torch._nn",), formula=r"y = \min(\max(0, x), 6)", out=False)
def relu6(input: Any) -> Any:
    """ReLU cut off at 6."""
    return hardtanh(input, 0, 6)


@composite("relu6_", on=("torch._nn",), out=False)
def relu6_(input: Any) -> Any:
    """In-place form of relu6."""
    return hardtanh.op.inplace_function(input, 0, 6)


@composite("logsigmoid", on=("nn.functional",), formula=r"y = -\log(1 + e^{-x})")
def logsigmoid(input: Any) -> Any:
    """The logarithm of the sigmoid, safe for large inputs."""
    return log_sigmoid(input)


@composite("softshrink", on=("nn.functional",), formula=r"y = \operatorname{sign}(x)\,\max(|x| - \lambda, 0)")
def softshrink_(input: Any, lambd: float = 0.5) -> Any:
    """Moves everything towards zero by lambda.

    Raises: RuntimeError for a negative lambda."""
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd:g}.")
    return softshrink(input, lambd)


@composite("hardshrink", on=("nn.functional",))
def hardshrink_(input: Any, lambd: float = 0.5) -> Any:
    """Sets the small to zero and keeps the rest as it is."""
    return hardshrink(input, lambd)


switchable("relu", relu)
switchable("relu6", relu6, relu6_)
switchable("threshold", threshold)
switchable("hardtanh", hardtanh)
switchable("leaky_relu", leaky_relu)
switchable("elu", _elu, keep=("alpha",))
switchable("celu", _celu)
switchable("selu", selu, selu_)
switchable("silu", silu)
switchable("mish", mish)
switchable("hardsigmoid", hardsigmoid)
switchable("hardswish", hardswish)
