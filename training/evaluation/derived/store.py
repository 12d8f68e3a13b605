"""The file of what is derived from an evaluation's maps, one for each mapping: `derived/shapes1-VERSION.npz`.

boundary    int64 (images, k_truth, 6): columns as `boundary_figures.Count` names them
objects     int64 (objects, 4): image, class, pixels, hits
known       uint8 (images,): `Known`
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, fields
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.files import write_atomic
from training.evaluation.derived.boundary_figures import Count
from training.evaluation.opened import version_of

_FOLDER = "derived"
_FORMAT = 1


class Known(IntEnum):
    """What is known of the objects in an image's truth."""

    OBJECTS = 0
    """All of them."""
    NO_OBJECTS = 1
    """Nothing: its labels are a mask without any."""
    NO_VERSION = 2
    """Nothing: no version of its labels is known that gives the class map it was evaluated with."""


@dataclass(frozen=True)
class Shapes:
    """What was counted in an evaluation's maps under one mapping.

    Attributes:
        boundary: int64 (images, k_truth, 6), see `boundary.boundary_counts`.
        objects: int64 (objects, 4): number of the image, then as `objects.object_counts` has it.
        wrong: int64 (k_truth,): pixels wrongly predicted as each class, in the images whose objects are known.
        known: uint8 (images,), a `Known` each.
    """

    boundary: NDArray[np.int64]
    objects: NDArray[np.int64]
    wrong: NDArray[np.int64]
    known: NDArray[np.uint8]


def write_shapes(directory: Path, columns: NDArray[np.intp], shapes: Shapes) -> None:
    """Keep what was counted in an evaluation's directory, in place of what was there.

    Raises:
        UserError: it cannot be written.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **vars(shapes))
    path = shapes_path(directory, columns)
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, buffer.getvalue())


def shapes_path(directory: Path, columns: NDArray[np.intp]) -> Path:
    """Return the file of what was counted under a mapping, which need not be there."""
    return directory / _FOLDER / f"shapes{_FORMAT}-{version_of(directory, columns)}.npz"


def read_shapes(path: Path, images: int, classes: int) -> Shapes:
    """Read what was counted.

    Raises:
        UserError: the file is not what was written.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = Shapes(*(arrays[field.name] for field in fields(Shapes)))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise _damaged(path, str(error)) from None
    if found.boundary.shape != (images, classes, len(Count)) or found.known.shape != (images,):
        raise _damaged(path, "it is of another evaluation")
    return found


def _damaged(path: Path, reason: str) -> UserError:
    return UserError(f"The file {path} is damaged: {reason}. `workbench evaluations boundary` makes it again.")
