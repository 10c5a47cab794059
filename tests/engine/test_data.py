"""Loaders, samplers and data sets give what PyTorch's give, draw by draw. Expected: make_optim_data.py."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine as torch
from engine.utils import data
from tests.engine import loader_cases

STORED = json.loads((Path(__file__).parent.parent / "data" / "loader.json").read_text())
ROOT = Path(__file__).parents[2]


def test_every_loader_gives_pytorchs_batches_in_pytorchs_order() -> None:
    found = json.loads(json.dumps(loader_cases.run(torch, data)))
    assert list(found) == list(STORED)
    for name in STORED:
        assert found[name] == STORED[name], name


def test_old_scripts_call_next_on_the_iterator() -> None:
    iterator = iter(data.DataLoader(data.TensorDataset(torch.arange(4)), batch_size=2))
    assert iterator.next()[0].tolist() == [0, 1]
    assert next(iterator)[0].tolist() == [2, 3]
    with pytest.raises(StopIteration):
        iterator.next()


class Broken(data.Dataset):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __len__(self) -> int:
        return 4

    def __getitem__(self, i: int) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [KeyError("nothing"), ValueError("bad")])
def test_a_workers_error_comes_with_its_traceback(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        list(data.DataLoader(Broken(error), num_workers=1))
    text = str(caught.value)
    assert text.startswith(
        f"Caught {type(error).__name__} in DataLoader worker process 0.\nOriginal Traceback"
    )
    assert "__getitem__" in text


def test_a_worker_that_dies_is_reported_and_not_waited_for() -> None:
    class Dying(data.Dataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, i: int) -> Any:
            import os

            os._exit(3)

    with pytest.raises(RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly"):
        list(data.DataLoader(Dying(), num_workers=1))


def test_no_worker_is_left_behind_when_a_pass_is_broken_off() -> None:
    iterator = iter(data.DataLoader(data.TensorDataset(torch.arange(100)), num_workers=2))
    next(iterator)
    workers = iterator._workers
    del iterator
    assert not any(worker.is_alive() for worker in workers)


def test_workers_need_no_main_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import torch\nfrom torch.utils.data import DataLoader, TensorDataset\n"
        "for (x,) in DataLoader(TensorDataset(torch.arange(4.0)), batch_size=2, num_workers=2):\n    "
        "print(x)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "engine", str(script)], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert done.stdout == "tensor([0., 1.])\ntensor([2., 3.])\n", done.stderr


def test_collate_keeps_the_kind_of_containers() -> None:
    Point = namedtuple("Point", "x y")
    batch = data.default_collate([{"p": Point(1, 2.0), "t": (np.float32(1), "a")}] * 2)
    assert isinstance(batch["p"], Point)
    assert batch["p"].x.dtype == torch.int64
    assert batch["p"].y.dtype == torch.float64
    assert batch["t"][0].dtype == torch.float32
    assert batch["t"][1] == ("a", "a")
    with pytest.raises(TypeError, match="default_collate: batch must contain tensors"):
        data.default_collate([object()])
    with pytest.raises(RuntimeError, match="each element in list of batch should be of equal size"):
        data.default_collate([[1, 2], [1]])


def test_data_sets_are_made_of_others() -> None:
    a, b = data.TensorDataset(torch.arange(3)), data.TensorDataset(torch.arange(3) + 10)
    assert (a + b)[4][0].item() == 11
    assert (a + b)[-1][0].item() == 12
    assert len(a + b) == 6
    stacked = data.StackDataset(left=a, right=b)
    assert {key: value[0].item() for key, value in stacked[1].items()} == {"left": 1, "right": 11}
    assert [value[0].item() for value in data.Subset(a, [2, 0]).__getitems__([0, 1])] == [2, 0]


def test_options_that_contradict_each_other_are_refused() -> None:
    pairs = data.TensorDataset(torch.arange(4))
    for options, message in [
        ({"num_workers": -1}, "num_workers option should be non-negative"),
        (
            {"sampler": data.SequentialSampler(pairs), "shuffle": True},
            "sampler option is mutually exclusive",
        ),
        ({"batch_sampler": [[0]], "batch_size": 3}, "batch_sampler option is mutually exclusive"),
        ({"batch_size": 0}, "batch_size should be a positive integer value, but got batch_size=0"),
        ({"prefetch_factor": 2}, "prefetch_factor option could only be specified in multiprocessing"),
        ({"persistent_workers": True}, "persistent_workers option needs num_workers > 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            data.DataLoader(pairs, **options)
    loader = data.DataLoader(pairs)
    with pytest.raises(
        ValueError, match="batch_size attribute should not be set after DataLoader is initialized"
    ):
        loader.batch_size = 3


def test_each_process_gets_its_own_share() -> None:
    pairs = data.TensorDataset(torch.arange(7))
    shares = [list(data.DistributedSampler(pairs, 2, rank, shuffle=False)) for rank in (0, 1)]
    assert shares == [[0, 2, 4, 6], [1, 3, 5, 0]]
