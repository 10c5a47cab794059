"""Gain along depth: expected factors by hand."""

from __future__ import annotations

import math

import pytest

from app.session.gain import Gains, reach, worst
from app.session.graph import Edge, Graph, ModuleCall, Node
from app.session.session import Session
from engine.protocol import event as happened
from engine.protocol.event import Digest


def digest(norm: float, nans: int = 0) -> Digest:
    return Digest((2,), "float32", norm, nans=nans)


def chain(norms: list[float]) -> Graph:
    """loss <- n1 <- n2 ... <- leaf w, with the norm that arrives at each; the last is the leaf's."""
    graph = Graph("chain")
    count = len(norms)
    for i, norm in enumerate(norms):
        kind = "leaf" if i == count - 1 else "op"
        graph.nodes.append(Node(i, kind, f"n{i}", grad=digest(norm)))
        if i:
            graph.edges.append(Edge(i - 1, i, i - 1, grad=digest(norm)))
    graph.order = list(range(count))
    graph.root = 0
    return graph


def residual() -> Graph:
    """0 loss <- 1 add <- (2 relu, 4 x); 2 <- 3 addmm <- (5 bias, 6 t <- 7 weight, 4 x); 4 x <- leaf 8."""
    kinds = ["op", "op", "op", "op", "op", "leaf", "op", "leaf", "leaf"]
    graph = Graph("residual", [Node(i, kind, f"n{i}") for i, kind in enumerate(kinds)])
    pairs = [(1, 0), (2, 1), (4, 1), (3, 2), (5, 3), (4, 3), (6, 3), (7, 6), (8, 4)]
    graph.edges = [Edge(i, source, target) for i, (source, target) in enumerate(pairs)]
    graph.nodes[6].name = "TBackward0"
    graph.order = [0, 1, 2, 3, 5, 6, 7, 4, 8]
    return graph


def test_a_chain_of_halvings_is_a_half_at_each_node_and_adds_up():
    gains = Gains(chain([1.0, 0.5, 0.25, 0.125])).nodes()
    assert [g.kind for g in gains] == ["node", "node", "node", "leaf"]
    assert [g.factor for g in gains] == [0.5, 0.5, 0.5, None]
    assert [g.start for g in gains] == pytest.approx([math.log10(x) for x in (1, 0.5, 0.25, 0.125)])
    assert gains[2].end == pytest.approx(gains[3].start)
    assert reach(gains) == pytest.approx((math.log10(0.125), 0.0))


def test_the_waterfall_begins_at_zero_whatever_the_norm_of_the_first_gradient():
    gains = Gains(chain([40.0, 4.0, 400.0])).nodes()
    assert [g.start for g in gains] == pytest.approx([0.0, -1.0, 1.0])
    assert [g.power for g in gains][:2] == pytest.approx([-1.0, 2.0])


def test_what_goes_to_a_weight_does_not_count_where_the_way_goes_on():
    graph = residual()
    graph.nodes[3].incoming = (digest(2.0),)
    for source, norm in ((5, 70.0), (4, 1.0), (6, 90.0)):
        next(e for e in graph.edges if (e.source, e.target) == (source, 3)).grad = digest(norm)
    addmm = next(g for g in Gains(graph).nodes() if g.id == 3)
    assert (addmm.came, addmm.went, addmm.factor) == (2.0, 1.0, 0.5)


def test_several_ways_on_are_combined_as_one_vector():
    graph = residual()
    graph.nodes[1].incoming = (digest(5.0),)
    for source, norm in ((2, 3.0), (4, 4.0)):
        next(e for e in graph.edges if (e.source, e.target) == (source, 1)).grad = digest(norm)
    add = next(g for g in Gains(graph).nodes() if g.id == 1)
    assert add.went == 5.0 and add.factor == 1.0


def test_a_node_that_feeds_only_parameters_is_judged_by_them():
    graph = chain([1.0, 3.0])
    assert Gains(graph).nodes()[0].factor == 3.0


def test_where_nothing_is_known_there_is_no_factor():
    graph = residual()
    assert all(g.factor is None and g.start is None for g in Gains(graph).nodes())
    assert worst(Gains(graph).nodes()) == [] and reach(Gains(graph).nodes()) is None


def test_a_node_that_lets_nothing_through_is_the_worst():
    graph = chain([1.0, 0.001, 0.0, 0.0])
    graph.edges[1].grad = digest(0.0)
    named = worst(Gains(graph).nodes())
    assert [g.id for g in named] == [1, 0]
    assert named[0].power == -math.inf


def test_the_worst_factors_are_the_farthest_from_one_either_way():
    named = worst(Gains(chain([1.0, 30.0, 30.5, 0.0305, 0.0305])).nodes())
    assert [(g.id, round(g.power or 0, 2)) for g in named] == [(2, -3.0), (0, 1.48)]


def test_where_the_walk_stands_the_gradient_on_the_only_edge_is_what_arrives():
    graph = chain([1.0, 0.5, 0.25])
    for node in graph.nodes[1:]:
        node.grad = None
    graph.edges[1].grad = None
    gains = Gains(graph).nodes()
    assert gains[1].came == 0.5 and gains[1].factor is None


def test_a_module_is_measured_at_its_border():
    graph = chain([8.0, 4.0, 2.0, 1.0, 1.0])
    graph.modules = [ModuleCall(0, "layer", "Block")]
    for i in (1, 2):
        graph.nodes[i].module = 0
    gains = Gains(graph).modules()
    assert [(g.kind, g.id) for g in gains] == [("node", 0), ("module", 0), ("node", 3), ("leaf", 4)]
    assert gains[1].came == 4.0 and gains[1].went == 1.0 and gains[1].factor == 0.25
    assert gains[1].name == "layer"


def test_a_module_that_only_feeds_its_own_parameters_has_no_factor():
    graph = chain([8.0, 4.0, 2.0])
    graph.modules = [ModuleCall(0, "first", "Linear")]
    for i in (1, 2):
        graph.nodes[i].module = 0
    assert Gains(graph).modules()[1].came == 4.0 and Gains(graph).modules()[1].factor is None


def test_nan_on_the_way_is_marked():
    graph = chain([1.0, 1.0, 1.0])
    graph.edges[0].grad = digest(1.0, nans=3)
    assert [g.odd for g in Gains(graph).nodes()] == [True, False, False]


def test_at_full_speed_sampled_gradients_give_the_same_factors():
    """But for the last one: what a leaf has in .grad may be more than this backward brought."""
    kinds = (("op", "SumBackward0"), ("op", "TanhBackward0"), ("op", "ExpBackward0"), ("leaf", "w"))
    nodes = tuple(happened.NodePart(kind, name, shape=(2,)) for kind, name in kinds)
    edges = tuple(happened.EdgePart(i + 1, i) for i in range(3))
    session = Session()
    session.apply(
        [
            happened.GraphDefined("g", nodes, edges, (), (0, 1, 2, 3)),
            happened.BackwardStarted(0, "g", 0, "loss", 1.0, 3),
            happened.ValuesSampled(0, {}, {0: digest(1.0), 1: digest(2.0), 2: digest(0.5), 3: digest(9.0)}),
            happened.BackwardEnded(0),
        ]
    )
    assert [g.factor for g in Gains(session.graph).nodes()] == [2.0, 0.25, None, None]
