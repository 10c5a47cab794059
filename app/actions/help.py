"""Help."""

from __future__ import annotations

from .action import Action

ACTIONS = (
    Action("help.keys", "Keys", "Help", lambda w: w.show_keys(), "F1", "All keys on one page."),
    Action("help.about", "About Gradwalk", "Help", lambda w: w.show_about(), text="Version and licences."),
)
