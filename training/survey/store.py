"""A survey's directory: what a model made of some photos, in files that never change once the directory has its name.

survey.json     what was surveyed with what (`SurveyRecord`)
arrays.npz      `SurveyArrays`: a row a photo, in the order of the record
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from db.home import Home
from training.documents import Document
from training.kept import Kept, KeptRecord, write_columns
from training.prediction.refinement import NONE, Refinement

RECORD = "survey.json"


class SurveyedImage(Document):
    """One photo of a survey.

    Attributes:
        path: relative, in the dataset.
        image_sha256: of its bytes.
        height: pixels after EXIF rotation.
        width: likewise.
        labelled: whether it had an annotation by then.
        entropy: as `training.prediction.predicted.Prediction` has it, 0..1.
        disagreement: share of the pixels whose class changes when the photo is mirrored, 0..1.
    """

    path: str
    image_sha256: str
    height: int
    width: int
    labelled: bool
    entropy: float
    disagreement: float


class SurveyRecord(KeptRecord):
    """What was surveyed with what, and how.

    Attributes:
        model: as it was named.
        model_sha256: of its weights' file.
        model_classes: the columns of `SurveyArrays.shares`.
        project_id: of the home's database.
        dataset: name.
        on: which of its photos, as `labeling.images.photos_of` reads it.
        size: what the network saw, as `training.prediction.size.Size` writes it.
        refinement: what was done besides running the network once.
        precision: what it was computed in.
        device: and on.
        images: in the order of the arrays.
        seconds: from the first photo to the last.
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


class Survey(Kept[SurveyRecord]):
    """A survey whose record is read."""

    noun = "survey"
    again = "Make the survey again."
    record_file = RECORD
    record_type = SurveyRecord

    def arrays(self) -> SurveyArrays:
        """Read the arrays.

        Raises:
            UserError: the file is gone or not what was written.
        """
        return SurveyArrays(**self.columns())


def write_arrays(directory: Path, arrays: SurveyArrays) -> str:
    """Write the arrays; return the file's sha256."""
    return write_columns(directory, vars(arrays))


def list_surveys(home: Home, project_id: int) -> list[Survey]:
    """Return a project's surveys, the newest first; one whose record is damaged is left out."""
    return Survey.newest_first(_parent(home, project_id))


def open_survey(home: Home, project_id: int, name: str) -> Survey:
    """Return a survey of a project by its name; `last` is the newest.

    Raises:
        NotFoundError: there is none.
    """
    return Survey.find(_parent(home, project_id), name)


def _parent(home: Home, project_id: int) -> Path:
    return home.surveys / str(project_id)
