"""What if: a run is forked in real children, with one edit; the futures are held against scripts in which the
same edit is written by hand."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.link.live import LiveLink
from app.session.breakpoint import Breakpoint
from app.session.fork import Edit, ForkError
from app.session.session import Session
from app.session.what_if import WhatIf
from tests.end_to_end.driving import PATIENCE_S, Driver, is_alive

SCRIPT = """import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
x = torch.randn(16, 4)
y = torch.randn(16, 2)
for step in range(STEPS):
    hidden = model[1](model[0](x))
    # forward
    loss = nn.functional.mse_loss(model[3](model[2](hidden)), y)
    optimizer.zero_grad()
    # backward
    loss.backward()
    optimizer.step()
""".replace("STEPS", "12")


_LOSSES: dict[str, list[float | None]] = {}


class Pump:
    """All links of a test, delivered by hand."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.links: list[LiveLink] = []
        self.woken = threading.Event()

    def attach(self, session: Session) -> LiveLink:
        link = LiveLink(session, self.woken.set)
        self.links.append(link)
        return link

    def until(self, reached: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not reached():
            self.woken.wait(0.01)
            self.woken.clear()
            for link in (self.driver.link, *self.links):
                link.deliver()
            assert time.monotonic() < end, [
                (link.session.state, link.session.standing, link.session.failure) for link in self.links
            ]


@pytest.fixture
def pump(driver: Driver) -> Iterator[Pump]:
    made = Pump(driver)
    yield made
    assert all(link.close() for link in made.links), "a fork's child was left behind"


def losses(session: Session) -> list[float | None]:
    return [b.value for b in session.timeline.backwards]


def of_script(driver: Driver, path: Path, source: str) -> list[float | None]:
    """The losses of a script that runs to its end on its own; run once for all tests."""
    if source in _LOSSES:
        return _LOSSES[source]
    alone = Driver()
    session = alone.open(path, source)
    session.run()
    alone.until(lambda: session.state == "ended")
    assert alone.link.close()
    _LOSSES[source] = losses(session)
    return _LOSSES[source]


def stand_at(driver: Driver, session: Session, backward: int, node: str = "") -> int:
    """Stand in this backward, before the first node with this name."""
    session.run_to(backward=backward)
    driver.to_stop()
    if not node:
        return session.here.id
    number = driver.node(node)
    session.run_to(node=number)
    driver.to_stop()
    return number


def test_an_edited_learning_rate_gives_the_losses_of_a_script_that_sets_it_there(
    driver: Driver, pump: Pump, tmp_path: Path
) -> None:
    session = driver.open(tmp_path / "a.py", SCRIPT)
    stand_at(driver, session, 5)
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(-1, "lr", "lr / 4"))
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "over", what_if.message
    by_hand = SCRIPT.replace(
        "    # backward\n", "    if step == 5:\n        optimizer.param_groups[0]['lr'] /= 4\n"
    )
    assert losses(what_if.edited.session) == of_script(driver, tmp_path / "b.py", by_hand)
    assert losses(what_if.plain.session) == of_script(driver, tmp_path / "c.py", SCRIPT)
    assert what_if.comparison.parting.backward == 6
    session.run()
    driver.until(lambda: session.state == "ended")
    assert losses(session) == losses(what_if.plain.session) and not session.edited


def test_an_edited_gradient_gives_the_losses_of_a_script_with_a_hook_there(
    driver: Driver, pump: Pump, tmp_path: Path
) -> None:
    session = driver.open(tmp_path / "a.py", SCRIPT)
    number = stand_at(driver, session, 3, "TanhBackward0")
    position = session.timeline.position
    assert position > 1
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(number, "incoming:0", "grad * 0.1"), 4)
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "there", what_if.message
    by_hand = SCRIPT.replace(
        "    # forward\n", "    if step == 3:\n        hidden.register_hook(lambda grad: grad * 0.1)\n"
    )
    wanted = of_script(driver, tmp_path / "b.py", by_hand)
    assert losses(what_if.edited.session) == wanted[:8]
    assert losses(what_if.plain.session) == of_script(driver, tmp_path / "c.py", SCRIPT)[:8]
    assert what_if.comparison.parting.backward == 4
    found = what_if.comparison.difference
    assert found.same_structure and found.before.backward == 7
    names = {c.name for c in found.nodes}
    assert "TanhBackward0" in names and sum(name.endswith(".weight") for name in names) == 2
    what_if.more(2)
    pump.until(lambda: not what_if.is_busy)
    assert losses(what_if.edited.session) == wanted[:10]
    # The run itself was never touched.
    assert session.state == "paused" and session.timeline.position == position and not session.edited


