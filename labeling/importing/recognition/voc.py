"""Known by SegmentationClass, beside JPEGImages or in an export without photos."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from labeling.formats.places import Place
from labeling.formats.voc.codec import MASK_FOLDERS, OBJECT_FOLDER
from labeling.importing.recognition.guess import Guess, few
from labeling.importing.recognition.mask_classes import mask_classes
from labeling.importing.source_files import SourceFiles


def recognise_voc(files: SourceFiles, source: Path) -> Guess | None:
    """Look for SegmentationClass beside JPEGImages, or alone where there are no photos at all."""
    found = next((name for name in MASK_FOLDERS if files.has_folder(name)), None)
    if found is None:
        return None
    photos = [name for name in files.images if "JPEGImages" in PurePosixPath(name).parts[:-1]]
    masks = [name for name in files.images if found in PurePosixPath(name).parts[:-1]]
    without_photos = not files.has_folder("JPEGImages")
    others = (name for name in files.images if not {found, OBJECT_FOLDER} & {*PurePosixPath(name).parts[:-1]})
    if not masks or (without_photos and next(others, None)):
        return None
    folder = PurePosixPath(masks[0]).parts
    root = files.root.joinpath(*folder[: folder.index(found)])
    evidence = [f"JPEGImages with {len(photos)} photos beside {found} with {len(masks)} masks"]
    if without_photos:
        evidence = [f"{found} with {len(masks)} masks"]
    lists = sorted(path.stem for path in (root / "ImageSets" / "Segmentation").glob("*.txt"))
    lists = lists or sorted(path.stem for path in (root / "ImageSets").glob("*.txt"))
    if lists:
        evidence.append(f"VOC lists: {', '.join(few(lists, 8))}")
    classes, read, options, problems = mask_classes(root, [Place(files.root, name) for name in masks], evidence)
    if without_photos:
        problems = (f"No folder JPEGImages was found beside {found}; name the folder of the photos.", *problems)
    return Guess("voc", tuple(evidence), len(photos), len(masks), classes, read, options, problems)
