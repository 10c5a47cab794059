"""What PyTorch evaluates where somebody differentiates again: a gradient that is an op of its own
(TanhBackwardBackward0 ...), or the same formula in the steps that PyTorch records.

The derivative of such an op is taken by differentiating its formula; no second one is written down."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import log, pi, sqrt
from typing import Any

from engine.autograd import modes
from engine.autograd import node as nodes
from engine.ops import activation, elementary, loss, normalization_layer, special, statistic  # noqa: F401 (their records are read below)
from engine.ops.formula import OPS
from engine.ops.record import RECORDS, Op
from engine.ops.scalar import minus, over, plus, times


def _signature(names: tuple[str, ...]) -> inspect.Signature:
    return inspect.Signature([inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names])


def _shared_out(formula: Callable, inputs: tuple[str, ...], names: tuple[str, ...]) -> Callable:
    """The gradients of all inputs of a formula, by differentiating it where it stands."""

    def gradients(grads: Any, needs: Any, *given: Any) -> list:
        from engine.autograd import grad

        T = nodes.Tensor
        grads = grads if isinstance(grads, (tuple, list)) else (grads,)
        with modes.enable_grad():
            # Through a view of its own each input is told apart from what it may have been made of.
            own = {n: v.view_as(v) if v._rg else v.detach().requires_grad_()
                   for n, v in zip(names, given) if n in needs and isinstance(v, T)}
            made = formula(*[own.get(n, v) for n, v in zip(names, given)])
        made = made if isinstance(made, tuple) else (made,)
        pairs = [(y, g) for y, g in zip(made, grads) if g is not None and y is not None and y._rg]
        found: dict[str, Any] = {}
        if pairs:
            got = grad([y for y, _ in pairs], list(own.values()), [g for _, g in pairs],
                       create_graph=modes.grad_enabled, allow_unused=True, retain_graph=True)
            found = dict(zip(own, got))
        return [None if n not in own else found[n] if found.get(n) is not None else own[n].detach() * 0
                for n in inputs]

    gradients.__signature__ = _signature(("grads", "needs", *names))  # type: ignore[attr-defined]
    return gradients


def backward_op(name: str, formula: Callable, names: tuple[str, ...], inputs: tuple[str, ...],
                grads: dict | None = None) -> Callable:
    """An op that computes a gradient by this formula, with parameters of these names; it has a node, and a
    derivative, of its own: `grads` where it is written down, else the formula's."""

    def forward(*given: Any) -> Any:
        T = nodes.Tensor
        with modes.no_grad():
            made = formula(*[T._of(v) if hasattr(v, "dtype") else v for v in given])
        return tuple(v if v is None else v._a for v in made) if isinstance(made, tuple) else made._a

    forward.__signature__ = _signature(names)  # type: ignore[attr-defined]
    shown = "".join(p.capitalize() for p in name.split(".")[0].split("_")) + "Backward0"
    return Op(name, forward=forward, inputs=inputs, grad_fn=shown, on=(), out=False,
              text="A gradient, as an op of its own.",
              grads=grads or {inputs: _shared_out(formula, inputs, names)}).function


def _own_op(op: str, name: str, kept: str = "self") -> None:
    """Evaluate the gradient of `op` as the op `name` where somebody differentiates again; `kept` is what it
    saves."""
    record = RECORDS[op]
    formula = record.grads["self"]
    names = tuple("grad_output" if n == "grad" else kept if n in ("self", "result") else n
                  for n in inspect.signature(formula).parameters)
    inputs = ("grad_output", kept)
    record.again["self"] = backward_op(name, formula, names, inputs, THIRD.get(name))


