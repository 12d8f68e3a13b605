"""The sample predictions of a run (see `training.engine.samples`), with the photos and class maps they belong to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

import cv2

from db.errors import NotFoundError, UserError
from db.home import Home
from labeling.maps import MapError, read_map_png, write_map_png
from labeling.photos import fit_size
from labeling.thumbnails import JPEG, PNG, Picture, Size, pictures, reduce_map
from training.data.decode import Decoder, measure
from training.data.resample import Pixels, resize_photo
from training.data.sizes import Resize
from training.data.source import PackSource
from training.engine.photos import pack_source
from training.engine.rundir import RunDirectory
from training.engine.samples import sample_steps, spread
from training.runs.lifecycle import RunInfo

Layer = Literal["photo", "truth", "prediction"]
QUALITY = 85


@dataclass(frozen=True)
class SampleImage:
    """A validation photo whose predictions are kept: its place among the run's validation images, and its name."""

    n: int
    name: str


@dataclass(frozen=True)
class RunSamples:
    """What samples a run has.

    Attributes:
        images: the photos, the same at every step.
        steps: of the validations that are kept, in order.
    """

    images: tuple[SampleImage, ...]
    steps: tuple[int, ...]


def run_samples(directory: Path) -> RunSamples:
    """List the samples of a run."""
    images, _ = _shown(directory)
    return RunSamples(
        images=tuple(SampleImage(n, str(image)) for n, image in images.items()),
        steps=tuple(sample_steps(RunDirectory(directory).samples)),
    )


def sample_prediction(directory: Path, step: int, n: int) -> Pixels:
    """Return the class map that was predicted for validation image `n` at `step`, uint8 (H, W).

    Raises:
        NotFoundError: it is not kept, or no longer.
    """
    _image(directory, n)
    try:
        return read_map_png(RunDirectory(directory).samples / str(step) / f"{n}.png")
    except (OSError, MapError):
        raise NotFoundError(f"No prediction of image {n} at step {step} is kept.") from None


def sample_photo(directory: Path, n: int) -> Pixels:
    """Return the photo of validation image `n` at the size the network saw it, uint8 (H, W, 3) RGB.

    Raises:
        NotFoundError: its predictions are not kept.
        UserError: the photo is gone or has changed.
    """
    image, decoder = _image(directory, n)
    return decoder.photo(image, measure([image])[0])


def sample_truth(directory: Path, n: int) -> Pixels:
    """Return the class map of validation image `n` at the size the network saw it, uint8 (H, W).

    Raises:
        NotFoundError: its predictions are not kept.
    """
    image, decoder = _image(directory, n)
    return decoder.class_map(image, measure([image])[0])


def sample_picture(home: Home, run: RunInfo, step: int, n: int, layer: Layer, size: Size) -> Picture:
    """Return a sample as a browser shows it: the photo as a JPEG, class maps as index PNGs, all of one size.

    Raises:
        NotFoundError: it is not kept, or no longer, or its photo is gone.
    """
    if layer == "prediction":
        pixels = sample_prediction(run.directory, step, n)
        name = f"{step}-{n}-{hashlib.sha256(pixels.tobytes()).hexdigest()[:16]}-{size}.png"
        encode = partial(_encode_map, pixels, size)
    else:
        image, _ = _image(run.directory, n)
        key = hashlib.sha256(image.key.encode()).hexdigest()[:16]
        name = f"{layer}-{n}-{key}-{size}.{'jpg' if layer == 'photo' else 'png'}"
        encode = partial(_encode, run.directory, n, layer, size)
    try:
        made = pictures(home).get(f"runs/{run.id}/{name}", encode)
    except UserError as error:
        raise NotFoundError(str(error)) from error
    return Picture(made, JPEG if layer == "photo" else PNG, f'"{run.id}-{name}"')


def _encode(directory: Path, n: int, layer: Layer, size: Size) -> bytes:
    if layer == "truth":
        return _encode_map(sample_truth(directory, n), size)
    photo = sample_photo(directory, n)
    height, width = photo.shape[:2]
    if size:
        width, height = fit_size(width, height, size)
    bgr = cv2.cvtColor(resize_photo(photo, (height, width)), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def _encode_map(pixels: Pixels, size: Size) -> bytes:
    return write_map_png(reduce_map(pixels, size))


def _image(directory: Path, n: int) -> tuple[PackSource, Decoder]:
    images, decoder = _shown(directory)
    if n not in images:
        raise NotFoundError(f"No predictions of validation image {n} are kept; those of {list(images)} are.")
    return images[n], decoder


@lru_cache(maxsize=32)
def _shown(directory: Path) -> tuple[dict[int, PackSource], Decoder]:
    """Read which photos a run shows: once, as lists of images may be long and never change."""
    run = RunDirectory(directory)
    recipe, val = run.command().recipe, run.images().val
    images = {n: pack_source(val[n]) for n in spread(len(val))}
    return images, Decoder(Resize.parse(recipe.resize), recipe.pack_long_side)
