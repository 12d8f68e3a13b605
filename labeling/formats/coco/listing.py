"""Lists COCO files: images with their photos, classes, and what of the files cannot be used."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from db.errors import UserError
from labeling.formats.base import BadItemError, Item, Listing, Problem, ReadRequest, iter_image_files
from labeling.formats.bytes_read import BytesRead
from labeling.formats.coco.categories import categories_of
from labeling.formats.coco.files import CocoFile, find_files, map_folders, photo_folders
from labeling.formats.coco.index import CocoIndex, ImageEntry, stream
from labeling.formats.coco.kinds import Categories, Kind
from labeling.formats.coco.photos import best_root, find_photo
from labeling.formats.labels import IGNORE_NAME, read_labels
from labeling.formats.lazy_items import LazyItems
from labeling.formats.places import Place
from labeling.formats.splits import role_of

_SAMPLE = 100  # photos looked up to find their folder


@dataclass(frozen=True)
class Payload:
    """What reading an image needs.

    Attributes:
        photo: its file.
        size: its width and height as the COCO file says.
        note: sentence for the report, empty where there is nothing to say.
        entry: number of its COCO file, and its id there.
        maps: folder of the PNGs (panoptic).
        annotations: what the file's kind keeps of them, as JSON.
        extra: what the file says of the image besides, as JSON.
    """

    photo: Place
    size: tuple[int, int] | None
    note: str
    entry: tuple[int, str]
    maps: Path | None = None
    annotations: bytes = b"[]"
    extra: bytes = b"{}"


@dataclass(frozen=True)
class _Source:
    """A COCO file with the folder of its photos, that of its PNGs (panoptic) and its categories in id order."""

    file: CocoFile
    number: int
    root: Path
    maps: Path | None
    categories: Categories


def list_files(request: ReadRequest, kind: Kind) -> Listing:
    """List a COCO file, or the COCO files of a folder.

    Photos lie in `--images DIR`, or in images/ or a folder of the split's name beside the file or one above. A file
    named after a split (`instances_val2017.json`, `valid/_annotations.coco.json`) gives a subset and the role.

    Raises:
        UserError: there is no file, the only one is none of this kind, no photo is found, category ids are used
            twice, or an image is in files of two roles.
    """
    index, skipped, notes = CocoIndex(), list[Problem](), list[str]()
    files = find_files(request.source, kind.prefix)
    sources: list[_Source] = []
    read_bytes = BytesRead(request.progress, (file.path for file in files), passes=3)  # categories may stand last
    for number, file in enumerate(files):
        try:
            sources.append(_read_file(index, file, number, request, kind, read_bytes))
        except UserError as error:
            if len(files) == 1:
                raise
            skipped.append(Problem(file.name, str(error)))
    if not sources:
        raise UserError(f"{request.source}: none of its {len(files)} JSON files is a {kind.title} file.")
    lister = _Lister(index, Path(os.path.commonpath([source.root for source in sources])), several=len(sources) > 1)
    for source in sources:
        lister.add(source, kind)
    every = [category for source in sources for category in source.categories.values()]
    categories = [category for category in every if category.name != IGNORE_NAME]
    names = dict.fromkeys(category.name for category in categories)
    if request.classes_file:
        names = dict.fromkeys((*read_labels(request.classes_file), *names))
    if request.images is not None or request.source.is_dir():
        notes += _unused(lister, sources)
    return Listing(
        items=LazyItems(lister.items, lister.fill),
        classes=tuple(names),
        colors={category.name: category.color for category in categories if category.color is not None},
        background=kind.background([source.categories for source in sources]),
        raster="center",
        overlap="area",
        subsets=tuple(sorted({subset for item in lister.items for subset in item.subsets})),
        notes=(*lister.notes, *notes),
        skipped=(*skipped, *lister.problems),
        folders=tuple(sorted({folder for source in sources for folder in (source.root, source.maps) if folder})),
    )


def _read_file(
    index: CocoIndex, file: CocoFile, number: int, request: ReadRequest, kind: Kind, read_bytes: BytesRead
) -> _Source:
    categories = categories_of(stream(file.path, "categories.item", read_bytes=read_bytes), file.path)
    if not categories:
        raise UserError(f"{file.path}: expected a {kind.title} file, found no categories in it.")
    index.add(file.path, number, kind, categories, read_bytes)
    names = [entry.file_name for entry in index.images(number, limit=_SAMPLE)]
    if not names:
        raise UserError(f"{file.path}: expected a {kind.title} file, found no images in it.")
    if not index.has_labels(number):
        raise UserError(f"{file.path}: none of its annotations has `{kind.content}`. {kind.other}")
    root = _folder_of(names, photo_folders(file, request), f"{file.path}: found none of its photos", "--images")
    maps = None
    if kind.has_maps and (first := list(index.first_annotations(number, limit=_SAMPLE))):
        names = [annotation["file_name"] for annotation in first]
        maps = _folder_of(names, map_folders(file, request), f"{file.path}: found none of its PNGs", "--masks")
    return _Source(file, number, root, maps, categories)


def _folder_of(names: Sequence[Any], folders: Sequence[Path], problem: str, option: str) -> Path:
    """Return the folder that holds most of some files. Raises `UserError` where none holds any."""
    root = best_root(folders, names)
    if root is None:
        looked = ", ".join(str(folder) for folder in folders)
        raise UserError(f"{problem} (such as {names[0]!r}) in {looked}. Give {option} DIR.")
    return root


class _Lister:
    """Collects the items of all files, and keeps account of what does not become one.

    Args:
        index: of the files' contents.
        base: folder that images are named from.
        several: whether there are several files, whose names then become subsets.
    """

    def __init__(self, index: CocoIndex, base: Path, *, several: bool) -> None:
        self._index, self._base, self._several = index, base, several
        self._owner: dict[str, tuple[_Source, str]] = {}
        self.items: list[Item] = []
        self.problems: list[Problem] = []
        self.notes: list[str] = []

    def __contains__(self, photo: Path) -> bool:
        return photo.relative_to(self._base).as_posix() in self._owner

    def fill(self, item: Item) -> Item:
        """Return an item with what the index holds of it."""
        annotations, extra = self._index.annotations(*item.payload.entry), self._index.extra(*item.payload.entry)
        return replace(item, payload=replace(item.payload, annotations=annotations, extra=extra))

    def add(self, source: _Source, kind: Kind) -> None:
        """Add the images of a file. Raises `UserError` where one is in a file of another role too."""
        ambiguous = self._index.ambiguous_images(source.number)
        for entry in self._index.images(source.number):
            try:
                self._add_image(source, entry, ambiguous)
            except BadItemError as error:
                self.problems.append(Problem(_shown(entry), str(error)))
        self.notes += self._remarks(source, kind)

    def _add_image(self, source: _Source, entry: ImageEntry, ambiguous: dict[str, list[str]]) -> None:
        if entry.id is None:
            raise BadItemError(f"{source.file.name} gives the image no id, so its annotations cannot be found.")
        if entry.id in ambiguous:
            names = " and ".join(ambiguous[entry.id])
            raise BadItemError(f"Image id {entry.id} of {source.file.name} means {names}: whose annotations are these?")
        photo = find_photo(source.root, entry.file_name)
        if photo is None:
            raise BadItemError(f"The photo {entry.file_name!r} of {source.file.name} is not in {source.root}.")
        path = (source.root / photo.name).relative_to(self._base).as_posix()
        if (source, entry.id) == self._owner.get(path):
            return  # the same entry twice
        self._claim(path, source, entry.id)
        note = "" if photo.exact else f"The file_name is {entry.file_name!r}, {photo.name} was found."
        size = None if entry.width is None or entry.height is None else (entry.width, entry.height)
        split = source.file.split
        self.items.append(
            Item(
                path=path,
                file=path,
                payload=Payload(Place(source.root, photo.name), size, note, (source.number, entry.id), source.maps),
                subsets=(split,) if self._several or role_of(split) else (),
                role=role_of(split),
            )
        )

    def _claim(self, path: str, source: _Source, id: str) -> None:
        """Give a photo to an image entry; the first one keeps it."""
        owner, owner_id = self._owner.setdefault(path, (source, id))
        if (owner, owner_id) == (source, id):
            return
        roles = {role_of(owner.file.split), role_of(source.file.split)} - {None}
        if len(roles) == 2:
            raise UserError(
                f"Image {path} is in both {owner.file.name} and {source.file.name}: an image has one role, or a model "
                "is tested on what it was trained on. Remove it from one of them."
            )
        raise BadItemError(
            f"{path} is image {owner_id} of {owner.file.name} already; the annotations of image {id} of "
            f"{source.file.name} are left out. Merge the two entries."
        )

    def _remarks(self, source: _Source, kind: Kind) -> list[str]:
        """Return sentences on what is unusual in a file without making an image unusable."""
        name, number = source.file.name, source.number
        remarks: list[str] = []
        orphans, images = self._index.count_orphans(number)
        if orphans:
            reason = f"{orphans} annotations name images that are not in it ({', '.join(images)}): left out."
            self.problems.append(Problem(name, reason))
        if repeated := self._index.repeated_ids(number):
            remarks.append(f"{name}: {repeated} annotation ids occur more than once; all those annotations are kept.")
        if bare := self._index.count_bare(number):
            remarks.append(f"{name}: {bare} images have no annotation: {kind.bare}.")
        named = Counter(category.name for category in source.categories.values())
        for category in sorted(category for category, count in named.items() if count > 1):
            remarks.append(f"{name}: several category ids are named {category!r}: taken as one class.")
        return remarks


def _unused(lister: _Lister, sources: Sequence[_Source]) -> list[str]:
    """Return a sentence on the photos beside those listed, which the files do not speak of."""
    roots = {source.root for source in sources}
    count = sum(1 for photo in {photo for root in roots for photo in iter_image_files(root)} if photo not in lister)
    return [f"{count} photos are in no COCO file: left out."] if count else []


def _shown(entry: ImageEntry) -> str:
    return entry.file_name if isinstance(entry.file_name, str) and entry.file_name else f"image id {entry.id}"
