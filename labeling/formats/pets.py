"""Oxford-IIIT Pet: images/ and annotations/trimaps/, with the lists list.txt, trainval.txt and test.txt.

A trimap is a grey PNG: 1 foreground, 2 background, 3 not classified (its annotations/README), which is the pet's
outline. Told to, the outline becomes ignore.
"""

from __future__ import annotations

from labeling.annotation import IGNORE
from labeling.formats.base import Item, Listing, ReadRequest, Record
from labeling.formats.lists import NO_LISTS, read_lists
from labeling.formats.masks.layouts import find_layout
from labeling.formats.masks.legend import FoundLegend, Legend
from labeling.formats.masks.listing import MaskPairs, find_folder, refuse_tables
from labeling.formats.masks.pairs import Pair

MASK_FOLDER = "annotations/trimaps"
CLASSES = ("foreground", "background", "border")
"""Value v of a trimap is `CLASSES[v - 1]` (https://www.robots.ox.ac.uk/~vgg/data/pets/, annotations/README)."""

_REMEDY = "A trimap holds 1 foreground, 2 background and 3 border."


def list_source(request: ReadRequest) -> Listing:
    """List photos and trimaps; test.txt gives the role, trainval.txt is a list to deal train and val out of.

    Raises:
        UserError: nothing is found, or a list cannot be read.
    """
    refuse_tables(request, "pets")
    images = request.images or find_folder(request.source, "images")
    masks = request.masks or find_folder(request.source, MASK_FOLDER)
    layout = find_layout(ReadRequest(request.source, images, masks))
    pairs = MaskPairs.of(request, layout)
    stems = frozenset(photo.key for photo in layout.photos)
    annotations = find_folder(request.source, "annotations")
    lists = read_lists(annotations, request.source, stems) if annotations else NO_LISTS
    outline = IGNORE if request.options.border == "ignore" else 2
    classes = CLASSES[:2] if outline == IGNORE else CLASSES
    legend = Legend(classes, {1: 0, 2: 1, 3: outline}, remedy=_REMEDY).without(request.options.ignore_index)
    return pairs.listing(FoundLegend(legend), lists=lists)


def read(item: Item, request: ReadRequest) -> Record:
    """Read a photo and its trimap. Raises `BadItemError` where either cannot be used."""
    pair: Pair = item.payload
    return pair.read()
