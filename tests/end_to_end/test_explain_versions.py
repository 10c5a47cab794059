"""The life of a tensor's memory: who made, saved, viewed and changed it on which line, and who shares it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.look.theme import RESOURCES
from app.session.breakpoint import Breakpoint
from tests.end_to_end.driving import Driver

SAMPLE = RESOURCES / "samples" / "changed_in_place.py"


def moments(answer: Any) -> list[tuple[int, str, str, int]]:
    """Version, what happened, by which op, on which line."""
    return [(part.version, part.what, part.op, part.line) for part in answer.versions]


def test_the_change_that_backward_will_refuse_is_told_before_it_does(driver: Driver) -> None:
    session = driver.open(SAMPLE)
    driver.step("iteration")
    answer = driver.explain("versions", "z")
    assert moments(answer) == [
        (0, "made", "exp", 6),
        (0, "saved", "mul", 7),
        (0, "saved", "exp", 6),
        (1, "changed", "add_", 10),
        (1, "refused", "mul", 7),
        (1, "refused", "exp", 6),
    ]
    names = [session.graph.nodes[part.node].name for part in answer.versions if part.what == "saved"]
    assert names == ["MulBackward0", "ExpBackward0"]
    assert (
        "saved by mul at line 7 at version 0 and then changed in place by add_ at line 10" in answer.sentence
    )
    by_node = driver.explain("versions", node=driver.node("ExpBackward0"))
    assert moments(by_node) == moments(answer)


def test_a_refused_backward_names_the_line_that_saved_and_the_line_that_changed(driver: Driver) -> None:
    session = driver.open(SAMPLE)
    session.run()
    driver.to_stop()
    assert session.state == "failed" and session.failure is not None
    message = session.failure.message
    assert "modified by an inplace operation" in message
    assert f"MulBackward0 saved it at {SAMPLE}:7. It was changed in place at {SAMPLE}:10." in message


def test_what_is_saved_and_never_changed_is_at_version_0(driver: Driver) -> None:
    driver.open(SAMPLE)
    driver.step("iteration")
    answer = driver.explain("versions", "y")
    assert moments(answer) == [(0, "made", "mul", 5), (0, "saved", "mul", 7)]
    assert "never changed in place" in answer.sentence


VIEWS = """import torch
import numpy as np
from torch import nn
x = torch.zeros(2, 3)
row = x[0]
turned = x.t()
flat = turned.detach()
other = torch.zeros(2, 3)
numbers = x.numpy()
row += 1
x[1, 2] = 5.0
w = torch.ones(3, requires_grad=True)
y = (w * 2).view(3, 1)
z = y.exp()
z.sum().backward()
"""


def test_those_that_look_at_the_same_memory_are_named(driver: Driver, tmp_path: Path) -> None:
    driver.open(tmp_path / "a.py", VIEWS)
    driver.step("iteration")
    answer = driver.explain("versions", "x")
    assert set(answer.sharing) == {"row", "turned", "flat", "numbers (NumPy)"}
    assert moments(answer)[0] == (0, "made", "", 4)
    changed = [m for m in moments(answer) if m[1] == "changed"]
    assert [(version, line) for version, _, _, line in changed] == [(1, 10), (2, 11)]
    assert changed[0][2] == "add_"
    # a change through the view is a change of all
    assert [m for m in moments(driver.explain("versions", "row")) if m[1] == "changed"] == changed
    assert driver.explain("versions", "other").sharing == ()


def test_a_view_in_the_graph_is_told_with_its_line(driver: Driver, tmp_path: Path) -> None:
    driver.open(tmp_path / "a.py", VIEWS)
    driver.step("iteration")
    answer = driver.explain("versions", node=driver.node("MulBackward0"))
    assert moments(answer) == [(0, "made", "mul", 13), (0, "viewed", "view", 13)]
    assert answer.sharing == ("y",)


def test_a_parameter_tells_every_step_of_its_optimizer(driver: Driver, tmp_path: Path) -> None:
    source = """import torch
from torch import nn
layer = nn.Linear(2, 1)
optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
for step in range(5):
    optimizer.zero_grad()
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
"""
    session = driver.open(tmp_path / "a.py", source)
    session.run_to(backward=3)
    driver.to_stop()
    answer = driver.explain("versions", "layer.weight")
    made, *rest = moments(answer)
    assert made[1:] == ("made", "Parameter", 3)
    steps = [m for m in rest if m[2] == "SGD.step"]
    assert [line for *_, line in steps] == [8, 8, 8]
    # the view that the layer takes of it is of the newest version
    assert rest[-1] == (steps[-1][0], "viewed", "t", 7)


def test_the_memory_of_a_gradient_has_a_life_of_its_own(driver: Driver, tmp_path: Path) -> None:
    source = """import torch
w = torch.tensor([3.0, 4.0], requires_grad=True)
kept = None
for step in range(3):
    (w * w).sum().backward()
    kept = w.grad.detach()
    w.grad.mul_(0.5)
"""
    session = driver.open(tmp_path / "a.py", source)
    session.run_to(backward=2)
    driver.to_stop()
    answer = driver.explain("versions", "w.grad")
    # mul_ twice, and between them backward added once
    assert [(m[2], m[3]) for m in moments(answer) if m[1] == "changed"] == [("mul_", 7), ("mul_", 7), ("", 0)]
    assert answer.versions[-1].version == 3 and "backward adding to it" in answer.versions[-1].text
    assert answer.sharing == ("kept",)


def test_in_the_forward_what_was_saved_so_far_is_known(driver: Driver, tmp_path: Path) -> None:
    source = """import torch
w = torch.ones(3, requires_grad=True)
h = w * 2
k = h.sin()
h.mul_(3)
k.sum().backward()
"""
    session = driver.open(tmp_path / "a.py", source)
    session.set_breakpoints([Breakpoint("line", "6")])
    session.run()
    driver.to_stop()
    assert session.standing.phase == "forward"
    answer = driver.explain("versions", "h")
    assert (0, "saved", "sin", 4) in moments(answer)
    assert (1, "changed", "mul_", 5) in moments(answer)
    assert (1, "refused", "sin", 4) in moments(answer)


def test_a_value_that_is_not_held_is_said_so(driver: Driver) -> None:
    driver.open(SAMPLE)
    driver.step("iteration")
    with pytest.raises(LookupError, match="no tensor that is known"):
        driver.explain("versions", "q")
    with pytest.raises(LookupError, match="no node 99"):
        driver.explain("versions", node=99)
