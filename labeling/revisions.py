"""Revisions: frozen snapshots of the labelled images, named by what they hold."""

from __future__ import annotations

import importlib.metadata
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.errors import UserError
from db.home import Home
from db.schema import Class, Dataset, Image, Revision, Role, Subset, SubsetImage, utc_now
from db.session import Database
from db.store import Store
from labeling.classes import live_classes
from labeling.datasets import UNASSIGNED, find_dataset, live_datasets
from labeling.linked import LinkedPhoto, photo_path, verify_photos
from labeling.manifest import Difference, Manifest, ManifestImage, difference, load_manifest
from labeling.options import DatasetOptions
from labeling.progress import Progress, silent
from labeling.projects import find_project
from labeling.rendering import RENDERING_VERSION, render_versions, scheme_for

__all__ = [
    "Difference",
    "Manifest",
    "ManifestImage",
    "RevisionInfo",
    "current_manifest",
    "difference",
    "find_revision",
    "freeze",
    "list_revisions",
    "load_manifest",
    "outline",
    "photo_path",
]

_RECORDED_PACKAGES = ("segmentation-workbench", "pillow", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class RevisionInfo:
    """A revision as lists show it.

    Attributes:
        digest: its id, 64 hexadecimal digits.
        images: images per dataset and role (`none` for those without one).
        classes: names in index order.
        unlabelled: images that were left out because nobody labelled them yet.
        rendered: class maps this freeze had to render; 0 where the revision was only looked up.
        provenance: options, versions and colours of its first freeze.
        created_at: when it was last frozen.
    """

    digest: str
    images: dict[str, dict[str, int]]
    classes: tuple[str, ...]
    unlabelled: int
    rendered: int
    provenance: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class _Row:
    image_id: int
    path: str
    sha256: str
    head_id: int
    role: str | None
    linked: LinkedPhoto | None


@dataclass(frozen=True)
class _Source:
    """A dataset as it was at one moment."""

    name: str
    options: DatasetOptions
    rows: list[_Row]
    subsets: dict[int, tuple[str, ...]]
    unlabelled: int


@dataclass(frozen=True)
class _Snapshot:
    project_id: int
    classes: list[Class]
    sources: list[_Source]


def freeze(
    home: Home,
    database: Database,
    *,
    project: str | None = None,
    datasets: Sequence[str] = (),
    take: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> RevisionInfo:
    """Freeze the labelled images of some datasets. Unchanged data give the same revision, and render nothing.

    Args:
        home: holds the content store.
        database: its database.
        project: name; None is the current one, or the only one.
        datasets: names; empty means all that are not in the trash.
        take: freeze only so many images, drawn at random from all labelled ones.
        seed: of that draw, which depends on nothing but it and the images' names.
        progress: told the class maps rendered.

    Raises:
        UserError: there is no such project or dataset, no labelled image, fewer than `take`, or a linked photo
            changed.
    """
    store = Store(home.store)
    store.sweep()
    snapshot = _drawn(_snapshot(database, project, datasets), take, seed)
    verify_photos(
        [row.linked for source in snapshot.sources for row in source.rows if row.linked and not store.has(row.sha256)],
        progress,
    )
    manifest, rendered = _render(database, store, snapshot, progress)
    digest = store.put_bytes(manifest.canonical())
    provenance = _provenance(snapshot, take, seed)
    summary = _summary(manifest.images, manifest.classes, snapshot)
    return _record(database, snapshot, digest, summary, provenance, rendered)


def current_manifest(
    home: Home,
    database: Database,
    *,
    project: str | None = None,
    datasets: Sequence[str] = (),
    progress: Progress = silent,
) -> Manifest:
    """Return what `freeze` would freeze now, to compare it: no revision is recorded, and no linked photo is read.

    Raises:
        UserError: there is no such project or dataset, or no labelled image.
    """
    return _render(database, Store(home.store), _snapshot(database, project, datasets), progress)[0]


def outline(database: Database, *, project: str | None = None, datasets: Sequence[str] = ()) -> Manifest:
    """Return what `freeze` would freeze now but for the class maps, whose hashes are empty: nothing is rendered.

    Raises:
        UserError: there is no such project or dataset, or no labelled image.
    """
    snapshot = _snapshot(database, project, datasets)
    images = [_manifest_image(source, row, "") for source in snapshot.sources for row in source.rows]
    return Manifest(_class_names(snapshot), tuple(images))


def list_revisions(database: Database, project: str | None = None) -> list[RevisionInfo]:
    """Return the revisions, the one frozen last first.

    Raises:
        UserError: there is no such project.
    """
    with database.read() as session:
        query = select(Revision).where(Revision.project_id == find_project(session, project).id)
        return [_info(row) for row in session.scalars(query.order_by(Revision.created_at.desc(), Revision.id.desc()))]


def find_revision(database: Database, project: str | None = None, reference: str | None = None) -> RevisionInfo:
    """Return the revision whose id begins with `reference`; the one frozen last for None.

    Raises:
        UserError: there is none, or more than one; the message says which there are.
    """
    revisions = list_revisions(database, project)
    if not revisions:
        raise UserError("There is no revision yet. Freeze one with `workbench freeze`.")
    if reference is None:
        return revisions[0]
    prefix = reference.strip().lower()
    found = [revision for revision in revisions if prefix and revision.digest.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(revision.digest[:12] for revision in (found or revisions)[:10])
    if found:
        raise UserError(f"Several revisions begin with {reference!r}: {known}. Give more digits.")
    raise UserError(f"No revision begins with {reference!r}. Revisions: {known}.")


def _snapshot(database: Database, project: str | None, names: Sequence[str]) -> _Snapshot:
    """Read everything at one moment: what is written meanwhile belongs to the next revision."""
    with database.read() as session:
        owner = find_project(session, project)
        if names:
            chosen = [find_dataset(session, owner, name) for name in dict.fromkeys(names)]
        else:
            chosen = live_datasets(session, owner)
        sources = [_source(session, row) for row in sorted(chosen, key=lambda row: row.name)]
        if not any(source.rows for source in sources):
            where = ", ".join(source.name for source in sources) or "no dataset at all"
            raise UserError(
                f"There is no labelled image to freeze in the project {owner.name!r} ({where}). Import some."
            )
        return _Snapshot(owner.id, live_classes(session, owner.id), sources)


def _source(session: Session, dataset: Dataset) -> _Source:
    query = select(Image, Role.role).outerjoin(Role, Role.image_id == Image.id).where(Image.dataset_id == dataset.id)
    columns = (Image.id, Image.path, Image.sha256, Image.head_id, Image.linked_path, Image.byte_size)
    labelled = query.with_only_columns(*columns, Image.linked_mtime_ns, Role.role).where(Image.head_id.is_not(None))
    rows = [
        _Row(image_id, path, sha, head_id, role, LinkedPhoto(link, sha, size, mtime or 0) if link else None)
        for image_id, path, sha, head_id, link, size, mtime, role in session.execute(labelled.order_by(Image.path))
        if head_id is not None
    ]
    members: dict[int, list[str]] = {}
    joined = select(SubsetImage.image_id, Subset.name).join(Subset, Subset.id == SubsetImage.subset_id)
    for image_id, name in session.execute(joined.where(Subset.dataset_id == dataset.id).order_by(Subset.name)):
        members.setdefault(image_id, []).append(name)
    count = select(func.count()).select_from(Image).where(Image.dataset_id == dataset.id, Image.head_id.is_(None))
    return _Source(
        name=dataset.name,
        options=DatasetOptions.model_validate(dataset.options),
        rows=rows,
        subsets={image_id: tuple(names) for image_id, names in members.items()},
        unlabelled=session.scalar(count) or 0,
    )


def _drawn(snapshot: _Snapshot, take: int | None, seed: int) -> _Snapshot:
    if take is None:
        return snapshot
    names = sorted((source.name, row.path) for source in snapshot.sources for row in source.rows)
    if not 1 <= take <= len(names):
        raise UserError(
            f"{take} images are to be taken, but there are {len(names)} labelled ones. Take 1 to {len(names)}."
        )
    drawn = set(random.Random(seed).sample(names, take))
    sources = [
        _Source(
            source.name,
            source.options,
            [row for row in source.rows if (source.name, row.path) in drawn],
            source.subsets,
            source.unlabelled,
        )
        for source in snapshot.sources
    ]
    return _Snapshot(snapshot.project_id, snapshot.classes, sources)


def _render(database: Database, store: Store, snapshot: _Snapshot, progress: Progress) -> tuple[Manifest, int]:
    """Return the manifest, its class maps in the store, and how many of these had to be rendered."""
    images: list[ManifestImage] = []
    rendered = 0
    for source in snapshot.sources:
        scheme = scheme_for(source.options, snapshot.classes, source.name)
        result = render_versions(database, store, scheme, [row.head_id for row in source.rows], progress)
        rendered += result.count
        images += [_manifest_image(source, row, result.maps[row.head_id]) for row in source.rows]
    return Manifest(_class_names(snapshot), tuple(images)), rendered


def _class_names(snapshot: _Snapshot) -> tuple[str, ...]:
    return tuple(row.name for row in snapshot.classes if row.merged_into_id is None)


def _manifest_image(source: _Source, row: _Row, map_sha256: str) -> ManifestImage:
    return ManifestImage(source.name, row.path, row.sha256, map_sha256, row.role, source.subsets.get(row.image_id, ()))


def _summary(images: Sequence[ManifestImage], classes: tuple[str, ...], snapshot: _Snapshot) -> dict[str, Any]:
    counts = {source.name: Counter[str]() for source in snapshot.sources if source.rows}
    for image in images:
        counts[image.dataset][image.role or UNASSIGNED] += 1
    return {
        "images": {name: dict(sorted(count.items())) for name, count in counts.items()},
        "classes": list(classes),
        "unlabelled": sum(source.unlabelled for source in snapshot.sources),
    }


def _provenance(snapshot: _Snapshot, take: int | None, seed: int) -> dict[str, Any]:
    names = {row.id: row.name for row in snapshot.classes}
    return {
        "datasets": {source.name: source.options.model_dump(mode="json") for source in snapshot.sources},
        "colors": {row.name: row.color for row in snapshot.classes},
        "merged": {row.name: names[row.merged_into_id] for row in snapshot.classes if row.merged_into_id is not None},
        "draw": None if take is None else {"take": take, "seed": seed},
        "rendering": RENDERING_VERSION,
        "versions": {package: version for package in _RECORDED_PACKAGES if (version := _version(package))},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _record(
    database: Database,
    snapshot: _Snapshot,
    digest: str,
    summary: dict[str, Any],
    provenance: dict[str, Any],
    rendered: int,
) -> RevisionInfo:
    with database.write() as session:
        query = select(Revision).where(Revision.project_id == snapshot.project_id, Revision.digest == digest)
        row = session.scalar(query)
        if row is None:
            row = Revision(project_id=snapshot.project_id, digest=digest, summary=summary, provenance=provenance)
            session.add(row)
        row.created_at = utc_now()  # frozen again, it is the newest again
        session.flush()
        return _info(row, rendered)


def _info(row: Revision, rendered: int = 0) -> RevisionInfo:
    return RevisionInfo(
        digest=row.digest,
        images=row.summary["images"],
        classes=tuple(row.summary["classes"]),
        unlabelled=row.summary["unlabelled"],
        rendered=rendered,
        provenance=row.provenance,
        created_at=row.created_at,
    )
