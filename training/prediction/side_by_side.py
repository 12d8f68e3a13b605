"""One picture of a photo and what several models say of it, each with its name and legend below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from labeling.colors import from_hex
from labeling.photos import fit_size
from training.data.resample import resize_photo
from training.prediction.drawing import OVERLAY_OPACITY, PAPER, Row, draw_rows, lay_over
from training.prediction.shares import Beside, SharedClasses

_LONG_SIDE = 960  # of a panel: five beside each other are to be looked at
_GAP, _TEXT = 8, 16
_LEGEND = (100_000, 640)  # (height, width) at most: as many classes as there are, and names that end


def draw_beside(
    photo: NDArray[np.uint8],
    maps: Sequence[NDArray[np.uint8]],
    models: Sequence[str],
    classes: SharedClasses,
    told: Beside,
    opacity: float = OVERLAY_OPACITY,
) -> NDArray[np.uint8]:
    """Draw the photo, then each model's classes over it.

    A class has one colour in all of them. The legends have the same rows: the classes that any of the models sees.

    Args:
        photo: uint8 (H, W, 3) RGB.
        maps: uint8 (H, W), each an index into its model's classes.
        models: what they are called.
        classes: of all models together.
        told: what is said of this photo.
        opacity: of the classes' colours.

    Returns:
        uint8 (h, w, 3).
    """
    width, height = fit_size(photo.shape[1], photo.shape[0], _LONG_SIDE)
    small = resize_photo(photo, (height, width))
    reduced = [cv2.resize(index, (width, height), interpolation=cv2.INTER_NEAREST_EXACT) for index in maps]
    seen = [classes.palette[own[index]] for own, index in zip(classes.places, reduced, strict=True)]
    pictures = [small, *(lay_over(small, colors, opacity) for colors in seen)]
    rows = [_agreement(models, told), *(_legend(place, name, told) for place, name in enumerate(models))]
    legends = [draw_rows(each, _TEXT, _LEGEND) for each in rows]
    wide = max(width, *(legend.shape[1] for legend in legends))
    tall = height + max(legend.shape[0] for legend in legends)
    sheet = np.full((tall + _GAP, len(pictures) * (wide + _GAP) + _GAP, 3), PAPER, np.uint8)
    for column, (picture, legend) in enumerate(zip(pictures, legends, strict=True)):
        left = _GAP + column * (wide + _GAP)
        sheet[_GAP : _GAP + height, left : left + width] = picture
        sheet[_GAP + height : _GAP + height + legend.shape[0], left : left + legend.shape[1]] = legend
    return sheet


def _agreement(models: Sequence[str], told: Beside) -> list[Row]:
    pairs: Iterator[Row] = (
        (f"{_percent(pair.agree)} {models[pair.a]} and {models[pair.b]}", None) for pair in told.pairs
    )
    everyone: Row = (f"The same class from {_all(models)}: {_percent(told.agree)}", None)
    return list(chain([("Photo", None), everyone], pairs if len(models) > 2 else ()))


def _all(models: Sequence[str]) -> str:
    return "both" if len(models) == 2 else f"all {len(models)}"


def _legend(place: int, name: str, told: Beside) -> list[Row]:
    shown = (each for each in told.classes if any(each.shares))
    return [(name, None), *((f"{_percent(each.shares[place])} {each.name}", from_hex(each.color)) for each in shown)]


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:.1f} %"
