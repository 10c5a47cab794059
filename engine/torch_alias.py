"""Makes `import torch` and `import torchvision` mean the engine, in this process only."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

ALIASES = {"torch": "engine", "torchvision": "engine.vision"}
"""Top-level name -> the package that it means."""


def real_name(name: str) -> str | None:
    """The engine's name for a module of torch or torchvision, or None for any other module."""
    top, dot, rest = name.partition(".")
    real = ALIASES.get(top)
    return None if real is None else real + dot + rest


class _SameModule(Loader):
    """Loads an alias by handing out the engine's own module, so that there is one object per module."""

    def __init__(self, real: str) -> None:
        self._real = real
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._real)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just put the alias's spec on the module; relative imports need its own.
        module.__spec__ = self._spec


class _AliasFinder(MetaPathFinder):
    """Finds torch and torchvision, and what is in them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        real = real_name(fullname)
        if real is None:
            return None
        try:
            found = sys.modules.get(real) is not None or importlib.util.find_spec(real) is not None
        except ModuleNotFoundError:
            found = False
        if not found:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return ModuleSpec(fullname, _SameModule(real), origin=real, is_package=True)


_finder = _AliasFinder()


def install() -> None:
    """Let torch and torchvision mean the engine from now on. A second call does nothing.

    Raises: RuntimeError where another torch is imported already."""
    loaded = sys.modules.get("torch")
    if loaded is not None and loaded is not sys.modules.get("engine"):
        raise RuntimeError("torch is imported already in this process; install the alias before that.")
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """Let the names mean again what they meant; modules that hold the engine keep it."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    for name in [n for n in sys.modules if n.partition(".")[0] in ALIASES]:
        del sys.modules[name]
