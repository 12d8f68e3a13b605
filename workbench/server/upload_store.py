"""Uploads: files dropped in the browser, each upload a folder of its own until it is imported or swept.

A folder holds `files/` and, once the upload is finished, `finished.json`. What is being received is known to the
server's memory only: after a restart an unfinished upload is gone, a finished one is still there.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from db.errors import NotFoundError, UserError
from db.files import explain_os_errors, scratch_file, write_atomic
from db.home import Home
from labeling.importing.archives import Limits, SkippedMember, archive_stem, content_folder, is_archive, unpack
from labeling.relative_paths import Names, UnsafePathError, clean_path
from training.tasks.lifecycle import list_tasks

KEPT_HOURS = 72  # an import that is left half answered on a Friday is still there on Monday
_ID = re.compile(r"[0-9a-f]{32}")
_FINISHED = "finished.json"
State = Literal["receiving", "unpacking", "finished"]


@dataclass(frozen=True)
class Finished:
    """What an upload holds, its archive unpacked; `clutter` as in `labeling.importing.archives.Unpacked`.

    `name` is what the one folder or archive is called that was dropped, empty where it were loose files.
    """

    upload: str
    files: int
    bytes: int
    name: str = ""
    clutter: int = 0
    skipped: tuple[SkippedMember, ...] = ()


@dataclass(frozen=True)
class UploadStatus:
    """An upload under way. `done` of `total` members are unpacked."""

    upload: str
    state: State
    files: int
    bytes: int
    done: int = 0
    total: int | None = None


@dataclass
class _Upload:
    """An upload being received. The lock guards everything else; nothing slow happens under it."""

    folder: Path
    lock: threading.Lock = field(default_factory=threading.Lock)
    archive: Path | None = None
    names: Names = field(default_factory=Names)
    sizes: dict[str, int] = field(default_factory=dict)
    claimed: int = 0  # bytes, of files under way too
    under_way: int = 0
    state: State = "receiving"
    done: int = 0
    total: int | None = None


class Incoming:
    """A file being received: `write` it piece by piece. It has its place once the block around it ends well."""

    def __init__(self, upload: _Upload, path: str, file: BinaryIO, limit: int) -> None:
        self.path = path
        self._upload = upload
        self._file = file
        self._limit = limit
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append `data`.

        Raises:
            UserError: the upload is larger than uploads may be, or the disk is full.
        """
        with self._upload.lock:
            if self._upload.claimed + len(data) > self._limit:
                raise UserError(
                    f"An upload holds at most {self._limit / 1024**2:,.0f} MiB. Drop fewer files, or import the folder "
                    "where it lies, by its path."
                )
            self._upload.claimed += len(data)
        self.size += len(data)
        with explain_os_errors(self._upload.folder):
            self._file.write(data)


