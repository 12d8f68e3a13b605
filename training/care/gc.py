"""Freeing space: what nobody refers to, what has been in the trash for too long, and what is made again when needed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import select

from db.errors import UserError
from db.files import explain_os_errors
from db.home import Home
from db.locks import LockHeldError, hold
from db.schema import Run, utc_now
from db.session import Database
from db.store import ABANDONED_SECONDS, Store
from labeling import project_trash
from labeling.image_trash import sweep_images
from labeling.progress import Progress, silent
from labeling.projects import list_projects
from labeling.references import references
from training.care.trash import list_trash
from training.data.pack_writer import remove
from training.evaluation import trash as evaluation_trash
from training.models.trash import sweep_models
from training.runs import trash as run_trash
from training.runs.files import is_alive

Kind = Literal["trash", "content", "half-written", "packs", "pictures"]

_EVERY = 100


@dataclass(frozen=True)
class Freed:
    """What of one kind can go, or went.

    Attributes:
        kind: `trash`: what was deleted over 30 days ago; `content`: files of the store that no image, annotation,
            class map or revision refers to, unused for a day; `half-written`: what killed processes left; `packs`:
            decoded revisions, where no training goes on; `pictures`: thumbnails that nobody saw for a day.
        items: projects, images, runs and so on in the trash; otherwise files.
        bytes: of the files. Of the trash none are counted: its content is told as such afterwards.
    """

    kind: Kind
    items: int
    bytes: int


def collect(home: Home, database: Database, *, delete: bool, progress: Progress = silent) -> list[Freed]:
    """Free space, or say what would be freed. Imports and trainings may go on beside it.

    Args:
        home: the home.
        database: its database.
        delete: whether to delete; otherwise nothing is touched.
        progress: told the files of the store that were looked at.

    Raises:
        UserError: a backup is being made, files cannot be deleted, or a revision's manifest is lost or broken.
    """
    try:
        with explain_os_errors(home.path), hold(home.care_lock, wait=False):
            return [
                _trash(home, database, delete=delete),
                _content(home, database, progress, delete=delete),
                _files("half-written", _half_written(home), delete=delete),
                _packs(home, database, delete=delete),
                _files("pictures", _below(home.cache), delete=delete),
            ]
    except LockHeldError:
        raise UserError("A backup is being made, or space is being freed already. Try again when it is done.") from None


def _trash(home: Home, database: Database, *, delete: bool) -> Freed:
    if delete:
        gone = len(project_trash.sweep_trash(database)) + len(run_trash.sweep_trash(home, database))
        gone += len(evaluation_trash.sweep_trash(home, database)) + len(sweep_models(home, database))
        return Freed("trash", gone + sweep_images(database, Store(home.store)), 0)
    expired = [item for item in list_trash(home, database, None) if item.gone_at < utc_now()]
    for project in list_projects(database):
        found = list_trash(home, database, project.name)
        expired += [item for item in found if item.kind != "project" and item.gone_at < utc_now()]
    return Freed("trash", len(expired), 0)


def _content(home: Home, database: Database, progress: Progress, *, delete: bool) -> Freed:
    store = Store(home.store)
    with database.read() as session:
        named = set[str]()
        for reference in references(session, store):
            if reference.broken:
                raise UserError(
                    f"The manifest of {reference.owner} is lost or broken, so nobody knows which files of the store it "
                    "needs, and none is freed. Restore it from a backup; `workbench doctor` tells its place."
                )
            named.add(reference.sha256)
    files = freed = 0
    for done, (sha, status) in enumerate(store.files(), start=1):
        if sha not in named and time.time() - status.st_mtime > ABANDONED_SECONDS:
            size = store.collect(sha) if delete else status.st_size
            files, freed = files + bool(size), freed + size
        if done % _EVERY == 0:
            progress(done, None, "files")
    return Freed("content", files, freed)


def _half_written(home: Home) -> Iterator[Path]:
    yield from (home.store / "incoming").glob("*.tmp")
    yield from home.backups.glob("*.partial*")
    yield from home.backups.glob(".*.tmp")


def _packs(home: Home, database: Database, *, delete: bool) -> Freed:
    with database.read() as session:
        directories = session.scalars(select(Run.directory)).all()
    if any(is_alive(home.path / directory) for directory in directories):
        return Freed("packs", 0, 0)
    packs = [path for path in sorted(home.packs.iterdir()) if path.is_dir()]
    sizes = [status.st_size for pack in packs for _, status in _statuses(_below(pack))]
    if delete:
        for pack in packs:
            # Held by who builds one: that is finished, and found the next time.
            with suppress(LockHeldError), hold(pack.with_name(f"{pack.name}.lock"), wait=False):
                remove(pack)
    return Freed("packs", len(sizes), sum(sizes))


def _files(kind: Kind, paths: Iterable[Path], *, delete: bool) -> Freed:
    """Count, and delete, those files that were neither written nor seen for a day."""
    old = [(path, status) for path, status in _statuses(paths) if time.time() - status.st_mtime > ABANDONED_SECONDS]
    if delete:
        for path, _ in old:
            path.unlink(missing_ok=True)
    return Freed(kind, len(old), sum(status.st_size for _, status in old))


def _below(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        yield from (Path(where) / name for name in names if not name.endswith(".lock"))


def _statuses(paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    for path in paths:
        with suppress(FileNotFoundError):  # deleted meanwhile
            yield path, path.stat()
