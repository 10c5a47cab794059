"""Transforms with chance. Draws come from the engine's random stream, in torchvision's order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import engine as torch
from engine.nn import Module
from engine.vision.transforms import functional as F
from engine.vision.transforms.functional import InterpolationMode
from engine.vision.transforms.plain import sizes


class _Flip(Module):
    """A flip with probability p."""

    flip: Callable = staticmethod(lambda img: img)

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        return self.flip(img) if torch.rand(1) < self.p else img

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}(p={self.p})"


class RandomHorizontalFlip(_Flip):
    """Left and right swapped, with probability p."""

    flip = staticmethod(F.hflip)


class RandomVerticalFlip(_Flip):
    """Top and bottom swapped, with probability p."""

    flip = staticmethod(F.vflip)


class RandomCrop(Module):
    """A part of the picture, anywhere."""

    def __init__(self, size: Any, padding: Any = None, pad_if_needed: bool = False, fill: Any = 0,
                 padding_mode: str = "constant") -> None:
        super().__init__()
        self.size, self.padding, self.pad_if_needed = sizes(size), padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Where to crop: (top, left, height, width).

        Raises: ValueError when the picture is smaller."""
        _, h, w = F.get_dimensions(img)
        th, tw = output_size
        if h < th or w < tw:
            raise ValueError(f"Required crop size {(th, tw)} is larger than input image size {(h, w)}")
        if w == tw and h == th:
            return 0, 0, h, w
        i = torch.randint(0, h - th + 1, size=(1,)).item()
        j = torch.randint(0, w - tw + 1, size=(1,)).item()
        return i, j, th, tw

    def forward(self, img: Any) -> Any:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, height, width = F.get_dimensions(img)
        if self.pad_if_needed and width < self.size[1]:
            img = F.pad(img, [self.size[1] - width, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and height < self.size[0]:
            img = F.pad(img, [0, self.size[0] - height], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}(size={self.size}, padding={self.padding})"


class RandomResizedCrop(Module):
    """A part of the picture of random area and shape, brought to one size."""

    def __init__(
        self,
        size: Any,
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size, self.scale, self.ratio = sizes(size), scale, ratio
        self.interpolation, self.antialias = interpolation, antialias

    @staticmethod
    def get_params(img: Any, scale: Any, ratio: Any) -> tuple[int, int, int, int]:
        """Where to crop: (top, left, height, width)."""
        _, height, width = F.get_dimensions(img)
        area = height * width
        log_ratio = torch.log(torch.tensor(ratio))  # type: ignore[operator]
        for _ in range(10):
            target = area * torch.empty(1).uniform_(scale[0], scale[1]).item()
            aspect = torch.exp(torch.empty(1).uniform_(log_ratio[0].item(), log_ratio[1].item())).item()
            w, h = int(round(math.sqrt(target * aspect))), int(round(math.sqrt(target / aspect)))
            if 0 < w <= width and 0 < h <= height:
                i = torch.randint(0, height - h + 1, size=(1,)).item()
                j = torch.randint(0, width - w + 1, size=(1,)).item()
                return i, j, h, w
        have = width / height
        if have < min(ratio):
            w, h = width, int(round(width / min(ratio)))
        elif have > max(ratio):
            w, h = int(round(height * max(ratio))), height
        else:
            w, h = width, height
        return (height - h) // 2, (width - w) // 2, h, w

    def forward(self, img: Any) -> Any:
        i, j, h, w = self.get_params(img, self.scale, self.ratio)
        return F.resize(
            F.crop(img, i, j, h, w), list(self.size), self.interpolation, antialias=self.antialias
        )

    def __repr__(self) -> str:
        how = self.interpolation.value
        return (f"{self.__class__.__name__}(size={self.size}, "
                f"scale={tuple(round(s, 4) for s in self.scale)}, "
                f"ratio={tuple(round(r, 4) for r in self.ratio)}, interpolation={how}, "
                f"antialias={self.antialias})")


class RandomRotation(Module):
    """The picture turned by a random angle. Units: degrees."""

    def __init__(self, degrees: Any, interpolation: Any = InterpolationMode.NEAREST, expand: bool = False,
                 center: Any = None, fill: Any = 0) -> None:
        super().__init__()
        self.degrees = [-float(degrees), float(degrees)] if isinstance(degrees, (int, float)) else \
            [float(d) for d in degrees]
        self.interpolation, self.expand, self.center, self.fill = interpolation, expand, center, fill

    def forward(self, img: Any) -> Any:
        angle = float(torch.empty(1).uniform_(self.degrees[0], self.degrees[1]).item())
        return F.rotate(img, angle, self.interpolation, self.expand, self.center, self.fill)

    def __repr__(self) -> str:
        return (f"{self.__class__.__name__}(degrees={self.degrees}, "
                f"interpolation={self.interpolation.value}, "
                f"expand={self.expand}" + (f", center={self.center}" if self.center is not None else "")
                + (f", fill={self.fill}" if self.fill is not None else "") + ")")


class RandomGrayscale(Module):
    """The picture without its colours, with probability p."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        channels = F.get_dimensions(img)[0]
        return F.rgb_to_grayscale(img, channels) if torch.rand(1) < self.p else img

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}(p={self.p})"


class ColorJitter(Module):
    """Brightness, contrast, saturation and hue changed at random, in random order."""

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0) -> None:
        super().__init__()
        self.brightness, self.contrast = self._range(brightness), self._range(contrast)
        self.saturation, self.hue = self._range(saturation), self._range(hue, 0.0, (-0.5, 0.5))

    @staticmethod
    def _range(value: Any, middle: float = 1.0, bound: tuple[float, float] = (0, float("inf"))) -> Any:
        if isinstance(value, (int, float)):
            if value < 0:
                raise ValueError("If it is a single number, it must be non negative.")
            value = [middle - float(value), middle + float(value)]
            if middle == 1.0:
                value[0] = max(value[0], 0.0)
        if not bound[0] <= value[0] <= value[1] <= bound[1]:
            raise ValueError(f"values should be between {bound}, but got {value}.")
        return None if value[0] == value[1] == middle else (float(value[0]), float(value[1]))

    def forward(self, img: Any) -> Any:
        order = torch.randperm(4)
        steps = [(self.brightness, F.adjust_brightness), (self.contrast, F.adjust_contrast),
                 (self.saturation, F.adjust_saturation), (self.hue, F.adjust_hue)]
        factors = [None if r is None else float(torch.empty(1).uniform_(r[0], r[1])) for r, _ in steps]
        for k in order.tolist():
            if factors[k] is not None:
                img = steps[k][1](img, factors[k])
        return img

    def __repr__(self) -> str:
        return (f"{self.__class__.__name__}(brightness={self.brightness}, contrast={self.contrast}, "
                f"saturation={self.saturation}, hue={self.hue})")


class RandomErasing(Module):
    """A random rectangle of a tensor picture blanked, with probability p."""

    def __init__(self, p: float = 0.5, scale: tuple[float, float] = (0.02, 0.33),
                 ratio: tuple[float, float] = (0.3, 3.3), value: Any = 0, inplace: bool = False) -> None:
        super().__init__()
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    def forward(self, img: Any) -> Any:
        if not torch.rand(1) < self.p:
            return img
        height, width = img.shape[-2:]
        log_ratio = torch.log(torch.tensor(self.ratio))  # type: ignore[operator]
        for _ in range(10):
            target = height * width * torch.empty(1).uniform_(self.scale[0], self.scale[1]).item()
            aspect = torch.exp(torch.empty(1).uniform_(log_ratio[0].item(), log_ratio[1].item())).item()
            h, w = int(round(math.sqrt(target * aspect))), int(round(math.sqrt(target / aspect)))
            if h < height and w < width:
                i = torch.randint(0, height - h + 1, size=(1,)).item()
                j = torch.randint(0, width - w + 1, size=(1,)).item()
                out = img if self.inplace else img.clone()
                out[..., i:i + h, j:j + w] = self.value
                return out
        return img


class RandomApply(Module):
    """Transforms applied together, with probability p."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__()
        self.transforms, self.p = transforms, p

    def forward(self, img: Any) -> Any:
        if self.p < torch.rand(1):
            return img
        for t in self.transforms:
            img = t(img)
        return img


class RandomChoice:
    """One of several transforms."""

    def __init__(self, transforms: Any, p: Any = None) -> None:
        self.transforms, self.p = transforms, p

    def __call__(self, img: Any) -> Any:
        import random

        return random.choices(self.transforms, weights=self.p)[0](img)


class RandomOrder:
    """Several transforms in random order."""

    def __init__(self, transforms: Any) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        import random

        order = list(range(len(self.transforms)))
        random.shuffle(order)
        for i in order:
            img = self.transforms[i](img)
        return img
