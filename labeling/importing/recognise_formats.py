"""The signs by which each format is known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar

from db.errors import UserError
from labeling.formats.base import BadItemError, ReadRequest
from labeling.formats.coco_files import CocoFile, find_files, photo_folders
from labeling.formats.coco_index import categories_of, stream
from labeling.formats.labelme_document import read_document
from labeling.formats.labels import find_colors, find_labels, read_colors, read_labels
from labeling.formats.mask_layouts import find_layout
from labeling.formats.mask_scan import scan_masks
from labeling.formats.places import Place
from labeling.formats.voc import MASK_FOLDERS
from labeling.importing.source_files import SourceFiles

SAMPLED_DOCUMENTS = 200
SAMPLED_MASKS = 24
SAMPLED_COCO_FILES = 20
MAX_SAMPLED_BYTES = 64 * 2**20

_COCO_NAME = re.compile(r"coco|instances|annotations", re.IGNORECASE)

Name = TypeVar("Name")


@dataclass(frozen=True)
class Guess:
    """A format that a source may be.

    Attributes:
        format: as `workbench import` names it.
        evidence: sentences on what speaks for it.
        images: photos that it would import.
        labels: those of them with labels.
        classes: how often each class was seen in what was read (shapes; of masks: files), by name or mask value, the
            most frequent first. A source may hold more.
        classes_from: what was read for that, in words.
        options: options of the import that fit, by their names there (`classes_file`, `images`, `unlabelled`, ...).
        problems: sentences on what was wrong in what was read.
    """

    format: Literal["labelme", "coco", "voc", "masks"]
    evidence: tuple[str, ...]
    images: int
    labels: int
    classes: dict[str, int]
    classes_from: str
    options: dict[str, str]
    problems: tuple[str, ...] = ()


def recognise_labelme(files: SourceFiles, source: Path) -> Guess | None:
    """Look for JSON files with a list of shapes."""
    counts, problems = Counter[str](), Counter[str]()
    seen = 0
    sample = _spread(files.documents, SAMPLED_DOCUMENTS)
    for name in sample:
        if (files.root / name).stat().st_size > MAX_SAMPLED_BYTES:
            continue
        try:
            shapes = read_document(files.root / name).shapes
        except BadItemError as error:
            problems[f"{name}: {error}"] += 1
            continue
        seen += 1
        counts.update(_label(shape) for shape in shapes)
    if not seen:
        return None
    labels = round(len(files.documents) * seen / len(sample))
    about = "" if len(sample) == len(files.documents) else "about "
    photos = {str(PurePosixPath(name).with_suffix("")) for name in files.images}
    beside = sum(str(PurePosixPath(name).with_suffix("")) in photos for name in files.documents)
    evidence = [f"{about}{labels} labelme JSON files, {beside} of them beside a photo of their name"]
    options = {"unlabelled": "background"}
    labels_file = find_labels(ReadRequest(source), files.root)
    if labels_file is not None:
        evidence.append(f"{labels_file.name} gives the order of the classes")
        options["classes_file"] = str(labels_file)
    return Guess(
        format="labelme",
        evidence=tuple(evidence),
        images=max(len(files.images), labels),
        labels=labels,
        classes=dict(counts.most_common()),
        classes_from=f"shapes in {seen} of {len(files.documents)} label files",
        options=options,
        problems=_few(list(problems)),
    )


def recognise_coco(files: SourceFiles, source: Path) -> Guess | None:
    """Look for JSON files with categories, where an import looks for them: at the top and one folder below."""
    evidence: list[str] = []
    problems: list[str] = []
    counts = Counter[str]()
    images = labels = 0
    options = {"unlabelled": "background"}
    for file in _coco_files(files, source):
        if file.path.stat().st_size > MAX_SAMPLED_BYTES:
            problems.append(f"{file.name} is larger than {MAX_SAMPLED_BYTES // 2**20} MiB and was not read.")
            continue
        try:
            categories = categories_of(stream(file.path, "categories.item"), file.path)
            if not categories:
                continue
            images += sum(1 for _ in stream(file.path, "images.item"))
            labelled = set[str]()
            for annotation in stream(file.path, "annotations.item"):
                counts[categories.get(str(annotation.get("category_id")), "(no category)")] += 1
                labelled.add(str(annotation.get("image_id")))
            labels += len(labelled)
        except UserError as error:
            problems.append(str(error))
            continue
        evidence.append(f"{file.name} is COCO with {len(categories)} categories")
        folders = photo_folders(file, ReadRequest(source))
        if not folders:
            problems.append(f"No folder of photos was found beside {file.name}; name it.")
    if not evidence:
        return None
    return Guess(
        format="coco",
        evidence=tuple(evidence),
        images=images,
        labels=labels,
        classes=dict(counts.most_common()),
        classes_from="all annotations",
        options=options,
        problems=_few(problems),
    )


def _coco_files(files: SourceFiles, source: Path) -> list[CocoFile]:
    """Return the files to read: all of a few, of many those that are named like COCO's."""
    if not any(name.count("/") <= 1 for name in files.documents):
        return []
    found = find_files(source)
    if len(found) <= SAMPLED_COCO_FILES:
        return found
    return [file for file in found if _COCO_NAME.search(file.name)][:SAMPLED_COCO_FILES]


