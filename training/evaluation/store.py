"""An evaluation's directory: everything it found, in files that never change once the directory has its name.

    evaluation.json     what was evaluated on what (`EvaluationRecord`)
    counts.npz          CSR, int64 (images, k_truth * k_model): how often each cell occurs in each image
    cells.npz           its transpose, CSR: in which images a cell occurs
    histograms.npz      scores (k_model, k_truth, bins), calibration (bins, k_truth, k_model), confidence (256,),
                        winners (256, k_model)
    index/000000.png    predicted class indices, uint8, at the photo's size
    confidence/000000.png   softmax of the winning class, 0..255 for 0..1

Cell (t, m) is column t * k_model + m. Images are numbered in the order of the record.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy.sparse import csr_array, load_npz, save_npz

from db.errors import UserError
from db.files import explain_os_errors, sync_folder, write_atomic
from training.evaluation.leaks import Leaks
from training.prediction.refinement import NONE, Refinement

RECORD, COUNTS, CELLS, HISTOGRAMS = "evaluation.json", "counts.npz", "cells.npz", "histograms.npz"
INDEX, CONFIDENCE = "index", "confidence"
_INCOMING = ".incoming-"
_ABANDONED_SECONDS = 24 * 3600


class EvaluatedImage(BaseModel):
    """One image of an evaluation.

    Attributes:
        path, image_sha256, map_sha256: as the revision's manifest has them.
        height, width: pixels after EXIF rotation.
        entropy: mean entropy of the softmax over sampled pixels, 0..1 (`training.prediction.predicted.Prediction`).
        confidence: mean softmax of the winning class, 0..1.

    What the network is unsure of needs no truth: ignored pixels count in both. Evaluations older than the two lack
    them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    image_sha256: str
    map_sha256: str
    height: int
    width: int
    entropy: float | None = None
    confidence: float | None = None


class EvaluationRecord(BaseModel):
    """What was evaluated on what, and how.

    Attributes:
        model: as it was named.
        model_sha256: of its weights' file.
        model_classes: the columns of a cell.
        truth_classes: the rows.
        dataset, on, revision: what it was tested on.
        project_id, mapping_id: rows of the home's database it belongs to; they let a killed evaluation be listed yet.
        size: what the network saw, as `training.prediction.size.Size` writes it.
        refinement: what was done besides running the network once.
        precision, device: what it was computed in and on.
        predictions: whether predicted maps are stored.
        adapted: what was done to the weights without labels after their last training, in words.
        images: in the order of all arrays.
        leaks: what of it the model had seen in training.
        seconds: from the first photo to the last.
        created_at: UTC.
        files: sha256 of the arrays' files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    format: int = 1
    model: str
    model_sha256: str
    model_classes: tuple[str, ...]
    truth_classes: tuple[str, ...]
    dataset: str
    on: str
    revision: str
    project_id: int | None = None
    mapping_id: int | None = None
    size: str
    refinement: Refinement = NONE  # evaluations older than the choice had none
    precision: str
    device: str
    predictions: bool
    adapted: tuple[str, ...] = ()
    images: tuple[EvaluatedImage, ...]
    leaks: Leaks
    seconds: float
    created_at: datetime
    files: dict[str, str]

    def class_index(self, name: str) -> int:
        """Return the row of a class of the dataset.

        Raises:
            UserError: there is none of this name.
        """
        if name not in self.truth_classes:
            raise UserError(f"The evaluation has no class {name!r}. Its classes: {', '.join(self.truth_classes)}.")
        return self.truth_classes.index(name)


@dataclass(frozen=True)
class ImageCounts:
    """The occupied cells of one image: int32 columns, ascending, and int64 counts, both (n,)."""

    cells: NDArray[np.int32]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, table: NDArray[np.int64]) -> ImageCounts:
        """Compress the counts (k_truth, k_model) of an image."""
        flat = table.reshape(-1)
        cells = np.flatnonzero(flat)
        return cls(cells.astype(np.int32), flat[cells])


@dataclass(frozen=True)
class Histograms:
    """Sums over all images of an evaluation, int64, ignored pixels left out.

    Attributes:
        scores: (k_model, k_truth, score bins): sampled pixels of a truth class by the probability of a model class.
        calibration: (confidence bins, k_truth, k_model): pixels of a cell by the winner's probability.
        confidence: (256,): pixels by the winner's probability as stored.
        winners: (256, k_model): the same by winner, too; None in evaluations that are older than it.
    """

    scores: NDArray[np.int64]
    calibration: NDArray[np.int64]
    confidence: NDArray[np.int64]
    winners: NDArray[np.int64] | None = None


def counts_matrix(images: Sequence[ImageCounts], cells: int) -> csr_array:
    """Join the counts of all images, int64 (images, cells)."""
    pointers = np.cumsum([0, *(len(image.cells) for image in images)])
    columns = np.concatenate([image.cells for image in images]) if images else np.empty(0, np.int32)
    values = np.concatenate([image.counts for image in images]) if images else np.empty(0, np.int64)
    return csr_array((values, columns, pointers), shape=(len(images), cells))


@contextmanager
def new_directory(evaluations: Path) -> Iterator[Path]:
    """Yield a directory to fill; it gets its name, and so becomes an evaluation's, by `publish` alone.

    What an evaluation killed on the way left behind is removed a day later.
    """
    with explain_os_errors(evaluations):
        evaluations.mkdir(parents=True, exist_ok=True)
        for left in evaluations.glob(f"{_INCOMING}*"):
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
        directory = evaluations / f"{_INCOMING}{uuid.uuid4().hex}"
        directory.mkdir()
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def write_arrays(directory: Path, counts: csr_array, histograms: Histograms) -> dict[str, str]:
    """Write the arrays; return each file's sha256 by its name."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: array for name, array in vars(histograms).items() if array is not None})
    contents = {
        COUNTS: _sparse_bytes(counts),
        CELLS: _sparse_bytes(counts.transpose().tocsr()),
        HISTOGRAMS: buffer.getvalue(),
    }
    for name, data in contents.items():
        write_atomic(directory / name, data)
    return {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}


