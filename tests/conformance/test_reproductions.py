"""The script that shows a NaN again does so on the real PyTorch, too: for ops of every kind, forward and
backward."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.protocol.event import NanTraced
from tests.end_to_end.driving import Driver

pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "resources" / "samples"
HEAD = """import torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)
x = torch.tensor([[4.0, 0.0, -1.0], [2.0, 3.0, 1.0]], requires_grad=True)
big = torch.full((2, 3), 3e38, requires_grad=True)
"""
RUNNER = """import runpy, sys
for path in sys.argv[1:]:
    print("===", path)
    runpy.run_path(path)
"""
FORWARD = [
    "x.log()",
    "x.sqrt()",
    "x / 0",
    "1 / x",
    "x / x",
    "x ** 0.5",
    "x ** (x * 40)",
    "(x * 100).exp()",
    "x.acos()",
    "x.atanh()",
    "x.log1p()",
    "x.rsqrt()",
    "x.reciprocal()",
    "x.lgamma()",
    "x.digamma()",
    "x.fmod(0.0)",
    "x.remainder(0.0)",
    "torch.xlogy(x, -x)",
    "big + big",
    "big - (-big)",
    "big * 3",
    "big * big",
    "big.sum()",
    "big.sum(1)",
    "big.mean()",
    "big.prod()",
    "big.cumsum(0)",
    "big.norm()",
    "big.square()",
    "x[:, :1].std(1)",
    "x[:, :1].var(1)",
    "big @ big.t()",
    "big.mv(big[0])",
    "big[0].dot(big[1])",
    "torch.addmm(torch.zeros(2), big, big.t())",
    "torch.bmm(big[None], big.t()[None])",
    "F.linear(big, big)",
    "F.conv2d(big[None, None], big[None, None])",
    "F.mse_loss(big, -big)",
    "F.mse_loss(big, -big, reduction='sum')",
    "F.softmax(x.masked_fill(x < 9, float('-inf')), 1)",
    "F.log_softmax(x.masked_fill(x < 9, float('-inf')), 0)",
    "torch.logsumexp(big * 10, 1)",
    "torch.addcmul(big, big, big)",
    "torch.addcdiv(x, x, x * 0)",
    "torch.hypot(big, big)",
    "torch.lerp(big, -big, 3.0)",
    "(x * 1e5).half()",
    "F.gelu(big * 10)",
    "F.avg_pool1d(big[None], 2)",
    "F.cosine_similarity(big, big)",
    "torch.linalg.det(torch.diag(big[0]))",
    "F.l1_loss(big, -big)",
    "torch.stack([big, big]).sum(0)",
]
BACKWARD = [
    "torch.where(x > 0, x.sqrt(), x * 0)",
    "torch.where(x > 0, 6 / x, x * 0)",
    "torch.where(x > 0, x.log(), x * 0)",
    "torch.where(x > 0, x ** 0.5, x * 0)",
    "torch.where(x > 0, (x * x.detach()).rsqrt(), x * 0)",
    "(x / 4).acos()[:, :1]",
    "torch.where(x > 0, x.square().sqrt(), x)",
    "torch.where(big > 0, big.exp(), big)",
    "(big * 1e-30).pow(2).sum() * 1e38",
    "((x - x) + x.detach()).square().sum(0).sqrt()[:0].sum() + (x * 0).sum(0).sqrt().sum()",
]


@pytest.fixture
def driver() -> Iterator[Driver]:
    made = Driver()
    yield made
    assert made.link.close()


def first_story(driver: Driver, path: Path, source: str) -> NanTraced:
    session = driver.open(path, source)
    session.explained.pop("nan", None)
    session.fetch_errors.pop("nan", None)
    driver.step()
    driver.step("end")
    session.explain("nan", "nan")
    driver.until(lambda: "nan" in session.explained or "nan" in session.fetch_errors)
    assert "nan" in session.explained, f"{source}: {session.fetch_errors}"
    told = session.explained["nan"]
    assert isinstance(told, NanTraced)
    return told


def printed(folder: Path, *engine: str) -> dict[str, str]:
    """What each script in the folders below prints, all run by one process."""
    runner = folder / "runner.py"
    runner.write_text(RUNNER, encoding="utf-8")
    scripts = sorted(str(p) for p in folder.glob("*/reproduction.py"))
    ran = subprocess.run(
        [sys.executable, *engine, str(runner), *scripts],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=600,
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr
    parts = ran.stdout.split("=== ")[1:]
    return {Path(head).parent.name: text for head, _, text in (p.partition("\n") for p in parts)}


def shown_on_both(stories: dict[str, NanTraced], folder: Path) -> None:
    """Run all reproductions on PyTorch and on the engine: each prints NaN or Inf."""
    names = {f"{at:02}": op for at, op in enumerate(stories)}
    missing = [op for op, told in stories.items() if "reproduction.py" not in told.files]
    assert not missing
    for name, op in names.items():
        (folder / name).mkdir()
        for file, data in stories[op].files.items():
            (folder / name / file).write_bytes(data)
    for engine in ((), ("-m", "engine")):
        told = printed(folder, *engine)
        silent = {op: told[n] for n, op in names.items() if "nan" not in told[n] and "inf" not in told[n]}
        assert not silent, (engine, silent)


def test_what_was_made_in_the_forward_is_made_again(driver: Driver, tmp_path: Path) -> None:
    stories = {}
    for op in FORWARD:
        stories[op] = first_story(driver, tmp_path / "a.py", f"{HEAD}y = {op}\ny.float().sum().backward()\n")
        assert stories[op].sentence.startswith("In the forward"), (op, stories[op].sentence)
    shown_on_both(stories, tmp_path)


def test_what_was_made_in_the_backward_is_made_again(driver: Driver, tmp_path: Path) -> None:
    stories = {}
    for op in BACKWARD:
        stories[op] = first_story(driver, tmp_path / "a.py", f"{HEAD}y = {op}\ny.sum().backward()\n")
    shown_on_both(stories, tmp_path)


def test_the_faults_of_the_samples_are_made_again(driver: Driver, tmp_path: Path) -> None:
    names = ("log_of_zero", "masked_division", "exploding_rnn")
    stories = {n: first_story(driver, tmp_path / "a.py", (SAMPLES / f"{n}.py").read_text()) for n in names}
    shown_on_both(stories, tmp_path)
