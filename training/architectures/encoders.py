"""torchvision's ResNets as feature pyramids for decoders."""

from __future__ import annotations

from typing import Literal, cast

import torchvision.models
from torch import Tensor, nn

ResNetName = Literal["resnet18", "resnet34", "resnet50", "resnet101"]


class ResNetPyramid(nn.Module):
    """A ResNet without its classifier, giving its feature maps from fine to coarse.

    Keys are torchvision's, so that its ImageNet checkpoints load. Inputs of any size: each stage halves and rounds
    up.

    Attributes:
        channels: of the maps at stride 2, 4, 8, 16 and 32.
    """

    def __init__(self, name: ResNetName) -> None:
        super().__init__()
        resnet = getattr(torchvision.models, name)(weights=None)
        self.conv1, self.bn1, self.relu, self.maxpool = resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool
        self.layer1, self.layer2, self.layer3, self.layer4 = resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4
        coarsest = cast(int, resnet.fc.in_features)
        self.channels = (64, coarsest // 8, coarsest // 4, coarsest // 2, coarsest)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (N, 3, H, W) to five maps (N, channels[i], ceil(H / 2**(i+1)), ceil(W / 2**(i+1)))."""
        maps = [self.relu(self.bn1(self.conv1(x)))]
        maps.append(self.layer1(self.maxpool(maps[0])))
        for layer in (self.layer2, self.layer3, self.layer4):
            maps.append(layer(maps[-1]))
        return maps
