"""The forward is walked by ops, into composites and modules and out of them, and back again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.session.session import Session
from tests.end_to_end.driving import Driver

CLASSIFIER = """import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(3)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
x, t = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])
for step in range(6):
    scaled = x * 2
    out = model(scaled)
    loss = F.cross_entropy(out, t)
    total = loss + 0.1 * out.pow(2).mean()
    optimizer.zero_grad()
    total.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
print("done", float(total))
"""


@pytest.fixture
def walking(driver: Driver, tmp_path: Path) -> Driver:
    """After the first op of the third forward."""
    driver.open(tmp_path / "a.py", CLASSIFIER)
    driver.session.run_to(backward=2, phase="forward")
    driver.to_stop()
    return driver


def here(session: Session) -> tuple[str, int, int]:
    """The op after which the run stands, how many composites it is in, and its line."""
    op = session.forward[-1]
    assert op.serial == session.standing.serial
    return op.op, op.depth, session.standing.line


def state(driver: Driver) -> tuple[object, ...]:
    """All that can be told of a stop in the forward, bit by bit."""
    session = driver.session
    values = [driver.tensor(-1, name).tobytes() for name in ("result", "0.weight", "2.bias", "x")]
    op = session.forward[-1]
    return (op.serial, op.digest, session.standing.line, session.standing.phase, *values)


def test_a_composite_is_one_step_and_into_stops_at_its_first_part(walking: Driver) -> None:
    session = walking.session
    assert here(session) == ("mul", 0, 9)
    seen = []
    for _ in range(4):
        walking.step("op")
        seen.append(here(session))
    assert seen == [("linear", 0, 10), ("tanh", 0, 10), ("linear", 0, 10), ("cross_entropy", 0, 11)]
    assert session.forward[-1].parts == 2 and session.forward[-1].name == "NllLossBackward0"
    walking.step("back")
    assert here(session) == ("linear", 0, 10)
    walking.step("into")
    assert here(session) == ("_log_softmax", 1, 11)
    assert session.forward[-1].composites == ("cross_entropy",)
    walking.step("out")
    assert here(session) == ("cross_entropy", 0, 11)
    walking.step("op")
    assert here(session)[2] == 12


def test_over_runs_a_module_as_one_and_out_leaves_it(walking: Driver) -> None:
    session = walking.session
    walking.step("over")
    assert (session.standing.text, session.forward[-1].parts) == ("Sequential", 5)
    out = walking.tensor(-1, "result")
    assert out.shape == (6, 3)
    walking.step("back")
    assert here(session) == ("mul", 0, 9)
    walking.step("into")
    assert here(session)[:2] == ("t", 1) and session.forward[-1].module == "0"
    walking.step("out")
    assert here(session) == ("linear", 0, 10)
    walking.step("out")
    assert (session.standing.text, session.standing.line) == ("Linear", 10)
    walking.step("over")
    assert session.standing.text == "Tanh"
    walking.step("out")
    assert session.standing.text == "Sequential"
    assert np.array_equal(walking.tensor(-1, "result"), out)


def test_going_back_in_the_forward_is_to_the_same_bits(walking: Driver) -> None:
    session = walking.session
    seen = [state(walking)]
    for kind in ("op", "into", "op", "into", "into", "op", "op"):
        walking.step(kind)
        seen.append(state(walking))
    assert [entry[0] for entry in seen] == sorted({entry[0] for entry in seen})
    known = {entry[0]: entry for entry in seen}
    passed = [seen[-1][0]]
    while passed[-1] > seen[0][0]:
        walking.step("back")
        assert session.diverged is None
        assert state(walking) == known[session.standing.serial]
        passed.append(session.standing.serial)
    assert passed == sorted(passed, reverse=True) and len(passed) > 4
    walking.step("op")
    walking.step("start")
    assert state(walking) == seen[0]


def test_from_the_first_node_of_backward_one_goes_back_into_the_forward(walking: Driver) -> None:
    session = walking.session
    walking.step("iteration")
    assert session.standing.phase == "backward"
    assert (session.timeline.backward, session.timeline.position) == (2, 0)
    before = session.standing.serial
    walking.step("back")
    assert session.standing.phase == "forward" and session.standing.serial == before
    assert here(session) == ("add", 0, 12)
    walking.step("op")
    assert session.standing.phase == "backward" and session.timeline.position == 0


def test_one_goes_back_from_the_forward_over_the_optimizer_into_the_backward_before(walking: Driver) -> None:
    session = walking.session
    walking.step("start")
    first = state(walking)
    walking.step("back")
    assert (session.standing.phase, session.standing.backward) == ("optimizer", 2)
    session.optimizer_walk.show(0)
    walking.step("back")
    assert session.standing.phase == "forward" and session.standing.line == 15
    while session.standing.phase == "forward":
        walking.step("back")
    assert session.standing.phase == "backward" and session.timeline.backward == 1
    assert session.timeline.position == session.timeline.current.count
    for _ in range(200):
        walking.step("op")
        if session.standing.phase == "forward" and session.standing.line == 9:
            break
    assert state(walking) == first


def test_an_edit_is_made_again_on_the_way_back(walking: Driver) -> None:
    session = walking.session
    session.set_value("edit", -1, "result", "old * 3")
    walking.step("op")
    walking.step("op")
    changed = walking.tensor(-1, "result")
    walking.step("op")
    walking.step("back")
    assert session.edited
    assert walking.tensor(-1, "result").tobytes() == changed.tobytes()
    walking.step("iteration")
    loss = session.timeline.current.value
    walking.step("iteration")
    session.go_back_in_training(2, "backward")
    walking.to_stop()
    assert session.timeline.current.value == loss and session.diverged is None


def test_a_position_of_a_backward_is_reached_ahead_and_behind(walking: Driver) -> None:
    session = walking.session
    session.run_to(backward=4, position=5)
    walking.to_stop()
    assert (session.timeline.backward, session.timeline.position) == (4, 5)
    seen = walking.all_tensors()
    session.run_to(backward=3, position=2)
    walking.to_stop()
    assert (session.timeline.backward, session.timeline.position) == (3, 2)
    session.run_to(backward=4, position=5)
    walking.to_stop()
    assert walking.all_tensors() == seen
    session.run_to(backward=4, position=1)
    walking.to_stop()
    assert (session.timeline.backward, session.timeline.position) == (4, 1)


def test_the_beginning_of_the_run_is_said_to_be_that(driver: Driver, tmp_path: Path) -> None:
    source = "import torch\nx = torch.ones(2, requires_grad=True)\ny = x * 2\n"
    session = driver.open(tmp_path / "a.py", source)
    driver.step("op")
    while "step" not in session.fetch_errors:
        driver.step("back")
    assert session.fetch_errors["step"] == "This is the beginning of the run."
    assert session.state == "paused"


def test_out_of_a_composite_and_of_a_module_in_backward(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", CLASSIFIER)
    driver.step()
    names = [session.graph.nodes[number].name for number in session.graph.order]
    while session.here.name != "NllLossBackward0":
        driver.step("into")
    driver.step("out")
    done = names[: session.timeline.position]
    assert done[-2:] == ["NllLossBackward0", "LogSoftmaxBackward0"]
    assert session.here.name == "AddmmBackward0"
    driver.step("out")
    assert session.here.name == "TanhBackward0"
