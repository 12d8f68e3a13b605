"""Unpacking an archive from outside (zip, tar, tar.gz, .bz2, .xz) by a loop of our own, bounded in every direction.

What is wrong with one member is told and the member left out; what is wrong with the archive itself refuses it. No
link, device or name ever leads outside the folder: links and devices are not unpacked at all.
"""

from __future__ import annotations

import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from db.errors import UserError
from db.files import explain_os_errors
from labeling.importing.archive_members import Archive, Member, open_archive
from labeling.progress import Progress, silent
from labeling.relative_paths import Names, UnsafePathError, clean_path

MIB = 1024**2
_CHUNK = MIB
_PROGRESS_EVERY = 50
# What systems leave beside the files. Not worth a word each.
_CLUTTER_FOLDERS = frozenset({"__MACOSX"})
_CLUTTER_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")
_UNPACKED = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True)
class Limits:
    """How far an archive may go.

    Attributes:
        files: members, folders and clutter included.
        bytes: of all members together, unpacked.
        ratio: unpacked bytes to packed ones; photos and labels stay far below.
        always_fine: bytes that may be unpacked whatever the ratio.
    """

    files: int = 200_000
    bytes: int = 64 * 1024 * MIB
    ratio: int = 200
    always_fine: int = 256 * MIB


@dataclass(frozen=True)
class SkippedMember:
    """A member that was left out."""

    path: str
    why: str


@dataclass
class Unpacked:
    """What came out. `clutter` counts what systems leave beside files (`__MACOSX`, `.DS_Store`), left out too."""

    files: int = 0
    bytes: int = 0
    clutter: int = 0
    skipped: list[SkippedMember] = field(default_factory=list)


def archive_stem(name: str) -> str | None:
    """Return a file's name without the ending that says it is an archive; None where it has no such ending."""
    ending = next((each for each in _UNPACKED if name.lower().endswith(each)), None)
    return None if ending is None else name[: -len(ending)]


def is_archive(path: Path) -> bool:
    """Tell whether a path is a file that calls itself an archive."""
    return archive_stem(path.name) is not None and path.is_file()


def content_folder(folder: Path) -> Path:
    """Return the folder that was packed or dropped as one: the only thing in `folder`, else `folder` itself.

    No folder further down is looked for: the paths of a dataset's images would change once a second one lay beside it.
    """
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def unpack(archive: Path, to: Path, limits: Limits | None = None, progress: Progress = silent) -> Unpacked:
    """Unpack an archive into a folder. What it is shows in its content, whatever its name ends with.

    Args:
        archive: the file.
        to: an existing, empty folder. Where this raises, what was unpacked so far is still in it.
        limits: how far the archive may go.
        progress: told of members.

    Raises:
        UserError: it is no archive, is damaged or cut off, is encrypted, or goes beyond a limit; or the disk is full.
    """
    limits = limits or Limits()
    most = min(limits.bytes, max(limits.always_fine, limits.ratio * archive.stat().st_size))
    done = Unpacked()
    names = Names()
    with _explained(archive), explain_os_errors(to), open_archive(archive, limits.files, most) as opened:
        _refuse_too_large(archive, to, opened, most)
        for number, member in enumerate(opened.members, start=1):
            if number > limits.files:
                raise UserError(f"{archive.name} holds more than {limits.files:,} members. Split it.")
            if number % _PROGRESS_EVERY == 0:
                progress(number, opened.count, "unpacked")
            _take(member, to, names, done, archive, most)
    progress(done.files, done.files, "unpacked")
    if not done.files:
        raise UserError(f"{archive.name} holds no file that could be unpacked.{_first(done)}")
    return done


def _take(member: Member, to: Path, names: Names, done: Unpacked, archive: Path, most: int) -> None:
    """Unpack one member, or note why not."""
    parts = member.path.split("/")
    if _CLUTTER_FOLDERS.intersection(parts) or parts[-1] in _CLUTTER_FILES:
        done.clutter += 1
        return
    if member.is_folder:
        return  # folders come with their files
    try:
        if member.refused is not None:
            raise UnsafePathError(member.refused)
        path = clean_path(member.path)
        if path.lower().endswith(_ARCHIVES):
            raise UnsafePathError("an archive inside the archive; unpack it and pack its files instead")
        if not names.add(path):
            raise UnsafePathError("a second member of the same name; the first one was taken")
    except UnsafePathError as error:
        done.skipped.append(SkippedMember(_shown(member.path), str(error)))
        return
    target = to / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as source, target.open("xb") as file:
        done.bytes += _copy(source, file, archive, most - done.bytes)
    done.files += 1


def _copy(source: IO[bytes], file: IO[bytes], archive: Path, most: int) -> int:
    """Copy at most `most` bytes, counting what comes, whatever the archive says of its sizes."""
    size = 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > most:
            raise _too_large(archive)
        file.write(chunk)
    return size


def _refuse_too_large(archive: Path, to: Path, opened: Archive, most: int) -> None:
    """Refuse by what the archive says of itself, before anything is written."""
    if opened.bytes is None:
        return
    if opened.bytes > most:
        raise _too_large(archive)
    free = shutil.disk_usage(to).free
    if opened.bytes > free:
        raise UserError(
            f"{archive.name} needs {opened.bytes / MIB:,.0f} MiB unpacked, and {free / MIB:,.0f} MiB are free on the "
            "disk. Free some space."
        )


def _too_large(archive: Path) -> UserError:
    return UserError(
        f"{archive.name} unpacks to more than its size allows ({archive.stat().st_size / MIB:,.1f} MiB packed): it is "
        "made to fill the disk, or too large for one upload. Split it, or import the unpacked folder."
    )


@contextmanager
def _explained(archive: Path) -> Iterator[None]:
    """Turn what reading a damaged or unusual archive raises into a sentence."""
    try:
        yield
    except NotImplementedError as error:
        raise UserError(
            f"{archive.name} is compressed by a method that is not known here ({error}). Pack it again as an ordinary "
            "zip."
        ) from error
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError) as error:
        raise UserError(
            f"{archive.name} is damaged or cut off ({error or 'it ends too early'}). Send it again, or pack it again."
        ) from error


def _first(done: Unpacked) -> str:
    return f" The first member, {done.skipped[0].path}: {done.skipped[0].why}." if done.skipped else ""


def _shown(path: str) -> str:
    """Return a member's name as it may be printed: short, and one line."""
    printable = "".join(character if character.isprintable() else "�" for character in path)
    return printable if len(printable) <= 200 else printable[:197] + "..."
