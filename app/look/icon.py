"""Icons: strokes on a 16 px square from resources/icons, in the colours of the theme."""

from __future__ import annotations

from functools import cache, lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from .theme import RESOURCES, theme


@cache
def _svg(name: str) -> str:
    return (RESOURCES / "icons" / f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def _pixmap(name: str, colour: str, size: int, ratio: float, theme_name: str) -> QPixmap:
    text = _svg(name).replace("currentColor", colour)
    for token, value in theme().tokens.items():
        text = text.replace(f"var({token})", value)
    pixmap = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(text.encode())).render(painter, QRectF(pixmap.rect()))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def icon_pixmap(name: str, token: str = "text", size: int = 16, ratio: float = 1.0) -> QPixmap:
    """The icon as a picture in the colour of a token."""
    return _pixmap(name, theme().hex(token), size, ratio, theme().name)


def icon(name: str, token: str = "text", size: int = 16) -> QIcon:
    """The icon for buttons and menus, faint when disabled, at one, two and three times its size."""
    made = QIcon()
    for ratio in (1.0, 2.0, 3.0):
        made.addPixmap(icon_pixmap(name, token, size, ratio), QIcon.Mode.Normal)
        made.addPixmap(icon_pixmap(name, "faint", size, ratio), QIcon.Mode.Disabled)
    return made
