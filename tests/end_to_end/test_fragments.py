"""Every code fragment of the five documents runs, and prints what they say it prints.

Expected text is the documents' own; where they show an older PyTorch, PyTorch 2.13's (stored from it)."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FRAGMENTS = sorted(p.stem for p in (HERE / "fragments").glob("*.py"))
TEXTS = HERE.parent / "data" / "fragments.json"
"""What real PyTorch 2.13 prints for each from seed 0; made by make_fragment_texts.py."""
PYTORCHS = json.loads(TEXTS.read_text("utf-8")) if TEXTS.exists() else {}
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]\d+)?|-?\d+e[-+]\d+")


def masked(text: str) -> str:
    """A text without addresses."""
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def words_of(text: str) -> list[str]:
    """What stands between the decimal numbers."""
    return " ".join(NUMBER.sub("#", text).split()).split(" ")


def numbers_of(text: str) -> list[float]:
    """The decimal numbers of a text."""
    return [float(n) for n in NUMBER.findall(text)]

PRINTED = {
    "basic_1": ["tensor(2.)", "tensor(1.)"],
    "basic_3": ["[3, 4]"],
    "basic_4": ["torch.Size([3, 32, 32])"],
    "basic_6": ["torch.Size([64, 100])"],
    "basic_7": ["ResNet 122"],
    "notes_adding": ["torch.Size([2, 3]) tensor([[3., 3., 3.],"],
    "notes_autograd": [
        "tensor([[1., 1.],\n        [2., 2.]], requires_grad=True)",
        "tensor([[3., 3.],\n        [4., 4.]], grad_fn=<AddBackward0>)",
        "tensor([[27., 27.],\n        [48., 48.]], grad_fn=<MulBackward0>)",
        "tensor(37.5000, grad_fn=<MeanBackward0>)",
        "tensor([[4.5000, 4.5000],\n        [6.0000, 6.0000]])\nNone\nNone\nNone",
    ],
    "notes_network": [
        "(conv1): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))", "\n10\ntorch.Size([6, 1, 5, 5])\n",
        "grad_fn=<AddmmBackward0>)", "<MseLossBackward0 object at 0x",
    ],
    "notes_classifier": ["train Finished!"],
    "notes_prediction": ["Accuracy of the network on the 10000 test images:", "Accuracy of truck :"],
    "notes_device": ["dtype=torch.float64)"],
    "intro_quickstart": [
        "===> 0 , type: <class 'torch.nn.parameter.Parameter'> , size: torch.Size([6, 5]) , Parameter "
        "containing:",
        "tensor([ 0.1249,  0.4242,  0.2952, -0.4075, -0.4252, -0.2157],\n       requires_grad=True)",
        "epoch: 0, loss: 2.78025\nepoch: 1, loss: 1.22228\nepoch: 2, loss: 0.14918\nepoch: 3, loss: "
        "0.56846\n",
        "epoch: 98, loss: 6e-05\nepoch: 99, loss: 2e-05\n",
        "pred = tensor([[ 0.4057, -0.9840, -0.9035,  0.5389,  0.1093, -2.2489],\n"
        "        [ 0.6030, -0.1382,  0.8286, -0.2459, -0.8032,  0.2358]],\n       grad_fn=<AddmmBackward0>)",
    ],
    "intro_expand": ["tensor([[1, 2, 3, 4],\n        [1, 2, 3, 4]])\ntorch.Size([2, 4])"],
    "intro_threshold": ["tensor([[ 0,  0,  0,  0],\n        [11, 22, 33,  0]])"],
    "intro_item": ["RuntimeError a Tensor with 2 elements cannot be converted to Scalar\n[1.0, 2.0]"],
    "intro_no_grad": ["tensor([4.2000], grad_fn=<AddBackward0>)\ntensor([8.4000], grad_fn=<AddBackward0>)"],
    "tutorial_function": ["tensor([0., 0., 2.], grad_fn=<MyReLUBackward>)\ntensor([0., 1., 1.])"],
    "tutorial_clamp": ["tensor([-1.0000,  0.5000,  1.0000])"],
    "notebook": [
        "tensor([1., 2., 3., 4.])", "tensor([   10.0000,    21.5443,    46.4159,   100.0000,   215.4435,",
        "[100   2   3]", "tensor([[1., 1.],\n        [4., 3.]])",
        "tensor([[1., 2.],\n        [3., 2.]])",
    ],
}
RAISES = {
    # The document's data set has length 0; PyTorch refuses to shuffle it.
    "basic_5": "ValueError: num_samples should be a positive integer value, but got num_samples=0",
}


LOOPS = {"tutorial_by_hand", "tutorial_module", "tutorial_optim", "tutorial_sequential"}
"""Hundreds of iterations, each printed with all its digits."""


def write_cifar(folder: Path) -> None:
    """CIFAR-10's files in their official format, with a few random pictures of every class."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, n in [*((f"data_batch_{i}", 20) for i in range(1, 6)), ("test_batch", 40)]:
        entry = {
            "data": rng.integers(0, 256, (n, 3072), dtype=np.uint8),
            "labels": [i % 10 for i in range(n)],
        }
        (folder / name).write_bytes(pickle.dumps(entry, protocol=2))
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": names}, protocol=2))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder two below the data, as the documents expect, and PyTorch's cache with weights in it."""
    top = tmp_path_factory.mktemp("fragments")
    here = top / "tutorials" / "basics"
    write_cifar(top / "data" / "cifar-10-batches-py")
    write_cifar(here / "dataset" / "cifar-10-batches-py")
    cache = top / "torch" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    weights = ("import engine as torch; from engine.vision.models import resnet18; "
               f"torch.save(resnet18().state_dict(), {str(cache / 'resnet18-f37072fd.pth')!r})")
    subprocess.run([sys.executable, "-c", weights], check=True, cwd=ROOT)
    return here


