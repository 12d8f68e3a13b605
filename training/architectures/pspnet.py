"""PSPNet: a dilated encoder and a pyramid of pooled maps, from the whole image to its sixths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from training.architectures.blocks import PooledBatchNorm2d, auxiliary_head, conv_bn_relu
from training.architectures.contract import Architecture, Logits
from training.architectures.encoders import DilatableName, build_encoder
from training.architectures.pooling import adaptive_average
from training.architectures.sizes import cut_padding, pad_small
from training.architectures.timm_encoder import TIMM_TOO

BINS = (1, 2, 3, 6)


class PSPNet(Architecture):
    """PSPNet on any encoder that can be dilated.

    The pyramid pooling module (section 3.2, figure 3): the coarsest map is averaged over 1x1, 2x2, 3x3 and 6x6 bins;
    each result is convolved to a quarter of the channels, scaled up bilinearly and joined with the map; a 3x3
    convolution fuses them. The auxiliary head sits on the stage before the last (section 4) and counts 0.4.

    Deviations from the paper: the encoders are torchvision's, whose stem is one 7x7 convolution where the authors' has
    three 3x3; sizes are scaled with pixel centres aligned, not corners. Dropout is 0.1, as in the authors' code.

    Args:
        num_classes: K, 1..254.
        encoder: the network that sees; its strides after the output stride become dilations.
        output_stride: pixels of the photo per pixel of the prediction, before it is scaled up; 8 in the paper.
        width: channels of the fused map; 512 in the paper.
        aux: train the auxiliary head.
    """

    name: ClassVar[str] = "pspnet"
    year: ClassVar[int] = 2017
    title: ClassVar[str] = "PSPNet"
    summary: ClassVar[str] = (
        "Tells every pixel what the whole photo, its quarters, ninths and thirty-sixths look like; strong on scenes, "
        "heavy at its fine output stride."
    )
    paper: ClassVar[str] = "Zhao et al., Pyramid Scene Parsing Network, CVPR 2017, arXiv 1612.01105"
    head_key: ClassVar[str] = "classifier.2.weight"
    head_weights: ClassVar[Mapping[str, float]] = {"aux": 0.4}

    def __init__(
        self,
        num_classes: int,
        *,
        encoder: Annotated[DilatableName, TIMM_TOO] = "resnet50",
        output_stride: Literal[8, 16] = 8,
        width: Annotated[int, Field(ge=8, le=2048)] = 512,
        aux: bool = True,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = build_encoder(encoder, output_stride=output_stride)
        self.imagenet = self.backbone.imagenet
        channels = self.backbone.channels[-1]
        self.pyramid = nn.ModuleList(_Bins(channels, channels // len(BINS), bins) for bins in BINS)
        joined = channels + channels // len(BINS) * len(BINS)
        self.classifier = nn.Sequential(
            conv_bn_relu(joined, width, 3), nn.Dropout2d(0.1), nn.Conv2d(width, num_classes, 1)
        )
        self.aux_classifier = auxiliary_head(self.backbone.channels[-2], num_classes) if aux else None

    def logits(self, x: Tensor) -> Logits:
        """Predict at the output stride, with the head `aux` in train mode."""
        padded = pad_small(x, self.backbone.strides[-1] + 1)
        *_, before, last = self.backbone(padded)
        joined = torch.cat([last, *(level(last) for level in self.pyramid)], dim=1)
        out = cut_padding(self.classifier(joined), x, padded)
        if not self.training or self.aux_classifier is None:
            return Logits(out)
        return Logits(out, {"aux": cut_padding(self.aux_classifier(before), x, padded)})

    def encoder(self) -> nn.Module:
        """Return the dilated encoder."""
        return self.backbone

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of the encoder's ImageNet checkpoint."""
        return self.backbone.imagenet_key(key)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder`, `head` and `head_aux`."""
        auxiliary = [] if self.aux_classifier is None else list(self.aux_classifier.parameters())
        return {
            "encoder": list(self.backbone.parameters()),
            "head": [*self.pyramid.parameters(), *self.classifier.parameters()],
            "head_aux": auxiliary,
        }


class _Bins(nn.Module):
    """One level of the pyramid: averaged over `bins` x `bins` parts, convolved, scaled up again."""

    def __init__(self, inputs: int, outputs: int, bins: int) -> None:
        super().__init__()
        self.bins = bins
        self.convolution = conv_bn_relu(inputs, outputs)
        self.convolution[1] = PooledBatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.convolution(adaptive_average(x, self.bins))
        return F.interpolate(pooled, size=x.shape[-2:], mode="bilinear")
