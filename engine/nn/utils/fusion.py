"""A convolution or linear layer and the batch normalisation after it, made one layer.

Source: torch.nn.utils.fusion.
"""

from __future__ import annotations

import copy
from typing import Any

import engine
from engine.nn.parameter import Parameter


def _factor(bn_rv: Any, bn_eps: float, bn_w: Any) -> Any:
    return bn_w * engine.rsqrt(bn_rv + bn_eps)


def _fused(
    weight: Any, bias: Any, shape: list, mean: Any, var: Any, eps: float, gamma: Any, beta: Any
) -> tuple:
    bias = engine.zeros_like(mean) if bias is None else bias
    gamma = engine.ones_like(mean) if gamma is None else gamma
    beta = engine.zeros_like(mean) if beta is None else beta
    factor = _factor(var, eps, gamma)
    new_weight = (weight * factor.reshape(shape)).to(dtype=weight.dtype)
    new_bias = ((bias - mean) * factor + beta).to(dtype=bias.dtype)
    trained = weight.requires_grad, bias.requires_grad
    return Parameter(new_weight.detach(), trained[0]), Parameter(new_bias.detach(), trained[1])


def fuse_conv_bn_weights(
    conv_w: Any,
    conv_b: Any,
    bn_rm: Any,
    bn_rv: Any,
    bn_eps: float,
    bn_w: Any,
    bn_b: Any,
    transpose: bool = False,
) -> tuple:
    """(weight, bias) of one convolution that does what both did."""
    rest = [1] * (conv_w.dim() - 2)
    shape = [1, -1, *rest] if transpose else [-1, 1, *rest]
    return _fused(conv_w, conv_b, shape, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """One convolution that does what both did; both must be in evaluation mode."""
    if conv.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Any, linear_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any
) -> tuple:
    """(weight, bias) of one linear layer that does what both did."""
    return _fused(linear_w, linear_b, [-1, 1], bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """One linear layer that does what both did; both must be in evaluation mode."""
    if linear.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused
