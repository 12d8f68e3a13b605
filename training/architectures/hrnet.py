"""HRNet: a fine map is kept from beginning to end, and exchanges with coarser ones all along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.architectures.contract import Architecture, Logits
from training.architectures.high_resolution import Enlarging, HighResolution, Size
from training.architectures.sizes import cut_padding, pad_small


class HRNet(Architecture):
    """HRNetV2: the four branches concatenated at stride 4, one 1x1 convolution to mix them, one to classify.

    Branches are joined as in the paper (section 3.3, figure 4 b): resized bilinear to the finest, without a change of
    channels. Keys are those of the authors' segmentation code (github.com/HRNet/HRNet-Semantic-Segmentation), its
    encoder's also those of timm's `hrnet_w18`, `hrnet_w32`, `hrnet_w48` and `hrnet_w18_small_v2`.

    Deviations: inside the encoder, coarse maps are resized to the size of the fine one rather than by a factor, so
    that any input size works; convolutions begin as He et al.'s, where the authors' code draws N(0, 0.001); inputs
    under 33 px padded.

    Args:
        num_classes: K, 1..254.
        size: channels of the finest branch; each coarser one has twice as many. `w18_small` is timm's
            `hrnet_w18_small_v2`, with half the blocks or fewer.
        enlarging: how the encoder brings coarse maps to fine ones: `bilinear` as its authors do for segmentation,
            `nearest` as the classifiers that its ImageNet weights come from do.
    """

    name: ClassVar[str] = "hrnet"
    year: ClassVar[int] = 2019
    title: ClassVar[str] = "HRNet"
    summary: ClassVar[str] = (
        "Keeps a fine map from beginning to end, beside coarser ones it exchanges with; strong on thin things and "
        "exact borders."
    )
    paper: ClassVar[str] = (
        "Wang et al., Deep High-Resolution Representation Learning for Visual Recognition, TPAMI 2021, arXiv 1908.07919"
    )
    head_key: ClassVar[str] = "last_layer.3.weight"

    def __init__(self, num_classes: int, *, size: Size = "w18", enlarging: Enlarging = "bilinear") -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = HighResolution(size, enlarging)
        self.imagenet = self.backbone.imagenet
        channels = sum(self.backbone.channels)
        self.last_layer = nn.Sequential(
            nn.Conv2d(channels, channels, 1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, num_classes, 1),
        )

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 4."""
        padded = pad_small(x, 33)
        branches = self.backbone(padded)
        size = branches[0].shape[-2:]
        joined = torch.cat([branches[0], *(F.interpolate(b, size=size, mode="bilinear") for b in branches[1:])], dim=1)
        return Logits(cut_padding(self.last_layer(joined), x, padded))

    def encoder(self) -> nn.Module:
        """Return the four branches with their stem."""
        return self.backbone

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of timm's classifier."""
        return self.backbone.imagenet_key(key)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder` and `head`."""
        return {"encoder": list(self.backbone.parameters()), "head": list(self.last_layer.parameters())}
