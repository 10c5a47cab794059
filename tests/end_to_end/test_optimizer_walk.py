"""An optimizer's step is walked parameter by parameter, and its updates are told while the script runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.session.optimizer_walk import name_of
from tests.end_to_end.driving import Driver

MOMENTUM = """import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
x, y = torch.randn(8, 3), torch.randn(8, 1)
for step in range(STEPS):
    loss = (model(x) - y).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
NAMES = ["0.weight", "0.bias", "2.weight", "2.bias"]


@pytest.fixture
def at_step(driver: Driver, tmp_path: Path) -> Driver:
    """At the second step of the optimizer."""
    driver.open(tmp_path / "a.py", MOMENTUM.replace("STEPS", "5"))
    driver.step("optimizer")
    driver.step("optimizer")
    return driver


def test_the_keys_go_from_parameter_to_parameter_and_back(at_step: Driver) -> None:
    session = at_step.session
    walk = session.optimizer_walk
    assert [change.name for change in walk.changes] == NAMES
    seen = [walk.current.name]
    for kind in ("node", "node", "node", "back", "back", "end", "start"):
        session.step(kind)
        assert session.state == "paused"
        seen.append(walk.current.name)
    assert seen == [NAMES[i] for i in (0, 1, 2, 3, 2, 1, 3, 0)]
    session.step("end")
    at_step.step("op")
    assert session.standing.phase == "forward" and session.optimizer_walk is None


def test_momentum_is_what_the_formula_says_for_every_parameter(at_step: Driver) -> None:
    session = at_step.session
    walk = session.optimizer_walk
    before_last = {}
    for name in NAMES:
        momentum = at_step.tensor(-1, name_of(name, "momentum_buffer"))
        grad = at_step.tensor(-1, name_of(name, "grad"))
        before, after = (at_step.tensor(-1, name_of(name, part)) for part in ("before", "after"))
        assert np.allclose(after, before - np.float32(0.1) * momentum, atol=1e-7)
        assert np.array_equal(at_step.tensor(-1, name_of(name, "change")), after - before)
        change = walk.changes[walk.find(name)]
        assert np.isclose(change.grad.norm, np.linalg.norm(grad), rtol=1e-5)
        assert np.isclose(change.state["momentum_buffer"].norm, np.linalg.norm(momentum), rtol=1e-5)
        walk.show(walk.find(name))
        assert np.isclose(walk.ratio, np.linalg.norm(after - before) / np.linalg.norm(before), rtol=1e-3)
        told = [part for part, _, _ in walk.parts()]
        assert told == ["before", "grad", "change", "after", "momentum_buffer"]
        before_last[name] = (momentum, after)
    at_step.step("optimizer")
    for name in NAMES:
        momentum, after = before_last[name]
        assert np.array_equal(at_step.tensor(-1, name_of(name, "before")), after)
        now = at_step.tensor(-1, name_of(name, "momentum_buffer"))
        grad = at_step.tensor(-1, name_of(name, "grad"))
        assert np.allclose(now, np.float32(0.9) * momentum + grad, atol=1e-6)


def test_back_from_the_first_parameter_is_the_end_of_the_backward(at_step: Driver) -> None:
    session = at_step.session
    grad = at_step.tensor(-1, "0.weight.grad")
    before = at_step.tensor(-1, "0.weight.before")
    at_step.step("back")
    assert (session.standing.phase, session.timeline.backward) == ("backward", 1)
    assert session.timeline.position == session.timeline.current.count
    leaf = at_step.node("0.weight")
    assert np.array_equal(at_step.tensor(leaf, "leaf_grad"), grad)
    assert np.array_equal(at_step.tensor(leaf, "value"), before)


def test_a_weight_is_changed_at_the_step_and_the_run_goes_on_from_it(at_step: Driver) -> None:
    session = at_step.session
    session.set_value("edit", -1, "2.bias", "zeros")
    assert not at_step.tensor(-1, "2.bias").any() and session.edited
    at_step.step("iteration")
    assert not at_step.tensor(at_step.node("2.bias"), "value").any()


def test_a_line_breakpoint_on_the_step_stops_there(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", MOMENTUM.replace("STEPS", "5"))
    session.toggle_breakpoint("line", "11", "iteration == 3")
    session.run()
    driver.to_stop()
    assert (session.standing.why, session.standing.phase) == ("breakpoint", "optimizer")
    assert session.standing.line == 11 and session.optimizer.step == 3
    assert [change.name for change in session.optimizer_walk.changes] == NAMES


def test_updates_are_told_now_and_then_while_somebody_watches(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", MOMENTUM.replace("STEPS", "1_000_000"))
    session.run()
    seen: set[float] = set()

    def enough() -> bool:
        if "0.weight" in session.changes:
            seen.add(session.changes["0.weight"].after.norm)
        return len(seen) >= 3

    driver.until(enough)
    assert set(session.changes) == set(NAMES) and session.optimizer_walk is None
    assert all(change.change is not None and change.before is not None for change in session.changes.values())
    session.watch((0,), 0.0)
    last = session.optimizer.step
    driver.until(lambda: session.optimizer.step > last + 500)
    quiet = dict(session.changes)
    last = session.optimizer.step
    driver.until(lambda: session.optimizer.step > last + 500)
    assert session.changes == quiet
