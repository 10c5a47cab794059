"""Data sets in their official file formats.

vision.py  the base, with transforms and repr
cifar.py   CIFAR10, CIFAR100
mnist.py   MNIST, FashionMNIST, KMNIST
folder.py  ImageFolder, DatasetFolder
fake.py    FakeData
"""

from engine.vision.datasets.cifar import CIFAR10, CIFAR100
from engine.vision.datasets.fake import FakeData
from engine.vision.datasets.folder import DatasetFolder, ImageFolder, default_loader
from engine.vision.datasets.mnist import KMNIST, MNIST, FashionMNIST
from engine.vision.datasets.vision import VisionDataset

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "DatasetFolder",
    "FakeData",
    "FashionMNIST",
    "ImageFolder",
    "KMNIST",
    "MNIST",
    "VisionDataset",
    "default_loader",
]


def __getattr__(name: str):
    if name in ("LSUN", "ImageNet", "CocoDetection", "VOCDetection", "SVHN", "STL10", "CelebA"):
        def missing(*args, **kwargs):
            raise NotImplementedError(f"torchvision.datasets.{name} is not part of Gradwalk's engine. Use "
                                      f"ImageFolder on "
                                      "the unpacked pictures, or one of CIFAR10, MNIST, FashionMNIST, "
                                      "FakeData.")
        missing.__name__ = name
        return missing
    raise AttributeError(f"module 'torchvision.datasets' has no attribute '{name}'")
