"""Real images to check an exported file on."""

from __future__ import annotations

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
from training.spec import ModelSpec

LONG_SIDE = 512  # enough to tell whether two programs compute the same, on a photo of any size


def check_images(
    home: Home, database: Database, project: str | None, spec: ModelSpec, count: int
) -> list[NDArray[np.uint8]]:
    """Return up to `count` photos, uint8 (H, W, 3) RGB, longer side at most 512.

    They come from the model's own revision (val before test before train), else from the project's datasets.

    Raises:
        UserError: there is no image at all.
    """
    store = Store(home.store)
    if spec.revision is not None and store.has(spec.revision):
        images = _spread(_by_role(load_manifest(store, spec.revision)), count)
    else:
        images = _spread(_of_project(database, project), count)
    if not images:
        raise UserError(
            "An exported file is checked against the original on real images, and this project holds none. Import some "
            "first: workbench import labelme ./photos"
        )
    shrink = Resize.parse(f"long {LONG_SIDE}")
    photos = []
    for image in images:
        photo = read_photo(photo_path(database, store, image))
        height, width = photo.shape[:2]
        photos.append(photo if max(height, width) <= LONG_SIDE else resize_photo(photo, shrink.target(height, width)))
    return photos


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
    """Return `count` images, evenly spread over the list: neighbours are often frames of one video."""
    if len(images) <= count:
        return images
    return [images[round(i * (len(images) - 1) / (count - 1))] for i in range(count)]
