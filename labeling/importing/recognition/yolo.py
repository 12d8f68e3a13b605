"""Known by text files of numbers in labels/, beside images/, or by a data.yaml."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath

from db.errors import UserError
from labeling.formats.base import BadItemError, ReadRequest
from labeling.formats.yolo.codec import Payload, list_source
from labeling.formats.yolo.data_file import is_data_file
from labeling.formats.yolo.shapes import LineReader, read_lines
from labeling.importing.recognition.guess import Guess, few, spread
from labeling.importing.source_files import SourceFiles

SAMPLED_LABEL_FILES = 200


def recognise_yolo(files: SourceFiles, source: Path) -> Guess | None:
    """Look for label files beside photos that hold lines of YOLO's."""
    if not files.complete or not (is_data_file(source) or _may_be(files)):
        return None
    try:
        listing = list_source(ReadRequest(source))
    except UserError:
        return None
    labelled: list[Payload] = [item.payload for item in listing.items if item.payload.labels is not None]
    counts, problems = Counter[str](), Counter[str]()
    outlines = 0
    sample = spread(labelled, SAMPLED_LABEL_FILES)
    for payload in sample:
        assert payload.labels is not None
        reader = LineReader(1, 1, payload.names)
        try:
            shapes = reader.read(read_lines(payload.labels.path))
        except BadItemError as error:
            problems[str(error)] += 1
            continue
        outlines += bool(shapes)
        counts.update(str(shape.label) for shape in shapes)
        problems.update(f"{payload.labels.name}: {repair}" for repair in reader.repairs())
    if not outlines:
        return None
    named = ", named by their numbers" if not listing.classes else f" of {len(listing.classes)} named classes"
    return Guess(
        format="yolo",
        evidence=(f"{len(labelled)} label files of YOLO's beside {len(listing.items)} photos{named}",),
        images=len(listing.items),
        labels=len(labelled),
        classes=dict(counts.most_common()),
        classes_from=f"lines of {len(sample)} of {len(labelled)} label files",
        options={"unlabelled": "background"},
        problems=few(list(problems)),
    )


def _may_be(files: SourceFiles) -> bool:
    """Tell whether text files lie in a folder of labels or beside photos: without opening any."""
    texts = [PurePosixPath(name) for name in files.others if name.lower().endswith(".txt")]
    if any("labels" in text.parts[:-1] or files.root.name == "labels" for text in texts):
        return True
    photos = {str(PurePosixPath(name).with_suffix("")) for name in files.images} if texts else set()
    return any(str(text.with_suffix("")) in photos for text in texts)
