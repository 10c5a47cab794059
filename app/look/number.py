"""Numbers, shapes, sizes and times as short text, the same everywhere on the screen."""

from __future__ import annotations

import math
from collections.abc import Sequence


def figure(value: float, digits: int = 3) -> str:
    """A number in about `digits` significant figures, with a true minus sign."""
    if value is None:
        return "–"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 10 ** (digits + 2) or size < 1e-3:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"
    elif float(value).is_integer() and size < 10 ** (digits + 2):
        text = str(int(value))
    else:
        decimals = max(0, digits - 1 - math.floor(math.log10(size)))
        text = f"{value:.{decimals}f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def shape_text(shape: Sequence[int]) -> str:
    """'2×16'; 'scalar' for a shape with no dimensions."""
    return "×".join(str(n) for n in shape) if len(shape) else "scalar"


def count_text(count: int) -> str:
    """'198', '12.4 k', '1.5 M'."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if count >= size:
            return f"{count / (1e3 if unit == 'k' else size):.3g} {unit}"
    return str(count)


def bytes_text(count: int) -> str:
    """'512 B', '1.2 kB', '3.4 MB'."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.3g} {unit}"
        size /= 1000
    return ""


def duration_text(nanoseconds: float) -> str:
    """'3.1 µs', '0.4 ms', '2.5 s'."""
    if nanoseconds < 1e3:
        return f"{nanoseconds:.0f} ns"
    for size, unit in ((1e6, "µs"), (1e9, "ms")):
        if nanoseconds < size:
            return f"{nanoseconds / (size / 1e3):.3g} {unit}"
    return f"{nanoseconds / 1e9:.3g} s"


def percent_text(part: int, whole: int) -> str:
    """'56 %'; '<1 %' where it is little but not nothing."""
    if not whole:
        return "0 %"
    share = 100.0 * part / whole
    if 0 < share < 1:
        return "<1 %"
    return f"{share:.0f} %"
