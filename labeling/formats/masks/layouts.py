"""Which files of a folder are photos and which are masks: decided by folder names and suffixes, never by content.

Recognised are a folder of photos beside one of masks (`images/` and `masks/`, `train_images/` and `train_labels/`,
`train/` and `trainannot/`, Cityscapes' `leftImg8bit/` and `gtFine/`), the same inside `train/`, `val/` and `test/`,
and masks beside their photos with a suffix (`a.jpg` and `a_mask.png`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from db.errors import UserError
from labeling.formats.base import ReadRequest, iter_image_files
from labeling.formats.matching import Named

Kind = Literal["photo", "mask", "unmarked"]

_PHOTO_WORDS = "images?|imgs?|photos?|jpegimages|leftimg8bit|rgb|inputs?"
_MASK_WORDS = (
    "masks?|labels?|annotations?|annot|gt|gtfine|gtcoarse|ground_?truths?|segmentationclass|segmentations?|targets?|"
    "category_ids"
)


def _folder(words: str) -> re.Pattern[str]:
    """Match `images`, `train_images`, `images-train` and, for the splits only, `trainimages`."""
    return re.compile(rf"(?:(.+)[_-]|(train|val|test))?(?:{words})(?:[_-](.+))?", re.IGNORECASE)


_PHOTO_SUFFIX = re.compile(r"[_-](leftimg8bit|images?|img|photo|rgb)$", re.IGNORECASE)
_MASK_SUFFIX = re.compile(
    r"[_-](gt(fine|coarse)[_-])?(masks?|labels?|label(train)?ids|gt|seg|segmentation|annotation|ground_?truth)$",
    re.IGNORECASE,
)
_CAMVID_SUFFIX = re.compile(r"_L$")  # CamVid's own; beside photos it would also be a left camera
_CITYSCAPES_EXTRA = re.compile(r"_gt(fine|coarse)_(color|instance(train)?ids)$", re.IGNORECASE)
_FOLDERS: dict[Kind, re.Pattern[str]] = {  # masks first: `image_labels` holds labels
    "mask": _folder(_MASK_WORDS),
    "photo": _folder(_PHOTO_WORDS),
}

_LAYOUTS = (
    "a folder images/ beside masks/ (or labels/, annotations/), the same inside train/, val/ and test/, or masks "
    "beside their photos with a suffix (a.jpg, a_mask.png)"
)


@dataclass(frozen=True)
class Layout:
    """Photos and masks with keys that pair them, each relative to its root; keys keep the folders (`train/a`)."""

    photo_root: Path
    mask_root: Path
    photos: tuple[Named, ...]
    masks: tuple[Named, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _File:
    """A file's relative name, what its place says that it is, and its name without those markers."""

    name: str
    kind: Kind
    folder: str
    stem: str

    @property
    def key(self) -> str:
        return f"{self.folder}{self.stem}"

    @property
    def bare_key(self) -> str:
        """The key without suffixes such as `_mask`, repeated ones (`_img_mask`) included."""
        stem = self.stem
        for pattern in (_MASK_SUFFIX, _CAMVID_SUFFIX, _PHOTO_SUFFIX):
            stem = pattern.sub("", stem)
        return f"{self.folder}{stem or self.stem}"


