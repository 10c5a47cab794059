"""The panel that says why: keys, clicks, badges on the canvas, notices, and a reproduction saved."""

from __future__ import annotations

import math

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox

from app.actions.catalogue import BY_ID
from app.look.theme import theme
from engine.protocol import event as happened
from engine.protocol import request as ask

from .made_answers import ADDMM, FILES, WEIGHT, Answering
from .made_run import GRAPH, beginning, digest, loss_at, whole_run


def look(window) -> None:
    """Let the views look, then the event loop turn."""
    window.pulse.flush()
    QTest.qWait(20)
    window.pulse.flush()


@pytest.fixture
def asking(opened, qtbot):
    """The window standing before node 2 of backward 41, with a child that explains."""
    opened.child = Answering(opened.session)
    opened.child.stand(40, 1)
    look(opened)
    return opened


def topics(window) -> list[str]:
    return [request.topic for request in window.child.asked]


def test_nothing_is_asked_while_the_panel_is_behind_another(asking):
    assert asking.bench.why.visibleRegion().isEmpty() and topics(asking) == []


def test_the_key_brings_the_panel_and_tells_the_verdict_and_its_reasons(asking, qtbot):
    asking.bench.canvas.setFocus()
    asking.session.select_node(WEIGHT)
    look(asking)
    qtbot.keyClick(asking, Qt.Key.Key_Y)
    look(asking)
    why = asking.bench.why
    assert not why.visibleRegion().isEmpty()
    assert (asking.child.asked[-1].topic, asking.child.asked[-1].node) == ("gradient", WEIGHT)
    assert why.headline.text() == "linear.weight"
    assert (why.chip.text, why.chip.tone) == ("small", "warn")
    assert [row.row.title for row in why.rows] == ["dead units", "shrunk"]


def test_the_next_stop_is_asked_anew_and_the_same_is_not(asking, qtbot):
    asking.asking.ask("gradient")
    look(asking)
    for _ in range(3):
        asking.session.cursor_changed.emit()
        look(asking)
    assert len(asking.child.asked) == 1
    qtbot.keyClick(asking, Qt.Key.Key_F10)
    qtbot.waitUntil(lambda: len(asking.child.asked) == 2, timeout=20_000)


def test_a_click_on_a_reason_shows_its_line_and_selects_its_node(asking, qtbot):
    asking.asking.ask("gradient", WEIGHT)
    look(asking)
    qtbot.mouseClick(asking.bench.why.rows[0], Qt.MouseButton.LeftButton, pos=QPoint(20, 12))
    look(asking)
    assert asking.session.selection.id == ADDMM
    assert asking.bench.source.view.selected_line == 21


def test_return_on_a_reason_does_what_a_click_does(asking, qtbot):
    asking.asking.ask("gradient", WEIGHT)
    look(asking)
    qtbot.keyClick(asking.bench.why.rows[0], Qt.Key.Key_Return)
    look(asking)
    assert asking.session.selection.id == ADDMM


def test_an_answer_that_takes_long_is_announced_and_then_shown(asking, qtbot):
    asking.child.hold = True
    asking.asking.ask("gradient")
    look(asking)
    why = asking.bench.why

    def words() -> str:
        return " ".join(label.text() for label in why.area.widget().findChildren(type(why.headline)))

    assert "Asking" not in words()
    qtbot.waitUntil(lambda: "Asking" in words(), timeout=20_000)
    asking.child.let_go()
    look(asking)
    assert "Asking" not in words() and why.rows


def test_contributions_are_shown_in_order_with_the_running_sum(asking, qtbot):
    asking.asking.ask("gradient", WEIGHT)
    look(asking)
    qtbot.mouseClick(asking.bench.why.topics["accumulation"], Qt.MouseButton.LeftButton)
    look(asking)
    why = asking.bench.why
    assert topics(asking)[-1] == "accumulation" and why.chip.text == "2 backwards"
    assert [row.row.title for row in why.rows] == ["1.", "2.", "3."]
    assert [round(row.row.total_share, 2) for row in why.rows] == [1.0, 0.45, 0.2]
    why.rows[2].links.linkActivated.emit("node")
    look(asking)
    assert asking.session.selection.id == ADDMM


