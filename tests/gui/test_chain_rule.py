"""The chain rule card: the record's rule at once, numbers and shapes as soon as the engine tells them."""

from __future__ import annotations


import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app.docks.formula_view import FormulaView
from engine.protocol import event as happened
from engine.protocol import request as ask

NUMBERS = r"= \begin{bmatrix} 0.5 & -1 \\ 2 & 0.25 \end{bmatrix}"
SHAPES = ((r"5{\times}6 = (2{\times}5)^{T}\,(2{\times}6)", "A is turned: the batch of 2 is summed over"),)
SENTENCE = "Each weight learns from what it saw times what it did wrong."


def look(window) -> None:
    window.pulse.flush()
    QTest.qWait(30)
    window.pulse.flush()
    QTest.qWait(20)


def answers(window, wait: bool = False) -> list[ask.Explain]:
    """Let the made child tell rules too; what it was asked. wait: it keeps its answers for itself."""
    asked: list[ask.Explain] = []
    send = window.session.send

    def reply(request: ask.Request) -> None:
        if not isinstance(request, ask.Explain):
            send(request)
            return
        asked.append(request)
        if not wait:
            told = happened.RuleTold(
                request.tag, request.node, request.slot, r"\frac{\partial L}{\partial B} = A^{T} g",
                NUMBERS, SHAPES, SENTENCE,
            )
            window.session.apply([told])

    window.session.send = reply
    return asked


def words_of(widget) -> list[str]:
    return [label.text() for label in widget.findChildren(QLabel) if not label.isHidden()]


def formulas_of(widget) -> list[str]:
    return [view.latex for view in widget.findChildren(FormulaView) if not view.isHidden()]


@pytest.fixture
def chosen(standing):
    """The window standing before addmm's node, which is selected once somebody asks. One rests at once."""
    standing.bench.inspector.rest.stop()
    standing.bench.inspector.rest.setInterval(0)
    return standing


def test_at_a_stop_the_card_has_numbers_shapes_and_a_sentence(chosen):
    asked = answers(chosen)
    chosen.session.select_node(3)
    look(chosen)
    chosen.session.select_node(1)
    look(chosen)
    card = chosen.bench.inspector.card
    assert [(r.tag, r.topic, r.node, r.slot) for r in asked if r.node == 1] == [
        ("rule:1:0", "rule", 1, 0),
        ("rule:1:2", "rule", 1, 2),
    ]
    block = card.blocks[1]
    assert formulas_of(block) == [r"\frac{\partial L}{\partial B} = A^{T} g", NUMBERS]
    assert SENTENCE in words_of(block) and SHAPES[0][1] not in words_of(block)
    assert any(text.startswith("5×6  =") for text in words_of(block))


def test_the_cards_button_unfolds_the_algebra_of_shapes(chosen, qtbot):
    answers(chosen)
    chosen.session.select_node(3)
    look(chosen)
    chosen.session.select_node(1)
    look(chosen)
    card = chosen.bench.inspector.card
    qtbot.mouseClick(card.shapes_button, Qt.MouseButton.LeftButton)
    look(chosen)
    assert formulas_of(card.blocks[1])[1:] == [NUMBERS, SHAPES[0][0]]
    assert SHAPES[0][1] in words_of(card.blocks[1]) and SENTENCE in words_of(card.blocks[1])
    qtbot.mouseClick(card.shapes_button, Qt.MouseButton.LeftButton)
    look(chosen)
    assert SHAPES[0][1] not in words_of(card.blocks[1])


def test_until_the_answer_comes_the_rule_of_the_record_stands_there(chosen):
    answers(chosen, wait=True)
    chosen.session.select_node(3)
    look(chosen)
    chosen.session.select_node(1)
    look(chosen)
    block = chosen.bench.inspector.card.blocks[1]
    assert formulas_of(block) == [r"\partial L/\partial B = A^{T}\, (\partial L/\partial y)"]
    assert any("5×6" in text for text in words_of(block))


