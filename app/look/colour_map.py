"""Arrays to small pictures: red and blue about zero for signed values, viridis for the rest."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QImage

if TYPE_CHECKING:
    import numpy as np

    from .theme import Theme

_DIVERGING = (
    "#2166ac",
    "#4393c3",
    "#92c5de",
    "#d1e5f0",
    "#f7f7f7",
    "#fddbc7",
    "#f4a582",
    "#d6604d",
    "#b2182b",
)
_VIRIDIS = ("#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725")


@lru_cache(maxsize=2)
def table(signed: bool) -> np.ndarray:
    """256 colours. Shapes: uint32 [256], each 0xffRRGGBB."""
    import numpy as np

    stops = np.array(
        [
            [QColor(c).red(), QColor(c).green(), QColor(c).blue()]
            for c in (_DIVERGING if signed else _VIRIDIS)
        ],
        np.float64,
    )
    at = np.linspace(0, len(stops) - 1, 256)
    channels = [np.interp(at, np.arange(len(stops)), stops[:, k]) for k in range(3)]
    red, green, blue = (np.rint(c).astype(np.uint32) for c in channels)
    return (np.uint32(0xFF) << 24) | (red << 16) | (green << 8) | blue


def picture_rows(values: np.ndarray, max_rows: int = 256, max_columns: int = 256) -> np.ndarray:
    """The array as rows to be drawn: leading dimensions stacked, thinned where there are too many.

    Shapes: any -> [rows, columns]; a vector becomes one row."""
    import numpy as np

    array = np.asarray(values)
    if array.ndim == 0:
        array = array.reshape(1, 1)
    elif array.ndim == 1:
        array = array.reshape(1, -1)
    elif array.ndim > 2:
        array = array.reshape(-1, array.shape[-1])
    if array.shape[0] > max_rows:
        array = array[np.linspace(0, array.shape[0] - 1, max_rows).astype(np.int64)]
    if array.shape[1] > max_columns:
        array = array[:, np.linspace(0, array.shape[1] - 1, max_columns).astype(np.int64)]
    return array


def heat_image(values: np.ndarray, signed: bool | None = None) -> QImage:
    """A picture with one pixel per element; NaN is amber, Inf black. `signed` None: looks for itself."""
    import numpy as np

    rows = picture_rows(values)
    if rows.size == 0:
        return QImage()
    numbers = rows.astype(np.float64) if rows.dtype.kind != "c" else np.abs(rows).astype(np.float64)
    finite = np.isfinite(numbers)
    shown = numbers[finite]
    low, high = (float(shown.min()), float(shown.max())) if shown.size else (0.0, 0.0)
    if signed is None:
        signed = low < 0
    if signed:
        reach = max(abs(low), abs(high)) or 1.0
        low, high = -reach, reach
    elif high == low:
        low = high - 1.0 if high else 0.0
        high = high or 1.0
    scaled = np.zeros(numbers.shape, np.int64)
    scaled[finite] = np.clip((numbers[finite] - low) / (high - low) * 255, 0, 255).astype(np.int64)
    pixels = table(signed)[scaled]
    pixels[np.isnan(numbers)] = 0xFFE2B04A
    pixels[np.isinf(numbers)] = 0xFF000000
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape
    return QImage(pixels.tobytes(), width, height, width * 4, QImage.Format.Format_RGB32).copy()


def gain_colour(power: float, look: Theme, least: float = 0.0) -> QColor:
    """The ground of a node's own colour, towards blue where gradients shrink and red where they grow.

    power: log10 of the factor; full colour at a hundredfold. least: the share of colour at one."""
    ends = table(True)
    end = QColor(int(ends[-16] if power > 0 else ends[16]))
    share = min(1.0, max(least, abs(power) / 2))
    ground = look["op"]
    pairs = ((ground.redF(), end.redF()), (ground.greenF(), end.greenF()), (ground.blueF(), end.blueF()))
    return QColor.fromRgbF(*(a + (b - a) * share for a, b in pairs))