def test_a_life_is_told_from_made_to_refused(asking):
    asking.asking.ask("versions", ADDMM)
    look(asking)
    why = asking.bench.why
    assert [row.row.title for row in why.rows] == ["made", "saved", "viewed", "changed", "refused"]
    assert why.rows[0].first and why.rows[-1].last and why.chip.tone == "bad"


def test_a_gradient_is_checked_only_when_asked_and_its_error_is_pictured(asking, qtbot):
    asking.asking.ask("gradient", ADDMM)
    look(asking)
    why = asking.bench.why
    qtbot.mouseClick(why.topics["trust"], Qt.MouseButton.LeftButton)
    look(asking)
    assert "trust" not in topics(asking)
    qtbot.mouseClick(why.buttons["check"], Qt.MouseButton.LeftButton)
    look(asking)
    assert topics(asking)[-1] == "trust"
    assert [row.row.mark for row in why.rows] == ["differs", "agrees", "agrees", "not differentiable"]
    fetched = [r for r in asking.child.requests if isinstance(r, ask.Fetch) and r.what == "error:mat1"]
    assert len(fetched) == 1 and fetched[0].node == ADDMM
    assert not why.rows[0].heat.is_empty
    qtbot.mouseClick(why.rows[0].heat, Qt.MouseButton.LeftButton)
    look(asking)
    tensor = asking.bench.tensor
    assert tensor.isVisible() and tensor.what.currentData() == "error:mat1"
    assert (tensor.model.rowCount(), tensor.model.columnCount()) == (2, 5)
    assert not tensor.model.editable


def test_the_check_key_checks_at_once(asking, qtbot):
    asking.bench.canvas.setFocus()
    asking.session.select_node(ADDMM)
    look(asking)
    qtbot.keyClick(asking, Qt.Key.Key_Y, Qt.KeyboardModifier.ShiftModifier)
    look(asking)
    assert topics(asking) == ["trust"]


def test_a_checked_gradient_is_marked_on_the_canvas(asking, qtbot):
    asking.asking.ask("trust", ADDMM)
    look(asking)
    qtbot.waitUntil(lambda: bool(asking.bench.canvas.emphasis.findings), timeout=20_000)
    item = asking.bench.canvas.index.item_of_node(ADDMM)
    assert asking.bench.canvas.emphasis.findings == {item: "differs"}
    before = asking.bench.canvas.grab().toImage()
    asking.bench.canvas.emphasis.findings = {}
    asking.bench.canvas._picture_changed()
    qtbot.waitUntil(lambda: asking.bench.canvas.grab().toImage() != before)


def test_a_story_is_a_tree_and_its_rows_lead_to_nodes_and_lines(asking, qtbot):
    asking.asking.ask("nan")
    look(asking)
    why = asking.bench.why
    assert [item.text(0) for item in why.tree.items] == ["log", "mul", "where", "sum", "loss", "linear.bias"]
    assert why.tree.topLevelItemCount() == 1
    item = why.tree.items[1]
    qtbot.mouseClick(
        why.tree.viewport(), Qt.MouseButton.LeftButton, pos=why.tree.visualItemRect(item).center()
    )
    look(asking)
    assert asking.session.selection.id == 3 and asking.bench.source.view.selected_line == 22


def test_a_reproduction_is_saved_and_asked_about_before_it_replaces(asking, qtbot, tmp_path, monkeypatch):
    asking.asking.ask("nan")
    look(asking)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    save = asking.bench.why.buttons["save"]
    qtbot.mouseClick(save, Qt.MouseButton.LeftButton)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == FILES
    (tmp_path / "reproduction.py").write_bytes(b"mine")
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    qtbot.mouseClick(save, Qt.MouseButton.LeftButton)
    assert (tmp_path / "reproduction.py").read_bytes() == b"mine"
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    qtbot.mouseClick(save, Qt.MouseButton.LeftButton)
    assert (tmp_path / "reproduction.py").read_bytes() == FILES["reproduction.py"]


