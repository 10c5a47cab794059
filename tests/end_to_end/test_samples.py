"""Samples run and say what they say under PyTorch (stored from PyTorch 2.13)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "resources" / "samples"

PRINTED = {
    "digits_mlp": [
        "1500 digits to learn from, 297 kept back; guessing: 5.7% right",
        "epoch 0: loss 0.7767, 83.8% of the digits kept back are read right",
        "epoch 7: loss 0.0687, 89.9% of the digits kept back are read right",
        "a 6, read as 1 (96% sure)\n        ##      \n      --%%..    \n",
    ],
    "digits_convolution": [
        "epoch 0: mean loss 1.4240, 74.1% right, learning rate 0.1559",
        "What the first layer looks for",
    ],
    "digits_classifier": ["[1,   125] loss: 2.300\n[1,   250] loss: 2.265", "Finished training", "Right: "],
    "digits_finetuning": ["Learning 0 to 4: loss 0.0171\n  90.5% right\nBefore: 20.1% of 5 to 9 right"],
    "digits_autoencoder": ["epoch 3: mean square error 0.0553", "epoch 19: mean square error 0.0199"],
    "learning_rate": [
        "iteration 199: learning rate 0.0000                      loss 0.0145",
        "iteration  39: learning rate 0.2000 #################### loss 0.0345",
    ],
    "save_and_load": [
        "trained to a loss of 0.4718",
        "in train mode\n  tensor([-0.4305, -1.1532,  0.0163]) \n  tensor([-0.3236, -0.5479, -0.0219])",
        "in eval mode\n  tensor([-0.3770, -0.5808, -0.0283]) \n  tensor([-0.3770, -0.5808, -0.0283])",
        "the same: True",
    ],
    "no_grad": [
        "tensor([4.2000], grad_fn=<AddBackward0>)\ntensor([8.4000], grad_fn=<AddBackward0>)",
        "half of the gradient, by detach: tensor(5.)\nall of it:                       tensor(10.)",
    ],
    "tensor_tour": [
        "one memory: [100   2   3] tensor([100,   2,   3])",
        "464.1589,\n         1000.0000,  2154.4346,  4641.5889, 10000.0000])",
        "its gradient counts how often each was picked\n tensor([[2., 0.],\n        [1., 1.]])",
    ],
}


@pytest.mark.parametrize("name", list(PRINTED))
def test_a_sample_prints_what_pytorch_prints(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine", str(SAMPLES / f"{name}.py")],
        capture_output=True, text=True, encoding="utf-8", cwd=ROOT, timeout=300, check=False,
    )
    assert done.returncode == 0, done.stderr
    for text in PRINTED[name]:
        assert text in done.stdout, f"{text!r} is not in:\n{done.stdout}"


def test_the_list_of_samples_names_files_that_are_there() -> None:
    listed = [entry["file"] for entry in json.loads((SAMPLES / "samples.json").read_text(encoding="utf-8"))]
    assert len(listed) == len(set(listed))
    there = {p.name for p in SAMPLES.glob("*.py")} - {"digits.py"}
    assert set(listed) == there
