"""Dilated ResNet as DeepLab v2 used it in Caffe, with the module names of the public PyTorch port.

He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv 1512.03385, in the layout of its authors'
Caffe release: a bottleneck strides in its first 1x1 convolution and the stem's pooling rounds sizes up. torchvision
strides in the 3x3 and rounds down, so its weights of depth 50 and more fit the shapes but not the function; the
`torchvision` layout moves the stride to where they were trained with it.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from training.architectures.pooling import MaxPoolCeil

Depth = Literal[18, 34, 50, 101]
Layout = Literal["caffe", "torchvision"]

BLOCKS: dict[int, tuple[int, int, int, int]] = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
}
BASIC_DEPTHS = (18, 34)
"""Depths made of two 3x3 convolutions a block; they stride in the first one in either layout."""

# torchvision's names inside a block, against ours.
_BOTTLENECK_NAMES = {"1": "reduce", "2": "conv3x3", "3": "increase"}
_BASIC_NAMES = {"1": "conv1", "2": "conv2"}


def out_channels(depth: Depth) -> int:
    """Channels of the last stage: 512 for basic blocks, 2048 for bottlenecks."""
    return 512 if depth in BASIC_DEPTHS else 2048


def resnet_layers(depth: Depth, layout: Layout) -> OrderedDict[str, nn.Module]:
    """Build `layer1` (stem) to `layer5` at output stride 8, from an image (N, 3, H, W), initial weights included.

    Stages 4 and 5 keep the resolution and dilate by 2 and 4 in every block, the first one included.
    """
    expansion = 1 if depth in BASIC_DEPTHS else 4
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["layer1"] = nn.Sequential(
        OrderedDict(
            conv1=_ConvBN(3, 64, 7, stride=2, padding=3),
            pool=MaxPoolCeil(3, padding=1) if layout == "caffe" else nn.MaxPool2d(3, stride=2, padding=1),
        )
    )
    channels = 64
    for stage, (count, stride, dilation) in enumerate(zip(BLOCKS[depth], (1, 2, 1, 1), (1, 1, 2, 4), strict=True)):
        out = 64 * 2**stage * expansion
        blocks: OrderedDict[str, nn.Module] = OrderedDict()
        for index in range(count):
            step = stride if index == 0 else 1
            block = (
                _BasicBlock(channels, out, step, dilation)
                if expansion == 1
                else _Bottleneck(channels, out, step, dilation, layout)
            )
            blocks[f"block{index + 1}"] = block
            channels = out
        layers[f"layer{stage + 2}"] = nn.Sequential(blocks)
    for layer in layers.values():
        _initialise(layer)
    return layers


def from_torchvision(key: str, depth: Depth) -> str | None:
    """Translate a key of torchvision's ResNet of the same depth to ours; None for its classifier."""
    if stem := re.fullmatch(r"(conv|bn)1\.(\w+)", key):
        return f"layer1.conv1.{stem[1]}.{stem[2]}"
    names = _BASIC_NAMES if depth in BASIC_DEPTHS else _BOTTLENECK_NAMES
    if inner := re.fullmatch(r"layer(\d)\.(\d+)\.(conv|bn)(\d)\.(\w+)", key):
        stage, block, kind, number, leaf = inner.groups()
        return f"layer{int(stage) + 1}.block{int(block) + 1}.{names[number]}.{kind}.{leaf}"
    if shortcut := re.fullmatch(r"layer(\d)\.(\d+)\.downsample\.([01])\.(\w+)", key):
        stage, block, number, leaf = shortcut.groups()
        return f"layer{int(stage) + 1}.block{int(block) + 1}.shortcut.{('conv', 'bn')[int(number)]}.{leaf}"
    return None


class _ConvBN(nn.Sequential):
    """Convolution, batch normalisation and, unless told otherwise, ReLU.

    eps is the public port's. Its momentum of 0.001 matters only to a recipe that trains the statistics, which the
    original does not (they are frozen); torch's 0.1 is kept so that training from scratch works.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        relu: bool = True,
    ) -> None:
        parts: OrderedDict[str, nn.Module] = OrderedDict(
            conv=nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False),
            bn=nn.BatchNorm2d(outputs, eps=1e-5),
        )
        if relu:
            parts["relu"] = nn.ReLU(inplace=True)
        super().__init__(parts)


class _Bottleneck(nn.Module):
    """1x1, dilated 3x3 and 1x1 convolution around a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int, dilation: int, layout: Layout) -> None:
        super().__init__()
        inner = outputs // 4
        first, second = (stride, 1) if layout == "caffe" else (1, stride)
        self.reduce = _ConvBN(inputs, inner, 1, first)
        self.conv3x3 = _ConvBN(inner, inner, 3, second, dilation, dilation)
        self.increase = _ConvBN(inner, outputs, 1, relu=False)
        self.shortcut = _shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.increase(self.conv3x3(self.reduce(x))) + self.shortcut(x), inplace=True)


class _BasicBlock(nn.Module):
    """Two dilated 3x3 convolutions around a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = _ConvBN(inputs, outputs, 3, stride, dilation, dilation)
        self.conv2 = _ConvBN(outputs, outputs, 3, 1, dilation, dilation, relu=False)
        self.shortcut = _shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv2(self.conv1(x)) + self.shortcut(x), inplace=True)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return _ConvBN(inputs, outputs, 1, stride, relu=False)


def _initialise(module: nn.Module) -> None:
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
