"""Known by JSON files with categories, whose annotations have a segmentation each."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from db.errors import UserError
from labeling.formats.base import ReadRequest
from labeling.formats.coco.categories import Category, categories_of
from labeling.formats.coco.files import CocoFile, find_files, photo_folders
from labeling.formats.coco.index import stream
from labeling.formats.coco.kinds import INSTANCES, Categories, Kind, category_of
from labeling.formats.panoptic.codec import PANOPTIC
from labeling.importing.recognition.guess import MAX_SAMPLED_BYTES, Guess, few
from labeling.importing.source_files import SourceFiles

SAMPLED_COCO_FILES = 20
_END_BYTES = 1 << 20

_COCO_NAME = re.compile(r"coco|instances|annotations|panoptic", re.IGNORECASE)


def recognise_coco(files: SourceFiles, source: Path) -> Guess | None:
    """Look for JSON files with categories, where an import looks for them: at the top and one folder below."""
    return recognise_kind(files, source, INSTANCES, "coco")


def recognise_kind(files: SourceFiles, source: Path, kind: Kind, format: str) -> Guess | None:
    """Look for COCO's JSON files of one kind; of a large one the beginning is read.

    Args:
        files: of the source.
        source: the source.
        kind: of the files.
        format: its name.
    """
    evidence: list[str] = []
    problems: list[str] = []
    found: list[Categories] = []
    counts = Counter[str]()
    images = labels = 0
    for file in _coco_files(files, source, kind):
        size = file.path.stat().st_size
        try:
            annotations = stream(file.path, "annotations.item", MAX_SAMPLED_BYTES)
            first = next(annotations, {})
            if (PANOPTIC.content in first) != (kind is PANOPTIC) or not (categories := _categories(file.path)):
                continue
            known = {str(image.get("id")) for image in stream(file.path, "images.item", MAX_SAMPLED_BYTES)}
            images += len(known)
            labelled = set[str]()
            for annotation in chain([first] if first else [], annotations):
                labelled.add(str(annotation.get("image_id")))
                for labelling in _labellings(annotation, kind):
                    category = category_of(labelling, categories)
                    counts["(no category)" if category is None else category.name] += 1
            # Of a large file the images may stand behind what was read.
            labels += len(labelled & known if size <= MAX_SAMPLED_BYTES else labelled)
        except UserError as error:
            problems.append(str(error))
            continue
        found.append(categories)
        if size > MAX_SAMPLED_BYTES:
            problems.append(f"Of {file.name}, {size >> 20} MiB, the first {MAX_SAMPLED_BYTES >> 20} were read.")
        evidence.append(f"{file.name} is {kind.title.removesuffix(' instances')} with {len(categories)} categories")
        if not photo_folders(file, ReadRequest(source)):
            problems.append(f"No folder of photos was found beside {file.name}; name it.")
    if not evidence:
        return None
    return Guess(
        format=format,
        evidence=tuple(evidence),
        images=images,
        labels=labels,
        classes=dict(counts.most_common()),
        classes_from="the annotations that were read" if problems else "all annotations",
        options={"unlabelled": "ignore" if kind.background(found) is None else "background"},
        problems=few(problems),
    )


def _categories(path: Path) -> dict[str, Category]:
    """Return the categories of a file, from its beginning or, as COCO's own have them, from its end."""
    found = categories_of(stream(path, "categories.item", MAX_SAMPLED_BYTES), path)
    if found or path.stat().st_size <= MAX_SAMPLED_BYTES:
        return found
    with path.open("rb") as file:
        file.seek(-_END_BYTES, os.SEEK_END)
        _, _, rest = file.read().decode("utf-8", "replace").rpartition('"categories"')
    try:
        entries, _ = json.JSONDecoder().raw_decode(rest.lstrip(": \t\r\n"))
    except (ValueError, RecursionError):
        return {}
    return (
        categories_of([entry for entry in entries if isinstance(entry, dict)], path)
        if isinstance(entries, list)
        else {}
    )


def _labellings(annotation: dict[str, Any], kind: Kind) -> list[Mapping[str, Any]]:
    """Return what names a category: an annotation of an object, or each segment of a panoptic one."""
    if not kind.has_maps:
        return [annotation]
    segments = annotation.get(kind.content)
    return [segment for segment in segments if isinstance(segment, dict)] if isinstance(segments, list) else []


def _coco_files(files: SourceFiles, source: Path, kind: Kind) -> list[CocoFile]:
    """Return the files to read: all of a few, of many those that are named like COCO's."""
    if not any(name.count("/") <= 1 for name in files.documents):
        return []
    found = find_files(source, kind.prefix)
    if len(found) <= SAMPLED_COCO_FILES:
        return found
    return [file for file in found if _COCO_NAME.search(file.name)][:SAMPLED_COCO_FILES]
