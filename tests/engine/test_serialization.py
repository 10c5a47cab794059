"""Checkpoints: PyTorch's files are read, ours come back, and no file runs code. Files: make_optim_data.py."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import random
import resource
import subprocess
import sys
import zipfile
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine as torch
from engine import serialization

FILES = Path(__file__).parent.parent / "data" / "checkpoints"
EXPECTED = json.loads((FILES / "expected.json").read_text())
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["training.pt", "old_format.pt"])
def test_a_training_state_of_pytorch_is_read(name: str) -> None:
    state = torch.load(FILES / name)
    assert list(state["model"]) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert isinstance(state["model"], OrderedDict)
    assert state["model"]["0.weight"].tolist() == EXPECTED["weight"]
    assert state["optimizer"]["state"][0]["exp_avg"].tolist() == EXPECTED["moment"]
    assert state["turned"].stride() == (1, 4)
    assert (state["half"].dtype, state["brain"].dtype, state["wave"].dtype) == (
        torch.float16,
        torch.bfloat16,
        torch.complex64,
    )
    assert (state["brain"].tolist(), state["wave"].tolist()) == ([1.0, 3.0], [1 + 2j])
    assert (state["flag"].tolist(), state["unsigned"].tolist()) == ([True, False], [1, 65535])
    assert (state["dtype"], state["size"], state["device"]) == (torch.float16, (2, 3), torch.device("cpu"))
    assert isinstance(state["weight"], torch.nn.Parameter)
    assert (state["epoch"], state["losses"], state["name"]) == (3, [0.5, 0.25], "run")
    state["row"][0] = 100
    assert state["base"][1, 0].item() == 100  # one storage, as when it was saved


def test_a_whole_module_of_pytorch_is_read_and_runs() -> None:
    model = torch.load(FILES / "module.pt")
    assert repr(model[0][0]) == "Linear(in_features=4, out_features=3, bias=True)"
    assert model[0][0].weight.tolist() == EXPECTED["weight"]
    assert model[0](torch.ones(2, 4)).shape == (2, 2)
    with pytest.raises(
        pickle.UnpicklingError, match="GLOBAL torch.nn.modules.container.Sequential was not an allowed"
    ):
        torch.load(FILES / "module.pt", weights_only=True)


def test_a_mapped_file_gives_the_same_values() -> None:
    state = torch.load(FILES / "training.pt", mmap=True)
    assert state["model"]["0.weight"].tolist() == EXPECTED["weight"]
    state["base"][0, 0] = -7  # a private copy of the page
    assert torch.load(FILES / "training.pt")["base"][0, 0].item() == 0


def test_everything_a_checkpoint_holds_comes_back(tmp_path: Path) -> None:
    base = torch.arange(12).reshape(3, 4).float()
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Linear(3, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    optimizer.step()
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "whole": model,
        "base": base,
        "row": base[1],
        "turned": base.t(),
        "spread": torch.ones(1).expand(5),
        "scalar": torch.tensor(3.5),
        "none": torch.empty(0, 3),
        "text": "ä\n",
        "big": 2**70,
        "small": -(2**40),
        "nested": [1, (2.5, None), {True, "x"}],
        "bytes": b"\x00\xff",
        "counter": Counter({3: 2}),
        "default": defaultdict(list, {"a": [1]}),
        "number": np.float64(0.25),
        "leaf": torch.ones(2, requires_grad=True),
        "dtype": torch.int8,
        "complex": 1 + 2j,
    }
    path = tmp_path / "state.pt"
    torch.save(state, path)
    for back in (torch.load(path), torch.load(path, mmap=True)):
        for key in ("base", "row", "turned", "spread", "scalar", "none", "leaf"):
            assert back[key].tolist() == state[key].tolist(), key
            assert back[key].dtype == state[key].dtype
            assert back[key].requires_grad == state[key].requires_grad
        for key in (
            "text",
            "big",
            "small",
            "nested",
            "bytes",
            "counter",
            "default",
            "number",
            "dtype",
            "complex",
        ):
            assert back[key] == state[key], key
            assert type(back[key]) is type(state[key])
        assert back["turned"].stride() == (1, 4)
        assert repr(back["whole"]) == repr(model)
        assert back["whole"][0].weight.tolist() == model[0].weight.tolist()
        optimizer.load_state_dict(back["optimizer"])
        assert model.load_state_dict(back["model"]).missing_keys == []
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist()[:4] == [
            "state/data.pkl",
            "state/.format_version",
            "state/.storage_alignment",
            "state/byteorder",
        ]
        raw = path.read_bytes()
        for entry in archive.infolist():
            if "/data/" in entry.filename:
                head = raw[entry.header_offset + 26 : entry.header_offset + 30]
                lengths = int.from_bytes(head[:2], "little") + int.from_bytes(head[2:], "little")
                assert (entry.header_offset + 30 + lengths) % 64 == 0


def test_memory_is_saved_once_and_shared_again() -> None:
    base = torch.zeros(1000)
    file = io.BytesIO()
    torch.save([base, base[10:], base.view(10, 100)], file)
    assert len(file.getvalue()) < 6000
    file.seek(0)
    a, b, c = torch.load(file)
    a[10] = 5
    assert (b[0].item(), c[0, 10].item()) == (5, 5)


def test_a_script_saves_and_loads_its_own_module_whole(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.fc = torch.nn.Linear(2, 2)\n"
        "    def forward(self, x):\n"
        "        return self.fc(x)\n"
        "net = Net()\n"
        "torch.save(net, 'net.pkl')\n"
        "again = torch.load('net.pkl')\n"
        "print(type(again).__name__, torch.equal(again(torch.ones(1, 2)), net(torch.ones(1, 2))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "engine", "script.py"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "Net True\n", done.stderr


def test_safetensors_are_written_and_read_by_their_own_library(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import torch\n"
        "from safetensors.torch import load_file, safe_open, save_file\n"
        "t = {'w': torch.arange(6.0).reshape(2, 3), 'b': torch.ones(2, dtype=torch.bfloat16)}\n"
        "save_file(t, 'x.safetensors', metadata={'by': 'hand'})\n"
        "back = load_file('x.safetensors')\n"
        "print(back['w'], back['b'].dtype)\n"
        "with safe_open('x.safetensors', 'pt') as f:\n"
        "    print(sorted(f.keys()), f.metadata(), f.get_slice('w')[:1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "engine", "script.py"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == (
        "tensor([[0., 1., 2.],\n        [3., 4., 5.]]) torch.bfloat16\n"
        "['b', 'w'] {'by': 'hand'} tensor([[0., 1., 2.]])\n"
    ), done.stderr


class Hostile:
    def __init__(self, call: Any, *args: Any) -> None:
        self.how = call, args

    def __reduce__(self) -> tuple:
        return self.how


def checkpoint_of(pickled: bytes) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
    file.seek(0)
    return file


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (Hostile(os.system, "true"), "posix.system"),
        (Hostile(eval, "1"), "builtin__.eval|builtins.eval"),
        (Hostile(exec, "1"), "builtin__.exec|builtins.exec"),
        (Hostile(getattr, "", "join"), "getattr"),
        (Hostile(subprocess.Popen, ["true"]), "Popen"),
        (Hostile(__import__, "os"), "import"),
        (Hostile(torch.load, "x"), "torch|engine"),
        (Hostile(defaultdict, os.getcwd), "getcwd"),
        (Hostile(bytearray, 10**12), "bytes"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_what_a_checkpoint_may_not_hold_is_refused_by_name(thing: Hostile, name: str, protocol: int) -> None:
    for file in (
        checkpoint_of(pickle.dumps({"x": thing}, protocol)),
        io.BytesIO(pickle.dumps(thing, protocol)),
    ):
        with pytest.raises(pickle.UnpicklingError, match=name):
            torch.load(file)


def test_a_class_that_may_be_held_may_still_not_be_called() -> None:
    with pytest.raises(pickle.UnpicklingError, match="wants to call .*Linear"):
        torch.load(checkpoint_of(b"ctorch.nn.modules.linear\nLinear\n(K\x01K\x01tR."))


def test_a_script_may_declare_a_class_safe() -> None:
    file = checkpoint_of(pickle.dumps(Path("a/b"), 2))
    with pytest.raises(pickle.UnpicklingError, match="PosixPath"):
        torch.load(file)
    file.seek(0)
    with torch.serialization.safe_globals([type(Path())]):
        assert torch.load(file) == Path("a/b")


def test_a_tensor_may_not_reach_beyond_its_storage() -> None:
    raw = (FILES / "training.pt").read_bytes()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        files = {entry: archive.read(entry) for entry in archive.namelist()}
    # base is saved as (3, 4) with strides (4, 1): K\x03K\x04 is its size
    assert files["training/data.pkl"].count(b"K\x03K\x04\x86") >= 1
    files["training/data.pkl"] = files["training/data.pkl"].replace(b"K\x03K\x04\x86", b"K\xffK\xff\x86")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for entry, content in files.items():
            archive.writestr(entry, content)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="reaches element"):
        torch.load(file)


def test_a_thousand_damaged_files_give_errors_and_run_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a damaged file ran code")

    for where, what in [(os, "system"), (subprocess, "Popen"), (pickle, "loads"), (pickle, "load")]:
        monkeypatch.setattr(where, what, forbidden)
    for name in ("eval", "exec"):
        monkeypatch.setattr(f"builtins.{name}", forbidden)
    limit = resource.getrlimit(resource.RLIMIT_AS)
    random.seed(2)
    whole = {name: (FILES / name).read_bytes() for name in ("training.pt", "old_format.pt", "module.pt")}
    for raw in whole.values():
        torch.load(io.BytesIO(raw))
    outcomes: Counter = Counter()
    try:
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, limit[1]))
        for round_ in range(1200):
            name = random.choice(list(whole))
            raw = bytearray(whole[name])
            how = round_ % 4
            if how == 0:
                del raw[random.randrange(len(raw)) :]
            elif how == 1:
                for _ in range(random.randint(1, 20)):
                    raw[random.randrange(len(raw))] = random.randrange(256)
            elif how == 2:
                at = random.randrange(len(raw))
                raw[at:at] = random.randbytes(random.randint(1, 30))
            elif name == "old_format.pt":
                at = random.randrange(0, 1200)
                raw[at] = random.randrange(256)
            else:  # the pickle inside, with a zip file around it that is sound
                with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                    files = {entry: archive.read(entry) for entry in archive.namelist()}
                file = io.BytesIO()
                with zipfile.ZipFile(file, "w") as archive:
                    for entry, content in files.items():
                        if entry.endswith("data.pkl"):
                            damaged = bytearray(content)
                            for _ in range(random.randint(1, 4)):
                                damaged[random.randrange(len(damaged))] = random.randrange(256)
                            content = bytes(damaged)
                        archive.writestr(entry, content)
                raw = bytearray(file.getvalue())
            try:
                torch.load(io.BytesIO(bytes(raw)))
                outcomes["read"] += 1
            except (pickle.UnpicklingError, RuntimeError, EOFError) as e:
                assert str(e)
                outcomes[type(e).__name__] += 1
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
    assert sum(outcomes.values()) == 1200
    assert outcomes["read"] < 600  # a changed weight is no damage that one could see


def test_map_location_says_where_tensors_go() -> None:
    for where in ("cpu", torch.device("cpu"), {"cpu": "cpu"}, lambda storage, location: storage):
        assert torch.load(FILES / "training.pt", map_location=where)["base"].device.type == "cpu"


def test_a_missing_folder_and_an_empty_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Parent directory .*none does not exist"):
        torch.save(1, tmp_path / "none" / "x.pt")
    with pytest.raises(EOFError, match="Ran out of input"):
        torch.load(io.BytesIO(b""))
    with pytest.raises(FileNotFoundError):
        torch.load(tmp_path / "nothing.pt")
    with pytest.raises(RuntimeError, match="PytorchStreamReader failed reading zip archive"):
        torch.load(io.BytesIO((FILES / "training.pt").read_bytes()[:2000]))


def test_tensors_and_modules_are_copied_and_pickled() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    model[0].weight.grad = torch.ones(2, 2)
    twin = copy.deepcopy(model)
    assert twin[0].weight.tolist() == model[0].weight.tolist()
    assert twin[0].weight.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    with torch.no_grad():
        twin[0].weight.zero_()
    assert model[0].weight.abs().sum().item() > 0
    t = torch.arange(6).reshape(2, 3).t()
    for value in (
        t,
        torch.ones(2, dtype=torch.bfloat16),
        torch.nn.Parameter(torch.ones(2), requires_grad=False),
    ):
        back = pickle.loads(pickle.dumps(value))
        assert back.tolist() == value.tolist()
        assert (back.dtype, type(back), back.requires_grad) == (
            value.dtype,
            type(value),
            value.requires_grad,
        )
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(torch.ones(2, requires_grad=True) * 2)


def test_the_reader_knows_each_opcode_that_carries_data() -> None:
    values = [
        None,
        True,
        7,
        -3,
        70000,
        2**80,
        1.5,
        "text",
        "ä" * 300,
        b"raw",
        b"x" * 300,
        bytearray(b"abc"),
        [1, [2]],
        (),
        (1,),
        (1, 2),
        (1, 2, 3),
        (1, 2, 3, 4),
        {"a": {"b": 1}},
        {1, 2},
        frozenset({3}),
        OrderedDict(a=1),
        1 + 2j,
        slice(1, 2),
        range(3),
    ]
    for protocol in range(6):
        for value in values:
            file = checkpoint_of(pickle.dumps(value, protocol))
            assert serialization.load(file, encoding="latin1") == value, (protocol, value)
