"""The bar at the top: script, where we are, transport, search."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QToolButton, QWidget

from app.look.icon import icon, icon_pixmap
from app.session.session import Session

from .shortcut import Shortcuts
from .status_bar import standing_iteration

HEIGHT_PX = 48
TRANSPORT = ("run.to_start", "run.back", "run.toggle", "run.step", "run.to_end", "run.stop")


def iteration_text(session: Session) -> str:
    """'iteration 41 of 100', or ''. The total is known once the run is over."""
    timeline, standing = session.timeline, session.standing
    if standing is not None and standing.phase != "backward" and timeline.following:
        return f"iteration {standing_iteration(session)}"
    if timeline.backward < 0 or not len(timeline):
        return ""
    last = timeline.last
    total = "" if last is None or (session.is_live and timeline.following) else f" of {last.number + 1}"
    return f"iteration {timeline.backward + 1}{total}"


def place_text(session: Session) -> str:
    """'backward · node 2 of 6', or the phase in which the run stands, or ''."""
    walk, pause = session.walk, session.standing
    if session.state == "running" and session.timeline.following:
        return ""
    if pause is not None and pause.phase != "backward" and session.timeline.following:
        return f"{pause.phase} · {pause.text}" if pause.text else pause.phase
    if walk is None or not walk.count:
        return ""
    if walk.position >= walk.count:
        return "backward · done"
    return f"backward · node {walk.position + 1} of {walk.count}"


class TopBar(QWidget):
    """Looks at the session when told; its buttons are actions."""

    search_asked = Signal()

    def __init__(self, session: Session, shortcuts: Shortcuts) -> None:
        super().__init__()
        self.session = session
        self.setObjectName("TopBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT_PX)
        self.logo = QToolButton()
        self.logo.setObjectName("Quiet")
        self.logo.setFixedSize(32, 32)
        self.logo.setIconSize(QSize(22, 22))
        self.logo.setToolTip("Menu")
        self.logo.setAccessibleName("Menu")
        self.logo.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.name = QLabel("Gradwalk")
        self.name.setObjectName("ScriptName")
        self.iteration, self.place, self.edited = QLabel(), QLabel(), QLabel("edited")
        for pill in (self.iteration, self.place, self.edited):
            pill.setObjectName("Pill")
            pill.setFixedHeight(24)
            pill.hide()
        self.edited.setToolTip("A value was changed by hand: from there on the run is its own.")
        self.left = QWidget()
        left = QHBoxLayout(self.left)
        left.setContentsMargins(12, 0, 0, 0)
        left.setSpacing(12)
        for widget in (self.logo, self.name, self.iteration, self.place, self.edited):
            left.addWidget(widget)
        left.addStretch(1)
        self.middle = QWidget()
        middle = QHBoxLayout(self.middle)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(8)
        self.buttons: dict[str, QToolButton] = {}
        for name in TRANSPORT:
            button = QToolButton()
            button.setObjectName("Transport")
            button.setFixedSize(32, 32)
            button.setIconSize(QSize(16, 16))
            button.setProperty("primary", name == "run.toggle")
            action = shortcuts.actions[name]
            button.clicked.connect(lambda _=False, n=name: shortcuts.press(n))
            keys = action.shortcut().toString()
            button.setToolTip(f"{action.text()}  {keys}" if name != "run.toggle" else "Run  F5")
            button.setAccessibleName(action.text())
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            middle.addWidget(button)
            self.buttons[name] = button
        self.right = QWidget()
        right = QHBoxLayout(self.right)
        right.setContentsMargins(0, 0, 16, 0)
        right.setSpacing(12)
        self.search = QPushButton()
        self.search.setObjectName("SearchField")
        self.search.setAccessibleName("Find nodes, ops, source")
        self.search.setFixedHeight(30)
        self.search.clicked.connect(self.search_asked)
        inner = QHBoxLayout(self.search)
        inner.setContentsMargins(10, 0, 8, 0)
        inner.setSpacing(8)
        self.lens = QLabel()
        words = QLabel("Find nodes, ops, source")
        words.setObjectName("Muted")
        key = QLabel("Ctrl K")
        key.setObjectName("Kbd")
        for widget in (self.lens, words, key):
            widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        inner.addWidget(self.lens)
        inner.addWidget(words, 1)
        inner.addWidget(key, 0, Qt.AlignmentFlag.AlignVCenter)
        key.setFixedHeight(18)
        self.words = words
        self.panels = QToolButton()
        self.panels.setObjectName("PillButton")
        self.panels.setText("Panels ▾")
        self.panels.setToolTip("Which panels are shown")
        self.panels.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        right.addStretch(1)
        right.addWidget(self.search)
        right.addWidget(self.panels)
        for part in (self.left, self.middle, self.right):
            part.setParent(self)
        self._shortcuts = shortcuts
        self._toggle = ""
        self.retheme()

    def set_menus(self, menus: list[QMenu], panels: QMenu) -> None:
        """Hang the menus on the logo, and the panels' one on its button."""
        whole = QMenu(self)
        for menu in menus:
            whole.addMenu(menu)
        self.logo.setMenu(whole)
        self.panels.setMenu(panels)

    def retheme(self) -> None:
        """Icons in the colours of the theme."""
        self.logo.setIcon(icon("logo", "text", 22))
        ratio = self.devicePixelRatioF()
        self.lens.setPixmap(icon_pixmap("search", "quiet", 14, ratio))
        for name, button in self.buttons.items():
            if name != "run.toggle":
                button.setIcon(icon(name.removeprefix("run."), "text"))
        self._toggle = ""
        self.look()

    def look(self, changes: frozenset[str] = frozenset()) -> None:
        """Names, places and buttons as the session is now."""
        session = self.session
        self.name.setText(session.path.name if session.path is not None else "Gradwalk")
        for pill, text in ((self.iteration, iteration_text(session)), (self.place, place_text(session))):
            if pill.text() != text:
                pill.setText(text)
            pill.setVisible(bool(text))
        self.left.updateGeometry()
        self.edited.setVisible(session.edited)
        wanted = "pause" if session.state == "running" else "run"
        if wanted != self._toggle:
            self._toggle = wanted
            button = self.buttons["run.toggle"]
            button.setIcon(icon(wanted, "on_accent"))
            button.setToolTip("Pause  F6" if wanted == "pause" else "Run or continue  F5")
        for name, button in self.buttons.items():
            button.setEnabled(self._shortcuts.can_press(name))
        for part in (self.middle, self.panels):
            part.setVisible(session.state != "empty")
        self._place()

    def _place(self) -> None:
        """Transport in the middle of the bar, moved aside only where the left part needs the room."""
        height = self.height() - 1
        wide = self.middle.sizeHint().width() if self.session.state != "empty" else 0
        left_wide = self.left.sizeHint().width() + 16
        right_least = 200 + self.panels.sizeHint().width() + 48
        for pill in (self.place, self.iteration):
            if left_wide + wide + right_least > self.width() and not pill.isHidden():
                left_wide -= pill.sizeHint().width() + 12
                pill.hide()
        narrow = self.width() < 1200
        self.search.setFixedWidth(200 if narrow else 300)
        self.words.setText("Find" if narrow else "Find nodes, ops, source")
        right_wide = self.right.sizeHint().width()
        middle = max(left_wide, (self.width() - wide) // 2)
        middle = min(middle, self.width() - right_wide - wide - 8)
        self.left.setGeometry(0, 0, max(0, middle - 8), height)
        self.middle.setGeometry(middle, 0, wide, height)
        self.right.setGeometry(middle + wide, 0, self.width() - middle - wide, height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the three parts."""
        super().resizeEvent(event)
        self._place()