def test_an_edit_is_seen_at_the_nodes_below_it_in_the_same_backward(
    driver: Driver, pump: Pump, tmp_path: Path
) -> None:
    session = driver.open(tmp_path / "a.py", SCRIPT)
    number = stand_at(driver, session, 2, "TanhBackward0")
    above = set(session.walk.order[: session.timeline.position])
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(number, "incoming:0", "grad * 0.5"), 0)
    pump.until(lambda: not what_if.is_busy)
    found = what_if.comparison.difference
    changed = {c.after: c.size for c in found.nodes}
    names = {session.graph.nodes[n].name for n in changed}
    assert "TanhBackward0" in names and not above & set(changed)
    assert sorted(name.rpartition(".")[2] for name in names if "." in name) == ["bias", "weight"]
    # Halving is exact, and what follows is linear in the gradient.
    assert set(changed.values()) == {0.5}
    comparison = what_if.comparison
    weight = next(name for name in names if name.endswith(".weight"))
    for name, elements in (("TanhBackward0", 16 * 8), (weight, 8 * 4)):
        comparison.ask_distance(next(c for c in found.nodes if c.name == name))
        pump.until(lambda: comparison.distance is not None)
        apart = comparison.distance
        assert (apart.name, apart.what, apart.elements, apart.share) == (name, "gradient", elements, 0.5)
        assert 0 < apart.differing <= elements and apart.most > 0


def test_an_edited_activation_in_the_forward_is_a_future_too(
    driver: Driver, pump: Pump, tmp_path: Path
) -> None:
    session = driver.open(tmp_path / "a.py", SCRIPT)
    session.set_breakpoints([Breakpoint("op", "tanh", "iteration == 3")])
    session.run()
    driver.to_stop()
    assert session.standing.phase == "forward"
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(-1, "result", "zeros"), 2)
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "there", what_if.message
    by_hand = SCRIPT.replace("    # forward\n", "    if step == 3:\n        hidden.data.zero_()\n")
    assert losses(what_if.edited.session) == of_script(driver, tmp_path / "b.py", by_hand)[:6]
    assert what_if.comparison.parting.backward == 3


def test_an_edit_after_a_composite_op_begins_there_in_both_futures(
    driver: Driver, pump: Pump, tmp_path: Path
) -> None:
    source = SCRIPT.replace("mse_loss(model[3](model[2](hidden)), y)", "cross_entropy(model[3](hidden), y)")
    session = driver.open(tmp_path / "a.py", source)
    session.run_to(backward=2, phase="forward")
    driver.to_stop()
    while session.forward[-1].op != "cross_entropy":
        driver.step("op")
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(-1, "x", "old * 2"), 4)
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "there", what_if.message
    by_hand = source.replace("    # backward\n", "    if step == 2: x.data.mul_(2)\n")
    assert losses(what_if.edited.session) == of_script(driver, tmp_path / "b.py", by_hand)[:7]
    assert what_if.comparison.parting.backward == 3


