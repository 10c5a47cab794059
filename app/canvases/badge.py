"""Badges on nodes: what was found there, as a word on a small pill; a dot from farther away."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.look import font
from app.look.theme import Theme

BADGES = {
    "nan": ("NaN made here", "warn", "warn_text"),
    "spoiled": ("NaN is new", "warn", "warn_text"),
    "differs": ("gradient differs", "grad", "grad_text"),
    "not_finite": ("NaN or Inf", "warn", "warn_text"),
    "loss_not_finite": ("loss not finite", "warn", "warn_text"),
    "exploding": ("explodes", "warn", "warn_text"),
    "vanishing": ("vanishes", "warn", "warn_text"),
    "cut": ("path cut here", "warn", "warn_text"),
    "dead": ("dead units", "warn", "warn_text"),
    "saturated": ("saturated", "warn", "warn_text"),
    "steep": ("steep", "warn", "warn_text"),
    "update_large": ("large update", "warn", "warn_text"),
    "update_small": ("small update", "warn", "warn_text"),
    "piled_up": ("piled up", "warn", "warn_text"),
    "unsure": ("not differentiable", "warn", "warn_text"),
    "new": ("new node", "accent", "accent"),
    "changed": ("changed", "accent", "accent"),
    "agrees": ("checked", "ok", "ok_text"),
}
"""what was found -> words, the colour of the line, the colour of the words; the gravest first"""
_GRAVITY = {kind: number for number, kind in enumerate(BADGES)}
HEIGHT = 16.0
LOW = 40.0
"""A node of this height has its name where the badge would be: it hangs below instead."""


def graver(one: str, other: str) -> str:
    """Of two findings the one that is shown where both are at one place."""
    return min(one, other, key=lambda kind: _GRAVITY.get(kind, len(_GRAVITY)))


def draw_badge(painter: QPainter, rect: QRectF, kind: str, look: Theme) -> None:
    """The pill on the lower edge of a node's rectangle."""
    words, line, text = BADGES[kind]
    chosen = font.medium(10)
    checked = kind == "agrees"
    width = QFontMetricsF(chosen).horizontalAdvance(words) + (25 if checked else 14)
    overlap = HEIGHT / 2 if rect.height() > LOW else 3.0
    pill = QRectF(rect.center().x() - width / 2, rect.bottom() - overlap, width, HEIGHT)
    painter.setPen(QPen(look[line], 1.0))
    painter.setBrush(_soft(look, line))
    painter.drawRoundedRect(pill, HEIGHT / 2, HEIGHT / 2)
    painter.setFont(chosen)
    painter.setPen(look[text])
    painter.drawText(pill.adjusted(11 if checked else 0, 0, 0, 0), Qt.AlignmentFlag.AlignCenter, words)
    if checked:
        pen = QPen(look[text], 1.4)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        x, y = pill.left() + 7, pill.center().y()
        painter.drawPolyline([QPointF(x, y), QPointF(x + 2, y + 2), QPointF(x + 6, y - 2.5)])


def draw_dot(painter: QPainter, rect: QRectF, kind: str, look: Theme) -> None:
    """The same from farther away."""
    painter.setPen(QPen(look["canvas"], 1.0))
    painter.setBrush(look[BADGES[kind][1]])
    painter.drawEllipse(QPointF(rect.right(), rect.bottom()), 4.0, 4.0)


def _soft(look: Theme, token: str) -> QColor:
    """A little of the colour on the panel's ground, not transparent: an edge may pass below."""
    ground, colour = look["panel"], look[token]
    share = 0.12
    pairs = (
        (ground.redF(), colour.redF()),
        (ground.greenF(), colour.greenF()),
        (ground.blueF(), colour.blueF()),
    )
    return QColor.fromRgbF(*(a + (b - a) * share for a, b in pairs))
