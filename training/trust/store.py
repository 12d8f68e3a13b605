"""The file of the likely label errors of an evaluation, one for each mapping: `derived/trust1-VERSION.npz`.

regions     int32 (regions, 8): image, then `Region` without its radius
radius      float32 (regions,)
pixels      int64 (images, 2): suspect pixels, labelled pixels
pairs       int64 (k_truth, k_truth): suspect pixels by label and by what the model sees
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.files import write_atomic
from training.evaluation.opened import OpenEvaluation, version_of

_FOLDER = "derived"
_FORMAT = 1


@dataclass(frozen=True)
class Doubts:
    """What a model doubts in the labels it was evaluated on; the arrays are those of the file, regions by image."""

    regions: NDArray[np.int32]
    radius: NDArray[np.float32]
    pixels: NDArray[np.int64]
    pairs: NDArray[np.int64]


def doubts_path(directory: Path, columns: NDArray[np.intp]) -> Path:
    """Return the file of what was found under a mapping, which need not be there."""
    return directory / _FOLDER / f"trust{_FORMAT}-{version_of(directory, columns)}.npz"


def is_looked(evaluation: OpenEvaluation) -> bool:
    """Tell whether somebody has looked for label errors under this mapping."""
    return doubts_path(evaluation.directory, evaluation.columns).is_file()


def write_doubts(path: Path, doubts: Doubts) -> None:
    """Write the file, in place of what was there.

    Raises:
        UserError: it cannot be written.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **vars(doubts))
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, buffer.getvalue())


def read_doubts(path: Path, images: int) -> Doubts:
    """Read the file.

    Raises:
        UserError: it is not what was written.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = Doubts(*(arrays[field.name] for field in fields(Doubts)))
        fits = len(found.pixels) == images and len(found.regions) == len(found.radius)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        fits = False
    if not fits:
        raise UserError(f"The file {path} is damaged. Delete it, and look for label errors again.")
    return found
