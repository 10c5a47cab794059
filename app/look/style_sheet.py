"""The Qt style sheet, made from a theme's tokens."""

from __future__ import annotations

from string import Template

from .theme import RESOURCES, Theme


def style_sheet(theme: Theme) -> str:
    """The whole style sheet for this theme."""
    text = (RESOURCES / "themes" / "style.qss").read_text(encoding="utf-8")
    icons = (RESOURCES / "icons").as_posix()
    return Template(text).substitute(theme.tokens, icons=icons, name=theme.name)
