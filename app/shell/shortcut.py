"""Actions as Qt actions: menus and keys."""

from __future__ import annotations

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMenu,
    QWidget,
)

from app.actions.action import Action, Window
from app.actions.catalogue import ACTIONS, MENUS, menu
from app.look.icon import icon

_ARROWS = frozenset(("Left", "Right", "Up", "Down"))
_SPACE = frozenset(("Space",))


def _own_keys(focused: QWidget | None) -> frozenset[str]:
    """The keys that the focused widget needs itself: space presses a button, arrows move in a list."""
    if isinstance(focused, (QAbstractItemView, QAbstractSlider, QComboBox)):
        return _ARROWS
    return _SPACE if isinstance(focused, QAbstractButton) else frozenset()


class Shortcuts:
    """One QAction per record, on the window; enabled as the session allows."""

    def __init__(self, window: QWidget, target: Window) -> None:
        self._target = target
        self.actions: dict[str, QAction] = {}
        for record in ACTIONS:
            made = QAction(record.title, window)
            made.setObjectName(record.id)
            if record.shortcut:
                made.setShortcuts([QKeySequence(record.shortcut)])
            if record.text:
                made.setToolTip(record.text)
            made.triggered.connect(lambda _=False, r=record: self.trigger(r))
            window.addAction(made)
            self.actions[record.id] = made
        self.refresh()

    def trigger(self, record: Action) -> None:
        """Do it, if it can be done now and no text is being written."""
        if record.canvas_only and isinstance(QApplication.focusWidget(), (QLineEdit, QAbstractSpinBox)):
            return
        if record.enabled(self._target.session):
            record.run(self._target)

    def refresh(self) -> None:
        """Enable what can be done now. Keys of letters and arrows rest while text is being written; a key
        that the focused widget needs itself is left to it."""
        focused = QApplication.focusWidget()
        writing = isinstance(focused, (QLineEdit, QAbstractSpinBox))
        own = _own_keys(focused)
        for record in ACTIONS:
            yes = record.enabled(self._target.session) and not (writing and record.canvas_only)
            action = self.actions[record.id]
            if action.isEnabled() != yes:
                action.setEnabled(yes)
            if record.shortcut in _ARROWS | _SPACE:
                wanted = [] if record.shortcut in own else [QKeySequence(record.shortcut)]
                if action.shortcuts() != wanted:
                    action.setShortcuts(wanted)

    def retheme(self) -> None:
        """Icons in the colours of the theme."""
        for record in ACTIONS:
            if record.icon:
                self.actions[record.id].setIcon(icon(record.icon, "quiet"))
                self.actions[record.id].setIconVisibleInMenu(False)

    def menu(self, name: str, parent: QWidget) -> QMenu:
        """One menu of the records."""
        made = QMenu(name, parent)
        for record in menu(name):
            if record.separator and not made.isEmpty():
                made.addSeparator()
            made.addAction(self.actions[record.id])
        return made

    def all_menus(self, parent: QWidget) -> list[QMenu]:
        """File, Run, View, Help."""
        return [self.menu(name, parent) for name in MENUS]
