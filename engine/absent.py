"""Parts of PyTorch that need another machine or a compiler: their names exist, and using one says why it
cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn


def absent(module: str, reason: str) -> Callable[[str], Any]:
    """A module's __getattr__ that gives, for each public name, a class whose use raises with the reason."""

    def __getattr__(name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"module '{module}' has no attribute '{name}'")

        def refuse(*args: Any, **kwargs: Any) -> NoReturn:
            raise NotImplementedError(f"{module}.{name} is not part of this engine: {reason}")

        return type(name, (),
                    {"__module__": module, "__init__": refuse, "__class_getitem__": classmethod(refuse),
                               "__doc__": f"Not part of this engine: {reason}"})

    return __getattr__
