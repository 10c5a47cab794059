"""Asking why."""

from __future__ import annotations

from app.session.session import Session

from .action import Action


def _can_ask(session: Session) -> bool:
    return bool(session.graph.nodes) or session.state == "paused"


def _has_node(session: Session) -> bool:
    return (session.selected_node or session.here) is not None


def _can_go_back(session: Session) -> bool:
    return not session.is_recording and session.path is not None and len(session.timeline) > 0


ACTIONS = (
    Action(
        "why.gradient",
        "Why is this gradient so?",
        "Why",
        lambda w: w.asking.ask("gradient"),
        "Y",
        "Tell why the selected node's gradient is None, zero, small or large.",
        enabled=_can_ask,
        canvas_only=True,
    ),
    Action(
        "why.accumulation",
        "What is added up here?",
        "Why",
        lambda w: w.asking.ask("accumulation"),
        text="Each gradient that meets here, in order, and the running sum.",
        enabled=_has_node,
    ),
    Action(
        "why.versions",
        "Show this tensor's life",
        "Why",
        lambda w: w.asking.ask("versions"),
        text="Who made, saved, viewed and changed it, and who shares its memory.",
        enabled=_has_node,
    ),
    Action(
        "why.trust",
        "Check this gradient",
        "Why",
        lambda w: w.asking.ask("trust"),
        "Shift+Y",
        "Hold the selected node's gradients against finite differences and float64.",
        enabled=_has_node,
        canvas_only=True,
    ),
    Action(
        "why.nan",
        "Where did this NaN come from?",
        "Why",
        lambda w: w.asking.ask("nan"),
        text="Tell which value was the first, what passed it on, and where it ended.",
        enabled=_can_ask,
        separator=True,
    ),
    Action(
        "why.find_nan",
        "Find the first NaN",
        "Why",
        lambda w: w.asking.find_nan(),
        text="Run again, stop where a NaN or Inf is made from finite numbers, and ask.",
        enabled=_can_go_back,
    ),
    Action(
        "why.again",
        "Run again to this iteration and ask",
        "Why",
        lambda w: w.asking.go_and_ask(),
        text="Repeat the run to the iteration that is shown, stand there, and ask again.",
        enabled=_can_go_back,
        separator=True,
    ),
)
