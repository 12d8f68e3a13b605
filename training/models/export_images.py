"""Real images to check an exported file on."""

from __future__ import annotations

from itertools import islice

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from db.errors import UserError
from db.home import Home
from db.schema import Dataset, Image
from db.session import Database
from db.store import Store
from labeling.manifest import Manifest, ManifestImage, load_manifest
from labeling.photos import read_photo
from labeling.projects import find_project
from labeling.revisions import photo_path
from training.data.resample import resize_photo
from training.data.sizes import Resize
from training.models.spec import ModelSpec

LONG_SIDE = 512  # enough to tell whether two programs compute the same, on a photo of any size


def check_images(
    home: Home, database: Database, project: str | None, spec: ModelSpec, count: int, smallest: int = 1
) -> list[NDArray[np.uint8]]:
    """Return up to `count` photos, uint8 (H, W, 3) RGB, longer side at most 512, shorter side at least `smallest`.

    They come from the model's own revision (val before test before train), else from the project's datasets.

    Raises:
        UserError: there is no image at all, or none of that size.
    """
    store = Store(home.store)
    own = _own_manifest(store, spec.revision)
    images = _spread(_of_project(database, project) if own is None else _by_role(own), count)
    if not images:
        raise UserError(
            "An exported file is checked against the original on real images, and this project holds none. Import some "
            "first: workbench import labelme ./photos"
        )
    photos = (_shrunk(read_photo(photo_path(database, store, image))) for image in images)
    found = list(islice((photo for photo in photos if min(photo.shape[:2]) >= smallest), count))
    if not found:
        raise UserError(
            f"All photos have a side below {smallest} pixels once the longer one is {LONG_SIDE}: too small to check an "
            "exported file on. Import others first, or use --format bundle."
        )
    return found


def _shrunk(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = photo.shape[:2]
    if max(height, width) <= LONG_SIDE:
        return photo
    return resize_photo(photo, Resize(long=LONG_SIDE).target(height, width))


def _own_manifest(store: Store, revision: str | None) -> Manifest | None:
    try:
        return load_manifest(store, revision) if revision is not None else None
    except (UserError, ValueError):  # a bundle from elsewhere names a revision of another home, or no digest at all
        return None


def _by_role(manifest: Manifest) -> list[ManifestImage]:
    for role in ("val", "test", "train"):
        if found := [image for image in manifest.images if image.role == role]:
            return found
    return list(manifest.images)


def _of_project(database: Database, project: str | None) -> list[ManifestImage]:
    with database.read() as session:
        owner = find_project(session, project)
        rows = session.execute(
            select(Dataset.name, Image.path, Image.sha256)
            .join(Dataset, Image.dataset_id == Dataset.id)
            .where(Dataset.project_id == owner.id, Dataset.deleted_at.is_(None))
            .order_by(Dataset.name, Image.path)
        ).all()
    return [ManifestImage(name, path, sha, "", None, ()) for name, path, sha in rows]


def _spread(images: list[ManifestImage], count: int) -> list[ManifestImage]:
    """Put `count` images first, evenly spread over the list as neighbours are often alike, then the others."""
    first = {round(i * (len(images) - 1) / max(1, count - 1)) for i in range(min(count, len(images)))}
    return [images[i] for i in sorted(first)] + [image for i, image in enumerate(images) if i not in first]
