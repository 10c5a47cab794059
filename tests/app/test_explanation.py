"""Answers as pages, questions asked once at each stop, errands, and files of a reproduction."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from app.canvases.badge import BADGES
from app.session.errand import Errand
from app.session.explanation import page_of, story_order
from app.session.finding import KINDS
from app.session.inquiry import Inquiry
from app.session.refusal import Refusal
from app.session.reproduction import plain_names, taken_names, write_files
from app.session.session import Session
from engine.protocol import event as happened
from engine.protocol import request as ask
from tests.protocol.samples import run, walked

PAUSED = happened.RunPaused("step", "backward", 0, 0, 0)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A session whose run has been started; `sent` holds what was asked of the child."""
    script = tmp_path / "a.py"
    script.write_text("print(1)\n")
    made = Session()
    made.sent = []  # type: ignore[attr-defined]
    made.send = made.sent.append  # type: ignore[attr-defined]
    made.open_script(script)
    made.run()
    return made


@pytest.fixture
def standing(session: Session) -> Session:
    """The same, standing before node 0 of the first backward."""
    session.apply([*run()[0], *walked(0, 2.0)[:3], PAUSED])
    assert session.state == "paused"
    return session


def explains(session: Session) -> list[ask.Explain]:
    return [r for r in session.sent if isinstance(r, ask.Explain)]  # type: ignore[attr-defined]


def digest(norm: float, nans: int = 0) -> happened.Digest:
    return happened.Digest((3,), "float32", norm, nans=nans)


def cause(*parents: int) -> happened.CausePart:
    return happened.CausePart("passed on", "forward", "mul", "", parents=parents)


# -- pages --------------------------------------------------------------------------------------------------


def test_a_share_gets_a_bar_and_a_factor_does_not():
    page = page_of(
        happened.GradientExplained(
            "t",
            1,
            "w",
            "small",
            "It is small.",
            (
                happened.ReasonPart("dead units", "dead", value=0.93),
                happened.ReasonPart("shrunk", "divided", value=0.5),
                happened.ReasonPart("detach", "cut", "a.py", 12),
                happened.ReasonPart("masked", "left out", value=0.5),
            ),
        )
    )
    assert page is not None and (page.verdict, page.tone) == ("small", "warn")
    assert [(r.share, r.value, r.unit) for r in page.rows] == [
        (0.93, 0.93, "share"),
        (None, 0.5, "factor"),
        (None, None, ""),
        (0.5, 0.5, "share"),
    ]
    assert (page.rows[2].file, page.rows[2].line) == ("a.py", 12)


def test_bars_of_contributions_are_measured_by_the_longest():
    parts = (
        happened.ContributionPart(3, 0, 0, 1, digest(2.0), digest(2.0)),
        happened.ContributionPart(4, 0, 0, 2, digest(1.0), digest(2.5)),
    )
    page = page_of(happened.AccumulationTold("t", 5, "w", "Two meet.", parts))
    assert page is not None and page.verdict == "2 gradients"
    assert [r.share for r in page.rows] == [0.8, 0.4]
    assert [r.total_share for r in page.rows] == [0.8, 1.0]
    assert [r.group for r in page.rows] == ["", ""] and page.notes == ()


def test_contributions_of_several_backwards_are_grouped_and_explained():
    parts = (
        happened.ContributionPart(3, 0, 0, 1, digest(2.0), digest(2.0)),
        happened.ContributionPart(3, 0, 1, 1, digest(2.0), digest(4.0)),
    )
    page = page_of(happened.AccumulationTold("t", 5, "w", "Two meet.", parts))
    assert page is not None
    assert [r.group for r in page.rows] == ["backward of iteration 1", "backward of iteration 2"]
    assert any("zero_grad()" in note for note in page.notes)


@pytest.mark.parametrize(("total", "cancels"), [(0.3, True), (1.9, False)])
def test_contributions_that_cancel_are_said_to(total, cancels):
    parts = (
        happened.ContributionPart(3, 0, 0, 1, digest(1.0), digest(1.0)),
        happened.ContributionPart(4, 0, 0, 2, digest(1.0), digest(total)),
    )
    page = page_of(happened.AccumulationTold("t", 5, "w", "", parts))
    assert page is not None and any("cancel" in note for note in page.notes) is cancels


