"""The content store: bytes once, under the sha256 of what they are, written whole or not at all, never changed.

A file lies at `<root>/ab/cd/abcd...`, two levels of 256 folders, so that a million photos make folders of sixteen
entries. It is written under `<root>/incoming`, flushed, then renamed: whoever finds a name finds all of its content.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from db.files import explain_os_errors, scratch_file, settle, sync_folder

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHUNK_BYTES = 1 << 20
_READ_ONLY = 0o444  # what lies here is never edited in place
ABANDONED_SECONDS = 24 * 3600


class Store:
    """A content store in one folder. Safe for any number of processes and threads; it keeps no state of its own.

    Example:
        >>> store = Store(home.store)
        >>> sha = store.put_bytes(b"...")
        >>> store.read(sha)
        b'...'
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha: str) -> Path:
        """Return where the content of this name lies, or would lie.

        Raises:
            ValueError: `sha` is not 64 lower-case hexadecimal digits. Names come from manifests and databases, so
                this is also what keeps them from pointing outside the store.
        """
        if not _SHA256.fullmatch(sha):
            raise ValueError(f"expected a sha256 of 64 lower-case hexadecimal digits, found {sha!r}")
        return self.root / sha[:2] / sha[2:4] / sha

    def has(self, sha: str) -> bool:
        """Tell whether the content is stored."""
        return self.path(sha).is_file()

    def keep(self, sha: str) -> bool:
        """Tell whether the content is stored, and keep it so for a day: `collect` spares what was used within one.

        Whoever is going to commit a row that names content that is there already asks this instead of `has`.
        """
        try:
            os.utime(self.path(sha))
        except FileNotFoundError:
            return False
        except PermissionError:  # of a file that another user of a shared home wrote
            return self.has(sha)
        return True

    def read(self, sha: str) -> bytes:
        """Return the content, unchecked (see `verify`).

        Raises:
            FileNotFoundError: it is not stored.
        """
        return self.path(sha).read_bytes()

    def verify(self, sha: str) -> bool:
        """Read the content and tell whether it still has the sha256 it was stored under.

        Only for `put_bytes` and `put_file`: what `put_named` stored has another hash by design.

        Raises:
            FileNotFoundError: it is not stored.
        """
        with self.path(sha).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha

    def put_bytes(self, data: bytes) -> str:
        """Store `data` and return its sha256; stored already, it is left alone.

        Raises:
            UserError: the disk is full or the store cannot be written.
        """
        sha = hashlib.sha256(data).hexdigest()
        if not self.is_whole(sha, len(data)):
            self._write(sha, data)
        return sha

    def put_file(self, path: Path) -> str:
        """Store a copy of a file and return its sha256; it is read once, in chunks, and hashed on the way.

        Raises:
            UserError: the disk is full or the store cannot be written.
            OSError: `path` cannot be read.
        """
        digest, size = hashlib.sha256(), 0
        with path.open("rb") as source, self._incoming() as file:
            while chunk := source.read(_CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
            sha = digest.hexdigest()
            if not self.is_whole(sha, size):
                self._settle(file, sha)
        return sha

    def put_named(self, name_sha: str, data: bytes) -> None:
        """Store `data` under a hash that is not its own: a class map's PNG under the hash of its pixels.

        Two encoders give different bytes for the same pixels; the first stays.

        Raises:
            UserError: the disk is full or the store cannot be written.
            ValueError: `name_sha` is not a sha256.
        """
        if not self.keep(name_sha):
            self._write(name_sha, data)

    def files(self) -> Iterator[tuple[str, os.stat_result]]:
        """Yield the name and the status of everything that is stored, in the order of the names."""
        for folder, folders, names in os.walk(self.root):
            folders.sort()
            for name in sorted(names):
                if _SHA256.fullmatch(name):
                    with suppress(FileNotFoundError):  # deleted meanwhile
                        yield name, (Path(folder) / name).stat()

    def collect(self, sha: str) -> int:
        """Delete content that nothing refers to, unless somebody wrote or kept it within a day.

        Safe beside writers: the file is first taken out of its place, then its time is looked at, so that who keeps it
        either does so before and is seen, or finds it gone and writes it anew.

        Returns:
            The bytes that are free now, 0 where it stays.
        """
        path, aside = self.path(sha), self._incoming_folder / f".{sha}.tmp"
        if _age_seconds(path) <= ABANDONED_SECONDS:
            return 0
        self._incoming_folder.mkdir(exist_ok=True)
        path.replace(aside)
        size = aside.stat().st_size
        if _age_seconds(aside) <= ABANDONED_SECONDS:
            aside.replace(path)
            return 0
        aside.unlink()
        return size

    def sweep(self) -> int:
        """Delete what killed writers left half written more than a day ago; return how many files that were."""
        abandoned = [file for file in self._incoming_folder.glob("*.tmp") if _age_seconds(file) > ABANDONED_SECONDS]
        for file in abandoned:
            file.unlink(missing_ok=True)
        return len(abandoned)

    @property
    def _incoming_folder(self) -> Path:
        return self.root / "incoming"

    def is_whole(self, sha: str, size: int) -> bool:
        """Tell whether the content is there in full length, and `keep` it; damaged, it is worth writing again."""
        return self.keep(sha) and self.path(sha).stat().st_size == size

    def _write(self, sha: str, data: bytes) -> None:
        with self._incoming() as file:
            file.write(data)
            self._settle(file, sha)

    @contextmanager
    def _incoming(self) -> Iterator[BinaryIO]:
        with explain_os_errors(self.root):
            self._incoming_folder.mkdir(parents=True, exist_ok=True)
            with scratch_file(self._incoming_folder, mode=_READ_ONLY) as file:
                yield file

    def _settle(self, file: BinaryIO, sha: str) -> None:
        target = self.path(sha)
        if not target.parent.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(target.parent.parent)
            sync_folder(self.root)
        settle(file, target)


def _age_seconds(file: Path) -> float:
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:  # its writer has just finished
        return 0.0