def test_the_same_place_is_asked_once_and_another_place_again(chosen, qtbot):
    asked = answers(chosen)
    chosen.session.select_node(1)
    look(chosen)
    look(chosen)
    assert [r.slot for r in asked if r.node == 1] in ([], [0, 2])
    del asked[:]
    qtbot.keyClick(chosen, Qt.Key.Key_F10)
    look(chosen)
    chosen.session.select_node(3)
    look(chosen)
    assert [(r.node, r.slot) for r in asked if r.node == 3] == [(3, 0)]


def test_who_walks_on_quickly_is_not_held_up_by_questions(chosen, qtbot):
    asked = answers(chosen)
    chosen.bench.inspector.rest.setInterval(60)
    for node in (3, 1, 0, 1, 3):
        chosen.session.select_node(node)
        chosen.pulse.flush()
    assert asked == []
    qtbot.waitUntil(lambda: len(asked) == 1, timeout=20_000)
    assert (asked[0].node, asked[0].slot) == (3, 0)


def test_while_the_script_runs_the_numbers_of_the_stop_are_gone(chosen):
    answers(chosen)
    chosen.session.select_node(3)
    look(chosen)
    chosen.session.select_node(1)
    look(chosen)
    assert NUMBERS in formulas_of(chosen.bench.inspector.card)
    chosen.session.apply([happened.RunResumed()])
    look(chosen)
    assert NUMBERS not in formulas_of(chosen.bench.inspector.card)


def test_an_edge_has_the_rule_of_its_own_slot_alone(chosen):
    asked = answers(chosen)
    edge = next(e for e in chosen.session.graph.edges if (e.source, e.target) == (3, 1))
    chosen.session.select_edge(edge.id)
    look(chosen)
    inspector = chosen.bench.inspector
    assert inspector.headline.text() == "TBackward0 → AddmmBackward0"
    assert [(r.node, r.slot) for r in asked][-1:] == [(1, 2)]
    assert len(inspector.card.blocks) == 1 and SENTENCE in words_of(inspector.card)


def test_an_edge_shows_the_gradient_that_came_and_the_one_that_goes_back_along_it(chosen, qtbot):
    answers(chosen)
    qtbot.keyClick(chosen, Qt.Key.Key_F10)
    look(chosen)
    edge = next(e for e in chosen.session.graph.edges if (e.source, e.target) == (3, 1))
    chosen.session.select_edge(edge.id)
    look(chosen)
    inspector = chosen.bench.inspector
    assert [row.what for row in inspector.rows] == ["incoming:0", "outgoing:2"]
    assert not inspector.rows[1].heat.is_empty and "TBackward0" in inspector.rows[1].name.text()
    opened: list[tuple[int, str]] = []
    inspector.slot_opened.connect(lambda node, what: opened.append((node, what)))
    qtbot.mouseClick(inspector.rows[1].heat, Qt.MouseButton.LeftButton)
    assert opened == [(1, "outgoing:2")]


def test_an_edge_from_a_tensor_without_gradient_says_so(chosen):
    edge = next(e for e in chosen.session.graph.edges if (e.source, e.target) == (5, 1))
    chosen.session.select_edge(edge.id)
    look(chosen)
    assert "No gradient goes back along it." in words_of(chosen.bench.inspector.page)


def test_a_formula_that_is_not_at_hand_does_not_hold_anybody_up(qtbot):
    views = [FormulaView(rf"y = \frac{{x^{{{k}}}}}{{1 + {k}}} + 0.125") for k in range(20)]
    assert not any(view.is_set for view in views)
    for view in views:
        qtbot.addWidget(view)
    qtbot.waitUntil(lambda: all(view.is_set for view in views), timeout=20_000)
    again = FormulaView(views[0].latex)
    qtbot.addWidget(again)
    assert again.is_set


def test_what_is_no_latex_is_shown_in_plain_letters(qtbot):
    view = FormulaView(r"\frac{1}{")
    qtbot.addWidget(view)
    qtbot.waitUntil(lambda: view.is_set)
    view.resize(200, view.height())
    assert not view.grab().isNull() and view.height() == 24
