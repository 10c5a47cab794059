"""Pretrained weights: which files they are in, and where to look for them."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

HOST = "https://download.pytorch.org/models/"


@dataclass(frozen=True)
class Weights:
    """One set of pretrained weights: its file's address and what is known of it."""

    url: str
    meta: dict = field(default_factory=dict, hash=False, compare=False)

    def transforms(self) -> Any:
        """The transforms that pictures need before this network: resize to 256, crop 224, normalise."""
        from engine.vision import transforms as T

        return T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor(),
                          T.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])])


class WeightsEnum(Enum):
    """The weights that a network can have; DEFAULT is the best."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    @property
    def url(self) -> str:
        """The file's address."""
        return self.value.url

    @property
    def meta(self) -> dict:
        """What is known of the weights."""
        return self.value.meta

    @property
    def transforms(self) -> Any:
        """Makes the transforms that pictures need before this network."""
        return self.value.transforms

    def get_state_dict(self, progress: bool = True, check_hash: bool = False, **kwargs: Any) -> Any:
        """The parameters, from the cache folder or downloaded into it.

        Raises: RuntimeError naming the file and where to put it, when it is not to be had."""
        return load_state_dict_from_url(self.url, progress=progress, **kwargs)


def weights_of(name: str, **files: str) -> Any:
    """An enum of weights: weights_of("ResNet18_Weights", IMAGENET1K_V1="resnet18-f37072fd.pth")."""
    members = {k: Weights(HOST + v) for k, v in files.items()}
    members["DEFAULT"] = list(members.values())[-1]
    return WeightsEnum(name, members)  # type: ignore[call-arg]


def cache_folder() -> Path:
    """PyTorch's folder of downloaded weights: $TORCH_HOME/hub/checkpoints, or under ~/.cache/torch."""
    home = os.environ.get("TORCH_HOME") or os.path.join(
        os.environ.get("XDG_CACHE_HOME", os.path.join(os.path.expanduser("~"), ".cache")), "torch")
    return Path(home) / "hub" / "checkpoints"


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> Any:
    """The parameters in the file at `url`, kept in the cache folder."""
    import engine as torch
    from engine.vision.fetch import fetch

    name = file_name or url.rsplit("/", 1)[-1]
    folder = Path(model_dir) if model_dir else cache_folder()
    path = folder / name
    if not path.exists():
        stem = path.stem.rsplit("-", 1)
        fetch([url], path, sha256_start=stem[1] if len(stem) == 2 else "", progress=progress)
    return torch.load(str(path), map_location=map_location, weights_only=weights_only)


def chosen(kind: Any, weights: Any, old: dict) -> Any:
    """The weights meant by weights=... or by the older pretrained=True, which PyTorch warns of."""
    if "pretrained" in old:
        pretrained = old.pop("pretrained")
        warnings.warn("The parameter 'pretrained' is deprecated since 0.13 and may be removed in the "
                      "future, please use "
                      "'weights' instead.", stacklevel=3)
        weights = list(kind)[0] if pretrained else None
    if isinstance(weights, str):
        return kind[weights]
    if isinstance(weights, bool):
        return list(kind)[0] if weights else None
    return weights


def filled(model: Any, weights: Any, progress: bool) -> Any:
    """The network with these weights, or as it was initialised when there are none."""
    if weights is not None:
        model.load_state_dict(weights.get_state_dict(progress=progress))
    return model
