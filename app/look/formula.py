"""LaTeX to a picture, cached; drawn by QtSvg."""

from __future__ import annotations

import re
from collections import OrderedDict
from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSizeF, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer


@lru_cache(maxsize=1)
def _ziamath():
    import ziamath

    ziamath.config.svg2 = False
    return ziamath


def warm_up() -> None:
    """Load the typesetter ahead of need; meant for a thread that nobody waits for."""
    _ziamath().Latex("x", size=17).svg()


_KEPT_MAX = 1024
_kept: OrderedDict[tuple[str, float, str], bytes | ValueError] = OrderedDict()


def is_typeset(latex: str, size_px: float, colour: str) -> bool:
    """Whether the picture of this formula is at hand; if not, making it takes some 11 ms."""
    return (latex, size_px, colour) in _kept


def formula_svg(latex: str, size_px: float, colour: str) -> bytes:
    """The formula as an SVG picture. Raises: ValueError when it is not LaTeX that can be set."""
    key = (latex, size_px, colour)
    made = _kept.get(key)
    if made is None:
        try:
            made = _ziamath().Latex(_prepared(latex), size=size_px, color=colour).svg().encode()
        except Exception as error:
            made = ValueError(f"cannot typeset {latex!r}: {error}")
        _kept[key] = made
        if len(_kept) > _KEPT_MAX:
            _kept.popitem(last=False)
    if isinstance(made, ValueError):
        raise made
    return made


_POWERED = re.compile(r"(\\begin\{(\w*matrix)\}.*?\\end\{\2\})(?=\s*[\^_])", re.DOTALL)
_SIGN = re.compile(r"(^|[(=&\[,{:]|\\\\|\\cdot|\\[,;])(\s*)-(?=\s*[\d.])")


def _prepared(latex: str) -> str:
    """What the typesetter needs: braces around a matrix with a power, and around a minus that is a sign."""
    return _SIGN.sub(r"\1\2{-}", _POWERED.sub(r"{\1}", latex))


def formula_size(latex: str, size_px: float, colour: str) -> QSizeF:
    """Width and height in pixels at a device ratio of one."""
    return QSizeF(QSvgRenderer(QByteArray(formula_svg(latex, size_px, colour))).defaultSize())


@lru_cache(maxsize=512)
def formula_pixmap(latex: str, size_px: float, colour: str, ratio: float = 1.0) -> QPixmap:
    """The formula as a picture. Raises: ValueError when it is not LaTeX that can be set."""
    renderer = QSvgRenderer(QByteArray(formula_svg(latex, size_px, colour)))
    size = renderer.defaultSize()
    pixmap = QPixmap(max(1, round(size.width() * ratio)), max(1, round(size.height() * ratio)))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(pixmap.rect()))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


_SUPER = str.maketrans("0123456789T-+n", "⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ⁻⁺ⁿ")


def formula_words(latex: str) -> str:
    """The formula on one plain line, for where there is no room to typeset: 'y = x Wᵀ + b'."""
    text = re.sub(r"\\(?:operatorname|mathrm|text|mathbf|odot|left|right)\b\*?", "", latex)
    text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2", text)
    text = re.sub(r"\^\{?(\\top|T)\}?", "ᵀ", text)
    text = re.sub(r"\^\{?([0-9\-]+)\}?", lambda m: m.group(1).translate(_SUPER), text)
    for name, sign in (
        ("partial", "∂"),
        ("cdot", "·"),
        ("sum", "Σ"),
        ("sigma", "σ"),
        ("times", "×"),
        ("sqrt", "√"),
        ("le", "≤"),
        ("ge", "≥"),
        ("ne", "≠"),
        ("mu", "μ"),
        ("epsilon", "ε"),
        ("alpha", "α"),
        ("beta", "β"),
        ("infty", "∞"),
        ("circ", "∘"),
        ("pi", "π"),
    ):
        text = re.sub(rf"\\{name}(?![a-zA-Z])", sign, text)
    text = re.sub(r"\\[,;:! ]", " ", text)
    text = text.replace("\\", "").replace("{", "").replace("}", "")
    return re.sub(r"\s+", " ", text).strip()
