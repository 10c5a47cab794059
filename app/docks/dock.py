"""`Dock`: a panel with a title; it is told what changed and refreshes only while it is visible."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.look import font
from app.look.icon import icon
from app.look.theme import on_theme_changed, theme
from app.session.session import Session

ALL_CHANGES = frozenset({"graph", "selection", "cursor", "replaced"})
TITLE_HEIGHT_PX = 34


class DockTitle(QWidget):
    """The head of a panel that stands alone: its name underlined like the chosen tab, and a cross.

    Beside other tabs only its hairline is left: the tab is the head then."""

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__(dock)
        self._dock = dock
        self.close_button = QToolButton(self)
        self.close_button.setObjectName("Quiet")
        self.close_button.setIconSize(QSize(12, 12))
        self.close_button.setFixedSize(20, 20)
        self.close_button.setToolTip("Close")
        self.close_button.clicked.connect(dock.close)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.addStretch(1)
        layout.addWidget(self.close_button)
        self.alone = True

    def set_alone(self, alone: bool) -> None:
        """Stand alone, or be replaced by a tab."""
        if alone != self.alone:
            self.alone = alone
            self.close_button.setVisible(alone)
            self.setFixedHeight(TITLE_HEIGHT_PX if alone else 1)
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Qt asks the title for the panel's head height."""
        return QSize(80, TITLE_HEIGHT_PX if self.alone else 1)

    def minimumSizeHint(self) -> QSize:
        """The same as the size hint, so that the head is never squeezed."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw name, underline and hairline."""
        painter = QPainter(self)
        look = theme()
        if not self.alone:
            painter.fillRect(self.rect(), look["line"])
            return
        painter.fillRect(self.rect(), look["panel"])
        painter.fillRect(0, self.height() - 1, self.width(), 1, look["line"])
        painter.setFont(font.medium())
        painter.setPen(look["text"])
        width = painter.fontMetrics().horizontalAdvance(self._dock.windowTitle())
        painter.drawText(
            16, 0, width + 8, self.height() - 3, Qt.AlignmentFlag.AlignVCenter, self._dock.windowTitle()
        )
        painter.fillRect(16, self.height() - 2, width, 2, look["accent"])


class _Body(QWidget):
    """What a panel shows, with the size that it would like: Qt asks for it when panels change places."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__()
        self.setObjectName("DockBody")
        self.wished = QSize(332, 240)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(widget)

    def sizeHint(self) -> QSize:
        """The wished size."""
        return self.wished

    def minimumSizeHint(self) -> QSize:
        """Panels may be made small."""
        return QSize(160, 80)


class Dock(QDockWidget):
    """A panel named for what the user sees in it. Subclasses build a widget and override `look`."""

    key = ""
    title = ""
    said = Signal(str)
    """A short sentence for the status bar."""

    def __init__(self, session: Session) -> None:
        super().__init__(self.title)
        self.session = session
        self.setObjectName(self.key)
        self.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetClosable
            | QDockWidget.DockWidgetFeature.DockWidgetMovable
            | QDockWidget.DockWidgetFeature.DockWidgetFloatable
        )
        self.head = DockTitle(self)
        self.setTitleBarWidget(self.head)
        self._missed: set[str] = set(ALL_CHANGES)
        self.visibilityChanged.connect(self._catch_up)
        self._forget_theme = on_theme_changed(self._retheme)
        self.destroyed.connect(self._forget_theme)
        self._retheme()

    def setWidget(self, widget: QWidget) -> None:
        """Show this widget in the panel."""
        self._body = _Body(widget)
        super().setWidget(self._body)

    def wish(self, width: int, height: int) -> None:
        """Say how large this panel would like to be."""
        self._body.wished = QSize(width, height)
        self._body.updateGeometry()

    def tell(self, changes: frozenset[str]) -> None:
        """Something changed; look now if visible, else on becoming visible."""
        self._missed |= changes
        if self.isVisible() and not self.visibleRegion().isEmpty():
            self._catch_up()

    def _catch_up(self, *_: object) -> None:
        if self._missed and self.isVisible():
            changes = frozenset(self._missed)
            self._missed.clear()
            self.look(changes)

    def _retheme(self) -> None:
        self.head.close_button.setIcon(icon("close", "quiet", 12))
        self.head.update()
        self.retheme()

    def look(self, changes: frozenset[str]) -> None:
        """Look at the session; `changes` are names of its signals."""

    def retheme(self) -> None:
        """Take over the colours of the theme in force, where the style sheet does not reach."""

    def state(self) -> dict[str, object]:
        """What of this panel is remembered per script."""
        return {}
