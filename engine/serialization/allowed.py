"""What a checkpoint may hold, and how each of it is built. Everything else is refused by name."""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from pickle import UnpicklingError
from types import FunctionType
from typing import Any

import numpy as np

import engine
from engine.core.dtype import ALL as DTYPES
from engine.core.layout import layout, memory_format
from engine.serialization.storage import KINDS, Loaded, StorageKind, window

torch: Any = engine

_EXTRA: dict[str, Any] = {}
"""What a script declared safe itself, by full name."""

_FACTORIES = (list, dict, int, float, set, OrderedDict, tuple, str, bool, None)
_PLAIN_VALUES = ("int", "float", "str", "bool", "bytes", "object", "tuple", "complex", "list", "dict")
_NUMPY_KINDS = "biufcSU?"


class Refused(UnpicklingError):
    """A name that a checkpoint may not use."""


def add_safe_globals(values: list) -> None:
    """Let checkpoints name and use these classes and functions, or (value, "module.name") pairs."""
    for value in values:
        value, name = (
            value if isinstance(value, tuple) else (value, f"{value.__module__}.{value.__qualname__}")
        )
        _EXTRA[name] = value


def get_safe_globals() -> list:
    """What a script declared safe."""
    return list(_EXTRA.values())


def clear_safe_globals() -> None:
    """Forget what was declared safe."""
    _EXTRA.clear()


class safe_globals:
    """What `add_safe_globals` does, for the length of a `with` block."""

    def __init__(self, values: list) -> None:
        self._values = values

    def __enter__(self) -> None:
        self._before = dict(_EXTRA)
        add_safe_globals(self._values)

    def __exit__(self, *exc: object) -> None:
        _EXTRA.clear()
        _EXTRA.update(self._before)


# -- builders


def _tensor(
    storage: Any,
    offset: int,
    size: Any,
    stride: Any,
    requires_grad: Any = False,
    hooks: Any = None,
    metadata: Any = None,
) -> Any:
    return _tensor_of(storage, offset, size, stride, requires_grad, storage.kind.dtype)


def _tensor_of_dtype(
    storage: Any,
    offset: int,
    size: Any,
    stride: Any,
    requires_grad: Any,
    hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> Any:
    return _tensor_of(storage, offset, size, stride, requires_grad, dtype)


def _tensor_of(storage: Any, offset: int, size: Any, stride: Any, requires_grad: Any, dtype: Any) -> Any:
    if not isinstance(storage, Stored) or type(dtype) is not torch.dtype:
        raise UnpicklingError("a tensor has no storage")
    array = window(storage.loaded, dtype, offset, size, stride)
    made = torch.Tensor._of(array)
    device = torch.device(storage.loaded.location)
    if device.type != "cpu":
        made = made.to(device)
    if requires_grad is True:
        made.requires_grad_(True)
    return made


def _parameter(data: Any, requires_grad: Any = True, hooks: Any = None, state: Any = None) -> Any:
    if not isinstance(data, torch.Tensor):
        raise UnpicklingError("a parameter has no tensor")
    return torch.nn.Parameter(data, bool(requires_grad))


def _of_type(rebuild: Any, kind: Any, args: Any, state: Any) -> Any:
    made = CALLS[id(rebuild)](*args) if id(rebuild) in _TENSOR_BUILDERS else None
    if made is None:
        raise UnpicklingError("a tensor of an unknown kind")
    return _parameter(made, made.requires_grad) if kind is torch.nn.Parameter else made


def _ordered(items: Any = ()) -> OrderedDict:
    return OrderedDict(_pairs(items))


def _pairs(items: Any) -> Any:
    if not isinstance(items, (list, tuple, dict)):
        raise UnpicklingError("a dictionary is not made of pairs")
    return items


def _counter(items: Any = ()) -> Counter:
    if not isinstance(items, dict):
        raise UnpicklingError("a counter is not made of counts")
    return Counter(items)


def _default(factory: Any = None, items: Any = ()) -> defaultdict:
    if not any(factory is known for known in _FACTORIES):
        raise UnpicklingError("a defaultdict with a factory of its own")
    return defaultdict(factory, _pairs(items))


def _collection(kind: type) -> Callable:
    def build(items: Any = ()) -> Any:
        if not isinstance(items, (list, tuple, set, frozenset)):
            raise UnpicklingError(f"a {kind.__name__} is not made of items")
        return kind(items)

    return build


def _bytes_of(text: Any, encoding: Any = "latin1") -> bytes:
    if type(text) is not str or encoding not in ("latin1", "latin-1", "utf-8", "utf8", "ascii"):
        raise UnpicklingError("bytes in an unknown coding")
    return text.encode(encoding)


def _bytearray(source: Any = b"", encoding: Any = "latin-1") -> bytearray:
    return bytearray(source if isinstance(source, bytes) else _bytes_of(source, encoding))


def _numbers(kind: type, count: int) -> Callable:
    def build(*args: Any) -> Any:
        if len(args) > count or any(type(a) not in (int, float, type(None)) for a in args):
            raise UnpicklingError(f"a {kind.__name__} is not made of numbers")
        return kind(*args)

    return build


def _size(items: Any = ()) -> Any:
    if not isinstance(items, (tuple, list)) or any(type(n) is not int for n in items):
        raise UnpicklingError("a size is not made of integers")
    return torch.Size(items)


def _device(kind: Any, index: Any = None) -> Any:
    if type(kind) is not str or len(kind) > 40:
        raise UnpicklingError("a device has no name")
    return torch.device(kind) if index is None else torch.device(kind, index)


def _layout(name: Any) -> Any:
    found = getattr(torch, str(name).rpartition(".")[2], None)
    if not isinstance(found, layout):
        raise UnpicklingError(f"unknown layout {name}")
    return found


def _numpy_dtype(text: Any, align: Any = False, copy: Any = True) -> np.dtype:
    if type(text) is not str or len(text) > 12 or text.lstrip("<>=|")[:1] not in _NUMPY_KINDS:
        raise UnpicklingError(f"a numpy type of kind {text!r}")
    return np.dtype(text)


def _numpy_scalar(dtype: Any, raw: Any) -> Any:
    if not isinstance(dtype, np.dtype) or type(raw) is not bytes or len(raw) != dtype.itemsize:
        raise UnpicklingError("a numpy scalar does not fit its type")
    return np.frombuffer(raw, dtype)[0]


def _numpy_empty(kind: Any, shape: Any, code: Any) -> np.ndarray:
    if kind is not np.ndarray:
        raise UnpicklingError("a numpy array of an unknown class")
    return np.empty(0, np.uint8)


def _numpy_fill(array: np.ndarray, state: Any) -> np.ndarray:
    _, shape, dtype, fortran, raw = state
    if not isinstance(dtype, np.dtype) or dtype.kind not in _NUMPY_KINDS or type(raw) is not bytes:
        raise UnpicklingError("a numpy array of objects")
    if any(type(n) is not int or n < 0 for n in shape):
        raise UnpicklingError("a numpy array of no shape")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C").copy(order="K")


def _bare_object(cls: Any, base: Any = object, state: Any = None) -> Any:
    return new_object(cls, (), {}) if base is object else _refuse(cls)


def _refuse(value: Any) -> Any:
    name = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__name__)}"
    raise Refused(f"the file wants to call {name}, which a checkpoint may not")


