"""Surveying photos with a model, labelled or not."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.home import Home
from db.schema import utc_now
from db.session import Database
from db.store import Store
from labeling.images import DatasetPhoto, photos_of
from labeling.linked import photo_path
from labeling.parts import ALL
from labeling.photos import PhotoError, read_photo
from labeling.progress import Progress, silent
from labeling.projects import find_project
from labeling.workers import usable_cores
from training.data.parallel import ordered_map
from training.data.resample import resize_photo
from training.data.sizes import Resize, working_size
from training.evaluation.store import new_directory, publish_as
from training.models.find import load_model
from training.numerics import pick_device
from training.prediction.inference import Precision, Predictor
from training.prediction.predicted import Prediction
from training.prediction.refinement import NONE, Refinement
from training.prediction.size import Size
from training.survey.store import RECORD, Survey, SurveyArrays, SurveyedImage, SurveyRecord, write_arrays

_SECOND_LOOK = 512
"""Longest side of it: it is for a vector and for how steady the classes are, and need not see more."""
_MOST_THREADS = 8


@dataclass(frozen=True)
class _Ready:
    photo: DatasetPhoto
    original: NDArray[np.uint8]
    pixels: NDArray[np.uint8]  # at the network's size


@dataclass(frozen=True)
class _Row:
    image: SurveyedImage
    confidence: NDArray[np.int32]
    shares: NDArray[np.float32]
    vector: NDArray[np.float32]


def survey(
    home: Home,
    database: Database,
    *,
    project: str | None,
    model: str,
    dataset: str,
    on: str = ALL,
    size: str = "original",
    device: str = "auto",
    precision: Precision = "auto",
    refinement: Refinement = NONE,
    progress: Progress = silent,
) -> Survey:
    """Run a model over photos of a dataset as it is now, and store how sure it is of each, and each as a vector.

    Args:
        home: receives the survey.
        database: its database.
        project: name; None is the current one, or the only one.
        model: reference, as `training.models.find.load_model` reads it.
        dataset: name.
        on: `all`, `unlabelled`, a role or a subset's name.
        size: what the network sees.
        device: as `training.numerics.pick_device` reads it.
        precision: what the network computes in.
        refinement: what is done besides running the network once.
        progress: told the photos surveyed.

    Raises:
        UserError: something of the above is not there, or a photo cannot be read.
    """
    with database.read() as session:
        owner = find_project(session, project)
        project_id, name = owner.id, owner.name
    photos = photos_of(database, name, dataset, on)
    loaded = load_model(home, database, name, model)
    predictor = Predictor(loaded, pick_device(device), precision, refinement)
    with new_directory(home.surveys / str(project_id)) as directory:
        start = time.perf_counter()
        rows = []
        for row in _rows(predictor, Store(home.store), database, photos, Size.parse(size)):
            rows.append(row)
            progress(len(rows), len(photos), "photos surveyed")
        arrays = SurveyArrays(
            np.stack([row.confidence for row in rows]),
            np.stack([row.shares for row in rows]),
            np.stack([row.vector for row in rows]),
        )
        record = SurveyRecord(
            model=loaded.reference,
            model_sha256=loaded.sha256,
            model_classes=loaded.spec.classes,
            project_id=project_id,
            dataset=photos[0].dataset,
            on=on,
            size=str(Size.parse(size)),
            refinement=refinement,
            precision=predictor.precision,
            device=str(predictor.device),
            images=tuple(row.image for row in rows),
            seconds=time.perf_counter() - start,
            created_at=utc_now(),
            arrays_sha256=write_arrays(directory, arrays),
        )
        published = publish_as(directory, RECORD, record.model_dump_json(indent=1).encode(), record.created_at)
    return Survey(published.name, published, record)


def _rows(
    predictor: Predictor, store: Store, database: Database, photos: Sequence[DatasetPhoto], size: Size
) -> Iterator[_Row]:
    """Yield what is stored of each photo; memory is bounded by a few photos, however many there are."""
    threads = max(2, min(_MOST_THREADS, usable_cores() // 2))
    ready: Iterable[_Ready] = ordered_map(
        partial(_load, store=store, database=database, size=size), photos, threads=threads, ahead=2 * threads
    )
    classes = len(predictor.model.spec.classes)
    for batch in predictor.gather(ready, lambda each: each.pixels):
        sizes = [(each.photo.height, each.photo.width) for each in batch]
        originals = [each.original for each in batch]
        predictions = predictor.predict([each.pixels for each in batch], sizes, scores="bins", originals=originals)
        small = [resize_photo(each.pixels, _second_size(each.pixels)) for each in batch]
        mirrored, vectors = predictor.mirrored_look(small)
        for each, prediction, again, vector in zip(batch, predictions, mirrored, vectors, strict=True):
            yield _row(each.photo, prediction, again, vector, classes)


def _second_size(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    return working_size(pixels.shape[0], pixels.shape[1], resize=Resize(), long_side=_SECOND_LOOK)


def _row(
    photo: DatasetPhoto,
    prediction: Prediction,
    mirrored: NDArray[np.uint8],
    vector: NDArray[np.float32],
    classes: int,
) -> _Row:
    height, width = mirrored.shape
    index = cv2.resize(prediction.index, (width, height), interpolation=cv2.INTER_NEAREST)
    counts = np.bincount(prediction.index.ravel(), minlength=classes)
    assert prediction.entropy is not None  # scores were asked for
    return _Row(
        SurveyedImage(
            path=photo.path,
            image_sha256=photo.image_sha256,
            height=photo.height,
            width=photo.width,
            labelled=photo.labelled,
            entropy=prediction.entropy,
            disagreement=float(np.mean(index != mirrored)),
        ),
        np.bincount(prediction.confidence.ravel(), minlength=256).astype(np.int32),
        (counts / counts.sum()).astype(np.float32),
        vector,
    )


def _load(photo: DatasetPhoto, *, store: Store, database: Database, size: Size) -> _Ready:
    try:
        original = read_photo(photo_path(database, store, photo))
    except PhotoError as error:
        raise UserError(f"{photo.dataset}/{photo.path} cannot be surveyed: {error}") from error
    return _Ready(photo, original, resize_photo(original, size.target(*original.shape[:2])))
