"""torch.nn: modules, their parameters, and the functions they are written in.

modules/       Module and all layers
parameter.py   Parameter and Buffer;  init.py fills them;  functional.py: the functions
parallel/      what runs a module on several devices; here, on the one there is
utils/         clipping, packed sequences, parametrisations, pruning
May import: engine.core, engine.autograd, engine.ops, engine.tensor.
"""

from __future__ import annotations

import importlib
from typing import Any

from engine.nn import functional, init, modules, parameter
from engine.nn.modules import *  # noqa: F403
from engine.nn.parallel import DataParallel
from engine.nn.parameter import (
    Buffer,
    Parameter,
    UninitializedBuffer,
    UninitializedParameter,
)

__all__ = [
    *modules.__all__,
    "Buffer",
    "DataParallel",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
]


def factory_kwargs(kwargs: dict | None) -> dict:
    """The device, dtype and memory_format among a module's keyword arguments.

    Raises: TypeError for any other key."""
    if kwargs is None:
        return {}
    simple = {"device", "dtype", "memory_format"}
    inner = dict(kwargs.get("factory_kwargs", {}))
    if not set(kwargs) <= simple | {"factory_kwargs"}:
        raise TypeError(f"unexpected kwargs {set(kwargs) - simple - {'factory_kwargs'}}")
    for key in simple & set(kwargs):
        if key in inner:
            raise TypeError(f"{key} specified twice, in **kwargs and in factory_kwargs")
        inner[key] = kwargs[key]
    return inner


def __getattr__(name: str) -> Any:
    """utils and other packages of torch.nn when first asked for."""
    if not name.startswith("_"):
        try:
            return importlib.import_module(f"engine.nn.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"engine.nn.{name}":
                raise
    raise AttributeError(f"module 'torch.nn' has no attribute '{name}'")