def test_a_contribution_that_is_infinite_does_not_break_the_bars():
    parts = (
        happened.ContributionPart(3, 0, 0, 1, digest(math.inf), digest(math.inf)),
        happened.ContributionPart(4, 0, 0, 2, None, digest(1.0)),
    )
    page = page_of(happened.AccumulationTold("t", 5, "w", "", parts))
    assert page is not None
    assert [r.share for r in page.rows] == [0.0, None] and page.rows[1].total_share == 1.0


@pytest.mark.parametrize(
    ("whats", "verdict", "tone"),
    [
        (["made", "saved"], "never changed", "good"),
        (["made", "changed"], "changed once", "warn"),
        (["made", "changed", "changed", "changed"], "changed 3 times", "warn"),
        (["made", "saved", "changed", "refused"], "changed too late", "bad"),
    ],
)
def test_the_verdict_on_a_life_counts_its_changes(whats, verdict, tone):
    parts = tuple(happened.VersionPart(0, what, "op") for what in whats)
    page = page_of(happened.VersionsTold("t", 1, "x", "", parts, ("y",)))
    assert page is not None and (page.verdict, page.tone) == (verdict, tone)
    assert page.notes == ("Shares its memory with y.",)


def test_a_gradient_that_differs_is_bad_and_a_kink_is_a_warning():
    checks = (
        happened.TrustPart("a", "finite difference", "differs", 0.3, 0.0, 4, "", "error:a"),
        happened.TrustPart("b", "finite difference", "not differentiable"),
        happened.TrustPart("b", "float32 against float64", "agrees", 1e-8, 1.0, 4),
    )
    page = page_of(happened.TrustChecked("t", 2, "differs", "", checks))
    assert page is not None and page.tone == "bad"
    assert [(r.group, r.tone, r.what) for r in page.rows] == [
        ("a", "bad", "error:a"),
        ("b", "warn", ""),
        ("b", "good", ""),
    ]


def test_a_lone_way_goes_straight_down_and_a_fork_goes_deeper():
    #  0 → 1 → 2 → 3 and 4; 3 → 5
    story = (cause(), cause(0), cause(1), cause(2), cause(2), cause(3))
    assert story_order(story) == [(0, 0), (1, 1), (2, 1), (3, 2), (5, 3), (4, 2)]


def test_a_story_that_bites_its_tail_is_still_told_once_each():
    story = (cause(1), cause(0), cause())
    assert sorted(place for place, _ in story_order(story)) == [0, 1, 2]


def test_a_chain_of_a_thousand_values_is_two_steps_deep():
    story = (cause(), *(cause(k) for k in range(999)))
    order = story_order(story)
    assert len(order) == 1000 and max(depth for _, depth in order) == 1


# -- asking -------------------------------------------------------------------------------------------------


def test_a_question_is_asked_once_at_each_stop(standing: Session):
    now = [0.0]
    inquiry = Inquiry(standing, lambda: now[0])
    standing.select_node(1)
    inquiry.follow(True)
    for _ in range(3):
        inquiry.look()
    assert [(r.topic, r.node) for r in explains(standing)] == [("gradient", 1)]
    assert inquiry.status == "asking"
    standing.apply([happened.GradientExplained(explains(standing)[0].tag, 1, "w", "none", "Because.")])
    inquiry.look()
    assert inquiry.status == "told" and inquiry.page is not None and inquiry.page.sentence == "Because."
    now[0] = 10.0
    standing.apply([happened.RunPaused("step", "backward", 0, 1, 1)])
    inquiry.look()
    assert len(explains(standing)) == 2


