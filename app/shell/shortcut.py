"""Actions as Qt actions: menus and keys."""

from __future__ import annotations

from PySide6.QtCore import QTimer
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
from app.actions.catalogue import ACTIONS, BY_ID, MENUS, menu
from app.look.icon import icon

_RUNNING_MS = 150
"""A step is over sooner than this: while it runs nothing is greyed, and the next key is not lost."""
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
        self._late = QTimer(window)
        self._late.setSingleShot(True)
        self._late.setInterval(_RUNNING_MS)
        self._late.timeout.connect(lambda: self.refresh(late=True))
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

    def press(self, name: str) -> None:
        """Do it from a button: where the cursor stands does not matter then."""
        record = BY_ID[name]
        if record.enabled(self._target.session):
            record.run(self._target)

    def can_press(self, name: str) -> bool:
        """Whether a button for it is to be enabled: a letter key may rest while text is written, its button
        not."""
        record = BY_ID[name]
        return self.actions[name].isEnabled() or (
            record.canvas_only and record.enabled(self._target.session)
        )

    def refresh(self, late: bool = False) -> None:
        """Enable what can be done now; what a run that has just begun forbids is disabled a little later.

        Keys of letters and arrows rest while text is being written; a key that the focused widget needs
        itself is left to it."""
        focused = QApplication.focusWidget()
        writing = isinstance(focused, (QLineEdit, QAbstractSpinBox))
        own = _own_keys(focused)
        patient = self._target.session.state == "running" and not late
        if not patient:
            self._late.stop()
        for record in ACTIONS:
            yes = record.enabled(self._target.session) and not (writing and record.canvas_only)
            action = self.actions[record.id]
            if not yes and patient and action.isEnabled():
                if not self._late.isActive():
                    self._late.start()
            elif action.isEnabled() != yes:
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
