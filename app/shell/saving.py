"""A run that was seen, written as a recording: the same events, in order. No Qt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from app.session.session import Session
from engine.protocol import event as happened
from engine.protocol.framing import RunWriter

_CHUNK = 256


def events_of(session: Session) -> Iterator[happened.Event]:
    """All that is known of the run, as events in the order in which they came."""
    if session.started is not None:
        yield session.started
    ops = {op.name: op for op in session.catalogue.values()}
    if ops:
        yield happened.CatalogueSent(tuple(ops.values()))
    past = session.past or session.history
    defined: set[str] = set()
    scalars = sorted(
        (
            (int(step), name, float(value), curve.line)
            for name, curve in session.curves.items()
            for step, value in zip(curve.steps, curve.values, strict=True)
        ),
        key=lambda item: item[0],
    )
    told = 0
    text = session.console.text()
    if text:
        yield happened.TextPrinted("stdout", text)
    for entry in session.timeline.backwards:
        definition = past.definition(entry.graph)
        if definition is None:
            continue
        if entry.graph not in defined:
            defined.add(entry.graph)
            yield definition
        yield happened.BackwardStarted(
            entry.number, entry.graph, entry.root, entry.variable, entry.value, entry.line, entry.file
        )
        yield from past.details(entry.number)
        if entry.ended:
            yield happened.BackwardEnded(entry.number, entry.duration_ns, entry.saved_bytes)
        while told < len(scalars) and scalars[told][0] <= entry.number:
            step, name, value, line = scalars[told]
            yield happened.ScalarLogged(name, step, value, line)
            told += 1
    for step, name, value, line in scalars[told:]:
        yield happened.ScalarLogged(name, step, value, line)
    if session.failure is not None and session.failure.type:
        failure = session.failure
        yield happened.RunFailed(failure.type, failure.message, failure.traceback, failure.file, failure.line)
    if session.ended is not None:
        yield session.ended


def write_run(path: Path, events: list[happened.Event]) -> int:
    """Write the events as a recording; how many. Raises: OSError."""
    writer = RunWriter(path)
    try:
        for start in range(0, len(events), _CHUNK):
            writer.write(events[start : start + _CHUNK])
    finally:
        writer.close()
    return len(events)
