"""Batches of messages as frames, for pipes and for recorded runs alike.

A stream is a header (magic, major, minor), then frames: length and CRC-32 (little-endian, 4 bytes each), then
a MessagePack array of messages, each a tagged array. Nothing in it can run code when it is read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Union

import msgspec

from engine.protocol import VERSION
from engine.protocol import event as happened
from engine.protocol import request as ask

MAGIC = b"GRADWALK"
BATCH_EVENTS = 512
"""A batch has at most this many messages."""
FRAME_BYTES_MAX = 1 << 30
_HEADER = struct.Struct("<8sHH")
_FRAME = struct.Struct("<II")
HEADER_BYTES = _HEADER.size

_EVENTS = tuple(
    kind
    for kind in vars(happened).values()
    if isinstance(kind, type)
    and issubclass(kind, happened.Event)
    and kind not in (happened.Event, happened.UnknownEvent)
)
_REQUESTS = tuple(
    kind
    for kind in vars(ask).values()
    if isinstance(kind, type) and issubclass(kind, ask.Request) and kind is not ask.Request
)
_encoder = msgspec.msgpack.Encoder()
_batch_of_raw = msgspec.msgpack.Decoder(list[msgspec.Raw])
_one_event = msgspec.msgpack.Decoder(Union[_EVENTS])
_batch_of_events = msgspec.msgpack.Decoder(list[Union[_EVENTS]])  # type: ignore[valid-type]
_batch_of_requests = msgspec.msgpack.Decoder(list[Union[_REQUESTS]])  # type: ignore[valid-type]


class ProtocolError(Exception):
    """What is wrong with a stream or a recorded run, in words for the person who opened it."""


class VersionError(ProtocolError):
    """The stream was written by another major version."""


class CorruptError(ProtocolError):
    """Bytes that are not what the protocol says they are."""


def header() -> bytes:
    """The bytes that begin every stream."""
    return _HEADER.pack(MAGIC, *VERSION)


def check_header(data: bytes, what: str = "This file") -> tuple[int, int]:
    """The (major, minor) of a stream that begins with `data`. Raises: CorruptError, VersionError."""
    if len(data) < HEADER_BYTES or not data.startswith(MAGIC):
        raise CorruptError(f"{what} is not a Gradwalk recording: it does not begin with {MAGIC.decode()}.")
    _, major, minor = _HEADER.unpack_from(data)
    if major != VERSION[0]:
        age = "newer" if major > VERSION[0] else "older"
        todo = "Update Gradwalk to read it." if major > VERSION[0] else "Record it again with this version."
        raise VersionError(
            f"{what} is written in protocol {major}.{minor}, {age} than this Gradwalk's "
            f"{VERSION[0]}.{VERSION[1]}. {todo}"
        )
    return major, minor


def encode_batch(messages: Iterable[happened.Event | ask.Request]) -> bytes:
    """One frame that holds these messages."""
    payload = _encoder.encode(list(messages))
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def encode_batches(messages: list[Any]) -> Iterator[bytes]:
    """Frames of at most `BATCH_EVENTS` messages each."""
    for start in range(0, len(messages), BATCH_EVENTS):
        yield encode_batch(messages[start : start + BATCH_EVENTS])


def decode_events(payload: bytes | memoryview) -> list[happened.Event]:
    """The events of one frame; kinds this reader does not know become UnknownEvent. Raises: CorruptError."""
    try:
        return _batch_of_events.decode(payload)
    except msgspec.MsgspecError:
        pass
    try:
        return [_decode_event(raw) for raw in _batch_of_raw.decode(payload)]
    except msgspec.MsgspecError as error:
        raise CorruptError(f"A batch of events cannot be read: {error}") from None


def decode_requests(payload: bytes | memoryview) -> list[ask.Request]:
    """The requests of one frame. Raises: CorruptError."""
    try:
        return _batch_of_requests.decode(payload)
    except msgspec.MsgspecError as error:
        raise CorruptError(f"A batch of requests cannot be read: {error}") from None


def _decode_event(raw: msgspec.Raw) -> happened.Event:
    try:
        return _one_event.decode(raw)
    except msgspec.MsgspecError:
        fields = msgspec.msgpack.decode(raw)
        kind = str(fields[0]) if isinstance(fields, list) and fields else "?"
        text = repr(fields[1:] if isinstance(fields, list) else fields)
        return happened.UnknownEvent(kind, text[:2000])


class FrameReader:
    """Cuts a stream of bytes, fed in pieces of any size, into payloads."""

    def __init__(self, what: str = "The stream", headed: bool = True) -> None:
        self._buffer = bytearray()
        self._what = what
        self._headed = not headed
        self.version: tuple[int, int] | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that `data` completes. Raises: CorruptError, VersionError."""
        buffer = self._buffer
        buffer += data
        start = 0
        if not self._headed:
            if len(buffer) < HEADER_BYTES:
                return []
            self.version = check_header(bytes(buffer[:HEADER_BYTES]), self._what)
            self._headed = True
            start = HEADER_BYTES
        payloads = []
        while len(buffer) - start >= _FRAME.size:
            length, crc = _FRAME.unpack_from(buffer, start)
            if length > FRAME_BYTES_MAX:
                raise CorruptError(f"{self._what} is corrupted: a frame claims {length:,} bytes.")
            end = start + _FRAME.size + length
            if len(buffer) < end:
                break
            payload = bytes(memoryview(buffer)[start + _FRAME.size : end])
            if zlib.crc32(payload) != crc:
                raise CorruptError(f"{self._what} is corrupted: a frame's checksum is wrong.")
            payloads.append(payload)
            start = end
        del buffer[:start]
        return payloads

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that is not complete yet."""
        return len(self._buffer)


class Decoder:
    """Turns a stream of bytes into events."""

    def __init__(self, what: str = "The stream", headed: bool = True) -> None:
        self._frames = FrameReader(what, headed)

    def feed(self, data: bytes) -> list[happened.Event]:
        """The events that `data` completes. Raises: CorruptError, VersionError."""
        events: list[happened.Event] = []
        for payload in self._frames.feed(data):
            events += decode_events(payload)
        return events


class RunWriter:
    """Writes a recorded run: a header, then frames as they come."""

    def __init__(self, path: str | Path) -> None:
        self._file: BinaryIO = open(path, "wb")
        self._file.write(header())

    def write(self, events: list[happened.Event]) -> None:
        """Keep these events; they are on disk even if the writer dies right after."""
        for frame in encode_batches(events):
            self._file.write(frame)
        self._file.flush()

    def write_payload(self, payload: bytes) -> None:
        """Keep a batch that is already encoded."""
        self._file.write(_FRAME.pack(len(payload), zlib.crc32(payload)) + payload)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class RunFile:
    """A recorded run's frames: their places in the file, found once at open.

    message: what is wrong with the end of the file, in words, or ''. Raises: OSError, CorruptError,
    VersionError."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.message = ""
        self._file: BinaryIO = open(path, "rb")
        try:
            self.version = check_header(self._file.read(HEADER_BYTES), self.path.name)
            self._places = self._scan()
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        return len(self._places)

    def payload(self, number: int) -> bytes:
        """The bytes of frame `number`. Raises: CorruptError where its checksum is wrong."""
        offset, length, crc = self._places[number]
        self._file.seek(offset)
        payload = self._file.read(length)
        if len(payload) != length or zlib.crc32(payload) != crc:
            raise CorruptError(f"{self.path.name} is corrupted in frame {number} of {len(self._places)}.")
        return payload

    def events(self, number: int) -> list[happened.Event]:
        """The events of frame `number`. Raises: CorruptError."""
        return decode_events(self.payload(number))

    def cut(self, number: int, message: str) -> None:
        """Take the file as ending before frame `number`, for this reason."""
        del self._places[number:]
        self.message = message

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _scan(self) -> list[tuple[int, int, int]]:
        size = self.path.stat().st_size
        places: list[tuple[int, int, int]] = []
        offset = HEADER_BYTES
        while offset < size:
            self._file.seek(offset)
            head = self._file.read(_FRAME.size)
            if len(head) < _FRAME.size:
                self.message = f"{self.path.name} is cut off: it ends within a frame."
                break
            length, crc = _FRAME.unpack(head)
            offset += _FRAME.size
            if length > FRAME_BYTES_MAX:
                self.message = f"{self.path.name} is corrupted after frame {len(places)}; shown up to there."
                break
            if offset + length > size:
                self.message = (
                    f"{self.path.name} is cut off: its last frame is incomplete; shown up to there."
                )
                break
            places.append((offset, length, crc))
            offset += length
        return places
