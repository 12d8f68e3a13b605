"""What is read of photos to tell which show the same, each photo once, ever: when and where it was taken, how it looks.

The head of a file tells the first; a look takes decoding, and only photos that something speaks for are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, select, update

from db.errors import UserError
from db.schema import PhotoFact
from db.session import Database
from db.store import Store
from labeling.care.capture import Capture, read_capture
from labeling.care.looks import LOOK_SIDE, look_of
from labeling.chunks import chunks
from labeling.linked import PhotoName, photo_path
from labeling.photos import PhotoError, read_reduced
from labeling.progress import Progress
from labeling.workers import map_in_order

Fact = TypeVar("Fact")

_DECODED = 4 * LOOK_SIDE  # px of the longer side: a look is an average of what a JPEG gives cheaply


@dataclass(frozen=True)
class PhotoReader:
    """Reads photos by their sha256, and keeps what it read.

    Attributes:
        database: keeps it.
        store: holds the photos, but for linked ones.
        photos: those that may be asked for, by sha256.
        progress: told the photos read now.
        unread: filled with why a photo could not be read, in words, by sha256.
    """

    database: Database
    store: Store
    photos: Mapping[str, PhotoName]
    progress: Progress
    unread: dict[str, str]

    def captures(self) -> dict[str, Capture]:
        """Return when and where the photos were taken; those that cannot be read are left out."""
        columns = (PhotoFact.sha256, PhotoFact.seconds, PhotoFact.latitude, PhotoFact.longitude)
        found: dict[str, Capture] = {}
        with self.database.read() as session:
            for chunk in chunks(list(self.photos)):
                rows = session.execute(select(*columns).where(PhotoFact.sha256.in_(chunk)))
                found |= {sha: Capture(*values) for sha, *values in rows}
        missing = [sha for sha in self.photos if sha not in found]
        for done, chunk in _counted(missing):
            read = self._read(chunk, _capture)
            self._keep_captures(read)
            found |= read
            self.progress(done, len(missing), "photos read")
        return found

    def looks(self, wanted: Sequence[str]) -> dict[str, NDArray[np.uint8]]:
        """Return what some photos look like, uint8 (32, 32) each, after `captures`; unreadable ones are left out."""
        found: dict[str, NDArray[np.uint8]] = {}
        with self.database.read() as session:
            for chunk in chunks(wanted):
                query = select(PhotoFact.sha256, PhotoFact.look).where(PhotoFact.sha256.in_(chunk))
                rows = session.execute(query.where(PhotoFact.look.is_not(None)))
                found |= {sha: _unpacked(look) for sha, look in rows if look is not None}
        missing = [sha for sha in wanted if sha not in found]
        for done, chunk in _counted(missing):
            read = self._read(chunk, _look)
            self._keep_looks(read)
            found |= {sha: _unpacked(look) for sha, look in read.items()}
            self.progress(done, len(missing), "photos looked at")
        return found

    def _read(self, shas: Sequence[str], read: Callable[[_Task], Fact | _Fault]) -> dict[str, Fact]:
        tasks = []
        for sha in shas:
            try:
                tasks.append(_Task(sha, photo_path(self.database, self.store, self.photos[sha])))
            except UserError as error:
                self.unread[sha] = str(error)
        found: dict[str, Fact] = {}
        for task, fact in zip(tasks, map_in_order(read, tasks, on_death=_died), strict=True):
            if isinstance(fact, _Fault):
                self.unread[task.sha] = str(fact)
            else:
                found[task.sha] = fact
        return found

    def _keep_captures(self, read: Mapping[str, Capture]) -> None:
        with self.database.write() as session:
            # Another process may have read the same meanwhile.
            there = set(session.scalars(select(PhotoFact.sha256).where(PhotoFact.sha256.in_(read))))
            rows = [{"sha256": sha, **vars(capture)} for sha, capture in read.items() if sha not in there]
            if rows:
                session.execute(insert(PhotoFact), rows)

    def _keep_looks(self, read: Mapping[str, bytes]) -> None:
        if read:
            with self.database.write() as session:
                session.execute(update(PhotoFact), [{"sha256": sha, "look": look} for sha, look in read.items()])


@dataclass(frozen=True)
class _Task:
    sha: str
    path: Path


class _Fault(str):
    """Why a photo could not be read."""


def _counted(shas: Sequence[str]) -> list[tuple[int, Sequence[str]]]:
    """Return the photos in pieces, each with how many are done after it."""
    done, pieces = 0, []
    for chunk in chunks(shas):
        done += len(chunk)
        pieces.append((done, chunk))
    return pieces


def _capture(task: _Task) -> Capture | _Fault:
    try:
        return read_capture(task.path)
    except OSError as error:
        return _Fault(f"{task.path} cannot be read: {error.strerror or error}.")


def _look(task: _Task) -> bytes | _Fault:
    try:
        return look_of(read_reduced(task.path, _DECODED)).tobytes()
    except PhotoError as error:
        return _Fault(f"{task.path} cannot be shown: {error}.")


def _unpacked(look: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(look, np.uint8).reshape(LOOK_SIDE, LOOK_SIDE)


def _died(task: _Task) -> _Fault:
    return _Fault(f"The process that read {task.path} was ended by the system.")
