"""The child is killed or hangs at a stop, in a step, in a fetch, in an edit; scripts sleep, hold the
interpreter, or leave threads and processes behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.driving import Driver, is_alive
from tests.end_to_end.scripts import regression

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs POSIX signals")
Request = Callable[[Driver], None]


def _nothing(d: Driver) -> None:
    pass


def _step(d: Driver) -> None:
    d.session.step()


def _step_back(d: Driver) -> None:
    d.session.step("back")


def _run_to(d: Driver) -> None:
    d.session.run_to(backward=500)


def _fetch(d: Driver) -> None:
    d.session.fetch("t", 0, "value")


def _edit(d: Driver) -> None:
    d.session.set_value("t", 0, "incoming:0", "zeros")


def _evaluate(d: Driver) -> None:
    d.session.evaluate("t", "grad.norm()")


def _optimizer(d: Driver) -> None:
    d.session.step("optimizer")


MOMENTS = [_step, _step_back, _run_to, _fetch, _edit, _evaluate, _optimizer]


@pytest.fixture
def standing(driver: Driver, tmp_path: Path) -> Driver:
    """Before the third node of the third backward."""
    driver.open(tmp_path / "a.py", regression(1_000_000))
    driver.session.run_to(backward=2, position=2)
    driver.to_stop()
    return driver


def processes_of(group: int) -> list[int]:
    """The processes of a group that are alive."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def signal_child(driver: Driver, number: int) -> int:
    assert driver.link.child is not None
    pid = driver.link.child.pid
    os.kill(pid, number)
    return pid


def assert_all_is_kept(driver: Driver, losses: list[float | None]) -> None:
    session = driver.session
    assert session.state == "lost"
    assert [b.value for b in session.timeline.backwards][: len(losses)] == losses
    assert session.curves["loss"].values.tolist()[: len(losses)] == losses
    assert session.graph.nodes and session.can_run


@pytest.mark.parametrize("request_", [_nothing, *MOMENTS])
def test_a_killed_child_is_lost_with_a_message_and_all_received_is_kept(
    standing: Driver, request_: Request
) -> None:
    session = standing.session
    losses = [b.value for b in session.timeline.backwards]
    request_(standing)
    pid = signal_child(standing, signal.SIGKILL)
    standing.until(lambda: session.state == "lost", 30)
    assert "SIGKILL" in session.failure.message and session.message == session.failure.message
    assert_all_is_kept(standing, losses)
    assert not is_alive(pid) and not processes_of(pid)
    session.go_back_in_training(1, "backward")
    standing.to_stop()
    assert session.state == "paused" and session.timeline.backward == 1 and session.diverged is None


@pytest.mark.parametrize("request_", MOMENTS)
def test_a_hanging_child_is_reported_and_stop_ends_it(standing: Driver, request_: Request) -> None:
    session = standing.session
    losses = [b.value for b in session.timeline.backwards]
    pid = signal_child(standing, signal.SIGSTOP)
    request_(standing)
    standing.until(lambda: session.waiting, 30)
    assert "Stop ends it" in session.waiting
    session.stop()
    standing.until(lambda: session.state == "lost", 30)
    assert "did not obey Stop" in session.failure.message and session.waiting == ""
    assert_all_is_kept(standing, losses)
    assert not is_alive(pid) and not processes_of(pid)


def test_a_child_that_wakes_up_again_is_waited_for_no_more(standing: Driver) -> None:
    session = standing.session
    signal_child(standing, signal.SIGSTOP)
    session.fetch("t", 0, "value")
    standing.until(lambda: session.waiting, 30)
    signal_child(standing, signal.SIGCONT)
    standing.until(lambda: "t" in session.fetched, 30)
    assert session.waiting == "" and session.state == "paused"


