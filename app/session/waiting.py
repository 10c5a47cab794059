"""What one waits for while nothing arrives, in words."""

from __future__ import annotations

from engine.protocol.event import ScriptBusy

SILENT_S = 2.5
"""A child at work tells something every second; after so long without a word it cannot."""


def waiting_for(state: str, busy: ScriptBusy | None, silent_s: float, owes_s: float) -> str:
    """A sentence on what is being waited for, '' where nothing is.

    state: that of the session, or 'starting'; busy: what the child told of the script's line; silent_s: how
    long nothing has come; owes_s: how long an answer has been owed."""
    if state == "starting" and silent_s >= SILENT_S:
        return "waiting for the engine to start"
    if state == "running" and silent_s >= SILENT_S:
        where = f" in line {busy.line}" if busy is not None and busy.line else ""
        return (
            f"nothing heard from the script for {silent_s:.0f} s: a call{where} holds the interpreter, or "
            "the process hangs; Stop ends it"
        )
    if state == "running" and busy is not None:
        if not busy.line:
            return "waiting for the script"
        return f"waiting for the script: line {busy.line}, for {busy.busy_s:.0f} s"
    if state == "paused" and owes_s >= SILENT_S:
        return f"the script's process has not answered for {owes_s:.0f} s; Stop ends it"
    return ""
