"""YOLO segmentation, as Ultralytics has it: a text file a photo, `class x1 y1 x2 y2 ...` a line, shares of its size.

Photos lie in images/, label files in labels/ (`labeling.formats.yolo.tree`); data.yaml names classes and roles. A line
has three points or more. Lines of four numbers after the class are boxes, which outline nothing, and are left out. A
photo without a label file is not labelled; one with an empty file shows nothing but background. Objects have no order:
smaller ones lie over larger ones. Programs that read these files turn photos upright first, so outlines are of the
upright photo. (Format: https://docs.ultralytics.com/datasets/segment/; ultralytics/ultralytics, ultralytics/data/
utils.py for label paths, tolerance and overlap; https://docs.cvat.ai/docs/manual/advanced/formats/
format-yolo-ultralytics/ for the other order of folders and for track ids.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from db.errors import UserError
from labeling.formats.base import BadItemError, Item, Listing, ReadRequest, Record
from labeling.formats.labels import find_labels, read_labels
from labeling.formats.masks.pairs import PairFolders, inspect
from labeling.formats.matching import match
from labeling.formats.places import Place
from labeling.formats.yolo.data_file import find_data_file, is_data_file, read_data_file
from labeling.formats.yolo.roles import roles_of
from labeling.formats.yolo.shapes import LineReader, read_lines
from labeling.formats.yolo.tree import find_tree
from labeling.names import is_background

_CLASS_FILES = ("classes.txt", "labels/classes.txt")  # by Label Studio, by labelImg


@dataclass(frozen=True)
class Payload:
    """A photo, its label file (None: it has none), and the names of the classes by id."""

    photo: Place
    labels: Place | None
    names: Mapping[int, str]


def list_source(request: ReadRequest) -> Listing:
    """List a folder with images/ and labels/, or the data.yaml in it.

    Classes are named by `--classes` (a data.yaml or one name a line), else by data.yaml, classes.txt or labels.txt;
    where there is none, by their numbers.

    Raises:
        UserError: there is no photo or no label file, or a file of names cannot be read.
    """
    root = _root(request.source)
    data = read_data_file(request.source) if request.source.is_file() else find_data_file(root)
    names, notes = _names(request, root, {} if data is None else data.names)
    tree = find_tree(root, request.images)
    if not tree.labels:
        raise UserError(
            f"{root}: found {len(tree.photos)} photos but no label file of theirs. Expected labels/ beside images/, "
            "with a text file a photo."
        )
    roles, more = roles_of(tree, data)
    folders = PairFolders(root, tree.photo_root, root)
    matches = match(tree.photos, tree.labels, what="label file")
    items: list[Item] = []
    for pair in matches.matches:
        photo = Place(tree.photo_root, pair.photo.name)
        labels = Place(root, pair.mask.name) if pair.mask else None
        split, role = roles.get(pair.photo.name, ("", None))
        payload = Payload(photo, labels, names)
        items.append(Item(photo.name, folders.shown(labels or photo), payload, (split,) if split else (), role))
    return Listing(
        items=items,
        classes=tuple(dict.fromkeys(names.values())),
        background=next((name for name in names.values() if is_background(name)), "background"),
        raster="center",
        overlap="area",
        subsets=tuple(sorted({subset for item in items for subset in item.subsets})),
        notes=(*notes, *tree.notes, *more),
        skipped=folders.problems(matches),
    )


def read(item: Item, request: ReadRequest) -> Record:
    """Read the lines of one image. Raises `BadItemError` where photo, label file or all lines are bad."""
    payload: Payload = item.payload
    photo = payload.photo.photo
    info = inspect(photo)
    if payload.labels is None:
        return Record(photo, info.width, info.height, labelled=False)
    reader = LineReader(info.width, info.height, payload.names)
    shapes = reader.read(read_lines(payload.labels.path))
    if reader.lost and not shapes:  # an image whose every object is lost must not become plain background
        raise BadItemError(f"None of its {reader.lost} lines can be read. {' '.join(reader.repairs())}")
    return Record(photo, info.width, info.height, shapes, repairs=reader.repairs())


def _root(source: Path) -> Path:
    if source.is_file():
        if not is_data_file(source):
            raise UserError(f"{source}: expected a folder with images/ and labels/, or its data.yaml.")
        return source.parent
    if not source.is_dir():
        raise UserError(f"{source}: expected a folder with images/ and labels/, or its data.yaml, found none.")
    return source


def _names(request: ReadRequest, root: Path, given: Mapping[int, str]) -> tuple[Mapping[int, str], tuple[str, ...]]:
    """Return the names of the classes by id, and sentences on what was assumed."""
    file = request.classes_file
    if file is not None and is_data_file(file):
        names: Mapping[int, str] = read_data_file(file).names
    elif file is not None or not given:
        found = next((root / name for name in _CLASS_FILES if (root / name).is_file()), None)
        file = file or found or find_labels(request, root)
        names = dict(enumerate(read_labels(file))) if file else {}
    else:
        names = given
    if not names:
        note = "Found neither data.yaml nor classes.txt: classes are named after their numbers (--classes FILE)."
        return names, (note,)
    repeated = [name for name, count in Counter(names.values()).items() if count > 1]
    return names, tuple(f"Several class ids are named {name!r}: taken as one class." for name in repeated)
