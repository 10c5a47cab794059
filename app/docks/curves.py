"""Scalars over iterations, by pyqtgraph: a logarithmic axis on request, the figure under the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.look import font
from app.look.number import figure
from app.look.theme import theme
from app.session.session import Session

from .axis import quiet_plot, retheme_axes
from .blank import BlankOr
from .dock import Dock

if TYPE_CHECKING:
    import numpy as np

_TOKENS = ("accent", "leaf", "num", "kw", "ok", "fn", "str", "muted")


class _ReadOut(QWidget):
    """A card beside the point under the mouse (or the playhead), drawn over the plot."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.at: QPointF | None = None
        self.text = ""
        self.token = "accent"

    def point(self, at: QPointF | None, text: str = "", token: str = "accent") -> None:
        """Stand at `at` with this text, or nowhere."""
        self.at, self.text, self.token = at, text, token
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dot and card."""
        if self.at is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = theme()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look[self.token])
        painter.drawEllipse(self.at, 4, 4)
        painter.setFont(font.body(11))
        width = painter.fontMetrics().horizontalAdvance(self.text) + 20
        left = self.at.x() + 12
        if left + width > self.width() - 4:
            left = self.at.x() - 12 - width
            top = self.at.y() - 34
        else:
            top = self.at.y() - 12
        top = min(max(4.0, top), self.height() - 28.0)
        card = QRectF(left, top, width, 24)
        painter.setPen(look["line"])
        painter.setBrush(look["panel"])
        painter.drawRoundedRect(card, 6, 6)
        painter.setPen(look["text"])
        painter.drawText(card, Qt.AlignmentFlag.AlignCenter, self.text)


class _Legend(QWidget):
    """Names of the curves with a stroke of their colour; a click hides or shows one."""

    def __init__(self, plot: CurvePlot) -> None:
        super().__init__()
        self._plot = plot
        self.entries: list[tuple[str, str]] = []
        self.setFixedHeight(20)

    def set_entries(self, entries: list[tuple[str, str]]) -> None:
        """Names and colour tokens."""
        if entries != self.entries:
            self.entries = entries
            metrics = self.fontMetrics()
            self.setMinimumWidth(min(480, sum(metrics.horizontalAdvance(n) + 42 for n, _ in entries)))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Strokes and names."""
        painter = QPainter(self)
        look = theme()
        painter.setFont(font.body(11))
        x = self.width() - sum(painter.fontMetrics().horizontalAdvance(n) + 40 for n, _ in self.entries)
        for name, token in self.entries:
            hidden = name in self._plot.hidden
            painter.fillRect(QRectF(x, 9, 16, 2), look["line" if hidden else token])
            painter.setPen(look["faint" if hidden else "quiet"])
            width = painter.fontMetrics().horizontalAdvance(name)
            painter.drawText(QRectF(x + 22, 0, width + 4, 20), Qt.AlignmentFlag.AlignVCenter, name)
            x += width + 40

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Hide or show the curve under the mouse."""
        metrics = self.fontMetrics()
        x = self.width() - sum(metrics.horizontalAdvance(n) + 40 for n, _ in self.entries)
        for name, _ in self.entries:
            width = metrics.horizontalAdvance(name) + 40
            if x <= event.position().x() < x + width:
                self._plot.toggle(name)
            x += width


class CurvePlot(QWidget):
    """The plot itself: made when first shown, since pyqtgraph takes a while to load."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.hidden: set[str] = set()
        self.log = True
        self._plot: Any = None
        self._lines: dict[str, Any] = {}
        self._drawn: dict[str, tuple[int, int, bool]] = {}
        self._head: Any = None
        self._hover: float | None = None
        self.legend = _Legend(self)
        self.log_button = QToolButton()
        self.log_button.setObjectName("Quiet")
        self.log_button.setText("log")
        self.log_button.setCheckable(True)
        self.log_button.setChecked(True)
        self.log_button.setToolTip("Logarithmic axis")
        self.log_button.toggled.connect(self.set_log)
        self.fit_button = QToolButton()
        self.fit_button.setObjectName("Quiet")
        self.fit_button.setText("fit")
        self.fit_button.setToolTip("Show all points")
        self.fit_button.clicked.connect(self.fit)
        row = QHBoxLayout()
        row.setContentsMargins(16, 6, 24, 0)
        row.setSpacing(4)
        row.addWidget(self.log_button)
        row.addWidget(self.fit_button)
        row.addStretch(1)
        row.addWidget(self.legend)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 4)
        self._layout.setSpacing(0)
        self._layout.addLayout(row)
        self.setMouseTracking(True)

    def _make(self) -> None:
        import pyqtgraph as pg

        plot = quiet_plot((8, 4, 24, 0), 48)
        item = plot.getPlotItem()
        item.setLogMode(x=False, y=self.log)
        self._head = pg.InfiniteLine(angle=90, movable=False)
        item.addItem(self._head, ignoreBounds=True)
        item.scene().sigMouseMoved.connect(self._moved)
        self._plot = plot
        self._layout.addWidget(plot, 1)
        self.read_out = _ReadOut(plot)
        self.read_out.show()
        item.vb.sigRangeChanged.connect(lambda *_: self._point())
        item.vb.sigResized.connect(lambda *_: self._point())
        self.retheme()

    def retheme(self) -> None:
        """Colours of axes, grid, curves and playhead."""
        if self._plot is None:
            return
        import pyqtgraph as pg

        look = theme()
        item = self._plot.getPlotItem()
        retheme_axes(item)
        self._head.setPen(pg.mkPen(look["accent"], width=1, dash=[3, 3]))
        for number, (name, line) in enumerate(self._lines.items()):
            line.setPen(pg.mkPen(look[self._token(number)], width=2 * self.devicePixelRatioF()))
            del name
        self.legend.update()
        self.read_out.update()

    @staticmethod
    def _token(number: int) -> str:
        return _TOKENS[number % len(_TOKENS)]

    def set_log(self, yes: bool) -> None:
        """Use a logarithmic axis, or a plain one."""
        self.log = yes
        if self._plot is not None:
            self._plot.getPlotItem().setLogMode(x=False, y=yes)
            self._drawn.clear()
            self.look()
            self.fit()

    def fit(self) -> None:
        """Show all points, and go on doing so as points arrive."""
        if self._plot is not None:
            self._plot.getPlotItem().enableAutoRange()

    def toggle(self, name: str) -> None:
        """Hide or show one curve."""
        self.hidden ^= {name}
        if name in self._lines:
            self._lines[name].setVisible(name not in self.hidden)
        self.legend.update()

    def clear(self) -> None:
        """Forget all curves."""
        if self._plot is not None:
            for line in self._lines.values():
                self._plot.removeItem(line)
        self._lines.clear()
        self._drawn.clear()

    def look(self) -> None:
        """Take over what is new."""
        if self._plot is None:
            self._make()
        import pyqtgraph as pg

        curves = self.session.curves
        if any(name not in curves for name in self._lines):
            self.clear()
        for name, curve in curves.items():
            if name not in self._lines:
                width = 2 * self.devicePixelRatioF()
                pen = pg.mkPen(theme()[self._token(len(self._lines))], width=width)
                line = pg.PlotDataItem(pen=pen, connect="finite")
                self._plot.addItem(line)
                self._lines[name] = line
            drawn = (id(curve), len(curve), self.log)
            if self._drawn.get(name) != drawn:
                self._drawn[name] = drawn
                self._lines[name].setData(curve.steps, self._shown(curve.values))
        self.legend.set_entries([(name, self._token(i)) for i, name in enumerate(curves)])
        self._point()

    def _shown(self, values: np.ndarray) -> np.ndarray:
        if not self.log:
            return values
        import numpy as np

        return np.where(values > 0, values, np.nan)

    def _step_at_head(self) -> float | None:
        timeline = self.session.timeline
        if timeline.backward < 0 or (timeline.following and self.session.state == "running"):
            return None
        return float(timeline.backward)

    def _moved(self, at: QPointF) -> None:
        item = self._plot.getPlotItem()
        inside = item.vb.sceneBoundingRect().contains(at)
        self._hover = item.vb.mapSceneToView(at).x() if inside else None
        self._point()

    def leaveEvent(self, event) -> None:
        """The card goes back to the playhead."""
        self._hover = None
        self._point()
        super().leaveEvent(event)

    def _point(self) -> None:
        """Put the playhead, and the card on the curve nearest to it."""
        if self._plot is None:
            return
        head = self._step_at_head()
        self._head.setVisible(head is not None)
        if head is not None:
            self._head.setValue(head)
        self.read_out.setGeometry(self._plot.rect())
        step = self._hover if self._hover is not None else head
        if step is None:
            self.read_out.point(None)
            return
        import numpy as np

        words: list[str] = []
        spot: QPointF | None = None
        token = "accent"
        for number, (name, curve) in enumerate(self.session.curves.items()):
            if name in self.hidden or not len(curve):
                continue
            place = int(np.clip(np.searchsorted(curve.steps, round(step)), 0, len(curve) - 1))
            value = float(curve.values[place])
            words.append(f"{name} {figure(value, 4)}")
            if spot is None and np.isfinite(value) and (value > 0 or not self.log):
                y = float(np.log10(value)) if self.log else value
                view = self._plot.getPlotItem().vb
                scene = view.mapViewToScene(QPointF(float(curve.steps[place]), y))
                if view.sceneBoundingRect().adjusted(-4, -4, 4, 4).contains(scene):
                    spot, token = self._plot.mapFromScene(scene).toPointF(), self._token(number)
        text = "   ".join(words[:4])
        if self._hover is not None and text:
            text = f"iteration {max(0, round(step)) + 1}   {text}"
        self.read_out.point(spot, text, token)


class CurvesDock(Dock):
    """Curves: every scalar on which backward() is called, and what the script logs."""

    key = "curves"
    title = "Curves"

    def __init__(self, session: Session) -> None:
        self.plot = CurvePlot(session)
        super().__init__(session)
        self.body = BlankOr("empty.curves", self.plot)
        self.setWidget(self.body)

    def look(self, changes: frozenset[str]) -> None:
        """Draw what is new."""
        some = bool(self.session.curves)
        self.body.show_widget(some)
        if some:
            self.plot.look()
        elif self.plot._lines:
            self.plot.clear()

    def retheme(self) -> None:
        """Colours anew."""
        self.plot.retheme()
