"""The window: pages, transport, panels, theme, palette, keys."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.actions.catalogue import ACTIONS, BY_ID
from app.look.theme import load_theme, theme
from app.session.graph import NodeState
from app.shell import setting
from app.shell.welcome import samples
from engine.protocol import request as ask

from .made_run import QUICKSTART, loss_at, whole_run


def look(window) -> None:
    """Let the views look, then the event loop turn."""
    window.pulse.flush()
    QTest.qWait(20)
    window.pulse.flush()


def test_the_first_page_offers_every_sample(window):
    assert window.pages.currentWidget() is window.welcome
    assert set(window.welcome.cards) == {entry["file"] for entry in samples()}


def test_a_click_on_a_sample_opens_it(window, qtbot):
    qtbot.mouseClick(window.welcome.cards["quickstart.py"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.state == "ready", timeout=20_000)
    look(window)
    assert window.top.name.text() == "quickstart.py"
    assert window.bench.source.view.toPlainText() == QUICKSTART.read_text(encoding="utf-8")


def test_the_bar_says_where_the_walk_stands(standing):
    assert standing.top.iteration.text() == "iteration 41"
    assert standing.top.place.text() == "backward · node 2 of 5"
    assert standing.status.sentence.text() == "before AddmmBackward0, node 2 of 5, backward of iteration 41"


def test_step_and_step_back_by_keys_return_to_the_same_state(standing, qtbot):
    before = [(n.state, n.grad) for n in standing.session.graph.nodes]
    qtbot.keyClick(standing, Qt.Key.Key_F10)
    look(standing)
    assert standing.session.graph.nodes[1].state is NodeState.DONE
    assert standing.top.place.text() == "backward · node 3 of 5"
    qtbot.keyClick(standing, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    look(standing)
    assert [(n.state, n.grad) for n in standing.session.graph.nodes] == before
    assert standing.top.place.text() == "backward · node 2 of 5"


def test_the_transport_buttons_do_what_their_keys_do(standing, qtbot):
    qtbot.mouseClick(standing.top.buttons["run.step"], Qt.MouseButton.LeftButton)
    assert standing.child.requests[-1] == ask.Step("node") or isinstance(
        standing.child.requests[-1], ask.Fetch
    )
    look(standing)
    qtbot.mouseClick(standing.top.buttons["run.toggle"], Qt.MouseButton.LeftButton)
    look(standing)
    assert standing.session.state == "running"
    assert standing.top.buttons["run.toggle"].toolTip() == "Pause  F6"
    qtbot.mouseClick(standing.top.buttons["run.toggle"], Qt.MouseButton.LeftButton)
    look(standing)
    assert standing.session.state == "paused"


def test_the_inspector_shows_the_node_where_the_walk_stands(standing):
    inspector = standing.bench.inspector
    assert inspector.headline.text() == "AddmmBackward0"
    assert [row.what for row in inspector.rows] == [
        "incoming:0",
        "saved:mat1",
        "saved:mat2",
        "outgoing:0",
        "outgoing:2",
    ]
    assert not inspector.rows[0].heat.is_empty
    assert inspector.rows[3].line.text() == "known after this step"


def test_the_inspector_follows_a_step_and_shows_what_went_out(standing, qtbot):
    standing.session.select_node(1)
    look(standing)
    qtbot.keyClick(standing, Qt.Key.Key_F10)
    look(standing)
    assert standing.bench.inspector.headline.text() == "linear.bias"
    standing.session.select_node(-1)
    standing.session.select_node(1)
    look(standing)
    line = standing.bench.inspector.rows[3].line.text()
    assert line.startswith("norm ") and "adds to .grad" in line


def test_a_click_on_a_small_picture_opens_the_numbers(standing, qtbot):
    qtbot.mouseClick(standing.bench.inspector.rows[1].heat, Qt.MouseButton.LeftButton)
    look(standing)
    tensor = standing.bench.tensor
    assert tensor.isVisible() and tensor.what.currentData() == "saved:mat1"
    assert (tensor.model.rowCount(), tensor.model.columnCount()) == (2, 5)


def test_a_value_is_set_where_the_run_stands(standing, qtbot):
    standing.session.select_node(1)
    look(standing)
    QTest.keyClick(standing, Qt.Key.Key_E)
    look(standing)
    tensor = standing.bench.tensor
    qtbot.keyClicks(tensor.expression, "grad * 0.1")
    qtbot.keyClick(tensor.expression, Qt.Key.Key_Return)
    sent = [r for r in standing.child.requests if isinstance(r, ask.SetValue)]
    assert sent and sent[-1].expression == "grad * 0.1" and sent[-1].what == "incoming:0"


def test_a_click_beside_a_line_sets_and_removes_a_breakpoint(opened, qtbot):
    view = opened.bench.source.view
    qtbot.mouseClick(view._gutter, Qt.MouseButton.LeftButton, pos=QPoint(20, 8 + 21 * 4 + 5))
    look(opened)
    assert [(b.kind, b.place) for b in opened.session.breakpoints] == [("line", "5")]
    assert view.breakpoint_lines == {5: True}
    qtbot.mouseClick(view._gutter, Qt.MouseButton.LeftButton, pos=QPoint(20, 8 + 21 * 4 + 5))
    look(opened)
    assert view.breakpoint_lines == {}


def test_the_line_of_the_node_is_marked(standing):
    assert standing.bench.source.view.current_line == 20


def test_panels_can_be_closed_and_brought_back(standing):
    bench = standing.bench
    bench.inspector.close()
    bench.console.close()
    assert bench.inspector.isHidden() and bench.console.isHidden()
    bench.inspector.toggleViewAction().trigger()
    bench.console.toggleViewAction().trigger()
    assert not bench.inspector.isHidden() and not bench.console.isHidden()


def test_the_arrangement_is_remembered(standing, qtbot):
    standing.bench.watch.close()
    standing.close()
    assert setting.arrangement("panels") is not None
    again = type(standing)(type(standing.session)())
    again.show()
    qtbot.waitUntil(lambda: again.bench is not None, timeout=10_000)
    again.open_path(QUICKSTART)
    qtbot.waitUntil(lambda: again.bench.isVisible(), timeout=20_000)
    qtbot.waitUntil(lambda: again.bench.watch.isHidden(), timeout=20_000)
    again.close()
    again.deleteLater()


def test_put_all_panels_back_shows_them_all(standing):
    for dock in standing.bench.docks:
        dock.close()
    standing.reset_panels()
    assert not [dock.key for dock in standing.bench.docks if dock.isHidden()]


def test_the_theme_switches_live_and_is_remembered(standing):
    light = QApplication.palette().window().color()
    standing.toggle_theme()
    look(standing)
    assert theme().name == "dark"
    assert QApplication.palette().window().color() == QColor(load_theme("dark").hex("panel")) != light
    assert setting.theme_choice() == "dark"
    image = standing.grab().toImage()
    assert image.pixelColor(4, 4) == QColor(load_theme("dark").hex("panel"))


def test_the_palette_finds_a_node_and_selects_it(standing, qtbot):
    qtbot.keyClick(standing, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = standing.palette_view
    assert palette.isVisible()
    qtbot.keyClicks(palette.field, "linear.wei")
    assert palette.model.entries[0].name == "linear.weight"
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert standing.session.selected_node.name == "linear.weight"
    assert not palette.isVisible()


def test_escape_closes_the_palette(standing, qtbot):
    standing.show_palette()
    qtbot.keyClick(standing.palette_view.field, Qt.Key.Key_Escape)
    assert not standing.palette_view.isVisible()


def test_arrow_keys_walk_along_edges(standing, qtbot):
    standing.session.select_node(1)
    standing.setFocus()
    look(standing)
    qtbot.keyClick(standing, Qt.Key.Key_Right)
    assert standing.session.selected_node.name == "MseLossBackward0"
    qtbot.keyClick(standing, Qt.Key.Key_Left)
    assert standing.session.selected_node.name == "AddmmBackward0"


def test_every_action_has_a_sentence_and_keys_are_used_once():
    keys = [a.shortcut for a in ACTIONS if a.shortcut]
    assert len(keys) == len(set(keys))
    assert not [a.id for a in ACTIONS if not a.text]
    assert len(BY_ID) == len(ACTIONS)


def test_the_curve_shows_each_loss(standing):
    curve = standing.session.curves["loss"]
    assert len(curve) == 41 and abs(curve.values[3] - loss_at(3)) < 1e-12
    drawn = standing.bench.curves.plot._lines["loss"]
    assert len(drawn.xData) == 41


def test_dragging_the_timeline_shows_an_earlier_iteration(opened, qtbot):
    opened.session.apply(whole_run(100))
    look(opened)
    bar = opened.timeline
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(round(bar.x_of(24.5)), 18))
    look(opened)
    assert opened.session.timeline.backward == 24
    assert opened.top.iteration.text() == "iteration 25 of 100"


def test_the_console_stands_at_the_last_of_a_hundred_thousand_lines(opened, qtbot):
    from engine.protocol import event as happened

    opened.bench.console.raise_()
    look(opened)
    batch = [
        happened.TextPrinted("stdout", "".join(f"line {k}\n" for k in range(s, s + 1000)))
        for s in range(0, 100_000, 1000)
    ]
    for event in batch:
        opened.session.apply([event])
    look(opened)
    opened.bench.console.view.grab()
    view = opened.bench.console.view
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum() > 99_000


def test_input_is_asked_for_in_the_console(standing, qtbot):
    from engine.protocol import event as happened

    standing.session.apply([happened.InputAsked("name? ")])
    standing.bench.console.raise_()
    look(standing)
    console = standing.bench.console
    assert console.asking.isVisible() and console.prompt.text() == "name?"
    qtbot.keyClicks(console.field, "Ada")
    qtbot.keyClick(console.field, Qt.Key.Key_Return)
    assert ask.Say("Ada") in standing.child.requests


def test_text_has_enough_contrast_in_both_themes():
    def light(colour: QColor) -> float:
        parts = [
            c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
            for c in (colour.redF(), colour.greenF(), colour.blueF())
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    def contrast(a: QColor, b: QColor) -> float:
        low, high = sorted((light(a), light(b)))
        return (high + 0.05) / (low + 0.05)

    grounds = {
        "text": ("panel", "bg", "group", "sel", "grad_soft", "accent_soft"),
        "quiet": ("panel", "bg", "group", "accent_soft"),
        "gutter": ("panel",),
        "accent": ("panel", "bg", "accent_soft"),
        "com": ("panel", "sel"),
        "kw": ("panel", "sel"),
        "str": ("panel", "sel"),
        "num": ("panel", "sel"),
        "fn": ("panel", "sel"),
        "leaf_text": ("panel", "leaf_soft"),
        "grad_text": ("panel", "grad_soft"),
        "warn_text": ("warn_soft",),
        "ok_text": ("panel",),
        "on_accent": ("accent",),
    }
    for name in ("light", "dark"):
        look_of = load_theme(name)
        for word, places in grounds.items():
            for place in places:
                assert contrast(look_of[word], look_of[place]) >= 4.5, (name, word, place)


def test_a_file_dropped_on_the_window_is_opened(window, qtbot):
    from PySide6.QtCore import QMimeData, QPointF, QUrl
    from PySide6.QtGui import QDropEvent

    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(QUICKSTART))])
    none = Qt.KeyboardModifier.NoModifier
    drop = QDropEvent(QPointF(400, 400), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none)
    window.dropEvent(drop)
    qtbot.waitUntil(lambda: window.session.state == "ready", timeout=20_000)
    assert window.session.path == QUICKSTART
    window._fill_recent()
    assert [action.text() for action in window.recent_menu.actions()] == [str(QUICKSTART)]


def test_an_iteration_is_spoken_of_from_one(opened, qtbot):
    dock = opened.bench.breakpoints
    qtbot.keyClicks(dock.place, "41")
    qtbot.keyClick(dock.place, Qt.Key.Key_Return)
    look(opened)
    assert [(b.kind, b.place) for b in opened.session.breakpoints] == [("iteration", "40")]
    dock.raise_()
    look(opened)
    assert dock.tree.topLevelItem(0).text(0) == "iteration 41"


def test_breakpoints_and_watches_are_kept_per_script(opened, qtbot):
    opened.session.toggle_breakpoint("line", "41")
    opened.session.set_watches(["loss"])
    opened.close_run()
    assert opened.session.state == "empty"
    opened.session.set_breakpoints([])
    opened.session.set_watches([])
    opened.open_path(QUICKSTART)
    qtbot.waitUntil(lambda: opened.session.state == "ready", timeout=20_000)
    assert [(b.kind, b.place) for b in opened.session.breakpoints] == [("line", "41")]
    assert opened.session.watches == ["loss"]


def test_the_menus_hold_every_action_with_a_menu(opened):
    menu = opened.top.logo.menu()
    titles = {a.text() for sub in menu.actions() for a in sub.menu().actions()}
    assert titles >= {a.title for a in ACTIONS if a.menu}


def test_a_script_given_at_the_start_is_opened_once_the_window_is_seen(qtbot, own_settings):
    from app.session.session import Session
    from app.shell.window import MainWindow

    window = MainWindow(Session())
    window.open_path(QUICKSTART)
    window.show()
    qtbot.waitUntil(lambda: window.session.state == "ready", timeout=10_000)
    assert window.pages.currentWidget() is not window.welcome or window.bench is not None
    window.close()
    window.deleteLater()


def test_every_dock_says_what_to_do_while_it_is_empty(opened):
    look(opened)
    for dock in opened.bench.docks:
        body = getattr(dock, "body", None)
        assert body is not None
        words = body.blank.label.text()
        assert words and not words.startswith("empty."), dock.key


def test_a_forward_op_is_shown_with_its_formula_and_result(standing):
    from engine.protocol import event as happened

    from .made_run import FILE, digest

    standing.session.apply(
        [
            happened.RunResumed(),
            happened.OpRan(7, "addmm", "AddmmBackward0", 21, FILE, (), digest((2, 6), 1.5), "linear"),
            happened.RunPaused("step", "forward", 41, -1, 0, FILE, 21, "addmm"),
        ]
    )
    look(standing)
    assert standing.bench.inspector.headline.text() == "addmm"
    assert standing.top.place.text() == "forward · addmm"
    assert standing.top.iteration.text() == "iteration 42"
    assert standing.status.sentence.text() == "after addmm, forward of iteration 42, line 21"
