"""Res-UNet: three taps of a ResNet-50 and a light decoder, as a student report drew it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.architectures.contract import Architecture, Logits
from training.architectures.encoders import ResNetName, build_encoder
from training.architectures.sizes import cut_padding, pad_small


class ResUNet(Architecture):
    """Res-UNet, with the layer table of a student report, at full resolution and for any number of classes.

    The ResNet is tapped at its stages 1, 3 and 5 (`conv1_relu`, `conv3_block4_out`, `conv5_block3_out` there; stride 2,
    8 and 32): the report left out 2 and 4 for memory. On the way up each tap is reached in two doublings, a 3x3
    transposed convolution with batch normalisation and ReLU, then a bilinear resize; behind the second tap a
    convolution brings 768 channels to 256, and at full resolution another brings 128 to 64, before that to the
    classes. The table names no kernel for these three; they are 1x1 here, as the first is in the report's text.

    Deviations: torchvision's ResNet-50 strides in its 3x3 convolutions, Keras's in the first 1x1; odd sizes are cut, or
    resized, to the tap; the table's softmax belongs to the loss; inputs under 33 px are padded.

    Args:
        num_classes: K, 1..254.
        encoder: which ResNet; the decoder's widths stay.
    """

    name: ClassVar[str] = "resunet"
    year: ClassVar[int] = 2015
    title: ClassVar[str] = "Res-UNet (ResNet-50)"
    summary: ClassVar[str] = (
        "A U-Net on a ResNet with only three bridges, to need less memory; quick to train from ImageNet weights."
    )
    paper: ClassVar[str] = (
        "A student report's variant of Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image "
        "Segmentation, MICCAI 2015, arXiv 1505.04597"
    )
    head_key: ClassVar[str] = "head.weight"

    def __init__(self, num_classes: int, *, encoder: ResNetName = "resnet50") -> None:
        super().__init__()
        self.num_classes = num_classes
        self.imagenet = encoder
        self.resnet = build_encoder(encoder)
        finest, _, middle, _, coarsest = self.resnet.channels
        self.up5 = _doubling(coarsest, 256)
        self.fuse = nn.Sequential(nn.Conv2d(256 + middle, 256, 1), nn.ReLU(inplace=True))
        self.up3 = _doubling(256, 64)
        self.last = nn.Sequential(nn.Conv2d(64 + finest, 64, 1), nn.ReLU(inplace=True))
        self.head = nn.Conv2d(64, num_classes, 1)
        for part in (self.up5, self.fuse, self.up3, self.last):
            nn.init.kaiming_normal_(cast(Tensor, part[0].weight), nonlinearity="relu")

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 1."""
        padded = pad_small(x, 33)
        finest, _, middle, _, coarsest = self.resnet(padded)
        h = self.fuse(_join(self.up5(coarsest), middle))
        h = _join(self.up3(h), finest)
        h = self.last(F.interpolate(h, size=padded.shape[-2:], mode="bilinear"))
        return Logits(cut_padding(self.head(h), x, padded))

    def encoder(self) -> nn.Module:
        """Return the ResNet."""
        return self.resnet

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder` and `head`, the decoder."""
        decoder = (self.up5, self.fuse, self.up3, self.last, self.head)
        return {
            "encoder": list(self.resnet.parameters()),
            "head": [parameter for part in decoder for parameter in part.parameters()],
        }


def _doubling(inputs: int, outputs: int) -> nn.Sequential:
    # Keras's `same`: exactly twice the size.
    up = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(up, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _join(x: Tensor, tap: Tensor) -> Tensor:
    """Bring `x` to the size of the tap, twice its own, and stack the two."""
    return torch.cat([F.interpolate(x, size=tap.shape[-2:], mode="bilinear"), tap], dim=1)
