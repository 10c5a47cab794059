"""Networks by their published shapes, with pretrained weights where they can be had.

resnet.py     ResNet 18 to 152
alexnet.py    AlexNet
vgg.py        VGG 11 to 19, with and without batch normalisation
mobilenet.py  MobileNetV2
weight.py     which files the pretrained weights are in
"""

from engine.vision.models.alexnet import AlexNet, AlexNet_Weights, alexnet
from engine.vision.models.mobilenet import MobileNet_V2_Weights, MobileNetV2, mobilenet_v2
from engine.vision.models.resnet import (
    ResNet,
    ResNet18_Weights,
    ResNet34_Weights,
    ResNet50_Weights,
    ResNet101_Weights,
    ResNet152_Weights,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
)
from engine.vision.models.vgg import (
    VGG,
    VGG11_BN_Weights,
    VGG11_Weights,
    VGG13_Weights,
    VGG16_BN_Weights,
    VGG16_Weights,
    VGG19_Weights,
    vgg11,
    vgg11_bn,
    vgg13,
    vgg16,
    vgg16_bn,
    vgg19,
)

__all__ = [
    "AlexNet",
    "AlexNet_Weights",
    "MobileNetV2",
    "MobileNet_V2_Weights",
    "ResNet",
    "ResNet101_Weights",
    "ResNet152_Weights",
    "ResNet18_Weights",
    "ResNet34_Weights",
    "ResNet50_Weights",
    "VGG",
    "VGG11_BN_Weights",
    "VGG11_Weights",
    "VGG13_Weights",
    "VGG16_BN_Weights",
    "VGG16_Weights",
    "VGG19_Weights",
    "alexnet",
    "get_model",
    "list_models",
    "mobilenet_v2",
    "resnet101",
    "resnet152",
    "resnet18",
    "resnet34",
    "resnet50",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg16",
    "vgg16_bn",
    "vgg19",
]


def list_models() -> list[str]:
    """Names that get_model takes."""
    return sorted(n for n in __all__ if n.islower() and n not in ("get_model", "list_models"))


def get_model(name: str, **config):
    """The network of this name."""
    if name not in list_models():
        raise ValueError(f"Unknown model {name}")
    return globals()[name](**config)
