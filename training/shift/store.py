"""A shift's directory: why some domains differ from home, in files that never change once the directory has its name.

shift.json      what was compared, and every figure (`ShiftRecord`)
arrays.npz      `ShiftArrays`: a row a photo, home's first, then those of each target
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from db.errors import UserError
from db.home import Home
from training.documents import Document
from training.kept import LAST, Kept, KeptRecord, write_columns
from training.shift.features import FeatureShift
from training.shift.frequencies import Frequencies
from training.shift.looks import LookShift
from training.shift.plane import Way
from training.shift.sizes import ClassSizes
from training.shift.subject import Domain

RECORD = "shift.json"
FORMAT = 2
"""Of the record. 1 compared features with parts of home of another size: it is read, but no longer shown."""


class Compared(Document):
    """A domain that was compared.

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

    @property
    def title(self) -> str:
        """What people are told."""
        return Domain(self.dataset, self.on).title


class Outlier(Document):
    """A photo of a target that is least like home: its domain, its row, and how far it is (`farness`)."""

    domain: int
    row: int
    path: str
    far: float


class ShiftRecord(KeptRecord):
    """What was compared, and every figure. The first of all domains, and of every list by domain, is home.

    Attributes:
        model: as it was named.
        model_sha256: of its weights' file.
        project_id: of the home's database.
        size: what the network saw, as `training.prediction.size.Size` writes it.
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
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    format: int = FORMAT
    model: str
    model_sha256: str
    project_id: int
    size: str
    map: Way
    explained: tuple[float, ...]
    domains: tuple[Compared, ...]
    looks: tuple[LookShift, ...]
    frequencies: Frequencies | None
    object_sizes: tuple[ClassSizes, ...] | None
    features: tuple[FeatureShift | None, ...]
    farther: tuple[int | None, ...] = ()
    outliers: tuple[Outlier, ...]
    seconds: float


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


class Shift(Kept[ShiftRecord]):
    """A shift whose record is read."""

    noun = "shift"
    again = "Compare the domains again."
    record_file = RECORD
    record_type = ShiftRecord

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

    def place_of(self, there: Domain) -> int:
        """Return the place of a target among the domains."""
        return [Domain(each.dataset, each.on) for each in self.record.domains].index(there, 1)

    def arrays(self) -> ShiftArrays:
        """Read the arrays.

        Raises:
            UserError: the file is gone or not what was written.
        """
        columns = self.columns()
        names = tuple((path, sha) for path, sha in json.loads(columns.pop("names").tobytes()))
        return ShiftArrays(names=names, **columns)


def write_arrays(directory: Path, arrays: ShiftArrays) -> str:
    """Write the arrays; return the file's sha256."""
    names = np.frombuffer(json.dumps(arrays.names).encode(), np.uint8)
    return write_columns(directory, {**vars(arrays), "names": names})


def list_shifts(home: Home, project_id: int) -> list[Shift]:
    """Return a project's shifts, the newest first; those that are damaged, or of an older format, are left out."""
    return [each for each in Shift.newest_first(_parent(home, project_id)) if each.record.format == FORMAT]


def open_shift(home: Home, project_id: int, name: str) -> Shift:
    """Return a shift of a project by its name; `last` is the newest that is of today's format, where there is one.

    Raises:
        NotFoundError: there is none.
        UserError: it is of an older format.
    """
    for shift in list_shifts(home, project_id):
        if name in (shift.name, LAST):
            return shift
    found = Shift.find(_parent(home, project_id), name)
    raise UserError(f"The shift {found.name!r} was measured by an older version of the workbench: measure it again.")


def _parent(home: Home, project_id: int) -> Path:
    return home.shifts / str(project_id)