THIRD: dict[str, dict[str, Callable]] = {
    "sigmoid_backward": {
        "grad_output": lambda grad, output: OPS["sigmoid_backward"](grad, output),
        "output": lambda grad, grad_output, output: grad * grad_output * plus(times(output, -2), 1),
    },
    "tanh_backward": {
        "grad_output": lambda grad, output: OPS["tanh_backward"](grad, output),
        "output": lambda grad, grad_output, output: grad * (times(output, -2) * grad_output),
    },
    "threshold_backward": {
        "grad_output": lambda grad, self: OPS["threshold_backward"](grad, self),
        "self": lambda grad: OPS["zeros_like"](grad),
    },
}
"""Derivatives of such ops in PyTorch's own steps."""

for _op, _name, _kept in (
    ("relu", "threshold_backward", "self"), ("threshold", "threshold_backward.self", "self"),
    ("sigmoid", "sigmoid_backward", "output"),
    ("tanh", "tanh_backward", "output"), ("hardtanh", "hardtanh_backward", "self"),
    ("leaky_relu", "leaky_relu_backward", "self"), ("elu", "elu_backward", "self_or_result"),
    ("softplus", "softplus_backward", "self"), ("gelu", "gelu_backward", "self"),
    ("hardshrink", "hardshrink_backward", "self"), ("softshrink", "softshrink_backward", "self"),
    ("hardswish", "hardswish_backward", "self"),
    ("log_sigmoid", "log_sigmoid_backward", "self"), ("glu", "glu_backward", "self"),
):
    _own_op(_op, _name, _kept)


def _celu_again(grad: Any, self: Any, alpha: Any) -> Any:
    return OPS["elu_backward"](grad, self, alpha, 1.0, 1.0 / alpha)


def _silu_again(grad: Any, self: Any) -> Any:
    s = self.sigmoid()
    return grad * s * plus(self * _one_less(s), 1)


def _mish_again(grad: Any, self: Any) -> Any:
    t = self.exp().log1p().tanh()
    return grad * (t + self * self.sigmoid() * _one_less(t * t))


def _one_less(t: Any) -> Any:
    """1 - t as PyTorch writes it inside: the 1 is a tensor."""
    return OPS["sub"](nodes.Tensor._of(t._a.dtype.type(1)), t)