class UploadStore:
    """The uploads of a home, below a folder that is made when needed."""

    def __init__(self, home: Home, limit_bytes: int, limit_files: int) -> None:
        self.root = home.path / "uploads"
        self._home = home
        self._limits = Limits(files=limit_files, bytes=limit_bytes)
        self._open: dict[str, _Upload] = {}

    def create(self) -> str:
        """Begin an upload and return its id; old ones are swept.

        Raises:
            UserError: the disk is full or cannot be written.
        """
        self.sweep()
        number = secrets.token_hex(16)
        folder = self.root / number
        with explain_os_errors(self.root):
            (folder / "files").mkdir(parents=True)
        self._open[number] = _Upload(folder)
        return number

    @contextmanager
    def receive(self, upload: str, path: str) -> Iterator[Incoming]:
        """Receive the file `path`, relative to what was dropped; one that is there already is replaced.

        Raises:
            NotFoundError: there is no such upload.
            UserError: the path is none that may become a file, clashes with another one, or is one too many; the
                upload is too large or is finished.
        """
        found = self._receiving(upload)
        try:
            cleaned = clean_path(path)
        except UnsafePathError as error:
            raise UserError(f"{path[:200]!r} is not taken: {error}.") from None
        is_new = self._claim(found, cleaned, path)
        try:
            with explain_os_errors(found.folder), scratch_file(found.folder) as file:
                incoming = Incoming(found, cleaned, file, self._limits.bytes)
                try:
                    yield incoming
                    file.flush()
                    if not (found.folder / "files").is_dir():
                        raise _not_found(upload)  # given up meanwhile
                    target = found.folder / "files" / cleaned
                    target.parent.mkdir(parents=True, exist_ok=True)
                    # No flush to disk for each of thousands: a finished upload is read at once, or sent again.
                    Path(file.name).replace(target)
                except BaseException:
                    self._release(found, incoming.size, cleaned if is_new else None)
                    raise
            with found.lock:
                found.claimed -= found.sizes.get(cleaned, 0)
                found.sizes[cleaned] = incoming.size
        finally:
            with found.lock:
                found.under_way -= 1

    def take(self, upload: str, archive: Path) -> None:
        """Have `finish` unpack an archive that lies on this computer, and stays there, in place of received files.

        Raises:
            NotFoundError: there is no such upload.
            UserError: it is no archive by its name, or files were received already.
        """
        found = self._receiving(upload)
        if not is_archive(archive):
            raise UserError(f"{archive} is no archive: expected a zip or a tar. A folder is taken as it is.")
        with found.lock:
            _refuse_unpacking(found)
            if found.sizes or found.under_way:
                raise UserError("This upload holds files already. Begin another one.")
            found.archive = archive

    def status(self, upload: str) -> UploadStatus:
        """Return how far an upload is.

        Raises:
            NotFoundError: there is no such upload.
        """
        found = self._open.get(upload)
        if found is None:
            ended = self.finished(upload)
            return UploadStatus(upload, "finished", ended.files, ended.bytes)
        with found.lock:
            size = sum(found.sizes.values())
            return UploadStatus(upload, found.state, len(found.sizes), size, found.done, found.total)

    def files(self, upload: str) -> list[tuple[str, int]]:
        """Return the files of an upload by path, with their sizes in bytes.

        Raises:
            NotFoundError: there is no such upload.
        """
        root = self._folder(upload) / "files"
        return sorted((str(path.relative_to(root)), path.stat().st_size) for path in _files_below(root))

    def finish(self, upload: str) -> Finished:
        """End an upload; where it is one archive, unpack it in its place. May take minutes; again it does nothing.

        Raises:
            NotFoundError: there is no such upload.
            UserError: it is empty, files are still on their way, or the archive is refused; it can then be sent again.
        """
        if upload not in self._open:
            return self.finished(upload)
        found = self._receiving(upload)
        with found.lock:
            _refuse_unpacking(found)
            if found.under_way:
                raise UserError(f"{found.under_way} files are still on their way. Finish the upload after the last.")
            if not found.sizes and found.archive is None:
                raise UserError("Nothing was uploaded yet. Drop photos, a folder, or one zip.")
            found.state = "unpacking"
            files, size = len(found.sizes), sum(found.sizes.values())
        try:
            done = self._unpack(found, upload) or Finished(upload, files, size, _folder_name(found.sizes))
            write_atomic(found.folder / _FINISHED, json.dumps(asdict(done), ensure_ascii=False).encode())
        except BaseException:
            with found.lock:
                found.state, found.archive = "receiving", None
            raise
        self._open.pop(upload, None)
        return done

    def finished(self, upload: str) -> Finished:
        """Return what a finished upload holds.

        Raises:
            NotFoundError: there is no such finished upload.
        """
        try:
            told = json.loads((self._folder(upload) / _FINISHED).read_bytes())
        except FileNotFoundError:
            raise _not_found(upload) from None
        told["skipped"] = tuple(SkippedMember(**each) for each in told["skipped"])
        return Finished(**told)

    def content(self, upload: str) -> Path:
        """Return the folder of a finished upload's files: the dropped folder itself, where it was exactly one.

        Raises:
            NotFoundError: there is no such finished upload.
        """
        self.finished(upload)
        self._folder(upload).touch()  # in use: not to be swept now
        return content_folder(self._folder(upload) / "files")

    def delete(self, upload: str) -> None:
        """Delete an upload.

        Raises:
            NotFoundError: there is no such upload.
        """
        folder = self._folder(upload)
        self._open.pop(upload, None)
        shutil.rmtree(folder, ignore_errors=True)  # a file on its way may come in between; the sweep has the rest

    def is_taken(self, upload: str) -> bool:
        """Tell whether a task that runs reads an upload."""
        running = (task for task in list_tasks(self._home) if task.state == "running")
        return any(upload in word for task in running for word in task.argv)

    def sweep(self) -> int:
        """Delete uploads that nobody has used for three days, and half-received ones of a server that is gone.

        Return how many.
        """
        old = time.time() - KEPT_HOURS * 3600
        swept = 0
        for folder in self.root.glob("*/"):
            with suppress(FileNotFoundError):  # somebody else sweeps, too
                is_old = _ID.fullmatch(folder.name) and folder.stat().st_mtime < old
                if is_old and not self.is_taken(folder.name):
                    self._open.pop(folder.name, None)
                    shutil.rmtree(folder, ignore_errors=True)
                    swept += 1
        return swept

    def _claim(self, found: _Upload, cleaned: str, path: str) -> bool:
        """Take a path for a file that is about to come; return whether it is a new one."""
        with found.lock:
            _refuse_unpacking(found)
            if cleaned not in found.sizes and len(found.sizes) + found.under_way >= self._limits.files:
                raise UserError(f"An upload holds at most {self._limits.files:,} files. Drop fewer, or one zip.")
            try:
                is_new = found.names.add(cleaned)
            except UnsafePathError as error:
                raise UserError(f"{path[:200]!r} is not taken: {error}.") from None
            if not is_new and cleaned not in found.sizes:
                raise UserError(f"{path[:200]!r} is on its way already.")
            found.under_way += 1
            return is_new

    def _release(self, found: _Upload, size: int, path: str | None) -> None:
        with found.lock:
            found.claimed -= size
            if path is not None:
                found.names.remove(path)

    def _unpack(self, found: _Upload, upload: str) -> Finished | None:
        """Unpack the archive that was taken, or is all that was received; None where there is nothing to unpack."""
        archive = found.archive or found.folder / "files" / next(iter(found.sizes))
        stem = archive_stem(archive.name)
        if len(found.sizes) > 1 or stem is None:
            return None

        def tell(done: int, total: int | None, what: str) -> None:
            found.done, found.total = done, total

        fresh = found.folder / "unpacked"
        shutil.rmtree(fresh, ignore_errors=True)
        with explain_os_errors(found.folder):
            fresh.mkdir()
        try:
            done = unpack(archive, fresh, self._limits, tell)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        shutil.rmtree(found.folder / "files")
        fresh.rename(found.folder / "files")
        return Finished(upload, done.files, done.bytes, stem, done.clutter, tuple(done.skipped))

    def _receiving(self, upload: str) -> _Upload:
        found = self._open.get(upload)
        if found is None:
            self.finished(upload)
            raise UserError("This upload is finished. Begin another one.")
        return found

    def _folder(self, upload: str) -> Path:
        """Return the folder of an upload. The id comes from outside: it is looked at before it is joined to a path."""
        folder = self.root / upload
        if not _ID.fullmatch(upload) or not folder.is_dir():
            raise _not_found(upload)
        return folder


def _folder_name(paths: Iterable[str]) -> str:
    """Return the name of the one folder that all files lie in, empty where there is none."""
    tops = {top if below else "" for top, below, _ in (path.partition("/") for path in paths)}
    return tops.pop() if len(tops) == 1 else ""


def _refuse_unpacking(found: _Upload) -> None:
    """Raise `UserError` unless files may come. For the holder of the lock only: it would be a guess otherwise."""
    if found.state != "receiving":
        raise UserError("This upload is being unpacked. Wait for its end.")


def _files_below(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file())


def _not_found(upload: str) -> NotFoundError:
    return NotFoundError(f"There is no finished upload {upload[:40]!r} (any more): drop the files again.")
