"""What is wrong with a file or a run is said in the window, and nothing is lost."""

from __future__ import annotations

from app.session.session import Session
from app.shell.saving import events_of, write_run
from engine.protocol import event as happened

from .made_run import whole_run


def told(window, qtbot) -> str:
    """What the notice says, once it says something."""
    qtbot.waitUntil(lambda: bool(window.notice.kind), timeout=20_000)
    return window.notice.text.text()


def test_a_script_that_is_not_python_is_shown_with_its_line(window, qtbot, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("x = 1\nfor in y:\n    pass\n")
    window.open_path(path)
    text = told(window, qtbot)
    assert "broken.py, line 2" in text and "not Python" in text
    qtbot.waitUntil(lambda: window.bench.source.view.failed_line == 2, timeout=20_000)


def test_a_missing_file_is_said_to_be_missing(window, qtbot, tmp_path):
    window.open_path(tmp_path / "nowhere.py")
    assert "is not there" in told(window, qtbot)
    assert window.session.state == "empty"


def test_bytes_that_are_no_text_are_refused(window, qtbot, tmp_path):
    path = tmp_path / "picture.py"
    path.write_bytes(b"\xff\xfe\x00\x80" * 50)
    window.open_path(path)
    assert "not text in UTF-8" in told(window, qtbot)


def make_recording(path) -> None:
    """A whole run in a file."""
    session = Session()
    session.apply(whole_run(12))
    write_run(path, list(events_of(session)))


def test_a_kept_run_opens_as_it_was(window, qtbot, tmp_path):
    path = tmp_path / "kept.gradwalk"
    make_recording(path)
    window.open_path(path)
    qtbot.waitUntil(lambda: window.session.is_recording, timeout=20_000)
    qtbot.waitUntil(lambda: window.top.iteration.text() == "iteration 12 of 12", timeout=20_000)
    assert len(window.session.curves["loss"]) == 12
    assert "epoch: 11" in window.session.console.text()


def test_a_truncated_run_shows_what_is_there_and_says_so(window, qtbot, tmp_path):
    path = tmp_path / "cut.gradwalk"
    make_recording(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 40])
    window.open_path(path)
    assert "cut.gradwalk" in told(window, qtbot)


def test_a_corrupted_run_says_so(window, qtbot, tmp_path):
    path = tmp_path / "bad.gradwalk"
    make_recording(path)
    data = bytearray(path.read_bytes())
    for k in range(6, min(len(data), 40)):
        data[k] ^= 0x5A
    path.write_bytes(bytes(data))
    window.open_path(path)
    assert "bad.gradwalk" in told(window, qtbot)


def test_a_failed_script_marks_its_line_and_shows_the_traceback(standing, qtbot):
    trace = "Traceback (most recent call last):\n  line 36\nZeroDivisionError: division by zero\n"
    standing.session.apply(
        [happened.RunFailed("ZeroDivisionError", "division by zero", trace, str(standing.session.path), 36)]
    )
    assert "division by zero (quickstart.py:36)" in told(standing, qtbot)
    assert "Run again" in standing.notice.button_texts
    qtbot.waitUntil(lambda: standing.bench.source.view.failed_line == 36, timeout=20_000)
    assert "ZeroDivisionError: division by zero" in standing.session.console.text()


def test_an_op_that_the_engine_lacks_is_named_with_its_line(standing, qtbot):
    standing.session.apply(
        [
            happened.RunFailed(
                "NotImplementedError", "torch.foo is not there yet", "", str(standing.session.path), 31
            )
        ]
    )
    text = told(standing, qtbot)
    assert "torch.foo" in text and ":31" in text


def test_a_lost_child_is_told_and_a_new_run_offered(standing, qtbot):
    standing.session.child_gone("The script's process was ended by SIGKILL.")
    text = told(standing, qtbot)
    assert "SIGKILL" in text and "kept" in text
    assert standing.notice.button_texts == ["Run again"]
    assert len(standing.session.curves["loss"]) == 41