def test_after_an_optimizer_step_a_weight_can_be_edited(driver: Driver, pump: Pump, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", SCRIPT)
    stand_at(driver, session, 4)
    driver.step("optimizer")
    assert session.standing.phase == "optimizer" and session.standing.backward == 5
    what_if = WhatIf(session, pump.attach)
    weight = [name for name in session.changes if name.endswith(".weight")][-1]
    what_if.start(Edit(-1, weight, "old * 2"), 2)
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "there", what_if.message
    by_hand = SCRIPT + "    if step == 4:\n        model[3].weight.data.mul_(2)\n"
    assert losses(what_if.edited.session) == of_script(driver, tmp_path / "b.py", by_hand)[:8]


def test_the_learning_rate_can_be_edited_before_the_first_step(
    driver: Driver, pump: Pump, tmp_path: Path
) -> None:
    session = driver.open(tmp_path / "a.py", SCRIPT)
    stand_at(driver, session, 0)
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(-1, "lr", "lr / 4"), 3)
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "there", what_if.message
    wanted = of_script(driver, tmp_path / "b.py", SCRIPT.replace("lr=0.2", "lr=0.05"))
    assert losses(what_if.edited.session) == wanted[:4]


def test_a_plain_number_of_the_script_can_be_edited(driver: Driver, pump: Pump, tmp_path: Path) -> None:
    source = SCRIPT.replace("    optimizer.step()\n", "").replace(
        "torch.manual", "rate = 0.2\ntorch.manual"
    ) + ("    with torch.no_grad():\n        for p in model.parameters():\n            p -= rate * p.grad\n")
    session = driver.open(tmp_path / "a.py", source)
    stand_at(driver, session, 3)
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(-1, "rate", "rate / 4"), 3)
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "there", what_if.message
    by_hand = source.replace("    # backward\n", "    if step == 3: rate = 0.2 / 4\n")
    assert losses(what_if.edited.session) == of_script(driver, tmp_path / "b.py", by_hand)[:7]
    assert what_if.comparison.parting.backward == 4


def test_a_number_of_a_function_is_said_to_be_out_of_reach(
    driver: Driver, pump: Pump, tmp_path: Path
) -> None:
    head, _, loop = SCRIPT.partition("for step")
    body = "".join(f"    {line}\n" for line in ("rate = 0.2", *("for step" + loop).splitlines()))
    session = driver.open(tmp_path / "a.py", f"{head}def train():\n{body}train()\n")
    stand_at(driver, session, 1)
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(-1, "rate", "0.1"), 1)
    pump.until(lambda: not what_if.is_busy)
    assert what_if.message == "rate belongs to a function; only the script's own numbers can be changed."


def test_a_run_is_forked_where_the_playhead_stands_in_its_past(
    driver: Driver, pump: Pump, tmp_path: Path
) -> None:
    session = driver.open(tmp_path / "a.py", SCRIPT)
    stand_at(driver, session, 6)
    session.show(2, 0)
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(-1, "lr", "0"), 3)
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "there", what_if.message
    assert losses(what_if.plain.session) == [*losses(session)[:6]]
    # With a rate of 0 the weights stay, and only the dropout makes the loss another one.
    assert what_if.comparison.parting.backward == 3
    assert what_if.edited.session.optimizer.lr == (0.0,)


def test_both_futures_have_the_edits_that_the_run_had_before(
    driver: Driver, pump: Pump, tmp_path: Path
) -> None:
    session = driver.open(tmp_path / "a.py", SCRIPT)
    number = stand_at(driver, session, 2, "TanhBackward0")
    session.set_value("edit", number, "incoming:0", "grad * 4")
    session.run_to(backward=5)
    driver.to_stop()
    session.set_value("edit", -1, "lr", "lr / 2")
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(-1, "lr", "lr / 5"), 4)
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "there", what_if.message
    hook = "    if step == 2:\n        hidden.register_hook(lambda grad: grad * 4)\n"
    halved = "    if step == 5:\n        optimizer.param_groups[0]['lr'] /= 2\n"
    by_hand = SCRIPT.replace("    # forward\n", hook).replace("    # backward\n", halved)
    assert losses(what_if.plain.session) == of_script(driver, tmp_path / "b.py", by_hand)[:10]
    by_hand = by_hand.replace("/= 2\n", "/= 2\n        optimizer.param_groups[0]['lr'] /= 5\n")
    assert losses(what_if.edited.session) == of_script(driver, tmp_path / "c.py", by_hand)[:10]


