"""The canvas driven with clicks, wheel and keys, on graphs made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QHelpEvent, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolTip

from app.canvases.graph_canvas import GraphCanvas
from app.canvases.marks import ARRIVED, DONE, HERE, ON_ITS_WAY
from app.look.theme import load_theme, set_theme
from app.session.session import Session
from app.session.timeline import Backward
from tests.app import graphs


@pytest.fixture
def canvas(qtbot):
    """A canvas of the mock-up's size, with no graph yet; closed after the test."""
    made = GraphCanvas(Session())
    made.resize(896, 658)
    made.set_motion(False)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def show(qtbot, canvas: GraphCanvas, graph, state: str = "paused") -> None:
    canvas.session.graph = graph
    canvas.session.state = state
    canvas.session.graph_changed.emit()
    qtbot.waitUntil(
        lambda: canvas.scene.hash == graph.hash and len(canvas.scene.item_ref) > 0, timeout=20_000
    )
    canvas.repaint()


def spot(canvas: GraphCanvas, title: str) -> QPoint:
    """The middle of the item with this title, in the window."""
    x, y, width, height = canvas.scene.item_rect[canvas.scene.titles.index(title)].tolist()
    return QPointF(*canvas.view.to_window(x + width / 2, y + height / 2)).toPoint()


def click(qtbot, canvas: GraphCanvas, point: QPoint, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, modifier, point)


def wheel(canvas: GraphCanvas, point: QPoint, turn: int) -> None:
    event = QWheelEvent(
        QPointF(point),
        canvas.mapToGlobal(QPointF(point)),
        QPoint(),
        QPoint(0, turn),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


def colours(canvas: GraphCanvas) -> set[str]:
    image = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1) & 0xFFFFFF
    return {f"#{value:06x}" for value in np.unique(pixels).tolist()}


def test_without_a_graph_the_canvas_says_what_to_do(canvas) -> None:
    canvas.repaint()
    assert "Open a script" in canvas.empty_text()
    canvas.session.state = "ready"
    assert "F5" in canvas.empty_text()
    assert not canvas.minimap.isVisible() and not canvas.detail.isVisible()


def test_a_graph_is_drawn_in_the_colours_of_the_theme(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.walked(graphs.two_layers(), 1))
    for name in ("light", "dark"):
        set_theme(name)
        seen = colours(canvas)
        look = load_theme(name)
        for token in ("canvas", "group", "op", "accent_soft", "grad_soft", "leaf_soft"):
            assert look.hex(token) in seen, (name, token)
    set_theme("light")


def test_a_click_selects_a_node_and_a_click_beside_it_nothing(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.quickstart())
    click(qtbot, canvas, spot(canvas, "AddmmBackward0"))
    assert canvas.session.selected_node.name == "AddmmBackward0"
    click(qtbot, canvas, spot(canvas, "weight"))
    assert canvas.session.selected_node.name == "linear.weight"
    click(qtbot, canvas, QPoint(500, 600))
    assert canvas.session.selected_node is None


def test_a_click_on_an_edge_selects_it(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.quickstart())
    addmm, loss = (canvas.scene.titles.index(t) for t in ("AddmmBackward0", "MseLossBackward0"))
    wire = next(
        w
        for w in range(len(canvas.scene.wire_source))
        if (canvas.scene.wire_source[w], canvas.scene.wire_target[w]) == (addmm, loss)
    )
    x, y = canvas.scene.wire_points(wire)[[0, -1]].mean(axis=0).tolist()
    click(qtbot, canvas, QPointF(*canvas.view.to_window(x, y)).toPoint())
    assert canvas.session.selection.kind == "edge"
    edge = canvas.session.graph.edges[canvas.session.selection.id]
    assert canvas.session.graph.nodes[edge.target].name == "MseLossBackward0"


def test_a_double_click_opens_and_closes_a_module(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.two_layers())
    canvas.set_detail(0)
    qtbot.waitUntil(lambda: "0 · Linear" in canvas.scene.titles)
    before = canvas.scene
    qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=spot(canvas, "0 · Linear"))
    qtbot.waitUntil(lambda: canvas.scene is not before)
    assert "AddmmBackward0" in canvas.scene.titles and canvas.scene.group_titles == ["0 · Linear"]
    x, y, _, _ = canvas.scene.group_rect[0].tolist()
    qtbot.mouseDClick(
        canvas, Qt.MouseButton.LeftButton, pos=QPointF(*canvas.view.to_window(x + 30, y + 18)).toPoint()
    )
    qtbot.waitUntil(lambda: not len(canvas.scene.group_ref))


