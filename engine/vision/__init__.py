"""torchvision's face: data sets, models, transforms, image files.

datasets/    CIFAR10, MNIST, FashionMNIST, ImageFolder, FakeData
models/      ResNet, AlexNet, VGG, MobileNetV2
transforms/  on PIL images and tensors; functional.py has the plain functions
utils.py     make_grid, save_image
io.py        read_image
fetch.py     downloads with progress and resume
May import: the engine's faces (tensor, nn, data).
"""

from engine.vision import datasets, io, models, transforms, utils

__version__ = "0.28.0"
__all__ = ["datasets", "io", "models", "transforms", "utils"]


def set_image_backend(backend: str) -> None:
    """Accepts 'PIL', the one there is.

    Raises: ValueError for another."""
    if backend != "PIL":
        raise ValueError(f"Invalid backend '{backend}'. Options are 'PIL'")


def get_image_backend() -> str:
    """The library that loads images."""
    return "PIL"
