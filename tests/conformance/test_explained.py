"""What is told of the faulty samples, held against what PyTorch computes for the same script."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from app.look.theme import RESOURCES
from tests.end_to_end.driving import Driver

SAMPLES = RESOURCES / "samples"
FAN = """import torch
torch.manual_seed(0)
w = torch.randn(64, 3, requires_grad=True)
h = (w * 2).tanh()
h.retain_grad()
a, b, c = h * 0.1, h * 0.7, h.sin()
loss = (a + b * c + c).sum()
loss.backward()
"""


@pytest.fixture
def driver() -> Iterator[Driver]:
    made = Driver()
    yield made
    assert made.link.close()


def real(source: str) -> dict[str, Any]:
    """The script's variables after PyTorch ran it."""
    space: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, "script", "exec"), space)
    return space


def test_the_sums_in_a_leaf_are_pytorchs_to_the_last_bit(driver: Driver) -> None:
    path = SAMPLES / "forgotten_zero_grad.py"
    noted = path.read_text().replace(
        "    loss.backward()\n", "    loss.backward()\n    seen.append(w.grad.item())\n"
    )
    theirs = real("seen = []\n" + noted)["seen"]
    session = driver.open(path)
    session.run_to(backward=9)
    driver.to_stop()
    driver.step("end")
    answer = driver.explain("accumulation", "w")
    ours = [part.total.mean for part in answer.contributions if part.source == -1]
    assert ours + [answer.contributions[-1].total.mean] == theirs[:10]


def test_the_sum_at_a_fan_in_is_pytorchs(driver: Driver, tmp_path: Path) -> None:
    driver.open(tmp_path / "fan.py", FAN)
    driver.step("iteration")
    driver.step("end")
    total = driver.explain("accumulation", "h").contributions[-1].total
    theirs = real(FAN)["h"].grad.numpy().astype(np.float64)
    known = (total.min, total.max, total.norm)
    np.testing.assert_allclose(known, (theirs.min(), theirs.max(), np.linalg.norm(theirs)), rtol=1e-6)


def test_the_share_of_dead_units_is_pytorchs(driver: Driver) -> None:
    path = SAMPLES / "dead_relu.py"
    theirs = (real(path.read_text())["active"] <= 0).all(0).float().mean().item()
    session = driver.open(path)
    session.run_to(backward=19)
    driver.to_stop()
    driver.step("end")
    assert driver.explain("gradient", "hidden.weight").reasons[0].value == theirs


def test_where_we_say_none_pytorch_has_none(driver: Driver) -> None:
    path = SAMPLES / "detached.py"
    space = real(path.read_text())
    driver.open(path)
    driver.step("iteration")
    driver.step("end")
    for name in ("encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"):
        module, _, parameter = name.partition(".")
        theirs = getattr(space[module], parameter).grad
        assert (driver.explain("gradient", name).verdict == "none") == (theirs is None)
