"""All actions, by id and by menu."""

from __future__ import annotations

from . import compare, file, help, play, view, walk, why
from .action import Action

ACTIONS: tuple[Action, ...] = (
    *file.ACTIONS,
    *walk.ACTIONS,
    *play.ACTIONS,
    *why.ACTIONS,
    *compare.ACTIONS,
    *view.ACTIONS,
    *help.ACTIONS,
)
BY_ID = {action.id: action for action in ACTIONS}
MENUS = ("File", "Run", "Why", "Compare", "View", "Help")


def menu(name: str) -> list[Action]:
    """The actions of one menu, in order."""
    return [action for action in ACTIONS if action.menu == name]
