"""The affinity matrices of a photo and of what a model says of it, as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from db.errors import UserError
from db.files import write_atomic
from db.home import Home
from db.session import Database
from labeling.photos import PhotoError, read_photo
from labeling.thumbnails import encode_png
from training.data.resample import resize_photo
from training.losses.affinity import reduced_size
from training.losses.affinity_picture import affinity_picture
from training.losses.reduce import mean_of_valid
from training.models.find import load_model
from training.numerics import pick_device
from training.prediction.inference import Predictor
from training.prediction.refinement import NONE, Refinement
from training.prediction.size import Size

SIDE = 24
"""Pixels on the longer side of what is compared: at most 576, each with each."""
MOST_SIDE = 64
"""A matrix of 4096 x 4096."""


@dataclass(frozen=True)
class AffinityReport:
    """A picture that was drawn.

    Attributes:
        to: the file.
        height: of the small version whose pixels are compared.
        width: likewise.
    """

    to: Path
    height: int
    width: int


def affinity_png(photo: NDArray[np.uint8], likely: NDArray[np.floating], side: int = SIDE) -> bytes:
    """Return what `affinity_picture` draws of a photo (H, W, 3) and its probabilities (K, h, w), as a PNG."""
    return encode_png(affinity_picture(photo, likely, long_side=side))


def reduce_likely(likely: NDArray[np.floating], size: tuple[int, int], side: int = SIDE) -> NDArray[np.float32]:
    """Return the probabilities (K, h, w) of a photo of this size as a picture of its affinity needs them: small."""
    values = torch.from_numpy(np.ascontiguousarray(likely, np.float32))[None]
    valid = torch.ones(values.shape[0], *values.shape[2:], dtype=torch.bool)
    return mean_of_valid(values, valid, reduced_size(size, side))[0].numpy()


def draw_affinity(
    home: Home,
    database: Database,
    *,
    project: str | None,
    model: str,
    source: Path,
    to: Path,
    side: int = SIDE,
    size: str = "original",
    overwrite: bool = False,
    device: str = "auto",
    refinement: Refinement = NONE,
) -> AffinityReport:
    """Predict a photo, and draw which of its pixels look alike beside which are predicted alike.

    Raises:
        UserError: no such model, no photo, a side out of range, or a file that is there already or cannot be written.
    """
    if not 2 <= side <= MOST_SIDE:
        raise UserError(f"The side of what is compared is 2 to {MOST_SIDE} pixels, not {side}.")
    if to.suffix.lower() != ".png":
        raise UserError(f"The picture is a PNG: expected a name as affinity.png, not {to.name}.")
    if to.exists() and not overwrite:
        raise UserError(f"{to} exists. Choose another name, or add --overwrite.")
    if not to.parent.is_dir():
        raise UserError(f"The folder {to.parent} does not exist. Make it first, or choose another one.")
    asked = Size.parse(size)
    try:
        photo = read_photo(source)
    except PhotoError as error:
        raise UserError(f"{source} cannot be used as a photo: {error}.") from None
    loaded = load_model(home, database, project, model)
    predictor = Predictor(loaded, pick_device(device), refinement=refinement)
    height, width = photo.shape[:2]
    small = resize_photo(photo, asked.target(height, width))
    (found,) = predictor.predict([small], [(height, width)], scores="probabilities", originals=[photo])
    assert found.scores is not None
    write_atomic(to, affinity_png(photo, found.scores.astype(np.float32), side))
    return AffinityReport(to, *reduced_size(photo.shape[:2], side))
