"""Breakpoints of every kind, with conditions in the terms of the screen and hit counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.session.breakpoint import Breakpoint
from app.session.session import Session
from tests.end_to_end.driving import Driver

GROWING = """import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
x, y = torch.randn(4, 2), torch.randn(4, 1)
for step in range(60):
    scale = 2.0 ** step
    h = x * scale
    out = model(h)
    loss = F.mse_loss(out * scale, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
LOGS = """import torch
w = torch.ones(3, requires_grad=True)
for step in range(6):
    x = w * (4.0 - step)
    z = x.log()
    loss = z.sum()
    w.grad = None
    loss.backward()
"""


@pytest.fixture
def growing(driver: Driver, tmp_path: Path) -> Driver:
    """A net whose gradients double and double."""
    driver.open(tmp_path / "a.py", GROWING)
    return driver


def run_to_stop(driver: Driver, *points: Breakpoint) -> Session:
    driver.session.set_breakpoints(points)
    driver.session.run()
    driver.to_stop()
    return driver.session


def norm_at(driver: Driver, node: str, what: str) -> float:
    return float(np.linalg.norm(driver.tensor(driver.node(node), what).astype(np.float64)))


def test_a_node_with_a_condition_on_its_gradient(growing: Driver) -> None:
    session = run_to_stop(growing, Breakpoint("node", "TanhBackward0", "grad.norm() > 10"))
    first = session.timeline.backward
    assert session.here.name == "TanhBackward0" and norm_at(growing, "TanhBackward0", "grad") > 10
    session.go_back_in_training(first - 1, "backward")
    growing.to_stop()
    session.run_to(node=growing.node("TanhBackward0"))
    growing.to_stop()
    assert norm_at(growing, "TanhBackward0", "grad") <= 10


def test_a_leaf_with_a_condition_on_the_gradient_that_arrives(growing: Driver) -> None:
    session = run_to_stop(growing, Breakpoint("parameter", "0.weight", "grad.abs().max() > 5"))
    assert session.here.name == "0.weight"
    arrived = growing.tensor(session.here.id, "incoming:0")
    assert np.abs(arrived).max() > 5
    first = session.timeline.backward
    session.go_back_in_training(first - 1, "backward")
    growing.to_stop()
    session.run_to(node=growing.node("0.weight"))
    growing.to_stop()
    assert np.abs(growing.tensor(growing.node("0.weight"), "incoming:0")).max() <= 5


def test_a_leaf_with_a_condition_on_its_own_value(growing: Driver) -> None:
    session = run_to_stop(growing, Breakpoint("node", "2.bias", "self.abs().max() > 1e3"))
    assert session.here.name == "2.bias"
    assert np.abs(growing.tensor(session.here.id, "value")).max() > 1e3


def test_an_op_of_the_forward_with_a_condition_on_its_input(growing: Driver) -> None:
    session = run_to_stop(growing, Breakpoint("op", "mul", "self.abs().max() * 0 + scale > 100"))
    assert (session.standing.phase, session.standing.line, session.standing.backward) == ("forward", 10, 7)
    session = run_to_stop(growing, Breakpoint("op", "tanh", "self.abs().max() > 1e3"))
    assert session.standing.line == 11
    assert np.abs(growing.tensor(-1, "self")).max() > 1e3


def test_a_composite_op_by_its_name(growing: Driver) -> None:
    session = run_to_stop(growing, Breakpoint("op", "linear", hits=3))
    assert (session.standing.text, session.standing.backward) == ("op linear", 1)
    assert session.forward[-1].op == "linear" and session.forward[-1].module == "2"


def test_a_module_with_a_condition_on_its_input(growing: Driver) -> None:
    session = run_to_stop(growing, Breakpoint("module", "2", "iteration == 5 and input.abs().max() <= 1"))
    assert (session.standing.text.split(" if ")[0], session.standing.backward) == ("module 2", 5)
    assert growing.tensor(-1, "input").shape == (4, 3)
    session = run_to_stop(growing, Breakpoint("module", "Linear", "input.abs().max() > 1000"))
    assert np.abs(growing.tensor(-1, "input")).max() > 1000


@pytest.mark.parametrize(("hits", "backward"), [(0, 0), (1, 1), (9, 9)])
def test_hit_counts_let_a_breakpoint_pass_so_often(growing: Driver, hits: int, backward: int) -> None:
    session = run_to_stop(growing, Breakpoint("op", "TanhBackward0", hits=hits))
    assert session.timeline.backward == backward
    session = run_to_stop(growing, Breakpoint("line", "12", hits=hits))
    assert session.standing.backward == backward + 1 + hits


def test_hits_count_only_where_the_condition_holds(growing: Driver) -> None:
    session = run_to_stop(growing, Breakpoint("parameter", "0.bias", "iteration >= 4", hits=2))
    assert session.timeline.backward == 6


def test_an_iteration_and_the_condition_that_means_the_same(growing: Driver) -> None:
    session = run_to_stop(growing, Breakpoint("iteration", "4"))
    assert (session.timeline.backward, session.timeline.position) == (4, 0)
    session = run_to_stop(growing, Breakpoint("node", "0", "iteration == 40"))
    assert (session.timeline.backward, session.timeline.position) == (40, 0)


def test_lines_of_the_forward_of_backward_and_of_the_optimizer(growing: Driver) -> None:
    for line, phase in ((10, "forward"), (14, "backward"), (15, "optimizer")):
        session = run_to_stop(growing, Breakpoint("line", str(line), "step == 3 or step == 5"))
        assert (session.standing.why, session.standing.phase) == ("breakpoint", phase)
        session = run_to_stop(growing, Breakpoint("line", str(line), "step == 3 or step == 5"))
        assert session.standing.phase == phase
        session.stop()
        growing.until(lambda: session.state == "ended")


def test_a_line_is_stopped_at_once_in_each_pass(growing: Driver) -> None:
    seen = []
    for _ in range(4):
        session = run_to_stop(growing, Breakpoint("line", "11"))
        seen.append((session.standing.line, session.standing.backward))
    assert seen == [(11, n) for n in range(4)]


def test_a_nan_by_a_condition_and_by_its_own_kind(driver: Driver, tmp_path: Path) -> None:
    driver.open(tmp_path / "a.py", LOGS)
    session = run_to_stop(driver, Breakpoint("line", "5", "isnan(result)"))
    assert (session.standing.line, session.standing.backward) == (5, 5)
    assert np.isnan(driver.tensor(-1, "result")).all()
    session = driver.open(tmp_path / "a.py")
    session = run_to_stop(driver, Breakpoint("nan", ""))
    assert (session.standing.why, session.standing.backward) == ("nan", 4)
    assert session.standing.line == 5 and session.standing.text.startswith("log")


def test_a_condition_that_cannot_be_worked_out_never_stops(growing: Driver) -> None:
    session = run_to_stop(growing, Breakpoint("line", "10", "nothing_of_the_kind > 3"))
    assert session.state == "ended"


def test_breakpoints_do_not_stop_a_run_that_goes_back_and_count_again_afterwards(growing: Driver) -> None:
    session = run_to_stop(growing, Breakpoint("line", "10"), Breakpoint("iteration", "8"))
    session.set_breakpoints([Breakpoint("iteration", "8")])
    session.run()
    growing.to_stop()
    session.set_breakpoints([Breakpoint("line", "10")])
    session.go_back_in_training(6, "backward")
    growing.to_stop()
    assert (session.timeline.backward, session.timeline.position) == (6, 0)
    session.run()
    growing.to_stop()
    assert (session.standing.line, session.standing.backward) == (10, 7)
