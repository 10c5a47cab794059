"""Where gradients meet, and what several backward calls leave in a leaf: contributions and their sums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.look.theme import RESOURCES
from tests.end_to_end.driving import Driver

FAN = """import torch
w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
h = w * 2
a = h * 0.1
b = h * 0.7
c = h.sin()
loss = (a + b + c).sum()
loss.backward()
"""


def at_end(driver: Driver, path: Path, source: str | None = None, backward: int = 0) -> Any:
    """The session at the end of this backward."""
    session = driver.open(path, source)
    session.run_to(backward=backward)
    driver.to_stop()
    driver.step("end")
    return session


def sums(answer: Any) -> list[float | None]:
    """The mean of the running sum after each contribution; of a number, the number."""
    return [None if part.total is None else part.total.mean for part in answer.contributions]


def parts(answer: Any) -> list[float | None]:
    """The mean of each contribution."""
    return [None if part.grad is None else part.grad.mean for part in answer.contributions]


def test_each_use_of_a_value_contributes_in_the_order_of_backward(driver: Driver, tmp_path: Path) -> None:
    session = at_end(driver, tmp_path / "a.py", FAN)
    answer = driver.explain("accumulation", "h")
    names = [session.graph.nodes[part.source].name for part in answer.contributions]
    # the youngest op comes first: sin, then the product with 0.7, then that with 0.1
    assert names == ["SinBackward0", "MulBackward0", "MulBackward0"]
    assert ["line 6" in p.text for p in answer.contributions] == [True, False, False]
    h = np.array([2.0, 4.0, 6.0], np.float32)
    one, two, three = np.cos(h), np.full(3, 0.7, np.float32), np.full(3, 0.1, np.float32)
    np.testing.assert_allclose(parts(answer), [one.mean(), 0.7, 0.1], rtol=1e-6)
    running = [one, one + two, one + two + three]
    np.testing.assert_allclose(sums(answer), [r.mean(dtype=np.float64) for r in running], rtol=1e-6)
    assert "3 gradients meet at h" in answer.sentence


def test_the_last_sum_is_bit_for_bit_what_autograd_has(driver: Driver, tmp_path: Path) -> None:
    session = at_end(driver, tmp_path / "a.py", FAN)
    answer = driver.explain("accumulation", "h")
    node = next(n.id for n in session.graph.nodes if n.name == "MulBackward0" and n.line == 3)
    real = driver.tensor(node, "incoming:0")
    total = answer.contributions[-1].total
    flat = real.astype(np.float64)
    assert (total.min, total.max, total.norm) == (flat.min(), flat.max(), float(np.sqrt(flat @ flat)))
    assert total.mean == flat.sum() / 3
    assert "hook" not in answer.sentence


def test_contributions_that_have_not_come_are_listed_without_a_value(driver: Driver, tmp_path: Path) -> None:
    driver.open(tmp_path / "a.py", FAN)
    driver.step("iteration")
    while driver.session.here.name != "MulBackward0":
        driver.step()
    answer = driver.explain("accumulation", "h")
    assert [part.grad is None for part in answer.contributions] == [False, True, True]
    assert "1 of them have come" in answer.sentence


def test_a_hook_that_changes_the_sum_is_told(driver: Driver, tmp_path: Path) -> None:
    source = FAN.replace("a = h * 0.1\n", "h.register_hook(lambda g: g * 2)\na = h * 0.1\n")
    at_end(driver, tmp_path / "a.py", source)
    assert "A hook of the script's changed the sum" in driver.explain("accumulation", "h").sentence


def test_the_start_of_backward_is_a_contribution_to_the_loss(driver: Driver, tmp_path: Path) -> None:
    source = FAN.replace("loss.backward()", "loss.backward(torch.tensor(4.0))")
    at_end(driver, tmp_path / "a.py", source)
    answer = driver.explain("accumulation", "loss")
    assert (parts(answer), sums(answer)) == ([4.0], [4.0])
    assert answer.contributions[0].slot == -1


def test_a_weight_that_is_used_twice_adds_both_before_its_grad(driver: Driver, tmp_path: Path) -> None:
    source = """import torch