def test_an_opened_module_stays_where_it_was_on_the_screen(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.two_layers())
    canvas.set_detail(0)
    qtbot.waitUntil(lambda: "2 · Linear" in canvas.scene.titles)
    canvas._user_moved = True
    number = canvas.scene.titles.index("2 · Linear")
    module = int(canvas.scene.item_ref[number])
    before = canvas.view.to_window(*canvas.scene.item_rect[number, :2].tolist())
    canvas.toggle_module(module)
    qtbot.waitUntil(lambda: module in canvas.index.group_of_module)
    after = canvas.view.to_window(*canvas.scene.group_rect[0, :2].tolist())
    assert np.allclose(before, after, atol=1.0)


def test_the_wheel_zooms_where_the_mouse_is(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.two_layers())
    point = QPoint(300, 300)
    under = canvas.view.to_scene(300, 300)
    scale = canvas.view.scale
    wheel(canvas, point, 240)
    assert canvas.view.scale > scale * 1.2
    assert np.allclose(canvas.view.to_scene(300, 300), under, atol=0.01)


def test_one_cannot_zoom_out_into_nothing(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.two_layers())
    for _ in range(60):
        wheel(canvas, QPoint(300, 300), -480)
    assert canvas.view.scale * canvas.scene.size[0] > 100


def test_dragging_moves_the_scene_with_the_hand(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.two_layers())
    x, y = canvas.view.x, canvas.view.y
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(450, 560))
    qtbot.mouseMove(canvas, QPoint(480, 580))
    qtbot.mouseMove(canvas, QPoint(500, 600))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(500, 600))
    assert (canvas.view.x - x, canvas.view.y - y) == pytest.approx((50, 40), abs=6)
    assert canvas.session.selected_node is None


def test_arrows_walk_along_edges(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.quickstart())
    click(qtbot, canvas, spot(canvas, "MseLossBackward0"))
    qtbot.keyClick(canvas, Qt.Key.Key_Left)
    assert canvas.session.selected_node.name == "AddmmBackward0"
    qtbot.keyClick(canvas, Qt.Key.Key_Up)
    assert canvas.session.selected_node.name == "linear.bias"
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert canvas.session.selected_node.name == "AddmmBackward0"
    qtbot.keyClick(canvas, Qt.Key.Key_Left)
    assert canvas.session.selected_node.name == "input"


def test_keys_zoom_fit_and_go_home(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.two_layers())
    scale = canvas.view.scale
    qtbot.keyClick(canvas, Qt.Key.Key_Plus)
    assert canvas.view.scale > scale
    qtbot.keyClick(canvas, Qt.Key.Key_Minus)
    canvas.centre_on(5000, 5000)
    qtbot.keyClick(canvas, Qt.Key.Key_F)
    assert canvas.view.scale == pytest.approx(scale)
    canvas.centre_on(0, 0)
    qtbot.keyClick(canvas, Qt.Key.Key_Home)
    assert spot(canvas, "MseLossBackward0") == QPoint(448, 329)
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.session.selection.kind == ""


def test_return_opens_the_selected_module(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.two_layers())
    canvas.set_detail(0)
    qtbot.waitUntil(lambda: "0 · Linear" in canvas.scene.titles)
    click(qtbot, canvas, spot(canvas, "0 · Linear"))
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "0 · Linear" in canvas.scene.group_titles)


def test_shift_and_click_shows_the_way_between_two_nodes(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.two_layers())
    click(qtbot, canvas, spot(canvas, "x"))
    click(qtbot, canvas, spot(canvas, "MseLossBackward0"), Qt.KeyboardModifier.ShiftModifier)
    names = {canvas.scene.titles[item] for item in canvas.emphasis.path_items}
    assert names == {"x", "AddmmBackward0", "ReluBackward0", "MseLossBackward0"}
    assert len(canvas.emphasis.path_wires) == 4


def test_a_tooltip_tells_the_digest(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.walked(graphs.quickstart(), 3))
    point = spot(canvas, "MseLossBackward0")
    QApplication.sendEvent(canvas, QHelpEvent(QEvent.Type.ToolTip, point, canvas.mapToGlobal(point)))
    assert "MseLossBackward0" in QToolTip.text() and "gradient: norm" in QToolTip.text()
    QToolTip.hideText()


