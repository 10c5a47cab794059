"""Transforms of pictures and tensors, as objects that can be composed.

plain.py       without chance: ToTensor, Normalize, Resize, CenterCrop, Pad ...
chance.py      with chance, drawn from the engine's random stream: RandomCrop, RandomHorizontalFlip ...
functional.py  the same as plain functions
"""

from engine.vision.transforms import functional
from engine.vision.transforms.chance import (
    ColorJitter, RandomApply, RandomChoice, RandomCrop, RandomErasing, RandomGrayscale, RandomHorizontalFlip,
    RandomOrder, RandomResizedCrop, RandomRotation, RandomVerticalFlip,
)
from engine.vision.transforms.functional import InterpolationMode
from engine.vision.transforms.plain import (
    CenterCrop, Compose, ConvertImageDtype, FiveCrop, Grayscale, Lambda, Normalize, Pad, PILToTensor, Resize,
    ToPILImage, ToTensor,
)

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "ConvertImageDtype",
    "FiveCrop",
    "Grayscale",
    "InterpolationMode",
    "Lambda",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandomApply",
    "RandomChoice",
    "RandomCrop",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomOrder",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomVerticalFlip",
    "Resize",
    "ToPILImage",
    "ToTensor",
    "functional",
]
