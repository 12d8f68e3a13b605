"""The images that a report shows: photo, truth, prediction, and where the two differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.session import Database
from labeling.annotation import IGNORE
from labeling.colors import from_hex
from labeling.maps import read_map_png, write_map_png
from labeling.progress import Progress, silent
from labeling.thumbnails import PNG, Size
from training.evaluation.gallery import ScoredImage, evaluation_page
from training.evaluation.pictures import Layer, evaluation_picture
from training.evaluation.reporting.findings import Findings

ERROR_COLORS = {"right": "#1a9850", "wrong": "#d73027", "ignored": "#9aa0a6"}
"""Those of the page *Evaluate*."""
IMAGES = 6
"""How many a report shows unless told otherwise."""
_IGNORED = "#000000"
_SIDE: Size = 512
_RIGHT, _WRONG, _LEFT_OUT = range(3)


@dataclass(frozen=True)
class ShownImage:
    """An image of a report.

    Attributes:
        image: which one, with its score.
        pictures: caption, media type and content of each.
        note: why there are none; None where there are.
    """

    image: ScoredImage
    pictures: tuple[tuple[str, str, bytes], ...]
    note: str | None = None


def worst_images(database: Database, found: Findings, most: int, progress: Progress = silent) -> list[ShownImage]:
    """Return the images of the lowest mIoU; one that cannot be shown says why.

    What the evaluation did not store is predicted again.

    Raises:
        UserError: the evaluation's files are damaged.
    """
    images = evaluation_page(found.evaluation, limit=most).images if most else ()
    shown = []
    for done, image in enumerate(images, 1):
        try:
            shown.append(ShownImage(image, _pictures(database, found, image.number)))
        except UserError as error:  # the photo was moved, or the model has changed: the figures are none the worse
            shown.append(ShownImage(image, (), str(error)))
        progress(done, len(images), "images")
    return shown


def _pictures(database: Database, found: Findings, number: int) -> tuple[tuple[str, str, bytes], ...]:
    def get(layer: Layer) -> tuple[str, bytes]:
        made = evaluation_picture(database.home, database, found.evaluation, number, layer, _SIDE)
        return made.media_type, made.path.read_bytes()

    truth, prediction = read_map_png(get("truth")[1]), read_map_png(get("prediction")[1])
    palette = np.full((256, 3), from_hex(_IGNORED), np.uint8)
    palette[: len(found.colors)] = [from_hex(color) for color in found.colors]
    errors = np.array([from_hex(color) for color in ERROR_COLORS.values()], np.uint8)
    return (
        ("photo", *get("photo")),
        ("truth", PNG, write_map_png(truth, palette)),
        ("prediction", PNG, write_map_png(prediction, palette)),
        ("errors", PNG, write_map_png(error_map(truth, prediction), errors)),
    )


def error_map(truth: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return where a prediction is right (0), wrong (1), or left out as the truth is ignored (2); uint8 (H, W)."""
    wrong = np.where(truth == prediction, _RIGHT, _WRONG)
    return np.where(truth == IGNORE, _LEFT_OUT, wrong).astype(np.uint8)
