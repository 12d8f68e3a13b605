"""Pascal VOC folders: JPEGImages, SegmentationClass (palette or colour PNGs), ImageSets; also CVAT's export of them.

Palette PNGs are read by index, 255 is the void border. The objects of SegmentationObject are kept. Every list of
ImageSets/Segmentation becomes a subset, and lists named train, val or test give roles.
"""

from __future__ import annotations

from pathlib import Path

from db.errors import UserError
from labeling.annotation import IGNORE
from labeling.formats.base import Item, Listing, ReadRequest, Record, iter_image_files
from labeling.formats.lists import read_lists
from labeling.formats.masks.objects import ObjectFile
from labeling.formats.masks.pairs import Pair, PairFolders
from labeling.formats.matching import Named, match
from labeling.formats.places import Place
from labeling.formats.voc.legend import find_legend

OBJECT_FOLDER = "SegmentationObject"
MASK_FOLDERS = ("SegmentationClass", "SegmentationClassPNG")  # the latter by labelme before 5, beside .npy files


def list_source(request: ReadRequest) -> Listing:
    """List a VOC folder.

    Photos without a mask that no list names are left out, and counted, where there are lists (VOC 2012 has 14,000 of
    them); without lists they are unlabelled images.

    Raises:
        UserError: folders are missing or hold nothing, an image has two roles, or a class file cannot be read.
    """
    root, folders = _find_folders(request)
    photos, masks = _files(folders.photos), _files(folders.masks)
    if not photos:
        raise UserError(f"{folders.photos}: expected photos, found none. Name their folder with --images DIR.")
    lists = read_lists(_lists(root), request.source, frozenset(photo.key for photo in photos))
    matches = match(photos, masks)
    kept = [pair for pair in matches.matches if pair.mask or not lists.members or lists.subsets(pair.photo.key)]
    left_out = len(matches.matches) - len(kept)
    notes = (f"{left_out} photos have no mask and are in no list: left out.",) if left_out else ()
    found = find_legend(request, root, folders.mask_places(kept))
    items = []
    for pair in kept:
        objects = _objects(root, pair.mask) if pair.mask else None
        key = pair.photo.key
        items.append(folders.item(pair, found.legend, lists.subsets(key), lists.role(key), objects))
    return Listing(
        items=items,
        classes=found.legend.classes,
        colors=dict(found.colors),
        subsets=tuple(lists.members),
        notes=found.notes + notes,
        skipped=lists.problems + folders.problems(matches),
    )


def read(item: Item, request: ReadRequest) -> Record:
    """Read a photo and its mask. Raises `BadItemError` where either cannot be used."""
    pair: Pair = item.payload
    return pair.read()


def _find_folders(request: ReadRequest) -> tuple[Path, PairFolders]:
    """Find the VOC folder: the source itself, or the only one below it (VOCdevkit/VOC2012)."""
    if not request.source.is_dir():
        raise UserError(f"{request.source}: expected a folder with JPEGImages and SegmentationClass, found none.")
    sources = [request.source]
    if not any((request.source / name).is_dir() for name in ("JPEGImages", *MASK_FOLDERS)):
        sources = sorted({path.parent for name in MASK_FOLDERS for path in request.source.glob(f"*/**/{name}")})
        sources = sources or sorted({path.parent for path in request.source.glob("*/**/JPEGImages")})
    if len(sources) > 1:
        names = ", ".join(str(source) for source in sources)
        raise UserError(f"{request.source} holds several VOC folders: {names}. Import them one by one.")
    source = sources[0] if sources else request.source
    photos = request.images or source / "JPEGImages"
    candidates = [request.masks] if request.masks else [source / name for name in MASK_FOLDERS]
    masks = next((folder for folder in candidates if next(iter_image_files(folder), None)), candidates[0])
    for folder, option in ((photos, "--images"), (masks, "--masks")):
        if not folder.is_dir():
            raise UserError(
                f"{request.source}: expected a folder {folder.name}, found none. Name it with {option} DIR."
            )
    return source, PairFolders(request.source, photos, masks)


def _lists(root: Path) -> Path:
    """Return the folder of the lists: `ImageSets/Segmentation`, or ImageSets where there is none."""
    lists = root / "ImageSets"
    return lists / "Segmentation" if (lists / "Segmentation").is_dir() else lists


def _objects(root: Path, mask: Named) -> ObjectFile | None:
    """Return the file that numbers a mask's objects, as it is named in SegmentationClass; 255 is the void border."""
    place = Place(root / OBJECT_FOLDER, mask.name)
    return ObjectFile(place, void=IGNORE) if (place.root / place.name).is_file() else None


def _files(folder: Path) -> list[Named]:
    names = (path.relative_to(folder) for path in iter_image_files(folder))
    return [Named(name.with_suffix("").as_posix(), name.as_posix()) for name in names]