w = torch.tensor([1.0, 2.0], requires_grad=True)
(w * 3 + w * 5).sum().backward()
"""
    at_end(driver, tmp_path / "a.py", source)
    answer = driver.explain("accumulation", "w")
    assert parts(answer) == [5.0, 3.0, 8.0] and sums(answer) == [5.0, 8.0, 8.0]
    assert "used 2 times in this graph" in answer.sentence


def test_the_forgotten_zero_grad_of_the_sample_shows_what_earlier_calls_left(driver: Driver) -> None:
    session = at_end(driver, RESOURCES / "samples" / "forgotten_zero_grad.py", backward=2)
    answer = driver.explain("accumulation", "w")
    # loss = mean((w - 3)^2 x^2), x^2 has mean 7.5: the gradient is 15 (w - 3), added to what .grad holds;
    # w goes 0 -> 4.5 -> 6.75, and the gradients are -45, 22.5, 56.25
    assert parts(answer) == [-45.0, 22.5, 56.25, 56.25]
    assert sums(answer) == [-45.0, -22.5, 56.25, 33.75]
    assert [part.backward for part in answer.contributions] == [0, 1, 2, 2]
    assert "the sum of 3 calls of backward. No zero_grad() was called" in answer.sentence
    leaf = next(n.id for n in session.graph.nodes if n.name == "w")
    assert driver.tensor(leaf, "leaf_grad") == np.float32(33.75)
    assert driver.explain("accumulation", node=leaf).contributions == answer.contributions


def test_before_the_leaf_is_reached_only_earlier_calls_are_in_it(driver: Driver) -> None:
    session = driver.open(RESOURCES / "samples" / "forgotten_zero_grad.py")
    session.run_to(backward=1)
    driver.to_stop()
    answer = driver.explain("accumulation", "w")
    assert parts(answer) == [-45.0, None] and sums(answer) == [-45.0, None]
    assert "of one backward" in answer.sentence


CLEARED = """import torch
w = torch.tensor(1.0, requires_grad=True)
o = torch.optim.SGD([w], lr=0.0)
for step in range(4):
    (w * (step + 1)).backward()
    if step == 1:
        o.zero_grad(CLEAR)
"""


@pytest.mark.parametrize("to_none", [True, False])
def test_after_zero_grad_the_sum_begins_anew(driver: Driver, tmp_path: Path, to_none: bool) -> None:
    source = CLEARED.replace("CLEAR", f"set_to_none={to_none}")
    at_end(driver, tmp_path / "a.py", source, backward=3)
    answer = driver.explain("accumulation", "w")
    # steps 0 and 1 brought 1 and 2 and were cleared; 2 and 3 bring 3 and 4
    assert parts(answer) == [3.0, 4.0, 4.0] and sums(answer) == [3.0, 4.0, 7.0]
    assert "the sum of 2 calls" in answer.sentence and "No zero_grad" not in answer.sentence


def test_a_gradient_that_the_script_clipped_between_two_calls_is_told(driver: Driver, tmp_path: Path) -> None:
    source = """import torch
w = torch.tensor([3.0, 4.0], requires_grad=True)
for step in range(2):
    (w * w).sum().backward()
    w.grad.mul_(0.5)
"""
    at_end(driver, tmp_path / "a.py", source, backward=1)
    answer = driver.explain("accumulation", "w")
    # 2 w has the mean 7; half of it is left when the second call adds 7
    assert [t for t in sums(answer) if t is not None][-1] == 10.5
    assert parts(answer)[0] is None and sums(answer)[0] == 3.5
    assert "the script changed it before iteration 2" in answer.contributions[0].text


def test_a_backward_that_brought_zeros_counts(driver: Driver, tmp_path: Path) -> None:
    source = """import torch
w = torch.tensor(2.0, requires_grad=True)
for step in range(3):
    (w * step).backward()
"""
    at_end(driver, tmp_path / "a.py", source, backward=2)
    answer = driver.explain("accumulation", "w")
    assert parts(answer) == [0.0, 1.0, 2.0, 2.0] and sums(answer) == [0.0, 1.0, 2.0, 3.0]
    assert "the sum of 3 calls" in answer.sentence


def test_going_back_in_a_backward_forgets_what_came_after(driver: Driver, tmp_path: Path) -> None:
    driver.open(tmp_path / "a.py", FAN)
    driver.step("iteration")
    driver.step("end")
    whole = driver.explain("accumulation", "h")
    driver.step("start")
    assert parts(driver.explain("accumulation", "h")) == [None, None, None]
    driver.step("end")
    assert driver.explain("accumulation", "h").contributions == whole.contributions


def test_what_needs_no_gradient_has_nothing_to_add(driver: Driver, tmp_path: Path) -> None:
    source = (
        "import torch\nx = torch.ones(2)\nw = torch.ones(2, requires_grad=True)\n(w * x).sum().backward()\n"
    )
    at_end(driver, tmp_path / "a.py", source)
    with pytest.raises(LookupError, match="does not require a gradient"):
        driver.explain("accumulation", "x")


def test_beyond_the_budget_the_same_is_told(driver: Driver, tmp_path: Path) -> None:
    at_end(driver, tmp_path / "a.py", FAN)
    whole = driver.explain("accumulation", "h")
    driver.session.set_budget(1)
    at_end(driver, tmp_path / "b.py", FAN)
    assert driver.explain("accumulation", "h").contributions == whole.contributions