def find_layout(request: ReadRequest) -> Layout:
    """Find photos and masks.

    Raises:
        UserError: a folder is missing, or no photo or no mask is found.
    """
    for folder in (request.source, request.images, request.masks):
        if folder is not None and not folder.is_dir():
            raise UserError(f"{folder}: expected a folder, found none.")
    tree = _files(request.source, leave_out=(request.images, request.masks))
    photos = _files(request.images, leave_out=(request.masks,)) if request.images else _photos_of(tree)
    any_file = request.images is not None
    masks = _files(request.masks, leave_out=(request.images,)) if request.masks else _masks_of(tree, any_file=any_file)
    if not masks or not photos:
        what, option = ("masks", "--masks") if photos else ("photos", "--images")
        raise UserError(
            f"{request.source}: found no {what}. Expected {_LAYOUTS}; or name the folder with {option} DIR."
        )
    unused = 0 if request.images or request.masks else len(set(tree).difference(photos, masks))
    notes = (f"{unused} image files lie outside the folders of photos and masks: left out.",) if unused else ()
    masks, cityscapes = _one_of_cityscapes(masks)
    photo_keys, mask_keys = {file.key for file in photos}, {file.key for file in masks}
    root, prefix = _common_folder(request.images or request.source, photos)
    return Layout(
        photo_root=root,
        mask_root=request.masks or request.source,
        photos=tuple(Named(_key(file, mask_keys), file.name.removeprefix(prefix)) for file in photos),
        masks=tuple(Named(_key(file, photo_keys), file.name) for file in masks),
        notes=notes + cityscapes,
    )


def _key(file: _File, others: set[str]) -> str:
    """Return the key that a file of the other kind has too: a stem as it is goes before one without its suffix."""
    return file.key if file.key in others else file.bare_key


def _files(folder: Path, leave_out: Sequence[Path | None]) -> list[_File]:
    """Return the image files of a folder, without those of other folders that lie inside it."""
    inside = [
        other.relative_to(folder).parts
        for other in leave_out
        if other is not None and other != folder and other.is_relative_to(folder)
    ]
    names = (path.relative_to(folder) for path in iter_image_files(folder))
    return [_classify(name) for name in names if not any(name.parts[: len(parts)] == parts for parts in inside)]


def _classify(path: Path) -> _File:
    kind: Kind = "unmarked"
    folders: list[str] = []
    for part in path.parts[:-1]:
        mark, rest = _read_folder(part)
        kind = mark or kind
        folders += [rest] if rest else []
    if kind == "unmarked" and _MASK_SUFFIX.search(path.stem):
        kind = "mask"
    return _File(path.as_posix(), kind, "".join(f"{folder}/" for folder in folders), path.stem)


@lru_cache(maxsize=4096)
def _read_folder(name: str) -> tuple[Kind | None, str]:
    """Return what a folder's name marks, and the rest of it: `train_masks` is a mask folder of `train`."""
    for kind, pattern in _FOLDERS.items():
        match = pattern.fullmatch(name)
        if match:
            rest = next((part for part in match.groups() if part), "")
            return kind, _read_folder(rest)[1]
    return None, name


def _photos_of(tree: list[_File]) -> list[_File]:
    return [file for file in tree if file.kind == "photo"] or [file for file in tree if file.kind == "unmarked"]


def _masks_of(tree: list[_File], *, any_file: bool) -> list[_File]:
    return [file for file in tree if file.kind == "mask"] or (tree if any_file else [])


def _one_of_cityscapes(masks: list[_File]) -> tuple[list[_File], tuple[str, ...]]:
    """Keep one mask a photo of Cityscapes' four: the train ids where there are some, else the label ids."""
    label_maps = [file for file in masks if not _CITYSCAPES_EXTRA.search(file.stem)]
    trained = {file.bare_key for file in label_maps if file.stem.lower().endswith("_labeltrainids")}
    kept = [file for file in label_maps if not (file.stem.lower().endswith("_labelids") and file.bare_key in trained)]
    if len(kept) == len(masks):
        return masks, ()
    chosen = "labelTrainIds" if trained else "labelIds"
    return kept, (f"Cityscapes: {chosen} were read, {len(masks) - len(kept)} other files beside them left out.",)


def _common_folder(root: Path, photos: list[_File]) -> tuple[Path, str]:
    """Return the folder that photos are named from, and the prefix that their names lose: `images/` is no identity."""
    first = {file.name.split("/", 1)[0] for file in photos}
    if len(first) == 1 and _read_folder(name := first.pop()) == ("photo", "") and (root / name).is_dir():
        return root / name, f"{name}/"
    return root, ""
