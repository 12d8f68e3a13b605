"""Using a model on photos: an index PNG and an overlay for each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.files import write_atomic
from db.home import Home
from db.session import Database
from labeling.colors import from_hex
from labeling.formats.base import Problem, iter_image_files
from labeling.maps import voc_colormap, write_map_png
from labeling.mask_names import mask_names
from labeling.photos import PhotoError, read_photo
from labeling.progress import Progress, silent
from training.data.parallel import ordered_map
from training.data.resample import resize_photo
from training.models.find import load_model
from training.models.spec import ModelSpec
from training.numerics import pick_device
from training.prediction.drawing import PLAIN, Look, Painter
from training.prediction.inference import Predictor
from training.prediction.labelme import labelme_json
from training.prediction.predicted import Prediction
from training.prediction.refinement import NONE, Refinement
from training.prediction.size import Size

JPEG_QUALITY = 90
_THREADS, _AHEAD = 2, 4  # on each side of the network


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
    prediction: Prediction


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
    look: Look = PLAIN,
    labelme: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    refinement: Refinement = NONE,
    progress: Progress = silent,
) -> PredictReport:
    """Predict a photo or every photo below a folder.

    Writes `to/index/NAME.png` (class index, uint8, the photo's size after EXIF rotation; the palette is for viewers),
    `to/overlay/NAME.jpg` and, with `labelme`, `to/labelme/NAME.json`, which is read beside the photo; relative folders
    are kept, and of photos with one stem each keeps its suffix in the name. Colours are those the model knows its
    classes by, else Pascal VOC's. A photo that cannot be read is reported and left out.

    Raises:
        UserError: no photo there, an output folder that holds files (without `overwrite`) or lies in the source, or a
            model that cannot be loaded.
    """
    jobs = _list_jobs(source, to)
    if not overwrite and to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UserError(f"{to} is not an empty folder. Choose another one, or add --overwrite.")
    loaded, asked = load_model(home, database, project, model), Size.parse(size)
    predictor = Predictor(loaded, pick_device(device), refinement=refinement)
    skipped: list[Problem] = []
    images = 0
    started = time.perf_counter()
    read = ordered_map(partial(_read, size=asked), jobs, threads=_THREADS, ahead=_AHEAD)
    predicted = _predict(predictor, _readable(read, skipped))
    write = partial(_write, to=to, spec=loaded.spec, look=look if overlay else None, labelme=labelme)
    for images, _ in enumerate(ordered_map(write, predicted, threads=_THREADS, ahead=_AHEAD), start=1):
        progress(images + len(skipped), len(jobs), "photos predicted")
    seconds = time.perf_counter() - started
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
    names = mask_names(photo.relative_to(root).as_posix() for photo in photos)
    return [_Job(photo, name.removesuffix(".png")) for photo, name in zip(photos, names.values(), strict=True)]


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


def _predict(predictor: Predictor, photos: Iterable[_Ready]) -> Iterator[_Predicted]:
    for batch in predictor.gather(photos, lambda ready: ready.pixels):
        sizes = [(ready.photo.shape[0], ready.photo.shape[1]) for ready in batch]
        pixels, originals = [ready.pixels for ready in batch], [ready.photo for ready in batch]
        predictions = predictor.predict(pixels, sizes, originals=originals)
        for ready, prediction in zip(batch, predictions, strict=True):
            yield _Predicted(ready.job, ready.photo, prediction)


def model_palette(spec: ModelSpec) -> NDArray[np.uint8]:
    """Return the colours of the model's classes, VOC's where nobody chose any; uint8 (K, 3), RGB."""
    if spec.colors:
        return np.array([from_hex(color) for color in spec.colors], np.uint8)
    return voc_colormap(len(spec.classes))


def _write(predicted: _Predicted, to: Path, spec: ModelSpec, look: Look | None, *, labelme: bool) -> None:
    palette = model_palette(spec)
    index = to / "index" / f"{predicted.job.stem}.png"
    index.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(index, write_map_png(predicted.prediction.index, palette))
    if look is not None:
        path = to / "overlay" / f"{predicted.job.stem}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        height, width = predicted.photo.shape[:2]
        painter = Painter(look, spec.classes, palette, (height, width))
        write_atomic(path, _jpeg(painter.paint(predicted.photo, predicted.prediction.index)))
    if labelme:
        path = to / "labelme" / f"{predicted.job.stem}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, labelme_json(predicted.prediction.index, spec.classes, predicted.job.photo.name))


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    encoded, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not encoded:
        raise RuntimeError("OpenCV could not encode the overlay")
    return data.tobytes()
