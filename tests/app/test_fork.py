"""Forks of a run, driven by events made by hand: when each request is sent, and what ends a fork."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from app.session.comparison import Comparison, same
from app.session.fork import Edit, Fork, ForkError, place_of
from app.session.session import Session
from app.session.what_if import WhatIf
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.protocol.event import Digest, EdgePart, GraphDefined, NodePart

GRAPH = GraphDefined(
    "g",
    (NodePart("op", "MulBackward0"), NodePart("op", "TanhBackward0"), NodePart("leaf", "w")),
    (EdgePart(1, 0), EdgePart(2, 1)),
    (),
    (0, 1, 2),
)
STARTED = happened.RunStarted("a.py", (), "source", 0.0)


def scalar(value: float) -> Digest:
    return Digest((), "float32", abs(value), value, value, value)


def backward(number: int, loss: float, graph: str = "g") -> list[happened.Event]:
    return [happened.BackwardStarted(number, graph, 0, "loss", loss)]


def stop(number: int, position: int, why: str = "step") -> list[happened.Event]:
    events: list[happened.Event] = []
    if position < 3:
        events = [happened.NodeEntered(number, position, position, 3)]
    return [*events, happened.RunPaused(why, "backward", number, position if position < 3 else -1, position)]


def flows(number: int, first: int, last: int, norm: float = 1.0) -> list[happened.Event]:
    return [happened.GradFlowed(number, p, p, (scalar(norm),), (scalar(norm),)) for p in range(first, last)]


class Children:
    """Stands in for links: the requests that each session sent, in order."""

    def __init__(self) -> None:
        self.sent: list[list[ask.Request]] = []
        self.closed: list[int] = []
        self.abandoned: list[int] = []

    def attach(self, session: Session) -> Feed:
        number = len(self.sent)
        self.sent.append([])
        session.send = self.sent[number].append
        session.launch = lambda: None
        session.abandon = lambda: self.abandoned.append(number)
        return Feed(self, number)

    def asked(self, number: int = 0) -> list[ask.Request]:
        """What a session asked for, without where it looks and stops."""
        quiet = (ask.Watch, ask.SetBreakpoints, ask.SetBudget)
        return [r for r in self.sent[number] if not isinstance(r, quiet)]


class Feed:
    def __init__(self, children: Children, number: int) -> None:
        self._children, self._number = children, number

    def close(self) -> None:
        self._children.closed.append(self._number)


def origin(tmp_path: Path, position: int = 1) -> Session:
    """A session that stands in backward 2."""
    path = tmp_path / "a.py"
    path.write_text("source", encoding="utf-8")
    session = Session()
    session.open_script(path)
    session.apply(
        [
            STARTED,
            GRAPH,
            *backward(0, 3.0),
            happened.BackwardEnded(0),
            *backward(1, 2.0),
            happened.BackwardEnded(1),
            *backward(2, 1.5),
            *flows(2, 0, position),
            *stop(2, position),
        ]
    )
    return session


def repeated(session: Session, losses: tuple[float, ...] = (3.0, 2.0, 1.5), position: int = 1) -> None:
    """Let a fork's child come to the place."""
    events: list[happened.Event] = [STARTED, GRAPH]
    for number, loss in enumerate(losses):
        events += backward(number, loss)
    session.apply([*events, *flows(len(losses) - 1, 0, position), *stop(len(losses) - 1, position)])


@pytest.fixture
def children() -> Children:
    return Children()


def test_the_place_is_where_the_session_stands(tmp_path: Path) -> None:
    there = place_of(origin(tmp_path))
    assert (there.backward, there.position, there.phase, there.graph) == (2, 1, "backward", "g")
    assert there.goal == ask.RunTo(backward=2, position=1)


def test_a_run_that_goes_on_or_has_not_begun_cannot_be_forked(tmp_path: Path) -> None:
    session = origin(tmp_path)
    session.apply([happened.RunResumed()])
    with pytest.raises(ForkError, match="pause it first"):
        place_of(session)
    fresh = Session()
    fresh.open_script(tmp_path / "a.py")
    with pytest.raises(ForkError, match="Nothing has run yet"):
        place_of(fresh)


def test_a_fork_repeats_edits_and_runs_on(tmp_path: Path, children: Children) -> None:
    session = origin(tmp_path)
    fork = Fork(session, place_of(session), Edit(1, "incoming:0", "grad * 0.1"), children.attach)
    fork.start(2)
    assert fork.state == "repeating"
    goal = children.asked()[0]
    assert isinstance(goal, ask.RunTo) and (goal.backward, goal.position) == (2, 1)
    repeated(fork.session)
    assert fork.state == "editing"
    assert children.asked()[1] == ask.SetValue("fork", 1, "incoming:0", "grad * 0.1")
    fork.session.apply([happened.ValueSet(2, 1, "incoming:0", "grad * 0.1")])
    assert fork.state == "running"
    goal = children.asked()[2]
    assert isinstance(goal, ask.RunTo) and goal.backward == 4
    fork.session.apply([happened.RunResumed(), *backward(3, 1.2), *backward(4, 1.1), *stop(4, 0)])
    assert children.asked()[3] == ask.Step("end")
    fork.session.apply([*flows(4, 0, 3), *stop(4, 3, "end of backward")])
    assert fork.state == "there" and fork.progress == 1.0 and children.closed == []


def test_a_fork_that_comes_elsewhere_is_parted(tmp_path: Path, children: Children) -> None:
    session = origin(tmp_path, 2)
    fork = Fork(session, place_of(session), None, children.attach)
    fork.start(0)
    repeated(fork.session, position=0)
    assert fork.state == "parted" and "does not come to this place" in fork.message


