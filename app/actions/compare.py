"""What if, and what changed."""

from __future__ import annotations

from app.session.session import Session

from .action import Action


def _can_fork(session: Session) -> bool:
    stands = session.state == "paused" or (session.state != "running" and len(session.timeline) > 0)
    return stands and not session.is_recording


def _stands(session: Session) -> bool:
    return session.state != "running" and bool(session.graph.nodes)


ACTIONS = (
    Action(
        "compare.fork",
        "Fork here…",
        "Compare",
        lambda w: w.futures.fork_here(),
        "Shift+E",
        "Repeat the run up to here with one edit, and see both futures side by side.",
        "fork",
        _can_fork,
        True,
    ),
    Action(
        "compare.go_on",
        "Run both futures on",
        "Compare",
        lambda w: w.futures.go_on(),
        text="Run the fork and the run without the edit on for as many iterations again.",
        enabled=lambda s: s.state != "empty",
    ),
    Action(
        "compare.cancel",
        "End the fork",
        "Compare",
        lambda w: w.futures.cancel(),
        text="End both futures; what they have shown stays.",
        enabled=lambda s: s.state != "empty",
    ),
    Action(
        "compare.changed",
        "What changed?",
        "Compare",
        lambda w: w.futures.show_changes(),
        "D",
        "What is different from the stop before, or from the pinned moment.",
        enabled=_stands,
        canvas_only=True,
        separator=True,
    ),
    Action(
        "compare.pin",
        "Pin this moment",
        "Compare",
        lambda w: w.futures.pin(),
        "Shift+D",
        "Compare every later stop with this one.",
        enabled=_stands,
        canvas_only=True,
    ),
    Action(
        "compare.unpin",
        "Compare with the stop before",
        "Compare",
        lambda w: w.futures.unpin(),
        text="Let the pinned moment go.",
        enabled=lambda s: s.state != "empty",
    ),
)
