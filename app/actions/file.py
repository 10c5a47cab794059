"""Opening and saving."""

from __future__ import annotations

from .action import Action

ACTIONS = (
    Action(
        "file.open_script",
        "Open script…",
        "File",
        lambda w: w.ask_open_script(),
        "Ctrl+O",
        "Open a PyTorch script. It is not changed.",
        "open",
    ),
    Action(
        "file.open_recording",
        "Open recorded run…",
        "File",
        lambda w: w.ask_open_recording(),
        "Ctrl+Shift+O",
        "Open a run that was kept, to be walked in both directions.",
        "recording",
    ),
    Action(
        "file.save_recording",
        "Save run…",
        "File",
        lambda w: w.ask_save_recording(),
        "Ctrl+S",
        "Keep what was received of this run in a file.",
        enabled=lambda s: len(s.timeline) > 0,
    ),
    Action(
        "file.export_picture",
        "Export picture…",
        "File",
        lambda w: w.ask_export_picture(),
        "Ctrl+E",
        "Draw the graph as SVG, PNG or PDF.",
        enabled=lambda s: bool(s.graph.nodes),
        separator=True,
    ),
    Action(
        "file.close",
        "Close run",
        "File",
        lambda w: w.close_run(),
        "Ctrl+W",
        "Go back to the first page.",
        enabled=lambda s: s.state != "empty",
        separator=True,
    ),
    Action(
        "file.preferences",
        "Preferences…",
        "File",
        lambda w: w.show_preferences(),
        "Ctrl+,",
        "Motion, sampling, theme.",
    ),
    Action(
        "file.quit",
        "Quit",
        "File",
        lambda w: w.quit(),
        "Ctrl+Q",
        "Close the window and end the run.",
        separator=True,
    ),
)
