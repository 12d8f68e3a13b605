"""How well the boundaries of classes are met: counts of one image, from which boundary F1 and boundary IoU come.

**Boundary F1** (Csurka et al., What is a good evaluation measure for semantic segmentation?, BMVC 2013,
https://doi.org/10.5244/C.27.32). The boundary of a class are its pixels with one of another class above, below or
beside them. Its precision is the share of the predicted boundary that is nearer than the tolerance to the true one, its
recall the share of the true boundary that is nearer than that to the predicted one. The tolerance is 0.75 % of the
photo's diagonal, and distances are Euclidean.

**Boundary IoU** (Cheng et al., CVPR 2021, https://arxiv.org/abs/2103.16562; their code is
https://github.com/bowenc0221/boundary-iou-api). The IoU of the two strips that lie within a distance of the contours
and inside of them: a mask without what is left after eroding it by a 3x3 square as many times as 2 % of the diagonal
has pixels (rounded, at least once). A photo's edge is a contour there, as they pad with zeros; of the boundary for F1
it is no part.

Ignored pixels: for F1, no boundary of the truth lies between a class and ignored pixels, and a predicted boundary
beside an ignored pixel or nearer to it than the tolerance is left out, as what it should meet may lie under it. For
IoU, ignored pixels belong to no mask, neither of the truth nor of the prediction, so that both have a contour along
them. Where every object is outlined by ignored pixels, as in PASCAL VOC, little or no boundary is left for F1.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from labeling.annotation import IGNORE
from training.evaluation.derived.boundary_figures import TOLERANCE, WIDTH, Count

_BITS = ((8, np.uint8), (16, np.uint16), (32, np.uint32), (64, np.uint64))
_PLANES = 64  # classes at once
_BESIDE = 1.01  # pixels: nearer than this are a pixel and its four neighbours


def boundary_counts(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Count the boundary pixels of one image by class.

    Args:
        truth: class map, uint8 (H, W); 255 is ignored, all else is below `classes`.
        prediction: uint8 (H, W) of the same classes; `classes` is a prediction that is none of them.
        classes: how many there are, 1..254.

    Returns:
        int64 (classes, 6), columns as `Count` names them.
    """
    diagonal = math.hypot(*truth.shape)
    counts = np.zeros((classes, len(Count)), np.int64)
    _count_lines(counts, truth, prediction, TOLERANCE * diagonal)
    _count_strips(counts, truth, prediction, max(1, round(WIDTH * diagonal)))
    return counts


def _count_lines(
    counts: NDArray[np.int64], truth: NDArray[np.uint8], prediction: NDArray[np.uint8], tolerance: float
) -> None:
    """Fill in the first four columns.

    All classes are widened at once: each is a bit of a pixel, so that a disk over all of them is a few ORs of shifted
    maps.
    """
    valid = truth != IGNORE
    true, predicted = _lines(truth, valid), _lines(prediction, np.ones_like(valid))
    counted = predicted & valid
    if not valid.all():
        counted &= _widened((~valid).astype(np.uint8), max(tolerance, _BESIDE)) == 0
    shown = np.union1d(truth[true], prediction[predicted])
    shown = shown[shown < len(counts)]
    for start in range(0, len(shown), _PLANES):
        part = shown[start : start + _PLANES]
        kind = next(kind for bits, kind in _BITS if len(part) <= bits)
        bits = np.zeros(256, kind)
        bits[part] = np.left_shift(kind(1), np.arange(len(part), dtype=kind))
        of_truth, of_prediction = bits[truth], bits[prediction]
        of_truth[~true], of_prediction[~predicted] = 0, 0
        found = (_widened(of_prediction, tolerance) & of_truth) != 0
        right = counted & ((_widened(of_truth, tolerance) & of_prediction) != 0)
        counts[part, Count.TRUE] = _by_class(truth[of_truth != 0])[part]
        counts[part, Count.FOUND] = _by_class(truth[found])[part]
        counts[part, Count.PREDICTED] = _by_class(prediction[counted & (of_prediction != 0)])[part]
        counts[part, Count.RIGHT] = _by_class(prediction[right])[part]


def _lines(labels: NDArray[np.uint8], valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which pixels have a neighbour of another class, above, below or beside; both must be valid."""
    found = np.zeros(labels.shape, bool)
    for ours, theirs in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        differ = (labels[ours] != labels[theirs]) & valid[ours] & valid[theirs]
        found[ours] |= differ
        found[theirs] |= differ
    return found


def _widened(planes: NDArray, radius: float) -> NDArray:
    """Return the OR of all pixels nearer than `radius`, bit by bit: every plane dilated by an open disk."""
    out = planes.copy()
    reach = math.ceil(radius) - 1  # the largest whole number below it
    widths = [math.ceil(math.sqrt(radius**2 - down**2)) - 1 for down in range(reach + 1)]
    row = planes.copy()  # widened to both sides by `width`
    for width in range(reach + 1):
        if width:
            row[:, width:] |= planes[:, :-width]
            row[:, :-width] |= planes[:, width:]
        for down in (down for down, known in enumerate(widths) if known == width):
            if down == 0:
                out |= row
            else:
                out[down:] |= row[:-down]
                out[:-down] |= row[down:]
    return out


def _count_strips(
    counts: NDArray[np.int64], truth: NDArray[np.uint8], prediction: NDArray[np.uint8], width: int
) -> None:
    """Fill in the last two columns.

    A pixel survives the erosion of its class's mask where all of the square around it, of side 2 `width` + 1, is of its
    class and inside the photo: one pass finds that for all classes.
    """
    prediction = np.where(truth == IGNORE, np.uint8(IGNORE), prediction)
    true, predicted = _strips(truth, width), _strips(prediction, width)
    common = _by_class(truth[true & predicted & (truth == prediction)])
    either = _by_class(truth[true]) + _by_class(prediction[predicted]) - common
    counts[:, Count.COMMON], counts[:, Count.EITHER] = common[: len(counts)], either[: len(counts)]


def _strips(labels: NDArray[np.uint8], width: int) -> NDArray[np.bool_]:
    """Tell which pixels are no further than `width` from a contour, in the sense of squares."""
    found = np.ones(labels.shape, bool)
    if min(labels.shape) > 2 * width:
        square = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
        differ = cv2.dilate(labels, square) != cv2.erode(labels, square)
        inside = np.s_[width:-width, width:-width]
        found[inside] = differ[inside]
    return found


def _by_class(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.bincount(labels, minlength=256)
