"""The zip file around a checkpoint: one pickle, one file for each storage."""

from __future__ import annotations

import sys
import zipfile
import zlib
from typing import Any

import numpy as np

_ALIGNMENT = 64
_UNUSABLE = "PytorchStreamReader failed reading zip archive: "


class ArchiveWriter:
    """Writes the files of a checkpoint, uncompressed, each storage at a multiple of 64 bytes."""

    def __init__(self, file: Any, name: str) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self._name = name
        self._check = [0, 0]

    def add(self, name: str, data: Any) -> None:
        """Add one file."""
        entry = zipfile.ZipInfo(f"{self._name}/{name}", (1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_STORED
        start = getattr(self._zip, "start_dir", 0) + 30 + len(entry.filename.encode())
        padding = -(start + 4) % _ALIGNMENT
        entry.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
        self._zip.writestr(entry, data)
        self._check = [
            zlib.crc32(name.encode(), self._check[0]),
            (self._check[1] * 31 + entry.CRC) & 0xFFFFFFFF,
        ]

    def close(self) -> None:
        """Add what every checkpoint has, and end the file."""
        names, contents = self._check
        self.add("version", b"3\n")
        self.add(".data/serialization_id", f"{names:020d}{contents:020d}".encode())
        self._zip.close()


class ArchiveReader:
    """Reads the files of a checkpoint.

    Raises:
        RuntimeError: the zip file is damaged, or is no checkpoint.
    """

    def __init__(self, file: Any, mapped: np.ndarray | None = None) -> None:
        self._file = file
        self._mapped = mapped
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as e:
            raise RuntimeError(f"{_UNUSABLE}failed finding central directory: {e}") from e
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            self._entries.setdefault(entry.filename.partition("/")[2], entry)
        if "data.pkl" not in self._entries:
            hint = " It holds a TorchScript program." if "code/__torch__.py" in self._entries else ""
            raise RuntimeError(f"{_UNUSABLE}there is no data.pkl in it, so it is no checkpoint.{hint}")
        order = (
            self.read("byteorder").decode("ascii", "replace") if "byteorder" in self._entries else "little"
        )
        self.swapped = order in ("little", "big") and order != sys.byteorder

    def _entry(self, name: str) -> zipfile.ZipInfo:
        entry = self._entries.get(name)
        if entry is None:
            raise RuntimeError(f"{_UNUSABLE}there is no {name} in it")
        if entry.compress_type != zipfile.ZIP_STORED:
            raise RuntimeError(f"{_UNUSABLE}{name} is compressed, which checkpoints never are")
        return entry

    def read(self, name: str) -> bytes:
        """The bytes of one file, checked."""
        entry = self._entry(name)
        try:
            return self._zip.read(entry)
        except Exception as e:  # whatever a damaged zip file makes of the library
            raise RuntimeError(f"{_UNUSABLE}{name} cannot be read: {e}") from e

    def array(self, name: str) -> np.ndarray:
        """The bytes of one file as an array: a window on a mapped file, else memory of its own."""
        entry = self._entry(name)
        if self._mapped is None:
            return np.frombuffer(bytearray(self.read(name)), np.uint8)
        head = bytes(self._mapped[entry.header_offset : entry.header_offset + 30])
        if len(head) < 30 or head[:4] != b"PK\x03\x04":
            raise RuntimeError(f"{_UNUSABLE}{name} is not where the directory says")
        start = (
            entry.header_offset
            + 30
            + int.from_bytes(head[26:28], "little")
            + int.from_bytes(head[28:30], "little")
        )
        part = self._mapped[start : start + entry.file_size]
        if part.size != entry.file_size:
            raise RuntimeError(f"{_UNUSABLE}{name} is cut off")
        return part