def test_walking_on_quickly_asks_only_where_one_rests(standing: Session):
    now = [0.0]
    inquiry = Inquiry(standing, lambda: now[0])
    standing.select_node(1)
    inquiry.follow(True)
    for position in range(5):
        standing.apply([happened.RunPaused("step", "backward", 0, 1, position)])
        for request in explains(standing):
            standing.apply([happened.GradientExplained(request.tag, 1, "w", "none", "Because.")])
        inquiry.look()
        now[0] += 0.02
    assert len(explains(standing)) == 1 and inquiry.waits
    now[0] += 0.2
    inquiry.look()
    assert len(explains(standing)) == 2 and not inquiry.waits
    inquiry.turn_to("versions")
    inquiry.look()
    assert explains(standing)[-1].topic == "versions"


def test_a_refusal_is_kept_and_not_asked_again_here(standing: Session):
    inquiry = Inquiry(standing)
    inquiry.follow(False)
    inquiry.look()
    standing.apply([happened.RequestFailed(explains(standing)[0].tag, "There is nothing to tell.")])
    inquiry.look()
    inquiry.look()
    assert (inquiry.status, inquiry.error) == ("refused", "There is nothing to tell.")
    assert len(explains(standing)) == 1


def test_the_answer_to_an_older_question_is_not_shown(standing: Session):
    inquiry = Inquiry(standing)
    standing.select_node(0)
    inquiry.follow(True)
    inquiry.look()
    old = explains(standing)[0].tag
    standing.select_node(1)
    inquiry.follow(True)
    inquiry.look()
    standing.apply([happened.GradientExplained(old, 0, "a", "zero", "Old.")])
    inquiry.look()
    assert inquiry.page is None and inquiry.status == "asking"
    standing.apply([happened.RequestFailed(explains(standing)[-1].tag, "No.")])
    inquiry.look()
    inquiry.demand()
    inquiry.look()
    assert old not in standing.explained, "an answer that came too late is not kept"


def test_a_check_waits_until_it_is_demanded(standing: Session):
    inquiry = Inquiry(standing)
    inquiry.follow(False)
    inquiry.turn_to("trust")
    inquiry.look()
    assert inquiry.status == "unasked" and explains(standing) == []
    inquiry.demand()
    inquiry.look()
    assert [r.topic for r in explains(standing)] == ["trust"]


def test_an_answer_stays_while_the_run_goes_on_and_says_from_where(standing: Session):
    inquiry = Inquiry(standing)
    inquiry.follow(False)
    inquiry.look()
    standing.apply([happened.GradientExplained(explains(standing)[0].tag, 0, "w", "none", "Because.")])
    inquiry.look()
    standing.run()
    inquiry.look()
    assert inquiry.status == "stale" and inquiry.page is not None
    assert inquiry.page_place.startswith("iteration 1")


def test_a_variable_stays_the_subject_until_another_node_is_selected(standing: Session):
    inquiry = Inquiry(standing)
    inquiry.ask_of("h.grad")
    inquiry.follow(False)
    inquiry.look()
    assert (explains(standing)[-1].what, explains(standing)[-1].node) == ("h.grad", -1)
    standing.select_node(1)
    inquiry.follow(True)
    inquiry.look()
    assert (explains(standing)[-1].what, explains(standing)[-1].node) == ("", 1)


def test_a_leafs_own_name_asks_of_that_leaf(standing: Session):
    leaf = next(n for n in standing.graph.nodes if n.kind == "leaf")
    inquiry = Inquiry(standing)
    inquiry.ask_of(leaf.name)
    assert inquiry.subject.node == leaf.id and inquiry.subject.variable == ""


def test_nothing_is_asked_while_the_run_does_not_stand(session: Session):
    session.apply([*run()[0], *walked(0, 2.0)[:3]])
    inquiry = Inquiry(session)
    session.select_node(1)
    inquiry.follow(True)
    inquiry.look()
    assert inquiry.status == "running" and explains(session) == []
    session.apply([happened.RunEnded(0, 1.0)])
    inquiry.look()
    assert inquiry.status == "elsewhere" and explains(session) == []


# -- findings -----------------------------------------------------------------------------------------------


