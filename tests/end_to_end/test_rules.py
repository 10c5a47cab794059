"""The rules and the waterfall on live runs: faulty samples, and networks whose gains are known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.link.child import ROOT
from app.session.gain import Gains, worst
from tests.end_to_end.driving import Driver

SAMPLES = ROOT / "resources" / "samples"

CHAIN = """import torch
x = torch.ones(4, requires_grad=True)
y = x
for factor in (0.5, 3.0, 0.001, 1.0):
    y = y * factor
y.sum().backward()
"""

UNUSED = """import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(2, 1), nn.Linear(2, 1)
    def forward(self, x):
        return self.used(x)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(3):
    net(torch.ones(3, 2)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
"""

SATURATED = """import torch
x = torch.full((10,), 8.0, requires_grad=True)
torch.sigmoid(x).sum().backward()
"""

LARGE_STEP = """import torch
w = torch.ones(4, requires_grad=True)
optimizer = torch.optim.Adam([w], lr=0.5)
for _ in range(3):
    optimizer.zero_grad()
    (w * w).sum().backward()
    optimizer.step()
"""


@pytest.fixture
def driver() -> Iterator[Driver]:
    made = Driver()
    yield made
    made.link.close()


def stopped(driver: Driver, script: Path, source: str | None = None, backward: int = 0) -> dict[str, list]:
    """The rule book's findings at the end of this backward, by rule."""
    session = driver.open(script, source)
    session.run_to(backward=backward)
    driver.to_stop()
    driver.step("end")
    found: dict[str, list] = {}
    for finding in session.rules.findings(session):
        found.setdefault(finding.rule, []).append(finding)
    return found


def test_the_dead_rectifier_of_the_sample_is_named_with_its_share(driver):
    found = stopped(driver, SAMPLES / "dead_relu.py", backward=2)
    assert [(f.name, f.value) for f in found["dead"]] == [("ReluBackward0", 15 / 16)]


def test_the_forgotten_zero_grad_of_the_sample_is_named(driver):
    assert "piled_up" not in stopped(driver, SAMPLES / "forgotten_zero_grad.py", backward=0)
    driver.link.close()
    again = Driver()
    try:
        found = stopped(again, SAMPLES / "forgotten_zero_grad.py", backward=1)
        assert [f.name for f in found["piled_up"]] == ["w"]
    finally:
        again.link.close()


def test_the_exploding_recurrence_of_the_sample_is_named(driver):
    found = stopped(driver, SAMPLES / "exploding_rnn.py")
    assert [f.name for f in found["loss_not_finite"]] == ["loss"]
    assert math.isnan(found["loss_not_finite"][0].value)
    assert {"ReluBackward0", "MvBackward0"} <= {f.name for f in found["not_finite"]}
    assert "update_small" not in found and "vanishing" not in found


def test_a_parameter_that_the_forward_leaves_out_is_named(driver, tmp_path):
    found = stopped(driver, tmp_path / "unused.py", UNUSED, backward=1)
    assert sorted(f.name for f in found["no_gradient"]) == ["unused.bias", "unused.weight"]


def test_a_saturated_sigmoid_is_named_with_its_slope(driver, tmp_path):
    y = 1 / (1 + math.exp(-8.0))
    found = stopped(driver, tmp_path / "saturated.py", SATURATED)
    assert [f.name for f in found["saturated"]] == ["SigmoidBackward0"]
    assert found["saturated"][0].value == pytest.approx(4 * y * (1 - y), rel=1e-2)


def test_a_step_of_adam_that_is_half_the_weight_is_named_where_one_stands(driver, tmp_path):
    session = driver.open(tmp_path / "large.py", LARGE_STEP)
    session.step("optimizer")
    driver.to_stop()
    assert session.changes
    found = [f for f in session.rules.findings(session) if f.rule == "update_large"]
    assert [round(f.value, 3) for f in found] == [0.5]


def test_the_factors_of_a_chain_are_those_of_the_script(driver, tmp_path):
    session = driver.open(tmp_path / "chain.py", CHAIN)
    session.run_to(backward=0)
    driver.to_stop()
    driver.step("end")
    gains = Gains(session.graph)
    factors = [g.factor for g in gains.nodes() if g.name == "MulBackward0"]
    assert factors == pytest.approx([1.0, 0.001, 3.0, 0.5])
    assert worst(gains.nodes())[0].factor == pytest.approx(0.001)


def test_half_way_down_only_what_has_flowed_has_a_factor(driver, tmp_path):
    session = driver.open(tmp_path / "chain.py", CHAIN)
    session.run_to(backward=0)
    driver.to_stop()
    driver.step()
    driver.step()
    driver.step()
    known = [g.factor for g in Gains(session.graph).nodes()]
    assert [f is not None for f in known] == [True, True, True, False, False, False]
