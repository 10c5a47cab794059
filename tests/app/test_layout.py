"""The layout's promises: nothing overlaps, edges touch what they join and pass by the rest."""

from __future__ import annotations

import random

import numpy as np
import pytest

from app.layout.compose import compose
from app.layout.dot import best_of_both
from app.layout.fold import BOX, INPUT, LEAF, MENTION, fold
from app.layout.layered import layered
from app.layout.level import Arc, Level
from app.layout.outline import deepest_detail, modules_open_at, outline_of
from app.layout.scene import Scene
from app.session.graph import Graph
from tests.app import graphs


def tangle(nodes: int = 40, seed: int = 3) -> Graph:
    """Ops that take two of the last twelve results at random."""
    make = graphs.GraphMaker(f"tangle{nodes}")
    chance = random.Random(seed)
    made = [make.input(f"i{n}") for n in range(4)]
    for _ in range(nodes):
        made.append(make.op("AddBackward0", chance.sample(made[-12:], 2), shape=(2, 3)))
    return make.done(made[-1])


MAKERS = {
    "quickstart": graphs.quickstart, "two layers": graphs.two_layers, "diamond": graphs.diamond,
    "resnet": graphs.resnet18, "gpt": lambda: graphs.gpt(2), "recurrent": graphs.recurrent, "tangle": tangle,
    "chain": lambda: graphs.chain(200),
}
CASES = [(name, detail, downwards) for name in MAKERS for detail in (0, 1, 9) for downwards in (False, True)]


def scene_of(graph: Graph, detail: int = 9, downwards: bool = False) -> Scene:
    outline = outline_of(graph)
    return compose(outline, modules_open_at(outline, detail), downwards)


def overlapping(rects: np.ndarray, slack: float = 0.5) -> list[tuple[int, int]]:
    left, top = rects[:, 0] + slack, rects[:, 1] + slack
    right, bottom = rects[:, 0] + rects[:, 2] - slack, rects[:, 1] + rects[:, 3] - slack
    meet = ((left[:, None] < right) & (left < right[:, None]) & (top[:, None] < bottom)
            & (top < bottom[:, None]))
    return [(int(a), int(b)) for a, b in zip(*np.nonzero(np.triu(meet, 1)), strict=True)]


