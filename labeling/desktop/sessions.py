"""Sessions: what is handed out to labelme, in a folder each, until all of it is stored.

A folder that has no `session.json` is not one yet: it is written when everything else is there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from db.errors import NotFoundError, UserError
from db.files import explain_os_errors, write_atomic
from db.home import Home
from db.locks import hold, is_held

_NUMBERS = 10**9


class HandedOut(BaseModel):
    """An image that is handed out.

    Attributes:
        image_id: its number.
        path: relative path, in the dataset as in the folder.
        version_id: annotation version it was handed out with; None for an image without labels.
        sha256: of its label file as it was handed out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image_id: int
    path: str
    version_id: int | None = None
    sha256: str | None = None

    @property
    def label_path(self) -> str:
        """The path of its label file in the folder: of the photo's name, as labelme has it."""
        return Path(self.path).with_suffix(".json").as_posix()


class Manifest(BaseModel):
    """What a session is about (`session.json`).

    Attributes:
        project_id: number of the project.
        project: its name then.
        dataset_id: number of the dataset.
        dataset: its name then.
        labelme: version of the program.
        started_at: moment, UTC.
        names: name of every class by its number, as the label files have them.
        images: what is not stored yet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project_id: int
    project: str
    dataset_id: int
    dataset: str
    labelme: str
    started_at: datetime
    names: dict[int, str]
    images: tuple[HandedOut, ...]


@dataclass(frozen=True)
class SessionInfo:
    """A session as lists show it.

    Attributes:
        id: its number.
        project_id: number of the project.
        dataset: name.
        images: count of images that are handed out.
        started_at: moment, UTC.
        open: whether labelme shows it; else its changes wait to be taken back.
        folder: where its photos and label files lie.
    """

    id: int
    project_id: int
    dataset: str
    images: int
    started_at: datetime
    open: bool
    folder: Path


@dataclass(frozen=True)
class Session:
    """The folder of a session."""

    path: Path

    @property
    def id(self) -> int:
        """Its number."""
        return int(self.path.name)

    @property
    def photos(self) -> Path:
        """The folder that labelme opens."""
        return self.path / "photos"

    @property
    def lock(self) -> Path:
        """Held while labelme shows the folder, and while its changes are taken back."""
        return self.path / "lock"

    @property
    def manifest_file(self) -> Path:
        """What it is about."""
        return self.path / "session.json"

    def manifest(self) -> Manifest:
        """Read what it is about.

        Raises:
            FileNotFoundError: it is no session yet, or no longer.
            UserError: the file is damaged.
        """
        try:
            return Manifest.model_validate_json(self.manifest_file.read_bytes())
        except ValidationError as error:
            raise UserError(
                f"{self.manifest_file} is damaged ({error.errors()[0]['msg']}). The labels beside it can be imported "
                f"with: workbench import labelme {self.photos}"
            ) from None

    def write(self, manifest: Manifest) -> None:
        """Write what it is about."""
        write_atomic(self.manifest_file, manifest.model_dump_json(indent=1).encode())

    def info(self) -> SessionInfo:
        """Return the session as lists show it. Raises as `manifest`."""
        found = self.manifest()
        return SessionInfo(
            id=self.id,
            project_id=found.project_id,
            dataset=found.dataset,
            images=len(found.images),
            started_at=found.started_at,
            open=is_held(self.lock),
            folder=self.photos,
        )


def list_sessions(home: Home, project_id: int | None = None) -> list[SessionInfo]:
    """Return the sessions that are open or wait to be taken back, of one project or of all, oldest first.

    One whose file is damaged is left out; `damaged_sessions` says what is the matter with it.
    """
    found = []
    for session in _sessions(home):
        with suppress(FileNotFoundError, UserError):
            found.append(session.info())
    return [info for info in found if project_id in (None, info.project_id)]


def damaged_sessions(home: Home) -> list[str]:
    """Return a sentence for every session that cannot be taken back, as nobody knows what it is about."""
    found = []
    for session in _sessions(home):
        try:
            session.manifest()
        except FileNotFoundError:
            continue
        except UserError as error:
            found.append(str(error))
    return found


def find_session(home: Home, number: int) -> Session:
    """Return a session.

    Raises:
        NotFoundError: there is none of this number, or it has been taken back.
        UserError: its file is damaged.
    """
    session = Session(home.desktop / str(number))
    try:
        session.manifest()
    except FileNotFoundError:
        raise NotFoundError(f"There is no labelme session {number} (any more): what was in it is stored.") from None
    return session


@contextmanager
def new_session(home: Home) -> Iterator[Session]:
    """Give a folder for a new session; one process at a time makes one, and sees all others meanwhile.

    What was left by one that was killed before its session began is removed: nobody can have labelled in it.

    Raises:
        UserError: the folder cannot be made.
    """
    with explain_os_errors(home.desktop):
        home.desktop.mkdir(exist_ok=True)
    with hold(home.locks / "desktop", wait=True):
        known = _sessions(home)
        for unborn in (session for session in known if not session.manifest_file.exists()):
            shutil.rmtree(unborn.path)
        number = 1 + max((session.id for session in known), default=0)
        session = Session(home.desktop / str(number))
        try:
            with explain_os_errors(home.desktop):
                session.photos.mkdir(parents=True)
            yield session
        except BaseException:
            if not session.manifest_file.exists():
                shutil.rmtree(session.path, ignore_errors=True)
            raise


def _sessions(home: Home) -> list[Session]:
    folders = home.desktop.iterdir() if home.desktop.is_dir() else ()
    numbers = (folder for folder in folders if folder.name.isdecimal() and int(folder.name) < _NUMBERS)
    return sorted((Session(folder) for folder in numbers), key=lambda session: session.id)
