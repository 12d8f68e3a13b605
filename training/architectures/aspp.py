"""Atrous spatial pyramid pooling with batch normalisation and image-level features, of DeepLab v3 and v3+."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.architectures.blocks import PooledBatchNorm2d, conv_bn_relu


class ASPP(nn.Module):
    """Five views of the same map, joined: Chen et al., arXiv 1706.05587, section 3.3 and figure 5.

    A 1x1 convolution, three dilated 3x3 convolutions and the mean of the whole map, each with batch normalisation and
    `width` channels, concatenated and brought back to `width` by a 1x1 convolution. Keys are torchvision's, whose
    weights load.

    Deviations from the paper: ReLU after each normalisation, and dropout at the end, as in torchvision and the authors'
    later code.

    Args:
        inputs: channels of the map.
        width: channels of each view and of the result; 256 in the paper.
        rate: dilation of the first 3x3 convolution; the others have twice and three times that. The paper has 6 at
            output stride 16 and 12 at 8.
        separable: split the 3x3 convolutions into depthwise and pointwise (arXiv 1802.02611, section 3.1).
        dropout: share dropped in training.
    """

    def __init__(
        self, inputs: int, width: int = 256, *, rate: int, separable: bool = False, dropout: float = 0.5
    ) -> None:
        super().__init__()
        wide = separable_conv_bn_relu if separable else conv_bn_relu
        self.convs = nn.ModuleList(
            [
                conv_bn_relu(inputs, width),
                *(wide(inputs, width, 3, dilation=rate * factor) for factor in (1, 2, 3)),
                _ImagePooling(inputs, width),
            ]
        )
        self.project = nn.Sequential(*conv_bn_relu(len(self.convs) * width, width), nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, width, h, w)."""
        joined: Tensor = self.project(torch.cat([view(x) for view in self.convs], dim=1))
        return joined


def separable_conv_bn_relu(inputs: int, outputs: int, kernel: int, *, dilation: int = 1) -> nn.Sequential:
    """Return `conv_bn_relu` with its convolution split into a depthwise and a pointwise one, nothing between them."""
    block = conv_bn_relu(inputs, outputs, kernel, dilation=dilation)
    depthwise = nn.Conv2d(
        inputs, inputs, kernel, padding=kernel // 2 * dilation, dilation=dilation, groups=inputs, bias=False
    )
    block[0] = nn.Sequential(depthwise, nn.Conv2d(inputs, outputs, 1, bias=False))
    return block


class _ImagePooling(nn.Module):
    """The mean of the whole map, convolved and spread over it again."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        # torchvision's keys, in which the pooling itself is number 0.
        self.add_module("1", nn.Conv2d(inputs, width, 1, bias=False))
        self.add_module("2", PooledBatchNorm2d(width))
        self.add_module("3", nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[-2:]
        x = x.mean((2, 3), keepdim=True)
        for part in self.children():
            x = part(x)
        return x.expand(-1, -1, *size)  # what bilinear interpolation makes of one pixel
