"""TensorBoard's event file: records of protocol-buffer events, each with its checksums."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterable
from typing import Any


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def masked_crc(data: bytes) -> int:
    """The checksum of a record: CRC-32C, rotated and shifted as the format wants it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value: int) -> bytes:
    """An integer as protocol buffers write it."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, value: Any) -> bytes:
    """One field of a message: int, float (double), bytes, text, or a list of doubles."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, (list, tuple)):
        value = struct.pack(f"<{len(value)}d", *value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def single(number: int, value: float) -> bytes:
    """A field of single precision."""
    return varint(number << 3 | 5) + struct.pack("<f", value)


class EventFile:
    """A file of events in a folder, opened with the first line that readers look for."""

    def __init__(self, folder: str, suffix: str = "") -> None:
        os.makedirs(folder, exist_ok=True)
        who = f"{socket.gethostname()}.{os.getpid()}.{id(self) % 1000}"
        name = f"events.out.tfevents.{int(time.time()):010d}.{who}"
        self.path = os.path.join(folder, name + suffix)
        self._file = open(self.path, "ab")
        self._record(field(1, time.time()) + field(3, "brain.Event:2"))

    def _record(self, event: bytes) -> None:
        length = struct.pack("<Q", len(event))
        self._file.write(length + struct.pack("<I", masked_crc(length)))
        self._file.write(event + struct.pack("<I", masked_crc(event)))

    def add(self, values: Iterable[bytes], step: int | None, when: float | None) -> None:
        """Write one event with these summary values."""
        summary = b"".join(field(1, value) for value in values)
        event = field(1, time.time() if when is None else float(when))
        if step is not None:
            event += field(2, int(step))
        self._record(event + field(5, summary))

    def flush(self) -> None:
        """Have everything on the disk."""
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        self._file.close()
