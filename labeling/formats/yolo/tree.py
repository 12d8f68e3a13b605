"""The photos and label files of a YOLO dataset.

A photo's label file has its path with the last `images` as `labels` (`images/train/a.jpg` and `labels/train/a.txt`, or
`train/images/a.jpg` and `train/labels/a.txt`); where no folder is called images it lies beside the photo.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from db.errors import UserError
from labeling.formats.base import iter_image_files
from labeling.formats.matching import Named

_PHOTOS, _LABELS = "images", "labels"
_NO_LABEL_FILES = frozenset({"classes", "train", "val", "valid", "test", "notes", "readme"})


@dataclass(frozen=True)
class Tree:
    """Photos and label files; the keys of a photo and of its label file are the same.

    Attributes:
        root: that label files are named from.
        photo_root: that photos are named from.
        prefix: put before a photo's name it gives its path below the root.
        photos: in order.
        labels: likewise.
        notes: sentences on what was left out.
    """

    root: Path
    photo_root: Path
    prefix: str
    photos: tuple[Named, ...]
    labels: tuple[Named, ...]
    notes: tuple[str, ...] = ()


def find_tree(root: Path, images: Path | None) -> Tree:
    """Find the photos and label files.

    Args:
        root: folder of the dataset.
        images: folder of the photos where that is said; of one not called images the label files are looked for in
            labels/, or in the root itself.

    Raises:
        UserError: there is no photo.
    """
    photo_root = images or root
    if not photo_root.is_dir():
        raise UserError(f"{photo_root}: expected the folder of the photos, found none.")
    names = [path.relative_to(photo_root).as_posix() for path in iter_image_files(photo_root)]
    kept = names if images else [name for name in names if _PHOTOS in PurePosixPath(name).parts[:-1]] or names
    if not kept:
        raise UserError(
            f"{photo_root}: expected photos in images/ and YOLO's label files in labels/, found no photo. Name the "
            "folder that holds both, or that of the photos with --images DIR."
        )
    if not images and all(name.startswith(f"{_PHOTOS}/") for name in kept):  # images/ is no part of an identity
        photo_root, kept = root / _PHOTOS, [name.removeprefix(f"{_PHOTOS}/") for name in kept]
    inside = photo_root.is_relative_to(root) and photo_root != root
    prefix = f"{photo_root.relative_to(root).as_posix()}/" if inside else ""
    elsewhere = f"{_LABELS}/" if images and (root / _LABELS).is_dir() else ""
    photos = tuple(Named(_label_key(prefix, name, elsewhere), name) for name in kept)
    labels = tuple(_label_files(root, frozenset(key for photo in photos for key in (photo.key, photo.full_key))))
    left_out = len(names) - len(kept)
    notes = (f"{left_out} image files lie in no folder called images: left out.",) if left_out else ()
    return Tree(root, photo_root, prefix, photos, labels, notes)


def _label_key(prefix: str, name: str, elsewhere: str) -> str:
    """Return the path of a photo's label file below the root, without its suffix."""
    parts = list(PurePosixPath(f"{prefix}{name}").with_suffix("").parts)
    folders = parts[:-1]
    if _PHOTOS not in folders:
        return f"{elsewhere}{PurePosixPath(name).with_suffix('').as_posix()}" if elsewhere else "/".join(parts)
    parts[len(folders) - 1 - folders[::-1].index(_PHOTOS)] = _LABELS
    return "/".join(parts)


def _label_files(root: Path, keys: frozenset[str]) -> Iterator[Named]:
    """Yield the label files: those that photos ask for, and all others in a folder of labels."""
    for path in sorted(root.rglob("*.[tT][xX][tT]")):
        name = path.relative_to(root)
        if any(part.startswith(".") or part == "__MACOSX" for part in name.parts):
            continue
        key = name.with_suffix("").as_posix()
        in_labels = _LABELS in (root.name, *name.parts[:-1]) and name.stem.lower() not in _NO_LABEL_FILES
        if (key in keys or in_labels) and path.is_file():
            yield Named(key, name.as_posix())
