"""What the losses of an optimiser step are divided by, whichever passes and processes share it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from labeling.annotation import IGNORE


def resize_labels(labels: Tensor, size: Sequence[int]) -> Tensor:
    """Resize uint8 labels (N, H, W) to `size`, nearest by pixel centre, so that no label is mixed with another."""
    if tuple(labels.shape[-2:]) == tuple(size):
        return labels
    return F.interpolate(labels.unsqueeze(1), size=tuple(size), mode="nearest-exact").squeeze(1)


class ValidPixels:
    """How many pixels and images of an optimiser step are valid, by size; each size is counted once, whoever asks.

    Args:
        labels: (N, H, W) uint8 of every forward pass of the step.
        everywhere: adds up a scalar over all processes that share the step, which ask for the same sizes in the same
            order; alone, the scalar itself.
    """

    def __init__(self, labels: Sequence[Tensor], everywhere: Callable[[Tensor], Tensor] = lambda count: count) -> None:
        self._labels = labels
        self._everywhere = everywhere
        self._pixels: dict[tuple[int, ...], Tensor] = {}
        self._images: dict[tuple[int, ...] | None, Tensor] = {}

    def at(self, size: Sequence[int]) -> Tensor:
        """Return the number of pixels that are not 255 with all labels resized to (height, width); at least 1."""
        key = tuple(size)
        if key not in self._pixels:
            counts = [(resize_labels(part, key) != IGNORE).sum() for part in self._labels]
            self._pixels[key] = self._everywhere(torch.stack(counts).sum()).clamp(min=1)
        return self._pixels[key]

    def images(self, size: Sequence[int] | None = None) -> Tensor:
        """Return the number of images with a pixel that is not 255, resized to `size` or as they are; at least 1."""
        key = None if size is None else tuple(size)
        if key not in self._images:
            parts = [part if key is None else resize_labels(part, key) for part in self._labels]
            counts = [(part != IGNORE).flatten(1).any(dim=1).sum() for part in parts]
            self._images[key] = self._everywhere(torch.stack(counts).sum()).clamp(min=1)
        return self._images[key]
