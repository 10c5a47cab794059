"""The session: what it knows after each event, and how the playhead moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.session.console import ConsoleText
from app.session.graph import NodeState
from app.session.recording import Recording
from app.session.session import Session
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.protocol.framing import RunWriter, VersionError
from tests.protocol.samples import GRAPH, ONE, run, walked


@pytest.fixture
def session(tmp_path: Path) -> Session:
    script = tmp_path / "a.py"
    script.write_text("print(1)\n")
    made = Session()
    made.sent = []  # type: ignore[attr-defined]
    made.send = made.sent.append  # type: ignore[attr-defined]
    made.open_script(script)
    return made


def states(session: Session) -> list[str]:
    return [node.state.value for node in session.graph.nodes]


def written(path: Path, batches: list) -> Path:
    writer = RunWriter(path)
    for batch in batches:
        writer.write(batch)
    writer.close()
    return path


def test_a_fresh_script_is_ready_and_run_asks_for_it(session: Session) -> None:
    assert session.state == "ready"
    session.run()
    assert session.state == "running"
    assert session.sent == [ask.SetBreakpoints(()), ask.Run()]


def test_the_first_step_goes_to_the_first_node(session: Session) -> None:
    session.step()
    assert session.sent[-1] == ask.Step("iteration")


def test_a_node_lights_up_and_its_gradient_appears_on_its_edge(session: Session) -> None:
    session.run()
    session.apply([*run()[0], *walked(0, 2.0)[:3], happened.RunPaused("step")])
    assert session.state == "paused"
    assert states(session) == ["here", "to come", "to come"]
    assert session.here is session.graph.nodes[0]
    session.apply([happened.GradFlowed(0, 0, 0, (ONE,), (ONE,)), happened.NodeEntered(0, 1, 1, 3)])
    assert states(session) == ["done", "here", "to come"]
    assert session.graph.edges[0].grad == ONE


def test_walking_back_takes_the_gradients_from_the_edges(session: Session) -> None:
    session.run()
    session.apply([*run()[0], *walked(0, 2.0)[:-1], happened.WalkedBack(0, 1, 1), happened.RunPaused("step")])
    assert states(session) == ["done", "here", "to come"]
    assert [edge.grad for edge in session.graph.edges] == [ONE, None]


def test_each_signal_tells_of_its_own_change_once_a_batch(session: Session) -> None:
    told: list[str] = []
    session.graph_changed.connect(lambda: told.append("graph"))
    session.cursor_changed.connect(lambda: told.append("cursor"))
    session.selection_changed.connect(lambda: told.append("selection"))
    session.run()
    session.apply([e for batch in run() for e in batch])
    assert told == ["cursor", "graph", "cursor"]
    session.select_node(1)
    assert told[-1] == "selection"
    assert session.node_info(1).inputs[0].source == 2


def test_a_curve_grows_with_every_backward(session: Session) -> None:
    session.run()
    session.apply([e for batch in run(100) for e in batch])
    curve = session.curves["loss"]
    assert np.array_equal(curve.steps, np.arange(100))
    assert curve.value_at(3) == 0.5


def test_a_finished_live_run_can_be_walked_like_a_recording(session: Session) -> None:
    session.run()
    session.apply([e for batch in run() for e in batch])
    assert session.state == "ended"
    assert states(session) == ["done"] * 3
    session.step("back")
    assert states(session) == ["done", "done", "here"]
    session.step("start")
    session.step("back")
    assert (session.timeline.backward, session.timeline.position) == (1, 3)


def test_a_recording_is_walked_in_both_directions(tmp_path: Path) -> None:
    session = Session()
    session.open_recording(Recording(written(tmp_path / "a.run", run())))
    assert session.is_recording and session.state == "ended"
    assert session.source == "print(1)\n"
    session.show(0, 0)
    seen = []
    for _ in range(12):
        seen.append((session.timeline.backward, session.timeline.position, states(session).count("done")))
        session.step()
    assert seen == [(b, p, p) for b in range(3) for p in range(4)]
    back = []
    for _ in range(12):
        back.append((session.timeline.backward, session.timeline.position, states(session).count("done")))
        session.step("back")
    assert back == seen[::-1]


def test_the_graph_at_a_position_is_the_same_from_either_side(tmp_path: Path) -> None:
    recording = Recording(written(tmp_path / "a.run", run()))
    upward = [repr(recording.graph_at(1, p)) for p in range(4)]
    downward = [repr(recording.graph_at(1, p)) for p in (3, 2, 1, 0)][::-1]
    assert upward == downward
    with pytest.raises(KeyError):
        recording.graph_at(9, 0)


def test_a_cut_recording_shows_all_before_the_cut_and_says_so(tmp_path: Path) -> None:
    path = written(tmp_path / "a.run", run())
    path.write_bytes(path.read_bytes()[:-40])
    recording = Recording(path)
    assert "cut off" in recording.message
    assert len(recording.backwards) >= 2
    session = Session()
    session.open_recording(recording)
    assert session.message == recording.message


def test_a_recording_without_its_end_says_so(tmp_path: Path) -> None:
    assert "before the run's end" in Recording(written(tmp_path / "a.run", run()[:-1])).message


def test_a_corrupted_recording_shows_all_before_the_damage(tmp_path: Path) -> None:
    path = written(tmp_path / "a.run", run())
    data = bytearray(path.read_bytes())
    data[-60] ^= 0xFF
    path.write_bytes(data)
    recording = Recording(path)
    assert "corrupted" in recording.message
    assert len(recording.backwards) >= 1


def test_a_recording_of_a_newer_protocol_is_refused_in_words(tmp_path: Path) -> None:
    path = written(tmp_path / "a.run", run())
    data = bytearray(path.read_bytes())
    data[8] = 9
    path.write_bytes(data)
    with pytest.raises(VersionError, match="newer"):
        Recording(path)


def test_the_last_100_000_printed_lines_are_kept(session: Session) -> None:
    session.run()
    batches = [
        [happened.TextPrinted("stdout", "".join(f"line {i}\n" for i in range(k, k + 500)))]
        for k in range(0, 200_000, 500)
    ]
    for batch in batches:
        session.apply(batch)
    assert len(session.console) == 100_000
    assert session.console.first == 100_000
    assert session.console.lines(199_999)[0].text == "line 199999"


def test_a_carriage_return_starts_its_line_anew() -> None:
    console = ConsoleText()
    console.add("stdout", "10 %\r20 %")
    console.add("stdout", "\r30 %\ndone")
    assert [line.text for line in console.lines()] == ["30 %"]
    assert [line.text for line in console.open_lines()] == ["done"]


def test_a_child_that_dies_leaves_all_that_was_received(session: Session) -> None:
    session.run()
    session.apply([*run()[0], *walked(0, 2.0)])
    session.child_gone("The script's process was ended by SIGKILL.")
    assert session.state == "lost"
    assert session.failure is not None and "SIGKILL" in session.failure.message
    assert len(session.timeline) == 1 and session.can_run
    session.run()
    assert session.state == "running" and len(session.timeline) == 0


def test_a_failure_has_its_traceback_and_line(session: Session) -> None:
    session.run()
    session.apply([happened.RunFailed("ValueError", "no", "Traceback …", "a.py", 3), happened.RunEnded(1)])
    assert session.state == "failed"
    assert session.failure is not None and session.failure.line == 3


def test_breakpoints_are_toggled_and_sent_where_a_child_is(session: Session) -> None:
    session.toggle_breakpoint("line", "a.py:3")
    assert session.sent == []
    session.run()
    assert session.sent[0] == ask.SetBreakpoints((("line", "a.py:3", "", 0),))
    session.toggle_breakpoint("line", "a.py:3")
    assert session.sent[-1] == ask.SetBreakpoints(())


def test_watch_expressions_are_evaluated_at_every_stop(session: Session) -> None:
    session.run()
    session.set_watches(["grad.norm()"])
    session.apply([GRAPH, *walked(0, 2.0)[:3], happened.RunPaused("step")])
    assert session.sent[-1] == ask.Evaluate("watch:grad.norm()", "grad.norm()")
    session.apply([happened.ValueEvaluated("watch:grad.norm()", "grad.norm()", "1.5")])
    assert session.evaluated["watch:grad.norm()"].text == "1.5"


def test_a_tensor_of_the_past_comes_from_what_was_kept(session: Session) -> None:
    session.run()
    kept = happened.TensorKept(0, 1, "value", (2,), "float32", np.float32([1, 2]).tobytes())
    session.apply([*run()[0], *walked(0, 2.0)[:-1], kept, happened.RunEnded(0)])
    session.fetch("t", 1, "value")
    assert session.fetched["t"].data == kept.data
    session.fetch("t", 0, "value")
    assert "t" not in session.fetched and "not kept" in session.fetch_errors["t"]


def test_looking_at_an_earlier_backward_leaves_the_live_head_alone(session: Session) -> None:
    session.run()
    session.apply([*run()[0], *walked(0, 2.0), *walked(1, 1.0)[:3], happened.RunPaused("step", backward=1)])
    session.show(0, 2)
    assert states(session) == ["done", "done", "here"] and not session.timeline.following
    session.follow()
    assert states(session) == ["here", "to come", "to come"] and session.timeline.following
    assert session.graph.nodes[0].state is NodeState.HERE


def test_a_panel_that_wants_the_whole_graph_has_every_node_sampled_as_long_as_it_is_seen(session: Session):
    session.run()
    session.apply([*run()[0], *walked(0, 2.0)])
    session.watch([1])
    session.watch_whole("flow", True)
    session.watch([2])
    session.watch_whole("flow", False)
    assert session.sent[-3:] == [ask.Watch((1,)), ask.Watch((0, 1, 2)), ask.Watch((2,))]
