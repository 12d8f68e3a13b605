"""The search for groups of a project, kept until an image comes, goes or changes.

What is kept lies in the home's cache: it is safe to delete, and is then searched for again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.files import explain_os_errors, write_atomic
from db.home import Home
from db.schema import Dataset, Image, Project
from db.session import Database
from db.store import Store
from labeling.care.facts import PhotoReader
from labeling.care.groups import REASONS, CarePhoto, Reason, connected, find_pairs
from labeling.datasets import live_datasets
from labeling.progress import Progress

_VERSION = 1
"""Raised when the search changes, so that no groups of an older one are found again."""
_UNREAD = 5  # sentences kept


@dataclass(frozen=True)
class FoundGroup:
    """Images by their numbers, and how many of the pairs that join them have each reason, the strongest first."""

    images: tuple[int, ...]
    reasons: dict[Reason, int]


@dataclass(frozen=True)
class Found:
    """Groups by their first image, and why photos could not be read: how many, and the first few sentences."""

    groups: tuple[FoundGroup, ...]
    unread: int
    unread_why: tuple[str, ...]


@dataclass(frozen=True)
class Searched:
    """The images that are compared, by dataset and path: their numbers, themselves, and a digest of it all."""

    numbers: tuple[int, ...]
    photos: tuple[CarePhoto, ...]
    digest: str


def searched(session: Session, project: Project) -> Searched:
    """Return what a search of a project compares."""
    datasets = {row.id: row.name for row in live_datasets(session, project)}
    columns = (Image.id, Image.dataset_id, Image.path, Image.sha256, Image.perceptual_hash)
    query = select(*columns).join(Dataset, Dataset.id == Image.dataset_id).where(Image.dataset_id.in_(datasets))
    rows = session.execute(query.order_by(Dataset.name, Image.path)).all()
    photos = tuple(CarePhoto(datasets[dataset], path, sha, value) for _, dataset, path, sha, value in rows)
    numbers = tuple(row.id for row in rows)
    digest = hashlib.sha256(f"{_VERSION}\n".encode())
    for number, photo in zip(numbers, photos, strict=True):
        told = f"{number} {photo.image_sha256} {photo.hash} {photo.dataset}/{photo.path}\n"
        digest.update(told.encode("utf-8", "surrogatepass"))
    return Searched(numbers, photos, digest.hexdigest())


def kept(home: Home, project_id: int, images: Searched) -> Found | None:
    """Return the groups found among exactly these images, None where nobody searched among them."""
    path = _file(home, project_id)
    try:
        digest, found = _read(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError):  # not there, or not what we write: searched again
        return None
    return found if digest == images.digest else None


def search(home: Home, database: Database, project_id: int, images: Searched, progress: Progress) -> Found:
    """Find the groups, and keep them.

    Raises:
        UserError: what was found cannot be written.
    """
    photos = {photo.image_sha256: photo for photo in images.photos}
    reader = PhotoReader(database, Store(home.store), photos, progress, {})
    pairs = find_pairs(images.photos, reader)
    groups = connected(len(images.photos), [(pair.first, pair.second) for pair in pairs])
    group_of = {index: place for place, group in enumerate(groups) for index in group}
    reasons = [Counter[Reason]() for _ in groups]
    for pair in pairs:
        reasons[group_of[pair.first]][pair.reason] += 1
    found = Found(
        groups=tuple(
            FoundGroup(
                tuple(images.numbers[index] for index in group),
                {reason: count[reason] for reason in REASONS if count[reason]},
            )
            for group, count in zip(groups, reasons, strict=True)
        ),
        unread=len(reader.unread),
        unread_why=tuple(list(reader.unread.values())[:_UNREAD]),
    )
    if not found.unread:  # a disk that is away today is back tomorrow
        _write(_file(home, project_id), images.digest, found)
    return found


def _file(home: Home, project_id: int) -> Path:
    return home.cache / "groups" / f"{project_id}.json"


def _write(path: Path, digest: str, found: Found) -> None:
    rows = [(group.images, group.reasons) for group in found.groups]
    with explain_os_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps({"digest": digest, "groups": rows}, separators=(",", ":")).encode())


@lru_cache(maxsize=4)  # a page of 10,000 groups is asked for again and again
def _read(path: Path, _mtime_ns: int) -> tuple[str, Found]:
    value = json.loads(path.read_bytes())
    groups = tuple(FoundGroup(tuple(images), reasons) for images, reasons in value["groups"])
    return value["digest"], Found(groups, 0, ())
