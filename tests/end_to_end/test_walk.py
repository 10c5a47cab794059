"""A live run: paused, stepped both ways, looked into, changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.session.breakpoint import Breakpoint
from app.session.recording import Recording
from engine.worker.record import record
from tests.end_to_end.driving import Driver
from tests.end_to_end.scripts import QUICKSTART, regression


@pytest.fixture
def standing(driver: Driver, tmp_path: Path) -> Driver:
    """Before the first node of the first backward of the regression."""
    driver.open(tmp_path / "a.py", regression())
    driver.step()
    return driver


def test_a_script_runs_to_its_end_and_its_loss_is_a_curve(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression())
    session.run()
    driver.to_stop()
    assert session.state == "ended" and session.ended.exit_status == 0
    printed = [
        float(line.text.split()[2]) for line in session.console.lines() if line.text.startswith("epoch")
    ]
    assert session.curves["loss"].values.tolist() == printed and len(printed) == 30
    assert [b.variable for b in session.timeline.backwards] == ["loss"] * 30


def test_the_graph_has_pytorchs_nodes_and_the_scripts_names(standing: Driver) -> None:
    graph = standing.session.graph
    assert [n.name for n in graph.nodes] == [
        "MeanBackward0",
        "PowBackward0",
        "SubBackward0",
        "TanhBackward0",
        "AddBackward0",
        "MmBackward0",
        "w",
        "b",
        "y",
        "x",
    ]
    assert [n.kind for n in graph.nodes[-4:]] == ["leaf", "leaf", "input", "input"]
    assert graph.nodes[0].line == 9 and graph.nodes[5].line == 8
    assert [(e.source, e.slot) for e in graph.edges_into(5)] == [(9, 0), (6, 1)]


def test_one_step_runs_one_node_and_the_last_one_stands_at_the_end(standing: Driver) -> None:
    session = standing.session
    names = []
    while session.timeline.position < session.timeline.current.count:
        names.append(session.here.name)
        standing.step()
    assert names[:5] == ["MeanBackward0", "PowBackward0", "SubBackward0", "TanhBackward0", "AddBackward0"]
    assert sorted(names[5:]) == ["MmBackward0", "b", "w"]
    assert session.standing.why == "end of backward" and session.here is None
    standing.step()
    assert session.timeline.backward == 1 and session.timeline.position == 0


def test_stepping_back_returns_to_the_very_same_bits(standing: Driver) -> None:
    session = standing.session
    standing.step("iteration")
    seen = [standing.all_tensors()]
    while session.timeline.position < session.timeline.current.count:
        standing.step()
        seen.append(standing.all_tensors())
    assert len(seen) == 9
    while session.timeline.position > 0:
        standing.step("back")
        assert standing.all_tensors() == seen[session.timeline.position]
    standing.step("end")
    assert standing.all_tensors() == seen[-1]
    standing.step("start")
    assert standing.all_tensors() == seen[0]


def test_walking_there_and_back_does_not_change_the_run(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression())
    session.run()
    driver.to_stop()
    plain = session.console.text()
    session.step()
    session = driver.open(tmp_path / "a.py")
    driver.step()
    for kind in ("node", "node", "back", "end", "start", "node", "end", "back", "back", "iteration", "end"):
        driver.step(kind)
    session.run()
    driver.to_stop()
    assert session.console.text() == plain


def test_fetched_gradients_are_those_of_the_formula(standing: Driver) -> None:
    standing.step("end")
    x, y = standing.tensor(standing.node("x"), "value"), standing.tensor(standing.node("y"), "value")
    w = standing.tensor(standing.node("w"), "value")
    p = np.tanh(x.astype(np.float64) @ w)
    g = 2 * (p - y) / p.size * (1 - p * p)
    assert np.allclose(standing.tensor(standing.node("w"), "leaf_grad"), x.T @ g, atol=1e-6)
    assert np.allclose(standing.tensor(standing.node("b"), "leaf_grad"), g.sum(0), atol=1e-6)
    assert np.allclose(standing.tensor(standing.node("TanhBackward0"), "saved:result"), p, atol=1e-6)


def test_a_running_script_is_paused_before_a_node(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression(1_000_000))
    session.run()
    driver.until(lambda: len(session.timeline) > 20)
    session.pause()
    driver.to_stop()
    assert session.state == "paused" and session.here is not None
    before = len(session.timeline)
    driver.step("iteration")
    assert session.timeline.backward == before and session.timeline.position == 0
    session.run()
    driver.until(lambda: len(session.timeline) > before + 20)
    session.stop()
    driver.to_stop()
    assert session.state == "ended" and session.ended.exit_status == -1


def test_watched_nodes_are_sampled_while_the_script_runs(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression(1_000_000))
    session.run()
    seen: set[float] = set()

    def enough() -> bool:
        for node in session.graph.nodes:
            if node.name == "w" and node.grad is not None:
                seen.add(node.grad.norm)
        return len(seen) >= 5

    driver.until(enough)
    session.fetch("live", 0, "value")
    driver.until(lambda: "live" in session.fetched)


def test_a_breakpoint_with_a_condition_stops_where_it_holds(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression())
    session.set_breakpoints([Breakpoint("op", "TanhBackward0", "iteration == 7 and grad.norm() > 0")])
    session.run()
    driver.to_stop()
    assert (session.standing.why, session.timeline.backward) == ("breakpoint", 7)
    assert session.here.name == "TanhBackward0"
    session.set_breakpoints([Breakpoint("parameter", "w", hits=2)])
    session.run()
    driver.to_stop()
    assert session.timeline.backward == 9 and session.here.name == "w"


def test_a_breakpoint_on_a_line_stops_in_the_forward(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression())
    session.set_breakpoints([Breakpoint("line", "a.py:9", "iteration == 3")])
    session.run()
    driver.to_stop()
    assert (session.standing.phase, session.standing.line, session.standing.backward) == ("forward", 9, 3)
    session.set_watches(["epoch", "pred.abs().max() < 1"])
    driver.until(lambda: len(session.evaluated) == 2)
    assert session.evaluated["watch:epoch"].text == "3"
    assert session.evaluated["watch:pred.abs().max() < 1"].text == "True"


def test_the_forward_is_walked_op_by_op(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression())
    session.set_breakpoints([Breakpoint("line", "8")])
    session.run()
    driver.to_stop()
    ops = [session.forward[-1].op]
    for _ in range(4):
        driver.step("op")
        ops.append(session.forward[-1].op)
    assert ops[1:] == ["add", "tanh", "sub", "pow"]


def test_a_changed_gradient_changes_all_that_follows(standing: Driver) -> None:
    session = standing.session
    standing.step("end")
    whole = standing.tensor(standing.node("w"), "leaf_grad")
    standing.step("start")
    session.set_value("edit", 0, "incoming:0", "grad * 0.5")
    standing.step("end")
    assert np.array_equal(standing.tensor(standing.node("w"), "leaf_grad"), whole * 0.5)
    assert session.edited and session.timeline.current.edited
    standing.step("start")
    session.set_value("edit", 0, "incoming:0", "__import__('os')")
    standing.until(lambda: "edit" in session.fetch_errors)


def test_a_weight_is_set_and_the_edit_taken_back(standing: Driver) -> None:
    session, w = standing.session, standing.node("w")
    before = standing.tensor(w, "value")
    session.set_value("edit", w, "value", "zeros")
    assert not standing.tensor(w, "value").any()
    session.set_value("edit", w, "value", "3.5", (1, 2))
    assert standing.tensor(w, "value")[1, 2] == 3.5
    for _ in range(2):
        session.set_value("edit", w, "value", "undo")
    assert standing.tensor(w, "value").tobytes() == before.tobytes()


def test_run_to_a_node_an_iteration_and_back_to_a_node(standing: Driver) -> None:
    session = standing.session
    session.run_to(node=standing.node("AddBackward0"))
    standing.to_stop()
    assert session.here.name == "AddBackward0" and session.timeline.backward == 0
    session.run_to(node=standing.node("PowBackward0"))
    standing.to_stop()
    assert session.here.name == "PowBackward0" and session.timeline.backward == 0
    session.run_to(backward=12)
    standing.to_stop()
    assert (session.timeline.backward, session.timeline.position) == (12, 0)


def test_the_producer_of_a_nan_is_found(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(
        tmp_path / "a.py",
        (
            "import torch\n"
            "x = torch.tensor([4.0, 0.0], requires_grad=True)\n"
            "y = torch.sqrt(x)\n"
            "z = (y * 2.0).sum()\n"
            "z.backward()\n"
            "print(x.grad)\n"
        ),
    )
    session.set_breakpoints([Breakpoint("nan", "")])
    session.run()
    driver.to_stop()
    assert session.standing.why == "nan"
    assert session.graph.nodes[session.standing.node].name == "SqrtBackward0" and session.standing.line == 3


def test_the_quickstart_runs_with_its_modules_as_boxes(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "quickstart.py", QUICKSTART)
    driver.step()
    graph = session.graph
    assert [n.name for n in graph.nodes] == [
        "MseLossBackward0",
        "AddmmBackward0",
        "linear.bias",
        "TBackward0",
        "linear.weight",
        "label",
        "input",
    ] or [n.name for n in graph.nodes if n.kind == "op"] == [
        "MseLossBackward0",
        "AddmmBackward0",
        "TBackward0",
    ]
    linear = next(m for m in graph.modules if m.type == "Linear")
    assert (linear.path, linear.detail) == ("linear", "5 → 6")
    assert graph.modules[linear.parent].type == "DummyModel"
    driver.step("optimizer")
    assert (session.standing.phase, session.optimizer.optimizer) == ("optimizer", "SGD")
    if session.optimizer.step == 0:
        assert session.optimizer.names == ("linear.weight", "linear.bias")
    weight = session.changes["linear.weight"]
    assert np.isclose(weight.change.norm, 0.1 * weight.grad.norm, rtol=1e-4) and weight.lr == 0.1
    assert "momentum_buffer" in weight.state
    session.evaluate("old", "linear.weight.before.norm()")
    driver.until(lambda: "old" in session.evaluated)
    assert np.isclose(float(session.evaluated["old"].text), weight.before.norm, rtol=1e-4)
    session.run()
    driver.to_stop()
    text = session.console.text()
    assert "epoch: 0, loss: 2.78025" in text and "epoch: 99, loss: 2e-05" in text
    assert text.endswith("grad_fn=<AddmmBackward0>)\n")


def test_a_recorded_run_shows_what_the_live_run_showed(driver: Driver, tmp_path: Path, monkeypatch) -> None:
    script = tmp_path / "a.py"
    session = driver.open(script, regression(5))
    monkeypatch.setattr("sys.argv", ["x"])
    monkeypatch.setattr("sys.path", ["x", *__import__("sys").path])
    monkeypatch.setitem(__import__("sys").modules, "__main__", __import__("sys").modules["__main__"])
    assert record(str(script), str(tmp_path / "a.run"), []) == 0
    from engine import torch_alias

    torch_alias.uninstall()
    recording = Recording(tmp_path / "a.run")
    assert recording.message == ""
    driver.step()
    for position in range(9):
        seen, kept = session.graph, recording.graph_at(0, position)
        assert [(n.name, n.state, n.incoming, n.outgoing) for n in seen.nodes] == [
            (n.name, n.state, n.incoming, n.outgoing) for n in kept.nodes
        ]
        assert [e.grad for e in seen.edges] == [e.grad for e in kept.edges]
        driver.step()
    w = driver.node("w")
    kept_w = recording.kept(0, w, "leaf_grad")
    assert kept_w is not None and kept_w.shape == (5, 6)


def test_going_back_in_training_repeats_the_run_bit_for_bit(driver: Driver, tmp_path: Path) -> None:
    session = driver.open(tmp_path / "a.py", regression())
    session.run_to(backward=4)
    driver.to_stop()
    first = driver.all_tensors()
    session.run()
    driver.to_stop()
    session.go_back_in_training(4, "backward")
    driver.to_stop()
    assert (session.timeline.backward, session.timeline.position) == (4, 0)
    assert driver.all_tensors() == first and session.diverged is None
    session.go_back_in_training(2)
    driver.to_stop()
    assert (session.standing.phase, session.standing.line, len(session.timeline)) == ("forward", 8, 2)


def test_a_script_that_does_not_repeat_is_said_so(driver: Driver, tmp_path: Path) -> None:
    source = regression(20).replace(
        "epoch in range(20):",
        "epoch in range(20):\n    if epoch == 5: import time; w.data = w.data + time.time() % 1",
    )
    session = driver.open(tmp_path / "a.py", source)
    session.run()
    driver.to_stop()
    assert session.state == "ended", session.failure
    session.go_back_in_training(8, "backward")
    driver.to_stop()
    assert session.diverged == 5 and "does not repeat" in session.message
