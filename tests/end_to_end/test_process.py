"""The child process: killed, looping, raising, printing, asking; nothing is left behind and nothing is
lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.link.child import ROOT
from engine.protocol import request as ask
from tests.end_to_end.driving import Driver, is_alive
from tests.end_to_end.scripts import regression

ENDLESS = "while True:\n    pass\n"


def kill(driver: Driver) -> None:
    assert driver.link.child is not None
    os.kill(driver.link.child.pid, signal.SIGKILL)


def _at_launch(d: Driver) -> None:
    d.session.run()


def _while_loading(d: Driver) -> None:
    d.session.run()
    time.sleep(0.15)


def _at_its_first_event(d: Driver) -> None:
    d.session.run()
    d.until(lambda: d.session.started)


def _running(d: Driver) -> None:
    d.session.run()
    d.until(lambda: len(d.session.timeline) > 100)


def _at_a_stop(d: Driver) -> None:
    d.step()


def _in_a_step(d: Driver) -> None:
    d.step()
    d.session.step()


def _in_a_step_back(d: Driver) -> None:
    d.step()
    d.step()
    d.session.step("back")


def _in_a_fetch(d: Driver) -> None:
    d.step()
    d.session.fetch("t", 0, "value")


def _in_an_edit(d: Driver) -> None:
    d.step()
    d.session.set_value("t", 0, "incoming:0", "zeros")


def _being_paused(d: Driver) -> None:
    d.session.run()
    d.until(lambda: len(d.session.timeline) > 10)
    d.session.pause()


MOMENTS = [
    _at_launch,
    _while_loading,
    _at_its_first_event,
    _running,
    _at_a_stop,
    _in_a_step,
    _in_a_step_back,
    _in_a_fetch,
    _in_an_edit,
    _being_paused,
]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda m: m.__name__.strip("_"))
def test_a_killed_child_is_noticed_and_all_received_is_kept(driver: Driver, tmp_path: Path, moment) -> None:
    session = driver.open(tmp_path / "a.py", regression(1_000_000))
    moment(driver)
    backwards = len(session.timeline)
    kill(driver)
    driver.until(lambda: session.state == "lost", 30)
    assert "SIGKILL" in session.failure.message
    assert len(session.timeline) >= backwards and session.can_run
    session.path.write_text(regression(3))
    session.run()
    driver.to_stop()
    assert session.state == "ended" and len(session.timeline) == 3


def test_closing_while_it_runs_ends_the_child(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression(1_000_000))
    session.run()
    driver.until(lambda: len(session.timeline) > 10)
    pid = driver.link.child.pid
    assert driver.link.close()
    assert not is_alive(pid)


def test_a_script_that_raises_shows_its_traceback_and_line(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", "def f(x):\n    return 1 / x\n\nprint('before')\nf(0)\n")
    session.run()
    driver.to_stop()
    assert session.state == "failed"
    failure = session.failure
    assert (failure.type, failure.message, failure.line) == ("ZeroDivisionError", "division by zero", 2)
    lines = failure.traceback.splitlines()
    assert lines[0] == "Traceback (most recent call last):" and f'"{tmp_path}/a.py", line 5' in lines[1]
    assert "engine" not in failure.traceback
    driver.until(lambda: session.ended)
    assert session.ended.exit_status == 1


def test_a_script_that_is_not_python_shows_where(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", "print(1)\nx = = 2\n")
    session.run()
    driver.to_stop()
    assert (session.state, session.failure.type, session.failure.line) == ("failed", "SyntaxError", 2)


def test_an_op_that_is_missing_is_named_with_its_line(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", "import torch\n\ntorch.no_such_op(1)\n")
    session.run()
    driver.to_stop()
    assert session.state == "failed" and session.failure.line == 3
    assert "no_such_op" in session.failure.message


def test_an_endless_loop_is_stopped(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", "print('on')\n" + ENDLESS)
    session.run()
    driver.until(lambda: len(session.console))
    pid = driver.link.child.pid
    session.stop()
    driver.to_stop()
    assert session.state == "ended"
    driver.until(lambda: not is_alive(pid), 30)


def test_100_000_lines_arrive_whole_and_in_order(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", "for i in range(100_000):\n    print('line', i)\n")
    session.run()
    largest = before = 0
    while session.state == "running":
        driver.link.deliver()
        largest, before = max(largest, len(session.console) - before), len(session.console)
        time.sleep(0.002)
    assert session.state == "ended"
    assert [line.text for line in session.console.lines()] == [f"line {i}" for i in range(100_000)]
    assert largest < 50_000, "one delivery took most of them at once"


def test_a_script_that_prints_for_ever_does_not_fill_memory(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", "while True:\n    print('x' * 50)\n")
    session.run()
    driver.until(lambda: len(session.console) > 1000)
    time.sleep(0.5)
    session.stop()
    driver.to_stop()
    assert session.state == "ended"


def test_stdout_stderr_and_child_processes_are_told_apart(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(
        tmp_path / "a.py",
        (
            "import os, subprocess, sys\n"
            "print('out'); print('err', file=sys.stderr)\n"
            "os.write(1, b'raw\\n')\n"
            "subprocess.run([sys.executable, '-c', 'print(\"sub\")'])\n"
            "sys.exit(3)\n"
        ),
    )
    session.run()
    driver.to_stop()
    assert session.ended.exit_status == 3
    lines = {(line.stream, line.text) for line in session.console.lines()}
    assert lines == {("stdout", "out"), ("stderr", "err"), ("stdout", "raw"), ("stdout", "sub")}


def test_input_is_asked_for_and_given(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", "name = input('Name? ')\nprint('hello', name)\n")
    session.run()
    driver.until(lambda: session.input_asked)
    session.say("Ada")
    driver.to_stop()
    assert session.console.text() == "Name? hello Ada\n"


def test_a_child_whose_app_dies_ends_by_itself(tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text(f"import os\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n" + ENDLESS)
    app = (
        "import os, sys, time\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\n"
        "from app.link.child import Child\n"
        "from engine.protocol.request import Run\n"
        f"child = Child(Path({str(script)!r})); child.send(Run())\n"
        f"path = {str(tmp_path / 'pid')!r}\n"
        "while not os.path.exists(path) or not open(path).read():\n"
        "    time.sleep(0.01)\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", app], check=True, timeout=30)
    pid = int((tmp_path / "pid").read_text())
    end = time.monotonic() + 2.0
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    assert not is_alive(pid)


def test_processes_that_the_script_started_end_with_it(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(
        tmp_path / "a.py",
        (
            "import subprocess, sys, time\n"
            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
            "print(child.pid)\n"
            "time.sleep(60)\n"
        ),
    )
    session.run()
    driver.until(lambda: len(session.console))
    pid = int(session.console.lines()[0].text)
    assert is_alive(pid)
    session.stop()
    driver.to_stop()
    driver.until(lambda: not is_alive(pid), 30)


def test_a_fetch_of_nothing_is_answered_in_words(driver: Driver, tmp_path: Path) -> None:
    driver.open(tmp_path / "a.py", regression(3))
    driver.step()
    for node, what in ((0, "saved:nothing"), (99, "value"), (0, "outgoing:0"), (0, "moon")):
        with pytest.raises(LookupError, match=r"\."):
            driver.tensor(node, what)


def test_a_newer_fetch_with_the_same_tag_replaces_the_older(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression(3))
    driver.step()
    for _ in range(200):
        session.fetch("t", 0, "value")
    session.fetch("t", 1, "value")
    session.send(ask.Fetch("last", 0, "value"))
    driver.until(lambda: "last" in session.fetched)
    assert session.fetched["t"].shape == (2, 6)


def test_a_window_that_does_not_look_makes_the_script_wait(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", "while True:\n    print('x' * 1000)\n")
    session.run()
    driver.until(lambda: len(session.console))
    time.sleep(2.0)
    child = driver.link.child
    assert child is not None
    assert sum(size for _, size in child._batches) < 20 << 20
    session.stop()
    driver.to_stop()
    assert session.state == "ended"
