"""Reads labelme's JSON files, of every version, and X-AnyLabeling's, which extend them.

The source is a folder (searched with its sub-folders; label files lie beside their photos, or photos are named apart)
or one label file. `labels.txt` gives the class order in labelme's convention: line 1 `__ignore__` is 255,
`_background_` is index 0; a `labels.txt` in the source is used unasked. Photos without a label file are unlabelled
images. Written against the files, not against labelme's code: labelme is an application, not a library.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from db.errors import UserError
from labeling.annotation import Label, Shape, Special
from labeling.formats.base import (
    IMAGE_SUFFIXES,
    BadItemError,
    Item,
    Listing,
    Problem,
    ReadRequest,
    Record,
    iter_image_files,
)
from labeling.formats.extra import check_size
from labeling.formats.labelme.document import peek_image_path, read_document
from labeling.formats.labelme.extra import DOCUMENT_KEYS, kept
from labeling.formats.labelme.files import Match, PhotoIndex, embedded_name, is_index_png
from labeling.formats.labelme.photo import place
from labeling.formats.labelme.shapes import ShapeReader, bounds, turn_points
from labeling.formats.labels import BACKGROUND_NAME, IGNORE_NAME, PLAIN_BACKGROUND, read_labels
from labeling.formats.places import check_photo
from labeling.formats.turning import turn_shape
from labeling.photos import PhotoError, read_header


@dataclass(frozen=True)
class Payload:
    """What `read` needs.

    Attributes:
        label_file: None for a photo without one.
        photo: None where no file was found.
        image_path: what `imagePath` said when the source was listed.
        note: how the photo was found, or why not; empty where it lies as the label file says.
        background: name of the class that `_background_` means.
    """

    label_file: Path | None
    photo: Path | None
    image_path: str | None
    note: str
    background: str


@dataclass(frozen=True)
class _Claim:
    """A label file and the photo it is about: `path`, found or not."""

    label_file: Path
    image_path: str | None
    path: str
    match: Match

    def item(self, root: Path, photos: Path, background: str) -> Item:
        photo = None if self.match.path is None else photos / self.match.path
        payload = Payload(self.label_file, photo, self.image_path, self.match.note, background)
        return Item(self.path, _relative(self.label_file, root), payload)


def list_source(request: ReadRequest) -> Listing:
    """List the label files of a source and the photos without one.

    Raises:
        UserError: there is no such source, nothing in it, or its `labels.txt` cannot be read.
    """
    label_files, root = _label_files(request.source)
    photos = _photos(request, root)
    index = PhotoIndex(photos, _photo_paths(request, photos), anywhere=request.images is not None)
    classes, notes = _classes(request, root)
    background = BACKGROUND_NAME if BACKGROUND_NAME in classes else PLAIN_BACKGROUND
    claims, problems = _settle((_look_up(file, root, index) for file in label_files), root)
    items = [claim.item(root, photos, background) for claim in claims]
    if request.source.is_dir():
        bare, more = _without_label_file(photos, claims, index)
        if bare and not label_files:
            notes.append("No label file was found: the photos come in unlabelled.")
        items += [Item(path, path, Payload(None, photos / path, None, "", background)) for path in bare]
        notes += more
    if not items and not problems:
        raise UserError(f"{request.source}: expected labelme JSON files and photos, found neither. Name their folder.")
    items.sort(key=lambda item: item.path)
    return Listing(items, classes, background=background, notes=tuple(notes), skipped=tuple(problems))


def read(item: Item, request: ReadRequest) -> Record:
    """Read one label file with its photo, or one photo without.

    Raises:
        BadItemError: the file is not labelme's, or its photo is missing, broken or another than was labelled.
    """
    payload: Payload = item.payload
    if payload.photo is not None:
        root = request.source if request.source.is_dir() else request.source.parent
        check_photo(payload.photo, request.images or root)
    try:
        if payload.label_file is None:
            assert payload.photo is not None
            info = read_header(payload.photo)
            return Record(payload.photo, info.width, info.height, labelled=False)
        return _read_label_file(payload.label_file, payload)
    except PhotoError as error:
        raise BadItemError(f"the photo {Path(item.path).name} cannot be used: {error}") from error


def _read_label_file(label_file: Path, payload: Payload) -> Record:
    document = read_document(label_file)
    if payload.image_path is not None and document.fields.get("imagePath") != payload.image_path:
        raise BadItemError("its imagePath is given twice, or changed during the import; correct it and import again")
    placement = place(document.fields, payload.photo, payload.note)
    meanings: Mapping[str, Label] = {IGNORE_NAME: Special.IGNORE, BACKGROUND_NAME: payload.background}
    reader = ShapeReader(meanings, placement.info.width * placement.info.height)
    shapes, left_out = reader.read(document.shapes), reader.left_out
    if document.shapes and not shapes:  # an image whose every object is lost must not become plain background
        raise BadItemError(f"none of its {len(document.shapes)} shapes can be read: {'; '.join(reader.repairs())}")
    if placement.orientation != 1:
        turn = (placement.orientation, *placement.drawn_size)
        shapes = tuple(_turned(shape, *turn) for shape in shapes)
        left_out = [(position, turn_points(entry, *turn)) for position, entry in left_out]
    extra, lost = kept(document.fields, DOCUMENT_KEYS)
    dropped = [f"it has a number that is not finite under {key!r}, which was dropped" for key in lost]
    if left_out:
        extra["shapes"] = [list(shape) for shape in left_out]
    check_size([extra, *(shape.extra for shape in shapes)])
    moved = (payload.note,) if payload.note and payload.photo is not None else ()
    return Record(
        photo=placement.photo,
        width=placement.info.width,
        height=placement.info.height,
        shapes=shapes,
        repairs=(*document.repairs, *moved, *placement.repairs, *dropped, *reader.repairs()),
        extra=extra,
    )


def _turned(shape: Shape, orientation: int, width: float, height: float) -> Shape:
    """Turn a shape with what its file says of its points."""
    turned = turn_shape(shape, orientation, width, height)
    extra = turn_points(shape.extra, orientation, width, height)
    if shape.kind == "mask":  # its pixels have their place
        extra = {key: value for key, value in extra.items() if key != "points"}
    elif shape.kind == "rectangle" and "points" in extra:
        turned = replace(turned, points=bounds(turned.points))
    return replace(turned, extra=extra)


def _label_files(source: Path) -> tuple[list[Path], Path]:
    """Return the label files of a source, and the folder that their paths are relative to."""
    if source.is_dir():
        found = (path for path in source.rglob("*") if path.suffix.lower() == ".json" and path.is_file())
        return sorted(path for path in found if _is_visible(path, source)), source
    if not source.is_file():
        raise UserError(f"{source}: expected a folder or a labelme JSON file, found nothing there.")
    if source.suffix.lower() != ".json":
        raise UserError(f"{source}: expected a folder or a labelme JSON file. Name the folder of the photos.")
    return [source], source.parent


def _is_visible(path: Path, root: Path) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in path.relative_to(root).parts)


def _photos(request: ReadRequest, root: Path) -> Path:
    if request.images is not None and not request.images.is_dir():
        raise UserError(f"{request.images}: expected the folder of the photos, found no folder there.")
    return request.images or root


def _photo_paths(request: ReadRequest, photos: Path) -> Iterable[str]:
    if request.source.is_dir() or request.images is not None:
        return (_relative(path, photos) for path in iter_image_files(photos))
    # One label file: its folder, and not everything below it, which may be a home directory.
    return (path.name for path in photos.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())


def _classes(request: ReadRequest, root: Path) -> tuple[tuple[str, ...], list[str]]:
    if request.classes_file is not None:
        return read_labels(request.classes_file), []
    beside = root / "labels.txt"
    if not beside.is_file():
        return (), []
    return read_labels(beside), ["The class order was taken from labels.txt in the source."]


def _look_up(file: Path, root: Path, index: PhotoIndex) -> _Claim:
    image_path = peek_image_path(file)
    folder = PurePosixPath(_relative(file, root)).parent
    match = index.find(file, folder, image_path)
    path = match.path or str(folder / embedded_name(file, image_path))
    return _Claim(file, image_path, path, match)


def _settle(claims: Iterable[_Claim], root: Path) -> tuple[list[_Claim], list[Problem]]:
    """Give every photo to one label file: to the one of its own name first, else to the first in order."""
    rivals: dict[str, list[_Claim]] = defaultdict(list)
    for claim in claims:
        rivals[claim.path].append(claim)
    settled, problems = [], []
    for path, group in rivals.items():
        owner, *others = sorted(group, key=lambda claim: claim.label_file.stem != PurePosixPath(path).stem)
        settled.append(owner)
        reason = f"it names the photo {path}, which {owner.label_file.name} labels too; correct its imagePath"
        problems += [Problem(_relative(other.label_file, root), reason) for other in others]
    return settled, problems


def _without_label_file(photos: Path, claims: Iterable[_Claim], index: PhotoIndex) -> tuple[list[str], list[str]]:
    """Return the photos that no label file names, and notes. Masks kept beside the photos are none."""
    claimed = {claim.path for claim in claims}
    stems = {PurePosixPath(path).stem for path in claimed}
    bare: list[str] = []
    masks: list[str] = []
    for path in sorted(index.paths - claimed):
        is_mask = PurePosixPath(path).stem in stems and is_index_png(photos / path)
        (masks if is_mask else bare).append(path)
    notes = [
        f"{path} and {owner} share the name of one label file, which is about {owner}; {path} comes in unlabelled."
        for path in bare
        for owner in index.same_stem(path)
        if owner in claimed
    ]
    if masks:
        notes.append(
            f"{len(masks)} greyscale or palette PNGs with the names of labelled photos were taken for masks and left "
            f"out ({masks[0]}{', ...' if len(masks) > 1 else ''})."
        )
    return bare, notes


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