def test_a_variable_can_be_asked_by_its_name(asking, qtbot):
    asking.asking.ask("trust", ADDMM)
    look(asking)
    why = asking.bench.why
    qtbot.keyClicks(why.field, "h.grad")
    qtbot.keyClick(why.field, Qt.Key.Key_Return)
    look(asking)
    assert (asking.child.asked[-1].topic, asking.child.asked[-1].what) == ("gradient", "h.grad")
    assert why.headline.text() == "h.grad" and not why.topics["trust"].isEnabled()
    asking.session.select_node(WEIGHT)
    look(asking)
    assert why.headline.text() == "linear.weight" and why.topics["trust"].isEnabled()


def test_what_cannot_be_told_is_said_in_words(asking):
    asking.asking.ask("gradient")
    asking.bench.why.ask_of("nothing")
    look(asking)
    why = asking.bench.why
    labels = [label.text() for label in why.area.widget().findChildren(type(why.headline))]
    assert "“nothing” is not known here." in labels and not why.rows


def test_where_the_run_does_not_stand_it_is_run_again_and_then_asked(asking, qtbot):
    asking.session.apply([happened.RunEnded(0, 1.0)])
    look(asking)
    asking.asking.ask("gradient", WEIGHT)
    look(asking)
    assert topics(asking) == []
    qtbot.mouseClick(asking.bench.why.buttons["again"], Qt.MouseButton.LeftButton)
    look(asking)
    goals = [r for r in asking.child.requests if isinstance(r, ask.RunTo)]
    assert goals[-1].backward == 40
    asking.child.stand(40, 0)
    look(asking)
    assert (asking.child.asked[-1].topic, asking.child.asked[-1].node) == ("gradient", WEIGHT)
    assert asking.bench.why.rows


def test_a_recorded_run_says_that_it_cannot_be_asked(asking):
    asking.session.past = asking.session.history
    asking.session.state = "ended"
    asking.asking.ask("gradient", WEIGHT)
    look(asking)
    why = asking.bench.why
    labels = [label.text() for label in why.area.widget().findChildren(type(why.headline))]
    assert any("recorded run" in text for text in labels) and not why.buttons
    asking.session.past = None


def test_a_loss_that_became_nan_is_noticed_and_its_origin_is_found(opened, qtbot):
    opened.child = Answering(opened.session)
    opened.session.run()
    events = beginning()
    for k in range(4):
        value = loss_at(k) if k < 2 else math.nan
        events += [happened.BackwardStarted(k, GRAPH.hash, 0, "loss", value, 41), happened.BackwardEnded(k)]
    opened.session.apply(events)
    look(opened)
    assert "became NaN at iteration 3" in opened.notice.text.text()
    assert opened.notice.button_texts == ["Find where it came from"]
    opened.notice._made[0].click()
    look(opened)
    assert opened.notice.kind == ""
    why = opened.bench.why
    labels = [label.text() for label in why.area.widget().findChildren(type(why.headline))]
    assert "Running again to iteration 2." in labels
    assert [r for r in opened.child.requests if isinstance(r, ask.RunTo)][-1] == ask.RunTo(
        backward=1, phase="forward"
    )
    opened.session.apply([*beginning(), happened.RunPaused("step", "forward", 1)])
    look(opened)
    assert ("nan", "", "", 0) in opened.child.requests[-2].breakpoints
    opened.session.apply([happened.RunPaused("nan", "forward", 2, -1, 0, "", 21, "log made NaN")])
    look(opened)
    assert topics(opened) == ["nan"] and opened.bench.why.tree is not None


