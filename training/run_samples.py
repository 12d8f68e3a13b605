"""The sample predictions of a run (see `training.engine.samples`), with the photos and class maps they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from db.errors import NotFoundError
from labeling.maps import MapError, read_map_png
from training.data.decode import Decoder, measure
from training.data.resample import Pixels
from training.data.sizes import Resize
from training.data.source import PackSource
from training.engine.photos import pack_source
from training.engine.rundir import RunDirectory
from training.engine.samples import sample_steps, spread


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
