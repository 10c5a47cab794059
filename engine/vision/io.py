"""Picture files to tensors and back."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np


class ImageReadMode(Enum):
    """How to read a picture's channels."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4


PIL_MODES = {ImageReadMode.GRAY: "L", ImageReadMode.GRAY_ALPHA: "LA", ImageReadMode.RGB: "RGB",
             ImageReadMode.RGB_ALPHA: "RGBA"}


def read_image(
    path: Any, mode: ImageReadMode = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False
) -> Any:
    """A picture file as a uint8 tensor. Shapes: (channels, height, width).

    Raises: RuntimeError when the file is no picture."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    import engine as torch

    try:
        picture: Any = Image.open(path)
        picture.load()
    except FileNotFoundError:
        raise RuntimeError(f"[Errno 2] No such file or directory: '{path}'") from None
    except (UnidentifiedImageError, OSError) as e:
        raise RuntimeError(f"{path} cannot be read as a picture: {e}") from None
    if apply_exif_orientation:
        picture = ImageOps.exif_transpose(picture)
    if mode in PIL_MODES:
        picture = picture.convert(PIL_MODES[mode])
    elif picture.mode not in ("L", "LA", "RGB", "RGBA"):
        picture = picture.convert("RGB")
    a = np.array(picture)
    return torch.from_numpy(np.ascontiguousarray(a[None] if a.ndim == 2 else a.transpose(2, 0, 1)))


def write_png(input: Any, filename: str, compression_level: int = 6) -> None:
    """Write a uint8 tensor as a PNG file. Shapes: (channels, height, width)."""
    from engine.vision.transforms.functional import to_pil_image

    to_pil_image(input).save(filename, "png", compress_level=compression_level)


def write_jpeg(input: Any, filename: str, quality: int = 75) -> None:
    """Write a uint8 tensor as a JPEG file. Shapes: (channels, height, width)."""
    from engine.vision.transforms.functional import to_pil_image

    to_pil_image(input).save(filename, "jpeg", quality=quality)
