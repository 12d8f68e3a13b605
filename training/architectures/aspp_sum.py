"""Atrous spatial pyramid pooling as DeepLab v2 has it: branches of four rates whose class scores are added.

Chen et al., arXiv 1606.00915, section 3.2 and figure 7. In every form `c0` to `c3` are the convolutions that give a
branch's scores, and they begin as N(0, 0.01) as in the public port.
"""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor, nn

from training.architectures.blocks import he, scores

RATES = (6, 12, 18, 24)


class SumASPP(nn.Module):
    """The sum of four dilated 3x3 convolutions straight to the class scores."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        for index, rate in enumerate(RATES):
            self.add_module(f"c{index}", scores(inputs, outputs, rate=rate))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h, w)."""
        return reduce(torch.add, [conv(x) for conv in self.children()])


class HiddenSumASPP(nn.Module):
    """The sum of four branches, each fc6, fc7 and fc8: a dilated 3x3 convolution and two of 1x1, dropout between."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(
            nn.Sequential(
                he(nn.Conv2d(inputs, hidden, 3, padding=rate, dilation=rate)),
                nn.ReLU(inplace=True),
                nn.Dropout(0.5),
                he(nn.Conv2d(hidden, hidden, 1)),
                nn.ReLU(inplace=True),
                nn.Dropout(0.5),
            )
            for rate in RATES
        )
        self.c0, self.c1, self.c2, self.c3 = (scores(hidden, outputs) for _ in RATES)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h, w)."""
        last = (self.c0, self.c1, self.c2, self.c3)
        return reduce(torch.add, [conv(branch(x)) for branch, conv in zip(self.hidden, last, strict=True)])


class GlobalSumASPP(SumASPP):
    """The plain four and a branch over the whole image, as a student report proposes it.

    Where a rate is large, most of a filter's nine weights lie outside the map and only the centre counts; the report
    adds batch normalisation, image pooling and bilinear upsampling against that (as DeepLab v3 does, arXiv 1706.05587,
    section 3.3). Read here as: 1x1 convolution, batch normalisation, ReLU, mean over the image, 1x1 convolution to the
    scores, added at every pixel, which is what bilinear upsampling makes of one pixel. Normalising before the mean, in
    the report's order, lets a batch of one train.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.image = nn.Sequential(
            he(nn.Conv2d(inputs, hidden, 1, bias=False)),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
            scores(hidden, outputs),
        )