def run(name: str, place: Path) -> subprocess.CompletedProcess[str]:
    env = dict(os.environ, TORCH_HOME=str(place.parents[1] / "torch"), PYTHONPATH=str(ROOT), MPLBACKEND="Agg",
               PYTHONIOENCODING="utf-8")
    return subprocess.run(
        [sys.executable, str(HERE / "run_fragment.py"), str(HERE / "fragments" / f"{name}.py")],
        cwd=place,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=500,
    )


@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_fragment_runs_and_prints_what_the_document_says(name: str, place: Path):
    done = run(name, place)
    if name in RAISES:
        assert RAISES[name] in done.stderr
        return
    assert done.returncode == 0, done.stderr
    for text in PRINTED.get(name, []):
        assert text in done.stdout, f"{text!r} is not in:\n{done.stdout}"
    if name in LOOPS:  # rounding in the last place grows over hundreds of steps
        assert words_of(masked(done.stdout)) == words_of(PYTORCHS[name])
        wanted = pytest.approx(numbers_of(PYTORCHS[name]), rel=2e-2, abs=1e-4)
        assert numbers_of(masked(done.stdout)) == wanted
    else:
        assert masked(done.stdout) == PYTORCHS[name]


def test_pytorchs_text_is_stored_for_every_fragment_that_it_runs():
    assert set(PYTORCHS) == set(FRAGMENTS) - set(RAISES)


def test_the_loader_with_workers_yields_every_item_once_an_epoch(place: Path):
    lines = run("intro_loader", place).stdout.splitlines()
    assert len(lines) == 6
    for epoch in range(3):
        both = " ".join(line.split("|batch x:")[1].split("|")[0] for line in lines[2 * epoch:2 * epoch + 2])
        numbers = sorted(float(x) for x in both.replace("[", " ").replace("]", " ").split())
        assert numbers == [float(i) for i in range(1, 11)]
