"""What a source looks like to an import: its format, its classes, the options that fit; nothing of it is kept.

At most 200,000 files are listed. Of label files at most 200 are read in full, of masks 24, of COCO files the
first 64 MiB of twenty: enough to know a source by, and done in seconds. The import itself reads everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from db.errors import NotFoundError
from db.home import Home
from labeling.formats.names import FORMATS
from labeling.importing.recognition.coco import recognise_coco
from labeling.importing.recognition.cvat import recognise_cvat
from labeling.importing.recognition.guess import Guess
from labeling.importing.recognition.labelme import recognise_labelme
from labeling.importing.recognition.labelstudio import recognise_labelstudio
from labeling.importing.recognition.masks import recognise_masks
from labeling.importing.recognition.panoptic import recognise_panoptic
from labeling.importing.recognition.published import (
    recognise_ade20k,
    recognise_camvid,
    recognise_cihp,
    recognise_cityscapes,
    recognise_cocostuff,
    recognise_pets,
)
from labeling.importing.recognition.supervisely import recognise_supervisely
from labeling.importing.recognition.voc import recognise_voc
from labeling.importing.recognition.yolo import recognise_yolo
from labeling.importing.source import OpenedSource, open_source
from labeling.importing.source_files import MAX_FILES, SourceFiles, look_through
from labeling.importing.unread import notes_on
from labeling.progress import Progress, silent

__all__ = ["RECOGNISERS", "Guess", "Recognised", "recognise", "recognise_archive"]

RECOGNISERS: dict[str, Callable[[SourceFiles, Path], Guess | None]] = {
    "labelme": recognise_labelme,
    "coco": recognise_coco,
    "panoptic": recognise_panoptic,
    "cocostuff": recognise_cocostuff,
    "voc": recognise_voc,
    "masks": recognise_masks,
    "cityscapes": recognise_cityscapes,
    "ade20k": recognise_ade20k,
    "camvid": recognise_camvid,
    "pets": recognise_pets,
    "cihp": recognise_cihp,
    "cvat": recognise_cvat,
    "yolo": recognise_yolo,
    "supervisely": recognise_supervisely,
    "labelstudio": recognise_labelstudio,
}
"""Of every format, what looks for its signs in the files of a source; None where there are none."""


@dataclass(frozen=True)
class Recognised:
    """What a source looks like.

    Attributes:
        source: the folder, file or archive, absolute.
        photos: image files, masks included.
        guesses: the formats it may be, the likeliest first; empty where nothing was recognised.
        notes: sentences on what was seen, and what to do where nothing was recognised.
    """

    source: Path
    photos: int
    guesses: tuple[Guess, ...]
    notes: tuple[str, ...]


def recognise(source: Path) -> Recognised:
    """Look at a source.

    Raises:
        NotFoundError: there is no such folder or file.
    """
    location = source.expanduser().resolve()
    if not location.exists():
        raise NotFoundError(f"There is nothing to import at {location}: no such file or folder.")
    files = look_through(location)
    found = [guess for look in RECOGNISERS.values() if (guess := look(files, location)) is not None]
    # Folder names like VOC's are also a layout of masks, and masks may lie beside labelme's files: the more particular
    # format first, then the one with more labels.
    found.sort(key=lambda guess: (guess.format == "masks", -guess.labels))
    notes = []
    if not files.complete:
        notes.append(f"There are more than {MAX_FILES:,} files; the rest was not looked at.")
    if not found:
        expected = "; ".join(f"{format.title}, {format.sign}" for format in FORMATS.values())
        notes.append(f"No labels were recognised. Expected: {expected}.")
        if files.images:
            count = len(files.images)
            photos = "The photo" if count == 1 else f"The {count} photos"
            notes.append(f"{photos} can be imported without labels, as labelme: the format they are labelled in later.")
    return Recognised(location, len(files.images), tuple(found), (*notes, *notes_on(files)))


def recognise_archive(home: Home, source: Path, progress: Progress = silent) -> Recognised:
    """Look at what an archive holds, which is unpacked in the home for that long: `labeling.importing.archives.unpack`.

    Raises:
        UserError: there is no such file, or the archive is refused.
    """
    location = source.expanduser().resolve()
    with open_source(home, location, progress) as opened:
        found = recognise(opened.location)
        notes = [opened.said(note) for note in found.notes]
        if opened.skipped:
            first = opened.skipped[0]
            notes.append(f"Left out of {location.name}: {len(opened.skipped)}, such as {first.path}: {first.why}.")
        guesses = tuple(_packed(guess, opened) for guess in found.guesses)
        return replace(found, source=location, guesses=guesses, notes=tuple(notes))


def _packed(guess: Guess, opened: OpenedSource) -> Guess:
    """Return a guess that names the archive; an import finds by itself what lies in it."""
    return replace(
        guess,
        evidence=tuple(map(opened.said, guess.evidence)),
        problems=tuple(map(opened.said, guess.problems)),
        options={name: value for name, value in guess.options.items() if not value.startswith(str(opened.unpacked))},
    )