def test_the_line_of_a_sleeping_script_is_told(driver: Driver, tmp_path: Path) -> None:
    source = "import time\nprint('on', flush=True)\nfor n in range(20):\n    time.sleep(0.3)\n"
    session = driver.open(tmp_path / "a.py", source)
    session.run()
    driver.until(lambda: session.waiting)
    assert session.waiting.startswith("waiting for the script: line 4")
    assert session.busy.busy_s >= 1.0
    session.stop()
    driver.until(lambda: session.state == "ended")
    assert session.waiting == ""


def test_a_call_that_holds_the_interpreter_is_said_to_hang_and_ended(driver: Driver, tmp_path: Path) -> None:
    source = "import re\nprint('on', flush=True)\nre.match('(a+)+$', 'a' * 40 + 'b')\n"
    session = driver.open(tmp_path / "a.py", source)
    session.run()
    driver.until(lambda: len(session.console))
    driver.until(lambda: "nothing heard" in session.waiting)
    pid = driver.link.child.pid
    session.stop()
    driver.until(lambda: session.state == "lost", 30)
    assert not is_alive(pid)


def test_a_script_that_asks_for_a_line_is_not_said_to_be_busy(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", "name = input('who? ')\nprint('hello', name)\n")
    session.run()
    driver.until(lambda: session.input_asked)
    end = time.monotonic() + 1.5
    driver.until(lambda: time.monotonic() > end)
    assert session.busy is None and session.waiting == ""
    session.say("you")
    driver.to_stop()
    assert session.console.text().endswith("hello you\n")


LOADING = """import os, threading, time
import torch
from torch.utils.data import DataLoader, TensorDataset

ticks = []
def background():
    while True:
        ticks.append(torch.ones(2).sum().item())
        time.sleep(0.01)

def main():
    torch.manual_seed(0)
    threading.Thread(target=background, daemon=DAEMON).start()
    data = TensorDataset(torch.randn(64, 3), torch.randn(64, 1))
    loader = DataLoader(data, batch_size=8, num_workers=2, persistent_workers=True)
    w = torch.zeros(3, 1, requires_grad=True)
    for epoch in range(EPOCHS):
        for x, y in loader:
            loss = (x @ w - y).pow(2).mean()
            w.grad = None
            loss.backward()
            with torch.no_grad():
                w -= 0.01 * w.grad
    print("ticks", len(ticks) > 0)

if __name__ == "__main__":
    main()
"""


def loading(epochs: int, daemon: bool = True) -> str:
    return LOADING.replace("EPOCHS", str(epochs)).replace("DAEMON", str(daemon))


@pytest.mark.parametrize("daemon", [True, False])
def test_stop_leaves_no_thread_or_worker_of_the_script_behind(
    driver: Driver, tmp_path: Path, daemon: bool
) -> None:
    session = driver.open(tmp_path / "a.py", loading(100_000, daemon))
    session.run()
    driver.until(lambda: len(session.timeline) > 20)
    pid = driver.link.child.pid
    assert len(processes_of(pid)) >= 3
    session.pause()
    driver.to_stop()
    assert session.state == "paused" and len(processes_of(pid)) >= 3
    driver.step("iteration")
    assert session.state == "paused"
    session.stop()
    driver.until(lambda: session.state == "ended")
    end = time.monotonic() + 3
    while processes_of(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert processes_of(pid) == []


def test_workers_end_with_a_script_that_comes_to_its_end(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", loading(2))
    driver.step()
    pid = driver.link.child.pid
    driver.step("iteration")
    session.run()
    driver.to_stop()
    assert (session.state, session.ended.exit_status, len(session.timeline)) == ("ended", 0, 16)
    assert session.console.text().endswith("ticks True\n")
    driver.until(lambda: driver.link.child is None)
    assert processes_of(pid) == []


def test_threads_and_workers_do_not_make_a_run_unrepeatable(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", loading(3))
    session.run_to(backward=10)
    driver.to_stop()
    first = driver.all_tensors()
    session.step("end")
    driver.to_stop()
    session.go_back_in_training(10, "backward")
    driver.to_stop()
    assert session.diverged is None and driver.all_tensors() == first
