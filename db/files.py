"""Writing files so that a crash never leaves half of one, and knowing when a folder is not on this machine."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from db.errors import UserError

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EROFS: "the filesystem is read-only; use a folder that can be written",
    errno.EACCES: "permission denied; make it writable for you or use another folder",
    errno.EPERM: "the operation is not permitted; make it writable for you or use another folder",
    errno.ENOTDIR: "a file stands where a folder is needed; move it away or use another folder",
    errno.EEXIST: "a file stands where a folder is needed; move it away or use another folder",
    errno.EISDIR: "a folder stands where a file is needed; choose another name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.EFBIG: "the file grew over the size limit of this login (ulimit -f); raise the limit",
}

_FLUSHING_THREADS = 16  # they only wait

# From the kernel's and the projects' own names of the types. A FUSE filesystem says what it is behind a dot.
_NETWORK_FILESYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "pvfs2", "gfs2", "ocfs2"}
    | {"coda", "ncpfs", "panfs", "fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "fuse.ceph", "fuse.ceph-fuse"}
    | {"fuse.s3fs", "fuse.gcsfuse", "fuse.goofys", "fuse.mount-s3", "fuse.davfs", "fuse.davfs2", "fuse.juicefs"}
)


@contextmanager
def explain_os_errors(folder: Path) -> Iterator[None]:
    """Turn what a user can put right about a folder (disk full, read-only, no permission) into a `UserError`.

    Args:
        folder: where the block writes; named in the message.

    Raises:
        UserError: for the causes above. Any other `OSError` passes through unchanged.
    """
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0)
        if remedy is None:
            raise
        raise UserError(f"Cannot write in {folder}: {remedy}. ({error})") from error


@contextmanager
def scratch_file(folder: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Open a new file in `folder` for writing. It is gone after the block, unless `settle` gave it its place.

    Its name is short and its own, as the final name may already be the longest the filesystem takes.

    Args:
        folder: must exist, on the same filesystem as the final place.
        mode: permission bits before the umask.
    """
    path = folder / f".{secrets.token_hex(8)}.tmp"
    try:
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            yield file
    finally:
        with suppress(FileNotFoundError):
            path.unlink()


def settle(file: BinaryIO, target: Path) -> None:
    """Give a scratch file its place, replacing what is there.

    Whoever looks at `target`, also after a power cut, finds the old content or the whole new one: the data are
    flushed to disk before the rename, and the folder after it.
    """
    file.flush()
    os.fsync(file.fileno())
    Path(file.name).replace(target)
    sync_folder(target.parent)


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path`, replacing what is there, whole or not at all.

    Raises:
        UserError: the disk is full or the folder cannot be written.
        FileNotFoundError: the folder does not exist.
    """
    with explain_os_errors(path.parent), scratch_file(path.parent) as file:
        file.write(data)
        settle(file, path)


def claim_folder(parent: Path) -> Path:
    """Make the folder of the next number below `parent`; of two who want the same, one gets it.

    Raises:
        UserError: it cannot be made.
    """
    with explain_os_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        number = max(numbered_folders(parent), default=0) + 1
        while True:
            with suppress(FileExistsError):
                (parent / str(number)).mkdir()
                return parent / str(number)
            number += 1


def numbered_folders(parent: Path) -> list[int]:
    """Return the numbers of the folders that `claim_folder` made below `parent`, the newest first."""
    names = (path.name for path in parent.glob("*/"))
    return sorted((int(name) for name in names if name.isascii() and name.isdigit()), reverse=True)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 (hex) of a file, read in chunks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk: without it a power cut can lose a file that was renamed into it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network and FUSE filesystems cannot flush a folder; there is nothing more to be had from them.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def sync_files(paths: Iterable[Path]) -> None:
    """Flush many files to disk at once, in threads, whose waits the filesystem joins."""
    with ThreadPoolExecutor(_FLUSHING_THREADS) as pool:
        for _ in pool.map(_sync_file, paths):
            pass


def sync_tree(folder: Path) -> None:
    """Flush a folder to disk with all that lies in it; links are left alone."""
    found = [path for path in folder.rglob("*") if not path.is_symlink()]
    sync_files(path for path in found if path.is_file())
    for inner in (folder, *(path for path in found if path.is_dir())):
        sync_folder(inner)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def filesystem_type(path: Path, mountinfo: Path = Path("/proc/self/mountinfo")) -> str | None:
    """Return the type of the filesystem that holds `path` (`ext4`, `nfs4`, `fuse.sshfs`), None where nothing says.

    Args:
        path: need not exist yet.
        mountinfo: the kernel's table of mounts, proc_pid_mountinfo(5): mount point in field 5, with spaces and the
            like as octal escapes; the type right after the lone dash.
    """
    try:
        rows = mountinfo.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    wanted = path.resolve()
    found: tuple[int, str | None] = (-1, None)
    for row in rows:
        before, _, after = row.partition(" - ")
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), before.split()[4]))
        # The deepest mount holds the path; of two on the same point the later one hides the earlier.
        if wanted.is_relative_to(point) and len(point.parts) >= found[0]:
            found = (len(point.parts), after.split()[0])
    return found[1]


def is_network_filesystem(path: Path) -> bool:
    """Tell whether `path` lies on a filesystem that other machines can write to at the same time."""
    return filesystem_type(path) in _NETWORK_FILESYSTEMS
