"""MobileNetV2: thin ends, wide middles, one filter a channel.

Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018)
"""

from __future__ import annotations

from typing import Any

import engine as torch
from engine import nn
from engine.vision.models.weight import chosen, filled, weights_of

MobileNet_V2_Weights = weights_of("MobileNet_V2_Weights", IMAGENET1K_V1="mobilenet_v2-b0353104.pth",
                                  IMAGENET1K_V2="mobilenet_v2-7ebf99e0.pth")


def divisible(v: float, by: int = 8) -> int:
    """The nearest multiple of `by`, not more than a tenth below v."""
    n = max(by, int(v + by / 2) // by * by)
    return n + by if n < 0.9 * v else n


class Conv2dNormActivation(nn.Sequential):
    """Convolution, batch normalisation, ReLU6."""

    def __init__(self, channels_in: int, channels_out: int, kernel_size: int = 3, stride: int = 1,
                 groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(
                channels_in,
                channels_out,
                kernel_size,
                stride,
                (kernel_size - 1) // 2,
                groups=groups,
                bias=False,
            ),
            nn.BatchNorm2d(channels_out),
            nn.ReLU6(inplace=True),
        )
        self.out_channels = channels_out


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow; added to the input where sizes agree."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, expand_ratio: int) -> None:
        super().__init__()
        self.stride = stride
        hidden = int(round(channels_in * expand_ratio))
        self.use_res_connect = stride == 1 and channels_in == channels_out
        layers: list[nn.Module] = []
        if expand_ratio != 1:
            layers.append(Conv2dNormActivation(channels_in, hidden, kernel_size=1))
        layers += [Conv2dNormActivation(hidden, hidden, stride=stride, groups=hidden),
                   nn.Conv2d(hidden, channels_out, 1, 1, 0, bias=False), nn.BatchNorm2d(channels_out)]
        self.conv = nn.Sequential(*layers)
        self.out_channels = channels_out

    def forward(self, x: Any) -> Any:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Seventeen inverted residuals and one linear layer."""

    def __init__(self, num_classes: int = 1000, width_mult: float = 1.0, dropout: float = 0.2) -> None:
        super().__init__()
        setting = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                   (6, 320, 1, 1)]
        channels = divisible(32 * width_mult)
        self.last_channel = divisible(1280 * max(1.0, width_mult))
        features: list[nn.Module] = [Conv2dNormActivation(3, channels, stride=2)]
        for expand, width, count, stride in setting:
            out = divisible(width * width_mult)
            for i in range(count):
                features.append(InvertedResidual(channels, out, stride if i == 0 else 1, expand))
                channels = out
        features.append(Conv2dNormActivation(channels, self.last_channel, kernel_size=1))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout), nn.Linear(self.last_channel, num_classes))
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out")
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.ones_(m.weight)
                nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, 0, 0.01)
                nn.init.zeros_(m.bias)

    def forward(self, x: Any) -> Any:
        x = self.features(x)
        x = nn.functional.adaptive_avg_pool2d(x, (1, 1))
        return self.classifier(torch.flatten(x, 1))


def mobilenet_v2(
    pretrained: Any = None, *, weights: Any = None, progress: bool = True, **kwargs: Any
) -> MobileNetV2:
    """MobileNetV2; weights= or pretrained=True for ImageNet's."""
    if pretrained is not None:
        kwargs["pretrained"] = pretrained
    picked = chosen(MobileNet_V2_Weights, weights, kwargs)
    return filled(MobileNetV2(**kwargs), picked, progress)
