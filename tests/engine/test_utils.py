"""torch.utils: checkpointing, TensorBoard's files, timers. Expected: the plain run, known vectors."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

import pytest

import engine as torch
from engine.utils import benchmark
from engine.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential
from engine.utils.tensorboard import SummaryWriter
from engine.utils.tensorboard.event_file import masked_crc, varint


def gradients(run: Any) -> list[list[float]]:
    torch.manual_seed(4)
    model = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.Dropout(0.5), torch.nn.Tanh(), torch.nn.Linear(4, 2)
    )
    x = torch.ones(5, 3, requires_grad=True)
    y = run(model, x)
    torch.rand(1)
    (y * y).sum().backward()
    return [x.grad.tolist(), *(p.grad.tolist() for p in model.parameters()), torch.rand(2).tolist()]


@pytest.mark.parametrize("run", [
    lambda model, x: checkpoint(model, x, use_reentrant=False),
    lambda model, x: checkpoint(model, x, use_reentrant=True),
    lambda model, x: checkpoint_sequential(model, 2, x, use_reentrant=False),
    lambda model, x: checkpoint_sequential(model, 4, x, use_reentrant=True),
])  # fmt: skip
def test_a_checkpointed_network_has_the_gradients_of_the_plain_one(run: Any) -> None:
    assert gradients(run) == gradients(lambda model, x: model(x))


def test_a_checkpointed_part_runs_twice_and_stops_when_it_has_enough() -> None:
    runs = []

    def part(x: Any) -> Any:
        runs.append("start")
        y = x.exp().sin()
        runs.append("end")
        return y

    x = torch.ones(2, requires_grad=True)
    checkpoint(part, x, use_reentrant=False).sum().backward()
    assert runs[:3] == ["start", "end", "start"]


def test_a_second_run_that_differs_is_told() -> None:
    sizes = iter([2, 3])

    def part(x: Any) -> Any:
        return (x * torch.ones(next(sizes), 1)).exp().sum()

    x = torch.ones(1, requires_grad=True)
    y = checkpoint(part, x, use_reentrant=False)
    with pytest.raises(CheckpointError, match="different metadata"):
        y.backward()


def test_checkpoint_asks_for_the_kind_as_pytorch_does() -> None:
    with pytest.warns(UserWarning, match="the use_reentrant parameter should be passed explicitly"):
        checkpoint(lambda x: x * 2, torch.ones(1, requires_grad=True))


def records(path: Path) -> list[bytes]:
    raw, at, found = path.read_bytes(), 0, []
    while at < len(raw):
        (length,) = struct.unpack_from("<Q", raw, at)
        assert struct.unpack_from("<I", raw, at + 8)[0] == masked_crc(raw[at : at + 8])
        event = raw[at + 12 : at + 12 + length]
        assert struct.unpack_from("<I", raw, at + 12 + length)[0] == masked_crc(event)
        found.append(event)
        at += 16 + length
    return found


def fields(message: bytes) -> dict[int, list]:
    """A protocol-buffer message, read by its own rules."""
    at, found = 0, {}

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while at < len(message):
        key = number()
        kind = key & 7
        if kind == 0:
            value: Any = number()
        else:
            length = {1: 8, 5: 4}.get(kind) or number()
            value = message[at : at + length]
            at += length
            value = struct.unpack({1: "<d", 5: "<f"}[kind], value)[0] if kind in (1, 5) else value
        found.setdefault(key >> 3, []).append(value)
    return found


def test_the_checksum_is_crc_32c() -> None:
    crc = 0xE3069283  # of "123456789", in every list of check values
    assert masked_crc(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert varint(300) == b"\xac\x02"  # the example of the format's own description


def test_what_is_written_for_tensorboard_can_be_read(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "run") as writer:
        writer.add_scalar("loss", torch.tensor(0.5), 3)
        writer.add_histogram("weights", torch.tensor([0.0, 1.0, 1.0, -2.0]), 4)
        writer.add_image("picture", torch.ones(3, 2, 5), 5)
        writer.add_text("note", "*ä*")
        with pytest.warns(UserWarning, match="add_graph writes nothing"):
            writer.add_graph(None)
    (path,) = (tmp_path / "run").iterdir()
    assert path.name.startswith("events.out.tfevents.")
    events = [fields(event) for event in records(path)]
    assert events[0][3] == [b"brain.Event:2"]
    values = [fields(fields(event[5][0])[1][0]) for event in events[1:]]
    assert [event.get(2) for event in events[1:]] == [[3], [4], [5], None]
    assert (values[0][1], values[0][2]) == ([b"loss"], [0.5])
    histogram = fields(values[1][5][0])
    assert [histogram[k][0] for k in (1, 2, 3, 4, 5)] == [-2.0, 1.0, 4.0, 0.0, 6.0]
    counts = struct.unpack(f"<{len(histogram[7][0]) // 8}d", histogram[7][0])
    assert len(histogram[6][0]) == len(histogram[7][0])
    assert sum(counts) == 4
    picture = fields(values[2][4][0])
    assert (picture[1], picture[2], picture[3], picture[4][0][:4]) == ([2], [5], [3], b"\x89PNG")
    assert fields(values[3][8][0])[8] == ["*ä*".encode()]


def test_a_timer_says_how_long_a_statement_takes() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = benchmark.Timer(
            "x.sum()", globals={"x": torch.ones(3)}, label="sum", sub_label="three"
        ).timeit(20)
    assert (found.number_per_run, len(found.times)) == (20, 1)
    assert found.median == found.mean > 0
    assert repr(found).split("\n")[1] == "sum: three"
    assert repr(found).endswith("1 measurement, 20 runs , 1 thread")
    many = benchmark.Timer("pass").blocked_autorange(min_run_time=0.01)
    assert len(many.times) > 1
    assert "IQR:" in repr(many)


def test_weights_are_taken_from_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save({"w": torch.ones(2)}, folder / "net-12345678.pth")
    from engine import hub

    assert hub.load_state_dict_from_url("https://nowhere.invalid/net-12345678.pth")["w"].tolist() == [
        1.0,
        1.0,
    ]
    with pytest.raises(NotImplementedError, match=r"torch.hub.load would run code from a repository"):
        hub.load("a/b", "c")


def test_a_tree_is_taken_apart_and_put_together() -> None:
    from engine.utils._pytree import tree_flatten, tree_map, tree_unflatten

    tree = {"a": [1, (2, 3)], "b": {"c": 4}}
    leaves, spec = tree_flatten(tree)
    assert leaves == [1, 2, 3, 4]
    assert tree_unflatten(leaves, spec) == tree
    assert tree_map(lambda a, b: a + b, tree, tree) == {"a": [2, (4, 6)], "b": {"c": 8}}
