"""Type: Inter for words, JetBrains Mono for code, shapes and numbers, the system's CJK font beside them."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtGui import QFont, QFontDatabase

from .theme import RESOURCES

BODY_PX = 13
CAPTION_PX = 11
TITLE_PX = 17
CODE_PX = 12

_FILES = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf", "JetBrainsMono-Regular.ttf")
_CJK = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Noto Sans CJK JP",
    "AR PL UMing CN",
)
CJK_PACKAGE = "fonts-noto-cjk"


@lru_cache(maxsize=1)
def load_fonts() -> tuple[str, ...]:
    """Make the shipped fonts known to Qt; the families that came of it."""
    families: list[str] = []
    for name in _FILES:
        number = QFontDatabase.addApplicationFont(str(RESOURCES / "fonts" / name))
        if number >= 0:
            families += QFontDatabase.applicationFontFamilies(number)
    return tuple(dict.fromkeys(families))


@lru_cache(maxsize=1)
def cjk_family() -> str:
    """An installed family that has Chinese, Japanese and Korean letters, or ''."""
    families = QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese)
    known = set(families)
    for name in _CJK:
        if name in known:
            return name
    return families[0] if families else ""


def _font(family: str, px: int, weight: QFont.Weight) -> QFont:
    font = QFont()
    font.setFamilies(
        [
            family,
            "Noto Sans CJK SC",
            "Noto Sans SC",
            "PingFang SC",
            "Microsoft YaHei",
            "WenQuanYi Micro Hei",
            "Droid Sans Fallback",
        ]
    )
    font.setPixelSize(px)
    font.setWeight(weight)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def body(px: int = BODY_PX, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Words: Inter with figures of one width."""
    return _font("Inter", px, weight)


def medium(px: int = BODY_PX) -> QFont:
    """Words that stand out a little."""
    return _font("Inter", px, QFont.Weight.Medium)


def strong(px: int = BODY_PX) -> QFont:
    """Names and headings."""
    return _font("Inter", px, QFont.Weight.DemiBold)


def caption() -> QFont:
    """Small capitals over a section: 11 px, semi-bold, a little spaced."""
    font = _font("Inter", CAPTION_PX, QFont.Weight.DemiBold)
    font.setCapitalization(QFont.Capitalization.AllUppercase)
    font.setLetterSpacing(QFont.SpacingType.PercentageSpacing, 104)
    return font


def title() -> QFont:
    """The name of a page: 17 px, semi-bold."""
    return _font("Inter", TITLE_PX, QFont.Weight.DemiBold)


def mono(px: int = CODE_PX) -> QFont:
    """Code, shapes and numbers."""
    font = _font("JetBrains Mono", px, QFont.Weight.Normal)
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setFeature(QFont.Tag("calt"), 0)
    return font
