"""What a folder looks like to an import: its format, its classes, the options that fit; nothing is written.

At most 200,000 files are listed. Of label files at most 200 are read in full, of masks 24, of COCO files twenty
of up to 64 MiB each: enough to know a source by, and done in seconds. The import itself reads everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from db.errors import NotFoundError
from labeling.recognise_formats import Guess, recognise_coco, recognise_labelme, recognise_masks, recognise_voc
from labeling.source_files import MAX_FILES, look_through

__all__ = ["Guess", "Recognised", "recognise"]


@dataclass(frozen=True)
class Recognised:
    """What a source looks like.

    Attributes:
        source: the folder or file, absolute.
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
    found = [
        guess
        for look in (recognise_labelme, recognise_coco, recognise_voc, recognise_masks)
        if (guess := look(files, location)) is not None
    ]
    # Folder names like VOC's are also a layout of masks, and masks may lie beside labelme's files: the more particular
    # format first, then the one with more labels.
    found.sort(key=lambda guess: (guess.format == "masks", -guess.labels))
    notes = []
    if not files.complete:
        notes.append(f"There are more than {MAX_FILES:,} files; the rest was not looked at.")
    if not found:
        notes.append(
            "No labels were recognised. Expected: labelme JSON files beside photos, a COCO JSON file, VOC's JPEGImages "
            "and SegmentationClass, or a folder of photos beside a folder of masks (images/ and masks/)."
        )
        if files.images:
            notes.append(f"The {len(files.images)} photos can be imported as labelme, unlabelled, to label them here.")
    return Recognised(location, len(files.images), tuple(found), tuple(notes))
