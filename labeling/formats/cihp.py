"""CIHP, Crowd Instance-level Human Parsing: Images/, Category_ids/ and Instance_ids/ inside Training/, Validation/.

A mask of Category_ids is a grey PNG of 0 to 19; Instance_ids numbers every part of every person, 0 for none. The other
folders (Human_ids, and the same in colours) are left out.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from labeling.formats.base import Item, Listing, ReadRequest, Record
from labeling.formats.masks.layouts import find_layout
from labeling.formats.masks.legend import FoundLegend, Legend
from labeling.formats.masks.listing import MaskPairs, refuse_tables
from labeling.formats.masks.objects import ObjectFile
from labeling.formats.masks.pairs import Pair
from labeling.formats.places import Place

MASK_FOLDER, OBJECT_FOLDER = "Category_ids", "Instance_ids"

# CLASSES of https://github.com/Engineering-Course/CIHP_PGN/blob/master/evaluation/test_inst_part_ap.py, by the authors
# of the dataset; its misspelling `tosor-skin` is put right.
_NAMES = (
    "background hat hair glove sunglasses upperclothes dress coat socks pants torso-skin scarf skirt face leftArm "
    "rightArm leftLeg rightLeg leftShoe rightShoe"
)
CLASSES = tuple(_NAMES.split())
"""The 20 classes; value v of a mask is `CLASSES[v]`."""

_REMEDY = "CIHP's classes are the grey PNGs of Category_ids, 0 to 19; those of Categories and Instance_ids are others."


def list_source(request: ReadRequest) -> Listing:
    """List photos, masks and objects; Training, Validation and Testing are lists and give roles.

    Raises:
        UserError: nothing is found.
    """
    refuse_tables(request, "cihp")
    layout = find_layout(request)
    note = f"The classes are those of {MASK_FOLDER}, the objects those of {OBJECT_FOLDER}; other folders are left out."
    pairs = MaskPairs.of(request, replace(layout, notes=(note,)))
    legend = Legend(CLASSES, {index: index for index in range(len(CLASSES))}, remedy=_REMEDY)
    return pairs.listing(FoundLegend(legend.without(request.options.ignore_index)), objects_of=_objects)


def read(item: Item, request: ReadRequest) -> Record:
    """Read a photo, its mask and its objects. Raises `BadItemError` where photo or mask cannot be used."""
    pair: Pair = item.payload
    return pair.read()


def _objects(mask: Place) -> ObjectFile | None:
    """Return the file of a mask's objects: of its name, in the folder beside its own."""
    parts = [OBJECT_FOLDER if part == MASK_FOLDER else part for part in PurePosixPath(mask.name).parts]
    place = Place(mask.root, "/".join(parts))
    return ObjectFile(place) if place.name != mask.name and (place.root / place.name).is_file() else None
