"""What if, what changed, and playing: by clicks and keys, in a window with real children where it matters."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.docks.change_text import change_text
from app.docks.right_column import FIGURE_ROLE
from app.session.breakpoint import Breakpoint
from app.session.difference import change_of
from app.shell.saving import write_run
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.protocol.event import Digest

from .made_run import digest, whole_run
from .test_window import look

SCRIPT = """import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
x = torch.randn(16, 4)
y = torch.randn(16, 2)
for step in range(30):
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


@pytest.fixture
def live(window, qtbot, tmp_path):
    """The window on a script that stands in backward 6, before the tanh."""
    path = tmp_path / "forked.py"
    path.write_text(SCRIPT, encoding="utf-8")
    window.open_path(path)
    qtbot.waitUntil(lambda: window.session.state == "ready", timeout=10_000)
    window.session.run_to(backward=5)
    qtbot.waitUntil(lambda: window.session.state == "paused", timeout=60_000)
    number = next(n.id for n in window.session.graph.nodes if n.name == "TanhBackward0")
    window.session.run_to(node=number)
    qtbot.waitUntil(
        lambda: window.session.state == "paused" and window.session.timeline.position > 0, timeout=30_000
    )
    window.session.select_node(number)
    window.setFocus()
    look(window)
    return window


def test_a_key_a_line_and_return_fork_the_run(live, qtbot):
    bench, session = live.bench, live.session
    qtbot.keyClick(live, Qt.Key.Key_E, Qt.KeyboardModifier.ShiftModifier)
    look(live)
    dock = bench.what_if
    assert dock.isVisible() and dock.expression.hasFocus()
    assert dock.what.currentText() == "TanhBackward0  gradient in"
    qtbot.keyClicks(dock.expression, "grad * 0.25")
    dock.iterations.setValue(10)
    qtbot.keyClick(dock.expression, Qt.Key.Key_Return)
    what_if = live.futures.what_if
    assert dock.button.text() == "Cancel"
    qtbot.waitUntil(lambda: what_if.state == "there", timeout=60_000)
    look(live)
    assert dock.button.text() == "Fork here"
    assert what_if.comparison.parting.backward == 6
    assert dock.words.text().startswith("The losses part at iteration 7. At 16: ")
    assert dock.told.text() == f"{len(dock.list.rows)} nodes differ"
    assert dock.told.toolTip() == "In iteration 16, where both futures stand"
    assert {len(c) for c in what_if.comparison.curves("loss")} == {16}
    # The run itself stands where it stood, and is not an edited one.
    assert session.state == "paused" and session.timeline.backward == 5 and not session.edited
    row = next(n for n, r in enumerate(dock.list.rows) if r.name.endswith("weight"))
    place = dock.list.visualItemRect(dock.list.topLevelItem(row)).center()
    qtbot.mouseClick(dock.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.selected_node.name == dock.list.rows[row].name
    qtbot.waitUntil(lambda: "elements differ, by" in dock.words.text(), timeout=10_000)
    assert dock.words.text().startswith(f"{dock.list.rows[row].name}, ")
    children = [fork.session for fork in what_if.forks]
    qtbot.mouseClick(dock.on_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: what_if.state == "there" and not what_if.is_busy, timeout=60_000)
    assert {len(s.timeline) for s in children} == {26}
    look(live)
    qtbot.keyClick(live, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(live.palette_view.field, "both futures on")
    qtbot.keyClick(live.palette_view.field, Qt.Key.Key_Return)
    # The script has 30 iterations.
    qtbot.waitUntil(lambda: what_if.state == "over", timeout=60_000)
    assert {len(s.timeline) for s in children} == {30}


def test_a_fork_can_be_cancelled_by_its_button(live, qtbot):
    dock, what_if = live.bench.what_if, live.futures.what_if
    dock.show()
    dock.raise_()
    look(live)
    dock.offer()
    dock.what.setCurrentIndex(0)
    qtbot.mouseClick(dock.button, Qt.MouseButton.LeftButton)
    assert what_if.edited.edit.what == "lr" and what_if.edited.edit.expression == "lr / 10"
    assert what_if.is_busy and dock.button.text() == "Cancel"
    qtbot.mouseClick(dock.button, Qt.MouseButton.LeftButton)
    look(live)
    assert not what_if.is_busy and what_if.state == "cancelled"
    assert dock.news.text() == "Cancelled" and dock.button.text() == "Fork here"


def test_the_run_button_works_while_an_edit_is_written(live, qtbot):
    live.futures.fork_here()
    look(live)
    assert live.bench.what_if.expression.hasFocus()
    button = live.top.buttons["run.toggle"]
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: live.session.state == "ended", timeout=60_000)


def test_a_wrong_edit_is_said_below_the_form(live, qtbot):
    dock = live.bench.what_if
    live.futures.fork_here()
    look(live)
    qtbot.keyClicks(dock.expression, "graad")
    qtbot.keyClick(dock.expression, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: live.futures.what_if.state == "failed", timeout=60_000)
    look(live)
    assert "graad" in dock.news.text()


def test_a_recorded_run_says_that_it_cannot_be_forked(window, qtbot, tmp_path):
    path = tmp_path / "kept.gradwalk"
    write_run(path, whole_run(3))
    window.open_path(path)
    qtbot.waitUntil(lambda: window.session.is_recording, timeout=10_000)
    dock = window.bench.what_if
    dock.show()
    dock.raise_()
    look(window)
    assert not dock.button.isEnabled()
    assert dock.news.text() == "A recorded run cannot be forked; open its script and run it."
    assert not window.shortcuts.actions["compare.fork"].isEnabled()


def test_what_changed_lists_what_a_step_brought_and_a_click_selects_it(standing, qtbot):
    dock = standing.bench.what_changed
    qtbot.keyClick(standing, Qt.Key.Key_D)
    look(standing)
    assert dock.isVisible() and dock.span.text() == "Iteration 41, node 2"
    qtbot.keyClick(standing, Qt.Key.Key_F10)
    look(standing)
    assert dock.span.text() == "Since iteration 41, node 2"
    assert [(r.name, r.kind) for r in dock.list.rows] == [("AddmmBackward0", "arrived")]
    assert dock.summary.text() == "1 is known now · 1 the same"
    place = dock.list.visualItemRect(dock.list.topLevelItem(0)).center()
    qtbot.mouseClick(dock.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert standing.session.selected_node.name == "AddmmBackward0"


def test_a_pinned_moment_is_compared_with_every_later_stop(standing, qtbot):
    dock = standing.bench.what_changed
    dock.show()
    dock.raise_()
    look(standing)
    qtbot.keyClick(standing, Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
    for _ in range(2):
        qtbot.keyClick(standing, Qt.Key.Key_F10)
        look(standing)
    assert dock.span.text() == "Since the pinned iteration 41, node 2" and dock.pin.isChecked()
    # The larger gradient first.
    assert [r.name for r in dock.list.rows] == ["linear.bias", "AddmmBackward0"]
    qtbot.mouseClick(dock.pin, Qt.MouseButton.LeftButton)
    look(standing)
    assert dock.span.text() == "Since iteration 41, node 3"
    assert [r.name for r in dock.list.rows] == ["linear.bias"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            Digest((), "float32", 2.0, 2.0, 2.0, 2.0),
            Digest((), "float32", 1.0, 1.0, 1.0, 1.0),
            "2 → 1 · −50 %",
        ),
        (
            Digest((3,), "float32", 1.0, -1.0, 1.0, 0.1),
            Digest((3,), "float32", 1.0, -1.0, 1.0, -0.4),
            "mean 0.1 → −0.4 · −50 %",
        ),
        (Digest((3,), "float32", 1.0, 0, 1, 0), Digest((3,), "float32", 13.0, 0, 12, 0), "1 → 13 · ×13"),
        (Digest((3,), "float32"), Digest((3,), "float32", 0.5, 0, 0.5, 0.1), "0 → 0.5 · from 0"),
        (Digest((3,), "float32", 1.0), Digest((3,), "float32", nans=2, infs=1), "1 → 2 NaN 1 Inf"),
        (None, Digest((3,), "float32", 0.25, 0, 0.2, 0.1), "now 0.25"),
    ],
)
def test_a_change_is_told_by_what_changed_most(before, after, words):
    assert change_text(change_of(before, after)) == words


def test_a_new_nan_stands_first_in_the_colour_of_a_warning(standing, qtbot):
    session, dock = standing.session, standing.bench.what_changed
    dock.show()
    dock.raise_()
    session.apply([happened.ValuesSampled(40, {1: digest((2, 6), 3.0), 3: digest((5, 6), 2.0)})])
    look(standing)
    broken = happened.Digest((5, 6), "float32", nans=30)
    session.apply(
        [
            happened.ValueSet(40, 3, "value", "log(x)"),
            happened.ValuesSampled(40, {3: broken, 1: digest((2, 6), 6.0)}),
        ]
    )
    look(standing)
    assert [(r.name, r.kind) for r in dock.list.rows] == [
        ("TBackward0", "spoiled"),
        ("AddmmBackward0", "changed"),
    ]
    assert dock.summary.text() == "new NaN or Inf at 1 node · 1 changed · 1 the same"
    figures = [dock.list.topLevelItem(n).data(0, FIGURE_ROLE) for n in range(2)]
    assert figures == ["2 → 30 NaN", "3 → 6 · +100 %"]
    canvas, both = standing.bench.canvas, {"spoiled", "changed"}
    qtbot.waitUntil(lambda: set(canvas.emphasis.findings.values()) == both, timeout=20_000)
    standing.bench.curves.raise_()
    qtbot.waitUntil(lambda: canvas.emphasis.findings == {}, timeout=20_000)
    dock.raise_()
    qtbot.waitUntil(lambda: set(canvas.emphasis.findings.values()) == both, timeout=20_000)


def test_p_plays_a_run_that_is_over_and_p_again_rests(opened, qtbot):
    session, playback = opened.session, opened.playback
    session.apply(whole_run(6))
    session.show(0, 0)
    look(opened)
    opened.setFocus()
    playback.set_speed(60)
    qtbot.keyClick(opened, Qt.Key.Key_P)
    assert playback.is_playing and opened.timeline.controls.buttons[1].isChecked()
    qtbot.waitUntil(lambda: session.timeline.backward >= 1, timeout=10_000)
    qtbot.keyClick(opened, Qt.Key.Key_P)
    assert not playback.is_playing
    there = (session.timeline.backward, session.timeline.position)
    QTest.qWait(80)
    assert (session.timeline.backward, session.timeline.position) == there
    qtbot.keyClick(opened, Qt.Key.Key_P, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: not playback.is_playing, timeout=10_000)
    assert (session.timeline.backward, session.timeline.position) == (0, 0)
    look(opened)
    assert opened.status.sentence.text() == "This is the beginning of the run."


def test_the_buttons_and_boxes_of_the_timeline_play(opened, qtbot):
    session, playback = opened.session, opened.playback
    session.apply(whole_run(6))
    session.show(0, 0)
    look(opened)
    controls = opened.timeline.controls
    controls.speed.setCurrentIndex(controls.speed.findData(60.0))
    controls.speed.activated.emit(controls.speed.currentIndex())
    controls.stride.setCurrentIndex(controls.stride.findData("iteration"))
    controls.stride.activated.emit(controls.stride.currentIndex())
    assert (playback.speed, playback.stride) == (60.0, "iteration")
    session.set_breakpoints([Breakpoint("iteration", "3")])
    qtbot.mouseClick(controls.buttons[1], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not playback.is_playing, timeout=10_000)
    assert (session.timeline.backward, session.timeline.position) == (3, 0)
    qtbot.keyClick(opened, Qt.Key.Key_BracketLeft)
    assert playback.speed == 30.0 and controls.speed.currentText() == "30"


def test_a_live_run_is_played_step_by_step(standing, qtbot):
    standing.playback.set_speed(60)
    standing.setFocus()
    qtbot.keyClick(standing, Qt.Key.Key_P)
    qtbot.waitUntil(lambda: standing.session.timeline.position == 3, timeout=10_000)
    standing.playback.pause()
    steps = [r for r in standing.child.requests if isinstance(r, ask.Step)]
    assert steps[:2] == [ask.Step("node")] * 2


def test_the_lane_of_nodes_is_a_slider_of_its_own(opened, qtbot):
    session, bar = opened.session, opened.timeline
    session.apply(whole_run(100))
    session.show(40, 0)
    look(opened)
    lane = bar._lane()
    spot = QPoint(round(lane.left() + lane.width() * 0.6), bar.height() - 6)
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=spot)
    assert (session.timeline.backward, session.timeline.position) == (40, 3)
    assert bar._words_at(spot.toPointF()).startswith("node 4 of 5")


def test_shift_and_a_drag_go_node_by_node_through_the_whole_run(opened, qtbot):
    session, bar = opened.session, opened.timeline
    session.apply(whole_run(100))
    session.show(40, 4)
    look(opened)
    shift, left = Qt.KeyboardModifier.ShiftModifier, Qt.MouseButton.LeftButton
    qtbot.mousePress(bar, left, shift, QPoint(300, 12))
    qtbot.mouseMove(bar, QPoint(312, 12))
    QTest.qWait(10)
    bar._drag(312)
    assert (session.timeline.backward, session.timeline.position) == (41, 1)
    qtbot.mouseRelease(bar, left, shift, QPoint(312, 12))


def test_with_the_focus_the_timeline_is_walked_by_keys(opened, qtbot):
    session, bar = opened.session, opened.timeline
    session.apply(whole_run(10))
    session.show(4, 5)
    look(opened)
    bar.setFocus(Qt.FocusReason.TabFocusReason)
    seen = []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_PageUp, Qt.Key.Key_Home, Qt.Key.Key_End):
        qtbot.keyClick(bar, key)
        seen.append((session.timeline.backward, session.timeline.position))
    assert seen == [(5, 0), (4, 5), (3, 0), (0, 0), (9, 5)]
