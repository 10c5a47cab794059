"""What changed between two moments of a run."""

from __future__ import annotations

import math
from dataclasses import replace

import msgspec
import pytest

from app.session.difference import align, change_of, difference, largest_change, relative_change
from app.session.moment import Moment, Moments, moment_of
from app.session.session import Session
from engine.protocol import event as happened
from engine.protocol.event import Digest, EdgePart, GraphDefined, ModulePart, NodePart


def scalar(value: float, **more) -> Digest:
    return Digest((), "float32", abs(value), value, value, value, **more)


def leaf(name: str, shape=(), module: int = -1) -> NodePart:
    return NodePart("leaf", name, "", shape, "float32", module)


def op(name: str, line: int = 1, shape=(), module: int = -1) -> NodePart:
    return NodePart("op", name + "Backward0", name.lower(), shape, "float32", module, "a.py", line)


CHAIN = GraphDefined(
    "chain",
    (op("Mul", 3), op("Tanh", 2), leaf("w")),
    (EdgePart(1, 0), EdgePart(2, 1)),
    (),
    (0, 1, 2),
)


def moment(values, grads=(None, None, None), graph: GraphDefined = CHAIN, **more) -> Moment:
    return Moment(graph, values=tuple(values), grads=tuple(grads), edges=(None,) * len(graph.edges), **more)


def test_a_value_that_grew_by_half_is_a_change_of_one_half():
    before = Digest((3,), "float32", 2.0, -1.0, 1.0, 0.0)
    assert relative_change(before, before) == 0
    assert relative_change(before, msgspec.structs.replace(before, norm=3.0)) == 0.5
    # The mean is measured against the largest element, since a mean of nothing says nothing.
    assert relative_change(before, msgspec.structs.replace(before, mean=0.25)) == 0.25
    assert relative_change(scalar(0.0), scalar(1e-9)) == math.inf
    assert relative_change(scalar(2.0), scalar(-2.0)) == 2.0
    assert largest_change(before, msgspec.structs.replace(before, mean=0.25, norm=2.2)) == (0.25, "mean")
    assert largest_change(before, before) == (0.0, "")


def test_another_shape_is_an_endless_change():
    assert relative_change(Digest((3,), "float32"), Digest((4,), "float32")) == math.inf


def test_new_nans_are_counted():
    change = change_of(scalar(1.0), Digest((), "float32", nans=1))
    assert change is not None and change.spoiled == 1
    assert change_of(scalar(1.0), None) is None


def test_nodes_are_sorted_by_the_size_of_their_change():
    before = moment([scalar(1.0), scalar(10.0), scalar(2.0)])
    after = moment([scalar(1.1), scalar(30.0), scalar(2.0)])
    found = difference(before, after)
    assert [(c.name, c.kind) for c in found.nodes] == [
        ("TanhBackward0", "changed"),
        ("MulBackward0", "changed"),
    ]
    assert found.nodes[0].size == 2.0 and found.nodes[1].size == pytest.approx(0.1)
    assert found.nodes[0].which == "value"
    assert (found.same, found.unknown, found.same_structure) == (1, 0, True)


def test_a_new_nan_comes_before_any_size():
    before = moment([scalar(1.0), scalar(1.0), scalar(1.0)])
    after = moment([scalar(1e9), scalar(1.0), Digest((), "float32", nans=1)])
    found = difference(before, after)
    assert [c.kind for c in found.nodes] == ["spoiled", "changed"]
    assert found.nodes[0].name == "w" and found.by_node()[2].value.spoiled == 1


def test_a_gradient_that_arrived_is_told_apart_from_one_that_changed():
    before = moment([scalar(1.0)] * 3, [scalar(1.0), None, None])
    after = moment([scalar(1.0)] * 3, [scalar(2.0), scalar(0.5), None])
    found = difference(before, after)
    assert [(c.name, c.kind, c.which) for c in found.nodes] == [
        ("MulBackward0", "changed", "gradient"),
        ("TanhBackward0", "arrived", "gradient"),
    ]


def test_the_marks_are_the_most_remarkable_nodes_and_none_that_only_arrived() -> None:
    before = moment([scalar(1.0), scalar(1.0), scalar(1.0)], [None, None, None])
    after = moment([scalar(3.0), scalar(2.0), Digest((), "float32", nans=1)], [scalar(1.0), None, None])
    found = difference(before, after)
    assert found.marks() == {2: "spoiled", 0: "changed", 1: "changed"}
    assert found.marks(2) == {2: "spoiled", 0: "changed"}
    assert difference(before, moment([scalar(1.0)] * 3, [scalar(1.0), None, None])).marks() == {}


def test_what_is_not_known_is_no_change():
    found = difference(moment([None] * 3), moment([None] * 3))
    assert found.nodes == [] and found.unknown == 3


def test_edges_along_which_another_gradient_flowed_are_counted():
    before = replace(moment([None] * 3), edges=(scalar(1.0), scalar(1.0)))
    after = replace(moment([None] * 3), edges=(scalar(1.0), scalar(4.0)))
    assert difference(before, after).edges == 1


