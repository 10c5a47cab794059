"""Writes an object as the pickle that PyTorch writes: tensors by storage, classes by PyTorch's names."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from types import FunctionType
from typing import Any

import engine
from engine.core.device import device
from engine.core.dtype import dtype
from engine.core.layout import layout, memory_format
from engine.core.shape import Size
from engine.serialization.storage import Saved

torch: Any = engine

# files of engine.nn.modules whose classes are elsewhere in PyTorch
_MOVED_FILES = {
    "adaptive": "adaptive", "conv_lazy": "conv", "conv_transpose": "conv", "pooling_special": "pooling",
    "margin_loss": "loss", "rnn_cell": "rnn",
}  # fmt: skip


class Global:
    """A name that the reader resolves; calling it is the reader's business."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self, *args: Any) -> Any:
        raise TypeError(f"{self.module}.{self.name} is a name in a file, not a function here")


_TENSOR = Global("torch._utils", "_rebuild_tensor_v2")
_TENSOR_OF_DTYPE = Global("torch._utils", "_rebuild_tensor_v3")
_PARAMETER = Global("torch._utils", "_rebuild_parameter")
_SIZE, _DEVICE = Global("torch", "Size"), Global("torch", "device")
_LAYOUT = Global("torch.serialization", "_get_layout")


_PlainPickler: Any = pickle._Pickler  # type: ignore[attr-defined]  # the one in Python can be taught names


class Pickler(_PlainPickler):
    """A pickler that puts storages aside: `storages` has them by key after `dump`."""

    dispatch = dict(_PlainPickler.dispatch)

    def __init__(self, file: io.BytesIO, protocol: int = 2) -> None:
        super().__init__(file, protocol)
        self.storages: dict[str, Saved] = {}
        self._keys: dict[tuple, str] = {}
        self._kinds: dict[str, Global] = {}

    def persistent_id(self, obj: Any) -> Any:
        """The tuple by which a storage is found again."""
        if not isinstance(obj, Saved):
            return None
        key = self._keys.get(obj.identity)
        if key is None:
            key = self._keys[obj.identity] = str(len(self._keys))
            self.storages[key] = obj
        kind = self._kinds.setdefault(obj.kind, Global(*_place_of_storage(obj.kind)))
        return ("storage", kind, key, "cpu", obj.bytes.size if obj.kind == "UntypedStorage" else obj.numel)

    def reducer_override(self, obj: Any) -> Any:
        """How the engine's own types are written."""
        if isinstance(obj, torch.Tensor):
            return self._tensor(obj)
        if isinstance(obj, Global):
            return obj.name
        kind = type(obj)
        if kind is Size:
            return _SIZE, (tuple(obj),)
        if kind is dtype:
            return obj.name
        if kind is device:
            return _DEVICE, (str(obj),)
        if kind in (layout, memory_format):
            return (_LAYOUT, (str(obj),)) if kind is layout else obj.name
        return NotImplemented

    def _tensor(self, t: Any) -> tuple:
        saved = Saved(t)
        if isinstance(t, torch.nn.Parameter):
            return _PARAMETER, (t.detach(), t.requires_grad, OrderedDict())
        window: tuple = (
            saved,
            saved.offset,
            tuple(saved.shape),
            saved.strides,
            t.requires_grad,
            OrderedDict(),
        )
        if saved.kind == "UntypedStorage":
            return _TENSOR_OF_DTYPE, (*window, t.dtype)
        return _TENSOR, window

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Write the name of a class, function or constant as PyTorch knows it."""
        module, name = public_name(obj, name)
        if self.proto < 3:
            module = {"builtins": "__builtin__", "copyreg": "copy_reg"}.get(module, module)
        if "<" in name:
            raise pickle.PicklingError(
                f"Can't pickle {obj!r}: a {name} has no name by which it is found again"
            )
        self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        self.memoize(obj)

    dispatch[FunctionType] = save_global


def public_name(obj: Any, name: str | None = None) -> tuple[str, str]:
    """Module and name of a class, function or constant, in PyTorch's packages where it is the engine's."""
    if isinstance(obj, Global):
        return obj.module, obj.name
    if isinstance(obj, (dtype, memory_format)):
        return "torch", obj.name
    name = name or getattr(obj, "__qualname__", None) or obj.__name__
    module = getattr(obj, "__module__", None) or pickle.whichmodule(obj, name)  # type: ignore[attr-defined]
    top, dot, rest = module.partition(".")
    if top != "engine":
        return module, name
    if rest.startswith("nn.modules."):
        rest = "nn.modules." + _MOVED_FILES.get(rest[11:], rest[11:])
    if rest.startswith("vision"):
        return ("torchvision" + rest[6:]), name
    if rest.startswith("data"):
        rest = "utils." + rest
    return ("torch" + dot + rest), name


def _place_of_storage(kind: str) -> tuple[str, str]:
    return ("torch.storage" if kind == "UntypedStorage" else "torch"), kind