def curve(points: np.ndarray, steps: int = 12) -> np.ndarray:
    t = np.linspace(0, 1, steps)[:, None]
    pieces = []
    for at in range(0, len(points) - 1, 3):
        a, b, c, d = points[at : at + 4].astype(float)
        pieces.append((1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d)
    return np.concatenate(pieces)


@pytest.mark.parametrize(("name", "detail", "downwards"), CASES)
def test_no_two_items_overlap(name: str, detail: int, downwards: bool) -> None:
    scene = scene_of(MAKERS[name](), detail, downwards)
    assert overlapping(scene.item_rect) == []


@pytest.mark.parametrize(("name", "detail", "downwards"), CASES)
def test_items_and_groups_lie_inside_their_group(name: str, detail: int, downwards: bool) -> None:
    graph = MAKERS[name]()
    scene = scene_of(graph, detail, downwards)
    place = {int(ref): number for number, ref in enumerate(scene.group_ref)}
    inner = [(int(g), r) for g, r in zip(scene.item_group, scene.item_rect, strict=True)]
    inner += [(graph.modules[int(ref)].parent, scene.group_rect[n]) for n, ref in enumerate(scene.group_ref)]
    for group, (x, y, width, height) in inner:
        if group < 0:
            assert x >= -0.5 and y >= -0.5
            continue
        left, top, wide, high = scene.group_rect[place[group]]
        assert left <= x and x + width <= left + wide + 0.5
        assert top + 30 <= y and y + height <= top + high + 0.5


@pytest.mark.parametrize(("name", "detail", "downwards"), CASES)
def test_edges_begin_and_end_on_borders(name: str, detail: int, downwards: bool) -> None:
    scene = scene_of(MAKERS[name](), detail, downwards)
    for wire in range(len(scene.wire_source)):
        points = scene.wire_points(wire)
        for end, item in ((points[0], scene.wire_source[wire]), (points[-1], scene.wire_target[wire])):
            x, y, width, height = scene.item_rect[item]
            on_side = min(abs(end[0] - x), abs(end[0] - x - width)) < 1 and y - 1 <= end[1] <= y + height + 1
            on_top = min(abs(end[1] - y), abs(end[1] - y - height)) < 1 and x - 1 <= end[0] <= x + width + 1
            assert on_side or on_top, (wire, end, scene.item_rect[item])


@pytest.mark.parametrize(("name", "detail", "downwards"), CASES)
def test_no_edge_runs_through_an_item(name: str, detail: int, downwards: bool) -> None:
    scene = scene_of(MAKERS[name](), detail, downwards)
    rect = scene.item_rect
    for wire in range(len(scene.wire_source)):
        spots = curve(scene.wire_points(wire))
        inside = ((spots[:, :1] > rect[:, 0] + 1) & (spots[:, :1] < rect[:, 0] + rect[:, 2] - 1)
                  & (spots[:, 1:] > rect[:, 1] + 1) & (spots[:, 1:] < rect[:, 1] + rect[:, 3] - 1))
        assert not inside.any(), (wire, np.flatnonzero(inside.any(axis=0)))


@pytest.mark.parametrize("name", list(MAKERS))
def test_every_node_is_seen_once_all_modules_are_open(name: str) -> None:
    graph = MAKERS[name]()
    scene = scene_of(graph)
    assert set(scene.item_ref.tolist()) == {node.id for node in graph.nodes}
    assert not (scene.item_kind == BOX).any()
    assert sorted(scene.edges.tolist()) == [edge.id for edge in graph.edges]


def test_closed_modules_stand_for_what_is_inside_and_hide_inner_edges() -> None:
    graph = graphs.resnet18()
    scene = scene_of(graph, 0)
    assert set(scene.titles) == {"model · ResNet", "loss_fn · CrossEntropyLoss", "x", "target"}
    joined = {(scene.titles[a], scene.titles[b])
              for a, b in zip(scene.wire_source, scene.wire_target, strict=True)}
    assert joined == {("x", "model · ResNet"), ("model · ResNet", "loss_fn · CrossEntropyLoss"),
                      ("target", "loss_fn · CrossEntropyLoss")}


def test_parameters_stand_beside_their_users_under_their_short_names() -> None:
    scene = scene_of(graphs.quickstart())
    pills = {scene.titles[i]: scene.titles[scene.item_host[i]]
             for i in np.flatnonzero(scene.item_host >= 0)}
    assert pills == {"weight": "TBackward0", "bias": "AddmmBackward0", "label": "MseLossBackward0"}


def test_a_hub_is_mentioned_beside_each_user_instead_of_drawing_all_its_edges() -> None:
    graph = graphs.recurrent(40)
    scene = scene_of(graph)
    mentions = np.flatnonzero(scene.item_kind == MENTION)
    assert len(mentions) == 40
    assert scene.size[1] < 400


def test_the_main_flow_of_residual_blocks_runs_straight() -> None:
    scene = scene_of(graphs.chain(2000, grouped=False))
    rect = scene.item_rect[scene.item_host < 0]
    middles = rect[:, 1] + rect[:, 3] / 2
    assert np.ptp(middles) < 1


def test_data_flows_to_the_right_or_downwards() -> None:
    for downwards in (False, True):
        scene = scene_of(graphs.resnet18(), 9, downwards)
        axis = 1 if downwards else 0
        flows = scene.item_host[scene.wire_source] < 0
        starts, ends = scene.wire_source[flows], scene.wire_target[flows]
        ahead = scene.item_rect[ends, axis] - scene.item_rect[starts, axis]
        assert (ahead > 0).all()


def test_shapes_on_edges_keep_clear_of_items() -> None:
    for name in ("quickstart", "two layers", "resnet", "gpt"):
        scene = scene_of(MAKERS[name]())
        for wire, text in enumerate(scene.wire_labels):
            if text:
                x, y = scene.wire_label_at[wire]
                half = 3.2 * len(text)
                box = np.array([[x - half, y - 17, 2 * half, 10]])
                hit = overlapping(np.concatenate((box, scene.item_rect)), 1.0)
                assert not any(a == 0 for a, _ in hit), (name, text, hit)


def test_the_same_graph_gives_the_same_scene() -> None:
    one, other = scene_of(graphs.gpt(2)), scene_of(graphs.gpt(2))
    assert one.to_bytes() == other.to_bytes()


def test_states_do_not_move_anything() -> None:
    before = scene_of(graphs.two_layers())
    after = scene_of(graphs.walked(graphs.two_layers(), 3))
    assert before.to_bytes() == after.to_bytes()


def test_a_scene_survives_the_pipe() -> None:
    scene = scene_of(graphs.resnet18(), 2)
    copy = Scene.from_bytes(scene.to_bytes())
    assert copy.to_bytes() == scene.to_bytes()
    assert copy.titles == scene.titles and copy.opened == scene.opened


def test_a_loop_between_modules_is_laid_out_all_the_same() -> None:
    level = Level()
    for _ in range(3):
        level.add(80, 40)
    level.arcs = [Arc(0, 1), Arc(1, 2), Arc(2, 0)]
    placed = layered(level)
    assert len({round(x) for x in placed.along_at}) == 3
    assert all(len(path) % 3 == 1 for path in placed.paths)


def test_modules_whose_parents_go_in_a_circle_do_not_hang() -> None:
    graph = graphs.resnet18()
    graph.modules[0].parent = 1
    graph.modules[1].parent = 0
    outline = outline_of(graph)
    assert deepest_detail(outline) >= 1
    fold(outline, frozenset())


def test_an_empty_graph_is_an_empty_scene() -> None:
    scene = scene_of(Graph("nothing"))
    assert scene.size == (0.0, 0.0)


def test_one_leaf_alone_is_drawn() -> None:
    make = graphs.GraphMaker("leaf")
    scene = scene_of(make.done(make.leaf("w")))
    assert scene.item_kind.tolist() == [LEAF]


def test_inputs_without_gradient_are_kept_apart_from_leaves() -> None:
    scene = scene_of(graphs.quickstart())
    kinds = dict(zip(scene.titles, scene.item_kind.tolist(), strict=True))
    assert kinds["input"] == kinds["label"] == INPUT and kinds["weight"] == LEAF


def test_dot_never_crosses_more_edges_than_our_own_order() -> None:
    pytest.importorskip("pygraphviz")
    counts: list[tuple[int, int]] = []

    def both(level: Level):
        own, best = layered(level), best_of_both(level)
        counts.append((own.crossings, best.crossings))
        return best

    compose(outline_of(tangle()), frozenset(), layout=both)
    assert all(best <= own for own, best in counts)
    assert counts[0][0] > 0
