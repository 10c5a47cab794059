"""The format before PyTorch 1.6, read only: pickles one after the other, then the storages' bytes."""

from __future__ import annotations

from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

import numpy as np

from engine.serialization.allowed import Policy, Stored, new_object
from engine.serialization.storage import Loaded, StorageKind
from engine.serialization.unpickling import Unpickler

MAGIC = 0x1950A86A20F9469CFC6C


def load_legacy(data: bytes, policy: Policy, place: Callable[[Loaded], Loaded], encoding: str) -> Any:
    """The object in a file of the old format.

    Raises:
        UnpicklingError: it is damaged, or older still.
    """
    if data[257:262] == b"ustar":
        raise UnpicklingError(
            "the file has the tar format of PyTorch before 0.2; save it again with a later PyTorch"
        )
    storages: dict[str, Stored] = {}

    def persistent(pid: Any) -> Any:
        if type(pid) is not tuple or len(pid) not in (5, 6) or pid[0] != "storage":
            raise UnpicklingError("an unknown persistent id")
        _, kind, key, location, numel, *view = pid
        if not isinstance(kind, StorageKind) or type(key) is not str or type(numel) is not int:
            raise UnpicklingError("a storage without kind or key")
        if view and view[0] is not None:
            raise UnpicklingError("a storage that is part of another")
        if numel < 0 or numel * kind.numpy.itemsize > len(data):
            raise UnpicklingError(f"a storage of {numel} elements in a file of {len(data)} bytes")
        if key not in storages:
            array = np.zeros(numel, kind.numpy)
            storages[key] = Stored(place(Loaded(array, str(location))), kind)
        return storages[key]

    def one(start: int) -> tuple[Any, int]:
        u = Unpickler(data, policy.find, policy.call, new_object, policy.build, persistent, start, encoding)
        return u.load(), u.end

    magic, end = one(0)
    if magic != MAGIC:
        raise UnpicklingError("Invalid magic number; corrupt file?")
    version, end = one(end)
    if version != 1001:
        raise UnpicklingError(f"Invalid protocol version: {version}")
    about, end = one(end)
    big = type(about) is dict and about.get("little_endian") is False
    result, end = one(end)
    keys, end = one(end)
    for key in keys if type(keys) is list else []:
        stored = storages.get(key)
        if stored is None:
            raise UnpicklingError(f"a storage {key!r} that nothing uses")
        array = stored.loaded.array
        raw = data[end + 8 : end + 8 + array.nbytes]
        if len(raw) != array.nbytes or int.from_bytes(data[end : end + 8], "little") != array.size:
            raise UnpicklingError("the file ends before its storages do")
        array.view(np.uint8)[:] = np.frombuffer(raw, np.uint8)
        if big:
            array.byteswap(inplace=True)
        end += 8 + array.nbytes
    return result
