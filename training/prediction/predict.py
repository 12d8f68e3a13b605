"""Using a model on photos, or several beside each other: an index PNG and an overlay for each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.home import Home
from db.session import Database
from labeling.formats.base import Problem, iter_image_files
from labeling.mask_names import mask_names
from labeling.photos import PhotoError, read_photo
from labeling.progress import Progress, silent
from training.data.parallel import ordered_map
from training.data.resample import resize_photo
from training.models.find import load_model
from training.models.loaded import LoadedModel
from training.numerics import pick_device
from training.prediction.drawing import PLAIN, Look
from training.prediction.inference import Predictor
from training.prediction.refinement import NONE, Refinement
from training.prediction.size import Size
from training.prediction.targets import Target, check_target, open_target
from training.prediction.written import BesideReport, PredictedBy, Said, Writing

MOST_MODELS = 4
"""Beside each other: more are seen no longer."""
_THREADS, _AHEAD = 2, 4  # on each side of the network


@dataclass(frozen=True)
class PredictReport:
    """What a prediction over a folder did.

    Attributes:
        images: predicted.
        images_per_second: by all of the models.
        to: the folder or the zip.
        skipped: photos that could not be read.
        models: the model, then those beside it.
        beside: what they say beside each other; None of a model alone.
    """

    images: int
    images_per_second: float
    to: Path
    skipped: tuple[Problem, ...]
    models: tuple[PredictedBy, ...]
    beside: BesideReport | None


@dataclass(frozen=True)
class _Job:
    photo: Path
    name: str  # of the photo, relative to the source
    stem: str  # relative to the output folders, without a suffix


@dataclass(frozen=True)
class _Ready:
    job: _Job
    photo: NDArray[np.uint8]
    pixels: NDArray[np.uint8]  # at the network's size


@dataclass(frozen=True)
class _Predicted:
    job: _Job
    photo: NDArray[np.uint8]
    maps: tuple[NDArray[np.uint8], ...]  # by model


def predict_folder(
    home: Home,
    database: Database,
    *,
    project: str | None,
    model: str,
    source: Path,
    to: Path,
    beside: Sequence[str] = (),
    size: str = "original",
    overlay: bool = True,
    look: Look = PLAIN,
    labelme: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    refinement: Refinement = NONE,
    progress: Progress = silent,
) -> PredictReport:
    """Predict a photo or every photo below a folder.

    Writes `index/NAME.png` (class index, uint8, the photo's size after EXIF rotation; the palette is for viewers),
    `overlay/NAME.jpg` and, with `labelme`, `labelme/NAME.json`, which is read beside the photo; relative folders are
    kept, and of photos with one stem each keeps its suffix in the name. `classes.csv` says what the indices stand for,
    `shares.csv` how much of each photo a class has. Colours are those the model knows its classes by, else Pascal
    VOC's. A photo that cannot be read is reported and left out.

    Of several models each has its files in a folder of its own, and `beside/NAME.beside.png` shows the photo with what
    each says of it; `agreement.csv` says where they agree.

    Args:
        home: holds the models.
        database: its database.
        project: name, None for the current one.
        model: reference.
        source: a photo, or a folder of photos.
        to: folder, or the name of a `.zip`, which gets the same files.
        beside: references of further models.
        size: what the networks see.
        overlay: write overlays.
        look: of the overlays.
        labelme: write labelme files.
        overwrite: write into a folder that holds files, or replace the zip.
        device: that predicts.
        refinement: what is done besides running a network once.
        progress: told of photos.

    Raises:
        UserError: no photo is there, or none can be read; the output is there (without `overwrite`), lies in the
            source or cannot be written; a model cannot be loaded, or comes twice.
    """
    check_target(to, source, overwrite=overwrite)
    jobs = _list_jobs(source)
    asked, on = Size.parse(size), pick_device(device)
    models = _load_models(home, database, project, (model, *beside))
    predictors = [Predictor(each, on, refinement=refinement) for each in models]
    writing = Writing(models, look, overlay=overlay, labelme=labelme)
    skipped: list[Problem] = []
    images = 0
    started = time.perf_counter()
    with (
        open_target(to) as target,
        closing(ordered_map(partial(_read, size=asked), jobs, threads=_THREADS, ahead=_AHEAD)) as read,
        closing(
            ordered_map(
                partial(_write, target, writing),
                _predict(predictors, _readable(read, skipped)),
                threads=_THREADS,
                ahead=_AHEAD,
            )
        ) as written,
    ):
        for images, said in enumerate(written, start=1):
            writing.add(said)
            progress(images + len(skipped), len(jobs), "photos predicted")
        if not images:
            first = skipped[0]
            several = "" if len(jobs) == 1 else f"None of the {len(jobs)} photos can be read. "
            raise UserError(f"{several}{first.file} cannot be used as a photo: {first.reason}.")
        for name, data in writing.tables():
            target.write(name, data)
    seconds = time.perf_counter() - started
    return PredictReport(images, images / seconds, to, tuple(skipped), writing.predicted_by(), writing.beside())


def _list_jobs(source: Path) -> list[_Job]:
    if not source.exists():
        raise UserError(f"{source} does not exist: expected a photo or a folder of photos.")
    root = source if source.is_dir() else source.parent
    photos = list(iter_image_files(source)) if source.is_dir() else [source]
    if not photos:
        raise UserError(f"{source} holds no photo (jpg, png, bmp, tif or webp).")
    names = [photo.relative_to(root).as_posix() for photo in photos]
    written = mask_names(names)
    return [_Job(photo, name, written[name].removesuffix(".png")) for photo, name in zip(photos, names, strict=True)]


def _load_models(home: Home, database: Database, project: str | None, references: Sequence[str]) -> list[LoadedModel]:
    if len(references) > MOST_MODELS:
        raise UserError(f"{len(references)} models beside each other are too many: {MOST_MODELS} are the most.")
    models = [load_model(home, database, project, reference) for reference in references]
    names = [each.reference for each in models]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"The model {twice} comes twice. Each of the models beside each other must be another one.")
    return models


def _read(job: _Job, size: Size) -> _Ready | Problem:
    try:
        photo = read_photo(job.photo)
    except PhotoError as error:
        return Problem(str(job.photo), str(error))
    return _Ready(job, photo, resize_photo(photo, size.target(photo.shape[0], photo.shape[1])))


def _readable(photos: Iterable[_Ready | Problem], skipped: list[Problem]) -> Iterator[_Ready]:
    for photo in photos:
        if isinstance(photo, Problem):
            skipped.append(photo)
        else:
            yield photo


def _predict(predictors: Sequence[Predictor], photos: Iterable[_Ready]) -> Iterator[_Predicted]:
    for batch in predictors[0].gather(photos, lambda ready: ready.pixels):
        found = [list(_maps(predictor, batch)) for predictor in predictors]
        for ready, maps in zip(batch, zip(*found, strict=True), strict=True):
            yield _Predicted(ready.job, ready.photo, maps)


def _maps(predictor: Predictor, photos: Sequence[_Ready]) -> Iterator[NDArray[np.uint8]]:
    for batch in predictor.gather(photos, lambda ready: ready.pixels):  # another model may take fewer at once
        sizes = [(ready.photo.shape[0], ready.photo.shape[1]) for ready in batch]
        pixels, originals = [ready.pixels for ready in batch], [ready.photo for ready in batch]
        for prediction in predictor.predict(pixels, sizes, originals=originals):
            yield prediction.index


def _write(target: Target, writing: Writing, predicted: _Predicted) -> Said:
    said = writing.say(predicted.job.name, predicted.maps)
    for name, data in writing.photo_files(said, predicted.job.stem, predicted.photo, predicted.maps):
        target.write(name, data)
    return said
