"""SegNet, which remembers where each maximum was, and its twin that interpolates instead."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal, cast

import torch.nn.functional as F
from torch import Tensor, nn

from training.architectures.contract import Architecture, Logits
from training.architectures.pooling import max_pool_ceil
from training.architectures.sizes import cut_padding, pad_small
from training.architectures.vgg import CHANNELS, VGG

Backbone = Literal["vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"]


class _EncoderDecoder(Architecture):
    """What the two share: a VGG and its mirror image; how they go down and up differs."""

    year: ClassVar[int] = 2015
    paper: ClassVar[str] = (
        "Badrinarayanan et al., SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation, "
        "TPAMI 2017, arXiv 1511.00561"
    )
    head_key: ClassVar[str] = "head.weight"

    def __init__(self, num_classes: int, *, backbone: Backbone = "vgg16_bn") -> None:
        super().__init__()
        self.num_classes = num_classes
        self.imagenet = backbone
        self.vgg = VGG(backbone)
        self.decoder = nn.ModuleList(_mirrored(self.vgg, index) for index in range(len(CHANNELS)))
        self.head = nn.Conv2d(CHANNELS[0], num_classes, 3, padding=1)
        nn.init.kaiming_normal_(self.head.weight, nonlinearity="linear")
        nn.init.zeros_(cast(Tensor, self.head.bias))

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 1."""
        padded = pad_small(x, 17)  # the coarsest maps that are normalised are at stride 16
        h, memory = padded, []
        for index in range(len(CHANNELS)):
            full = self.vgg.stage(index, h)
            h, places = self._down(full)
            memory.append((full, places))
        for stage, (full, places) in zip(reversed(self.decoder), reversed(memory), strict=True):
            h = stage(self._up(h, full, places))
        return Logits(cut_padding(self.head(h), x, padded))

    @abstractmethod
    def _down(self, full: Tensor) -> tuple[Tensor, Tensor]:
        """Halve a map (N, C, H, W), sizes rounded up; also return what `_up` needs to know."""

    @abstractmethod
    def _up(self, x: Tensor, full: Tensor, places: Tensor) -> Tensor:
        """Bring `x` to the size of `full`, which `_down` once halved."""

    def encoder(self) -> nn.Module:
        """Return the VGG."""
        return self.vgg

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder` and `head`, the whole decoder."""
        return {
            "encoder": list(self.vgg.parameters()),
            "head": [*self.decoder.parameters(), *self.head.parameters()],
        }


class SegNet(_EncoderDecoder):
    """SegNet: VGG16's 13 convolutions with batch normalisation, and their mirror image, at full resolution.

    Section 3 of the paper: each pooling (2x2, sizes rounded up) keeps the places of its maxima; on the way back each
    value is put in that place, zero elsewhere, and convolutions fill the gaps. A stage that halved an odd side gets
    that side back, as 45 from 23 for the paper's 360x480. The last convolution, 3x3 as in the authors' CamVid
    network, gives the classes and is not normalised.

    Deviations: with another backbone than VGG16 the decoder mirrors that one; the decoder's weights begin as He et
    al.'s in torchvision's way; inputs under 17 px are padded.

    Args:
        num_classes: K, 1..254.
        backbone: which VGG, with batch normalisation.
    """

    name: ClassVar[str] = "segnet"
    title: ClassVar[str] = "SegNet (VGG16)"
    summary: ClassVar[str] = (
        "Remembers where each strong feature was and puts it back there, so outlines stay sharp at full resolution; "
        "made for road scenes."
    )
    exports_note: ClassVar[str] = (
        "In ONNX, putting values back in their places becomes ScatterND, which not every runtime has (onnxruntime "
        "does). The architecture segnet_bilinear is the same network with an interpolation in its place."
    )

    def _down(self, full: Tensor) -> tuple[Tensor, Tensor]:
        pooled, places = F.max_pool2d(full, 2, ceil_mode=True, return_indices=True)
        return pooled, places

    def _up(self, x: Tensor, full: Tensor, places: Tensor) -> Tensor:
        return F.max_unpool2d(x, places, [2, 2], output_size=full.shape[-2:])


class SegNetBilinear(_EncoderDecoder):
    """SegNet with bilinear interpolation in place of the remembered places, for exporters.

    The paper compares its decoder with such an interpolation (section 3.1 and table 1, on a smaller network). All
    else, the keys of the weights included, is as in `SegNet`; weights trained in one do not serve the other.

    Args:
        num_classes: K, 1..254.
        backbone: which VGG, with batch normalisation.
    """

    name: ClassVar[str] = "segnet_bilinear"
    title: ClassVar[str] = "SegNet, interpolating (VGG16)"
    summary: ClassVar[str] = (
        "SegNet with a plain enlargement instead of remembered places; made of steps that every runtime has."
    )

    def _down(self, full: Tensor) -> tuple[Tensor, Tensor]:
        return max_pool_ceil(full, 2), full

    def _up(self, x: Tensor, full: Tensor, places: Tensor) -> Tensor:
        return F.interpolate(x, size=full.shape[-2:], mode="bilinear")


def _mirrored(vgg: VGG, index: int) -> nn.Sequential:
    """Make the decoder's stage that answers stage `index` of a VGG: its convolutions backwards, each normalised.

    The finest stage lacks the convolution back to the image, whose place the head takes.
    """
    convolutions = [layer for layer in vgg.stage_layers(index) if isinstance(layer, nn.Conv2d)]
    layers: list[nn.Module] = []
    for layer in reversed(convolutions if index > 0 else convolutions[1:]):
        mirror = nn.Conv2d(layer.out_channels, layer.in_channels, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(mirror.weight, mode="fan_out", nonlinearity="relu")
        layers += [mirror, nn.BatchNorm2d(layer.in_channels), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
