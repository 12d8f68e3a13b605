"""ADE20K as the Scene Parsing benchmark gives it: images/ and annotations/ with training/ and validation/.

A mask is a grey PNG: 0 stands for other objects, which the benchmark does not consider and which become ignore, 1 to
150 are its classes (CSAILVision/sceneparsing, README.md). The full ADE20K, whose masks are coloured, is another one.
"""

from __future__ import annotations

from pathlib import Path

from db.errors import UserError
from labeling.annotation import IGNORE
from labeling.formats.base import Item, Listing, ReadRequest, Record
from labeling.formats.masks.layouts import find_layout
from labeling.formats.masks.legend import FoundLegend, Legend
from labeling.formats.masks.listing import MaskPairs, find_folder, refuse_tables
from labeling.formats.masks.pairs import Pair

INFO_FILE = "objectInfo150.txt"

# First name of each entry of objectInfo150.txt, in its order: index 1 is wall, 150 is flag.
# https://github.com/CSAILVision/sceneparsing/blob/master/objectInfo150.txt
_NAMES = """
wall; building; sky; floor; tree; ceiling; road; bed; windowpane; grass; cabinet; sidewalk; person; earth; door; table;
mountain; plant; curtain; chair; car; water; painting; sofa; shelf; house; sea; mirror; rug; field; armchair; seat;
fence; desk; rock; wardrobe; lamp; bathtub; railing; cushion; base; box; column; signboard; chest of drawers; counter;
sand; sink; skyscraper; fireplace; refrigerator; grandstand; path; stairs; runway; case; pool table; pillow;
screen door; stairway; river; bridge; bookcase; blind; coffee table; toilet; flower; book; hill; bench; countertop;
stove; palm; kitchen island; computer; swivel chair; boat; bar; arcade machine; hovel; bus; towel; light; truck; tower;
chandelier; awning; streetlight; booth; television; airplane; dirt track; apparel; pole; land; bannister; escalator;
ottoman; bottle; buffet; poster; stage; van; ship; fountain; conveyer belt; canopy; washer; plaything; swimming pool;
stool; barrel; basket; waterfall; tent; bag; minibike; cradle; oven; ball; food; step; tank; trade name; microwave; pot;
animal; bicycle; lake; dishwasher; screen; blanket; sculpture; hood; sconce; vase; traffic light; tray; ashcan; fan;
pier; crt screen; plate; monitor; bulletin board; shower; radiator; glass; clock; flag
"""
CLASSES = tuple(" ".join(name.split()) for name in _NAMES.split(";"))
"""The 150 classes; value v of a mask is `CLASSES[v - 1]`."""

_REMEDY = "ADE20K's masks hold 0 for other objects and 1 to 150; the full dataset's coloured _seg.png are not read."


def list_source(request: ReadRequest) -> Listing:
    """List photos and masks; `training`, `validation` and `testing` are lists and give roles.

    Classes are named by objectInfo150.txt where it lies there or is named as the file of classes.

    Raises:
        UserError: nothing is found, or objectInfo150.txt does not name 150 classes.
    """
    if request.classes_file is None or request.classes_file.name != INFO_FILE:
        refuse_tables(request, "ade20k")
    images = request.images or find_folder(request.source, "images")
    masks = request.masks or find_folder(request.source, "annotations")
    pairs = MaskPairs.of(request, find_layout(ReadRequest(request.source, images, masks)))
    info = request.classes_file or _info_file(request.source, masks)
    names = read_info(info) if info else CLASSES
    values = {0: IGNORE, **{index: index - 1 for index in range(1, 1 + len(names))}}
    legend = Legend(names, values, remedy=_REMEDY).without(request.options.ignore_index)
    named = f"{info.name} names its classes." if info else "Its 150 classes are those of the Scene Parsing benchmark."
    return pairs.listing(FoundLegend(legend, notes=(f"{named} Value 0, other objects, is ignored.",)))


def read(item: Item, request: ReadRequest) -> Record:
    """Read a photo and its mask. Raises `BadItemError` where either cannot be used."""
    pair: Pair = item.payload
    return pair.read()


def read_info(path: Path) -> tuple[str, ...]:
    """Return the names in objectInfo150.txt: of each entry the first, the whole entry where that is taken.

    Raises:
        UserError: it cannot be read, or its lines are not `Idx Ratio Train Val Name`, 1 to 150, between tabs.
    """
    try:
        rows = [line.split("\t") for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 text ({error}).") from error
    rows = [row for row in rows if row[0].strip().lower() != "idx"]
    if [row[0].strip() for row in rows] != [str(index) for index in range(1, 1 + len(CLASSES))] or any(
        len(row) < 5 or not row[4].strip(" ,") for row in rows
    ):
        raise UserError(
            f"{path}: expected 150 lines `Idx Ratio Train Val Name` between tabs, numbered 1 to 150, as the Scene "
            "Parsing benchmark has them. Bring that file, or take it away: the published names are known."
        )
    names = dict[str, None]()
    for row in rows:
        entry = row[4].strip()
        first = entry.split(",")[0].strip()
        names.setdefault(entry if first in names else first)
    if len(names) < len(rows):
        raise UserError(f"{path}: names a class twice. Bring the file of the Scene Parsing benchmark.")
    return tuple(names)


def _info_file(source: Path, masks: Path | None) -> Path | None:
    folders = (source, *(() if masks is None else (masks.parent,)))
    return next((folder / INFO_FILE for folder in folders if (folder / INFO_FILE).is_file()), None)
