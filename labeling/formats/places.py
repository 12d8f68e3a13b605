"""Files of a source, which may not lead out of it; but for photos that somebody linked there."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from labeling.formats.base import BadItemError


@dataclass(frozen=True)
class Place:
    """A file and the folder that it is named from."""

    root: Path
    name: str

    @property
    def path(self) -> Path:
        """The file. Raises `BadItemError` where a link leads out of the root."""
        path = self.root / self.name
        if not _is_inside(path, self.root):
            raise BadItemError(
                f"{path.name} is a link that leads out of {self.root}. Copy the file there, or name its folder."
            )
        return path

    @property
    def photo(self) -> Path:
        """The file of a photo. Raises `BadItemError` as `check_photo`."""
        path = self.root / self.name
        check_photo(path, self.root)
        return path


def check_photo(path: Path, root: Path) -> None:
    """Check that a photo lies in a folder, or is a link that may be followed out of it.

    Linked photos are how people keep several selections of one collection. What a link leads to must be a file, and
    the link yours or of the file's owner: nobody else can have the workbench show what only you may read. (Apache's
    SymLinksIfOwnerMatch draws the line there, too: https://httpd.apache.org/docs/2.4/mod/core.html#options.)

    Args:
        path: of the photo.
        root: the folder, which may be a link itself.

    Raises:
        BadItemError: it leads out and is no such link.
    """
    if _is_inside(path, root):
        return
    if not path.is_symlink():
        raise BadItemError(f"A folder on the way to {path} is a link that leads out of {root}. Name its folder.")
    link = f"{path.name} is a link to {path.readlink()}"
    try:
        target = path.stat()
    except OSError as error:
        raise BadItemError(f"{link}, which cannot be read ({error.strerror}). Put the file back.") from error
    if not stat.S_ISREG(target.st_mode):
        raise BadItemError(f"{link}, which is no file. Put the photo there instead.")
    if path.lstat().st_uid not in (os.geteuid(), target.st_uid):
        raise BadItemError(f"{link}, which belongs to neither you nor whoever made the link. Copy the file there.")


def _is_inside(path: Path, root: Path) -> bool:
    """Whether a path, its links followed, is below a folder (which may be a link itself)."""
    return path.resolve().is_relative_to(root.resolve())
