"""Checkpoint files (torch.save, torch.load): PyTorch's own format, read without running code from it.

archive.py     the zip file; legacy.py the format before it
storage.py     the memory that tensors share
pickling.py    objects to the pickle that PyTorch reads
unpickling.py  the interpreter of pickles; allowed.py says what it may build
May import: the engine's tensors and modules.
"""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

import engine

torch: Any = engine

__all__ = [
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "load",
    "safe_globals",
    "save",
]

_MAGIC_OF_ZIP = b"PK\x03\x04"


def __getattr__(name: str) -> Any:
    """Names of allowed.py, which needs the modules, when first asked for."""
    if name in ("add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"):
        from engine.serialization import allowed

        return getattr(allowed, name)
    raise AttributeError(f"module 'torch.serialization' has no attribute '{name}'")


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write `obj` to a path or a binary file, in the format that PyTorch reads.

    Tensors that share memory share it in the file too. Always the zip format.
    """
    from engine.serialization.archive import ArchiveWriter
    from engine.serialization.pickling import Pickler

    buffer = io.BytesIO()
    pickler = Pickler(buffer, pickle_protocol)
    pickler.dump(obj)
    if isinstance(f, (str, os.PathLike)):
        folder = os.path.dirname(os.fspath(f))
        if folder and not os.path.isdir(folder):
            raise RuntimeError(f"Parent directory {folder} does not exist.")
        name = os.path.splitext(os.path.basename(os.fspath(f)))[0]
        with open(f, "wb") as file:
            _write(ArchiveWriter(file, name or "archive"), buffer.getvalue(), pickler.storages)
    else:
        if not hasattr(f, "write"):
            raise AttributeError(
                "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
            )
        _write(ArchiveWriter(f, "archive"), buffer.getvalue(), pickler.storages)


def _write(archive: Any, pickled: bytes, storages: dict) -> None:
    archive.add("data.pkl", pickled)
    archive.add(".format_version", b"1")
    archive.add(".storage_alignment", b"64")
    archive.add("byteorder", b"little")
    for key, storage in storages.items():
        archive.add(f"data/{key}", memoryview(storage.bytes))
    archive.close()


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """The object in a checkpoint that the engine or PyTorch wrote.

    Tensors, containers, numbers, and modules whose classes the engine or the running script defines; with
    `weights_only=True` no modules. Whatever else a file names is refused, and no code of a file ever runs.

    Args:
        f: a path or a binary file.
        map_location: where tensors go: a device, a dict of devices, or a function of (storage, location).
        mmap: leave the storages in the file until they are read; for paths only.
    Raises:
        UnpicklingError: the file is damaged or names what it may not.
        RuntimeError: the zip file is damaged.
    """
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            mapped = np.memmap(f, np.uint8, "c") if mmap and os.path.getsize(f) else None
            return _load(file, map_location, bool(weights_only), mapped, **pickle_load_args)
    if mmap:
        raise ValueError("f must be a file path in order to use the mmap argument")
    if not hasattr(f, "read"):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'read' attribute"
        )
    return _load(f, map_location, bool(weights_only), None, **pickle_load_args)


def _load(
    file: BinaryIO,
    map_location: Any,
    strict: bool,
    mapped: np.ndarray | None,
    encoding: str = "utf-8",
    **_: Any,
) -> Any:
    from engine.serialization.allowed import Policy
    from engine.serialization.legacy import load_legacy

    policy, place = Policy(strict), _placing(map_location)
    start = file.tell() if hasattr(file, "seek") else 0
    head = file.read(4)
    if not head:
        raise EOFError("Ran out of input")
    if head == _MAGIC_OF_ZIP:
        if hasattr(file, "seek"):
            file.seek(start)
            source: Any = file if start == 0 else io.BytesIO(file.read())
        else:
            source = io.BytesIO(head + file.read())
        return _load_zip(source, policy, place, mapped, encoding)
    if mapped is not None:
        raise RuntimeError("mmap can only be used with files saved with `torch.save` in the zip format")
    return load_legacy(head + file.read(), policy, place, encoding)


def _load_zip(source: Any, policy: Any, place: Callable, mapped: np.ndarray | None, encoding: str) -> Any:
    from engine.serialization.allowed import Stored, new_object
    from engine.serialization.archive import ArchiveReader
    from engine.serialization.storage import Loaded, StorageKind
    from engine.serialization.unpickling import Unpickler

    archive = ArchiveReader(source, mapped)
    storages: dict[str, Any] = {}

    def persistent(pid: Any) -> Any:
        if type(pid) is not tuple or len(pid) != 5 or pid[0] != "storage":
            raise pickle.UnpicklingError("an unknown persistent id")
        _, kind, key, location, numel = pid
        if not isinstance(kind, StorageKind) or type(key) is not str or type(numel) is not int:
            raise pickle.UnpicklingError("a storage without kind or key")
        if key not in storages:
            raw = archive.array(f"data/{key}")
            size = kind.numpy.itemsize
            if numel < 0 or raw.size < numel * size:
                raise pickle.UnpicklingError(
                    f"storage {key} has {raw.size} bytes, not {numel} elements of {size}"
                )
            array = raw[: numel * size].view(kind.numpy)
            if archive.swapped:
                array = array.byteswap()
            storages[key] = place(Loaded(array, str(location)))
        return Stored(storages[key], kind)

    pickled = archive.read("data.pkl")
    return Unpickler(
        pickled, policy.find, policy.call, new_object, policy.build, persistent, encoding=encoding
    ).load()


def _placing(map_location: Any) -> Callable:
    """A function that moves a storage that was read to the device that `map_location` means."""
    if callable(map_location):

        def mapped(storage: Any) -> Any:
            return map_location(storage, storage.location) or _checked(storage)
    elif isinstance(map_location, dict):
        names = {str(key): str(value) for key, value in map_location.items()}

        def mapped(storage: Any) -> Any:
            storage.location = names.get(storage.location, storage.location)
            return _checked(storage)
    elif map_location is not None:
        where = str(torch.device(map_location))

        def mapped(storage: Any) -> Any:
            storage.location = where
            return _checked(storage)
    else:
        return _checked
    return mapped


def _checked(storage: Any) -> Any:
    kind = storage.location.partition(":")[0]
    if kind == "cuda" and not torch.cuda.is_available():
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If "
            "you are "
            "running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to "
            "map your "
            "storages to the CPU."
        )
    if kind not in ("cpu", "cuda", "meta"):
        raise RuntimeError(
            f"don't know how to restore data location of storage (tagged with {storage.location})"
        )
    return storage
