"""Image classifiers without their classifier, as encoders: feature maps from fine to coarse, for any decoder.

Most are torchvision's, with the keys its segmentation networks give them, so that its checkpoints load. Two things are
added. Every halving rounds sizes up, so that inputs of any size give maps, also where torchvision's own would round
down or refuse (VGG's pooling, ConvNeXt's patches); sizes that divide evenly give torchvision's values. And strides can
be traded for dilation (Chen et al., arXiv 1706.05587, section 3.1), with a multi-grid on ResNets (section 3.2.1).

HRNet gives its four branches, joined as in the classifiers its ImageNet weights come from (nearest); MiT the maps of
its four stages. `timm:NAME` is a network of timm, with the extra `zoo`.

In training some skip blocks at random, the deeper the more often (stochastic depth, Huang et al., arXiv 1603.09382),
as they are built: torchvision's EfficientNets up to 0.2, its ConvNeXts tiny 0.1, small 0.4, base and large 0.5, MiT
0.1. timm's come without. Evaluation skips none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast, get_args

import torch.nn.functional as F
from torch import Tensor, nn

from db.errors import UserError
from training.architectures.encoder import Encoder
from training.architectures.high_resolution import HighResolution
from training.architectures.high_resolution import Size as HRNetSize
from training.architectures.mix_transformer import MixTransformer
from training.architectures.mix_transformer import Size as MiTSize
from training.architectures.pooling import MaxPoolCeil
from training.architectures.timm_encoder import PREFIX, TimmEncoder
from training.architectures.vgg import VGGName, vgg_features

ResNetName = Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
MobileNetName = Literal["mobilenet_v3_large", "mobilenet_v3_small"]
EfficientNetName = Literal[
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b3",
    "efficientnet_b4",
    "efficientnet_b5",
    "efficientnet_b6",
    "efficientnet_b7",
]
ConvNeXtName = Literal["convnext_tiny", "convnext_small", "convnext_base", "convnext_large"]
DilatableName = Literal[ResNetName, MobileNetName, EfficientNetName]
"""Encoders that can have an output stride of 8, 16 or 32."""
RowName = Literal[VGGName, MobileNetName, EfficientNetName, ConvNeXtName]
HRNetName = Literal["hrnet_w18", "hrnet_w32", "hrnet_w48"]
MiTName = Literal["mit_b0", "mit_b1", "mit_b2", "mit_b3", "mit_b4", "mit_b5"]
EncoderName = Literal[DilatableName, VGGName, ConvNeXtName, HRNetName, MiTName]
"""Every encoder of our own; its name is also that of its ImageNet weights in the catalogue."""

_MIT_DROP_PATH = 0.1  # transformers' default


def build_encoder(name: str, *, output_stride: int = 32, multi_grid: Sequence[int] = ()) -> Encoder:
    """Make an encoder with initial weights drawn from torch's global generator. Reads no file and no network.

    Args:
        name: one of `EncoderName`, or `timm:NAME`.
        output_stride: stride of the coarsest map: 8, 16 or 32; VGG 16 (without its last pooling) or 32; ConvNeXt, HRNet
            and MiT 32; of timm's those under 32 that timm can give.
        multi_grid: unit rates that multiply the dilation of the blocks of a ResNet's last stage, in turn; DeepLab v3
            has (1, 2, 4). Needs an output stride of 8 or 16. Empty: every block has the dilation, the first one that
            of the stage before, as in torchvision.

    Raises:
        UserError: no such encoder, an output stride it cannot have, or a multi-grid on another than a ResNet.

    Example:
        >>> encoder = build_encoder("resnet18", output_stride=8)
        >>> encoder.channels, encoder.strides
        ((64, 64, 128, 256, 512), (2, 4, 8, 8, 8))
    """
    ours = name in get_args(EncoderName)
    if not ours and not name.startswith(PREFIX):
        choices = ", ".join(get_args(EncoderName))
        raise UserError(f"There is no encoder '{name}'. Choose one of {choices}, or {PREFIX}NAME.")
    dilatable = not ours or name in get_args(DilatableName)
    possible = (8, 16, 32) if dilatable else (16, 32) if name.startswith("vgg") else (32,)
    if output_stride not in possible:
        choices = " or ".join(map(str, possible))
        raise UserError(f"{name} cannot have an output stride of {output_stride}, only {choices}.")
    if multi_grid and (name not in get_args(ResNetName) or output_stride == 32):
        raise UserError(
            f"A multi-grid needs a ResNet with an output stride of 8 or 16, found {name} with {output_stride}."
        )
    if not ours:
        return TimmEncoder(name, output_stride)
    if name in get_args(ResNetName):
        return ResNetPyramid(cast(ResNetName, name), output_stride, multi_grid)
    if name in get_args(HRNetName):
        return HighResolution(cast(HRNetSize, name.removeprefix("hrnet_")), "nearest")
    if name in get_args(MiTName):
        return MixTransformer(cast(MiTSize, name.removeprefix("mit_")), _MIT_DROP_PATH)
    return FeaturePyramid(cast(RowName, name), output_stride)


class ResNetPyramid(Encoder):
    """A ResNet: the maps of its stem and its four stages."""

    def __init__(self, name: ResNetName, output_stride: int = 32, multi_grid: Sequence[int] = ()) -> None:
        super().__init__()
        import torchvision.models  # takes as long as torch: only for who builds one

        resnet = getattr(torchvision.models, name)(weights=None)
        self.conv1, self.bn1, self.relu, self.maxpool = resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool
        self.layer1, self.layer2, self.layer3, self.layer4 = resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4
        self.imagenet = name
        coarsest = cast(int, resnet.fc.in_features)
        self.channels = (64, coarsest // 8, coarsest // 4, coarsest // 2, coarsest)
        self.strides = tuple(min(stride, output_stride) for stride in (2, 4, 8, 16, 32))
        if output_stride < 32:
            if output_stride < 16:
                _dilate_resnet(self.layer3, 1, 2)
            _dilate_resnet(self.layer4, 16 // output_stride, 32 // output_stride)
        if multi_grid:
            for block, unit in zip(self.layer4, multi_grid, strict=False):
                _dilate(block, 32 // output_stride * unit)

    def forward(self, x: Tensor) -> list[Tensor]:
        """See `Encoder`; five maps."""
        maps = [self.relu(self.bn1(self.conv1(x)))]
        maps.append(self.layer1(self.maxpool(maps[0])))
        for layer in (self.layer2, self.layer3, self.layer4):
            maps.append(layer(maps[-1]))
        return maps


class FeaturePyramid(Encoder):
    """A network that is one row of layers: VGG, MobileNetV3, EfficientNet or ConvNeXt.

    The maps are the last ones before each halving and the very last: with MobileNetV3 and EfficientNet that of the
    final 1x1 convolution; with VGG the stride is 1 at first; with ConvNeXt 4, and the last map is not normalised.
    Dilated stages have the new dilation from their first block on, as torchvision's dilated MobileNetV3 has. Keys are
    those of the classifier's `features`, without that prefix.
    """

    def __init__(self, name: RowName, output_stride: int = 32) -> None:
        super().__init__()
        self.imagenet = name
        taps: dict[int, tuple[int, int]] = {}  # of each stride: index of the last layer, and its channels
        stride = channels = 1
        for index, layer in enumerate(_features(name, output_stride)):
            step, channels = _stride(layer), _last_channels(layer) or channels
            stride *= step
            taps[stride] = index, channels
            if stride > output_stride:
                _dilate(layer, stride // output_stride)
            elif name.startswith("convnext") and step > 1:
                _round_up(cast(nn.Sequential, layer))
            self.add_module(str(index), layer)
        self.taps = tuple(index for index, _ in taps.values())
        self.channels = tuple(channels for _, channels in taps.values())
        self.strides = tuple(min(stride, output_stride) for stride in taps)

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of torchvision's classifier."""
        return key.removeprefix("features.") if key.startswith("features.") else None

    def forward(self, x: Tensor) -> list[Tensor]:
        """See `Encoder`."""
        maps = []
        for index, layer in enumerate(self.children()):
            x = layer(x)
            if index in self.taps:
                maps.append(x)
        return maps


