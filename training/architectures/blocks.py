"""Parts that several heads are made of."""

from __future__ import annotations

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