def test_a_notice_of_nan_that_was_closed_stays_closed(opened, qtbot):
    opened.child = Answering(opened.session)
    opened.session.run()
    opened.session.apply([*beginning(), happened.BackwardStarted(0, GRAPH.hash, 0, "loss", math.inf, 41)])
    look(opened)
    assert "became infinite at iteration 1" in opened.notice.text.text()
    qtbot.mouseClick(opened.notice.close_button, Qt.MouseButton.LeftButton)
    opened.session.apply([happened.BackwardStarted(1, GRAPH.hash, 0, "loss", math.nan, 41)])
    look(opened)
    assert opened.notice.kind == ""


def test_a_run_refused_for_a_change_in_place_offers_the_tensors_life(opened, qtbot):
    opened.child = Answering(opened.session)
    words = "one of the variables needed for gradient computation has been modified by an inplace operation"
    opened.session.run()
    opened.session.apply([*whole_run(3)[:-1], happened.RunFailed("RuntimeError", words, "", "", 41)])
    look(opened)
    assert "Show the tensor's life" in opened.notice.button_texts
    opened.notice._made[opened.notice.button_texts.index("Show the tensor's life")].click()
    look(opened)
    opened.child.stand(2, 0)
    look(opened)
    assert set(topics(opened)) == {"versions"}
    assert opened.bench.why.inquiry.topic == "versions" and opened.bench.why.rows


def test_the_nodes_own_menu_asks(asking, qtbot, monkeypatch):
    canvas = asking.bench.canvas
    shown: list[QMenu] = []
    monkeypatch.setattr(QMenu, "popup", lambda menu, *_: shown.append(menu))
    x, y, width, height = canvas.scene.item_rect[canvas.index.item_of_node(ADDMM)].tolist()
    left, top = canvas.view.to_window(x + width / 2, y + height / 2)
    place = QPoint(round(left), round(top))
    from PySide6.QtGui import QContextMenuEvent

    canvas.contextMenuEvent(
        QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, canvas.mapToGlobal(place))
    )
    words = [action.text() for action in shown[0].actions()]
    assert "Why is this gradient so?" in words and "Check this gradient" in words
    next(a for a in shown[0].actions() if a.text() == "Check this gradient").trigger()
    look(asking)
    assert (asking.child.asked[-1].topic, asking.child.asked[-1].node) == ("trust", ADDMM)


def test_every_question_is_in_the_menu_and_can_be_asked_at_a_stop(asking):
    names = [n for n in BY_ID if n.startswith("why.") and n not in ("why.find_nan", "why.again")]
    for name in names:
        assert BY_ID[name].enabled(asking.session), name
        asking.shortcuts.trigger(BY_ID[name])
        look(asking)
    assert set(topics(asking)) == {"gradient", "accumulation", "versions", "trust", "nan"}


def test_the_panel_takes_the_other_theme(asking):
    asking.asking.ask("trust", ADDMM)
    look(asking)
    asking.choose_theme("dark")
    look(asking)
    assert theme().name == "dark" and asking.bench.why.rows
    assert not asking.bench.why.rows[0].heat.is_empty
    asking.choose_theme("light")


def test_hundreds_of_contributions_are_shown_on_demand(asking, qtbot):
    part = happened.ContributionPart(1, 0, 40, 0, digest((2, 6), 1.0), digest((2, 6), 1.0), "one of many")
    asking.child.answer = lambda request: happened.AccumulationTold(
        request.tag, request.node, "w", "Many meet.", (part,) * 300
    )
    asking.asking.ask("accumulation", ADDMM)
    look(asking)
    why = asking.bench.why
    assert len(why.rows) == 40
    qtbot.mouseClick(why.buttons["all"], Qt.MouseButton.LeftButton)
    assert len(why.rows) == 300


def test_a_nan_of_the_forward_can_be_followed_to_the_loss(asking, qtbot):
    asking.session.apply(
        [happened.RunResumed(), happened.RunPaused("nan", "forward", 41, -1, 0, "", 21, "log made NaN")]
    )
    look(asking)
    asking.asking.ask("nan")
    look(asking)
    qtbot.mouseClick(asking.bench.why.buttons["follow"], Qt.MouseButton.LeftButton)
    look(asking)
    assert ask.Step("iteration") in asking.child.requests
    qtbot.waitUntil(lambda: topics(asking).count("nan") == 2, timeout=20_000)
    look(asking)
    assert "follow" not in asking.bench.why.buttons