def _spread(grad: Any, self: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    from engine.ops.reduction import counted, opened

    left = counted(self.shape, dim) - (1 if correction is None else correction)
    middle = self.mean(dim, keepdim=True) if dim is not None else self.mean()
    factor = 2.0 / left if left else float("nan")
    return times(opened(grad, self.shape, dim, keepdim), factor) * (self - middle)


def _std_again(grad: Any, self: Any, result: Any, dim: Any, correction: Any, keepdim: bool) -> Any:
    share = (grad / times(result, 2)).masked_fill(result == 0, 0)
    return _spread(share, self, dim, correction, keepdim)


AGAIN: dict[str, Callable] = {
    "celu": _celu_again,
    "silu": _silu_again,
    "mish": _mish_again,
    "exp2": lambda grad, result: times(grad * result, log(2)),
    "expm1": lambda grad, result: grad * plus(result, 1),
    "log2": lambda grad, self: grad / times(self, log(2)),
    "log10": lambda grad, self: grad / times(self, log(10)),
    "log1p": lambda grad, self: grad / plus(self, 1),
    "sqrt": lambda grad, result: grad / times(result, 2),
    "rsqrt": lambda grad, result: times(grad, -0.5) * result.pow(3),
    "cos": lambda grad, self: grad * -self.sin(),
    "tan": lambda grad, result: grad * plus(result.pow(2), 1),
    "asin": lambda grad, self: grad * plus(-self * self, 1).rsqrt(),
    "acos": lambda grad, self: grad * -plus(-self * self, 1).rsqrt(),
    "atan": lambda grad, self: grad / plus(self * self, 1),
    "asinh": lambda grad, self: grad * plus(self.pow(2), 1).rsqrt(),
    "acosh": lambda grad, self: grad * minus(self * self, 1).rsqrt(),
    "atanh": lambda grad, self: grad / _one_less(self.pow(2)),
    "erf": lambda grad, self: times((-self.pow(2)).exp(), 2 / sqrt(pi)) * grad,
    "erfc": lambda grad, self: times((-self.pow(2)).exp(), -2 / sqrt(pi)) * grad,
    "logaddexp": lambda grad, self, other: grad / plus((other - self).exp(), 1),
    "var.correction": _spread,
    "std.correction": _std_again,
}
"""Gradients of single inputs in PyTorch's own steps, by op; complex tensors keep the record's formula."""


def _real_only(again: Callable, record: Callable) -> Callable:
    def chosen(grad: Any, *rest: Any) -> Any:
        kept = next((v for v in rest if isinstance(v, nodes.Tensor)), grad)
        return (record if kept._a.dtype.kind == "c" else again)(grad, *rest)

    return chosen


for _op, _again in AGAIN.items():
    _record = RECORDS[_op]
    _kept_formula = _record.grads["self"]
    if tuple(inspect.signature(_again).parameters) != tuple(inspect.signature(_kept_formula).parameters):
        raise TypeError(f"{_op}: the second formula asks for other values than the first")
    _record.again["self"] = _real_only(_again, _kept_formula)


def _two_sided_again(op: str, name: str) -> None:
    """The gradient of a loss of two sides as an op of its own."""
    formula = RECORDS[op].grads[("self", "target")]
    names = tuple(n for n in inspect.signature(formula).parameters if n not in ("grad", "needs"))

    def towards_self(grad_output: Any, *rest: Any) -> Any:
        return formula(grad_output, *rest, ("self",))[0]

    made = backward_op(name, towards_self, ("grad_output", *names), ("grad_output", "self", "target"))

    def again(grad: Any, *rest: Any) -> tuple:
        *given, needs = rest
        g = made(grad, *given)
        return (g if "self" in needs else None), (-g if "target" in needs else None)

    RECORDS[op].again["self"] = again


_two_sided_again("smooth_l1_loss", "smooth_l1_loss_backward")
_two_sided_again("huber_loss", "huber_loss_backward")
RECORDS["binary_cross_entropy"].again["self"] = backward_op(
    "binary_cross_entropy_backward", RECORDS["binary_cross_entropy"].grads["self"],
    ("grad_output", "self", "target", "weight", "reduction"), ("grad_output", "self", "target"),
)


def _logits_again(grad: Any, self: Any, target: Any, weight: Any, pos_weight: Any, reduction: int) -> Any:
    if pos_weight is None:
        g = (self.sigmoid() - target) * grad
    else:
        t = pos_weight * target
        g = ((plus(t, 1) - target) * self.sigmoid() - t) * grad
    g = g if weight is None else g * weight
    return over(g, self.numel()) if reduction == 1 else g


RECORDS["binary_cross_entropy_with_logits"].again["self"] = _logits_again


def _layer_norm_back(grad_out: Any, input: Any, normalized_shape: Any, mean: Any, rstd: Any, weight: Any,
                     bias: Any, eps: float, mask: tuple) -> tuple:
    return RECORDS["native_layer_norm"].grads[("input", "weight", "bias")](
        grad_out, input, normalized_shape, weight, bias, eps, mean, rstd, mask)


_layer_norm_backward = backward_op(
    "native_layer_norm_backward", _layer_norm_back,
    ("grad_out", "input", "normalized_shape", "mean", "rstd", "weight", "bias", "eps", "output_mask"),
    ("grad_out", "input", "mean", "rstd", "weight", "bias"),
)


def _layer_norm_again(grad: Any, input: Any, normalized_shape: Any, weight: Any, bias: Any, eps: float,
                      mean: Any, rstd: Any, needs: tuple) -> tuple:
    mean, rstd = mean.detach(), rstd.detach()
    return _layer_norm_backward(grad, input, normalized_shape, mean, rstd, weight, bias, eps, needs)


RECORDS["native_layer_norm"].again["input"] = _layer_norm_again


RECORDS["_times_number"].again["self"] = lambda grad, other: times(grad, other)
RECORDS["_over_number"].again["self"] = lambda grad, other: over(grad, other)
