"""Names of variables, parameters and modules, as the script's author knows them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any


def variables(frame: FrameType | None) -> Iterator[tuple[str, Any]]:
    """Names and values that the code in `frame` can see: its own, its callers', attributes of self,
    globals."""
    seen: set[int] = set()
    inner = frame
    depth = 0
    while inner is not None and depth < 8:
        space = inner.f_locals
        if id(space) not in seen:
            seen.add(id(space))
            yield from tuple(space.items())
            me = space.get("self")
            attributes = getattr(me, "__dict__", None)
            if isinstance(attributes, dict) and "_modules" not in attributes:
                yield from ((f"self.{k}", v) for k, v in tuple(attributes.items()))
        inner = inner.f_back
        depth += 1
    if frame is not None:
        yield from tuple(frame.f_globals.items())


def name_where(frame: FrameType | None, test: Callable[[Any], bool]) -> str:
    """The first name that the code in `frame` can see and whose value passes the test, or ''."""
    for name, value in variables(frame):
        if not name.startswith("_") and test(value):
            return name
    return ""


class ModuleNames:
    """Dotted names of parameters and modules, from the modules that were called at the top.

    Where several of these have parameters, the script's own names of them stand before: 'hidden.weight'."""

    def __init__(self) -> None:
        self._roots: weakref.WeakSet[Any] = weakref.WeakSet()
        self._order: list[tuple[weakref.ref[Any], str]] = []
        self._prefixed: list[tuple[weakref.ref[Any], str]] = []
        self._parameters: dict[int, str] = {}
        self._modules: dict[int, str] = {}
        self._clean = False

    def add_root(self, module: Any, frame: FrameType | None = None) -> None:
        """Note a module that was called by the script itself, and what it is called there."""
        if module not in self._roots:
            self._roots.add(module)
            name = name_where(frame, lambda value: value is module).removeprefix("self.")
            self._order.append((weakref.ref(module), name))
            self._clean = False

    def parameter(self, tensor: Any) -> str:
        """'linear.weight' for a parameter of a known module, or ''."""
        return self._find(tensor, lambda: self._parameters)

    def module(self, module: Any) -> str:
        """'layers.0' for a module inside a known one; '' for the only one at the top, or an unknown one."""
        return self._find(module, lambda: self._modules)

    def tensor(self, name: str) -> Any:
        """The parameter or buffer of a known module with this name, or None."""
        if not self._clean:
            self._read()
        for ref, prefix in self._prefixed:
            root = ref()
            for found in () if root is None else (root.named_parameters(), root.named_buffers()):
                for own, tensor in found:
                    if name in (own, prefix + own):
                        return tensor
        return None

    def stale(self) -> None:
        """Read the names anew when next asked: modules may have changed."""
        self._clean = False

    def _find(self, thing: Any, table: Callable[[], dict[int, str]]) -> str:
        if not self._clean:
            self._read()
        return table().get(id(thing), "")

    def _read(self) -> None:
        self._clean = True
        self._parameters.clear()
        self._modules.clear()
        roots = [(ref, root, name) for ref, name in self._order if (root := ref()) is not None]
        owners = [root for _, root, _ in roots if next(root.parameters(), None) is not None]
        seen: dict[str, int] = {}
        self._prefixed = []
        for ref, root, name in roots:
            own = name or type(root).__name__
            seen[own] = count = seen.get(own, -1) + 1
            prefix = f"{own}{count or ''}." if len(owners) > 1 else ""
            self._prefixed.append((ref, prefix))
            for path, tensor in root.named_parameters():
                self._parameters.setdefault(id(tensor), prefix + path)
            for path, module in root.named_modules():
                if path or prefix:
                    self._modules.setdefault(id(module), (prefix + path).removesuffix("."))


def module_detail(module: Any) -> str:
    """A short size line: '5 → 16' for a Linear, '3 → 64, 7×7' for a convolution, '' where nothing is to
    say."""

    def has(*names: str) -> bool:
        return all(isinstance(getattr(module, n, None), int) for n in names)

    try:
        if has("in_features", "out_features"):
            return f"{module.in_features} → {module.out_features}"
        if has("in_channels", "out_channels"):
            kernel = getattr(module, "kernel_size", ())
            size = "×".join(str(k) for k in kernel) if isinstance(kernel, tuple) else str(kernel)
            return f"{module.in_channels} → {module.out_channels}, {size}"
        if has("num_embeddings", "embedding_dim"):
            return f"{module.num_embeddings} × {module.embedding_dim}"
        if has("input_size", "hidden_size"):
            return f"{module.input_size} → {module.hidden_size}"
        if has("num_features"):
            return str(module.num_features)
        probability = getattr(module, "p", None)
        if isinstance(probability, float):
            return f"p = {probability:g}"
        window = getattr(module, "kernel_size", None)
        if window is not None:
            return "×".join(str(k) for k in window) if isinstance(window, tuple) else f"{window}×{window}"
    except Exception:
        return ""
    return ""