def test_a_step_moves_the_accent_and_brings_the_gradients(qtbot, canvas) -> None:
    graph = graphs.walked(graphs.two_layers(), 0)
    show(qtbot, canvas, graph)
    loss = canvas.scene.titles.index("MseLossBackward0")
    relu = canvas.scene.titles.index("ReluBackward0")
    assert canvas.marks.state[loss] == HERE
    into = np.flatnonzero(canvas.scene.wire_target == loss)
    assert ON_ITS_WAY in canvas.marks.gradient[into].tolist()
    graphs.walked(graph, 1)
    canvas.session.cursor_changed.emit()
    qtbot.waitUntil(lambda: canvas.marks.state[loss] == DONE)
    assert ARRIVED in canvas.marks.gradient[into].tolist()
    assert canvas.marks.state[relu] != DONE


def test_a_gradient_travels_and_then_has_arrived(qtbot, canvas) -> None:
    canvas.set_motion(True)
    graph = graphs.walked(graphs.two_layers(), 0)
    show(qtbot, canvas, graph)
    graphs.walked(graph, 1)
    canvas.session.cursor_changed.emit()
    qtbot.waitUntil(lambda: canvas.travel.running)
    canvas.repaint()
    qtbot.waitUntil(lambda: not canvas.travel.running)
    assert ARRIVED in canvas.marks.gradient.tolist()
    assert canvas._travelling == []


def test_a_module_opens_in_motion_and_ends_where_it_belongs(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.two_layers())
    canvas.set_motion(True)
    canvas.set_detail(0)
    qtbot.waitUntil(lambda: canvas.opening.running)
    canvas.repaint()
    qtbot.waitUntil(lambda: not canvas.opening.running)
    assert canvas._morph is None


def test_the_slider_opens_levels_and_the_button_turns_the_flow(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.resnet18())
    canvas.detail.slider.setValue(1)
    qtbot.waitUntil(lambda: "layer1 · Sequential" in canvas.scene.titles)
    assert canvas.detail.level.text() == "level 1"
    canvas.detail.direction.click()
    qtbot.waitUntil(lambda: canvas.scene.downwards)
    assert canvas.scene.size[1] > canvas.scene.size[0]


def test_the_minimap_takes_one_there(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.resnet18())
    canvas.view.scale = 1.0
    qtbot.mouseClick(canvas.minimap, Qt.MouseButton.LeftButton, pos=QPoint(20, 39))
    left = canvas.view.x
    qtbot.mouseClick(canvas.minimap, Qt.MouseButton.LeftButton, pos=QPoint(110, 39))
    assert canvas.view.x < left


def test_gain_colours_nodes_and_has_its_own_legend(qtbot, canvas) -> None:
    graph = graphs.walked(graphs.two_layers(), 4)
    for node in graph.nodes:
        if node.grad is not None:
            node.incoming = (node.grad,)
            node.outgoing = tuple(e.grad for e in graph.edges_into(node.id))
    show(qtbot, canvas, graph)
    plain = canvas.grab().toImage()
    canvas.set_overlay("gain")
    assert np.isfinite(canvas.marks.gain).any()
    assert canvas.grab().toImage() != plain
    canvas.set_overlay("")


def test_revealing_a_node_opens_what_hides_it(qtbot, canvas) -> None:
    graph = graphs.resnet18()
    show(qtbot, canvas, graph)
    canvas.set_detail(0)
    qtbot.waitUntil(lambda: not len(canvas.scene.group_ref))
    node = next(n.id for n in graph.nodes if n.name == "model.layer3.1.conv2.weight")
    canvas.reveal_node(node)
    qtbot.waitUntil(lambda: node in canvas.scene.item_ref[canvas.scene.item_kind == 1].tolist())
    item = canvas.index.item_of_node(node)
    x, y = canvas.view.to_window(*canvas.scene.item_rect[item, :2].tolist())
    assert 0 < x < canvas.width() and 0 < y < canvas.height()


def test_a_walk_inside_a_closed_module_lights_its_box(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.walked(graphs.resnet18(), 6))
    canvas.set_detail(0)
    qtbot.waitUntil(lambda: not len(canvas.scene.group_ref))
    assert canvas.marks.state[canvas.scene.titles.index("model · ResNet")] == HERE


