"""Trying a model on a photo that belongs to no dataset, while someone waits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.home import Home
from db.session import Database
from labeling.photos import PhotoError, read_photo
from training.prediction.affinity import reduce_likely
from training.prediction.drawing import model_palette
from training.prediction.kept_model import KEPT
from training.prediction.shares import ClassShare, class_shares
from training.prediction.size import Size

CRF_STEPS = (1, 2, 10)
"""Numbers of iterations that are shown beside what the network says alone."""
LARGEST_PIXELS = 12_000_000
"""What the network may be given: this is answered while someone waits."""


@dataclass(frozen=True)
class TriedPicture:
    """What a model says of a photo.

    Attributes:
        model: what names it for good.
        index: uint8 (H, W), index into the model's classes, at the photo's size after EXIF rotation.
        confidence: uint8 (H, W), softmax of the winning class, 0..255 for 0..1.
        classes: in the order of the indices.
        seconds: it took, loading the model included.
        likely: probabilities, float32 (K, h, w) of a small version, by numbers of iterations of a CRF.
        steps: `index` after other numbers of iterations, by these; `index` itself is after none.
    """

    model: str
    index: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    classes: tuple[ClassShare, ...]
    seconds: float
    likely: Mapping[int, NDArray[np.float32]]
    steps: Mapping[int, NDArray[np.uint8]] = field(default_factory=dict)


def try_model(
    home: Home,
    database: Database,
    *,
    project: str,
    model: str,
    photo: Path | bytes,
    size: str = "original",
    crf: bool = False,
) -> TriedPicture:
    """Predict one photo with a model of a project, which stays loaded for the next one.

    Args:
        home: holds the model.
        database: its database.
        project: name.
        model: reference of one of the project's models.
        photo: a file, or its bytes.
        size: what the network sees: `original`, `HxW` or `long N`.
        crf: also refine by a CRF, after each of `CRF_STEPS`.

    Raises:
        UserError: no such model, no photo, or one that is too large to wait for.
    """
    pixels = _read(photo)
    asked = Size.parse(size)
    height, width = pixels.shape[:2]
    target = asked.target(height, width)
    if target[0] * target[1] > LARGEST_PIXELS:
        raise UserError(
            f"At the size {asked} the network would see {target[1]} x {target[0]} pixels; {LARGEST_PIXELS:,} are the "
            "most while someone waits. Choose a size as `long 2048`, or predict a folder, which takes any."
        )
    started = time.perf_counter()
    iterations = (0, *CRF_STEPS) if crf else (0,)
    loaded, predictions = KEPT.predict_steps(home, database, project, model, pixels, asked, iterations)
    prediction, steps = predictions[0], {n: one.index for n, one in zip(iterations, predictions, strict=True) if n}
    seconds = time.perf_counter() - started
    likely = {
        n: reduce_likely(one.scores.astype(np.float32), (height, width))
        for n, one in zip(iterations, predictions, strict=True)
        if one.scores is not None
    }
    names = loaded.spec.classes
    counts = np.bincount(prediction.index.reshape(-1), minlength=len(names))
    classes = tuple(class_shares(names, model_palette(loaded.spec), counts))
    return TriedPicture(loaded.reference, prediction.index, prediction.confidence, classes, seconds, likely, steps)


def _read(photo: Path | bytes) -> NDArray[np.uint8]:
    try:
        return read_photo(photo)
    except PhotoError as error:
        raise UserError(f"This cannot be used as a photo: {error}.") from None
