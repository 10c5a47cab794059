"""How wide words are in Inter, without asking a font: the layout runs where no Qt is."""

from __future__ import annotations

_ADVANCES = dict(zip(map(chr, range(32, 127)), (
    26, 29, 40, 64, 64, 83, 65, 22, 38, 38, 52, 67, 29, 46, 28, 37, 65, 47, 61, 64, 65, 62, 64, 58, 63,
    64, 28, 29, 67, 67, 67, 53, 97, 70, 65, 74, 72, 60, 59, 75, 74, 27, 55, 66, 56, 90, 75, 77, 64, 77,
    64, 64, 65, 74, 70, 98, 67, 68, 64, 38, 37, 38, 48, 46, 50, 57, 63, 57, 63, 59, 37, 62, 60, 25, 25,
    56, 25, 88, 60, 60, 62, 62, 38, 54, 37, 59, 57, 82, 55, 57, 55, 38, 34, 38, 67), strict=True))
_ADVANCES.update({"×": 67, "·": 29, "→": 96, "…": 82, "–": 60, "ᵀ": 48, "‖": 40})
_OTHER = 62
_WIDE = 100


def text_width(text: str, size_px: float = 13.0) -> float:
    """Width of `text` in Inter Medium at this size; other weights differ by a few percent.

    Units: pixels."""
    total = 0
    for letter in text:
        advance = _ADVANCES.get(letter)
        if advance is None:
            advance = _WIDE if ord(letter) >= 0x2E80 else _OTHER
        total += advance
    return total * size_px / 100.0


def elided(text: str, width_px: float, size_px: float = 13.0) -> str:
    """`text`, or as much of it as fits with an ellipsis at its end."""
    if text_width(text, size_px) <= width_px:
        return text
    while text and text_width(text + "…", size_px) > width_px:
        text = text[:-1]
    return text.rstrip() + "…"
