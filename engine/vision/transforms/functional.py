"""Transforms as plain functions, on PIL pictures and on tensors of shape (..., height, width)."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np


class InterpolationMode(Enum):
    """How new pixels are computed from old ones."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


PIL_FILTERS = {
    "nearest": 0,
    "nearest-exact": 0,
    "lanczos": 1,
    "bilinear": 2,
    "bicubic": 3,
    "box": 4,
    "hamming": 5,
}


def is_tensor(picture: Any) -> bool:
    """True for a tensor, False for a PIL picture.

    Raises: TypeError for anything else."""
    if hasattr(picture, "_a"):
        return True
    from PIL import Image

    if not isinstance(picture, Image.Image):
        raise TypeError(f"Unexpected type {type(picture)}")
    return False


def get_image_size(picture: Any) -> list[int]:
    """[width, height]"""
    return [picture.shape[-1], picture.shape[-2]] if is_tensor(picture) else list(picture.size)


def get_dimensions(picture: Any) -> list[int]:
    """[channels, height, width]"""
    if is_tensor(picture):
        channels = 1 if picture.ndim == 2 else picture.shape[-3]
        return [channels, picture.shape[-2], picture.shape[-1]]
    return [len(picture.getbands()), picture.size[1], picture.size[0]]


def pil_to_tensor(picture: Any) -> Any:
    """A PIL picture as a tensor of its own type. Shapes: (channels, height, width)."""
    import engine as torch

    a = np.array(picture, copy=True)
    a = a[:, :, None] if a.ndim == 2 else a
    return torch.from_numpy(np.ascontiguousarray(a.transpose(2, 0, 1)))


def to_tensor(picture: Any) -> Any:
    """A picture or array (height, width, channels) as a float tensor from 0 to 1 (channels, height, width).

    Raises: TypeError for what is neither; ValueError for an array of other than 2 or 3 dimensions."""
    import engine as torch

    if isinstance(picture, np.ndarray):
        if picture.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {picture.ndim} dimensions.")
        a = picture[:, :, None] if picture.ndim == 2 else picture
        t = torch.from_numpy(np.ascontiguousarray(a.transpose(2, 0, 1)))
        return t.to(dtype=torch.get_default_dtype()).div(255) if t.dtype is torch.uint8 else t
    if hasattr(picture, "_a"):
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(picture)}")
    from PIL import Image

    if not isinstance(picture, Image.Image):
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(picture)}")
    if picture.mode == "1":
        return (
            torch.from_numpy(255 * np.array(picture, np.uint8)[None]).to(torch.get_default_dtype()).div(255)
        )
    t = pil_to_tensor(picture)
    return t.to(dtype=torch.get_default_dtype()).div(255) if t.dtype is torch.uint8 else t


def to_pil_image(picture: Any, mode: str | None = None) -> Any:
    """A tensor (channels, height, width) or array (height, width, channels) as a PIL picture."""
    from PIL import Image

    if hasattr(picture, "_a"):
        if picture.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {picture.ndim} dimensions.")
        t = picture.unsqueeze(0) if picture.ndim == 2 else picture
        if t.shape[-3] > 4:
            raise ValueError(f"pic should not have > 4 channels. Got {t.shape[-3]} channels.")
        if t.is_floating_point() and mode != "F":
            t = t.mul(255).byte()
        a = t.detach().numpy().transpose(1, 2, 0)
    elif isinstance(picture, np.ndarray):
        if picture.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {picture.ndim} dimensions.")
        a = picture[:, :, None] if picture.ndim == 2 else picture
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(picture)}.")
    a = np.ascontiguousarray(a[:, :, 0] if a.shape[2] == 1 else a)
    return Image.fromarray(a) if mode is None else Image.fromarray(a).convert(mode)


def normalize(tensor: Any, mean: Any, std: Any, inplace: bool = False) -> Any:
    """(tensor - mean) / std, channel by channel."""
    import engine as torch

    if not hasattr(tensor, "_a"):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError("Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = "
                         f"{tensor.size()}")
    if not inplace:
        tensor = tensor.clone()
    mean_t, std_t = torch.as_tensor(mean, dtype=tensor.dtype), torch.as_tensor(std, dtype=tensor.dtype)
    if bool((std_t == 0).any()):
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by "
                         f"zero.")
    if mean_t.ndim == 1:
        mean_t = mean_t.view(-1, 1, 1)
    if std_t.ndim == 1:
        std_t = std_t.view(-1, 1, 1)
    return tensor.sub_(mean_t).div_(std_t)


