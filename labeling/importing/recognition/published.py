"""The published datasets of masks: known by their folders and names, read as an import would read them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np

from db.errors import UserError
from labeling.annotation import Special
from labeling.formats import ade20k, camvid, cihp, pets
from labeling.formats.base import BadItemError, Codec, Item, Listing, ReadRequest, Record
from labeling.formats.cityscapes import codec as cityscapes
from labeling.formats.cocostuff import codec as cocostuff
from labeling.importing.recognition.guess import Guess, few, spread
from labeling.importing.recognition.mask_classes import SAMPLED_MASKS
from labeling.importing.source_files import SourceFiles
from labeling.workers import map_in_order

_ADE_NAME = re.compile(r"ADE_(train|val)_\d{8}\.png")
_SEGNET_FOLDER = re.compile(r"(train|val|test)annot")


def recognise_cityscapes(files: SourceFiles, source: Path) -> Guess | None:
    """Look for leftImg8bit beside files named like the labels of Cityscapes."""
    named = any(cityscapes.LABEL_FILE.fullmatch(name) for name in (*files.images, *files.documents))
    if not named or not files.has_folder(cityscapes.PHOTO_FOLDER):
        return None
    return _guess("cityscapes", cityscapes, source, "leftImg8bit beside labels named like those of Cityscapes")


def recognise_ade20k(files: SourceFiles, source: Path) -> Guess | None:
    """Look for masks named like ADE20K's in a folder `annotations`."""
    named = any(_ADE_NAME.fullmatch(PurePosixPath(name).name) for name in files.images)
    if not named or not files.has_folder("annotations"):
        return None
    return _guess("ade20k", ade20k, source, "images beside annotations, named like those of ADE20K")


def recognise_cocostuff(files: SourceFiles, source: Path) -> Guess | None:
    """Look for stuffthingmaps, or for annotations with .mat files."""
    if not any(files.has_folder(name) for name in cocostuff.MAP_FOLDERS[:2]):
        mats = [PurePosixPath(name) for name in files.others if name.lower().endswith(".mat")]
        if not any(cocostuff.MAP_FOLDERS[2] in path.parts[:-1] for path in mats):
            return None
    return _guess("cocostuff", cocostuff, source, "photos beside stuffthingmaps or .mat files, as in COCO-Stuff")


def recognise_camvid(files: SourceFiles, source: Path) -> Guess | None:
    """Look for the folder of CamVid's masks; or for masks named like CamVid's or SegNet's, which must fit its table."""
    if files.has_folder("LabeledApproved_full"):
        return _guess("camvid", camvid, source, "the folder LabeledApproved_full is CamVid's")
    if any(_SEGNET_FOLDER.fullmatch(folder.rpartition("/")[2]) for folder in files.folders):
        guess = _guess("camvid", camvid, source, "train, val or test beside trainannot, valannot or testannot")
    elif any(PurePosixPath(name).stem.endswith("_L") for name in files.images):  # it may also be a left camera's
        guess = _guess("camvid", camvid, source, "masks in CamVid's colours, whose names end in _L", _in_colors)
    else:
        return None
    return guess if guess is not None and not guess.problems else None


def recognise_pets(files: SourceFiles, source: Path) -> Guess | None:
    """Look for annotations/trimaps."""
    if not any(folder == pets.MASK_FOLDER or folder.endswith(f"/{pets.MASK_FOLDER}") for folder in files.folders):
        return None
    return _guess("pets", pets, source, "images beside annotations/trimaps, as in Oxford-IIIT Pet")


def recognise_cihp(files: SourceFiles, source: Path) -> Guess | None:
    """Look for Category_ids."""
    if not files.has_folder(cihp.MASK_FOLDER):
        return None
    return _guess("cihp", cihp, source, "Images beside Category_ids, as in CIHP")


def _in_colors(listing: Listing) -> bool:
    """Tell whether CamVid's masks are in colours: numbers are of fewer classes."""
    return len(listing.classes) > len(camvid.SEGNET)


def _guess(
    format: str, codec: Codec, source: Path, evidence: str, fits: Callable[[Listing], bool] = lambda listing: True
) -> Guess | None:
    """Return the guess from the listing that an import would make, and from some labels read as it would read them."""
    request = ReadRequest(source)
    try:
        listing = codec.list_source(request)
    except UserError:
        return None  # it may still be something else
    labelled = [item for item in listing.items if item.payload.labelled]
    if not labelled or not fits(listing):
        return None
    sample = spread(labelled, SAMPLED_MASKS)
    counts, problems = Counter[str](), list[str]()
    for item, outcome in zip(sample, map_in_order(_classes_in, sample, on_death=_died, isolated=True), strict=True):
        if isinstance(outcome, str):
            problems.append(f"{item.file}: {outcome}")
        else:
            counts.update(outcome)
    return Guess(
        format=format,
        evidence=(evidence, *listing.notes),
        images=len(listing.items),
        labels=len(labelled),
        classes=dict(counts.most_common()),
        classes_from=f"{len(sample) - len(problems)} of {len(labelled)} label files",
        options={"unlabelled": "ignore"},
        problems=few(problems),
    )


def _classes_in(item: Item) -> frozenset[str] | str:
    """Return the classes of one item, or why it cannot be read."""
    try:
        record: Record = item.payload.read()
    except BadItemError as error:
        return str(error)
    labels = {shape.label for shape in record.shapes}
    if record.base is not None:
        shown = set(np.unique(record.base.pixels).tolist())
        labels |= {label for value, label in enumerate(record.base.legend) if value in shown}
    return frozenset(str(label) for label in labels if not isinstance(label, Special))


def _died(item: Item) -> str:
    return "the process that read it died, of a broken file or for lack of memory"
