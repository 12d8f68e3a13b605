"""Known by JSON files with categories, whose annotations have a segmentation each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from db.errors import UserError
from labeling.formats.base import ReadRequest
from labeling.formats.coco.categories import categories_of
from labeling.formats.coco.files import CocoFile, find_files, photo_folders
from labeling.formats.coco.index import stream
from labeling.formats.coco.kinds import INSTANCES, Kind, category_of
from labeling.formats.panoptic.codec import PANOPTIC
from labeling.importing.recognition.guess import MAX_SAMPLED_BYTES, Guess, few
from labeling.importing.source_files import SourceFiles

SAMPLED_COCO_FILES = 20

_COCO_NAME = re.compile(r"coco|instances|annotations|panoptic", re.IGNORECASE)


def recognise_coco(files: SourceFiles, source: Path) -> Guess | None:
    """Look for JSON files with categories, where an import looks for them: at the top and one folder below."""
    return recognise_kind(files, source, INSTANCES, "coco", "background")


def recognise_kind(files: SourceFiles, source: Path, kind: Kind, format: str, unlabelled: str) -> Guess | None:
    """Look for COCO's JSON files of one kind.

    Args:
        files: of the source.
        source: the source.
        kind: of the files.
        format: its name.
        unlabelled: what pixels without a label usually become.
    """
    evidence: list[str] = []
    problems: list[str] = []
    counts = Counter[str]()
    images = labels = 0
    for file in _coco_files(files, source, kind):
        if file.path.stat().st_size > MAX_SAMPLED_BYTES:
            problems.append(f"{file.name} is larger than {MAX_SAMPLED_BYTES // 2**20} MiB and was not read.")
            continue
        try:
            categories = categories_of(stream(file.path, "categories.item"), file.path)
            annotations = stream(file.path, "annotations.item")
            first = next(annotations, {})
            if not categories or (PANOPTIC.content in first) != (kind is PANOPTIC):
                continue
            images += sum(1 for _ in stream(file.path, "images.item"))
            labelled = set[str]()
            for annotation in chain([first] if first else [], annotations):
                labelled.add(str(annotation.get("image_id")))
                for labelling in _labellings(annotation, kind):
                    category = category_of(labelling, categories)
                    counts["(no category)" if category is None else category.name] += 1
            labels += len(labelled)
        except UserError as error:
            problems.append(str(error))
            continue
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
        classes_from="all annotations",
        options={"unlabelled": unlabelled},
        problems=few(problems),
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
