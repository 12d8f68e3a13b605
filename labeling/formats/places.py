"""Files of a source, which may not lead out of it."""

from __future__ import annotations

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
        refuse_outside(path, self.root)
        return path


def refuse_outside(path: Path, root: Path) -> None:
    """Raise `BadItemError` where a path, its links followed, is not below a folder (which may be a link itself)."""
    if not path.resolve().is_relative_to(root.resolve()):
        raise BadItemError(f"{path.name} is a link that leads out of {root}. Copy the file there, or name its folder.")
