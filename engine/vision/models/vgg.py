"""VGG: 3 x 3 convolutions, deeper and deeper.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2014)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import engine as torch
from engine import nn
from engine.vision.models.weight import chosen, filled, weights_of

VGG11_Weights = weights_of("VGG11_Weights", IMAGENET1K_V1="vgg11-8a719046.pth")
VGG11_BN_Weights = weights_of("VGG11_BN_Weights", IMAGENET1K_V1="vgg11_bn-6002323d.pth")
VGG13_Weights = weights_of("VGG13_Weights", IMAGENET1K_V1="vgg13-19584684.pth")
VGG16_Weights = weights_of("VGG16_Weights", IMAGENET1K_V1="vgg16-397923af.pth")
VGG16_BN_Weights = weights_of("VGG16_BN_Weights", IMAGENET1K_V1="vgg16_bn-6c64b313.pth")
VGG19_Weights = weights_of("VGG19_Weights", IMAGENET1K_V1="vgg19-dcbb9e9d.pth")
POOL = 0
STAGES = {
    11: [64, POOL, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512, POOL],
    13: [64, 64, POOL, 128, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512, POOL],
    16: [64, 64, POOL, 128, 128, POOL, 256, 256, 256, POOL, 512, 512, 512, POOL, 512, 512, 512, POOL],
    19: [64, 64, POOL, 128, 128, POOL, *[256] * 4, POOL, *[512] * 4, POOL, *[512] * 4, POOL],
}


def make_layers(stages: list[int], batch_norm: bool = False) -> nn.Sequential:
    """The convolutions of a stage list; 0 is a pooling."""
    layers: list[nn.Module] = []
    channels = 3
    for width in stages:
        if width == POOL:
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
            continue
        layers.append(nn.Conv2d(channels, width, kernel_size=3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU(inplace=True))
        channels = width
    return nn.Sequential(*layers)


class VGG(nn.Module):
    """A stack of convolutions and three linear layers."""

    def __init__(self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True,
                 dropout: float = 0.5) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(True), nn.Dropout(p=dropout),
            nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(p=dropout), nn.Linear(4096, num_classes),
        )
        if init_weights:
            for m in self.modules():
                if isinstance(m, nn.Conv2d):
                    nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                    if m.bias is not None:
                        nn.init.constant_(m.bias, 0)
                elif isinstance(m, nn.BatchNorm2d):
                    nn.init.constant_(m.weight, 1)
                    nn.init.constant_(m.bias, 0)
                elif isinstance(m, nn.Linear):
                    nn.init.normal_(m.weight, 0, 0.01)
                    nn.init.constant_(m.bias, 0)

    def forward(self, x: Any) -> Any:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _builder(name: str, depth: int, batch_norm: bool, kind: Any) -> Callable[..., VGG]:
    def function(pretrained: Any = None, *, weights: Any = None, progress: bool = True, **kwargs: Any) -> VGG:
        if pretrained is not None:
            kwargs["pretrained"] = pretrained
        picked = chosen(kind, weights, kwargs)
        if picked is not None:
            kwargs["init_weights"] = False
        return filled(VGG(make_layers(STAGES[depth], batch_norm), **kwargs), picked, progress)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"VGG-{depth}; weights= or pretrained=True for ImageNet's."
    return function


vgg11 = _builder("vgg11", 11, False, VGG11_Weights)
vgg11_bn = _builder("vgg11_bn", 11, True, VGG11_BN_Weights)
vgg13 = _builder("vgg13", 13, False, VGG13_Weights)
vgg16 = _builder("vgg16", 16, False, VGG16_Weights)
vgg16_bn = _builder("vgg16_bn", 16, True, VGG16_BN_Weights)
vgg19 = _builder("vgg19", 19, False, VGG19_Weights)
