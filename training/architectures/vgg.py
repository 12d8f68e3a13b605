"""VGG's convolutions, keyed as torchvision keys them, pooled as the networks that are built on them need.

Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015, arXiv 1409.1556,
table 1, columns A, B, D and E: five stages of 3x3 convolutions, each followed by a pooling.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Literal, cast

from torch import Tensor, nn

from training.architectures.pooling import MaxPoolCeil

VGGName = Literal["vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]
"""The name is also that of the ImageNet weights in the catalogue."""

CHANNELS = (64, 128, 256, 512, 512)
"""Of the five stages."""
_CONVOLUTIONS = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}


def vgg_stages(name: VGGName) -> list[list[nn.Module]]:
    """Make the layers of the five stages, without the poolings between them, weights from torch's global generator.

    They begin as torchvision's (He et al., arXiv 1502.01852): VGG's own way needs a shallower net trained first.
    """
    stages: list[list[nn.Module]] = []
    inputs = 3
    for count, width in zip(_CONVOLUTIONS[name.removesuffix("_bn")], CHANNELS, strict=True):
        layers: list[nn.Module] = []
        for _ in range(count):
            convolution = nn.Conv2d(inputs, width, 3, padding=1)
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(cast(Tensor, convolution.bias))
            layers += [convolution, *([nn.BatchNorm2d(width)] if name.endswith("_bn") else []), nn.ReLU(inplace=True)]
            inputs = width
        stages.append(layers)
    return stages


def vgg_features(name: VGGName) -> nn.Sequential:
    """Make what torchvision calls `features`, with poolings that round sizes up."""
    return nn.Sequential(*(layer for stage in vgg_stages(name) for layer in (*stage, MaxPoolCeil(2))))


def large_fov_features(name: VGGName) -> nn.Sequential:
    """Make `features` as the DeepLabs have them: output stride 8, sides ceil(H / 8) and ceil(W / 8).

    Chen et al., arXiv 1412.7062, section 3.1: the last two poolings keep the size and what follows the fourth is
    dilated by 2. As in the authors' release every pooling is 3x3, padded by 1, so that with sides of 8k + 1 (their
    crop: 321) the maps' corners lie on the image's corners.
    """
    layers: list[nn.Module] = []
    for index, stage in enumerate(vgg_stages(name)):
        if index == 4:
            for convolution in (layer for layer in stage if isinstance(layer, nn.Conv2d)):
                convolution.dilation = convolution.padding = (2, 2)
        layers += [*stage, nn.MaxPool2d(3, stride=2 if index < 3 else 1, padding=1)]
    return nn.Sequential(*layers)


class VGG(nn.Module):
    """The five stages for a network that does the pooling itself; keys `features.N`, as torchvision's."""

    def __init__(self, name: VGGName) -> None:
        super().__init__()
        self.features = vgg_features(name)
        poolings = [index for index, layer in enumerate(self.features) if isinstance(layer, MaxPoolCeil)]
        self._bounds = [(before + 1, pooling) for before, pooling in pairwise([-1, *poolings])]

    def stage(self, index: int, x: Tensor) -> Tensor:
        """Map `x` through the convolutions of one stage, 0..4, without the pooling that follows them."""
        for layer in self.stage_layers(index):
            x = layer(x)
        return x

    def stage_layers(self, index: int) -> Iterator[nn.Module]:
        """Return the layers of one stage, 0..4, without the pooling that follows them."""
        return islice(self.features, *self._bounds[index])
