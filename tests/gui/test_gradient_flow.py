"""Gradient flow: the waterfall is clicked and walked by keys; the graph is coloured by gain."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.docks.right_column import FIGURE_ROLE

from .made_run import whole_run


def look(window) -> None:
    window.pulse.flush()
    QTest.qWait(20)
    window.pulse.flush()


@pytest.fixture
def flowed(opened):
    """The window on a run that is over, with its gradient flow in front."""
    opened.session.apply(whole_run(3))
    flow = opened.bench.gradient_flow
    flow.show()
    flow.raise_()
    look(opened)
    return opened


def test_each_op_and_leaf_is_a_step_and_the_turned_weight_is_not(flowed):
    names = [step.name for step in flowed.bench.gradient_flow.steps]
    assert names == ["MseLossBackward0", "AddmmBackward0", "linear.bias", "linear.weight"]


def test_a_click_on_a_bar_selects_its_node(flowed, qtbot):
    plot = flowed.bench.gradient_flow.plot
    qtbot.mouseClick(
        plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(round(plot.x_of(1)), plot.height() // 2)
    )
    assert flowed.session.selected_node.name == "AddmmBackward0"


def test_arrow_keys_go_from_bar_to_bar(flowed, qtbot):
    flow = flowed.bench.gradient_flow
    flowed.session.select_node(1)
    look(flowed)
    qtbot.keyClick(flow.plot, Qt.Key.Key_Right)
    look(flowed)
    assert flowed.session.selected_node.name == "linear.bias"
    qtbot.keyClick(flow.plot, Qt.Key.Key_Left)
    look(flowed)
    assert flowed.session.selected_node.name == "AddmmBackward0" and flow.plot.selected == 1


def test_the_worst_factor_is_listed_and_a_click_goes_there(flowed, qtbot):
    flow = flowed.bench.gradient_flow
    item = flow.list.topLevelItem(0)
    qtbot.mouseClick(
        flow.list.viewport(), Qt.MouseButton.LeftButton, pos=flow.list.visualItemRect(item).center()
    )
    assert item.text(0) == "linear" and item.data(0, FIGURE_ROLE) == "×2.5"  # √(1.3² + 2.1²)
    assert flowed.session.selected_node.name == "AddmmBackward0"


def test_steps_can_be_modules(flowed, qtbot):
    flow = flowed.bench.gradient_flow
    qtbot.mouseClick(flow.grouped, Qt.MouseButton.LeftButton)
    assert [(s.kind, s.name) for s in flow.steps] == [("node", "MseLossBackward0"), ("module", "linear")]
    flow.plot.chosen.emit(1)
    assert (flowed.session.selection.kind, flowed.session.selection.id) == ("module", 1)


def test_the_key_g_colours_the_graph_by_gain_and_back(flowed, qtbot):
    canvas = flowed.bench.canvas
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_G)
    assert canvas.emphasis.overlay == "gain" and canvas.legend.overlay == "gain"
    qtbot.keyClick(canvas, Qt.Key.Key_G)
    assert canvas.emphasis.overlay == "" and canvas.legend.overlay == ""
