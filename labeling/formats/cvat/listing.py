"""Lists CVAT files: images with their photos, classes, and what of the files cannot be used."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from db.errors import UserError
from labeling.formats.base import BadItemError, Item, Listing, Problem, ReadRequest, RoleName, iter_image_files
from labeling.formats.bytes_read import BytesRead
from labeling.formats.coco.photos import best_root, find_photo
from labeling.formats.cvat.files import CvatFile, find_files, photo_folders
from labeling.formats.cvat.outline import ImageEntry, Outline, read_outline
from labeling.formats.labels import IGNORE_NAME, read_labels
from labeling.formats.places import Place
from labeling.formats.splits import role_of
from labeling.names import is_background

_SAMPLE = 100  # photos looked up to find their folder


@dataclass(frozen=True)
class Payload:
    """What reading an image needs: its photo, where its element stands, and how it was found.

    Attributes:
        photo: its file.
        document: CVAT's file.
        name: of the image there.
        place: first byte of its element there.
        size: width and height as the element says; None: it does not.
        labelled: whether it has a shape.
        note: a repair made while it was looked up, or nothing.
    """

    photo: Place
    document: Place
    name: str
    place: int
    size: tuple[int, int] | None
    labelled: bool
    note: str


@dataclass(frozen=True)
class _Source:
    file: CvatFile
    outline: Outline
    root: Path


def list_source(request: ReadRequest) -> Listing:
    """List a CVAT file, or the CVAT files of a folder.

    Photos lie in `--images DIR`, or in images/ beside the file, below a folder of the image's subset where it has one,
    or beside the file itself. Subsets, and files or folders named after a split, become lists and give roles.

    Raises:
        UserError: there is no file, the only one cannot be read or holds a video's tracks, no photo is found, or an
            image has two roles.
    """
    files = find_files(request.source)
    sources, skipped = list[_Source](), list[Problem]()
    read_bytes = BytesRead(request.progress, (file.place.root / file.place.name for file in files))
    for file in files:
        try:
            sources.append(_read_file(file, request, read_bytes))
        except (UserError, BadItemError) as error:
            if len(files) == 1:
                raise UserError(str(error)) from error
            skipped.append(Problem(file.place.name, str(error)))
    if not sources:
        raise UserError(f"{request.source}: none of its {len(files)} CVAT files can be read: {skipped[0].reason}")
    lister = _Lister(request.source, Path(os.path.commonpath([source.root for source in sources])))
    for source in sources:
        lister.add(source)
    names = dict.fromkeys(name for source in sources for name in source.outline.labels if name != IGNORE_NAME)
    if request.classes_file:
        names = dict.fromkeys((*read_labels(request.classes_file), *names))
    notes = lister.notes
    if request.images is not None or request.source.is_dir():
        notes += lister.unused({source.root for source in sources})
    return Listing(
        items=lister.items,
        classes=tuple(names),
        colors={name: color for source in sources for name, color in source.outline.colors.items()},
        background=next((name for name in names if is_background(name)), "background"),
        raster="center",
        overlap="order",
        subsets=tuple(sorted({subset for item in lister.items for subset in item.subsets})),
        notes=tuple(notes),
        skipped=(*skipped, *lister.problems),
        folders=tuple(sorted({source.root for source in sources})),
    )


def _read_file(file: CvatFile, request: ReadRequest, read_bytes: BytesRead) -> _Source:
    outline = read_outline(file.path, read_bytes)
    if not outline.images:
        what = (
            "found the tracks of a video (CVAT for video). Export the task as 'CVAT for images 1.1', which writes them "
            "image by image"
            if outline.tracks
            else "found no images in it"
        )
        raise UserError(f"{file.place.name}: expected CVAT for images 1.1, {what}.")
    folders = photo_folders(file, request)
    names = [_file_name(entry) for entry in outline.images[:_SAMPLE]]
    root = best_root(folders, names)
    if root is None:
        looked = ", ".join(str(folder) for folder in folders)
        raise UserError(
            f"{file.place.name}: found none of its photos (such as {names[0]!r}) in {looked}. Export them with the "
            "annotations ('Save images'), or give --images DIR."
        )
    return _Source(file, outline, root)


class _Lister:
    """Collects the items of all files, and keeps account of what does not become one.

    Args:
        source: that reports name files from.
        base: folder that images are named from.
    """

    def __init__(self, source: Path, base: Path) -> None:
        self._source, self._base = source, base
        self._owner: dict[str, tuple[str, RoleName | None]] = {}
        self.items: list[Item] = []
        self.problems: list[Problem] = []
        self.notes: list[str] = []

    def add(self, source: _Source) -> None:
        """Add the images of a file. Raises `UserError` where one has another role already."""
        for entry in source.outline.images:
            try:
                self._add_image(source, entry)
            except BadItemError as error:
                self.problems.append(Problem(entry.name or source.file.place.name, str(error)))
        name = source.file.place.name
        if bare := sum(not entry.shapes for entry in source.outline.images):
            self.notes.append(
                f"{name}: {bare} images have no shape: taken as not labelled yet, as CVAT lists every image of a task."
            )
        if tracks := source.outline.tracks:
            self.notes.append(f"{name}: {tracks} tracks of a video are left out; only its images were read.")

    def unused(self, roots: set[Path]) -> list[str]:
        """Return a sentence on the photos beside those listed, which the files do not speak of."""
        photos = {photo.relative_to(self._base).as_posix() for root in roots for photo in iter_image_files(root)}
        count = len(photos - self._owner.keys())
        return [f"{count} photos are in no CVAT file: left out."] if count else []

    def _add_image(self, source: _Source, entry: ImageEntry) -> None:
        file, wanted = source.file, _file_name(entry)
        photo = find_photo(source.root, wanted)
        if photo is None:
            raise BadItemError(f"The photo {wanted!r} of {file.place.name} is not in {source.root}.")
        path = (source.root / photo.name).relative_to(self._base).as_posix()
        split = entry.subset or file.split
        self._claim(path, file, role_of(split))
        note = "" if photo.name in (wanted, entry.name) else f"Its name is {wanted!r}, {photo.name} was found."
        self.items.append(
            Item(
                path=path,
                file=self._shown(source.root / photo.name),
                payload=Payload(
                    photo=Place(source.root, photo.name),
                    document=file.place,
                    name=entry.name,
                    place=entry.place,
                    size=entry.size,
                    labelled=entry.shapes > 0,
                    note=note,
                ),
                subsets=(split,) if split else (),
                role=role_of(split),
            )
        )

    def _claim(self, path: str, file: CvatFile, role: RoleName | None) -> None:
        """Give a photo to an image; the first one keeps it."""
        if path not in self._owner:
            self._owner[path] = (file.place.name, role)
            return
        owner, given = self._owner[path]
        if role and given and role != given:
            raise UserError(
                f"Image {path} is {given} in {owner} and {role} in {file.place.name}: an image has one role, or a "
                "model is tested on what it was trained on. Remove it from one of them."
            )
        raise BadItemError(
            f"{path} is an image of {owner} already; the shapes that {file.place.name} has for it are left out. "
            "Bring one file an image."
        )

    def _shown(self, photo: Path) -> str:
        root = self._source if self._source.is_dir() else self._source.parent
        return photo.relative_to(root).as_posix() if photo.is_relative_to(root) else str(photo)


def _file_name(entry: ImageEntry) -> str:
    """Return the photo's path below images/: that of a project lies in a folder of its subset."""
    return f"{entry.subset}/{entry.name}" if entry.subset else entry.name
