"""Source to compiled kernel, kept on disk: what `load(source)` gives starts warm next time.

Kernels are written as source files in the user's cache folder, for numba keeps what it compiled beside
the file it
came from; what is made in a closure would be compiled anew by every process.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

_loaded: dict[str, ModuleType] = {}
paused = False
"""While true, what could be compiled or already is goes by NumPy, and does not count towards compiling: for
those who only look, and must not change what the program will run."""

HEADER = '''"""Made by Gradwalk's kernel generator; safe to delete."""
import math

import numpy as np
from numba import njit

'''


def cache_folder() -> Path:
    """Where generated kernels are kept: GRADWALK_CACHE, or the platform's cache folder."""
    given = os.environ.get("GRADWALK_CACHE")
    if given:
        return Path(given) / "kernels"
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        root = str(Path.home() / "Library" / "Caches")
    else:
        root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "gradwalk" / "kernels"


def prepare() -> None:
    """Let numba use whole vector registers; LLVM halves them on some processors, which costs up to twice
    the time."""
    if "NUMBA_CPU_FEATURES" in os.environ or "numba" in sys.modules:
        return
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features().flatten()
    if "+avx512f" in features:
        os.environ["NUMBA_CPU_NAME"] = llvm.get_host_cpu_name()
        os.environ["NUMBA_CPU_FEATURES"] = features + ",-prefer-256-bit"


def load(source: str) -> ModuleType:
    """The module of this source, from the cache folder; its functions compile when first called."""
    key = hashlib.sha256((HEADER + source).encode()).hexdigest()[:20]
    found = _loaded.get(key)
    if found is not None:
        return found
    prepare()
    name = f"gradwalk_kernel_{key}"
    path = cache_folder() / f"{name}.py"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}.part")
            part.write_text(HEADER + source, encoding="utf-8")
            os.replace(part, path)
    except OSError:  # a read-only home: compile without keeping
        return _loaded.setdefault(key, _unkept(name, source))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    _loaded[key] = module
    return module


def _unkept(name: str, source: str) -> ModuleType:
    module = ModuleType(name)
    exec(compile((HEADER + source).replace("cache=True", "cache=False"), name, "exec"), module.__dict__)
    return module
