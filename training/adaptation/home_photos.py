"""The home domain of a model: the photos it was last trained on, and what they look like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.home import Home
from db.session import Database
from db.store import Store
from labeling.linked import PhotoName, photo_path
from labeling.manifest import ManifestImage, load_manifest
from labeling.photos import PhotoError, read_photo
from training.evaluation.selection import select
from training.models.loaded import LoadedModel
from training.models.spec import Ancestor, Lineage
from training.prediction.style import Kind, Style, measure_style

_PHOTOS = 100
"""Of more photos than this a look is measured on so many, evenly spaced: it hardly moves any more."""


def home_style(home: Home, database: Database, model: LoadedModel, kind: Kind) -> Style:
    """Measure what the photos a model was last trained on look like.

    Raises:
        UserError: the model does not say what it was trained on, that is not in this home, or a photo cannot be read.
    """
    store = Store(home.store)
    ancestor, images = home_images(store, model.spec.lineage, model.reference)
    chosen = evenly_spaced(images, _PHOTOS)
    name = ", ".join([*(ancestor.datasets or sorted({image.dataset for image in images})), ancestor.on])
    return measure_style(read_photos(database, store, chosen), kind, name)


def home_images(store: Store, lineage: Lineage, model: str) -> tuple[Ancestor, tuple[ManifestImage, ...]]:
    """Return the last training of a model in this home, and its images.

    Args:
        store: holds the manifests.
        lineage: the model's.
        model: its name, for messages.

    Raises:
        UserError: there was none, or its revision is not in this home.
    """
    ancestor = next((one for one in reversed(lineage) if isinstance(one, Ancestor)), None)
    if ancestor is None:
        raise UserError(
            f"The photos that the model {model} was trained on are not in this home, so that nobody can say what they "
            "look like. Expected: a model that was trained here."
        )
    try:
        manifest = load_manifest(store, ancestor.revision)
    except ValueError:  # a bundle from elsewhere names no digest
        raise UserError(f"The revision {ancestor.revision!r} of the model {model} is not in this home.") from None
    return ancestor, select(manifest, ancestor.datasets, ancestor.on)


def evenly_spaced(images: Sequence[ManifestImage], most: int) -> list[ManifestImage]:
    """Return so many images at most, from the first to the last at even steps."""
    places = np.unique(np.linspace(0, len(images) - 1, min(most, len(images))).round().astype(int))
    return [images[place] for place in places.tolist()]


def read_photos(database: Database, store: Store, images: Iterable[PhotoName]) -> Iterator[NDArray[np.uint8]]:
    """Yield photos, uint8 (H, W, 3) RGB, one at a time.

    Raises:
        UserError: one is gone or cannot be read; names it.
    """
    for image in images:
        try:
            yield read_photo(photo_path(database, store, image))
        except PhotoError as error:
            raise UserError(f"{image.dataset}/{image.path} cannot be read: {error}") from error