def recognise_voc(files: SourceFiles, source: Path) -> Guess | None:
    """Look for JPEGImages beside SegmentationClass."""
    found = next((name for name in MASK_FOLDERS if files.has_folder(name)), None)
    if found is None or not files.has_folder("JPEGImages"):
        return None
    photos = [name for name in files.images if "JPEGImages" in PurePosixPath(name).parts[:-1]]
    masks = [name for name in files.images if found in PurePosixPath(name).parts[:-1]]
    if not masks:
        return None
    folder = PurePosixPath(masks[0]).parts
    root = files.root.joinpath(*folder[: folder.index(found)])
    evidence = [f"JPEGImages with {len(photos)} photos beside {found} with {len(masks)} masks"]
    lists = sorted(path.stem for path in (root / "ImageSets" / "Segmentation").glob("*.txt"))
    lists = lists or sorted(path.stem for path in (root / "ImageSets").glob("*.txt"))
    if lists:
        evidence.append(f"VOC lists: {', '.join(_few(lists, 8))}")
    classes, read, options, problems = _mask_classes(root, [Place(files.root, name) for name in masks], evidence)
    return Guess("voc", tuple(evidence), len(photos), len(masks), classes, read, options, problems)


def recognise_masks(files: SourceFiles, source: Path) -> Guess | None:
    """Look for a folder of photos beside one of masks, or masks beside photos with a suffix."""
    if not files.images or not files.complete or not source.is_dir():
        return None
    try:
        layout = find_layout(ReadRequest(source))
    except UserError:
        return None
    evidence = [f"{len(layout.photos)} photos and {len(layout.masks)} masks of the same names"]
    masks = [Place(layout.mask_root, mask.name) for mask in layout.masks]
    classes, read, options, problems = _mask_classes(files.root, masks, evidence)
    keys = {mask.key for mask in layout.masks}
    labels = sum(photo.key in keys or photo.full_key in keys for photo in layout.photos)
    if not labels:
        return None
    return Guess("masks", tuple(evidence), len(layout.photos), labels, classes, read, options, problems)


def _mask_classes(
    root: Path, masks: Sequence[Place], evidence: list[str]
) -> tuple[dict[str, int], str, dict[str, str], tuple[str, ...]]:
    """Return the values in a sample of masks by class name, what was read, options and problems."""
    options = {"unlabelled": "ignore"}
    problems: list[str] = []
    names: tuple[str, ...] = ()
    labels_file, colors_file = find_labels(ReadRequest(root), root), find_colors(ReadRequest(root), root)
    table = {}
    try:
        if labels_file is not None:
            names = read_labels(labels_file)
            options["classes_file"] = str(labels_file)
            evidence.append(f"{labels_file.name} names {len(names)} classes")
        if colors_file is not None:
            table = read_colors(colors_file)
            options["colors_file"] = str(colors_file)
            evidence.append(f"{colors_file.name} gives the colours of {len(table)} classes")
    except UserError as error:
        problems.append(str(error))
    names = names or tuple(table)
    index = {color: names.index(name) for name, color in table.items() if name in names}
    sample = _spread(masks, SAMPLED_MASKS)
    counts = Counter[str]()
    unread = 0
    for values in scan_masks(sample, index):
        if values is None:
            unread += 1
        else:
            counts.update(names[value] if value < len(names) else str(value) for value in sorted(values))
    if unread:
        problems.append(
            f"{unread} of {len(sample)} masks that were read are in colours without a colour table, or cannot be read. "
            "Colour masks need one (--colors FILE, lines `name r g b`)."
        )
    read = f"values in {len(sample) - unread} of {len(masks)} masks"
    return dict(counts.most_common()), read, options, tuple(problems)


def _spread(names: Sequence[Name], count: int) -> list[Name]:
    """Return at most `count` of the names, evenly spread, the first among them."""
    step = max(1.0, len(names) / count)
    return [names[int(place * step)] for place in range(min(count, len(names)))]


def _label(shape: Any) -> str:
    label = shape.get("label") if isinstance(shape, dict) else None
    return label.strip() if isinstance(label, str) else "(no label)"


def _few(sentences: Sequence[str], count: int = 5) -> tuple[str, ...]:
    rest = len(sentences) - count
    return (*sentences[:count], f"and {rest} more") if rest > 0 else tuple(sentences)