def test_a_long_name_leaves_room_for_the_verdict(asking):
    name = "encoder.layers.0.self_attn.out_projection.weight"
    asking.session.graph.nodes[WEIGHT].name = name
    asking.asking.ask("gradient", WEIGHT)
    look(asking)
    why = asking.bench.why
    assert why.headline.text().replace("\u200b", "") == name
    assert why.headline.height() > 30, "it takes two lines"
    right = why.chip.mapTo(why, QPoint(why.chip.width(), 0)).x()
    assert right <= why.width() and why.chip.y() >= why.headline.y() + why.headline.height()


# -- with a real child -------------------------------------------------------------------------------------

LOG_OF_ZERO = """
import torch
w = torch.ones(3, requires_grad=True)
x = torch.tensor([1.0, 2.0, 3.0])
for step in range(4):
    p = torch.relu(x * w)
    kept = torch.where(p > 0, torch.log(p), torch.zeros(3))
    loss = kept.sum() - torch.log(p).sum()
    loss.backward()
    with torch.no_grad():
        w -= float(step == 1)
        w.grad = None
"""

CHANGED_IN_PLACE = """
import torch
w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
z = (w * 2).exp()
loss = (z * z).sum()
z += 1
loss.backward()
"""


def run_script(window, qtbot, path, text) -> None:
    """Open this script and run it to its end."""
    path.write_text(text)
    window.open_path(path)
    qtbot.waitUntil(lambda: window.session.state == "ready", timeout=20_000)
    qtbot.keyClick(window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: window.session.state in ("ended", "failed", "lost"), timeout=60_000)
    look(window)


def press(window, words: str) -> None:
    """Press a button of the notice."""
    window.notice._made[window.notice.button_texts.index(words)].click()


def test_a_live_run_whose_loss_became_nan_is_led_to_the_line_that_made_it(window, qtbot, tmp_path):
    run_script(window, qtbot, tmp_path / "log.py", LOG_OF_ZERO)
    assert window.session.state == "ended" and "at iteration 3" in window.notice.text.text()
    press(window, "Find where it came from")
    why = window.bench.why
    qtbot.waitUntil(lambda: why.inquiry.page is not None and why.inquiry.topic == "nan", timeout=60_000)
    look(window)
    page = why.inquiry.page
    assert (page.rows[0].mark, page.rows[0].phase, page.rows[0].line) == ("produced", "forward", 7)
    assert why.tree is not None and "save" in why.buttons
    folder = tmp_path / "again"
    folder.mkdir()
    assert window.asking.save_reproduction(page, folder)
    assert "torch.log" in (folder / "reproduction.py").read_text()


def test_a_live_run_refused_for_a_change_in_place_is_led_to_that_tensors_life(window, qtbot, tmp_path):
    run_script(window, qtbot, tmp_path / "inplace.py", CHANGED_IN_PLACE)
    assert window.session.state == "failed"
    press(window, "Show the tensor's life")
    why = window.bench.why
    qtbot.waitUntil(lambda: why.inquiry.page is not None and why.inquiry.topic == "versions", timeout=60_000)
    look(window)
    assert why.headline.text() == "ExpBackward0" and why.chip.text == "changed too late"
    changed = next(row for row in why.inquiry.page.rows if row.title == "changed")
    assert changed.line == 6


def test_a_live_variable_without_gradient_is_led_to_the_line_that_cut_it(window, qtbot):
    from app.look.theme import RESOURCES

    window.open_path(RESOURCES / "samples" / "detached.py")
    qtbot.waitUntil(lambda: window.session.state == "ready", timeout=20_000)
    window.session.run_to(backward=2)
    qtbot.waitUntil(lambda: window.session.state == "paused", timeout=60_000)
    why = window.bench.why
    why.show()
    why.raise_()
    look(window)
    qtbot.keyClicks(why.field, "encoder.weight")
    qtbot.keyClick(why.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: why.chip.text == "none", timeout=10_000)
    assert [row.row.title for row in why.rows] == ["detach"]
    lines = (RESOURCES / "samples" / "detached.py").read_text().split("\n")
    assert "detach()" in lines[why.rows[0].row.line - 1]


