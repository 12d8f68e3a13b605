"""The home domain of a model: photos it was last trained on, or is said to know, and what they look like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.home import Home
from db.session import Database
from db.store import Store
from labeling.images import photos_of
from labeling.linked import PhotoName, photo_path
from labeling.manifest import ManifestImage, load_manifest
from labeling.photos import PhotoError, read_photo
from training.evaluation.selection import select
from training.models.loaded import LoadedModel
from training.models.spec import Ancestor, Lineage
from training.prediction.style import Kind, Style, measure_style
from training.shift.subject import read_domains

Photo = TypeVar("Photo", bound=PhotoName)
_PHOTOS = 100
"""Of more photos than this a look is measured on so many, evenly spaced: it hardly moves any more."""


def home_style(
    home: Home, database: Database, model: LoadedModel, kind: Kind, *, of: str | None = None, project: str | None = None
) -> Style:
    """Measure what the photos look like that a model is at home with.

    Args:
        home: holds the photos.
        database: its database.
        model: whose home.
        kind: what to measure.
        of: these photos, `DATASET` or `DATASET:ON`; None are those it was last trained on.
        project: that `of` is in; None is the current one.

    Raises:
        UserError: the model does not say what it was trained on, that is not in this home, there are no such photos,
            or one cannot be read.
    """
    store = Store(home.store)
    if of is not None:
        (domain,) = read_domains(database, project, [of])
        photos: Sequence[PhotoName] = photos_of(database, project, domain.dataset, domain.on)
        name = domain.title
    else:
        name, photos = home_images(store, model.spec.lineage, model.reference)
    return measure_style(read_photos(database, store, evenly_spaced(photos, _PHOTOS)), kind, name)


def home_images(store: Store, lineage: Lineage, model: str) -> tuple[str, tuple[ManifestImage, ...]]:
    """Return the images that a model was last trained on in this home, and what they are called.

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
            "look like. Name photos that it is at home with (--style-of DATASET:ON; Home under Evaluate > Another "
            "domain), or take a model that was trained here."
        )
    try:
        manifest = load_manifest(store, ancestor.revision)
    except ValueError:  # a bundle from elsewhere names no digest
        raise UserError(f"The revision {ancestor.revision!r} of the model {model} is not in this home.") from None
    images = select(manifest, ancestor.datasets, ancestor.on)
    return ", ".join([*(ancestor.datasets or sorted({image.dataset for image in images})), ancestor.on]), images


def evenly_spaced(images: Sequence[Photo], most: int) -> list[Photo]:
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
