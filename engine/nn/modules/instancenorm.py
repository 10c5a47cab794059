"""Instance normalisation layers.

Source: torch.nn.modules.instancenorm.
"""

from __future__ import annotations

import warnings
from typing import Any

from engine.nn import functional as F
from engine.nn.modules.batchnorm import _LazyNormBase, _NormBase, check_dims


class _InstanceNorm(_NormBase):
    """What all instance normalisations share."""

    _dims: int

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device=device, dtype=dtype, bias=bias
        )

    def _get_no_batch_dim(self) -> int:
        return self._dims + 1

    def _check_input_dim(self, input: Any) -> None:
        check_dims(input, self._dims + 1, self._dims + 2)

    def _apply_instance_norm(self, input: Any) -> Any:
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )

    def forward(self, input: Any) -> Any:
        """Same shape as the input."""
        self._check_input_dim(input)
        channel = input.dim() - self._get_no_batch_dim()
        if input.size(channel) != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={channel} to match num_features"
                    f" ({self.num_features}), but got: {input.size(channel)}."
                )
            warnings.warn(
                f"input's size at dim={channel} does not match num_features. "
                "You can silence this warning by not passing in num_features, "
                "which is not used because affine=False",
                stacklevel=2,
            )
        if input.dim() == self._get_no_batch_dim():
            return self._apply_instance_norm(input.unsqueeze(0)).squeeze(0)
        return self._apply_instance_norm(input)

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list,
        unexpected_keys: list,
        error_msgs: list,
    ) -> None:
        version = local_metadata.get("version", None)
        if version is None and not self.track_running_stats:
            old = [prefix + name for name in ("running_mean", "running_var") if prefix + name in state_dict]
            if old:
                names = " and ".join(f'"{key}"' for key in old)
                error_msgs.append(
                    f"Unexpected running stats buffer(s) {names} for {type(self).__name__} with "
                    "track_running_stats=False. If state_dict is a checkpoint saved before 0.4.0, this "
                    "may be "
                    f"expected because {type(self).__name__} does not track running stats by default "
                    "since 0.4.0. "
                    "Please remove these keys from state_dict. If the running stats are actually needed, "
                    "instead "
                    f"set track_running_stats=True in {type(self).__name__} to enable them."
                )
                for key in old:
                    state_dict.pop(key)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


class InstanceNorm1d(_InstanceNorm):
    """Normalises every channel of every sample of (N, C, L)."""

    _dims = 1


class InstanceNorm2d(_InstanceNorm):
    """Normalises every channel of every sample of (N, C, H, W)."""

    _dims = 2


class InstanceNorm3d(_InstanceNorm):
    """Normalises every channel of every sample of (N, C, D, H, W)."""

    _dims = 3


class LazyInstanceNorm1d(_LazyNormBase, _InstanceNorm):
    """InstanceNorm1d that learns num_features."""

    cls_to_become = InstanceNorm1d
    _dims = 1
    _check_input_dim = _InstanceNorm._check_input_dim


class LazyInstanceNorm2d(_LazyNormBase, _InstanceNorm):
    """InstanceNorm2d that learns num_features."""

    cls_to_become = InstanceNorm2d
    _dims = 2
    _check_input_dim = _InstanceNorm._check_input_dim


class LazyInstanceNorm3d(_LazyNormBase, _InstanceNorm):
    """InstanceNorm3d that learns num_features."""

    cls_to_become = InstanceNorm3d
    _dims = 3
    _check_input_dim = _InstanceNorm._check_input_dim
