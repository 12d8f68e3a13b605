"""Known by JPEGImages beside SegmentationClass."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from labeling.formats.places import Place
from labeling.formats.voc.codec import MASK_FOLDERS
from labeling.importing.recognition.guess import Guess, few
from labeling.importing.recognition.mask_classes import mask_classes
from labeling.importing.source_files import SourceFiles


def recognise_voc(files: SourceFiles, source: Path) -> Guess | None:
    """Look for JPEGImages beside SegmentationClass."""
    found = next((name for name in MASK_FOLDERS if files.has_folder(name)), None)
    if found is None or not files.has_folder("JPEGImages"):
        return None
    photos = [name for name in files.images if "JPEGImages" in PurePosixPath(name).parts[:-1]]
    masks = [name for name in files.images if found in PurePosixPath(name).parts[:-1]]
    if not masks:
        return None
    folder = PurePosixPath(masks[0]).parts
    root = files.root.joinpath(*folder[: folder.index(found)])
    evidence = [f"JPEGImages with {len(photos)} photos beside {found} with {len(masks)} masks"]
    lists = sorted(path.stem for path in (root / "ImageSets" / "Segmentation").glob("*.txt"))
    lists = lists or sorted(path.stem for path in (root / "ImageSets").glob("*.txt"))
    if lists:
        evidence.append(f"VOC lists: {', '.join(few(lists, 8))}")
    classes, read, options, problems = mask_classes(root, [Place(files.root, name) for name in masks], evidence)
    return Guess("voc", tuple(evidence), len(photos), len(masks), classes, read, options, problems)
