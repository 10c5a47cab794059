"""The theme in force: tokens from resources/themes as colours, and who is told when it changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
CHOICES = ("system", "light", "dark")


class Theme:
    """Tokens by name: `theme.hex("accent")` for style sheets, `theme["accent"]` for painting."""

    def __init__(self, name: str, tokens: dict[str, str]) -> None:
        self.name = name
        self._tokens = tokens
        self._colours = {key: QColor(value) for key, value in tokens.items()}

    def __getitem__(self, token: str) -> QColor:
        return self._colours[token]

    def hex(self, token: str) -> str:
        """The token as '#rrggbb'."""
        return self._tokens[token]

    def with_alpha(self, token: str, alpha: float) -> QColor:
        """The token's colour at an opacity from 0 to 1."""
        colour = QColor(self._colours[token])
        colour.setAlphaF(alpha)
        return colour

    @property
    def tokens(self) -> dict[str, str]:
        """All tokens as '#rrggbb'."""
        return dict(self._tokens)

    @property
    def is_dark(self) -> bool:
        """True when text is lighter than its ground."""
        return self._colours["text"].lightness() > self._colours["panel"].lightness()

    def palette(self) -> QPalette:
        """Qt's palette for everything that the style sheet does not name."""
        palette = QPalette()
        role = QPalette.ColorRole
        for key, token in (
            (role.Window, "panel"),
            (role.WindowText, "text"),
            (role.Base, "panel"),
            (role.AlternateBase, "bg"),
            (role.Text, "text"),
            (role.Button, "panel"),
            (role.ButtonText, "text"),
            (role.BrightText, "text"),
            (role.ToolTipBase, "panel"),
            (role.ToolTipText, "text"),
            (role.Highlight, "accent"),
            (role.HighlightedText, "on_accent"),
            (role.Link, "accent"),
            (role.LinkVisited, "accent"),
            (role.PlaceholderText, "quiet"),
            (role.Light, "panel"),
            (role.Midlight, "line"),
            (role.Mid, "line"),
            (role.Dark, "line"),
            (role.Shadow, "line"),
        ):
            palette.setColor(key, self[token])
        for key in (role.Text, role.WindowText, role.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, key, self["faint"])
        return palette


@cache
def load_theme(name: str) -> Theme:
    """The theme 'light' or 'dark' as it stands in resources/themes."""
    tokens = json.loads((RESOURCES / "themes" / f"{name}.json").read_text(encoding="utf-8"))
    tokens.pop("name", None)
    return Theme(name, tokens)


class _InForce:
    """What is chosen, what that gives, and who wants to know."""

    def __init__(self) -> None:
        self.choice = "system"
        self.theme: Theme | None = None
        self.listeners: list[Callable[[], None]] = []


_in_force = _InForce()


def theme() -> Theme:
    """The theme in force; light before an application chose one."""
    if _in_force.theme is None:
        _in_force.theme = load_theme("light")
    return _in_force.theme


def theme_choice() -> str:
    """'system', 'light' or 'dark', as chosen."""
    return _in_force.choice


def on_theme_changed(callback: Callable[[], None]) -> Callable[[], None]:
    """Call `callback` after each change of theme; gives back a function that ends this."""
    _in_force.listeners.append(callback)

    def forget() -> None:
        if callback in _in_force.listeners:
            _in_force.listeners.remove(callback)

    return forget


def system_theme_name() -> str:
    """'light' or 'dark', as the desktop says; light where it says nothing."""
    app = QApplication.instance()
    if isinstance(app, QApplication) and app.styleHints().colorScheme() == Qt.ColorScheme.Dark:
        return "dark"
    return "light"


def set_theme(choice: str) -> None:
    """Put 'light', 'dark' or 'system' in force: palette, style sheet, then the listeners."""
    from .style_sheet import style_sheet

    if choice not in CHOICES:
        choice = "system"
    _in_force.choice = choice
    chosen = load_theme(system_theme_name() if choice == "system" else choice)
    app = QApplication.instance()
    same = chosen is _in_force.theme
    _in_force.theme = chosen
    if isinstance(app, QApplication):
        if same and app.styleSheet():
            return
        app.setPalette(chosen.palette())
        app.setStyleSheet(style_sheet(chosen))
    for callback in tuple(_in_force.listeners):
        callback()
