"""With little memory for going back, digests are kept and tensors are worked out again, to the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.driving import Driver

DEEP = """import torch
torch.manual_seed(0)
w = torch.randn(16, 16, requires_grad=True)
x = torch.randn(4, 16)
for step in range(3):
    h = x
    for layer in range(12):
        h = torch.tanh(h @ w) + h
    loss = h.pow(2).mean()
    w.grad = None
    loss.backward()
    with torch.no_grad():
        w -= 0.01 * w.grad
"""
FEW_BYTES = 1000


def at_the_end(driver: Driver, budget_bytes: int) -> Driver:
    """At the end of the second backward, walked in one stride."""
    session = driver.session
    session.set_budget(budget_bytes)
    session.run_to(backward=1)
    driver.to_stop()
    driver.step("end")
    return driver


@pytest.fixture
def deep(driver: Driver, tmp_path: Path) -> Driver:
    driver.open(tmp_path / "a.py", DEEP)
    return driver


def told(driver: Driver) -> list[tuple[object, ...]]:
    return [(n.name, n.state, n.incoming, n.outgoing) for n in driver.session.graph.nodes]


def test_beyond_the_budget_digests_are_kept(deep: Driver) -> None:
    whole = told(at_the_end(deep, 1 << 30))
    deep.session.run()
    deep.to_stop()
    assert told(at_the_end(deep, FEW_BYTES)) == whole


def test_beyond_the_budget_tensors_are_worked_out_again_when_asked_for(deep: Driver) -> None:
    whole = at_the_end(deep, 1 << 30).all_tensors()
    deep.session.run()
    deep.to_stop()
    assert at_the_end(deep, FEW_BYTES).all_tensors() == whole
    assert deep.session.timeline.position == deep.session.timeline.current.count


def test_going_back_beyond_the_budget_is_to_the_same_bits(deep: Driver) -> None:
    session = deep.session
    session.set_budget(FEW_BYTES)
    session.run_to(backward=1)
    deep.to_stop()
    seen = []
    for _ in range(5):
        for _ in range(4):
            deep.step()
        seen.append(deep.all_tensors())
    places = [4 * n for n in range(1, 6)]
    for place, tensors in reversed(list(zip(places, seen))):
        session.run_to(backward=1, position=place)
        deep.to_stop()
        assert session.timeline.position == place
        assert deep.all_tensors() == tensors


def test_an_edit_stays_where_the_walk_is_repeated(deep: Driver) -> None:
    session = deep.session
    session.set_budget(FEW_BYTES)
    session.run_to(backward=1)
    deep.to_stop()
    for _ in range(6):
        deep.step()
    here = session.here.id
    session.set_value("edit", here, "incoming:0", "grad * 0 + 1")
    for _ in range(3):
        deep.step()
    outgoing = deep.tensor(here, "outgoing:0")
    position = session.timeline.position
    first = session.graph.order[1]
    deep.tensor(first, "incoming:0")
    assert session.timeline.position == position
    assert np.array_equal(deep.tensor(here, "outgoing:0"), outgoing)
    assert np.array_equal(deep.tensor(here, "incoming:0"), np.ones((4, 16), np.float32))
    deep.step("end")
    changed = deep.tensor(deep.node("w"), "leaf_grad")
    session.run_to(backward=1, position=7)
    deep.to_stop()
    deep.step("end")
    assert np.array_equal(deep.tensor(deep.node("w"), "leaf_grad"), changed)