def publish(directory: Path, record: EvaluationRecord) -> Path:
    """Write the record and give the directory its name; return it."""
    return publish_as(directory, RECORD, record.model_dump_json(indent=1).encode(), record.created_at)


def publish_as(directory: Path, name: str, data: bytes, created_at: datetime) -> Path:
    """Write a file of this name last, and give the directory its own by the time; return it."""
    write_atomic(directory / name, data)
    target = directory.parent / f"{created_at:%Y%m%d-%H%M%S}-{directory.name[-8:]}"
    directory.rename(target)
    sync_folder(target.parent)
    return target


def published_directories(evaluations: Path) -> list[Path]:
    """Return the directories of all evaluations that were finished, the oldest first."""
    if not evaluations.is_dir():
        return []
    return sorted(path for path in evaluations.iterdir() if not path.name.startswith(_INCOMING) and path.is_dir())


def read_record(directory: Path) -> EvaluationRecord:
    """Read what was evaluated on what.

    Raises:
        UserError: the directory is gone or damaged.
    """
    path = directory / RECORD
    try:
        return EvaluationRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UserError(f"The evaluation's file {path} cannot be read: {error}. Evaluate again.") from None


def read_counts(directory: Path, record: EvaluationRecord) -> csr_array:
    """Read int64 (images, k_truth * k_model).

    Raises:
        UserError: the file is gone or not what was written.
    """
    return csr_array(load_npz(io.BytesIO(_read(directory, COUNTS, record))))


def sum_counts(counts: csr_array, record: EvaluationRecord) -> NDArray[np.int64]:
    """Return the counts of all images together before any mapping, int64 (k_truth, k_model)."""
    return np.asarray(counts.sum(axis=0), np.int64).reshape(len(record.truth_classes), len(record.model_classes))


def read_cells(directory: Path, record: EvaluationRecord) -> csr_array:
    """Read the transpose of `read_counts`: row t * k_model + m says in which images the cell occurs.

    Raises:
        UserError: the file is gone or not what was written.
    """
    return csr_array(load_npz(io.BytesIO(_read(directory, CELLS, record))))


def read_histograms(directory: Path, record: EvaluationRecord) -> Histograms:
    """Read the score and calibration histograms.

    Raises:
        UserError: the file is gone or not what was written.
    """
    with np.load(io.BytesIO(_read(directory, HISTOGRAMS, record)), allow_pickle=False) as arrays:
        return Histograms(**{field.name: arrays[field.name] for field in fields(Histograms) if field.name in arrays})


def map_name(number: int) -> str:
    """Return the file name of image `number` in the folders of predicted maps."""
    return f"{number:06d}.png"


def _read(directory: Path, name: str, record: EvaluationRecord) -> bytes:
    path = directory / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"The evaluation's file {path} cannot be read: {error}. Evaluate again.") from None
    if hashlib.sha256(data).hexdigest() != record.files.get(name):
        raise UserError(f"The evaluation's file {path} is not what was written: it is damaged. Evaluate again.")
    return data


def _sparse_bytes(matrix: csr_array) -> bytes:
    buffer = io.BytesIO()
    save_npz(buffer, matrix)
    return buffer.getvalue()
