"""Playing a run by itself: a clock turned by hand, a run made by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.session.breakpoint import Breakpoint
from app.session.playback import SPEEDS, Playback, stop_at
from app.session.session import Session
from app.session.timeline import Backward, Timeline
from engine.protocol import event as happened
from engine.protocol import request as ask
from engine.protocol.event import Digest, EdgePart, GraphDefined, ModulePart, NodePart

GRAPH = GraphDefined(
    "g",
    (
        NodePart("op", "MulBackward0", "mul", file="a.py", line=7),
        NodePart("op", "AddmmBackward0", "addmm", module=0, file="a.py", line=5),
        NodePart("leaf", "linear.bias", module=0),
    ),
    (EdgePart(1, 0), EdgePart(2, 1)),
    (ModulePart("linear", "Linear"),),
    (0, 1, 2),
)
ONE = Digest((), "float32", 1.0, 1.0, 1.0, 1.0)


class HandClock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.interval_s = 0.0
        self.goes = False

    def start(self, interval_s: float, tick: Callable[[], object]) -> None:
        self.interval_s, self.tick, self.goes = interval_s, tick, True

    def stop(self) -> None:
        self.goes = False

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            if self.goes:
                self.tick()


def whole_run(count: int = 3) -> list[happened.Event]:
    events: list[happened.Event] = [happened.RunStarted("a.py", (), "", 0.0), GRAPH]
    for k in range(count):
        events += [happened.BackwardStarted(k, "g", 0, "loss", 1.0 / (k + 1))]
        events += [happened.GradFlowed(k, n, n, (ONE,), (ONE,)) for n in range(3)]
        events += [happened.BackwardEnded(k)]
    return [*events, happened.RunEnded(0)]


@pytest.fixture
def over() -> tuple[Session, Playback, HandClock]:
    """A run of three backwards that is over; the playhead at its beginning."""
    session = Session()
    session.apply(whole_run())
    session.show(0, 0)
    clock = HandClock()
    return session, Playback(session, clock), clock


def place(session: Session) -> tuple[int, int]:
    return session.timeline.backward, session.timeline.position


def test_each_tick_is_one_node_on_and_the_end_of_the_run_ends_it(over) -> None:
    session, playback, clock = over
    playback.set_speed(8.0)
    playback.play()
    assert clock.interval_s == pytest.approx(0.125)
    seen = [place(session)]
    for _ in range(11):
        clock.turn()
        seen.append(place(session))
    assert seen == [(k, n) for k in range(3) for n in range(4)]
    assert playback.is_playing
    clock.turn()
    assert not playback.is_playing and not clock.goes and playback.reason == "This is the end of the run."


def test_backwards_it_goes_through_the_same_places_to_the_beginning(over) -> None:
    session, playback, clock = over
    session.show(1, 2)
    playback.play(-1)
    seen = []
    while playback.is_playing:
        clock.turn()
        seen.append(place(session))
    assert seen == [(1, 1), (1, 0), (0, 3), (0, 2), (0, 1), (0, 0), (0, 0)]
    assert playback.reason == "This is the beginning of the run."


def test_by_iterations_it_goes_from_beginning_to_beginning(over) -> None:
    session, playback, clock = over
    playback.set_stride("iteration")
    playback.play()
    clock.turn(2)
    assert place(session) == (2, 0)
    session.show(2, 2)
    playback.play(-1)
    seen = []
    for _ in range(3):
        clock.turn()
        seen.append(place(session))
    assert seen == [(2, 0), (1, 0), (0, 0)]
    with pytest.raises(ValueError):
        playback.set_stride("year")


def test_the_same_key_starts_and_rests_and_the_other_direction_turns_it(over) -> None:
    _, playback, clock = over
    playback.toggle(1)
    assert playback.direction == 1
    playback.toggle(-1)
    assert playback.direction == -1 and clock.goes
    playback.toggle(-1)
    assert playback.direction == 0 and not clock.goes


def test_the_speed_changes_while_it_plays_and_stays_within_bounds(over) -> None:
    _, playback, clock = over
    playback.play()
    playback.set_speed(1000)
    assert playback.speed == 60 and clock.interval_s == pytest.approx(1 / 60)
    playback.change_speed(-1)
    assert playback.speed == 30
    for _ in range(20):
        playback.change_speed(-1)
    assert playback.speed == SPEEDS[0] == 0.5 and clock.interval_s == 2.0


@pytest.mark.parametrize(
    ("point", "there"),
    [
        (Breakpoint("node", "1"), (0, 1)),
        (Breakpoint("node", "linear.bias"), (0, 2)),
        (Breakpoint("op", "addmm"), (0, 1)),
        (Breakpoint("op", "AddmmBackward0"), (0, 1)),
        (Breakpoint("parameter", "linear.bias"), (0, 2)),
        (Breakpoint("module", "linear"), (0, 1)),
        (Breakpoint("module", "Linear"), (0, 1)),
        (Breakpoint("line", "5"), (0, 1)),
        (Breakpoint("line", "/there/a.py:5"), (0, 1)),
        (Breakpoint("iteration", "2"), (2, 0)),
    ],
)
def test_it_rests_at_a_breakpoint_of_a_run_that_is_over(over, point, there) -> None:
    session, playback, clock = over
    session.set_breakpoints([point])
    playback.play()
    clock.turn(12)
    assert place(session) == there and not playback.is_playing
    assert playback.reason == f"Breakpoint: {point.kind} {point.place}"
    session.set_breakpoints([Breakpoint(point.kind, point.place, enabled=False)])
    assert stop_at(session) is None


def test_a_breakpoint_inside_a_module_does_not_hit_twice_in_it(over) -> None:
    session, playback, clock = over
    session.set_breakpoints([Breakpoint("module", "linear")])
    playback.play()
    clock.turn(12)
    playback.play()
    clock.turn(12)
    assert place(session) == (1, 1)


class LiveRun:
    """Stands in for a child that answers when it is told to."""

    def __init__(self, position: int = 0) -> None:
        self.session = Session(self.send)
        self.asked: list[ask.Request] = []
        self.session.apply([GRAPH, happened.BackwardStarted(0, "g", 0, "loss", 1.0)])
        self.stand(0, position)

    def send(self, request: ask.Request) -> None:
        self.asked.append(request)

    def stand(self, backward: int, position: int, why: str = "step", text: str = "") -> None:
        events: list[happened.Event] = []
        if position < 3:
            events = [happened.NodeEntered(backward, position, position, 3)]
        events.append(happened.RunPaused(why, "backward", backward, position, position, "", 0, text))
        self.session.apply(events)

    def flow(self, position: int) -> None:
        self.session.apply([happened.GradFlowed(0, position, position, (ONE,), (ONE,))])


def test_a_live_run_is_asked_for_the_next_step_only_once_it_has_answered() -> None:
    live = LiveRun()
    clock = HandClock()
    playback = Playback(live.session, clock)
    playback.play()
    clock.turn(3)
    assert live.asked == [ask.Step("node")]
    live.flow(0)
    live.stand(0, 1)
    clock.turn(2)
    assert live.asked == [ask.Step("node")] * 2 and playback.is_playing


def test_a_live_run_that_meets_a_breakpoint_or_ends_ends_the_playing() -> None:
    live = LiveRun()
    clock = HandClock()
    playback = Playback(live.session, clock)
    playback.play()
    clock.turn()
    live.flow(0)
    live.stand(0, 1, "breakpoint", "node 1")
    assert not playback.is_playing and playback.reason == "Breakpoint: node 1"
    playback.play()
    clock.turn()
    live.session.apply([happened.RunEnded(0)])
    assert not playback.is_playing and playback.reason == "The run is over."


def test_a_live_run_plays_backwards_until_it_can_go_back_no_farther() -> None:
    live = LiveRun(2)
    clock = HandClock()
    playback = Playback(live.session, clock)
    playback.play(-1)
    for position in (1, 0):
        clock.turn()
        assert live.asked[-1] == ask.Step("back")
        live.session.apply([happened.WalkedBack(0, position, position)])
        live.stand(0, position)
    clock.turn()
    assert not playback.is_playing and playback.reason == "This is the beginning of the run."
    assert len(live.asked) == 2


def test_where_the_run_refuses_to_go_back_the_playing_ends() -> None:
    live = LiveRun(2)
    clock = HandClock()
    playback = Playback(live.session, clock)
    playback.play(-1)
    clock.turn()
    live.session.apply([happened.RequestFailed("step", "This is as far back as one can go.")])
    live.stand(0, 2)
    assert not playback.is_playing and playback.reason == "This is as far back as one can go."


def test_a_run_that_somebody_lets_go_on_is_not_played() -> None:
    live = LiveRun()
    clock = HandClock()
    playback = Playback(live.session, clock)
    playback.play()
    live.session.run()
    clock.turn()
    assert not playback.is_playing and live.asked == [ask.Run()]


def test_there_is_nothing_to_play_where_nothing_is_open() -> None:
    clock = HandClock()
    playback = Playback(Session(), clock)
    playback.play()
    assert not playback.is_playing and not clock.goes and not playback.can_play


def test_the_whole_run_is_one_row_of_moments() -> None:
    timeline = Timeline()
    assert timeline.moments == 0 and timeline.moment_of(0, 0) == 0
    with pytest.raises(IndexError):
        timeline.place_at(0)
    for number, count in enumerate((2, 0, 3)):
        timeline.add(Backward(number, "g", count=count))
    row = [timeline.place_at(n) for n in range(timeline.moments)]
    assert row == [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1), (2, 2), (2, 3)]
    assert [timeline.moment_of(*there) for there in row] == list(range(8))
    assert timeline.place_at(99) == (2, 3) and timeline.place_at(-4) == (0, 0)
    timeline.last.count = 5
    assert timeline.moments == 10
