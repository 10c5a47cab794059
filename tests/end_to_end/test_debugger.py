"""Stopping where it matters: modules, lines, NaN, optimizers; changing what is found there; and ending it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.session.breakpoint import Breakpoint
from tests.end_to_end.driving import Driver
from tests.end_to_end.scripts import QUICKSTART, regression

MLP = """import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
x = torch.randn(3, 4)
for step in range(5):
    loss = model(x).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def test_a_breakpoint_on_a_module_stops_before_its_forward(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", MLP)
    session.set_breakpoints([Breakpoint("module", "Tanh", "iteration == 2")])
    session.run()
    driver.to_stop()
    assert (session.standing.why, session.standing.phase) == ("breakpoint", "forward")
    assert (session.standing.line, session.standing.backward) == (8, 2)
    session.set_breakpoints([Breakpoint("module", "2")])
    session.run()
    driver.to_stop()
    assert session.standing.text == "module 2" and session.standing.backward == 2


def test_stepping_over_a_module_runs_all_its_nodes(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", MLP)
    driver.step()
    while session.here.name != "AddmmBackward0":
        driver.step()
    inside = session.here.module
    driver.step("over")
    assert session.here.name == "TanhBackward0" and session.here.module != inside


@pytest.mark.parametrize(
    ("body", "op", "line"),
    [
        ("y = x.log()\nz = y * 2\nw = z.sum()\n", "log", 2),
        ("y = x / x\nz = torch.where(x > 0, y, x).sum()\nw = z\n", "div", 2),
        ("y = x * 2\nz = (y * 1e38 * 10).exp()\nw = z.sum()\n", "mul", 3),
    ],
)
def test_the_op_that_makes_a_nan_is_named(
    driver: Driver, tmp_path: Path, body: str, op: str, line: int
) -> None:
    source = "import torch; x = torch.tensor([2.0, 0.0], requires_grad=True)\n" + body + "w.backward()\n"
    session = driver.open(tmp_path / "a.py", source)
    session.set_breakpoints([Breakpoint("nan", "")])
    session.run()
    driver.to_stop()
    assert (session.standing.why, session.standing.phase, session.standing.line) == ("nan", "forward", line)
    assert session.standing.text.startswith(op)


def test_an_activation_is_changed_in_the_forward(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression(3))
    session.set_breakpoints([Breakpoint("op", "tanh")])
    session.run()
    driver.to_stop()
    session.set_value("edit", -1, "result", "zeros")
    session.set_breakpoints([])
    driver.step("iteration")
    assert not driver.tensor(driver.node("TanhBackward0"), "value").any()
    y = driver.tensor(driver.node("y"), "value")
    assert np.isclose(session.timeline.current.value, np.mean(y.astype(np.float64) ** 2))


def test_a_learning_rate_is_changed_on_the_way(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "quickstart.py", QUICKSTART)
    driver.step()
    driver.step("optimizer")
    assert session.optimizer.lr == (0.1,)
    session.set_value("edit", -1, "lr", "lr / 4")
    driver.step("optimizer")
    assert session.optimizer.lr == (0.025,) and session.edited


def test_a_run_that_stands_can_be_ended(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression())
    driver.step()
    session.stop()
    driver.until(lambda: session.state == "ended")


def test_a_wrong_breakpoint_is_said_so_and_the_others_stand(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression())
    session.set_breakpoints([Breakpoint("op", "x", "import os"), Breakpoint("iteration", "3")])
    session.run()
    driver.to_stop()
    assert session.timeline.backward == 3 and session.timeline.position == 0
    assert "is not an expression" in session.fetch_errors["breakpoints"]


def test_a_sleeping_script_is_paused_when_it_wakes_and_stopped_at_once(
    driver: Driver, tmp_path: Path
) -> None:
    session = driver.open(tmp_path / "a.py", "import time\nprint('on', flush=True)\ntime.sleep(60)\n")
    session.run()
    driver.until(lambda: len(session.console))
    session.pause()
    session.stop()
    driver.until(lambda: session.state == "ended", 20)


def test_a_forward_alone_can_be_paused(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", "import torch\nx = torch.ones(3)\nwhile True:\n    y = x * 2\n")
    session.run()
    driver.until(lambda: session.started)
    session.pause()
    driver.to_stop()
    assert (session.state, session.standing.phase, session.standing.line) == ("paused", "forward", 4)
