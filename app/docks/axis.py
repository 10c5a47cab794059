"""Plots over iterations, and their axes: decades named as such, whole iterations."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtGui import QColor

from app.look import font
from app.look.number import figure
from app.look.theme import theme


def log_axis() -> Any:
    """An axis that names decades only, or 1, 2, 5 where there are few."""
    import pyqtgraph as pg

    class LogAxis(pg.AxisItem):
        def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
            if not self.logMode:
                return super().tickValues(low, high, size)[:1]
            first, last = math.floor(low), math.ceil(high)
            stride = max(1, math.ceil((last - first) * 30 / max(30.0, size)))
            decades = [float(p) for p in range(first, last + 1) if p % stride == 0]
            if high - low < 2.2:
                decades = [p + math.log10(m) for p in range(first, last + 1) for m in (1, 2, 5)]
            return [(float(stride), [d for d in decades if low <= d <= high])]

        def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
            if not self.logMode:
                return [figure(v * scale, 3) for v in values]
            if values and any(abs(v - round(v)) > 1e-6 for v in values):
                return [figure(10**v, 2) for v in values]
            return [f"1e{round(v)}".replace("-", "−") for v in values]

    return LogAxis("left")


def step_axis() -> Any:
    """An axis of whole iterations, a few names only."""
    import pyqtgraph as pg

    class StepAxis(pg.AxisItem):
        def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
            span = max(1.0, high - low)
            stride = 1.0
            for factor in (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500):
                if span / factor <= max(3.0, size / 110):
                    stride = float(factor)
                    break
            else:
                stride = 10 ** math.ceil(math.log10(span / max(3.0, size / 110)))
            first = math.ceil(max(0.0, low) / stride)
            return [(stride, [k * stride for k in range(first, int(high / stride) + 1)])]

        def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
            return [str(round(v)) for v in values]

    return StepAxis("bottom")


def quiet_plot(margins: tuple[int, int, int, int], axis_width: int) -> Any:
    """A plot without frame, menu and buttons that thins out what it draws. Units: pixels."""
    import pyqtgraph as pg

    pg.setConfigOptions(antialias=True)
    plot = pg.PlotWidget(background=None, axisItems={"left": log_axis(), "bottom": step_axis()})
    plot.setFrameShape(plot.Shape.NoFrame)
    plot.setStyleSheet("background: transparent")
    item = plot.getPlotItem()
    item.hideButtons()
    item.setMenuEnabled(False)
    item.setClipToView(True)
    item.setDownsampling(auto=True, mode="peak")
    item.layout.setContentsMargins(*margins)
    item.showGrid(x=False, y=True, alpha=0.2)
    for side in ("left", "bottom"):
        axis = item.getAxis(side)
        axis.setStyle(tickFont=font.body(11), tickLength=0, autoExpandTextSpace=False)
        axis.enableAutoSIPrefix(False)
    item.getAxis("left").setWidth(axis_width)
    return plot


def retheme_axes(item: Any) -> None:
    """The axes of a plot in the colours of the theme."""
    import pyqtgraph as pg

    look = theme()
    for side in ("left", "bottom"):
        axis = item.getAxis(side)
        axis.setPen(pg.mkPen(QColor(0, 0, 0, 0)))
        axis.setTextPen(pg.mkPen(look["quiet"]))
    item.getAxis("left").setTickPen(pg.mkPen(look["faint"]))
