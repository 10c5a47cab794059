"""What is written is what is read; what is damaged is said in words, and all before it is kept."""

from __future__ import annotations

import struct
import typing

import msgspec
import pytest

from engine.protocol import VERSION
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.protocol.framing import (
    HEADER_BYTES,
    MAGIC,
    CorruptError,
    Decoder,
    FrameReader,
    RunFile,
    RunWriter,
    VersionError,
    decode_events,
    decode_requests,
    encode_batch,
    encode_batches,
    header,
)
from tests.protocol.samples import run

FILLING = {
    str: "a",
    int: 3,
    float: 1.5,
    bool: True,
    bytes: b"\x00\xff",
    tuple[int, int]: (1, 0),
}


def filled(kind: type) -> object:
    """A struct of this kind with something in every field that must be given."""
    values = []
    hints = typing.get_type_hints(kind)
    for field in msgspec.structs.fields(kind):
        if field.default is not msgspec.NODEFAULT or field.default_factory is not msgspec.NODEFAULT:
            break
        hint = hints[field.name]
        values.append(FILLING.get(hint, () if typing.get_origin(hint) is tuple else 1))
    return kind(*values)


EVENTS = [
    k
    for k in vars(happened).values()
    if isinstance(k, type)
    and issubclass(k, happened.Event)
    and k is not happened.Event
    and k is not happened.UnknownEvent
]
REQUESTS = [
    k
    for k in vars(ask).values()
    if isinstance(k, type) and issubclass(k, ask.Request) and k is not ask.Request
]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda k: k.__name__)
def test_every_event_comes_back_as_it_was_sent(kind: type) -> None:
    sent = filled(kind)
    frame = encode_batch([sent])
    assert decode_events(frame[8:]) == [sent]


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda k: k.__name__)
def test_every_request_comes_back_as_it_was_sent(kind: type) -> None:
    sent = filled(kind)
    assert decode_requests(encode_batch([sent])[8:]) == [sent]


def test_a_stream_may_come_in_pieces_of_any_size() -> None:
    batches = run()
    data = header() + b"".join(encode_batch(b) for b in batches)
    for size in (1, 3, 7, 64, 1000, len(data)):
        decoder = Decoder()
        got = [e for start in range(0, len(data), size) for e in decoder.feed(data[start : start + size])]
        assert got == [e for b in batches for e in b]


def test_large_batches_are_cut_to_512_messages() -> None:
    frames = list(encode_batches([happened.RunResumed()] * 1300))
    assert [len(decode_events(f[8:])) for f in frames] == [512, 512, 276]


def test_a_kind_from_a_newer_minor_version_is_kept_as_unknown() -> None:
    payload = msgspec.msgpack.encode(
        [["RunResumed"], ["MoonRose", 3, "full"], ["RunEnded", 0, 0.5, "added later"]]
    )
    got = decode_events(payload)
    assert got[0] == happened.RunResumed()
    assert got[1] == happened.UnknownEvent("MoonRose", "[3, 'full']")
    assert got[2] == happened.RunEnded(0, 0.5)


def test_another_major_version_is_refused_in_words() -> None:
    newer = struct.pack("<8sHH", MAGIC, VERSION[0] + 1, 3)
    with pytest.raises(
        VersionError, match=r"protocol 2\.3, newer than this Gradwalk's 1\.1\. Update Gradwalk"
    ):
        Decoder("It").feed(newer)


def test_what_is_no_stream_is_refused_in_words() -> None:
    with pytest.raises(CorruptError, match="is not a Gradwalk recording"):
        Decoder().feed(b"import torch\nprint(1)\n")


def test_a_flipped_bit_is_noticed() -> None:
    frame = bytearray(encode_batch([happened.TextPrinted("stdout", "hello")]))
    frame[-1] ^= 1
    with pytest.raises(CorruptError, match="checksum"):
        FrameReader(headed=False).feed(bytes(frame))


def test_a_frame_that_claims_to_be_huge_is_refused() -> None:
    with pytest.raises(CorruptError, match="claims"):
        FrameReader(headed=False).feed(struct.pack("<II", 1 << 31, 0))


def test_a_written_run_is_read_back(tmp_path) -> None:
    path = tmp_path / "a.run"
    writer = RunWriter(path)
    for batch in run():
        writer.write(batch)
    writer.close()
    file = RunFile(path)
    assert file.message == ""
    assert [e for n in range(len(file)) for e in file.events(n)] == [e for b in run() for e in b]
    file.close()


def test_a_run_cut_anywhere_gives_all_before_the_cut(tmp_path) -> None:
    whole = tmp_path / "whole.run"
    writer = RunWriter(whole)
    ends = [HEADER_BYTES]
    for batch in run():
        writer.write(batch)
        ends.append(whole.stat().st_size)
    writer.close()
    data = whole.read_bytes()
    for cut in range(HEADER_BYTES, len(data)):
        path = tmp_path / "cut.run"
        path.write_bytes(data[:cut])
        file = RunFile(path)
        assert len(file) == sum(end <= cut for end in ends[1:])
        assert bool(file.message) == (cut not in ends)
        file.close()


def test_nothing_in_a_stream_is_ever_unpickled() -> None:
    import engine.protocol.framing as framing

    assert "pickle" not in vars(framing)
    with pytest.raises(CorruptError):
        decode_events(b"\x80\x04\x95")
