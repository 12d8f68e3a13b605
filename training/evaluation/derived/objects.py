"""Instance-weighted IoU: how well objects are met when each of them counts the same, however small.

The rule is that of Cityscapes (Cordts et al., CVPR 2016, https://arxiv.org/abs/1604.01685;
`evalPixelLevelSemanticLabeling.py` of https://github.com/mcordts/cityscapesScripts): iIoU = iTP / (iTP + FP + iFN).
Every true positive and false negative pixel weighs the mean size of its class's objects over the size of its own.
Pixels of a class that belong to no object are neither. False positives belong to no true object: they weigh 1. The mean
sizes, which Cityscapes gives as constants of its own photos, are taken over the objects at hand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def object_counts(
    truth: NDArray[np.uint8], prediction: NDArray[np.uint8], objects: NDArray[np.int32], classes: int
) -> NDArray[np.int64]:
    """Count the pixels of each object of one image, and those predicted as its class.

    Args:
        truth: class map, uint8 (H, W); 255 is ignored, all else is below `classes`.
        prediction: uint8 (H, W) of the same classes.
        objects: int32 (H, W), numbers of objects, 0 where none is.
        classes: how many there are.

    Returns:
        int64 (objects, 3): class, pixels, hits. An object whose pixels are of several classes has a row for each:
        what was drawn over it decides what the truth is there. Its ignored pixels are left out.
    """
    inside = (objects > 0) & (truth < classes)
    truth, prediction = truth[inside], prediction[inside]
    pairs = objects[inside].astype(np.int64) * 256 + truth
    found, pixels = np.unique(pairs, return_counts=True)
    met, hits = np.unique(pairs[truth == prediction], return_counts=True)
    rows = np.stack([found % 256, pixels, np.zeros_like(pixels)], axis=1)
    rows[np.searchsorted(found, met), 2] = hits
    return rows


def wrong_pixels(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Count the pixels wrongly predicted as each class, int64 (classes,); arguments as `object_counts` has them."""
    wrong = (truth < classes) & (prediction != truth)
    return np.bincount(prediction[wrong], minlength=256)[:classes]


def object_iou(
    objects: NDArray[np.int64], wrong: NDArray[np.int64]
) -> tuple[tuple[float | None, ...], tuple[int, ...]]:
    """Compute the instance-weighted IoU of each class, and count its objects.

    Args:
        objects: int64 (objects, 3) of all images, as `object_counts` gives them.
        wrong: int64 (classes,), pixels of the same images wrongly predicted as each class.

    Returns:
        The figures, None for classes without an object, and the counts.
    """
    found: list[float | None] = []
    counts = []
    for index, false_positives in enumerate(wrong.tolist()):
        _, pixels, hits = objects[objects[:, 0] == index].T
        counts.append(len(pixels))
        if not len(pixels):
            found.append(None)
            continue
        weights = pixels.mean() / pixels
        # Hits and misses of an object weigh alike: together they are as many as the mean object has pixels.
        found.append(float((hits * weights).sum() / (pixels.sum() + false_positives)))
    return tuple(found), tuple(counts)