def test_a_loss_that_is_another_on_the_way_parts_the_fork_there(tmp_path: Path, children: Children) -> None:
    session = origin(tmp_path)
    fork = Fork(session, place_of(session), Edit(-1, "lr", "0"), children.attach)
    fork.start(2)
    fork.session.apply([STARTED, GRAPH, *backward(0, 3.0), *backward(1, 2.0000001)])
    assert fork.state == "parted" and fork.parted == 1 and "does not repeat" in fork.message
    assert not [r for r in children.asked() if isinstance(r, ask.SetValue)]


def test_another_graph_at_the_place_parts_the_fork(tmp_path: Path, children: Children) -> None:
    session = origin(tmp_path)
    fork = Fork(session, place_of(session), None, children.attach)
    fork.start(2)
    other = GraphDefined("h", GRAPH.nodes, GRAPH.edges, (), GRAPH.order)
    events = [STARTED, other, *backward(0, 3.0, "h"), *backward(1, 2.0, "h"), *backward(2, 1.5, "h")]
    fork.session.apply([*events, *flows(2, 0, 1), *stop(2, 1)])
    assert (fork.state, fork.parted) == ("parted", 2)


def test_a_changed_file_is_named_as_the_reason(tmp_path: Path, children: Children) -> None:
    session = origin(tmp_path)
    fork = Fork(session, place_of(session), None, children.attach)
    fork.start(2)
    changed = happened.RunStarted("a.py", (), "another source", 0.0)
    fork.session.apply([changed, GRAPH, *backward(0, 7.0)])
    assert fork.state == "parted" and "file has changed" in fork.message


def test_a_child_that_dies_fails_its_fork(tmp_path: Path, children: Children) -> None:
    session = origin(tmp_path)
    fork = Fork(session, place_of(session), None, children.attach)
    fork.start(2)
    fork.session.child_gone("The script's process was ended by SIGKILL.")
    assert fork.state == "failed" and "SIGKILL" in fork.message


def test_a_script_that_ends_before_the_place_fails_its_fork(tmp_path: Path, children: Children) -> None:
    session = origin(tmp_path)
    fork = Fork(session, place_of(session), None, children.attach)
    fork.start(2)
    fork.session.apply([STARTED, GRAPH, *backward(0, 3.0), happened.RunEnded(0)])
    assert fork.state == "failed" and "ended before the place" in fork.message


def test_both_futures_start_and_the_run_is_left_alone(tmp_path: Path, children: Children) -> None:
    session = origin(tmp_path)
    what_if = WhatIf(session, children.attach)
    with pytest.raises(ForkError, match="Write what the value is to be"):
        what_if.start(Edit(-1, "lr", ""))
    what_if.start(Edit(-1, "lr", "lr / 2"), 0)
    assert what_if.is_busy and what_if.state == "repeating"
    for fork, norm in ((what_if.plain, 1.0), (what_if.edited, 3.0)):
        repeated(fork.session)
        if fork.edit is not None:
            fork.session.apply([happened.ValueSet(2, -1, "lr", "0.1")])
        fork.session.apply([*flows(2, 1, 3, norm), *stop(2, 3, "end of backward")])
    assert what_if.state == "there" and what_if.can_go_on
    found = what_if.comparison.difference
    assert [(c.name, c.size) for c in found.nodes] == [("TanhBackward0", 2.0), ("w", 2.0)]
    assert session.state == "paused" and (session.timeline.backward, session.timeline.position) == (2, 1)
    what_if.close()
    assert sorted(children.closed) == [0, 1] and what_if.comparison is None


def test_when_one_future_parts_the_other_is_ended(tmp_path: Path, children: Children) -> None:
    session = origin(tmp_path)
    what_if = WhatIf(session, children.attach)
    what_if.start(Edit(-1, "lr", "0"), 3)
    what_if.plain.session.apply([STARTED, GRAPH, *backward(0, 9.0)])
    assert what_if.state == "parted" and not what_if.is_busy and children.closed == [1]


def test_losses_part_at_the_first_that_differs() -> None:
    one, other = Session(), Session()
    one.apply([GRAPH, *backward(0, math.nan), *backward(1, 2.0), *backward(2, 1.0)])
    other.apply([GRAPH, *backward(0, math.nan), *backward(1, 2.0), *backward(2, 1.5), *backward(3, 1.0)])
    comparison = Comparison(one, other)
    assert comparison.parting.backward == 2 and comparison.parting.edited == 1.5
    assert comparison.common.backward == 2
    assert comparison.difference is None
    assert same(math.nan, math.nan) and not same(None, 1.0) and same(None, None)


def test_an_earlier_edit_by_hand_is_made_again_in_both_futures(tmp_path: Path, children: Children) -> None:
    session = origin(tmp_path)
    session.set_value("tensor", 1, "incoming:0", "grad * 2")
    session.apply([happened.ValueSet(2, 1, "incoming:0", "grad * 2")])
    fork = Fork(session, place_of(session), Edit(1, "incoming:0", "grad * 3"), children.attach)
    fork.start(2)
    repeated(fork.session)
    again = ask.SetValue("tensor", 1, "incoming:0", "grad * 2")
    assert children.asked()[1:] == [again, ask.SetValue("fork", 1, "incoming:0", "grad * 3")]
    fork.session.apply([happened.ValueSet(2, 1, "incoming:0", "grad * 2")])
    assert fork.state == "editing"
    fork.session.apply([happened.ValueSet(2, 1, "incoming:0", "grad * 3")])
    assert fork.state == "running"