def test_another_graph_of_the_same_structure_keeps_the_view(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.two_layers())
    canvas.zoom_by(1.5)
    before, scene = canvas.view.copy(), canvas.scene
    canvas.session.graph = graphs.walked(graphs.two_layers(), 2)
    canvas.session.graph_changed.emit()
    assert canvas.view == before and canvas.scene is scene
    assert canvas.marks.graph is canvas.session.graph


def test_readers_without_sight_are_told_what_is_there(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.quickstart())
    click(qtbot, canvas, spot(canvas, "AddmmBackward0"))
    assert canvas.accessibleName() == "Graph"
    assert canvas.accessibleDescription() == "7 nodes and 6 edges; AddmmBackward0 is selected"


def test_only_what_is_on_the_screen_is_watched(qtbot, canvas) -> None:
    asked: list[tuple[int, ...]] = []
    canvas.session.watch = lambda nodes, hz=15.0: asked.append(tuple(nodes))
    show(qtbot, canvas, graphs.gpt(2))
    canvas.set_detail(9)
    qtbot.waitUntil(lambda: len(canvas.scene.item_ref) > 100)
    canvas.zoom_to_selection()
    canvas.view.scale = 1.0
    canvas.centre_on(400, 300)
    qtbot.waitUntil(lambda: bool(asked) and 0 < len(asked[-1]) < 30)


def test_a_graph_of_ten_thousand_nodes_moves_without_redrawing(qtbot, canvas) -> None:
    show(qtbot, canvas, graphs.chain(10_000))
    canvas.set_detail(9)
    qtbot.waitUntil(lambda: len(canvas.scene.item_ref) > 10_000, timeout=60_000)
    canvas.zoom_to_fit()
    canvas.repaint()
    canvas._picture.cost_ms = 50.0
    drawn = []
    canvas._paint_scene, original = lambda *a: drawn.append(a), canvas._paint_scene
    wheel(canvas, QPoint(300, 300), 120)
    canvas.repaint()
    assert not drawn
    canvas._paint_scene = original


def test_a_right_click_offers_what_can_be_done_there(qtbot, canvas) -> None:
    graph = graphs.walked(graphs.quickstart(), 1)
    show(qtbot, canvas, graph)
    point = spot(canvas, "AddmmBackward0")
    QApplication.sendEvent(canvas, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, point,
                                                     canvas.mapToGlobal(point)))
    menu = QApplication.activePopupWidget()
    words = {action.text(): action for action in menu.actions()}
    assert {"Run to here", "Stop here", "Copy name", "Zoom to this", "Colour by gain"} <= set(words)
    words["Stop here"].trigger()
    menu.close()
    node = canvas.session.selected_node
    assert [(b.kind, b.place) for b in canvas.session.breakpoints] == [("node", str(node.id))]
    qtbot.waitUntil(lambda: canvas.emphasis.stops == {canvas.index.item_of_node(node.id)})


def test_the_loss_stands_under_the_roots_name(qtbot, canvas) -> None:
    graph = graphs.quickstart()
    canvas.session.timeline.add(Backward(0, graph.hash, graph.root, "loss", 0.0142))
    canvas.session.timeline.backward = 0
    show(qtbot, canvas, graph)
    assert canvas.emphasis.lines == {canvas.index.item_of_node(graph.root): "loss 0.0142"}


def test_what_is_selected_elsewhere_comes_into_view(qtbot, canvas) -> None:
    graph = graphs.resnet18()
    show(qtbot, canvas, graph)
    canvas.view.scale = 1.0
    canvas.centre_on(0, 0)
    canvas.session.select_node(graph.root)
    item = canvas.index.item_of_node(graph.root)
    x, y = canvas.view.to_window(*canvas.scene.item_rect[item, :2].tolist())
    assert 0 < x < canvas.width() and 0 < y < canvas.height()


def test_the_minimap_steps_aside_where_it_would_cover_what_is_wholly_in_view(canvas, qtbot):
    show(qtbot, canvas, graphs.quickstart())
    rects = canvas.scene.item_rect
    x, y = (rects[:, 0] + rects[:, 2] / 2).max(), rects[rects[:, 0].argmax(), 1]
    corner = canvas.minimap.geometry().center()
    canvas.view.scale = 0.5
    canvas.view.x, canvas.view.y = corner.x() - x * 0.5, corner.y() - y * 0.5
    canvas._view_changed(True)
    assert not canvas.minimap.isVisible()
    canvas.view.x, canvas.view.y = 10.0, 80.0
    canvas._view_changed(True)
    assert canvas.minimap.isVisible()