@pytest.fixture
def sample(window, qtbot):
    """Opens a sample and lets it stand in a backward, before node `position`."""
    from app.look.theme import RESOURCES

    def stand(name: str, backward: int, position: int = 0) -> None:
        window.open_path(RESOURCES / "samples" / name)
        qtbot.waitUntil(lambda: window.session.state == "ready", timeout=20_000)
        window.session.run_to(backward=backward, position=position)
        qtbot.waitUntil(lambda: window.session.state == "paused", timeout=60_000)
        look(window)

    return stand


def node_named(window, name: str) -> int:
    """The first node of this name in the graph that is shown."""
    return next(n.id for n in window.session.graph.nodes if n.name == name)


def test_a_live_function_with_a_wrong_backward_is_pictured_where_it_is_wrong(window, qtbot, sample):
    sample("wrong_function.py", 0, 3)
    node = node_named(window, "SwishBackward")
    window.asking.ask("trust", node)
    why = window.bench.why
    qtbot.waitUntil(lambda: why.chip.text == "differs", timeout=30_000)
    qtbot.waitUntil(lambda: any(row.heat and not row.heat.is_empty for row in why.rows), timeout=10_000)
    wrong = [row.row for row in why.rows if row.row.mark == "differs"]
    assert [(row.group, row.title) for row in wrong] == [("x", "finite difference")]
    item = window.bench.canvas.index.item_of_node(node)
    qtbot.waitUntil(lambda: window.bench.canvas.emphasis.findings.get(item) == "differs", timeout=20_000)


def test_a_live_dead_relu_is_named_with_its_share(window, qtbot, sample):
    sample("dead_relu.py", 0)
    window.session.step("end")
    qtbot.waitUntil(lambda: window.session.state == "paused", timeout=10_000)
    leaf = next(n.id for n in window.session.graph.nodes if n.kind == "leaf" and n.shape == (16, 4))
    window.asking.ask("gradient", leaf)
    why = window.bench.why
    qtbot.waitUntil(lambda: bool(why.rows), timeout=30_000)
    dead = next(row.row for row in why.rows if row.row.title == "dead units")
    assert dead.share == pytest.approx(15 / 16) and dead.node == node_named(window, "ReluBackward0")


def test_a_live_sum_over_several_backwards_tells_of_zero_grad(window, qtbot, sample):
    sample("forgotten_zero_grad.py", 2)
    window.session.step("end")
    qtbot.waitUntil(lambda: window.session.state == "paused", timeout=10_000)
    window.asking.ask("accumulation", node_named(window, "w"))
    why = window.bench.why
    qtbot.waitUntil(lambda: why.chip.text == "3 backwards", timeout=30_000)
    assert [row.row.title for row in why.rows] == ["1.", "2.", "3.", "="]
    # By hand: x = 1 … 4 and y = 3 x, so the gradient at w is 15 w - 45, and w goes 0, 4.5, 6.75.
    assert [row.row.value for row in why.rows[:3]] == pytest.approx([45.0, 22.5, 56.25])
    assert why.rows[-1].row.total.mean == pytest.approx(-45.0 + 22.5 + 56.25)


def test_a_live_run_that_is_over_is_run_again_and_then_asked(window, qtbot, tmp_path):
    run_script(window, qtbot, tmp_path / "fine.py", LOG_OF_ZERO.replace("step == 1", "step == 9"))
    window.asking.ask("gradient", node_named(window, "w"))
    look(window)
    why = window.bench.why
    assert why.inquiry.status == "elsewhere"
    qtbot.mouseClick(why.buttons["again"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: why.inquiry.status == "told", timeout=60_000)
    assert window.session.standing.backward == 3 and why.headline.text() == "w"
