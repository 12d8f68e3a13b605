"""The members of a zip or a tar, seen alike, with the library's weak points covered before it meets them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from db.errors import UserError
from db.tar import BoundedInfo

_ENCRYPTED = 0x1 | 0x40 | 0x2000
_IS_UTF8 = 0x800
_OPENERS: dict[bytes, Callable[[Path], io.BufferedIOBase]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}


@dataclass(frozen=True)
class Member:
    """One entry. `refused` says why it cannot become a file, None where nothing but its path may speak against it."""

    path: str
    is_folder: bool
    refused: str | None
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True)
class Archive:
    """An open archive; `count` and `bytes` are what it says of itself, None for a tar, which says nothing."""

    members: Iterator[Member]
    count: int | None
    bytes: int | None


@contextmanager
def open_archive(path: Path, most_members: int, most_bytes: int) -> Iterator[Archive]:
    """Open an archive, told apart by its first bytes.

    Args:
        path: the file.
        most_members: a zip's list of members is not even read where it is longer.
        most_bytes: a tar is not read beyond this many bytes, unpacked, plus its headers.

    Raises:
        UserError: it is no archive, is encrypted or has too many members.
    """
    with path.open("rb") as file:
        start = file.read(265)
    if start.startswith(b"PK"):
        with _open_zip(path, most_members) as archive:
            yield archive
        return
    opener = next((each for magic, each in _OPENERS.items() if start.startswith(magic)), None)
    if opener is None and start[257:262] != b"ustar":
        raise UserError(
            f"{path.name} is no archive, whatever its name says: expected a zip or a tar, found a file that begins "
            f"with {start[:8].decode('latin-1')!r}. Pack the folder as a zip."
        )
    with opener(path) if opener is not None else path.open("rb") as unpacked:
        # A header and padding a member, beside the content.
        bounded = _Bounded(unpacked, path.name, most_bytes + most_members * 4096)
        with tarfile.open(fileobj=bounded, mode="r|", tarinfo=BoundedInfo) as tar:
            yield Archive(_tar_members(tar), None, None)


@contextmanager
def _open_zip(path: Path, most_members: int) -> Iterator[Archive]:
    with path.open("rb") as file:
        if _longest_list(file) > most_members:
            raise UserError(f"{path.name} holds more than {most_members:,} members. Split it.")
    with zipfile.ZipFile(path) as opened:
        entries = opened.infolist()
        if any(entry.flag_bits & _ENCRYPTED for entry in entries):
            raise UserError(f"{path.name} is encrypted. Pack it again without a password.")
        members = (_zip_member(opened, entry) for entry in entries)
        yield Archive(members, len(entries), sum(entry.file_size for entry in entries))


def _zip_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Member:
    # `filename` ends where a zero byte is, `orig_filename` does not.
    name = _decoded(entry.orig_filename, entry.flag_bits)
    if "/" not in name and not name.startswith("\\"):
        name = name.replace("\\", "/")  # old packers for Windows; a leading one would be another computer's
    kind = stat.S_IFMT(entry.external_attr >> 16)
    refused = None
    if kind == stat.S_IFLNK:
        refused = "a link; pack the file it leads to"
    elif kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        refused = "neither a file nor a folder"
    return Member(name, name.endswith("/"), refused, lambda: archive.open(entry))


def _decoded(name: str, flags: int) -> str:
    """Return a name as it was meant: macOS and older packers write UTF-8 without saying so."""
    if flags & _IS_UTF8:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _longest_list(file: BinaryIO) -> int:
    """Return how many members a zip's list can have at most: one a signature in the bytes that hold it.

    The count that the archive states may be a lie, and the library reads the list by its length, whole.
    """
    size = file.seek(0, 2)
    tail_start = max(0, size - 65_557 - 76)
    file.seek(tail_start)
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(tail):
        raise zipfile.BadZipFile("its end, with the list of members, is missing")
    lists = [(tail_start + end, *struct.unpack_from("<I", tail, end + 12))]
    if end >= 20 and tail[end - 20 : end - 16] == b"PK\x06\x07":  # zip64, where the record that it names is there
        (named,) = struct.unpack_from("<Q", tail, end - 12)
        lists = list(_zip64_lists(file, {tail_start + end - 76, named}, size)) or lists
    return max(_signatures(file, place - length, min(length, size)) for place, length in lists)


def _zip64_lists(file: BinaryIO, places: set[int], size: int) -> Iterator[tuple[int, int]]:
    """Yield where the list of members ends and its length, for each place where versions of the library look."""
    for place in places:
        if 0 <= place < size:
            file.seek(place)
            record = file.read(56)
            if record.startswith(b"PK\x06\x06") and len(record) == 56:
                yield place, *struct.unpack_from("<Q", record, 40)


def _signatures(file: BinaryIO, start: int, length: int) -> int:
    file.seek(max(0, start))
    found, before = 0, b""
    while length > 0 and (chunk := file.read(min(length, 1024**2))):
        length -= len(chunk)
        found += (before + chunk).count(b"PK\x01\x02")
        before = chunk[-3:]
    return found


def _tar_members(tar: tarfile.TarFile) -> Iterator[Member]:
    while (info := tar.next()) is not None:
        tar.members.clear()  # type: ignore[attr-defined] # the library would keep all
        refused = None
        if info.issym() or info.islnk():
            refused = "a link; pack the file it leads to"
        elif not (info.isreg() or info.isdir()):
            refused = "neither a file nor a folder"
        elif info.sparse is not None:
            refused = "a sparse file; pack it as an ordinary one"
        yield Member(info.name.removeprefix("./"), info.isdir(), refused, _opener(tar, info))


def _opener(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], IO[bytes]]:
    def open_member() -> IO[bytes]:
        file = tar.extractfile(info)
        assert file is not None  # it is a regular file
        return file

    return open_member


class _Bounded(io.BufferedIOBase):
    """A stream that may be read so far and no further."""

    def __init__(self, file: io.BufferedIOBase, name: str, most: int) -> None:
        self._file = file
        self._name = name
        self._left = most

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UserError(f"{self._name} unpacks to more than its size allows. Split it.")
        return data
