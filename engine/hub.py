"""torch.hub: weights by address, kept in PyTorch's cache folder. Code from repositories is not run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir"]

_folder: str | None = None


def get_dir() -> str:
    """The folder of hub files: what `set_dir` said, else $TORCH_HOME/hub, else ~/.cache/torch/hub."""
    if _folder is not None:
        return _folder
    cache = os.environ.get("XDG_CACHE_HOME", os.path.join(os.path.expanduser("~"), ".cache"))
    return os.path.join(os.environ.get("TORCH_HOME") or os.path.join(cache, "torch"), "hub")


def set_dir(d: str | os.PathLike) -> None:
    """Keep hub files in this folder from now on."""
    global _folder
    _folder = os.path.expanduser(os.fspath(d))


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Fetch `url` into the file `dst`.

    Raises: RuntimeError naming the file and where to put it, when it is not to be had."""
    from engine.vision.fetch import fetch

    fetch([url], Path(dst), sha256_start=hash_prefix or "", progress=progress)


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> Any:
    """The parameters in the file at `url`, downloaded into the cache folder if they are not there.

    Raises: RuntimeError naming the file and where to put it, when it is not to be had."""
    from engine.serialization import load as load_file

    path = Path(model_dir or os.path.join(get_dir(), "checkpoints")) / (file_name or url.rsplit("/", 1)[-1])
    if not path.exists():
        stem, dash, check = path.stem.rpartition("-")
        download_url_to_file(url, str(path), check if check_hash and dash else None, progress)
    return load_file(path, map_location, weights_only=weights_only)


def _no_code(name: str) -> NoReturn:
    raise NotImplementedError(
        f"torch.hub.{name} would run code from a repository, which this engine does not do. Weights alone: "
        "torch.hub.load_state_dict_from_url."
    )


def load(*args: Any, **kwargs: Any) -> NoReturn:
    """Refused: it would run code from a repository."""
    _no_code("load")


def list(*args: Any, **kwargs: Any) -> NoReturn:
    """Refused: it would run code from a repository."""
    _no_code("list")


def help(*args: Any, **kwargs: Any) -> NoReturn:
    """Refused: it would run code from a repository."""
    _no_code("help")
