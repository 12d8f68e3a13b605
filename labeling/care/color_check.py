"""Masks that were colours, or came through JPEG, and were read as classes: by their names and by their pixels."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import IGNORE
from labeling.care.findings import CheckedImage, Finding
from labeling.formats.masks.greys import look_like_greys

_NUMBERED = re.compile(r"class_(\d+)")  # what `labeling.formats.masks.legend.number_values` calls a value
_MANY_VALUES = 12
_LOOKED_AT = 20
_SPECKLED = 0.1


def check_colors(
    images: Sequence[CheckedImage], classes: Sequence[str], load: Callable[[str], NDArray[np.uint8]]
) -> list[Finding]:
    """Look, dataset by dataset, for values that are greys of colours, and for smeared borders.

    Args:
        images: the labelled ones, their class maps counted.
        classes: names in index order.
        load: gives the class map of a hash, uint8 (H, W).
    """
    found = []
    by_dataset = defaultdict[str, list[CheckedImage]](list)
    for image in images:
        if image.counts and image.map_sha256:
            by_dataset[image.dataset].append(image)
    for dataset, members in by_dataset.items():
        shown = {value for image in members for value, _ in image.counts or () if value < len(classes)}
        found += _greys(dataset, sorted(classes[value] for value in shown))
        found += _smears(dataset, members, load)
    return found


def speckle(pixels: NDArray[np.uint8]) -> float:
    """Return the share of a class map's border pixels that are like none of their four neighbours, 0 to 1.

    Borders that someone drew run between areas: of CamVid, also scaled to 0.3 by nearest neighbour, at most 0.05 are
    alone. As JPEG of quality 95 and less it is 0.43 and more, scaled smoothly 0.18 and more: values in between stand
    along every border.
    """
    same = np.zeros((4, *pixels.shape), np.bool_)
    across, down = pixels[:, 1:] == pixels[:, :-1], pixels[1:] == pixels[:-1]
    same[0, :, 1:], same[1, :, :-1], same[2, 1:], same[3, :-1] = across, across, down, down
    inner = (slice(1, -1), slice(1, -1))
    border = ~same[(slice(None), *inner)].all(axis=0)
    alone = ~same[(slice(None), *inner)].any(axis=0)
    return float(alone.sum() / border.sum()) if border.any() else 0.0


def _greys(dataset: str, names: Sequence[str]) -> list[Finding]:
    values = [int(match[1]) for name in names if (match := _NUMBERED.fullmatch(name))]
    if not look_like_greys(values):
        return []
    shown = ", ".join(map(str, sorted(values)[:8])) + (", ..." if len(values) > 8 else "")
    text = f"The classes of {dataset!r} are the values {shown} of its masks: such gaps have colours turned into grey."
    remedy = "If the masks are colours, import them again into a new dataset with the colours' table: --colors FILE."
    return [Finding("grey-colours", "warning", text, remedy, dataset=dataset, classes=tuple(names))]


def _smears(dataset: str, images: Sequence[CheckedImage], load: Callable[[str], NDArray[np.uint8]]) -> list[Finding]:
    """Look at the class maps with the most values; a source that was smeared was smeared throughout."""

    def values(image: CheckedImage) -> int:
        return sum(value != IGNORE for value, _ in image.counts or ())

    many = sorted((image for image in images if values(image) >= _MANY_VALUES), key=values, reverse=True)[:_LOOKED_AT]
    smeared = [image for image in many if image.map_sha256 and speckle(load(image.map_sha256)) > _SPECKLED]
    if not smeared:
        return []
    text = (
        f"{len(smeared)} of the {len(many)} class maps of {dataset!r} with the most values have borders of single "
        f"pixels (up to {values(smeared[0])} values in one map): the masks were stored as JPEG or scaled smoothly."
    )
    remedy = "Import the masks as they were before that, into a new dataset: PNG, scaled by nearest neighbour."
    files = tuple(image.path for image in smeared)
    return [Finding("smeared", "warning", text, remedy, dataset=dataset, files=files)]
