"""Parts that several heads are made of."""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn


def conv_bn_relu(inputs: int, outputs: int, kernel: int = 1, *, dilation: int = 1) -> nn.Sequential:
    """Return convolution without bias, batch normalisation and ReLU (keys 0, 1, 2); sides stay as they are."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2 * dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def auxiliary_head(inputs: int, num_classes: int) -> nn.Sequential:
    """Return the small FCN that sits on a stage before the last, in training only, with torchvision's keys.

    Maps (N, inputs, h, w) to logits (N, num_classes, h, w) over a quarter of the channels, with dropout 0.1.
    """
    inner = inputs // 4
    return nn.Sequential(*conv_bn_relu(inputs, inner, 3), nn.Dropout(0.1), nn.Conv2d(inner, num_classes, 1))


def he(convolution: nn.Conv2d) -> nn.Conv2d:
    """Return the convolution with initial weights for a ReLU behind it (He et al., arXiv 1502.01852) and biases 0."""
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    return convolution


def scores(inputs: int, num_classes: int, *, rate: int = 0) -> nn.Conv2d:
    """Return the convolution to the class scores, 3x3 of that rate or 1x1; begins as N(0, 0.01), as in the DeepLabs."""
    side = 3 if rate else 1
    convolution = nn.Conv2d(inputs, num_classes, side, padding=rate, dilation=max(rate, 1))
    nn.init.normal_(convolution.weight, std=0.01)
    nn.init.zeros_(cast(Tensor, convolution.bias))
    return convolution


class PooledBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation after pooling, where a batch of one has a single value per channel.

    Then there is nothing to take statistics of: the running ones are used, in train mode, too. Every other input gives
    `nn.BatchNorm2d`'s values.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, h, w)."""
        if self.training and x.numel() == x.shape[1]:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)
        return super().forward(x)
