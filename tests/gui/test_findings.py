"""Findings: rules are switched and moved by clicks and keys; a click on a finding goes to its node."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.canvases.badge import BADGES
from app.session.rule import RULES
from app.session.session import Session
from app.shell import setting
from app.shell.window import MainWindow
from engine.protocol import event as happened

from .made_run import GRAPH, beginning, digest, whole_run


def look(window) -> None:
    window.pulse.flush()
    QTest.qWait(20)
    window.pulse.flush()


def exploded() -> list[happened.Event]:
    """A backward in which the weight's gradient has norm 500."""
    large = digest((6, 5), 500.0)
    return [
        *beginning(),
        happened.BackwardStarted(0, GRAPH.hash, 0, "loss", 1.0, 41),
        happened.GradFlowed(0, 0, 0, (digest((), 1.0),), (digest((2, 6), 300.0), None)),
        happened.GradFlowed(
            0, 1, 1, (digest((2, 6), 300.0),), (digest((6,), 20.0), None, digest((5, 6), 500.0))
        ),
        happened.GradAccumulated(0, 2, 2, digest((6,), 20.0), digest((6,), 20.0)),
        happened.GradFlowed(0, 3, 3, (digest((5, 6), 500.0),), (large,)),
        happened.GradAccumulated(0, 4, 4, large, large),
        happened.BackwardEnded(0),
        happened.RunEnded(0),
    ]


@pytest.fixture
def found(opened, qtbot):
    """The window on a run with one exploding gradient, its findings in front."""
    dock = opened.bench.findings
    opened.session.apply(exploded())
    dock.show()
    dock.raise_()
    look(opened)
    qtbot.waitUntil(lambda: bool(dock.found) and dock.tree.topLevelItemCount() > 0, timeout=3000)
    return opened


def sentences(dock) -> list[str]:
    heads = [dock.tree.topLevelItem(i) for i in range(dock.tree.topLevelItemCount())]
    return [head.child(k).text(0) for head in heads for k in range(head.childCount())]


def test_a_finding_is_a_sentence_with_advice_and_is_counted_in_the_tab(found):
    dock = found.bench.findings
    assert sentences(dock) == ["The gradient of linear.weight has norm 500."]
    assert "clip_grad_norm_" in dock.advice.text()
    assert dock.windowTitle() == "Findings 1"


def test_the_canvas_marks_the_node_as_long_as_the_findings_are_seen(found, qtbot):
    canvas = found.bench.canvas
    item = canvas.index.item_of_node(4)
    qtbot.waitUntil(lambda: canvas.emphasis.findings.get(item) == "exploding", timeout=3000)
    found.bench.curves.raise_()
    qtbot.waitUntil(lambda: not canvas.emphasis.findings, timeout=3000)


def test_every_rule_about_a_node_has_its_badge():
    assert {rule.key for rule in RULES} - {"no_gradient", "loss_stuck"} <= set(BADGES)


def test_a_click_on_a_finding_selects_its_node(found, qtbot):
    dock = found.bench.findings
    item = dock.tree.topLevelItem(0).child(0)
    qtbot.mouseClick(
        dock.tree.viewport(), Qt.MouseButton.LeftButton, pos=dock.tree.visualItemRect(item).center()
    )
    assert found.session.selected_node.name == "linear.weight"


def test_return_on_a_finding_selects_its_node(found, qtbot):
    dock = found.bench.findings
    dock.tree.setCurrentItem(dock.tree.topLevelItem(0).child(0))
    qtbot.keyClick(dock.tree, Qt.Key.Key_Return)
    assert found.session.selected_node.name == "linear.weight"


def test_a_higher_threshold_lets_it_be_and_a_lower_one_finds_more(found, qtbot):
    dock = found.bench.findings
    box = dock.boxes["exploding"]
    assert box.text() == "100"
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "10")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert sorted(f.name for f in dock.found) == ["linear.bias", "linear.weight"]
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert box.text() == "20" and [f.name for f in dock.found] == ["linear.weight"]
    box.setValue(1000)
    assert dock.found == [] and not dock.body.shows_widget
    assert dock.windowTitle() == "Findings"


def test_a_rule_that_is_switched_off_finds_nothing(found, qtbot):
    dock = found.bench.findings
    dock.switches["exploding"].setFocus()
    qtbot.keyClick(dock.switches["exploding"], Qt.Key.Key_Space)
    assert dock.found == [] and not dock.boxes["exploding"].isEnabled()
    qtbot.keyClick(dock.switches["exploding"], Qt.Key.Key_Space)
    assert len(dock.found) == 1


def test_arrow_keys_move_in_the_list_and_not_on_the_graph(found, qtbot):
    dock = found.bench.findings
    dock.tree.setFocus()
    dock.tree.setCurrentItem(dock.tree.topLevelItem(0))
    qtbot.keyClick(dock.tree, Qt.Key.Key_Down)
    assert dock.tree.currentItem() is dock.tree.topLevelItem(0).child(0)
    assert found.session.selected_node is None


def test_thresholds_are_written_as_people_write_them(found):
    box = found.bench.findings.boxes["vanishing"]
    assert box.text() == "1e−4"
    box.stepDown()
    assert box.value() == pytest.approx(5e-5)
    box.stepUp(), box.stepUp()
    assert box.value() == pytest.approx(2e-4)
    share = found.bench.findings.boxes["dead"]
    assert share.text() == "90 %" and share.valueFromText("85%") == 0.85
    assert share.valueFromText("nonsense") == 0.9


def test_a_moved_threshold_is_there_again_in_the_next_window(found, qtbot):
    found.bench.findings.boxes["exploding"].setValue(1000)
    found.bench.findings.switches["steep"].setChecked(False)
    assert setting.kept_rules() == {"exploding": "1 1000.0", "steep": "0 100.0"}
    other = MainWindow(Session())
    other.show()
    qtbot.waitUntil(lambda: other.bench is not None, timeout=20_000)
    dock = other.bench.findings
    assert dock.boxes["exploding"].value() == 1000 and not dock.switches["steep"].isChecked()
    other.close()
    other.deleteLater()


def test_a_healthy_run_breaks_no_rule_and_says_so(opened, qtbot):
    dock = opened.bench.findings
    dock.raise_()
    opened.session.apply(whole_run(20))
    look(opened)
    qtbot.waitUntil(lambda: not dock._later.isActive(), timeout=3000)
    assert dock.found == []
    assert dock.body.blank.label.text() == "None of the rules that are on finds anything here."
