"""Figures that one command measures and others read: a record and its arrays, in a directory that never changes.

RECORD          what was measured, as JSON
arrays.npz      its arrays; the record holds the file's sha256
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from db.errors import NotFoundError, UserError
from db.files import write_atomic
from training.documents import Document
from training.evaluation.store import published_directories

LAST = "last"
ARRAYS = "arrays.npz"
_KEPT = 8


class KeptRecord(Document):
    """What every record says.

    Attributes:
        created_at: UTC.
        arrays_sha256: of the arrays' file.
    """

    created_at: datetime
    arrays_sha256: str


R = TypeVar("R", bound=KeptRecord)


@dataclass(frozen=True)
class Kept(Generic[R]):
    """A directory whose record is read; `name` is what commands take."""

    noun: ClassVar[str]
    again: ClassVar[str]
    """What to do about a damaged one, a sentence."""
    record_file: ClassVar[str]
    record_type: ClassVar[type[KeptRecord]]

    name: str
    directory: Path
    record: R

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read the record.

        Raises:
            UserError: the directory is gone or damaged.
        """
        path = directory / cls.record_file
        try:
            record: Any = cls.record_type.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise UserError(f"The {cls.noun}'s file {path} cannot be read: {error}. {cls.again}") from None
        return cls(directory.name, directory, record)

    @classmethod
    def newest_first(cls, parent: Path) -> list[Self]:
        """Return those in a directory; one whose record is damaged is left out: `workbench doctor` tells of it."""
        found = []
        for directory in published_directories(parent):
            with suppress(UserError):
                found.append(_read_once(cls.read, directory))
        return sorted(found, key=lambda each: each.record.created_at, reverse=True)

    @classmethod
    def find(cls, parent: Path, name: str) -> Self:
        """Return one by its name; `last` is the newest.

        Raises:
            NotFoundError: there is none.
        """
        for found in cls.newest_first(parent):
            if name in (found.name, LAST):
                return found
        raise NotFoundError(f"There is no {cls.noun} {name!r} in this project; `workbench {cls.noun}s` lists them.")

    def columns(self) -> dict[str, NDArray[Any]]:
        """Read the arrays by name.

        Raises:
            UserError: the file is gone or not what was written.
        """
        path = self.directory / ARRAYS
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError(f"The {self.noun}'s file {path} cannot be read: {error}. {self.again}") from None
        if hashlib.sha256(data).hexdigest() != self.record.arrays_sha256:
            raise UserError(f"The {self.noun}'s file {path} is not what was written: it is damaged. {self.again}")
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            return {key: found[key] for key in found.files}


def write_columns(directory: Path, columns: Mapping[str, NDArray[Any]]) -> str:
    """Write the arrays of a record; return the file's sha256."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **columns)
    write_atomic(directory / ARRAYS, buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


K = TypeVar("K")


@lru_cache(maxsize=_KEPT)
def _read_once(read: Callable[[Path], K], directory: Path) -> K:
    """What is kept never changes, and a record of many photos takes time to read."""
    return read(directory)
