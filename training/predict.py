"""Using a model on photos: an index PNG and an overlay for each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.files import write_atomic
from db.home import Home
from db.session import Database
from labeling.formats.base import Problem, iter_image_files
from labeling.maps import voc_colormap, write_map_png
from labeling.photos import PhotoError, read_photo
from labeling.progress import Progress, silent
from training.inference import Prediction, Size, predict_pixels
from training.models import load_model
from training.numerics import pick_device

OVERLAY_OPACITY = 0.5
JPEG_QUALITY = 90
READ_AHEAD = 4


@dataclass(frozen=True)
class PredictReport:
    """What a prediction over a folder did."""

    images: int
    images_per_second: float
    to: Path
    skipped: tuple[Problem, ...]


@dataclass(frozen=True)
class _Job:
    photo: Path
    stem: Path  # relative to the output folder, without a suffix


def predict_folder(
    home: Home,
    database: Database,
    *,
    project: str | None,
    model: str,
    source: Path,
    to: Path,
    size: str = "original",
    overlay: bool = True,
    overwrite: bool = False,
    device: str = "auto",
    progress: Progress = silent,
) -> PredictReport:
    """Predict a photo or every photo below a folder.

    Writes `to/index/NAME.png` (class index, uint8, the photo's size after EXIF rotation; the palette is for viewers)
    and `to/overlay/NAME.jpg`; relative folders are kept, and of two photos with one stem each keeps its suffix in the
    name. A photo that cannot be read is reported and left out.

    Raises:
        UserError: no photo there, an output folder that holds files (without `overwrite`) or lies in the source, or a
            model that cannot be loaded.
    """
    jobs = _list_jobs(source, to)
    if not overwrite and to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UserError(f"{to} is not an empty folder. Choose another one, or add --overwrite.")
    loaded = load_model(home, database, project, model)
    asked, target = Size.parse(size), pick_device(device)
    loaded.module.to(target)
    palette = voc_colormap()[: len(loaded.spec.classes)]
    skipped: list[Problem] = []
    started = time.perf_counter()
    with ThreadPoolExecutor(2) as writers:
        pending: list[Future[None]] = []
        for done, (job, photo) in enumerate(_read_ahead(jobs), start=1):
            if isinstance(photo, PhotoError):
                skipped.append(Problem(str(job.photo), str(photo)))
            else:
                prediction = predict_pixels(loaded, photo, size=asked, device=target)
                pending.append(writers.submit(_write, to, job, photo, prediction, palette, overlay))
            while len(pending) > READ_AHEAD:
                pending.pop(0).result()
            progress(done, len(jobs), "photos predicted")
        for future in pending:
            future.result()
    seconds = time.perf_counter() - started
    images = len(jobs) - len(skipped)
    return PredictReport(images, images / seconds, to, tuple(skipped))


def _list_jobs(source: Path, to: Path) -> list[_Job]:
    if not source.exists():
        raise UserError(f"{source} does not exist: expected a photo or a folder of photos.")
    root = source if source.is_dir() else source.parent
    if to.resolve().is_relative_to(root.resolve()) and source.is_dir():
        raise UserError(f"{to} lies inside {source}; predictions never mix with the photos. Choose another folder.")
    photos = list(iter_image_files(source)) if source.is_dir() else [source]
    if not photos:
        raise UserError(f"{source} holds no photo (jpg, png, bmp, tif or webp).")
    stems = [photo.relative_to(root).with_suffix("") for photo in photos]
    twice = {stem for stem in stems if stems.count(stem) > 1} if len(set(stems)) < len(stems) else set()
    return [
        _Job(photo, photo.relative_to(root) if stem in twice else stem)
        for photo, stem in zip(photos, stems, strict=True)
    ]


def _read_ahead(jobs: list[_Job]) -> Iterator[tuple[_Job, NDArray[np.uint8] | PhotoError]]:
    """Yield each job with its pixels, decoding a few photos ahead of the network."""

    def read(job: _Job) -> NDArray[np.uint8] | PhotoError:
        try:
            return read_photo(job.photo)
        except PhotoError as error:
            return error

    with ThreadPoolExecutor(1) as reader:
        todo = iter(jobs)
        waiting = [(job, reader.submit(read, job)) for job in islice(todo, READ_AHEAD)]
        while waiting:
            job, photo = waiting.pop(0)
            waiting.extend((following, reader.submit(read, following)) for following in islice(todo, 1))
            yield job, photo.result()


def _write(
    to: Path, job: _Job, photo: NDArray[np.uint8], prediction: Prediction, palette: NDArray[np.uint8], overlay: bool
) -> None:
    index = to / "index" / f"{job.stem}.png"
    index.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(index, write_map_png(prediction.index, palette))
    if overlay:
        path = to / "overlay" / f"{job.stem}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, _overlay_jpeg(photo, palette[prediction.index]))


def _overlay_jpeg(photo: NDArray[np.uint8], colors: NDArray[np.uint8]) -> bytes:
    mixed = cv2.addWeighted(photo, 1 - OVERLAY_OPACITY, colors, OVERLAY_OPACITY, 0)
    encoded, data = cv2.imencode(".jpg", mixed[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not encoded:
        raise RuntimeError("OpenCV could not encode the overlay")
    return data.tobytes()
