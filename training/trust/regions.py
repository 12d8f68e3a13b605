"""Suspect pixels joined to regions: what somebody who looks at an image is shown."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

LEAST_SHARE = 0.0004
"""Of an image's pixels: smaller regions are left out (69 pixels at 360 x 480)."""
MOST = 20
"""Regions of an image that are told, the widest ones."""


class Region(NamedTuple):
    """Joined pixels (8 neighbours) that are labelled as one class and seen as one other.

    Attributes:
        label: class they are labelled as.
        seen: class that the model sees.
        pixels: count.
        left, top, width, height: of the box around them, in pixels.
        radius: of the largest disk inside of them, in pixels: what lies along a boundary is thin, and likely the
            model's fault; a wrong label is as wide as the thing.
    """

    label: int
    seen: int
    pixels: int
    left: int
    top: int
    width: int
    height: int
    radius: float


def regions(
    truth: NDArray[np.uint8], prediction: NDArray[np.uint8], suspect: NDArray[np.bool_]
) -> list[tuple[Region, NDArray[np.bool_]]]:
    """Join the suspect pixels of an image; the widest region first, each with its mask inside its box.

    Args:
        truth: class map, uint8 (H, W).
        prediction: uint8 (H, W) of the same classes.
        suspect: bool (H, W).
    """
    least = max(1, round(LEAST_SHARE * truth.size))
    kinds = np.zeros(truth.shape, np.int32)
    kinds[suspect] = truth[suspect].astype(np.int32) * 256 + prediction[suspect] + 1
    frequent = np.flatnonzero(np.bincount(kinds[suspect]) >= least)
    places = np.zeros(256 * 256 + 1, np.int32)
    places[frequent] = np.arange(1, len(frequent) + 1)
    boxes = find_objects(places[kinds])
    found: list[tuple[Region, NDArray[np.bool_]]] = []
    for kind, (rows, columns) in zip(frequent.tolist(), boxes, strict=True):
        label, seen = divmod(kind - 1, 256)
        own = (kinds[rows, columns] == kind).astype(np.uint8)
        _, parts, sizes, _ = cv2.connectedComponentsWithStats(own, connectivity=8)
        for part in np.flatnonzero(sizes[1:, cv2.CC_STAT_AREA] >= least).tolist():
            left, top, width, height, pixels = sizes[part + 1].tolist()
            mask = parts[top : top + height, left : left + width] == part + 1
            left, top = left + columns.start, top + rows.start
            # Nothing is known behind the image's edge, so that is where a disk may reach out to.
            rim = (
                (int(top > 0), int(top + height < truth.shape[0])),
                (int(left > 0), int(left + width < truth.shape[1])),
            )
            padded = np.pad(mask.astype(np.uint8), rim)
            distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
            radius = min(float(distance.max()), max(width, height) / 2)  # without any zero it would be endless
            found.append((Region(label, seen, pixels, left, top, width, height, radius), mask))
    found.sort(key=lambda each: (-each[0].radius, -each[0].pixels, each[0].top, each[0].left))
    return found[:MOST]
