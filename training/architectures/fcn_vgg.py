"""FCN-32s, FCN-16s and FCN-8s: VGG16 made fully convolutional, and its skips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from training.architectures.blocks import scores
from training.architectures.contract import Architecture, Logits, blocks_of
from training.architectures.pooling import max_pool_ceil
from training.architectures.sizes import cut_padding, pad_small
from training.architectures.vgg import CHANNELS, VGG, VGGName

_IMAGENET_CHANNELS = 4096


class _FCN(Architecture):
    """What the three share: a VGG whose fully connected layers slide over the map, and skips from poolings."""

    year: ClassVar[int] = 2015
    paper: ClassVar[str] = (
        "Long et al., Fully Convolutional Networks for Semantic Segmentation, CVPR 2015, arXiv 1411.4038"
    )
    head_key: ClassVar[str] = "score.weight"
    skips: ClassVar[tuple[int, ...]]  # stages whose pooled maps are added, from coarse to fine

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: VGGName = "vgg16",
        channels: Annotated[int, Field(ge=8, le=4096)] = _IMAGENET_CHANNELS,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        if channels == _IMAGENET_CHANNELS:
            self.imagenet = backbone
        else:
            self.imagenet_note = (
                f"The ImageNet weights of {backbone} have {_IMAGENET_CHANNELS} channels in fc6 and fc7."
            )
        self.vgg = _FullyConvolutionalVGG(backbone, channels, dropout)
        self.score = scores(channels, num_classes)
        self.score_skips = nn.ModuleList(nn.Conv2d(CHANNELS[stage], num_classes, 1) for stage in self.skips)
        for layer in self.score_skips.parameters():
            nn.init.zeros_(layer)
        self.upsampling = nn.ModuleList(_bilinear_x2(num_classes) for _ in self.skips)

    def logits(self, x: Tensor) -> Logits:
        """Predict at the stride of the finest skip: 32, 16 or 8."""
        padded = pad_small(x, 17)  # the last convolutions, which a backbone with `bn` normalises, are at stride 16
        pooled, h = self.vgg(padded)
        score = self.score(h)
        for stage, up, score_skip in zip(self.skips, self.upsampling, self.score_skips, strict=True):
            skip = score_skip(pooled[stage])
            score = up(score)[..., : skip.shape[-2], : skip.shape[-1]] + skip
        return Logits(cut_padding(score, x, padded))

    def encoder(self) -> nn.Module:
        """Return the VGG with fc6 and fc7."""
        return self.vgg

    def imagenet_key(self, key: str) -> str | None:
        """Leave out the last layer of torchvision's VGG, the ImageNet classes."""
        return None if key.startswith("classifier.6.") else key

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder` and `head`, the scores and their upsampling."""
        heads = (self.score, self.score_skips, self.upsampling)
        return {
            "encoder": list(self.vgg.parameters()),
            "head": [parameter for head in heads for parameter in head.parameters()],
        }


class FCN32s(_FCN):
    """FCN-32s: class scores from fc7, at output stride 32.

    Section 4.1 of the paper: the classifier of a VGG16 becomes convolutions (fc6 7x7, fc7 1x1), whose scores are
    upsampled 32 times by a fixed bilinear filter, here the resize every architecture ends in; at the border it
    continues the outermost score, where the paper's filter continues zero. Torchvision's ImageNet checkpoint fills
    the network up to fc7.

    Deviations from the authors' Caffe release: convolutions are padded to keep the size, where it pads the image by
    100 px and crops; the scores of fc7 begin as N(0, 0.01), which the paper found equal to its zeros and which lets the
    layers below learn from the first step; He initialisation where no weights are given; inputs are normalised as
    torchvision's weights expect; inputs under 17 px are padded.

    Args:
        num_classes: K, 1..254.
        backbone: which VGG; with `_bn` its convolutions are normalised, which training from scratch needs.
        channels: of fc6 and fc7; ImageNet weights have 4096.
        dropout: share of values dropped after each of the two in training, 0 to under 1.
    """

    name: ClassVar[str] = "fcn32s"
    title: ClassVar[str] = "FCN-32s (VGG16)"
    summary: ClassVar[str] = (
        "The first network that learnt to label every pixel at once; finds what is there, with coarse outlines. Large: "
        "start it from ImageNet weights."
    )
    skips: ClassVar[tuple[int, ...]] = ()


class FCN16s(_FCN):
    """FCN-16s: FCN-32s, its scores doubled and added to scores from pool4, at output stride 16.

    Section 4.2 of the paper: the doubling is a transposed convolution that begins bilinear and is learned; the scores
    of the pooling begin at zero, so training starts from what FCN-32s predicts (`init` takes a run of `fcn32s`).
    Deviations as in `FCN32s`; what the doubling has beyond the skip, at an odd size, is cut off.

    Args:
        num_classes: K, 1..254.
        backbone: which VGG; with `_bn` its convolutions are normalised, which training from scratch needs.
        channels: of fc6 and fc7; ImageNet weights have 4096.
        dropout: share of values dropped after each of the two in training, 0 to under 1.
    """

    name: ClassVar[str] = "fcn16s"
    title: ClassVar[str] = "FCN-16s (VGG16)"
    summary: ClassVar[str] = "FCN-32s with one bridge from a finer map, for better outlines; large."
    skips: ClassVar[tuple[int, ...]] = (3,)


class FCN8s(_FCN):
    """FCN-8s: FCN-16s, its scores doubled again and added to scores from pool3, at output stride 8.

    Section 4.2 of the paper. Deviations as in `FCN16s`. The authors train 32s, 16s and 8s one after the other; `init`
    takes a run of `fcn16s`. Their later all-at-once variant scales the poolings by 0.01 and 0.0001 instead.

    Args:
        num_classes: K, 1..254.
        backbone: which VGG; with `_bn` its convolutions are normalised, which training from scratch needs.
        channels: of fc6 and fc7; ImageNet weights have 4096.
        dropout: share of values dropped after each of the two in training, 0 to under 1.
    """

    name: ClassVar[str] = "fcn8s"
    title: ClassVar[str] = "FCN-8s (VGG16)"
    summary: ClassVar[str] = (
        "FCN-32s with two bridges from finer maps, the best of the three; the classic that many papers compare with. "
        "Large: start it from ImageNet weights."
    )
    skips: ClassVar[tuple[int, ...]] = (3, 2)


class _FullyConvolutionalVGG(VGG):
    """The five pooled stages and fc6 and fc7, under torchvision's keys (`features`, `classifier`)."""

    def __init__(self, name: VGGName, channels: int, dropout: float) -> None:
        super().__init__(name)
        self.classifier = nn.Sequential(
            _SlidingLinear(CHANNELS[-1], channels, 7),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            _SlidingLinear(channels, channels, 1),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
        )

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each convolution, fc6's and fc7's last."""
        return blocks_of([*self.features.children(), *self.classifier.children()])

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the five pooled maps, at stride 2 to 32, and what fc7 makes of the last."""
        pooled = []
        for index in range(len(CHANNELS)):
            x = max_pool_ceil(self.stage(index, x), 2)
            pooled.append(x)
        return pooled, self.classifier(x)


class _SlidingLinear(nn.Linear):
    """A fully connected layer over a window, moved over the map: a convolution with a classifier's weights."""

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__(inputs * side * side, outputs)
        self.side = side
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.view(self.out_features, -1, self.side, self.side)
        return F.conv2d(x, kernel, self.bias, padding=self.side // 2)


def _bilinear_x2(channels: int) -> nn.ConvTranspose2d:
    """Double a map; begins as bilinear interpolation of each channel by itself."""
    layer = nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1, bias=False)
    # A new pixel lies a quarter from the centre of one old pixel and three quarters from its other neighbour's.
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        layer.weight.zero_()
        for channel in range(channels):
            layer.weight[channel, channel] = torch.outer(line, line)
    return layer