class Stored:
    """A storage of the file, with the kind by which the file named it."""

    def __init__(self, loaded: Loaded, kind: StorageKind) -> None:
        self.loaded, self.kind = loaded, kind


_NAMED: dict[str, Any] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_of_dtype,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _of_type,
    "torch.serialization._get_layout": _layout,
    "numpy.core.multiarray._reconstruct": _numpy_empty,
    "numpy._core.multiarray._reconstruct": _numpy_empty,
    "numpy.core.multiarray.scalar": _numpy_scalar,
    "numpy._core.multiarray.scalar": _numpy_scalar,
    "_codecs.encode": _bytes_of,
    "copyreg._reconstructor": _bare_object,
    "copy_reg._reconstructor": _bare_object,
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "collections.defaultdict": defaultdict,
    "torch.Size": torch.Size,
    "torch.device": torch.device,
    "torch.Tensor": torch.Tensor,
    "torch.nn.parameter.Parameter": torch.nn.Parameter,
    "numpy.dtype": np.dtype,
    "numpy.ndarray": np.ndarray,
    "__builtin__.xrange": range,
}
_BUILTINS = (set, frozenset, bytearray, slice, range, complex)
CALLS: dict[int, Callable] = {
    id(OrderedDict): _ordered, id(Counter): _counter, id(defaultdict): _default, id(torch.Size): _size,
    id(torch.device): _device, id(np.dtype): _numpy_dtype, id(set): _collection(set),
    id(frozenset): _collection(frozenset), id(bytearray): _bytearray, id(slice): _numbers(slice, 3),
    id(range): _numbers(range, 3), id(complex): _numbers(complex, 2),
    **{id(f): f for f in _NAMED.values() if type(f) is FunctionType},
}  # fmt: skip
_TENSOR_BUILDERS = {id(_tensor), id(_tensor_of_dtype)}
_KIND_OBJECTS: dict[str, StorageKind] = {}


# -- the policy


