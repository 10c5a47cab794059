"""torch.nn.utils: what scripts do with parameters besides training them.

clip_grad.py  gradient clipping;  convert_parameters.py  parameters as one vector
parametrize.py, parametrizations.py  parameters computed from others;  weight_norm.py, spectral_norm.py  of
old
rnn.py  packed and padded sequences;  prune.py  pruning;  fusion.py  batch normalisation put into the layer
before
init.py  skip_init;  stateless.py  functional_call
"""

from __future__ import annotations

from engine.nn.utils import parametrizations, parametrize, rnn, stateless
from engine.nn.utils.clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from engine.nn.utils.convert_parameters import (
    parameters_to_vector,
    vector_to_parameters,
)
from engine.nn.utils.fusion import (
    fuse_conv_bn_eval,
    fuse_conv_bn_weights,
    fuse_linear_bn_eval,
    fuse_linear_bn_weights,
)
from engine.nn.utils.init import skip_init
from engine.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from engine.nn.utils.weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "skip_init",
    "spectral_norm",
    "stateless",
    "vector_to_parameters",
    "weight_norm",
]
