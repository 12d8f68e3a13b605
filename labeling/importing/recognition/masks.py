"""Known by a folder of photos beside one of masks, or by masks beside photos."""

from __future__ import annotations

from pathlib import Path

from db.errors import UserError
from labeling.formats.base import ReadRequest
from labeling.formats.masks.layouts import find_layout
from labeling.formats.places import Place
from labeling.importing.recognition.guess import Guess
from labeling.importing.recognition.mask_classes import mask_classes
from labeling.importing.source_files import SourceFiles


def recognise_masks(files: SourceFiles, source: Path) -> Guess | None:
    """Look for a folder of photos beside one of masks, or masks beside photos with a suffix."""
    if not files.images or not files.complete or not source.is_dir():
        return None
    try:
        layout = find_layout(ReadRequest(source))
    except UserError:
        return None
    evidence = [f"{len(layout.photos)} photos and {len(layout.masks)} masks of the same names"]
    masks = [Place(layout.mask_root, mask.name) for mask in layout.masks]
    classes, read, options, problems = mask_classes(files.root, masks, evidence)
    keys = {mask.key for mask in layout.masks}
    labels = sum(photo.key in keys or photo.full_key in keys for photo in layout.photos)
    if not labels:
        return None
    return Guess("masks", tuple(evidence), len(layout.photos), labels, classes, read, options, problems)