class Policy:
    """Answers an unpickler. `strict` builds data only; else also modules of the engine and the script."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict

    def find(self, module: str, name: str) -> Any:
        """The value that a file means by a name.

        Raises:
            Refused: a checkpoint may not name it.
        """
        full = f"{module}.{name}"
        if full in _EXTRA:
            return _EXTRA[full]
        if full in _NAMED:
            return _NAMED[full]
        if module in ("__builtin__", "builtins"):
            for kind in _BUILTINS:
                if kind.__name__ == name:
                    return kind
            if name in _PLAIN_VALUES:
                return {
                    k.__name__: k for k in (int, float, str, bool, bytes, object, tuple, list, dict)
                }.get(name)
        if module in ("torch", "torch.storage") and name in KINDS:
            return _KIND_OBJECTS.setdefault(name, StorageKind(name))
        if module == "torch":
            if name in DTYPES:
                return DTYPES[name]
            found = getattr(torch, name, None) if name.isidentifier() else None
            if isinstance(found, memory_format):
                return found
        if not self.strict:
            found = _whole_object(module, name)
            if found is not None:
                return found
        raise Refused(
            f"Weights only load failed. Unsupported global: GLOBAL {full} was not an allowed global by "
            "default. "
            f"A checkpoint may hold tensors, plain containers and numbers{_and_modules(self.strict)}. If you "
            "trust "
            f"the file, `torch.serialization.add_safe_globals([{full.rpartition('.')[2]}])` allows this name."
        )

    def call(self, value: Any, args: tuple) -> Any:
        """What a file builds by applying `value`."""
        build = CALLS.get(id(value))
        if build is not None:
            return build(*args)
        if any(value is known for known in _EXTRA.values()):
            return value(*args)
        return _refuse(value)

    def build(self, obj: Any, state: Any) -> Any:
        """`obj` with the state that the file gives it."""
        kind = type(obj)
        if isinstance(obj, np.dtype):
            return obj
        if kind is np.ndarray:
            return _numpy_fill(obj, state)
        if kind is OrderedDict or kind in (Counter, defaultdict):
            if type(state) is dict:
                obj.__dict__.update(state)
            return obj
        if kind not in _BUILDABLE and not any(kind is known for known in _EXTRA.values()):
            raise Refused(f"the file gives a state to a {kind.__name__}, which has none")
        own = getattr(obj, "__setstate__", None)
        if own is not None:
            own(state)
        elif type(state) is dict:
            obj.__dict__.update(state)
        else:
            raise UnpicklingError(f"a state of a {kind.__name__} that is no dictionary")
        return obj


_BUILDABLE: set[type] = set()


def new_object(cls: Any, args: tuple, kwargs: dict) -> Any:
    """An object of an allowed class, made without its constructor."""
    build = CALLS.get(id(cls))
    if build is not None and not kwargs:
        return build(*args)
    if isinstance(cls, type) and (cls in _BUILDABLE or any(cls is known for known in _EXTRA.values())):
        if not args and not kwargs:
            return object.__new__(cls)
    return _refuse(cls)


def _and_modules(strict: bool) -> str:
    return "" if strict else ", and modules whose classes the engine or the running script defines"


def _whole_object(module: str, name: str) -> Any:
    """A class of the engine or the script: a module, an optimizer, a scheduler, plain data; or None."""
    top = module.partition(".")[0]
    if top in ("torch", "torchvision", "engine"):
        found = _engine_value(module, name)
    elif module == "argparse" and name == "Namespace":
        found = _import("argparse").Namespace
    else:
        home = sys.modules.get(module)
        found = home.__dict__.get(name) if home is not None and name.isidentifier() else None
        if not isinstance(found, type) or getattr(found, "__module__", None) != module:
            return None
        if module != "__main__" and not issubclass(found, torch.nn.Module):
            return None
    if isinstance(found, type):
        _BUILDABLE.add(found)
        return found
    return (
        found
        if isinstance(found, FunctionType) or getattr(found, "__module__", "").startswith("torch")
        else None
    )


def _import(name: str) -> Any:
    import importlib

    return importlib.import_module(name)


def _engine_value(module: str, name: str) -> Any:
    """The engine's class or function for one of PyTorch's names; None where none may be held."""
    if not name.isidentifier():
        return None
    if module.startswith("torch.nn.modules") or module == "torch.nn":
        found = getattr(torch.nn, name, None) or _in_file(module, name)
        return found if isinstance(found, type) and issubclass(found, torch.nn.Module) else None
    if module in ("torch.nn.functional", "torch._C._nn", "torch._C._VariableFunctions"):
        found = getattr(torch.nn.functional, name, None)
        return found if callable(found) and not isinstance(found, type) else None
    if module.startswith("torch.optim"):
        found = getattr(torch.optim, name, None) or getattr(torch.optim.lr_scheduler, name, None)
        return found if isinstance(found, type) else None
    if module.startswith("torchvision"):
        found = _in_file(module, name)
        return found if isinstance(found, type) and issubclass(found, torch.nn.Module) else None
    return None


def _in_file(module: str, name: str) -> Any:
    real = {"torch": "engine", "torchvision": "engine.vision"}[module.partition(".")[0]]
    rest = module.partition(".")[2]
    path = f"{real}.{rest}" if rest else real
    if not all(part.isidentifier() for part in path.split(".")):
        return None
    try:
        return getattr(_import(path), name, None)
    except ImportError:
        return None
