"""What a page names as a source of files: an upload, or a path on this computer below the import root."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from db.errors import NotFoundError, UserError
from workbench.server.services import Services
from workbench.server.told import KNOWN_AS


class Source(BaseModel):
    """An upload's id, or a path as it was typed: absolute, from `~`, or relative to the import root."""

    model_config = ConfigDict(extra="forbid")

    upload: str | None = None
    path: str | None = None


def locate(services: Services, source: Source) -> Path:
    """Return the folder or file that a page named, links followed.

    Raises:
        NotFoundError: there is no such upload (any more), or nothing at the path.
        UserError: it names none or both, or a path that is not below the import root.
    """
    if (source.upload is None) == (source.path is None):
        raise UserError("Name either an upload or a path on this computer.")
    if source.upload is not None:
        return services.uploads.content(source.upload).resolve()
    assert source.path is not None
    if services.import_root is None:
        raise UserError(
            "Paths on this computer are not taken here. Drop the files instead, or start the server with --import-root."
        )
    return below(services.import_root, source.path)


def single_file(location: Path, what: str) -> Path:
    """Return the one file that was located.

    Args:
        location: a file or a folder.
        what: it is expected to be, `a model`.

    Raises:
        UserError: there are several, or none.
    """
    if location.is_file():
        return location
    inside = list(location.iterdir())
    if len(inside) != 1 or not inside[0].is_file():
        raise UserError(f"Expected one file, {what}, found {len(inside)}. Drop or name it alone.")
    return inside[0]


def source_name(services: Services, source: Source) -> str:
    """Return what a source is called: the folder, archive or file; `photos` where loose files were dropped.

    Raises:
        NotFoundError: as `locate`.
        UserError: as `locate`.
    """
    location = locate(services, source)
    if source.upload is not None:
        return services.uploads.finished(source.upload).name or "photos"
    return location.stem if location.is_file() else location.name


def known_as(services: Services, source: Source) -> str | None:
    """Return what a dataset remembers an upload by, None for a path.

    A folder dropped again is the same source. Loose files never are: they may be of another camera that gives the same
    names.

    Raises:
        NotFoundError: there is no such upload (any more).
    """
    if source.upload is None:
        return None
    return KNOWN_AS + (services.uploads.finished(source.upload).name or source.upload)


def below(root: Path, text: str) -> Path:
    """Return the path that was typed, links followed, where it lies at or below `root`.

    Raises:
        NotFoundError: there is nothing.
        UserError: it lies elsewhere, or is no path.
    """
    if not text.strip():
        raise UserError("Type a path first.")
    try:
        path = (root / Path(text.strip()).expanduser()).resolve()
        inside, exists = path.is_relative_to(root.resolve()), path.exists()
    except (OSError, RuntimeError, ValueError):  # too long, a loop of links, no such user, a zero byte
        raise UserError(f"This is no path that can be read: {text.strip()[:200]!r}.") from None
    if not inside:
        raise UserError(
            f"{text.strip()[:200]} is not below {root}, and only what lies there is taken. Choose a folder there, drop "
            "the files instead, or start the server with another --import-root."
        )
    if not exists:
        raise NotFoundError(f"There is nothing at {path}: no such file or folder.")
    return path
