"""A shift's directory: why some domains differ from home, in files that never change once the directory has its name.

shift.json      what was compared, and every figure (`ShiftRecord`)
arrays.npz      `ShiftArrays`: a row a photo, home's first, then those of each target
"""

from __future__ import annotations

import hashlib
import io
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, ValidationError

from db.errors import NotFoundError, UserError
from db.files import write_atomic
from db.home import Home
from training.documents import Document
from training.evaluation.store import published_directories
from training.shift.features import FeatureShift
from training.shift.frequencies import Frequencies
from training.shift.looks import LookShift
from training.shift.plane import Way
from training.shift.sizes import ClassSizes

LAST = "last"
RECORD, ARRAYS = "shift.json", "arrays.npz"
FORMAT = 2
"""Of the record. 1 compared features with parts of home of another size: it is read, but no longer shown."""
_KEPT = 4


class Domain(Document):
    """Photos that are compared.

    Attributes:
        dataset: name.
        on: which of its photos, as `labeling.images.photos_of` reads it.
        images: how many.
        labelled: those of them with labels.
        survey: name of the survey that its vectors and entropies are from.
        entropy: mean over its photos of their mean entropy, 0..1.
    """

    dataset: str
    on: str
    images: int
    labelled: int
    survey: str
    entropy: float


class Outlier(Document):
    """A photo of a target that is least like home: its domain, its row, and how far it is (`farness`)."""

    domain: int
    row: int
    path: str
    far: float


class ShiftRecord(Document):
    """What was compared, and every figure. The first of all domains, and of every list by domain, is home.

    Attributes:
        model: as it was named.
        model_sha256: of its weights' file.
        project_id: of the home's database.
        size: what the network saw, as `training.prediction.inference.Size` writes it.
        map: how photos came onto the plane.
        explained: share of the features' variance along the plane's two axes; only of a PCA.
        domains: what was compared.
        looks: of the photos.
        frequencies: of classes; None where home or every target has no labels.
        object_sizes: by class; None likewise.
        features: of each domain; None at home, and where there are too few photos.
        farther: photos of each domain farther from home than 95 % of its own (`training.shift.features.farther`); None
            at home, and where that has too few photos. Empty in format 1.
        outliers: the photos of all targets that are least like home, the farthest first.
        seconds: it took, without surveys.
        created_at: UTC.
        arrays_sha256: of the arrays' file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    format: int = FORMAT
    model: str
    model_sha256: str
    project_id: int
    size: str
    map: Way
    explained: tuple[float, ...]
    domains: tuple[Domain, ...]
    looks: tuple[LookShift, ...]
    frequencies: Frequencies | None
    object_sizes: tuple[ClassSizes, ...] | None
    features: tuple[FeatureShift | None, ...]
    farther: tuple[int | None, ...] = ()
    outliers: tuple[Outlier, ...]
    seconds: float
    created_at: datetime
    arrays_sha256: str


@dataclass(frozen=True)
class ShiftArrays:
    """A row a photo.

    Attributes:
        domain: place of its domain, uint8 (N,).
        names: path and sha256 of its bytes, N pairs.
        labelled: whether it has labels, bool (N,).
        looks: float32 (N, 5), as `training.shift.looks.LOOKS` has them.
        entropy: mean entropy, float32 (N,), 0..1.
        far: from home, float32 (N,), as `training.shift.features.farness` has it.
        places: on the plane, float32 (N, 2).
    """

    domain: NDArray[np.uint8]
    names: tuple[tuple[str, str], ...]
    labelled: NDArray[np.bool_]
    looks: NDArray[np.float32]
    entropy: NDArray[np.float32]
    far: NDArray[np.float32]
    places: NDArray[np.float32]


@dataclass(frozen=True)
class Shift:
    """A shift whose record is read; `name` is what commands take."""

    name: str
    directory: Path
    record: ShiftRecord

    def head(self) -> dict[str, Any]:
        """Return what a list says of it, as plain JSON values."""
        record = self.record
        home, *targets = (
            {"dataset": each.dataset, "on": each.on, "images": each.images, "labelled": each.labelled}
            for each in record.domains
        )
        return {
            "shift": self.name,
            "model": record.model,
            "home": home,
            "targets": targets,
            "size": record.size,
            "created_at": record.created_at.isoformat(),
        }

    def arrays(self) -> ShiftArrays:
        """Read the arrays.

        Raises:
            UserError: the file is gone or not what was written.
        """
        path = self.directory / ARRAYS
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError(f"The shift's file {path} cannot be read: {error}. Compare the domains again.") from None
        if hashlib.sha256(data).hexdigest() != self.record.arrays_sha256:
            raise UserError(f"The shift's file {path} is not what was written. Compare the domains again.")
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            names = tuple((path, sha) for path, sha in json.loads(found["names"].tobytes()))
            return ShiftArrays(names=names, **{key: found[key] for key in found.files if key != "names"})


def write_arrays(directory: Path, arrays: ShiftArrays) -> str:
    """Write the arrays; return the file's sha256."""
    names = np.frombuffer(json.dumps(arrays.names).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{**vars(arrays), "names": names})
    write_atomic(directory / ARRAYS, buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def list_shifts(home: Home, project_id: int) -> list[Shift]:
    """Return a project's shifts, the newest first; those that are damaged, or of an older format, are left out."""
    return [each for each in _readable(home, project_id) if each.record.format == FORMAT]


def open_shift(home: Home, project_id: int, name: str) -> Shift:
    """Return a shift of a project by its name; `last` is the newest.

    Raises:
        NotFoundError: there is none.
        UserError: it is of an older format.
    """
    for shift in list_shifts(home, project_id):
        if name in (shift.name, LAST):
            return shift
    if any(name in (shift.name, LAST) for shift in _readable(home, project_id)):
        raise UserError(f"The shift {name!r} was measured by an older version of the workbench: measure it again.")
    raise NotFoundError(f"There is no shift {name!r} in this project; `workbench shifts` lists them.")


def read_shift(directory: Path) -> Shift:
    """Read what was found.

    Raises:
        UserError: the directory is gone or damaged.
    """
    path = directory / RECORD
    try:
        record = ShiftRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UserError(f"The shift's file {path} cannot be read: {error}. Compare the domains again.") from None
    return Shift(directory.name, directory, record)


def _readable(home: Home, project_id: int) -> list[Shift]:
    found = []
    for directory in published_directories(home.shifts / str(project_id)):
        with suppress(UserError):
            found.append(_kept(directory))
    return sorted(found, key=lambda each: each.record.created_at, reverse=True)


@lru_cache(maxsize=_KEPT)
def _kept(directory: Path) -> Shift:
    return read_shift(directory)
