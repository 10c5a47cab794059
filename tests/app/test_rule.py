"""Rules: what each finds in a session, with numbers by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from app.session.graph import Edge, Graph, Node
from app.session.rule import BY_KEY, RULES, RuleBook
from app.session.session import Session
from app.session.symptom import slope_share
from engine.protocol import event as happened
from engine.protocol.event import Digest

WORDS = json.loads((Path(__file__).resolve().parents[2] / "resources/i18n/en.json").read_text("utf-8"))


def digest(norm: float, size: int = 4, **more: float) -> Digest:
    return Digest((size,), "float32", norm, **more)


def session_of(*nodes: Node, edges: list[Edge] | None = None) -> Session:
    made = Session()
    for number, node in enumerate(nodes):
        node.id = number
    made.graph = Graph("g", list(nodes), edges or [])
    made.graph.order = [n.id for n in nodes if n.kind != "input"]
    return made


def found(session: Session, rule: str, threshold: float | None = None) -> list[tuple[str, float]]:
    limit = BY_KEY[rule].threshold if threshold is None else threshold
    return [(f.name, f.value) for f in BY_KEY[rule].find(session, limit)]


def stand(session: Session, value: float | None) -> None:
    session.apply([happened.BackwardStarted(0, "g", 0, "loss", value, 7)])
    session.timeline.backward = 0


def test_a_loss_that_is_nan_is_found_and_one_that_is_not_is_let_be():
    session = session_of(Node(0, "op", "MeanBackward0"))
    stand(session, math.inf)
    assert found(session, "loss_not_finite") == [("loss", math.inf)]
    stand(session, 0.5)
    assert found(session, "loss_not_finite") == []


def test_the_first_value_with_nan_comes_before_the_gradients():
    session = session_of(
        Node(0, "op", "MeanBackward0", grad=digest(1.0)),
        Node(1, "op", "LogBackward0", value=digest(1.0, nans=1, infs=2)),
        Node(2, "leaf", "w", grad=digest(1.0, nans=4)),
    )
    assert found(session, "not_finite") == [("LogBackward0", 3), ("w", 4)]


def test_a_parameter_that_no_backward_reached_is_named_and_one_that_another_loss_reached_is_not():
    session = session_of(Node(0, "leaf", "first.weight"))
    session.apply(
        [
            happened.GraphDefined("other", (happened.NodePart("leaf", "second.weight"),), ()),
            happened.ParameterStepped("SGD", 0, ("first.weight", "second.weight", "unused.bias"), (0.1,)),
            happened.ParameterStepped("SGD", 1, (), (0.1,)),
        ]
    )
    assert [name for name, _ in found(session, "no_gradient")] == ["unused.bias"]


def test_vanishing_is_judged_by_element_so_that_size_does_not_matter():
    session = session_of(
        Node(0, "leaf", "last", grad=digest(2.0, 4)),
        Node(1, "leaf", "large", grad=digest(100.0, 10_000)),
        Node(2, "leaf", "first", grad=digest(4e-5, 4)),
        Node(3, "leaf", "before_norm.bias", grad=digest(0.0, 4)),
    )
    assert found(session, "vanishing", 1e-4) == [("first", pytest.approx(2e-5))]
    assert found(session, "vanishing", 1e-5) == []


def test_where_only_a_bias_still_learns_all_weights_have_vanished():
    session = session_of(
        Node(0, "leaf", "last.bias", grad=digest(1.0)), Node(1, "leaf", "last.weight", grad=digest(0.0))
    )
    assert found(session, "vanishing") == [("last.weight", 0.0)]


def test_a_gradient_of_zero_counts_as_vanished():
    session = session_of(Node(0, "leaf", "a", grad=digest(1.0)), Node(1, "leaf", "b", grad=digest(0.0)))
    assert found(session, "vanishing") == [("b", 0.0)]


def test_exploding_names_the_largest_first():
    session = session_of(
        Node(0, "leaf", "a", grad=digest(150.0)),
        Node(1, "leaf", "b", grad=digest(99.0)),
        Node(2, "leaf", "c", grad=digest(1e6)),
    )
    assert found(session, "exploding", 100.0) == [("c", 1e6), ("a", 150.0)]
    assert found(session, "exploding", 1e7) == []


def test_a_steep_step_is_found_both_ways_but_a_mean_may_divide():
    nodes = [
        Node(0, "op", "MeanBackward0", shape=(), grad=digest(1.0, 1)),
        Node(1, "op", "PowBackward0", shape=(4,), grad=digest(0.001)),
        Node(2, "op", "MulBackward0", shape=(4,), grad=digest(1.0)),
        Node(3, "leaf", "w", shape=(4,), grad=digest(1e-4)),
    ]
    edges = [Edge(i, i + 1, i, grad=nodes[i + 1].grad) for i in range(3)]
    session = session_of(*nodes, edges=edges)
    assert found(session, "steep", 100.0) == [
        ("MulBackward0", pytest.approx(1e-4)),
        ("PowBackward0", pytest.approx(1000)),
    ]


def test_a_relu_with_93_percent_zeros_is_dead_and_one_with_half_is_not():
    session = session_of(
        Node(0, "op", "ReluBackward0", value=digest(1.0, 100, zeros=93)),
        Node(1, "op", "ReluBackward0", value=digest(1.0, 100, zeros=50)),
        Node(2, "op", "SigmoidBackward0", value=digest(1.0, 100, zeros=100)),
    )
    assert found(session, "dead", 0.9) == [("ReluBackward0", 0.93)]
    assert [f.node for f in BY_KEY["dead"].find(session, 0.5)] == [0, 1]


def test_without_a_value_the_gradient_that_passes_tells_of_dead_units():
    node = Node(0, "op", "ReluBackward0", incoming=(digest(1.0, 10),), outgoing=(digest(0.1, 10, zeros=10),))
    assert found(session_of(node), "dead") == [("ReluBackward0", 1.0)]
    node.incoming = (digest(1.0, 10, zeros=3),)
    assert found(session_of(node), "dead") == []


def test_the_slope_of_a_sigmoid_follows_from_mean_and_norm():
    # y = 0.5 everywhere: slope 1/4, all of it. y = 0.99: 0.99 * 0.01 / 0.25 = 0.0396.
    half = Node(0, "op", "SigmoidBackward0", value=digest(math.sqrt(4 * 0.25), 4, mean=0.5))
    flat = Node(1, "op", "SigmoidBackward0", value=digest(math.sqrt(4 * 0.99**2), 4, mean=0.99))
    assert slope_share(half) == pytest.approx(1.0)
    assert slope_share(flat) == pytest.approx(0.0396)
    assert found(session_of(half, flat), "saturated") == [("SigmoidBackward0", pytest.approx(0.0396))]


def test_the_slope_of_a_tanh_follows_from_its_norm():
    # y = ±0.8: slope 1 - 0.64.
    node = Node(0, "op", "TanhBackward0", value=digest(0.8 * 2, 4, mean=0.0))
    assert slope_share(node) == pytest.approx(0.36)


def test_the_step_of_an_optimizer_is_measured_against_the_weight():
    session = session_of(Node(0, "leaf", "w"), Node(1, "leaf", "b"))
    session.changes = {
        "w": happened.ParameterChanged("Adam", 3, "w", before=digest(2.0), change=digest(0.5)),
        "b": happened.ParameterChanged("Adam", 3, "b", before=digest(10.0), change=digest(1e-6)),
        "a.bias": happened.ParameterChanged("Adam", 3, "a.bias", before=digest(1e-3), change=digest(0.1)),
    }
    assert found(session, "update_large", 0.1) == [("w", 0.25)]
    assert found(session, "update_small", 1e-6) == [("b", pytest.approx(1e-7))]
    assert found(session, "update_large", 0.3) == []


def test_at_full_speed_the_step_of_plain_sgd_is_reckoned_from_gradient_and_rate():
    session = session_of(Node(0, "leaf", "w", value=digest(2.0), grad=digest(8.0)))
    session.apply([happened.ParameterStepped("SGD", 0, ("w",), (0.1,))])
    finding = BY_KEY["update_large"].find(session, 0.1)[0]
    assert finding.value == pytest.approx(0.4) and finding.about
    session.apply([happened.ParameterStepped("Adam", 0, ("w",), (0.1,))])
    assert found(session, "update_large") == []


def test_a_grad_that_is_more_than_this_backward_brought_was_not_cleared():
    session = session_of(
        Node(0, "leaf", "w", incoming=(digest(1.0),), grad=digest(3.0)),
        Node(1, "leaf", "b", incoming=(digest(1.0),), grad=digest(1.0)),
    )
    assert found(session, "piled_up") == [("w", 3.0)]


def test_a_loss_is_stuck_after_as_many_iterations_as_the_threshold_says():
    session = session_of()
    losses = [3.0, 2.0, 1.0, *[1.5] * 60]
    session.apply([happened.ScalarLogged("loss", k, v, 7) for k, v in enumerate(losses)])
    stand(session, 1.5)
    assert found(session, "loss_stuck", 60) == [("loss", 60)]
    assert found(session, "loss_stuck", 61) == []


def test_an_empty_session_breaks_no_rule():
    assert RuleBook().findings(Session()) == []


def test_a_rule_that_is_off_finds_nothing_and_a_moved_threshold_finds_more():
    session = session_of(Node(0, "leaf", "w", grad=digest(50.0)))
    book = session.rules
    assert book.findings(session) == []
    book.set_threshold("exploding", 10.0)
    assert [f.name for f in book.findings(session)] == ["w"]
    book.set_on("exploding", False)
    assert book.findings(session) == []


def test_what_was_changed_is_kept_and_taken_over_and_nonsense_is_left_alone():
    book, other = RuleBook(), RuleBook()
    book.set_threshold("vanishing", 2.5e-7)
    book.set_on("steep", False)
    other.restore({**book.kept(), "no such rule": "1 3", "dead": "what"})
    assert other.threshold("vanishing") == 2.5e-7 and other.is_on("vanishing")
    assert not other.is_on("steep") and other.threshold("steep") == BY_KEY["steep"].threshold
    assert other.threshold("dead") == 0.9 and other.is_on("dead")
    assert other.kept() == book.kept()


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.key)
def test_every_rule_has_its_words(rule):
    for part in ("title", "text", "found", "advice"):
        assert WORDS.get(f"rule.{rule.key}.{part}")
    assert "{name}" in WORDS[f"rule.{rule.key}.found"]
