"""Storages: a tensor's memory as a flat row of bytes or elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from engine.core import device as devices
from engine.core import dtype as dt
from engine.core.shape import address


def flat(root: np.ndarray) -> np.ndarray:
    """An array that owns memory, as one row in the order of that memory."""
    return root.reshape(-1, order="A" if root.flags.f_contiguous else "C")


class UntypedStorage:
    """Memory as bytes: torch.UntypedStorage."""

    __module__ = "torch.storage"

    def __init__(self, *args: Any, device: Any = None, dtype: Any = None) -> None:
        size = args[0] if args else 0
        self._root = np.zeros(size, np.uint8) if isinstance(size, int) else np.array(list(size), np.uint8)

    @classmethod
    def _on(cls, root: np.ndarray) -> UntypedStorage:
        made = object.__new__(cls)
        made._root = root
        return made

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """A file's bytes, read when they are needed; with `shared`, changes go to the file."""
        if nbytes == 0:
            return cls()
        return cls._on(np.memmap(filename, np.uint8, "r+" if shared else "c", shape=(int(nbytes),)))

    @property
    def _bytes(self) -> np.ndarray:
        return flat(self._root).view(np.uint8)

    def array(self, kind: dt.dtype) -> np.ndarray:
        """The memory as elements of a type."""
        return self._bytes.view(kind.numpy)

    def nbytes(self) -> int:
        """Units: bytes."""
        return self._root.nbytes

    def size(self) -> int:
        """Units: bytes."""
        return self._root.nbytes

    __len__ = nbytes

    def element_size(self) -> int:
        """1: the elements are bytes."""
        return 1

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return address(self._root)

    @property
    def device(self) -> devices.device:
        """Where it lives."""
        return devices.cpu

    is_cuda = False

    def __getitem__(self, at: Any) -> Any:
        got = self._bytes[at]
        return UntypedStorage._on(got) if isinstance(at, slice) else int(got)

    def __setitem__(self, at: Any, value: Any) -> None:
        self._bytes[at] = value

    def __iter__(self) -> Iterator[int]:
        return iter(self._bytes.tolist())

    def tolist(self) -> list[int]:
        """The bytes as a list."""
        return self._bytes.tolist()

    def clone(self) -> UntypedStorage:
        """A copy."""
        return UntypedStorage._on(self._root.copy())

    def untyped(self) -> UntypedStorage:
        """This storage."""
        return self

    _untyped = untyped

    def cpu(self) -> UntypedStorage:
        """This storage: it is on the CPU."""
        return self

    def resize_(self, size: int) -> UntypedStorage:
        """Other memory of this many bytes, with what fits of the old."""
        fresh = np.zeros(size, np.uint8)
        fresh[:self._bytes.size] = self._bytes[:size]
        self._root = fresh
        return self

    def fill_(self, value: int) -> UntypedStorage:
        """Set every byte."""
        self._bytes[...] = value
        return self

    def copy_(self, source: Any, non_blocking: bool | None = None) -> UntypedStorage:
        """Overwrite with another storage's bytes."""
        self._bytes[...] = source._bytes
        return self

    def share_memory_(self) -> UntypedStorage:
        """This storage."""
        return self

    def __repr__(self) -> str:
        rows = "".join(f" {b}\n" for b in self.tolist())
        return f"{rows}[torch.storage.UntypedStorage(device=cpu) of size {self.nbytes()}]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr() \
            and self.nbytes() == other.nbytes()

    def __hash__(self) -> int:
        return self.data_ptr()


class TypedStorage:
    """Memory as elements of one type: torch.TypedStorage."""

    __module__ = "torch.storage"

    def __init__(self, *args: Any, wrap_storage: Any = None, dtype: Any = None, device: Any = None,
                 _internal: bool = False) -> None:
        self.dtype = dtype or dt.default.dtype
        if wrap_storage is not None:
            self._root = wrap_storage.array(self.dtype)
        else:
            size = args[0] if args else 0
            kind = self.dtype.numpy
            self._root = np.zeros(size, kind) if isinstance(size, int) else np.array(list(size), kind)

    @classmethod
    def _on(cls, root: np.ndarray, kind: dt.dtype) -> TypedStorage:
        made = object.__new__(cls)
        made._root, made.dtype = root, kind
        return made

    def array(self, kind: dt.dtype | None = None) -> np.ndarray:
        """The elements in a row."""
        return flat(self._root).view((kind or self.dtype).numpy)

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage._on(self._root)

    _untyped_storage = property(untyped)

    def size(self) -> int:
        """The number of elements."""
        return self.array().size

    __len__ = _size = size

    def nbytes(self) -> int:
        """Units: bytes."""
        return self._root.nbytes

    def element_size(self) -> int:
        """Bytes of an element."""
        return self.dtype.itemsize

    def data_ptr(self) -> int:
        """The address of the first element."""
        return address(self._root)

    @property
    def device(self) -> devices.device:
        """Where it lives."""
        return devices.cpu

    is_cuda = False

    def __getitem__(self, at: Any) -> Any:
        got = self.array()[at]
        return got.tolist() if isinstance(at, slice) else got.item()

    def __setitem__(self, at: Any, value: Any) -> None:
        self.array()[at] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.array().tolist())

    def tolist(self) -> list:
        """The elements as a list."""
        return self.array().tolist()

    def fill_(self, value: Any) -> TypedStorage:
        """Set every element."""
        self.array()[...] = value
        return self

    def clone(self) -> TypedStorage:
        """A copy."""
        return TypedStorage._on(self._root.copy(), self.dtype)

    def cpu(self) -> TypedStorage:
        """This storage: it is on the CPU."""
        return self

    def pickle_storage_type(self) -> str:
        """The class name that checkpoints use: FloatStorage."""
        return self.dtype._tensor_name.replace("Tensor", "Storage")

    def __repr__(self) -> str:
        rows = "\n".join(f" {v}" for v in self.tolist())
        return f"{rows}\n[torch.storage.TypedStorage(dtype={self.dtype}, device=cpu) of size {self.size()}]"
