"""A survey's directory: what a model made of some photos, in files that never change once the directory has its name.

survey.json     what was surveyed with what (`SurveyRecord`)
arrays.npz      `SurveyArrays`: a row a photo, in the order of the record
"""

from __future__ import annotations

import hashlib
import io
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, ValidationError

from db.errors import NotFoundError, UserError
from db.files import write_atomic
from db.home import Home
from training.documents import Document
from training.evaluation.store import published_directories
from training.prediction.refinement import NONE, Refinement

LAST = "last"
RECORD, ARRAYS = "survey.json", "arrays.npz"
_KEPT = 4


class SurveyedImage(Document):
    """One photo of a survey.

    Attributes:
        path: relative, in the dataset.
        image_sha256: of its bytes.
        height: pixels after EXIF rotation.
        width: likewise.
        labelled: whether it had an annotation by then.
        entropy: as `training.prediction.inference.Prediction` has it, 0..1.
        disagreement: share of the pixels whose class changes when the photo is mirrored, 0..1.
    """

    path: str
    image_sha256: str
    height: int
    width: int
    labelled: bool
    entropy: float
    disagreement: float


class SurveyRecord(Document):
    """What was surveyed with what, and how.

    Attributes:
        model: as it was named.
        model_sha256: of its weights' file.
        model_classes: the columns of `SurveyArrays.shares`.
        project_id: of the home's database.
        dataset: name.
        on: which of its photos, as `labeling.images.photos_of` reads it.
        size: what the network saw, as `training.prediction.inference.Size` writes it.
        refinement: what was done besides running the network once.
        precision: what it was computed in.
        device: and on.
        images: in the order of the arrays.
        seconds: from the first photo to the last.
        created_at: UTC.
        arrays_sha256: of the arrays' file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    format: int = 1
    model: str
    model_sha256: str
    model_classes: tuple[str, ...]
    project_id: int
    dataset: str
    on: str
    size: str
    refinement: Refinement = NONE
    precision: str
    device: str
    images: tuple[SurveyedImage, ...]
    seconds: float
    created_at: datetime
    arrays_sha256: str

    @property
    def mean_entropy(self) -> float:
        """The mean over the photos of their mean entropy, 0..1."""
        return sum(image.entropy for image in self.images) / len(self.images)


@dataclass(frozen=True)
class SurveyArrays:
    """A row a photo.

    Attributes:
        confidence: pixels by the winner's probability, 0..255 for 0..1, int32 (N, 256).
        shares: share of the pixels predicted as each class, float32 (N, K).
        vectors: the photo as a vector (`training.prediction.embedding`), float32 (N, channels).
    """

    confidence: NDArray[np.int32]
    shares: NDArray[np.float32]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class Survey:
    """A survey whose record is read; `name` is what commands take."""

    name: str
    directory: Path
    record: SurveyRecord

    def arrays(self) -> SurveyArrays:
        """Read the arrays.

        Raises:
            UserError: the file is gone or not what was written.
        """
        path = self.directory / ARRAYS
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError(f"The survey's file {path} cannot be read: {error}. Make the survey again.") from None
        if hashlib.sha256(data).hexdigest() != self.record.arrays_sha256:
            raise UserError(f"The survey's file {path} is not what was written: it is damaged. Make the survey again.")
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            return SurveyArrays(found["confidence"], found["shares"], found["vectors"])


def write_arrays(directory: Path, arrays: SurveyArrays) -> str:
    """Write the arrays; return the file's sha256."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **vars(arrays))
    write_atomic(directory / ARRAYS, buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def list_surveys(home: Home, project_id: int) -> list[Survey]:
    """Return a project's surveys, the newest first; one whose record is damaged is left out."""
    found = []
    for directory in published_directories(home.surveys / str(project_id)):
        with suppress(UserError):
            found.append(_kept(directory))
    return sorted(found, key=lambda each: each.record.created_at, reverse=True)


def open_survey(home: Home, project_id: int, name: str) -> Survey:
    """Return a survey of a project by its name; `last` is the newest.

    Raises:
        NotFoundError: there is none.
    """
    for survey in list_surveys(home, project_id):
        if name in (survey.name, LAST):
            return survey
    raise NotFoundError(f"There is no survey {name!r} in this project; `workbench surveys` lists them.")


def read_survey(directory: Path) -> Survey:
    """Read what was surveyed with what.

    Raises:
        UserError: the directory is gone or damaged.
    """
    path = directory / RECORD
    try:
        record = SurveyRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UserError(f"The survey's file {path} cannot be read: {error}. Make the survey again.") from None
    return Survey(directory.name, directory, record)


@lru_cache(maxsize=_KEPT)
def _kept(directory: Path) -> Survey:
    """As `read_survey`: a survey never changes, and one of many photos takes time to read."""
    return read_survey(directory)
