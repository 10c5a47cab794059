"""Softmax and its logarithm along one dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core import dtype as dt
from engine.core.shape import wrap_dim
from engine.ops.record import composite, kernel


def _float(a: Any, name: str) -> None:
    if a.dtype.kind in "biu":
        raise NotImplementedError(
            f"\"{name}_lastdim_kernel_impl\" not implemented for '{dt.scalar_type_name(dt.of(a))}'"
        )


def softmax_array(self: Any, dim: int) -> Any:
    """exp(self) over its sum along dim."""
    a = self
    _float(a, "softmax")
    if a.ndim == 0:
        wrap_dim(dim, 0)
        return np.ones_like(a) if a == a else a
    axis = wrap_dim(dim, a.ndim)
    if not a.size:
        return np.empty_like(a)
    e = a - np.maximum.reduce(a, axis=axis, keepdims=True)
    np.exp(e, out=e)
    e /= np.add.reduce(e, axis=axis, keepdims=True)
    return e


def log_softmax_array(self: Any, dim: int) -> Any:
    """The logarithm of softmax_array, without its underflow."""
    a = self
    _float(a, "log_softmax")
    if a.ndim == 0:
        wrap_dim(dim, 0)
        return np.zeros_like(a) if a == a else a
    axis = wrap_dim(dim, a.ndim)
    if not a.size:
        return np.empty_like(a)
    y = a - np.maximum.reduce(a, axis=axis, keepdims=True)
    y -= np.log(np.add.reduce(np.exp(y), axis=axis, keepdims=True))
    return y


_softmax = kernel(
    name="_softmax",
    inputs=("self",),
    grad_fn="SoftmaxBackward0",
    on=("torch",),
    out=False,
    formula=r"y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}",
    text="Turns scores into shares that sum to 1; raising one lowers all the others.",
    forward=softmax_array,
    grads={"self": lambda grad, result, dim: _softmax_gradient(grad, result, dim)},
    gradients={"self": r"y\,(g - \textstyle\sum_j g_j y_j)"},
)
_log_softmax = kernel(
    name="_log_softmax",
    inputs=("self",),
    grad_fn="LogSoftmaxBackward0",
    on=("torch",),
    out=False,
    formula=r"y_i = x_i - \log \sum_j e^{x_j}",
    text="The logarithm of softmax in one stable step.",
    forward=log_softmax_array,
    grads={"self": lambda grad, result, dim: _log_softmax_gradient(grad, result, dim)},
    gradients={"self": r"g - e^{y} \textstyle\sum_j g_j"},
)


def _softmax_gradient(grad: Any, result: Any, dim: int) -> Any:
    return _softmax_backward_data(grad, result, dim)


def _log_softmax_gradient(grad: Any, result: Any, dim: int) -> Any:
    return _log_softmax_backward_data(grad, result, dim)


def _softmax_back(grad_output: Any, output: Any, dim: int) -> Any:
    p = grad_output * output
    if p.ndim:
        p -= output * np.add.reduce(p, axis=dim, keepdims=True)
        return p
    return p - output * p


def _log_softmax_back(grad_output: Any, output: Any, dim: int) -> Any:
    if not output.ndim:
        return grad_output - np.exp(output) * grad_output
    y = np.exp(output)
    y *= np.add.reduce(grad_output, axis=dim, keepdims=True)
    np.subtract(grad_output, y, out=y)
    return y


_softmax_backward_data = kernel(
    name="_softmax_backward_data",
    inputs=("grad_output", "output"),
    grad_fn="SoftmaxBackwardDataBackward0",
    on=("torch",),
    out=False,
    text="The gradient of softmax.",
    forward=_softmax_back,
    grads={
        "grad_output": lambda grad, output, dim: _softmax_backward_data(grad, output, dim),
        "output": lambda grad, grad_output, output, dim: (
            grad * grad_output
            - grad * (grad_output * output).sum(dim, True)
            - grad_output * (grad * output).sum(dim, True)
        ),
    },
)
_log_softmax_backward_data = kernel(
    name="_log_softmax_backward_data",
    inputs=("grad_output", "output"),
    grad_fn="LogSoftmaxBackwardDataBackward0",
    on=("torch",),
    out=False,
    text="The gradient of log_softmax.",
    forward=_log_softmax_back,
    grads={
        "grad_output": lambda grad, output, dim: grad - (grad * output.exp()).sum(dim, True),
        "output": lambda grad, grad_output, output, dim: -(grad * output.exp() * grad_output.sum(dim, True)),
    },
)


def _cast(input: Any, dtype: Any) -> Any:
    if dtype is not None:
        from engine.ops.cast import as_dtype

        return input.to(as_dtype(dtype))
    return input


def default_dim(name: str, ndim: int) -> int:
    """The dimension that old scripts leave out, with PyTorch's warning."""
    import warnings

    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an "
        "argument.",
        stacklevel=4,
    )
    return 0 if ndim in (0, 1, 3) else 1


@composite("softmax", on=("torch", "Tensor", "special"), formula=r"y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}")
def softmax(input: Any, dim: int, dtype: Any = None) -> Any:
    """Shares that sum to 1 along dim."""
    return _softmax(_cast(input, dtype), dim)


@composite("log_softmax", on=("torch", "Tensor", "special"), formula=r"y_i = x_i - \log \sum_j e^{x_j}")
def log_softmax(input: Any, dim: int, dtype: Any = None) -> Any:
    """The logarithm of softmax."""
    return _log_softmax(_cast(input, dtype), dim)


@composite("softmax", on=("nn.functional",), out=False)
def functional_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """Shares that sum to 1 along dim."""
    return _softmax(_cast(input, dtype), default_dim("softmax", input._a.ndim) if dim is None else dim)


@composite("log_softmax", on=("nn.functional",), out=False)
def functional_log_softmax(
    input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Any:
    """The logarithm of softmax."""
    return _log_softmax(
        _cast(input, dtype), default_dim("log_softmax", input._a.ndim) if dim is None else dim
    )


@composite("softmin", on=("nn.functional",), out=False)
def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """Softmax of the negated input."""
    dim = default_dim("softmin", input._a.ndim) if dim is None else dim
    return _softmax(_cast(-input, dtype), dim)


_safe_softmax = kernel(
    name="_safe_softmax",
    inputs=("self",),
    grad_fn="SafeSoftmaxBackward0",
    on=("torch",),
    out=False,
    formula=r"y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}",
    text="Softmax in which a row that is minus infinity throughout becomes zeros.",
    forward=lambda self, dim, dtype=None: _safe(self, dim),
    grads={"self": lambda grad, result, dim: _softmax_backward_data(grad, result, dim)},
)


def _safe(a: Any, dim: int) -> Any:
    y = softmax_array(a, dim)
    dead = np.all(a == -np.inf, axis=dim, keepdims=True)
    return np.where(dead, y.dtype.type(0), y) if dead.any() else y
