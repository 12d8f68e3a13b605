"""Inputs smaller than a network can take: padded on the way in, cut on the way out.

Batch normalisation in train mode needs two values per channel. A batch of one gives them as soon as the coarsest
feature map has two pixels, so every architecture states the side from which that holds and pads smaller inputs to it.
Inputs of that size or more pass untouched, so published outputs are not disturbed.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def pad_small(x: Tensor, minimum: int) -> Tensor:
    """Pad (N, C, H, W) with zeros at the right and bottom until both sides are at least `minimum` pixels.

    Zero is what the convolutions themselves see beyond the border: the mean colour, after preprocessing.
    """
    height, width = x.shape[-2:]
    if height >= minimum and width >= minimum:
        return x
    return F.pad(x, (0, max(0, minimum - width), 0, max(0, minimum - height)))


def cut_padding(logits: Tensor, original: Tensor, padded: Tensor) -> Tensor:
    """Cut from (N, K, h, w) logits of a `padded` input the share that shows its `original`, at least one pixel."""
    (height, width), (tall, wide) = original.shape[-2:], padded.shape[-2:]
    if (height, width) == (tall, wide):
        return logits
    rows, columns = logits.shape[-2:]
    return logits[..., : -(-rows * height // tall), : -(-columns * width // wide)]
