"""The chain rule cards of live samples: every gradient that leaves a node has one that can be typeset."""

from __future__ import annotations

import pytest

from app.link.child import ROOT
from tests.end_to_end.driving import Driver

SAMPLES = ROOT / "resources" / "samples"


@pytest.mark.parametrize(
    "name", ["convolutional_net", "custom_function", "digits_classifier", "log_of_zero", "sequential"]
)
def test_every_gradient_that_leaves_a_node_has_a_card_that_can_be_typeset(name):
    formula = pytest.importorskip("app.look.formula")
    driver = Driver()
    try:
        session = driver.open(SAMPLES / f"{name}.py")
        session.run_to(backward=0)
        driver.to_stop()
        driver.step("end")
        graph, told = session.graph, 0
        for edge in graph.edges[:40]:
            if graph.nodes[edge.source].kind == "input":
                continue
            tag = f"rule:{edge.target}:{edge.slot}"
            session.explain(tag, "rule", edge.target, slot=edge.slot)
            driver.until(lambda t=tag: t in session.explained or t in session.fetch_errors)
            card = session.explained[tag]
            assert card.formula and card.sentence
            for latex in (card.formula, card.numbers, *(line for line, _ in card.shapes)):
                assert not latex or formula.formula_svg(latex, 13, "#000000")
            told += 1
        assert told >= 4
    finally:
        driver.link.close()