def test_nodes_of_another_graph_are_found_by_name_and_module_and_order():
    modules = (ModulePart("", "Net"), ModulePart("a", "Linear", 0), ModulePart("b", "Linear", 0))
    before = GraphDefined(
        "one",
        (op("Addmm", 5, (2,), 2), op("Addmm", 5, (2,), 1), leaf("a.weight", (2,), 1)),
        (EdgePart(1, 0), EdgePart(2, 1)),
        modules,
        (0, 1, 2),
    )
    after = GraphDefined(
        "two",
        (
            op("Addmm", 5, (2,), 2),
            op("Relu", 4, (2,)),
            op("Addmm", 5, (2,), 1),
            leaf("a.weight", (2,), 1),
        ),
        (EdgePart(1, 0), EdgePart(2, 1), EdgePart(3, 2)),
        modules,
        (0, 1, 2, 3),
    )
    assert align(before, after) == {0: 0, 1: 2, 2: 3}
    none = (None,) * 4
    found = difference(moment(none[:3], none[:3], before), moment(none, none, after))
    assert [(c.kind, c.name, c.before, c.after) for c in found.nodes] == [("added", "ReluBackward0", -1, 1)]
    back = difference(moment(none, none, after), moment(none[:3], none[:3], before))
    assert [(c.kind, c.name, c.before, c.after) for c in back.nodes] == [("removed", "ReluBackward0", 1, -1)]


def test_among_nodes_of_one_name_those_of_the_same_line_are_paired_first():
    before = GraphDefined("one", (op("Mul", 3), op("Mul", 7)), (), (), (0, 1))
    after = GraphDefined("two", (op("Mul", 2), op("Mul", 3), op("Mul", 7)), (), (), (0, 1, 2))
    assert align(before, after) == {0: 1, 1: 2}


def test_a_node_of_another_shape_is_reshaped():
    wider = GraphDefined("wide", (op("Mul", 3), op("Tanh", 2, (4,)), leaf("w")), CHAIN.edges, (), (0, 1, 2))
    found = difference(moment([None] * 3), moment([None] * 3, graph=wider))
    assert [(c.name, c.kind) for c in found.of_kind("reshaped")] == [("TanhBackward0", "reshaped")]


def flow(backward: int, position: int, norm: float) -> happened.GradFlowed:
    return happened.GradFlowed(backward, position, position, (scalar(norm),), (scalar(norm / 2),))


def paused(backward: int, position: int, phase: str = "backward") -> happened.RunPaused:
    return happened.RunPaused("step", phase, backward, position, position)


def standing() -> Session:
    session = Session()
    session.apply(
        [
            CHAIN,
            happened.BackwardStarted(0, "chain", 0, "loss", 1.0),
            happened.ValuesSampled(0, {0: scalar(1.0), 1: scalar(2.0), 2: scalar(3.0)}),
            happened.NodeEntered(0, 0, 0, 3),
            paused(0, 0),
        ]
    )
    return session


def test_each_stop_becomes_the_one_before_when_the_next_is_reached():
    session = standing()
    moments = Moments(session)
    assert moments.look() and moments.before is None
    assert not moments.look()
    session.apply([flow(0, 0, 4.0), happened.NodeEntered(0, 1, 1, 3), paused(0, 1)])
    assert moments.look()
    found = difference(moments.before, moments.now)
    assert [(c.name, c.kind) for c in found.nodes] == [("MulBackward0", "arrived")]
    assert found.nodes[0].grad.after.norm == 4.0 and found.edges == 1


def test_a_moment_is_not_changed_by_what_happens_later():
    session = standing()
    first = moment_of(session)
    session.apply([flow(0, 0, 4.0), happened.NodeEntered(0, 1, 1, 3), paused(0, 1)])
    assert first.grads == (None, None, None) and first.position == 0


def test_a_pinned_moment_stays_while_stops_go_by():
    session = standing()
    moments = Moments(session)
    moments.pin()
    for position in (0, 1):
        session.apply([flow(0, position, 4.0), happened.NodeEntered(0, position + 1, position + 1, 3)])
        session.apply([paused(0, position + 1)])
        moments.look()
    assert moments.pinned.position == 0 and moments.before.position == 1 and moments.now.position == 2
    assert [c.name for c in difference(moments.pinned, moments.now).nodes] == [
        "MulBackward0",
        "TanhBackward0",
    ]
    moments.unpin()
    assert moments.pinned is None


def test_an_edit_where_the_run_stands_is_a_moment_of_its_own():
    session = standing()
    moments = Moments(session)
    moments.look()
    session.apply([happened.ValueSet(0, 2, "value", "x * 2"), happened.ValuesSampled(0, {2: scalar(6.0)})])
    assert moments.look()
    found = difference(moments.before, moments.now)
    assert [(c.name, c.size) for c in found.nodes] == [("w", 1.0)]


def test_after_an_optimizer_step_the_leaves_have_their_new_values():
    session = standing()
    moments = Moments(session)
    moments.look()
    changed = happened.ParameterChanged("SGD", 0, "w", 0.1, scalar(3.0), scalar(1.0), scalar(2.4))
    session.apply([happened.ParameterStepped("SGD", 0, ("w",), (0.1,)), changed, paused(1, 0, "optimizer")])
    assert moments.look()
    found = difference(moments.before, moments.now)
    assert [(c.name, c.kind) for c in found.nodes] == [("w", "changed")]
    assert found.nodes[0].size == pytest.approx(0.2)


def test_a_run_that_goes_on_has_no_moment():
    session = standing()
    moments = Moments(session)
    moments.look()
    session.apply([happened.RunResumed()])
    assert not moments.look()
    moments.forget()
    assert moments.now is None and moments.before is None
