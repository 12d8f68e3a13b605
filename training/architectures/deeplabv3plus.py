"""DeepLab v3+: DeepLab v3's encoder, and a small decoder that brings back the outlines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from training.architectures.aspp import ASPP, separable_conv_bn_relu
from training.architectures.blocks import conv_bn_relu
from training.architectures.contract import Architecture, Logits
from training.architectures.encoders import DilatableName, build_encoder
from training.architectures.sizes import cut_padding, pad_small
from training.architectures.timm_encoder import TIMM_TOO

LOW_LEVEL = 48
"""Channels that the low-level features are reduced to: section 4.1, table 1."""


class DeepLabV3Plus(Architecture):
    """DeepLab v3+ on any encoder that can be dilated.

    The decoder of the paper's figure 2: the ASPP's map is scaled up to the stride 4 of the low-level features (the last
    map of that stride: Conv2 of a ResNet), which a 1x1 convolution reduces to 48 channels; joined, two 3x3
    convolutions of 256 channels refine them (section 4.1, table 2), and a 1x1 convolution gives the scores at stride 4.

    Deviations from the paper: batch normalisation and ReLU follow a separable convolution as a whole, not each of its
    halves; the modified Xception is not among the encoders; sizes are scaled with pixel centres aligned, not corners.

    Args:
        num_classes: K, 1..254.
        encoder: the network that sees; its strides after the output stride become dilations.
        output_stride: of the encoder; 8 is finer, and more work, than 16.
        rate: dilation of the first 3x3 convolution of the ASPP; the others have twice and three times that. The paper
            has 6 at output stride 16 and 12 at 8.
        separable: make the 3x3 convolutions of ASPP and decoder depthwise separable (section 3.1), for fewer
            multiplications.
    """

    name: ClassVar[str] = "deeplabv3plus"
    year: ClassVar[int] = 2018
    title: ClassVar[str] = "DeepLab v3+"
    summary: ClassVar[str] = (
        "DeepLab v3 with a decoder that sharpens its outlines with finer features; a good first choice for larger "
        "photos with a GPU."
    )
    paper: ClassVar[str] = (
        "Chen et al., Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation, ECCV 2018, "
        "arXiv 1802.02611"
    )
    head_key: ClassVar[str] = "head.weight"

    def __init__(
        self,
        num_classes: int,
        *,
        encoder: Annotated[DilatableName, TIMM_TOO] = "resnet50",
        output_stride: Literal[8, 16] = 16,
        rate: Annotated[int, Field(ge=1, le=48)] = 6,
        separable: bool = True,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = build_encoder(encoder, output_stride=output_stride)
        self.imagenet = self.backbone.imagenet
        self.low_level = self.backbone.strides.index(4)
        wide = separable_conv_bn_relu if separable else conv_bn_relu
        self.aspp = ASPP(self.backbone.channels[-1], rate=rate, separable=separable)
        self.reduce = conv_bn_relu(self.backbone.channels[self.low_level], LOW_LEVEL)
        self.refine = nn.Sequential(wide(256 + LOW_LEVEL, 256, 3), wide(256, 256, 3))
        self.head = nn.Conv2d(256, num_classes, 1)

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 4."""
        padded = pad_small(x, self.backbone.strides[-1] + 1)
        maps = self.backbone(padded)
        fine = self.reduce(maps[self.low_level])
        coarse = F.interpolate(self.aspp(maps[-1]), size=fine.shape[-2:], mode="bilinear")
        return Logits(cut_padding(self.head(self.refine(torch.cat([coarse, fine], dim=1))), x, padded))

    def encoder(self) -> nn.Module:
        """Return the dilated encoder, without the ASPP."""
        return self.backbone

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of the encoder's ImageNet checkpoint."""
        return self.backbone.imagenet_key(key)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder` and `head`, the rest."""
        head = (self.aspp, self.reduce, self.refine, self.head)
        return {
            "encoder": list(self.backbone.parameters()),
            "head": [parameter for part in head for parameter in part.parameters()],
        }
