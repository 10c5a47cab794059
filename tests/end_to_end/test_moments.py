"""Playing real runs, live and recorded, and what changed between their stops."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.session.breakpoint import Breakpoint
from app.session.difference import difference
from app.session.moment import Moments
from app.session.playback import Playback
from app.session.recording import Recording
from app.session.session import Session
from tests.app.test_playback import HandClock
from tests.end_to_end.driving import Driver
from tests.end_to_end.scripts import regression

ROOT = Path(__file__).resolve().parents[2]
BRANCH = """import torch
torch.manual_seed(0)
w = torch.randn(4, requires_grad=True)
x = torch.randn(4)
for step in range(4):
    y = w * x
    if step >= 2:
        y = y.tanh()
    loss = y.sum()
    w.grad = None
    loss.backward()
    with torch.no_grad():
        w *= 2
"""


def place(session: Session) -> tuple[int, int]:
    return session.timeline.backward, session.timeline.position


def play_on(driver: Driver, playback: Playback, clock: HandClock, strides: int) -> list[tuple[int, int]]:
    """So many ticks, each answered before the next."""
    seen = []
    for _ in range(strides):
        clock.turn()
        driver.to_stop()
        if not playback.is_playing:
            break
        seen.append(place(driver.session))
    return seen


def test_a_live_run_plays_forwards_and_backwards_through_the_same_bits(
    driver: Driver, tmp_path: Path
) -> None:
    session = driver.open(tmp_path / "a.py", regression(3))
    clock = HandClock()
    playback = Playback(session, clock)
    playback.play()
    clock.turn()
    driver.to_stop()
    assert place(session) == (0, 0)
    first = driver.all_tensors()
    assert play_on(driver, playback, clock, 3) == [(0, 1), (0, 2), (0, 3)]
    playback.play(-1)
    assert play_on(driver, playback, clock, 3) == [(0, 2), (0, 1), (0, 0)]
    assert driver.all_tensors() == first
    playback.play(1)
    there = play_on(driver, playback, clock, 100)
    assert there[-1][0] == 2 and playback.reason == "The run is over."


def test_the_forward_is_played_by_ops_both_ways(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression(3))
    session.run_to(backward=1, phase="forward")
    driver.to_stop()
    clock = HandClock()
    playback = Playback(session, clock)
    ops = [session.forward[-1].op]
    for direction, strides in ((1, 3), (-1, 3)):
        playback.play(direction)
        for _ in range(strides):
            clock.turn()
            driver.to_stop()
            ops.append(session.forward[-1].op)
    # The first stop is inside of matmul, whose one part is mm; a stride back leads to its end.
    assert ops == ["mm", "add", "tanh", "sub", "tanh", "add", "matmul"]
    assert session.diverged is None


def test_playing_backwards_passes_from_one_backward_to_the_one_before(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression(3))
    clock = HandClock()
    playback = Playback(session, clock)
    playback.play()
    play_on(driver, playback, clock, 1)
    count = session.walk.count
    session.run_to(backward=1, position=1)
    driver.to_stop()
    playback.play(-1)
    seen = []
    for _ in range(4):
        clock.turn()
        driver.to_stop()
        seen.append(place(session))
    assert seen == [(1, 0), (0, count), (0, count - 1), (0, count - 2)]


def test_playing_rests_at_a_breakpoint_whose_condition_holds(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression(5))
    session.set_breakpoints([Breakpoint("op", "TanhBackward0", "iteration == 1")])
    clock = HandClock()
    playback = Playback(session, clock)
    playback.play()
    seen = play_on(driver, playback, clock, 60)
    assert not playback.is_playing and session.timeline.backward == 1
    assert session.here.name == "TanhBackward0" and playback.reason.startswith("Breakpoint: op Tanh")
    assert len(seen) > session.walk.count


@pytest.fixture
def recorded(tmp_path: Path) -> Session:
    """The branching script, recorded."""
    script, run = tmp_path / "b.py", tmp_path / "b.run"
    script.write_text(BRANCH, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "main.py", "record", str(script), "-o", str(run)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    session = Session()
    session.open_recording(Recording(run))
    return session


def test_a_recorded_run_is_played_from_end_to_end(recorded: Session) -> None:
    recorded.show(0, 0)
    clock = HandClock()
    playback = Playback(recorded, clock)
    playback.play()
    seen = []
    while playback.is_playing:
        clock.turn()
        seen.append(place(recorded))
    assert len(seen) == recorded.timeline.moments
    assert seen[-1] == (3, recorded.timeline.last.count) and seen == sorted(seen)


def test_a_recorded_run_tells_what_changed_from_one_iteration_to_the_next(recorded: Session) -> None:
    moments = Moments(recorded)
    count = recorded.timeline.get(0).count
    recorded.show(0, count)
    moments.pin()
    recorded.show(1, count)
    moments.look()
    changes = difference(moments.pinned, moments.now).by_node()
    found = {moments.now.node(n).name: c for n, c in changes.items()}
    # w is twice what it was; so is the product and its sum; the gradients are the same numbers.
    assert {"w", "MulBackward0", "SumBackward0"} <= set(found)
    assert all(c.size == 1.0 and c.which == "value" for c in found.values())


def test_a_new_branch_is_a_change_of_structure(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "b.py", BRANCH)
    moments = Moments(session)
    session.cursor_changed.connect(moments.look)
    session.run_to(backward=1)
    driver.to_stop()
    driver.step("end")
    moments.pin()
    session.run_to(backward=2)
    driver.to_stop()
    driver.step("end")
    found = difference(moments.pinned, moments.now)
    assert not found.same_structure
    assert [(c.kind, c.name) for c in found.of_kind("added")] == [("added", "TanhBackward0")]
    assert found.of_kind("removed") == []
    grown = {c.name: c for c in found.of_kind("changed")}
    # The slope of tanh is below one: the gradient that reaches the product is smaller than before.
    assert grown["w"].value.relative == 1.0 and grown["MulBackward0"].grad.relative > 0


def test_an_edit_at_a_stop_is_told_as_what_changed(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression(3))
    moments = Moments(session)
    session.cursor_changed.connect(moments.look)
    session.run_to(backward=1)
    driver.to_stop()
    session.run_to(node=driver.node("TanhBackward0"))
    driver.until(lambda: session.state == "paused" and session.here.name == "TanhBackward0")
    session.set_value("edit", session.here.id, "incoming:0", "grad * 3")
    driver.until(lambda: len(session.edits) == 1)
    found = difference(moments.before, moments.now)
    assert [(c.name, c.kind) for c in found.nodes] == [("TanhBackward0", "arrived")]
    driver.step()
    # The step takes the gradient that was put there, and hands its own down one edge.
    after = difference(moments.before, moments.now)
    assert after.nodes == [] and after.edges == 1
    assert session.graph.nodes[found.nodes[0].after].grad == found.nodes[0].grad.after
