"""A picture of what the affinity loss compares: which pixels look alike, and which are predicted alike."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from labeling.annotation import IGNORE
from training.losses.affinity import affinity_features, reduced_size
from training.losses.reduce import mean_of_valid

IGNORED = (200, 160, 160)
"""RGB of pairs of which a pixel is ignored: no grey, so no affinity."""
GAP = 4
"""White columns between the two."""


def affinity_picture(
    photo: NDArray[np.uint8],
    prediction: NDArray[np.uint8] | NDArray[np.floating],
    *,
    long_side: int = 24,
    position: float = 0.1,
) -> NDArray[np.uint8]:
    """Draw A_image (left) and A_prediction (right) of an image, 0 black and 1 white, a row and a column each pixel.

    Pixels are in reading order, so what is alike along a line of the image shows on the diagonal, and squares beside it
    are its lines compared with each other.

    Args:
        photo: (H, W, 3) RGB.
        prediction: a class map (H, W) uint8, whose 255 is ignored, or probabilities (K, h, w) of any size, which sum to
            1 and cover what the photo does.
        long_side: pixels the image is reduced to, by averaging; 24 makes a square of at most 576 of each matrix.
        position: lambda of the loss.

    Returns:
        (M, 2 M + 4, 3) uint8 RGB for M pixels of the reduced image.
    """
    if prediction.ndim == 2:
        labels = torch.from_numpy(np.ascontiguousarray(prediction)).long()
        valid = labels != IGNORE
        probabilities = F.one_hot(labels, IGNORE + 1).permute(2, 0, 1).float()
    else:
        probabilities = torch.from_numpy(np.ascontiguousarray(prediction)).float()
        valid = torch.ones(probabilities.shape[1:], dtype=torch.bool)
    colors = torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1).float() / 255
    size = reduced_size(photo.shape[:2], long_side)
    # What is ignored has no say in the colours either.
    looked = valid if valid.shape == colors.shape[1:] else torch.ones(colors.shape[1:], dtype=torch.bool)
    small = mean_of_valid(colors[None], looked[None], size)[0]
    likely, known = (mean_of_valid(each[None], valid[None], size)[0] for each in (probabilities, valid[None].float()))
    features, likely = affinity_features(small, position).flatten(1).T, likely.flatten(1)
    matrices = (-torch.cdist(features, features, p=1)).exp(), likely.T @ likely
    seen = (known.flatten() > 0).numpy()
    grey = [(matrix.clamp(0, 1) * 255).round().to(torch.uint8).numpy() for matrix in matrices]
    drawn = [np.where((seen[:, None] & seen)[..., None], each[..., None], np.array(IGNORED, np.uint8)) for each in grey]
    gap = np.full((len(seen), GAP, 3), 255, np.uint8)
    return np.concatenate([drawn[0], gap, drawn[1]], axis=1)
