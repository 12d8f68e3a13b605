"""COCO-Stuff's maps of things and stuff: the PNGs of the 164k photos, the .mat files of the 10k, version 1.1.

In `stuffthingmaps` a pixel is the class's id less one, 255 where it has no label; in the 10k's map `S` it is the id, 0
where it has none (https://github.com/nightrome/cocostuff, README.md; https://github.com/nightrome/cocostuff10k,
README.md of version 1.1). The JSON files, `stuff_*.json` and the 10k's, are imported as `coco`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from db.errors import UserError
from labeling.annotation import IGNORE
from labeling.formats.base import Item, Listing, ReadRequest, Record, iter_image_files
from labeling.formats.cocostuff.mat import read_mat
from labeling.formats.cocostuff.names import USED
from labeling.formats.lists import NO_LISTS, read_lists
from labeling.formats.masks.files import MaskFile
from labeling.formats.masks.layouts import Layout
from labeling.formats.masks.legend import FoundLegend, Legend
from labeling.formats.masks.listing import MaskPairs, find_folder, refuse_tables
from labeling.formats.masks.pairs import Pair
from labeling.formats.matching import Named
from labeling.formats.places import Place

MAP_FOLDERS = ("stuffthingmaps", "stuffthingmaps_trainval2017", "annotations")
LIST_FOLDER = "imageLists"  # of the 10k: all.txt, train.txt, test.txt

_TRAIN_IDS = "_labelTrainIds"  # what mmsegmentation writes beside each map: numbered without gaps, so other classes
_INDICES = {id: index for index, id in enumerate(USED)}
_PNG = Legend(
    tuple(USED.values()),
    {IGNORE: IGNORE, **{id - 1: index for id, index in _INDICES.items()}},
    remedy="COCO-Stuff's PNGs hold a class's id less one, and 255 for none; 11 ids are never used.",
)
_MAT = replace(
    _PNG,
    values={0: IGNORE, **_INDICES},
    remedy="COCO-Stuff's .mat files hold a class's id, and 0 for none; 11 ids are never used.",
)


class MatPair(Pair):
    """A photo and its map in a .mat file."""

    def decode(self, mask: Path) -> MaskFile:
        """Return the map's ids."""
        return read_mat(mask)


def list_source(request: ReadRequest) -> Listing:
    """List photos and maps; folders named like a role (`train2017`) and the 10k's lists become subsets, give roles.

    The maps lie in stuffthingmaps/ or annotations/, the photos in images/ or beside that folder.

    Raises:
        UserError: nothing is found, or an image has two roles.
    """
    refuse_tables(request, "cocostuff")
    pairs = MaskPairs.of(request, _layout(request))
    folder = find_folder(request.source, LIST_FOLDER)
    keys = frozenset(pair.photo.key for pair in pairs.matches.matches)
    lists = read_lists(folder, request.source, keys) if folder else NO_LISTS
    png, mat = (legend.without(request.options.ignore_index) for legend in (_PNG, _MAT))
    found = FoundLegend(png, notes=("Its 171 classes are those that occur among COCO-Stuff's 182 ids.",))
    listing = pairs.listing(found, legend_of=lambda mask: mat if _is_mat(mask) else png, lists=lists)
    return replace(listing, items=[_with_reader(item) for item in listing.items])


def read(item: Item, request: ReadRequest) -> Record:
    """Read a photo and its map. Raises `BadItemError` where either cannot be used."""
    pair: Pair = item.payload
    return pair.read()


def _with_reader(item: Item) -> Item:
    pair: Pair = item.payload
    if pair.mask is None or not _is_mat(pair.mask):
        return item
    return replace(item, payload=MatPair(pair.photo, pair.mask, pair.legend))


def _is_mat(mask: Place) -> bool:
    return mask.name.lower().endswith(".mat")


def _layout(request: ReadRequest) -> Layout:
    """Find photos and maps. Raises `UserError` where there are none."""
    source = request.source
    maps = request.masks or find_folder(source, *MAP_FOLDERS)
    if maps is None or not maps.is_dir():
        named = str(maps) if maps else " or ".join(f"{name}/" for name in MAP_FOLDERS)
        raise UserError(f"{source}: expected COCO-Stuff's maps in {named}, found none. Name their folder: --masks DIR.")
    photos = request.images or find_folder(source, "images") or source
    if not photos.is_dir():
        raise UserError(f"{photos}: expected the folder of the photos, found none.")
    found = [*iter_image_files(maps), *sorted(path for path in maps.rglob("*.mat") if path.is_file())]
    own = [path for path in found if not path.stem.endswith(_TRAIN_IDS)]
    notes: tuple[str, ...] = ()
    if len(own) < len(found):
        count = len(found) - len(own)
        notes = (f"{count} files *{_TRAIN_IDS}.png are another program's numbering of the classes: left out.",)
    masks = _named(own, maps)
    pictures = _named((path for path in iter_image_files(photos) if not path.is_relative_to(maps)), photos)
    if not masks or not pictures:
        what, folder, option = ("maps", maps, "--masks") if pictures else ("photos", photos, "--images")
        hint = " ".join((f"Name their folder: {option} DIR.", *notes))
        raise UserError(f"{folder}: expected COCO-Stuff's {what}, found none. {hint}")
    return Layout(photos, maps, tuple(_keyed(pictures, masks)), tuple(masks), notes)


def _named(paths: Iterable[Path], root: Path) -> list[Named]:
    names = (path.relative_to(root) for path in paths)
    return [Named(name.with_suffix("").as_posix(), name.as_posix()) for name in names]


def _keyed(photos: list[Named], masks: list[Named]) -> list[Named]:
    """Return the photos under their maps' keys: COCO names no two photos alike, whatever folders they lie in."""
    keys = {mask.key for mask in masks}
    by_stem = defaultdict[str, list[str]](list)
    for mask in masks:
        by_stem[Path(mask.key).name].append(mask.key)
    return [
        replace(photo, key=same[0])
        if photo.key not in keys and len(same := by_stem.get(Path(photo.key).name, [])) == 1
        else photo
        for photo in photos
    ]
