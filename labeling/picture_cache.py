"""Pictures that can be made again, kept in a folder that is always safe to delete and never grows without bound.

What is kept is named by what it was made from, so nothing in it is ever out of date. Losing a file costs only its
making, so nothing is flushed to disk; what a power cut left empty is made again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from db.files import explain_os_errors, scratch_file
from db.locks import LockHeldError, hold

LIMIT_BYTES = 2 * 1024**3
SWEEP_SECONDS = 3600.0
_KEPT_SHARE = 0.8  # a sweep makes room for a while


@dataclass(frozen=True)
class PictureCache:
    """A cache in one folder, for any number of processes and threads.

    Attributes:
        folder: made when first needed.
        limit_bytes: at most so much is kept, but for what is made within an hour.
    """

    folder: Path
    limit_bytes: int = LIMIT_BYTES

    def get(self, name: str, make: Callable[[], bytes]) -> Path:
        """Return the file of a picture, made where it is not there yet.

        Args:
            name: relative path, of nothing that a user typed.
            make: gives its bytes; what it raises is raised.

        Raises:
            UserError: the disk is full or the folder cannot be written.
        """
        path = self.folder / name
        if _is_kept(path):
            return path
        data = make()
        with explain_os_errors(self.folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            with scratch_file(path.parent) as file:
                file.write(data)
                file.flush()
                Path(file.name).replace(path)
            self._sweep_if_due()
        return path

    def sweep(self) -> int:
        """Delete what was not used for longest until four fifths of the limit are left; return how many files."""
        files = sorted(self._files(), key=lambda entry: entry[0])
        size = sum(bytes_ for _, bytes_, _ in files)
        deleted = 0
        if size > self.limit_bytes:
            for _, bytes_, path in files:
                if size <= _KEPT_SHARE * self.limit_bytes:
                    break
                path.unlink(missing_ok=True)
                size -= bytes_
                deleted += 1
        return deleted

    def _sweep_if_due(self) -> None:
        swept = self.folder / "swept"
        with suppress(FileNotFoundError):
            if time.time() - swept.stat().st_mtime < SWEEP_SECONDS:
                return
        with suppress(LockHeldError), hold(self.folder / "sweep.lock", wait=False):  # held: somebody else sweeps
            swept.touch()
            self.sweep()

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Yield when each picture was last used, its bytes and its path."""
        for folder, _, names in os.walk(self.folder):
            if Path(folder) == self.folder:
                continue
            for name in names:
                path = Path(folder) / name
                with suppress(FileNotFoundError):
                    status = path.stat()
                    yield status.st_mtime, status.st_size, path


def _is_kept(path: Path) -> bool:
    """Tell whether a picture is there, and note that it was used."""
    try:
        status = path.stat()
        if not status.st_size:
            return False
        if time.time() - status.st_mtime > SWEEP_SECONDS:  # to the hour: a page of pictures does not write
            os.utime(path)
    except FileNotFoundError:
        return False
    return True