def _features(name: str, output_stride: int) -> nn.Sequential:
    if name.startswith("vgg"):
        layers = vgg_features(cast(VGGName, name))
        return layers if output_stride == 32 else layers[:-1]
    import torchvision.models

    return cast(nn.Sequential, getattr(torchvision.models, name)(weights=None).features)


def _stride(layer: nn.Module) -> int:
    if isinstance(layer, MaxPoolCeil):
        return 2
    return max((part.stride[0] for part in layer.modules() if isinstance(part, nn.Conv2d)), default=1)


def _last_channels(layer: nn.Module) -> int | None:
    return next((part.out_channels for part in reversed([*layer.modules()]) if isinstance(part, nn.Conv2d)), None)


def _dilate(layer: nn.Module, dilation: int) -> None:
    """Take the strides out of a layer's convolutions and dilate those that are wider than 1x1."""
    for part in layer.modules():
        if isinstance(part, nn.Conv2d):
            _set_dilation(part, dilation)


def _set_dilation(convolution: nn.Conv2d, dilation: int) -> None:
    side = convolution.kernel_size[0]
    convolution.stride = (1, 1)
    if side > 1:
        convolution.dilation = (dilation, dilation)
        convolution.padding = (side // 2 * dilation, side // 2 * dilation)


def _dilate_resnet(layer: nn.Sequential, before: int, dilation: int) -> None:
    # The convolution that lost its stride still sees the map of the stage before, so it keeps that one's dilation:
    # only so do weights trained with strides see what they saw. torchvision does the same, for bottlenecks.
    strided = next(part for part in layer.modules() if isinstance(part, nn.Conv2d) and part.stride[0] > 1)
    _dilate(layer, dilation)
    _set_dilation(strided, before)


def _round_up(layer: nn.Sequential) -> None:
    for index, part in enumerate(layer):
        if isinstance(part, nn.Conv2d):
            layer[index] = _PatchConv2d(part)


class _PatchConv2d(nn.Conv2d):
    """A convolution as large as its stride, of which the last patch may reach over the border, onto zeros."""

    def __init__(self, original: nn.Conv2d) -> None:
        super().__init__(original.in_channels, original.out_channels, original.stride[0], original.stride[0])
        self.weight, self.bias = original.weight, original.bias

    def forward(self, x: Tensor) -> Tensor:
        beyond = self.stride[0] - 1
        return super().forward(F.pad(x, (0, beyond, 0, beyond)))