def test_what_was_found_is_known_per_backward(standing: Session):
    standing.apply([happened.TrustChecked("t", 1, "differs", "")])
    standing.apply(
        [
            happened.GradientExplained(
                "u", 1, "w", "zero", "", (happened.ReasonPart("dead units", "", node=0),)
            )
        ]
    )
    assert standing.findings.at(0) == {1: "differs", 0: "dead"}
    assert standing.findings.at(1) == {}


def test_where_a_path_is_cut_is_marked(standing: Session):
    reasons = (happened.ReasonPart("detach", "cut", node=1), happened.ReasonPart("not used", "", node=0))
    standing.apply([happened.GradientExplained("t", -1, "w", "none", "", reasons)])
    assert standing.findings.at(0) == {1: "cut"}


def test_every_kind_of_finding_has_a_badge():
    assert set(KINDS) <= set(BADGES)


def test_the_first_loss_that_is_no_number_is_remembered(session: Session):
    session.apply(run()[0])
    definition = next(e for e in run()[0] if isinstance(e, happened.GraphDefined))
    for k, value in enumerate((1.0, math.nan, math.inf)):
        session.apply([happened.BackwardStarted(k, definition.hash, 0, "loss", value)])
    assert session.findings.first_bad_loss == 1 and math.isnan(session.findings.first_bad_value)


# -- errands ------------------------------------------------------------------------------------------------


def test_an_errand_repeats_the_run_and_then_does_what_was_wanted(session: Session):
    session.apply([*run()[0], *walked(0, 2.0), *walked(1, 1.0), happened.RunEnded(0, 1.0)])
    done = []
    errand = Errand(session)
    assert errand.go(1, lambda: done.append(session.standing))
    assert session.sent[-1] == ask.RunTo(backward=1, phase="backward")  # type: ignore[attr-defined]
    errand.look()
    assert done == [] and errand.is_under_way
    session.apply(
        [*run()[0], *walked(0, 2.0), *walked(1, 1.0)[:1], happened.RunPaused("step", "backward", 1)]
    )
    errand.look()
    assert len(done) == 1 and not errand.is_under_way


def test_a_hunt_for_nan_starts_one_iteration_before_and_stops_at_the_producer(session: Session):
    session.apply([*run()[0], *walked(0, 2.0), *walked(1, math.nan), happened.RunEnded(0, 1.0)])
    done = []
    errand = Errand(session)
    assert errand.hunt_nan(1, lambda: done.append(1))
    assert session.sent[-1] == ask.RunTo(backward=0, phase="forward")  # type: ignore[attr-defined]
    session.apply([*run()[0], happened.RunPaused("step", "forward", 0)])
    errand.look()
    wire = ("nan", "", "", 0)
    assert ask.SetBreakpoints((wire,)) in session.sent  # type: ignore[attr-defined]
    assert session.sent[-1] == ask.Run()  # type: ignore[attr-defined]
    session.apply([happened.RunPaused("nan", "forward", 1)])
    errand.look()
    assert done == [1]
    points = [r for r in session.sent if isinstance(r, ask.SetBreakpoints)]  # type: ignore[attr-defined]
    assert points[-1] == ask.SetBreakpoints(())
    assert session.breakpoints == []


def test_a_hunt_in_the_first_iteration_watches_from_the_start(session: Session):
    session.apply([*run()[0], *walked(0, math.nan), happened.RunEnded(0, 1.0)])
    errand = Errand(session)
    session.sent.clear()  # type: ignore[attr-defined]
    assert errand.hunt_nan(0, lambda: None)
    assert session.sent[-2:] == [  # type: ignore[attr-defined]
        ask.SetBreakpoints((("nan", "", "", 0),)),
        ask.Run(),
    ]
    assert session.breakpoints == []


def test_a_pause_ends_an_errand(session: Session):
    session.apply([*run()[0], *walked(0, math.nan), happened.RunEnded(0, 1.0)])
    errand = Errand(session)
    errand.hunt_nan(0, lambda: None)
    session.apply([*run()[0], happened.RunPaused("pause", "forward", 0)])
    errand.look()
    assert session.state == "paused" and not errand.is_under_way
    assert session.sent[-1] == ask.SetBreakpoints(())  # type: ignore[attr-defined]


