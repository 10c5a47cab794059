"""Edits, breakpoints and watches are taken back and done again; an edit also after the run has moved on."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.session.breakpoint import Breakpoint
from tests.end_to_end.driving import Driver
from tests.end_to_end.scripts import regression


@pytest.fixture
def standing(driver: Driver, tmp_path: Path) -> Driver:
    """Before the first node of the second backward."""
    driver.open(tmp_path / "a.py", regression())
    driver.session.run_to(backward=1)
    driver.to_stop()
    return driver


def test_breakpoints_and_watches_are_taken_back_and_set_again(standing: Driver) -> None:
    session = standing.session
    session.toggle_breakpoint("line", "8")
    session.set_watches(["epoch"])
    session.set_breakpoints([])
    assert session.undo.back() and session.breakpoints == [Breakpoint("line", "8")]
    assert session.undo.back() and session.watches == []
    assert session.undo.back() and session.breakpoints == []
    assert not session.undo.back()
    for _ in range(2):
        assert session.undo.again()
    assert (session.breakpoints, session.watches) == ([Breakpoint("line", "8")], ["epoch"])
    session.run()
    standing.to_stop()
    assert session.standing.why == "breakpoint" and session.standing.line == 8


def test_an_edit_is_taken_back_where_the_run_still_stands_and_made_again(standing: Driver) -> None:
    session, w = standing.session, standing.node("w")
    before = standing.tensor(w, "value").tobytes()
    session.set_value("edit", w, "value", "zeros")
    assert not standing.tensor(w, "value").any() and session.edited
    assert session.undo.back()
    assert standing.tensor(w, "value").tobytes() == before and not session.edited
    assert session.undo.again()
    assert not standing.tensor(w, "value").any() and session.edited


def test_an_edit_is_taken_back_after_the_run_has_gone_on(standing: Driver) -> None:
    session = standing.session
    standing.step("end")
    plain = standing.all_tensors()
    standing.step("start")
    session.set_value("edit", 0, "incoming:0", "grad * 7")
    session.set_value("edit", standing.node("b"), "value", "x + 1")
    standing.step("end")
    assert standing.all_tensors() != plain
    for _ in range(2):
        assert session.undo.back()
        standing.to_stop()
        place = (session.timeline.backward, session.timeline.position)
        assert place == (1, session.timeline.current.count)
    assert standing.all_tensors() == plain and not session.edited
    assert session.diverged is None


def test_another_script_begins_with_nothing_to_take_back(standing: Driver, tmp_path: Path) -> None:
    session = standing.session
    session.toggle_breakpoint("line", "8")
    standing.open(tmp_path / "b.py", regression())
    assert session.undo.next_back == "" and not session.undo.back()


@pytest.mark.parametrize("condition", ["", "isnan(x) | isinf(x)", "a == 'ü,\";'"])
def test_a_breakpoint_is_kept_and_read_as_it_was(condition: str) -> None:
    point = Breakpoint("line", "C:\\a b|c.py:12", condition, 3, False)
    assert Breakpoint.read(point.kept()) == point
    assert Breakpoint.read("line|8||0|1") is None and Breakpoint.read('["x", "", "", 0, true]') is None
