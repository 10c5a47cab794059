"""The loss of two futures in one plot: the run as it goes on, and the edited one."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.look import font
from app.look.theme import theme
from app.session.comparison import Comparison

from .axis import quiet_plot, retheme_axes

SIDES = (("as it is", "quiet"), ("edited", "accent"))


class _Key(QWidget):
    """The two strokes and their names."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(20)
        self.setMinimumWidth(140)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Strokes and names, from the right."""
        painter = QPainter(self)
        painter.setFont(font.body(11))
        metrics, look = painter.fontMetrics(), theme()
        x = self.width() - sum(metrics.horizontalAdvance(name) + 36 for name, _ in SIDES)
        for name, token in SIDES:
            width = metrics.horizontalAdvance(name)
            painter.fillRect(QRectF(x, 9, 14, 2), look[token])
            painter.setPen(look["quiet"])
            painter.drawText(QRectF(x + 19, 0, width + 4, 20), Qt.AlignmentFlag.AlignVCenter, name)
            x += width + 36


class FuturePlot(QWidget):
    """Made when first shown, since pyqtgraph takes a while to load."""

    def __init__(self) -> None:
        super().__init__()
        self.comparison: Comparison | None = None
        self.name = ""
        self.log = True
        self.title = QLabel()
        self.title.setObjectName("Muted")
        self.log_button = QToolButton()
        self.log_button.setObjectName("Quiet")
        self.log_button.setText("log")
        self.log_button.setCheckable(True)
        self.log_button.setChecked(True)
        self.log_button.setToolTip("Logarithmic axis")
        self.log_button.toggled.connect(self.set_log)
        row = QHBoxLayout()
        row.setContentsMargins(8, 2, 8, 0)
        row.setSpacing(8)
        row.addWidget(self.title)
        row.addWidget(self.log_button)
        row.addStretch(1)
        row.addWidget(_Key())
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addLayout(row)
        self._plot: Any = None
        self._lines: list[Any] = []
        self._fork: Any = None
        self._spot: Any = None
        self._place: float | None = None
        self._drawn: object = None

    def show_futures(self, comparison: Comparison | None, name: str, place: float | None) -> None:
        """Draw the curve of this name in both futures; place: the iteration at which they were forked."""
        self.comparison, self.name, self._place = comparison, name, place
        self.title.setText(name)
        if comparison is None:
            return
        if self._plot is None:
            self._make()
        curves = comparison.curves(name)
        drawn = (id(comparison), name, self.log, *(len(c) for c in curves))
        if drawn == self._drawn:
            return
        self._drawn = drawn
        for line, curve in zip(self._lines, curves, strict=True):
            line.setData(curve.steps, self._shown(curve.values))
        self._fork.setVisible(place is not None)
        if place is not None:
            self._fork.setValue(place)
        parting = comparison.parting
        value = None if parting is None else curves[1].value_at(parting.backward)
        if parting is None or value is None or (self.log and not value > 0):
            self._spot.setData([], [])
        else:
            self._spot.setData([parting.backward], [value])

    def set_log(self, yes: bool) -> None:
        """Use a logarithmic axis, or a plain one."""
        self.log = yes
        if self._plot is not None:
            self._plot.getPlotItem().setLogMode(x=False, y=yes)
            self._drawn = None
            self.show_futures(self.comparison, self.name, self._place)
            self._plot.getPlotItem().enableAutoRange()

    def _shown(self, values: Any) -> Any:
        import numpy as np

        return np.where(values > 0, values, np.nan) if self.log else values

    def _make(self) -> None:
        import pyqtgraph as pg

        plot = quiet_plot((4, 2, 12, 0), 44)
        item = plot.getPlotItem()
        item.setLogMode(x=False, y=self.log)
        self._fork = pg.InfiniteLine(angle=90, movable=False)
        item.addItem(self._fork, ignoreBounds=True)
        for _ in SIDES:
            line = pg.PlotDataItem(connect="finite")
            item.addItem(line)
            self._lines.append(line)
        self._spot = pg.PlotDataItem(pen=None, symbol="o", symbolSize=8)
        item.addItem(self._spot)
        self._plot = plot
        self._layout.addWidget(plot, 1)
        self.retheme()

    def retheme(self) -> None:
        """Colours of axes, curves and marks."""
        if self._plot is None:
            return
        import pyqtgraph as pg

        look = theme()
        item = self._plot.getPlotItem()
        retheme_axes(item)
        self._fork.setPen(pg.mkPen(look["faint"], width=1, dash=[3, 3]))
        for line, (_, token) in zip(self._lines, SIDES, strict=True):
            line.setPen(pg.mkPen(look[token], width=2 * self.devicePixelRatioF()))
        self._spot.setSymbolBrush(pg.mkBrush(look["accent"]))
        self._spot.setSymbolPen(pg.mkPen(look["panel"], width=1))
