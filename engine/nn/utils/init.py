"""Modules without their first draw of parameters.

Source: torch.nn.utils.init.
"""

from __future__ import annotations

import inspect
from typing import Any

from engine.nn.modules.module import Module


def skip_init(module_cls: type, *args: Any, **kwargs: Any) -> Any:
    """A module whose parameters were not initialised, and the random stream untouched.

    Raises: RuntimeError for what is no Module class, or takes no device."""
    from engine.core.generator import default_generator

    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = default_generator.get_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        default_generator.set_state(state)
