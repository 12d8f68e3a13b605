"""The CRF between a network's upsampled logits and their argmax."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.crf.mean_field import iterate
from training.crf.parameters import CrfParameters
from training.data.resample import resize_photo
from training.prediction.upsampling import Rows, upsample_strips

MOST_VALUES = 1 << 26
"""Classes times pixels that are refined at once, about 2 GB; a larger photo is refined at the largest size below."""


def refine_strips(
    strips: Callable[[tuple[int, int]], Iterable[Rows]],
    photo: NDArray[np.uint8],
    classes: int,
    parameters: CrfParameters,
    iterations: Sequence[int],
) -> Iterator[Iterable[Rows]]:
    """Refine a map of logits by its photo.

    Args:
        strips: gives the map at a (height, width), on the device to compute on.
        photo: uint8 (H, W, 3) RGB.
        classes: of the map.
        parameters: of the CRF; its number of iterations does not count here.
        iterations: after how many to yield, ascending.

    Yields:
        The logarithm of the refined probabilities at the photo's size, for each of `iterations`.
    """
    size = (photo.shape[0], photo.shape[1])
    inner = working_size(size, classes)
    probabilities = whole_map(strips(inner))
    pixels = torch.from_numpy(resize_photo(photo, inner)).to(probabilities.device).permute(2, 0, 1)[None]
    for refined in iterate(probabilities, pixels, parameters, iterations):
        logits = refined[0].clamp(min=torch.finfo(refined.dtype).tiny).log_()
        yield upsample_strips([Rows(0, logits)], inner, size, align_corners=False)


def working_size(size: tuple[int, int], classes: int) -> tuple[int, int]:
    """Return the (height, width) that a photo is refined at: its own, unless classes times pixels are too many."""
    scale = math.sqrt(MOST_VALUES / (classes * size[0] * size[1]))
    return size if scale >= 1 else (max(1, int(size[0] * scale)), max(1, int(size[1] * scale)))


def whole_map(strips: Iterable[Rows]) -> Tensor:
    """Return the softmax of all strips together, float32 (1, K, H, W)."""
    return torch.cat([strip.logits.softmax(dim=0) for strip in strips], dim=1)[None]