def test_lines_given_to_input_are_given_again(driver: Driver, pump: Pump, tmp_path: Path) -> None:
    source = SCRIPT.replace("    # forward\n", "    if step in (1, 6): x = x * float(input('by '))\n")
    session = driver.open(tmp_path / "a.py", source)
    session.run_to(backward=3)
    driver.until(lambda: session.input_asked is not None)
    session.say("1.5")
    driver.to_stop()
    assert session.state == "paused" and session.said == ["1.5"]
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(-1, "lr", "lr / 2"), 2)
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "there", what_if.message
    by_hand = source.replace("input('by ')", "1.5")
    assert losses(what_if.plain.session) == of_script(driver, tmp_path / "b.py", by_hand)[:6]
    what_if.more(2)
    pump.until(lambda: all(fork.message for fork in what_if.forks))
    assert "waits for a line of input()" in what_if.message
    what_if.cancel()
    session.go_back_in_training(2, "backward")
    driver.to_stop()
    assert session.timeline.backward == 2 and session.diverged is None and session.said == ["1.5"]


def test_a_child_that_is_killed_fails_its_fork(driver: Driver, pump: Pump, tmp_path: Path) -> None:
    source = SCRIPT.replace("    # forward\n", "    import time; time.sleep(0.05 * (step > 2))\n")
    session = driver.open(tmp_path / "a.py", source.replace("12", "1000"))
    stand_at(driver, session, 1)
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(-1, "lr", "0.1"), 500)
    pump.until(lambda: what_if.state == "running")
    os.kill(pump.links[1].child.pid, signal.SIGKILL)
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "failed" and "SIGKILL" in what_if.message
    assert session.state == "paused" and pump.links[0].child is None


def test_a_script_that_does_not_repeat_is_said_so_and_where(
    driver: Driver, pump: Pump, tmp_path: Path
) -> None:
    source = SCRIPT.replace(
        "    # forward\n",
        "    import time\n    if step == 2: hidden = hidden + (time.time_ns() % 1000003) * 1e-6\n",
    )
    session = driver.open(tmp_path / "a.py", source)
    stand_at(driver, session, 5)
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(-1, "lr", "0.1"), 2)
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "parted"
    assert {fork.parted for fork in what_if.forks if fork.state == "parted"} == {2}
    assert "does not repeat: in iteration 3" in what_if.message


def test_a_wrong_edit_is_said_in_the_words_of_the_child(driver: Driver, pump: Pump, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", SCRIPT)
    stand_at(driver, session, 1)
    what_if = WhatIf(session, pump.attach)
    with pytest.raises(ForkError):
        what_if.start(Edit(-1, "lr", " "))
    what_if.start(Edit(session.here.id, "incoming:0", "graad * 2"), 2)
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "failed" and "graad" in what_if.message


def test_cancelling_ends_both_children(driver: Driver, pump: Pump, tmp_path: Path) -> None:
    source = SCRIPT.replace("    # forward\n", "    import time; time.sleep(0.05 * (step > 2))\n").replace(
        "12", "1000"
    )
    session = driver.open(tmp_path / "a.py", source)
    stand_at(driver, session, 1)
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(-1, "lr", "0.1"), 500)
    pump.until(lambda: what_if.state == "running")
    children = [link.child.pid for link in pump.links]
    assert 0.5 <= what_if.progress < 0.6
    what_if.cancel()
    assert what_if.state == "cancelled" and not any(is_alive(pid) for pid in children)
    assert session.state == "paused"


def test_a_future_that_raises_is_told_apart_from_one_that_ends(
    driver: Driver, pump: Pump, tmp_path: Path
) -> None:
    source = SCRIPT + "    if step > 3 and float(loss) > 1e3: raise ValueError('too large')\n"
    session = driver.open(tmp_path / "a.py", source)
    stand_at(driver, session, 3)
    what_if = WhatIf(session, pump.attach)
    what_if.start(Edit(-1, "lr", "1e4"))
    pump.until(lambda: not what_if.is_busy)
    assert what_if.state == "over"
    assert what_if.message == "The edited future: ValueError: too large"
    assert len(losses(what_if.plain.session)) == 12
