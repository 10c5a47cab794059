"""What an answer to “why” says, as a page of rows ready to be drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from engine.protocol import event as happened
from engine.protocol.event import Digest

TOPICS = ("gradient", "accumulation", "versions", "trust", "nan")
FACTORS = frozenset({"shrunk"})
"""Kinds of reasons whose value is a factor on the norm; that of all others is a share of the elements."""
_GRADIENT = {"none": "warn", "zero": "warn", "small": "warn", "large": "warn", "present": "good"}
_TRUST = {"agrees": "good", "differs": "bad", "not differentiable": "warn", "not checked": "quiet"}
_CAUSES = {"produced": "warn", "passed on": "quiet", "masked": "good", "reached": "bad"}
_VERSIONS = {"made": "quiet", "viewed": "quiet", "saved": "here", "changed": "warn", "refused": "bad"}
_CANCELS = 0.2
"""Contributions are said to cancel where the sum's norm is under this share of the sum of their norms."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an answer. tone: 'good', 'warn', 'bad', 'here' or 'quiet'; share: its bar's length, of 1;
    value and unit ('share', 'factor', 'norm', 'error'): the number beside it; depth: steps to the right."""

    title: str
    text: str = ""
    tone: str = "quiet"
    group: str = ""
    """A heading above this row, where it differs from that of the row before."""
    file: str = ""
    line: int = 0
    node: int = -1
    share: float | None = None
    value: float | None = None
    unit: str = ""
    total: Digest | None = None
    total_share: float | None = None
    digest: Digest | None = None
    ulp: float = 0.0
    checked: int = 0
    advice: str = ""
    what: str = ""
    """The slot of `Fetch` with a picture for this row."""
    version: int = -1
    mark: str = ""
    phase: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: whose, a verdict in a word or two with its tone, one sentence, rows, notes below them."""

    topic: str
    node: int
    name: str
    verdict: str
    tone: str
    sentence: str
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)


def page_of(event: happened.Event) -> Page | None:
    """The page of an answer; None for an event that is none."""
    if isinstance(event, happened.GradientExplained):
        return _gradient(event)
    if isinstance(event, happened.AccumulationTold):
        return _accumulation(event)
    if isinstance(event, happened.VersionsTold):
        return _versions(event)
    if isinstance(event, happened.TrustChecked):
        return _trust(event)
    if isinstance(event, happened.NanTraced):
        return _nan(event)
    return None


def _gradient(event: happened.GradientExplained) -> Page:
    rows = []
    for reason in event.reasons:
        value = reason.value
        is_share = reason.kind not in FACTORS and value is not None and 0 <= value <= 1
        rows.append(
            Row(
                reason.kind,
                reason.text,
                "quiet" if event.verdict == "present" else "warn",
                file=reason.file,
                line=reason.line,
                node=reason.node,
                share=value if is_share else None,
                value=value,
                unit="" if value is None else "share" if is_share else "factor",
                advice=reason.advice,
            )
        )
    verdict, tone = event.verdict, _GRADIENT.get(event.verdict, "quiet")
    if verdict == "none" and any(reason.kind == "not yet" for reason in event.reasons):
        verdict, tone = "not yet", "quiet"
        rows = [replace(row, tone=tone) for row in rows]
    return Page("gradient", event.node, event.name, verdict, tone, event.sentence, tuple(rows))


def _norm(digest: Digest | None) -> float:
    return digest.norm if digest is not None and math.isfinite(digest.norm) else 0.0


def _accumulation(event: happened.AccumulationTold) -> Page:
    parts = event.contributions
    longest = max([_norm(d) for p in parts for d in (p.grad, p.total)], default=0.0)
    calls = len({p.backward for p in parts})
    several = calls > 1
    rows = []
    count = came = 0
    for part in parts:
        # A leaf's last row is what becomes of its .grad: no gradient of its own.
        is_sum = part.source == event.node
        count += not is_sum
        came += not is_sum and part.grad is not None
        rows.append(
            Row(
                "=" if is_sum else f"{count}.",
                part.text,
                group=f"backward of iteration {part.backward + 1}" if several else "",
                node=part.source,
                share=_norm(part.grad) / longest if longest and part.grad and not is_sum else None,
                value=part.grad.norm if part.grad is not None else None,
                unit="norm",
                total=part.total,
                total_share=_norm(part.total) / longest if longest and part.total is not None else None,
                digest=part.grad,
            )
        )
    verdict = "nothing yet" if not came else "one gradient" if came == 1 else f"{came} gradients"
    if several and came:
        verdict = f"{calls} backwards"
    return Page(
        "accumulation", event.node, event.name, verdict, "here" if came > 1 else "quiet", event.sentence,
        tuple(rows), _meeting_notes(event, several),
    )  # fmt: skip


