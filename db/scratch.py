"""Folders for the length of a block, and the sweeping of those that killed processes left.

A folder's name is random, and a lock file beside it is held for as long as the block takes: who finds the file without
a holder knows that the folder is left over, and that it is one of ours, also where others have files. The lock is held
before the folder is there, so nobody finds a living one that looks left behind.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from db.files import explain_os_errors
from db.locks import LockHeldError, hold, is_held

_LOCK = ".lock"


@contextmanager
def scratch_folder(parent: Path, *, prefix: str = "", suffix: str = "") -> Iterator[Path]:
    """Make a folder for the length of the block, and delete those of the same kind whose makers were killed.

    What is still there after the block is deleted: who wants to keep the folder moves it away.

    Args:
        parent: the folder that it lies in; made where missing.
        prefix: what its name begins with.
        suffix: what its name ends with; with `prefix` it tells one kind of folders from another.

    Raises:
        UserError: it cannot be made.
    """
    with explain_os_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent, re.compile(f"{re.escape(prefix)}[0-9a-f]{{16}}{re.escape(suffix)}"))
    folder = parent / f"{prefix}{secrets.token_hex(8)}{suffix}"
    with explain_os_errors(parent), hold(_lock(folder), wait=False):
        try:
            folder.mkdir()
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            _lock(folder).unlink(missing_ok=True)


def _sweep(parent: Path, names: re.Pattern[str]) -> None:
    """Delete what is left over; what cannot be (somebody else's, on a shared disk) stays."""
    with suppress(OSError):
        # Folders are listed before their locks are looked at: a lock that is not held now was let go since.
        there = {path.name for path in parent.iterdir()}
        found = sorted(name for name in there if names.fullmatch(name) and f"{name}{_LOCK}" in there)
        for folder in (parent / name for name in found):
            if not is_held(_lock(folder)):
                shutil.rmtree(folder, ignore_errors=True)
        for name in sorted(there):
            folder = parent / name.removesuffix(_LOCK)
            if names.fullmatch(folder.name) and not folder.exists():
                # Taken first: whoever has just made the file, and has no folder yet, holds it or makes it anew.
                with suppress(LockHeldError), hold(_lock(folder), wait=False):
                    _lock(folder).unlink(missing_ok=True)


def _lock(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{_LOCK}")
