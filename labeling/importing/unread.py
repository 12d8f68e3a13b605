"""Files of a source that no import reads, though their owner may think so: photos of other kinds, archives."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath

from labeling.importing.source_files import SourceFiles, look_through

_PHOTOS = (
    {".heic", ".heif", ".avif", ".gif", ".jp2", ".jxl", ".psd"}
    | {".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"}  # cameras' raw photos
)
_ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".7z", ".rar"}


def notes_on_unread(root: Path) -> tuple[str, ...]:
    """Look through a source; see `notes_on`."""
    return notes_on(look_through(root)) if root.is_dir() else ()


def notes_on(files: SourceFiles) -> tuple[str, ...]:
    """Return a sentence for each of: photos of kinds that are not read, archives that are not opened."""
    photos = [name for name in files.others if _suffix(name) in _PHOTOS]
    archives = [name for name in files.others if _suffix(name) in _ARCHIVES]
    notes = []
    if photos:
        kinds = ", ".join(f"{suffix}: {count}" for suffix, count in sorted(Counter(map(_suffix, photos)).items()))
        notes.append(
            f"{_count(photos, 'photo')} of a kind that is not read: left out ({kinds}; {photos[0]}). Save as JPEG or "
            "PNG under the same name."
        )
    if archives:
        notes.append(
            f"{_count(archives, 'archive')} inside, which an import does not open ({archives[0]}). Unpack what belongs "
            "to it, or import it by itself."
        )
    return tuple(notes)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _count(names: list[str], what: str) -> str:
    return f"1 {what}" if len(names) == 1 else f"{len(names)} {what}s"