def _target_size(picture: Any, size: Any, max_size: int | None) -> tuple[int, int]:
    """(height, width) to resize to; one number is for the shorter side."""
    width, height = get_image_size(picture)
    if not isinstance(size, int) and len(size) == 2:
        return int(size[0]), int(size[1])
    wanted = size if isinstance(size, int) else size[0]
    short, long = min(width, height), max(width, height)
    new_short, new_long = wanted, int(wanted * long / short)
    if max_size is not None and new_long > max_size:
        new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_long, new_short) if width <= height else (new_short, new_long)


def resize(
    picture: Any,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """The picture in another size; one number is for the shorter side."""
    height, width = _target_size(picture, size, max_size)
    how = interpolation.value if isinstance(interpolation, InterpolationMode) else interpolation
    if not is_tensor(picture):
        return picture.resize((width, height), how if isinstance(how, int) else PIL_FILTERS[how])
    import engine as torch
    from engine.nn.functional import interpolate

    t = picture if picture.ndim == 4 else picture.unsqueeze(0)
    kind = t.dtype
    if not kind.is_floating_point:
        t = t.to(torch.float32)
    smooth = how in ("bilinear", "bicubic")
    y = interpolate(t, size=(height, width), mode=how, align_corners=False if smooth else None,
                    antialias=bool(antialias) and smooth)
    if not kind.is_floating_point:
        y = y.round().clamp(0, 255).to(kind)
    return y if picture.ndim == 4 else y.squeeze(0)


def crop(picture: Any, top: int, left: int, height: int, width: int) -> Any:
    """A part of the picture; what lies outside it is 0."""
    if not is_tensor(picture):
        return picture.crop((left, top, left + width, top + height))
    w, h = get_image_size(picture)
    if left < 0 or top < 0 or left + width > w or top + height > h:
        before = [max(-left, 0), max(-top, 0)]
        after = [max(left + width - w, 0), max(top + height - h, 0)]
        picture = pad(picture, [*before, *after])
        left, top = left + before[0], top + before[1]
    return picture[..., top:top + height, left:left + width]


def center_crop(picture: Any, output_size: Any) -> Any:
    """The middle of the picture."""
    size = (output_size, output_size) if isinstance(output_size, int) else \
        (output_size[0], output_size[0]) if len(output_size) == 1 else tuple(output_size)
    w, h = get_image_size(picture)
    height, width = size
    if width > w or height > h:
        padding = [(width - w) // 2 if width > w else 0, (height - h) // 2 if height > h else 0,
                   (width - w + 1) // 2 if width > w else 0, (height - h + 1) // 2 if height > h else 0]
        picture = pad(picture, padding)
        w, h = get_image_size(picture)
    return crop(picture, int(round((h - height) / 2.0)), int(round((w - width) / 2.0)), height, width)


def pad(picture: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """The picture with a border: one number, (sides, top and bottom), or (left, top, right, bottom)."""
    p = [padding] * 4 if isinstance(padding, int) else list(padding)
    if len(p) == 1:
        p = p * 4
    if len(p) == 2:
        p = [p[0], p[1], p[0], p[1]]
    left, top, right, bottom = p
    if is_tensor(picture):
        from engine.nn.functional import pad as pad_tensor

        mode = {"edge": "replicate", "reflect": "reflect", "constant": "constant"}[padding_mode]
        t = picture if picture.ndim > 2 or mode == "constant" else picture.unsqueeze(0)
        y = pad_tensor(
            t, [left, right, top, bottom], mode, *([float(fill or 0)] if mode == "constant" else [])
        )
        return y if t is picture else y.squeeze(0)
    if padding_mode == "constant":
        from PIL import ImageOps

        return ImageOps.expand(picture, (left, top, right, bottom), fill)
    a = np.asarray(picture)
    width = [(top, bottom), (left, right)] + ([(0, 0)] if a.ndim == 3 else [])
    return to_pil_image(np.pad(a, width, mode={"edge": "edge", "reflect": "reflect",
                                               "symmetric": "symmetric"}[padding_mode]))


def hflip(picture: Any) -> Any:
    """Left and right swapped."""
    return picture.flip(-1) if is_tensor(picture) else picture.transpose(0)


def vflip(picture: Any) -> Any:
    """Top and bottom swapped."""
    return picture.flip(-2) if is_tensor(picture) else picture.transpose(1)


def rotate(picture: Any, angle: float, interpolation: Any = InterpolationMode.NEAREST, expand: bool = False,
           center: Any = None, fill: Any = None) -> Any:
    """The picture turned, against the clock. Units: degrees."""
    how = PIL_FILTERS[interpolation.value if isinstance(interpolation, InterpolationMode) else interpolation]
    if is_tensor(picture):
        kind = picture.dtype
        turned = rotate(to_pil_image(picture), angle, interpolation, expand, center, fill)
        y = pil_to_tensor(turned)
        return (y.to(kind) / 255 if kind.is_floating_point else y).to(kind)
    return picture.rotate(angle, how, expand, center, fillcolor=fill)


def rgb_to_grayscale(picture: Any, num_output_channels: int = 1) -> Any:
    """The picture without its colours."""
    if not is_tensor(picture):
        gray = picture.convert("L")
        if num_output_channels == 3:
            a = np.array(gray, dtype=np.uint8)
            from PIL import Image

            return Image.fromarray(np.dstack([a, a, a]), "RGB")
        return gray
    r, g, b = picture.unbind(dim=-3)
    y = (0.2989 * r + 0.587 * g + 0.114 * b).to(picture.dtype).unsqueeze(dim=-3)
    return y.expand(picture.shape) if num_output_channels == 3 else y


def to_grayscale(picture: Any, num_output_channels: int = 1) -> Any:
    """A PIL picture without its colours."""
    return rgb_to_grayscale(picture, num_output_channels)


def _enhanced(picture: Any, factor: float, kind: str) -> Any:
    from PIL import ImageEnhance

    return getattr(ImageEnhance, kind)(picture).enhance(factor)


def _blend(a: Any, b: Any, ratio: float) -> Any:
    top = 1.0 if a.is_floating_point() else 255.0
    return (ratio * a + (1.0 - ratio) * b).clamp(0, top).to(a.dtype)


def adjust_brightness(picture: Any, factor: float) -> Any:
    """Darker below 1, brighter above."""
    return (
        _blend(picture, picture * 0, factor)
        if is_tensor(picture)
        else _enhanced(picture, factor, "Brightness")
    )


def adjust_contrast(picture: Any, factor: float) -> Any:
    """Flatter below 1, stronger above."""
    if not is_tensor(picture):
        return _enhanced(picture, factor, "Contrast")
    import engine as torch

    gray = rgb_to_grayscale(picture) if picture.shape[-3] == 3 else picture
    mean = gray.to(torch.float32 if not gray.is_floating_point() else gray.dtype).mean(
        dim=(-3, -2, -1), keepdim=True
    )
    return _blend(picture, mean, factor)


def adjust_saturation(picture: Any, factor: float) -> Any:
    """Greyer below 1, more colourful above."""
    if not is_tensor(picture):
        return _enhanced(picture, factor, "Color")
    return _blend(picture, rgb_to_grayscale(picture), factor)


def adjust_hue(picture: Any, factor: float) -> Any:
    """Colours turned around the wheel. Units: turns, from -0.5 to 0.5."""
    if not -0.5 <= factor <= 0.5:
        raise ValueError(f"hue_factor ({factor}) is not in [-0.5, 0.5].")
    if is_tensor(picture):
        kind = picture.dtype
        y = pil_to_tensor(adjust_hue(to_pil_image(picture), factor))
        return (y.to(kind) / 255 if kind.is_floating_point else y).to(kind)
    if picture.mode in ("L", "1", "I", "F"):
        return picture
    from PIL import Image

    h, s, v = picture.convert("HSV").split()
    turned = np.array(h, dtype=np.uint8) + np.array(factor * 255).astype(np.int32).astype(np.uint8)
    return Image.merge("HSV", (Image.fromarray(turned, "L"), s, v)).convert(picture.mode)


def convert_image_dtype(picture: Any, dtype: Any) -> Any:
    """A tensor picture in another type, its values scaled to that type's range."""
    import engine as torch

    if picture.dtype is dtype:
        return picture
    if picture.is_floating_point():
        if dtype.is_floating_point:
            return picture.to(dtype)
        top = torch.iinfo(dtype).max
        return picture.mul(top + 1 - 1e-3).to(dtype)
    have = torch.iinfo(picture.dtype).max
    if dtype.is_floating_point:
        return picture.to(dtype) / have
    want = torch.iinfo(dtype).max
    if have > want:
        return torch.div(picture, (have + 1) // (want + 1), rounding_mode="floor").to(dtype)
    return picture.to(dtype) * ((want + 1) // (have + 1))
