"""Cityscapes: leftImg8bit/ and gtFine/ (else gtCoarse/) with train/, val/ and test/, a folder a city inside.

Of the files about one photo the mask of label ids is read, else that of train ids, else the polygons; instanceIds
give the objects. The labels that the evaluation leaves out become ignore, or classes like the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from db.errors import UserError
from labeling.formats.base import Item, Listing, ReadRequest, Record, iter_image_files
from labeling.formats.cityscapes.labels import FIRST_OBJECT, colors_of, legend_of_ids, legend_of_train_ids
from labeling.formats.cityscapes.polygons import Polygons
from labeling.formats.masks.layouts import Layout
from labeling.formats.masks.legend import FoundLegend, Legend
from labeling.formats.masks.listing import MaskPairs, find_folder, refuse_tables
from labeling.formats.masks.objects import ObjectFile
from labeling.formats.masks.pairs import Pair
from labeling.formats.matching import Named
from labeling.formats.places import Place
from labeling.options import DatasetOptions

Kind = Literal["labelIds", "labelTrainIds", "polygons"]

PHOTO_FOLDER, MASK_FOLDERS = "leftImg8bit", ("gtFine", "gtCoarse")
LABEL_FILE = re.compile(r"(?P<stem>.+)_gt(?:Fine|Coarse)_(?P<kind>labelIds\.png|labelTrainIds\.png|polygons\.json)")
_PREFERRED: tuple[Kind, ...] = ("labelIds", "labelTrainIds", "polygons")
_EXPECTED = (
    "expected photos leftImg8bit/train/CITY/*_leftImg8bit.png and labels gtFine/train/CITY/*_gtFine_labelIds.png, "
    "*_gtFine_labelTrainIds.png or *_gtFine_polygons.json; name the folders with --images DIR and --masks DIR"
)


def list_source(request: ReadRequest) -> Listing:
    """List photos and labels; train, val and test are lists and give roles.

    Raises:
        UserError: nothing is found.
    """
    refuse_tables(request, "cityscapes")
    if not request.source.is_dir():
        raise UserError(f"{request.source}: found no folder; {_EXPECTED}.")
    photos = request.images or find_folder(request.source, PHOTO_FOLDER)
    masks = request.masks or find_folder(request.source, *MASK_FOLDERS)
    if photos is None or masks is None or not photos.is_dir() or not masks.is_dir():
        raise UserError(f"{request.source} is not laid out as Cityscapes: {_EXPECTED}.")
    found = _find_labels(masks)
    if not found.labels:
        raise UserError(f"{masks}: found no labels of Cityscapes; {_EXPECTED}.")
    layout = Layout(photos, masks, tuple(_photos(photos)), found.labels, found.notes(request.options))
    legends = _Legends(legend_of_ids(request.options), legend_of_train_ids(request.options))
    listing = MaskPairs.of(request, layout).listing(
        FoundLegend(legends.ids, colors_of(request.options)), legend_of=legends.of, objects_of=_objects
    )
    return replace(listing, items=[_with_polygons(item) for item in listing.items])


def read(item: Item, request: ReadRequest) -> Record:
    """Read a photo and its labels. Raises `BadItemError` where they cannot be used."""
    payload: Pair | Polygons = item.payload
    return payload.read()


@dataclass(frozen=True)
class _Labels:
    """One label file a photo, how many of each kind they are, and how many others were left out."""

    labels: tuple[Named, ...]
    kinds: Counter[Kind]
    left_out: int

    def notes(self, options: DatasetOptions) -> tuple[str, ...]:
        read = ", ".join(f"{count} {kind}" for kind in _PREFERRED if (count := self.kinds[kind]))
        rest = f"; {self.left_out} other label files beside them were left out" if self.left_out else ""
        void = "All 34 labels are classes." if options.void == "class" else "The 19 evaluated labels are classes."
        notes = [f"Read were {read}{rest}. {void}"]
        if options.void == "class" and self.kinds["labelTrainIds"]:
            notes.append("Masks of train ids do not tell the labels that are not evaluated: there they are ignored.")
        if any("test" in PurePosixPath(label.name).parts[:1] for label in self.labels):
            notes.append("The labels of test are not public: its masks show the own car and the borders alone.")
        return tuple(notes)


@dataclass(frozen=True)
class _Legends:
    ids: Legend
    train_ids: Legend

    def of(self, mask: Place) -> Legend:
        """Return what a mask means: its name tells."""
        return self.train_ids if _kind(mask.name) == "labelTrainIds" else self.ids


def _find_labels(folder: Path) -> _Labels:
    """Choose one label file of each photo, by preference."""
    chosen: dict[str, Named] = {}
    seen = 0
    for name in _names(folder.rglob("*_gt*"), folder):
        match = LABEL_FILE.fullmatch(name)
        if match is None:
            continue
        seen += 1
        label, other = Named(match["stem"], name), chosen.get(match["stem"])
        if other is None or _PREFERRED.index(_kind(name)) < _PREFERRED.index(_kind(other.name)):
            chosen[match["stem"]] = label
    labels = tuple(chosen.values())
    return _Labels(labels, Counter(_kind(label.name) for label in labels), seen - len(labels))


def _photos(folder: Path) -> Iterable[Named]:
    for name in _names(iter_image_files(folder), folder):
        plain = PurePosixPath(name).with_suffix("").as_posix()
        yield Named(plain.removesuffix(f"_{PHOTO_FOLDER}"), name)


def _names(paths: Iterable[Path], folder: Path) -> list[str]:
    names = (path.relative_to(folder) for path in paths if path.is_file())
    return sorted(name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts))


def _kind(name: str) -> Kind:
    return next(kind for kind in _PREFERRED if f"_{kind}." in name)


def _objects(mask: Place) -> ObjectFile | None:
    """Return the mask of objects beside one of classes; of train ids where that is all there is, of ids else."""
    for kind in ("instanceIds", "instanceTrainIds"):
        place = Place(mask.root, re.sub(r"_label(Train)?Ids\.png$", f"_{kind}.png", mask.name))
        if place.name != mask.name and (place.root / place.name).is_file():
            return ObjectFile(place, first=FIRST_OBJECT)
    return None


def _with_polygons(item: Item) -> Item:
    """Return the item as it is, or with its JSON file read as what it is."""
    pair: Pair = item.payload
    if pair.mask is None or _kind(pair.mask.name) != "polygons":
        return item
    return replace(item, payload=Polygons(pair.photo, pair.mask, pair.legend.classes))
