"""Playing the run by itself."""

from __future__ import annotations

from .action import Action

ACTIONS = (
    Action(
        "play.forward",
        "Play",
        "Run",
        lambda w: w.playback.toggle(1),
        "P",
        "Go on by itself at the chosen speed; the same key rests.",
        "play",
        lambda s: s.can_step or s.state == "running",
        True,
        True,
    ),
    Action(
        "play.backward",
        "Play backwards",
        "Run",
        lambda w: w.playback.toggle(-1),
        "Shift+P",
        "Go back by itself at the chosen speed; the same key rests.",
        "play_back",
        lambda s: (s.can_step and s.state != "ready") or s.state == "running",
        True,
    ),
    Action(
        "play.faster",
        "Play faster",
        "Run",
        lambda w: w.playback.change_speed(1),
        "]",
        "The next higher speed.",
        enabled=lambda s: s.state != "empty",
        canvas_only=True,
    ),
    Action(
        "play.slower",
        "Play slower",
        "Run",
        lambda w: w.playback.change_speed(-1),
        "[",
        "The next lower speed.",
        enabled=lambda s: s.state != "empty",
        canvas_only=True,
    ),
    Action(
        "play.stride",
        "Play by nodes or by iterations",
        "Run",
        lambda w: w.playback.set_stride("iteration" if w.playback.stride == "node" else "node"),
        text="Switch between the two.",
        enabled=lambda s: s.state != "empty",
    ),
)
