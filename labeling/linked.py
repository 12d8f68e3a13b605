"""Photos that stay where they are: found again, and never used when they have changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import select

from db.errors import UserError
from db.files import file_sha256
from db.schema import Dataset, Image
from db.session import WITH_TRASHED, Database
from db.store import Store
from labeling.progress import Progress, silent
from labeling.workers import map_in_order


@dataclass(frozen=True)
class LinkedPhoto:
    """A linked photo as it was at import: absolute path, sha256, bytes, mtime in nanoseconds."""

    path: str
    sha256: str
    byte_size: int
    mtime_ns: int


class PhotoName(Protocol):
    """What names a photo: its dataset, its relative path there, the sha256 of its bytes."""

    @property
    def dataset(self) -> str:
        """The dataset's name."""

    @property
    def path(self) -> str:
        """Relative POSIX path in the dataset."""

    @property
    def image_sha256(self) -> str:
        """The sha256 of the photo's bytes."""


def photo_path(database: Database, store: Store, image: PhotoName) -> Path:
    """Return the file of a photo: in the store, or the linked file where it is still the same.

    A linked file of another size or modification time is hashed: what was merely copied or touched is the same.

    Raises:
        UserError: the photo is neither in the store nor linked, or the linked file is gone or has changed.
    """
    if store.has(image.image_sha256):
        return store.path(image.image_sha256)
    query = select(Image).join(Dataset, Image.dataset_id == Dataset.id)
    query = query.where(Image.sha256 == image.image_sha256, Image.linked_path.is_not(None))
    query = query.execution_options(**WITH_TRASHED)  # a revision may hold what was deleted since
    with database.read() as session:
        # The same photo may be linked from several places: its own dataset's first.
        own = (Dataset.name == image.dataset) & (Image.path == image.path)
        row = session.scalar(query.order_by(own.desc(), Image.id).limit(1))
    if row is None:
        raise UserError(
            f"The photo {image.path} of the dataset {image.dataset!r} is not in the content store {store.root}, and no "
            "linked file holds it. Import the dataset again."
        )
    photo = linked_photo(row)
    if not _looks_unchanged(photo):
        refuse_changed(photo)
    return Path(photo.path)


def linked_photo(row: Image) -> LinkedPhoto:
    """Return the linked photo of an image row whose `linked_path` is set."""
    assert row.linked_path is not None
    return LinkedPhoto(row.linked_path, row.sha256, row.byte_size, row.linked_mtime_ns or 0)


def verify_photos(photos: Sequence[LinkedPhoto], progress: Progress = silent) -> None:
    """Hash every linked photo whole.

    Raises:
        UserError: one is gone, cannot be read, or has changed; the message names it.
    """
    for done, cause in enumerate(map_in_order(_cause, photos, on_death=_died), start=1):
        if cause is not None:
            raise UserError(cause)
        progress(done, len(photos), "linked photos")


def refuse_changed(photo: LinkedPhoto) -> None:
    """Raise `UserError` unless the file still has the content it was imported with."""
    cause = _cause(photo)
    if cause is not None:
        raise UserError(cause)


def _looks_unchanged(photo: LinkedPhoto) -> bool:
    try:
        status = Path(photo.path).stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (photo.byte_size, photo.mtime_ns)


def what_happened(photo: LinkedPhoto, *, full: bool = True) -> tuple[str, str] | None:
    """Return what happened to a linked file since it was imported, and what to do; None where it is the same.

    Args:
        photo: as it was.
        full: hash it in any case; otherwise one of the same size and modification time is taken to be the same.
    """
    if not full and _looks_unchanged(photo):
        return None
    try:
        found = file_sha256(Path(photo.path))
    except OSError as error:
        return (
            f"The linked photo {photo.path} cannot be read ({error.strerror or error}).",
            "Put it back, or import the dataset again from where it is now.",
        )
    if found == photo.sha256:
        return None
    return (
        f"The linked photo {photo.path} changed since it was imported.",
        "Import the dataset again to take the change in.",
    )


def _cause(photo: LinkedPhoto) -> str | None:
    happened = what_happened(photo)
    return None if happened is None else " ".join(happened)


def _died(photo: LinkedPhoto) -> str:
    return f"The process that read {photo.path} was ended by the system. Run this again."