def test_a_hunt_passes_other_breakpoints(session: Session):
    session.apply([*run()[0], *walked(0, math.nan), happened.RunEnded(0, 1.0)])
    errand = Errand(session)
    errand.hunt_nan(0, lambda: None)
    session.apply([*run()[0], happened.RunPaused("breakpoint", "forward", 0)])
    errand.look()
    assert errand.is_under_way and session.sent[-1] == ask.Run()  # type: ignore[attr-defined]


def test_a_hunt_that_finds_nothing_says_so(session: Session):
    session.apply([*run()[0], *walked(0, math.nan), happened.RunEnded(0, 1.0)])
    errand = Errand(session)
    errand.hunt_nan(0, lambda: None)
    session.apply([*run()[0], happened.RunEnded(0, 1.0)])
    errand.look()
    assert not errand.is_under_way and errand.message


def test_the_tensor_that_was_refused_is_found_by_asking_around(standing: Session):
    graph = standing.graph
    saver = next(n for n in graph.nodes if n.kind == "op")
    refusal = Refusal(standing, f"changed. {saver.name} saved it at /a b/x.py:{saver.line}. It was")
    asked = [r.node for r in explains(standing)]
    assert asked and {r.topic for r in explains(standing)} == {"versions"}
    last = asked[-1]
    for request in explains(standing):
        what = "refused" if request.node == last else "saved"
        part = happened.VersionPart(0, what, "mul")
        standing.apply([happened.VersionsTold(request.tag, request.node, "z", "", (part,))])
        refusal.look()
    assert refusal.found == last and refusal.is_over


# -- files --------------------------------------------------------------------------------------------------


def test_files_are_written_and_never_over_what_is_there(tmp_path: Path):
    files = {"reproduction.py": b"import torch\n", "inputs.npz": b"PK"}
    assert [p.name for p in write_files(tmp_path, files)] == ["inputs.npz", "reproduction.py"]
    (tmp_path / "inputs.npz").write_bytes(b"mine")
    assert taken_names(tmp_path, files) == ["inputs.npz", "reproduction.py"]
    with pytest.raises(FileExistsError):
        write_files(tmp_path, files)
    assert (tmp_path / "inputs.npz").read_bytes() == b"mine"
    write_files(tmp_path, files, replace=True)
    assert (tmp_path / "inputs.npz").read_bytes() == b"PK"


def test_no_file_is_written_outside_the_folder(tmp_path: Path):
    files = {"../../evil.py": b"", "/etc/x": b"", "..": b"", "a\\b.py": b"", "sub/ok.py": b""}
    assert sorted(plain_names(files)) == ["b.py", "evil.py", "ok.py", "x"]


def test_a_gradient_that_is_still_to_come_is_no_warning():
    reasons = (happened.ReasonPart("not yet", "Step on."),)
    page = page_of(happened.GradientExplained("t", 1, "w", "none", "No gradient yet.", reasons))
    assert page is not None and (page.verdict, page.tone) == ("not yet", "quiet")
    assert [row.tone for row in page.rows] == ["quiet"]


def test_only_gradients_that_have_come_are_counted():
    parts = (
        happened.ContributionPart(3, 0, 0, 1, digest(1.0), digest(1.0)),
        happened.ContributionPart(4, 0, 0, 2, None, None, "has not run yet"),
    )
    page = page_of(happened.AccumulationTold("t", 5, "w", "", parts))
    assert page is not None and page.verdict == "one gradient" and len(page.rows) == 2


def test_what_becomes_of_grad_is_no_gradient_of_its_own():
    parts = (
        happened.ContributionPart(3, 0, 0, 1, digest(2.0), digest(2.0), "From MulBackward0."),
        happened.ContributionPart(5, 0, 0, 2, digest(2.0), digest(4.0), "Added to w.grad."),
    )
    page = page_of(happened.AccumulationTold("t", 5, "w", "", parts))
    assert page is not None and page.verdict == "one gradient" and page.tone == "quiet"
    assert [(r.title, r.share, r.total_share) for r in page.rows] == [("1.", 0.5, 0.5), ("=", None, 1.0)]