def _meeting_notes(event: happened.AccumulationTold, several: bool) -> tuple[str, ...]:
    notes = []
    last = event.contributions[-1].total if event.contributions else None
    norms = [_norm(p.grad) for p in event.contributions if p.source != event.node]
    together = sum(norms)
    if len(norms) > 1 and last is not None and together and last.norm < _CANCELS * together:
        notes.append("They largely cancel: the sum is much smaller than what went into it.")
    if several:
        notes.append("Each backward adds to .grad; zero_grad() before it would begin anew.")
    return tuple(notes)


def _versions(event: happened.VersionsTold) -> Page:
    rows = tuple(
        Row(
            part.what,
            part.text,
            _VERSIONS.get(part.what, "quiet"),
            file=part.file,
            line=part.line,
            node=part.node,
            version=part.version,
            mark=part.op,
        )
        for part in event.versions
    )
    refused = any(part.what == "refused" for part in event.versions)
    changed = sum(part.what == "changed" for part in event.versions)
    verdict = "changed too late" if refused else f"changed {_times(changed)}" if changed else "never changed"
    tone = "bad" if refused else "warn" if changed else "good"
    notes = ("Shares its memory with " + ", ".join(event.sharing) + ".",) if event.sharing else ()
    return Page("versions", event.node, event.name, verdict, tone, event.sentence, rows, notes)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _trust(event: happened.TrustChecked) -> Page:
    rows = tuple(
        Row(
            check.method,
            "" if check.text and check.text in event.sentence else check.text,
            _TRUST.get(check.verdict, "quiet"),
            group=check.input,
            node=event.node,
            value=check.error,
            unit="error",
            ulp=check.ulp,
            checked=check.checked,
            what=check.what,
            mark=check.verdict,
        )
        for check in event.checks
    )
    tone = _TRUST.get(event.verdict, "quiet")
    return Page("trust", event.node, "", event.verdict, tone, event.sentence, rows)


def _nan(event: happened.NanTraced) -> Page:
    rows = []
    for place, depth in story_order(event.causes):
        cause = event.causes[place]
        rows.append(
            Row(
                cause.name,
                cause.text,
                _CAUSES.get(cause.verdict, "quiet"),
                file=cause.file,
                line=cause.line,
                node=cause.node,
                digest=cause.digest,
                mark=cause.verdict,
                phase=cause.phase,
                depth=depth,
            )
        )
    produced = [c for c in event.causes if c.verdict == "produced"]
    verdict = f"produced in {produced[0].phase}" if produced else "none found"
    node = produced[0].node if produced else -1
    name = produced[0].name if produced else ""
    tone = "warn" if produced else "good"
    return Page("nan", node, name, verdict, tone, event.sentence, tuple(rows), (), dict(event.files))


def story_order(causes: tuple[happened.CausePart, ...]) -> list[tuple[int, int]]:
    """Places of a story in the order of reading, each with its depth.

    A lone child goes on at its parent's depth, so that a long chain stays a straight list; where a value
    goes several ways, each way is one step deeper."""
    children: dict[int, list[int]] = {}
    roots = []
    for place, cause in enumerate(causes):
        parents = [p for p in cause.parents if 0 <= p < len(causes) and p != place]
        if parents:
            children.setdefault(parents[0], []).append(place)
        else:
            roots.append(place)
    order: list[tuple[int, int]] = []
    seen: set[int] = set()
    waiting = [(place, 0, True) for place in reversed(roots)]
    while waiting:
        place, depth, opens = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        order.append((place, depth))
        below = children.get(place, [])
        deeper = depth + 1 if opens or len(below) > 1 else depth
        waiting += [(child, deeper, len(below) > 1) for child in reversed(below)]
    order += [(place, 0) for place in range(len(causes)) if place not in seen]
    return order
